"""Words drawn on a picture for people: whole and readable, whatever the picture's size and content."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from PIL import Image, ImageDraw, ImageFont

_Box: TypeAlias = tuple[int, int, int, int]

_GROUND: Final = "#101010"  # words never stand on the picture itself, which may have any colour
_SMALLEST: Final = 12  # pixels; smaller letters of Pillow's font run together
_STRIP: Final = (16, 48)  # the letters beneath a picture: a sixtieth of its long side within these
_STRIP_LETTERS: Final = 28  # em: a strip is at least so wide, or a sentence would be a column of words
_MARGIN: Final = 6
_LONGEST: Final = 10_000  # a line of a million pixels beside a strip of words would be a picture of gigabytes


class _Block(NamedTuple):
    """Words in lines, and the box that their ink takes when they are drawn at 0, 0."""

    lines: str
    size: int
    ink: _Box

    @property
    def width(self) -> int:
        return self.ink[2] - self.ink[0]

    @property
    def height(self) -> int:
        return self.ink[3] - self.ink[1]

    def draw(self, on: ImageDraw.ImageDraw, left: int, top: int, colour: str) -> None:
        """The ink's corner comes to lie at ``left``, ``top``."""
        at = (left - self.ink[0], top - self.ink[1])
        on.multiline_text(at, self.lines, fill=colour, font_size=self.size)


def framed(draw: ImageDraw.ImageDraw, box: _Box, colour: str, text: str) -> None:
    """Frame a box, and put a word or two into its corner; only the frame where they would not stay inside."""
    width, height = box[2] - box[0], box[3] - box[1]
    around = 6 * _edge(width, height)
    words = _fitting(draw, text, (width - around, height - around), min(width // 14, height // 8))
    _frame(draw, box, colour, words)


def captioned(picture: Image.Image, colour: str, text: str) -> Image.Image:
    """``picture``, in RGB, with a frame and a sentence in its upper half.

    Where that half cannot hold the sentence, a new and larger picture with the sentence beneath; of a side of more than
    10,000 pixels it shows a reduced copy.
    """
    draw, (width, height) = ImageDraw.Draw(picture), picture.size
    around = 6 * _edge(width, height)
    words = _fitting(draw, text, (width - around, height // 2 - around), min(width // 28, height // 8))
    if words is None:
        return _beneath(picture, colour, text)
    _frame(draw, (0, 0, width, height), colour, words)
    return picture


def _fitting(draw: ImageDraw.ImageDraw, text: str, room: tuple[int, int], size: int) -> _Block | None:
    """The words in letters of ``size`` pixels, or as much smaller as fits into ``room``."""
    size = max(_SMALLEST, size)
    while size >= _SMALLEST:
        words = _block(draw, text, room[0], size)
        if words.width <= room[0] and words.height <= room[1]:
            return words
        size = size * 9 // 10
    return None


def _frame(draw: ImageDraw.ImageDraw, box: _Box, colour: str, words: _Block | None) -> None:
    left, top, right, bottom = box
    edge = _edge(right - left, bottom - top)
    if min(right - left, bottom - top) <= edge:  # Pillow would draw past the box
        return
    draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=edge)
    if words:
        left, top = left + 2 * edge, top + 2 * edge
        tab = (left, top, left + words.width + 2 * edge - 1, top + words.height + 2 * edge - 1)
        draw.rectangle(tab, fill=_GROUND)
        words.draw(draw, left + edge, top + edge, colour)


def _beneath(picture: Image.Image, colour: str, text: str) -> Image.Image:
    picture.thumbnail((_LONGEST, _LONGEST))
    size = min(max(_STRIP[0], max(picture.size) // 60), _STRIP[1])
    words = _block(ImageDraw.Draw(picture), text, max(picture.width, _STRIP_LETTERS * size), size)
    width = max(picture.width, words.width) + 2 * _MARGIN
    sheet = Image.new("RGB", (width, picture.height + words.height + 3 * _MARGIN), _GROUND)
    sheet.paste(picture, (_MARGIN, _MARGIN))
    draw = ImageDraw.Draw(sheet)
    # Outside the picture: of eight rows of pixels a frame would hide the half.
    right, bottom = _MARGIN + picture.width, _MARGIN + picture.height
    draw.rectangle((_MARGIN - 2, _MARGIN - 2, right + 1, bottom + 1), outline=colour, width=2)
    words.draw(draw, _MARGIN, bottom + _MARGIN, colour)
    return sheet


def _block(draw: ImageDraw.ImageDraw, text: str, width: int, size: int) -> _Block:
    """``text`` broken at its spaces to lines of ``width`` pixels; a longer word stands alone, and is wider."""
    font = ImageFont.load_default(size)
    lines: list[str] = []
    for word in text.split(" "):
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    whole = "\n".join(lines)
    left, top, right, bottom = draw.multiline_textbbox((0, 0), whole, font=font)
    return _Block(whole, size, (int(left), int(top), -int(-right // 1), -int(-bottom // 1)))


def _edge(width: int, height: int) -> int:
    """How thick the frame of a box is. The gap beside it and the tab around the words are as wide: six in all."""
    return max(2, min(width, height) // 200)
