"""Pure picture functions: cut a cell, compose four pictures into a sheet, lay out a contact sheet.

Pictures come in by ``open_picture`` and go out by ``save_picture``, both offered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from starsend.errors import BadInput
from starsend.tools.grid_verdict import RGB, Box, Cells, parse_colour
from starsend.tools.picture_file import BadPicture, as_srgb, open_picture, save_picture

__all__ = [
    "BadCell",
    "BadPicture",
    "BadSheet",
    "SheetEntry",
    "composite_grid",
    "composited_cells",
    "contact_sheet",
    "extract_grid_cell",
    "flattened",
    "open_picture",
    "save_picture",
]

# The contact sheet's measures in pixels: four columns fit a laptop's screen, and 16 px text stays readable.
_THUMB: Final = (320, 240)
_PAD: Final = 16
_TEXT: Final = 16
_LINE: Final = 22
_TITLE_LINES: Final = 2
_PAPER, _INK, _FAINT, _EMPTY, _MARK = "#1b1b1e", "#f2f2f2", "#a8a8ae", "#333338", "#ffb000"


class BadCell(BadInput):
    """A cell that is not 1, 2, 3 or 4, or whose box does not lie in the picture."""


class BadSheet(BadInput):
    """Pictures or measures of which no sheet can be made."""


@dataclass(frozen=True)
class SheetEntry:
    """One picture of a contact sheet: ``title`` and ``caption`` stand under it, ``highlight`` circles the take."""

    picture: Path | Image.Image
    title: str
    caption: str = ""
    highlight: bool = False


def extract_grid_cell(image: Image.Image, cell: int, layout: Cells) -> Image.Image:
    """Cut one cell out of a grid: the box's own pixels, in the grid's mode and with its ICC profile.

    Args:
        image: the decoded grid.
        cell: 1 top-left, 2 top-right, 3 bottom-left, 4 bottom-right.
        layout: the four boxes, as ``read_grid``, ``composite_grid`` or ``composited_cells`` gives them.

    Raises:
        BadCell: there is no such cell, or its box is empty or reaches outside ``image``.
    """
    # True is an int equal to 1, and nobody means it so.
    if type(cell) is not int or not 1 <= cell <= 4:
        raise BadCell(
            f"there is no cell {cell!r} in a 2x2 grid",
            remedy="pick 1 (top left), 2 (top right), 3 (bottom left) or 4 (bottom right)",
        )
    left, top, right, bottom = box = layout[cell - 1]
    if not (0 <= left < right <= image.width and 0 <= top < bottom <= image.height):
        raise BadCell(
            f"cell {cell} is {box}, which is not inside a picture of {image.width} x {image.height}",
            remedy="read the grid again: this layout belongs to another picture",
        )
    return image.crop(box)


def composite_grid(
    images: Sequence[Image.Image],
    *,
    size: tuple[int, int],
    gutter: int = 0,
    gutter_colour: str | RGB = "white",
) -> tuple[Image.Image, Cells]:
    """Compose exactly four pictures into one 2x2 sheet, and say where each of them lies.

    A cell is a start frame, so it must be filled: a picture of another aspect is scaled without distortion
    until it covers its cell, and cropped evenly about its centre. Colours are converted to sRGB through each
    picture's ICC profile; what is transparent shows the gutter's colour.

    Args:
        images: in reading order, of any size and mode; they are not changed.
        size: width and height of the sheet in pixels.
        gutter: pixels between the cells; there is no margin outside them. When a side does not divide evenly,
            the right or lower cells are a pixel longer.
        gutter_colour: a name, ``#rrggbb`` or three levels.

    Returns:
        The sheet, 8-bit sRGB without a profile, and the exact boxes of its cells.

    Raises:
        BadSheet: not four pictures, a negative gutter, or a sheet too small to leave every cell a pixel.
        BadColour: ``gutter_colour`` is no colour.
    """
    if len(images) != 4:
        raise BadSheet(f"a 2x2 sheet takes four pictures, not {len(images)}", remedy="give exactly four")
    if gutter < 0 or min(size) - gutter < 2:
        raise BadSheet(
            f"a sheet of {size[0]} x {size[1]} px cannot hold four cells and a gutter of {gutter} px",
            remedy="make the sheet larger or the gutter 0 or a little more",
        )
    colour = parse_colour(gutter_colour)
    cells = _cells(size, gutter)
    sheet = Image.new("RGB", size, colour)
    for image, box in zip(images, cells, strict=True):
        cell_size = box[2] - box[0], box[3] - box[1]
        _paste(sheet, ImageOps.fit(as_srgb(image), cell_size, Image.Resampling.LANCZOS), box[:2])
    return sheet, cells


def composited_cells(sheet: Image.Image, *, gutter: int) -> Cells | None:
    """The cells of a sheet that ``composite_grid`` made with this gutter: its own boxes, whatever the cells show.

    ``read_grid`` has to judge by what it sees, stays a pixel inside, and refuses a cell with nothing in it.

    Returns:
        None where the bars between the boxes are not one colour to the last bit: this is another picture.
    """
    if gutter < 1 or min(sheet.size) - gutter < 2:
        return None
    cells = _cells(sheet.size, gutter)
    (_, _, x, y), (right, bottom) = cells[0], cells[3][:2]
    bars = (x, 0, right, sheet.height), (0, y, sheet.width, bottom)
    colours = [sheet.crop(bar).getcolors(1) for bar in bars]
    if not all(colours) or sheet.getpixel((x, 0)) != sheet.getpixel((0, y)):
        return None
    return cells


def flattened(image: Image.Image, ground: str | RGB = "white") -> Image.Image:
    """A new 8-bit sRGB picture of the same size without transparency: what is transparent shows ``ground``."""
    picture = Image.new("RGB", image.size, parse_colour(ground))
    _paste(picture, as_srgb(image), (0, 0))
    return picture


def contact_sheet(entries: Sequence[SheetEntry], *, columns: int = 4) -> Image.Image:
    """A sheet for people: each picture in a 320 x 240 px frame, its title (two lines) and caption beneath.

    Pictures are scaled down to fit, never cropped, distorted or enlarged; text that does not fit ends in an
    ellipsis, and characters that Pillow's embedded font lacks show as boxes. A picture that cannot be opened
    leaves its frame empty with the words "cannot be shown": one bad file does not cost a day's sheet.

    Raises:
        BadSheet: no entries, or fewer than one column.
    """
    if not entries or columns < 1:
        raise BadSheet("a contact sheet needs a picture and a column", remedy="name at least one of each")
    columns = min(columns, len(entries))
    rows = -(-len(entries) // columns)
    width, height = _THUMB[0] + _PAD, _THUMB[1] + _LINE * (_TITLE_LINES + 1) + _PAD
    sheet = Image.new("RGB", (columns * width + _PAD, rows * height + _PAD), _PAPER)
    for index, entry in enumerate(entries):
        row, column = divmod(index, columns)
        _draw_entry(sheet, entry, _PAD + column * width, _PAD + row * height)
    return sheet


def _cells(size: tuple[int, int], gutter: int) -> Cells:
    width, height = size
    x, y = (width - gutter) // 2, (height - gutter) // 2
    right, bottom = x + gutter, y + gutter
    return (0, 0, x, y), (right, 0, width, y), (0, bottom, x, height), (right, bottom, width, height)


def _paste(sheet: Image.Image, picture: Image.Image, corner: tuple[int, int]) -> None:
    sheet.paste(picture, corner, picture if picture.mode == "RGBA" else None)


def _draw_entry(sheet: Image.Image, entry: SheetEntry, left: int, top: int) -> None:
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_TEXT)
    frame: Box = (left, top, left + _THUMB[0], top + _THUMB[1])
    draw.rectangle((left, top, frame[2] - 1, frame[3] - 1), fill=_EMPTY)
    thumb = _thumbnail(entry.picture)
    if thumb is None:
        draw.text((left + _PAD, top + _PAD), "cannot be shown", fill=_FAINT, font=font)
    else:
        corner = (left + (_THUMB[0] - thumb.width) // 2, top + (_THUMB[1] - thumb.height) // 2)
        _paste(sheet, thumb, corner)
    if entry.highlight:
        draw.rectangle((left - 4, top - 4, frame[2] + 3, frame[3] + 3), outline=_MARK, width=4)
    lines = _wrapped(entry.title, font, _TITLE_LINES)
    for number, line in enumerate(lines):
        draw.text(
            (left, frame[3] + 4 + number * _LINE), line, fill=_MARK if entry.highlight else _INK, font=font
        )
    for line in _wrapped(entry.caption, font, 1):
        draw.text((left, frame[3] + 4 + len(lines) * _LINE), line, fill=_FAINT, font=font)


def _thumbnail(picture: Path | Image.Image) -> Image.Image | None:
    try:
        image = open_picture(picture) if isinstance(picture, Path) else picture
    except BadPicture:
        return None
    thumb = as_srgb(image)
    # Halving by boxes first, to twice the size: 22 ms instead of 59 at 2752x1536 (docs/measured.md).
    thumb.thumbnail(_THUMB, Image.Resampling.LANCZOS, reducing_gap=2)
    return thumb


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, most: int) -> list[str]:
    """``text`` in at most ``most`` lines that fit under a frame, broken at spaces, the last one ellipsised."""
    lines: list[str] = []
    words = text[:400].split()  # more than any two lines hold, and measuring a novel would take minutes
    while words and len(lines) < most:
        count = len(words)
        while len(lines) < most - 1 and count > 1 and font.getlength(" ".join(words[:count])) > _THUMB[0]:
            count -= 1
        line, words = " ".join(words[:count]), words[count:]
        lines.append(_ellipsised(line, font))
    return lines


def _ellipsised(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(line) <= _THUMB[0]:
        return line
    while line and font.getlength(f"{line}…") > _THUMB[0]:
        line = line[:-1]
    return f"{line.rstrip()}…"
