"""A contact sheet as PDF: the first frames in a grid, each with its sequence, title and length. Fonts are embedded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import BinaryIO, Final

from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from client_async.console.plain_words import Paper, Still, day

PAPERS: Final = {"a4": A4, "letter": LETTER}
COLUMNS: Final = 3
ROWS: Final = 5
MARGIN: Final = 40.0  # points, as all that follow
GAP: Final = 12.0
HEAD: Final = 56.0
CAPTION: Final = 34.0
FACES: Final = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("NotoSansArabic-Regular.ttf", "NotoSansArabic-Bold.ttf"),
    ("NotoSansDevanagari-Regular.ttf", "NotoSansDevanagari-Bold.ttf"),
    ("NotoSansThai-Regular.ttf", "NotoSansThai-Bold.ttf"),
    ("DroidSansFallbackFull.ttf", "DroidSansFallbackFull.ttf"),
    ("wqy-microhei.ttc", "wqy-microhei.ttc"),
    ("ipag.ttf", "ipag.ttf"),
    ("unifont.ttf", "unifont.ttf"),
    ("Vera.ttf", "VeraBd.ttf"),
)
"""Regular and bold, best first: where reportlab looks for fonts, those that are there. The last comes with reportlab."""
INK: Final = 0.1  # of grey, as the next two
QUIET: Final = 0.38
FRAME: Final = 0.72


class Faces:
    """The fonts of this machine. A text is set piece by piece, each in the first font that has its signs."""

    def __init__(self) -> None:
        self._pairs = [pair for regular, bold in FACES if (pair := _registered(regular, bold))]

    @property
    def first(self) -> str:
        """What a page begins with."""
        return self._pairs[0][0]

    def pieces(self, text: str, *, bold: bool) -> list[tuple[str, str]]:
        """Font and text, in order. A sign that no font has becomes a box."""
        found: list[tuple[str, str]] = []
        for wanted in text:
            sign, font = self._set(wanted, bold)
            if found and found[-1][0] == font:
                found[-1] = font, found[-1][1] + sign
            else:
                found.append((font, sign))
        return found

    def _set(self, sign: str, bold: bool) -> tuple[str, str]:
        for shown in (sign, "\u25a1", "?"):
            for pair in self._pairs:
                if _has(pair[bold], shown):
                    return shown, pair[bold]
        return "?", self.first

    def width(self, text: str, size: float, *, bold: bool) -> float:
        """Points."""
        pieces = self.pieces(text, bold=bold)
        return float(sum(pdfmetrics.stringWidth(piece, font, size) for font, piece in pieces))

    def lines(self, text: str, size: float, width: float, most: int, *, bold: bool = False) -> list[str]:
        """Text in at most so many lines of that width, the last cut with an ellipsis where it does not fit."""
        made: list[str] = []
        words = text.split()
        while words and len(made) < most:
            line = words.pop(0)
            while words and self.width(f"{line} {words[0]}", size, bold=bold) <= width:
                line = f"{line} {words.pop(0)}"
            is_last = len(made) == most - 1
            if is_last and words:
                line = f"{line} {' '.join(words)}"
            fitting = self._cut(line, size, width, bold=bold)
            if fitting != line and not is_last:  # one word that is longer than the line
                words.insert(0, line[len(fitting) - 1 :])
                fitting = line[: len(fitting) - 1]
            made.append(fitting)
        return made

    def _cut(self, line: str, size: float, width: float, *, bold: bool) -> str:
        if self.width(line, size, bold=bold) <= width:
            return line
        while len(line) > 1 and self.width(f"{line}…", size, bold=bold) > width:
            line = line[:-1]
        return f"{line}…"


def write_contact_sheet(
    stills: Sequence[Still], into: BinaryIO, *, title: str, project: str, made: date, paper: Paper
) -> None:
    """Write the sheet, fifteen to a page.

    Args:
        stills: pictures with their captions, in order.
        paper: ``a4`` or ``letter``, upright.
    """
    width, height = PAPERS[paper]
    faces = Faces()
    canvas = Canvas(into, pagesize=(width, height), pageCompression=1, initialFontName=faces.first)
    canvas.setTitle(title)
    canvas.setAuthor("")
    canvas.setSubject("contact sheet")
    canvas.setCreator("Starsend")
    pages = [stills[at : at + COLUMNS * ROWS] for at in range(0, len(stills), COLUMNS * ROWS)]
    for number, page in enumerate(pages, 1):
        of = f"{number} / {len(pages)}" if len(pages) > 1 else ""
        _head(canvas, faces, title, f"{project} · {day(made)}", of)
        _grid(canvas, faces, page)
        canvas.showPage()
    canvas.save()


def _head(canvas: Canvas, faces: Faces, title: str, below: str, page: str) -> None:
    width, height = canvas._pagesize
    room = width - 2 * MARGIN
    [line] = faces.lines(title, 16, room, 1, bold=True) or [""]
    _text(canvas, faces, (MARGIN, height - MARGIN - 14), line, 16, bold=True)
    _text(canvas, faces, (MARGIN, height - MARGIN - 30), below, 9, grey=QUIET)
    if page:
        at = width - MARGIN - faces.width(page, 9, bold=False)
        _text(canvas, faces, (at, height - MARGIN - 30), page, 9, grey=QUIET)


def _grid(canvas: Canvas, faces: Faces, stills: Sequence[Still]) -> None:
    width, height = canvas._pagesize
    across = (width - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
    down = (height - 2 * MARGIN - HEAD - (ROWS - 1) * GAP) / ROWS
    for place, shown in enumerate(stills):
        left = MARGIN + (place % COLUMNS) * (across + GAP)
        top = height - MARGIN - HEAD - (place // COLUMNS) * (down + GAP)
        _picture(canvas, shown.picture, (left, top), (across, down - CAPTION))
        head = f"{shown.sequence} · {shown.length or 'still'}"
        [line] = faces.lines(head, 8.5, across, 1, bold=True)
        bottom = top - (down - CAPTION)
        _text(canvas, faces, (left, bottom - 11), line, 8.5, bold=True)
        for number, line in enumerate(faces.lines(shown.title, 8, across, 2)):
            _text(canvas, faces, (left, bottom - 21 - number * 9.5), line, 8, grey=QUIET)


def _picture(canvas: Canvas, still: Path, corner: tuple[float, float], box: tuple[float, float]) -> None:
    """The whole picture, as large as fits into a box of that width and height, at its upper left corner."""
    (left, top), (width, height) = corner, box
    picture = ImageReader(str(still))
    across, down = picture.getSize()
    scale = min(width / across, height / down)
    shown = across * scale, down * scale
    canvas.drawImage(picture, left, top - shown[1], *shown)
    canvas.setStrokeGray(FRAME)
    canvas.setLineWidth(0.4)
    canvas.rect(left, top - shown[1], *shown)


def _text(
    canvas: Canvas,
    faces: Faces,
    at: tuple[float, float],
    text: str,
    size: float,
    *,
    bold: bool = False,
    grey: float = INK,
) -> None:
    left, base = at
    canvas.setFillGray(grey)
    for font, piece in faces.pieces(text, bold=bold):
        canvas.setFont(font, size)
        canvas.drawString(left, base, piece)
        left += pdfmetrics.stringWidth(piece, font, size)


def _registered(regular: str, bold: str) -> tuple[str, str] | None:
    """The names of a pair of fonts, if this machine has the regular one."""
    names = []
    for file in (regular, bold):
        name = f"sheet-{file}"
        if name not in pdfmetrics.getRegisteredFontNames():
            try:
                pdfmetrics.registerFont(TTFont(name, file))
            except (TTFError, OSError):
                break
        names.append(name)
    return (names[0], names[-1]) if names else None


def _has(font: str, sign: str) -> bool:
    return ord(sign) in pdfmetrics.getFont(font).face.charToGlyph
