"""Is this picture a 2x2 grid? Four cell rectangles, or the reason why not.

The steps, each a function or a module of its own: decode (``grid_source``), evidence (``grid_evidence``), hypotheses
(``grid_strips``, ``grid_cuts``), layout, exact edges (``grid_edges``), doubts, verdict (``grid_verdict``). docs/grids.md shows them in pictures.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from starsend.tools.grid_cuts import LINE, WEAK_ARM, WEAK_CENTRED, middle_cut, off_centre_cut, parts
from starsend.tools.grid_doubts import Beyond, beyond, goes_on, is_blank, nearly_same, one_picture_behind
from starsend.tools.grid_edges import View, caption_beneath, exact_edges, margins
from starsend.tools.grid_evidence import Lines, Span, grain_of
from starsend.tools.grid_source import decoded, developed, reduced
from starsend.tools.grid_strips import Colour, Cut, is_near, like_other
from starsend.tools.grid_verdict import (
    MIN_CELL,
    RGB,
    BadColour,
    Box,
    Cells,
    GridVerdict,
    Gutter,
    Reason,
    parse_colour,
)
from starsend.tools.picture_file import BROKEN, BadPicture

__all__ = ["RGB", "BadColour", "Box", "Cells", "GridVerdict", "Gutter", "Reason", "parse_colour", "read_grid"]

_VIVID: Final = 128  # levels between a colour's channels: no wood, wall or sky has so many
_CAPTION: Final = 10  # rows of the smallest caption
_LONGEST: Final = 16  # times the short side: no frame is so long, and a strip is too thin to be reduced


def read_grid(
    source: Image.Image | bytes | Path | str, *, expected_gutter: str | RGB | None = None
) -> GridVerdict:
    """Read a picture's layout from its pixels.

    Args:
        source: a decoded picture (cheapest: decode once), a file's bytes, or a path.
        expected_gutter: the colour that was asked for between the cells. Strips near it need less evidence;
            a grid without it is still recognised by its seams.

    Raises:
        BadColour: ``expected_gutter`` is no colour. Nothing else: a picture that cannot be read is a verdict.
    """
    expected = None if expected_gutter is None else np.array(parse_colour(expected_gutter), np.int16)
    try:
        image = decoded(source)
    except BadPicture as error:
        return GridVerdict(False, "corrupt", detail=str(error))
    except BROKEN as error:
        return GridVerdict(False, "corrupt", detail=str(error) or type(error).__name__)
    if refusal := _size_refusal(image):
        return refusal
    shrink, work = reduced(image)
    if is_blank(np.asarray(work.resize((64, 64), Image.Resampling.BOX, reducing_gap=1))):
        return GridVerdict(False, "blank")
    upright, sideways = _axes(image, work, shrink, expected)
    refusal = _layout_refusal(upright, sideways)
    if refusal is None and expected is not None:
        refusal = _gutter_doubt(upright.cut, sideways.cut, expected)
    verdict = refusal or _crossed(work, upright, sideways)
    if expected is None:
        return verdict
    return replace(verdict, as_asked=all(is_near(axis.cut, expected) for axis in (upright, sideways)))


class _Axis:
    """One axis of a picture: the evidence, the cut near the half, and the full picture to measure it in."""

    def __init__(self, lines: Lines, view: View, shrink: int, expected: Colour | None) -> None:
        self.lines = lines
        self.view = view
        self.cut = middle_cut(lines, expected)
        self.shrink = shrink
        self._expected = expected

    @cached_property
    def parts(self) -> int:
        """Into how many equal parts lines divide it."""
        return parts(self.lines, self.cut, self._expected)

    @cached_property
    def bar(self) -> Span:
        """Where the first cells end and the second ones begin, in pixels of the full picture."""
        return exact_edges(self.view, self.cut, self.shrink)

    @property
    def width(self) -> int:
        """The gutter's, in pixels of the full picture."""
        return self.bar[1] - self.bar[0]

    @property
    def ground(self) -> Colour:
        """The gutter's colour beside the first cells, where no caption is."""
        at = self.cut.start + 1
        return self.lines.colour(slice(at, at + 2)).astype(np.int16)

    @property
    def is_painted(self) -> bool:
        """Whether the gutter has the colour that was asked for, and one that nothing is framed in by chance."""
        asked = self._expected
        return asked is not None and is_near(self.cut, asked) and int(np.ptp(asked)) >= _VIVID

    @property
    def beyond(self) -> list[Beyond]:
        """What lies on both sides of the cut."""
        return beyond(self.lines, (self.bar[0] // self.shrink, -(-self.bar[1] // self.shrink)))


def _size_refusal(image: Image.Image) -> GridVerdict | None:
    """Why four frames have no room in a picture of this size; None when they have."""
    size = f"{image.width} x {image.height} px"
    if min(image.size) < 2 * MIN_CELL:
        return GridVerdict(False, "too_small", detail=size)
    if max(image.size) > _LONGEST * min(image.size):
        return GridVerdict(False, "single", rows=1, columns=1, detail=f"in a strip, {size}")
    return None


def _axes(image: Image.Image, work: Image.Image, shrink: int, expected: Colour | None) -> tuple[_Axis, _Axis]:
    """Evidence and hypothesis for lines down the picture and for lines across it."""
    pixels = developed(work)
    grain = grain_of(pixels)
    upright = _Axis(Lines(pixels, grain), View(image), shrink, expected)
    sideways = _Axis(Lines(pixels.transpose(1, 0, 2), grain), View(image, across=True), shrink, expected)
    return upright, sideways


def _layout_refusal(upright: _Axis, sideways: _Axis) -> GridVerdict | None:
    """Why the seams do not make a 2x2 cross, or None when they do."""
    columns, rows = upright.parts, sideways.parts
    arms = sorted((*upright.cut.arms, *sideways.cut.arms))
    centred = all(axis.cut.is_centred(axis.lines.breadth) for axis in (upright, sideways))
    if max(columns, rows) <= 2 and arms[0] >= (WEAK_CENTRED if centred else WEAK_ARM):
        return None
    if max(columns, rows) <= 2:
        off = [off_centre_cut(axis.lines) for axis in (upright, sideways)]
        if all(cut or n == 2 for cut, n in zip(off, (columns, rows), strict=True)) and any(off):
            return GridVerdict(False, "unequal", rows=2, columns=2)
    if (rows, columns) in {(1, 2), (2, 1)}:
        axis = upright if columns == 2 else sideways
        if goes_on(axis.beyond, bare=axis.cut.colour is None):
            return GridVerdict(False, "single", rows=1, columns=1)
    if (rows, columns) == (1, 1) and arms[1] < LINE:
        return GridVerdict(False, "single", rows=1, columns=1)
    seen = f"{rows} row{'s' * (rows > 1)} and {columns} column{'s' * (columns > 1)}"
    if (rows, columns) == (1, 1):
        seen = "some of the four seams are missing"
    return GridVerdict(False, "wrong_layout", rows=rows, columns=columns, detail=f"it shows {seen}")


def _gutter_doubt(down: Cut, across: Cut, expected: Colour) -> GridVerdict | None:
    """Why a cross of seams is not believed where a gutter of a named colour was asked for; None when it is."""
    came = [is_near(cut, expected) for cut in (down, across)]
    if all(came):
        return None
    if any(came):  # the other seam is a chance edge in the picture
        way = "down" if came[0] else "across"
        return GridVerdict(False, "wrong_layout", detail=f"the gutter asked for runs {way} it only")
    # Panels may still meet edge to edge, but then every arm must be plain to see: a horizon and a pole are not.
    if min(down.weakest, across.weakest) < LINE:
        return GridVerdict(False, "single", rows=1, columns=1)
    return None


def _crossed(work: Image.Image, upright: _Axis, sideways: _Axis) -> GridVerdict:
    """The verdict on a picture whose four arms were found: exact cells, unless something speaks against them."""
    for axis, other in ((upright, sideways), (sideways, upright)):
        axis.cut = like_other(axis.lines, axis.cut, other.cut)
    cells = _cells(upright, sideways)
    width, height = upright.view.breadth, sideways.view.breadth
    if any(min(right - left, bottom - top) < MIN_CELL for left, top, right, bottom in cells):
        return GridVerdict(False, "too_small", rows=2, columns=2, detail=f"{width} x {height} px")
    small = [_small(work, cell, upright.shrink) for cell in cells]
    empty = next((number for number, cell in enumerate(small, start=1) if is_blank(np.asarray(cell))), None)
    pairs = combinations(range(4), 2) if empty is None else ()
    twins = tuple((i + 1, j + 1) for i, j in pairs if nearly_same(small[i], small[j]))
    # No window shows the same picture twice, and none is magenta because that was asked for.
    if not (twins or (upright.is_painted and sideways.is_painted)) and one_picture_behind(
        upright.beyond + sideways.beyond
    ):
        return GridVerdict(False, "single", rows=1, columns=1, detail="behind a cross of bars")
    if empty is not None:
        return GridVerdict(False, "blank_cell", rows=2, columns=2, detail=f"cell {empty}")
    return GridVerdict(
        ok=True,
        reason="ok",
        cells=cells,
        rows=2,
        columns=2,
        near_duplicates=twins,
        gutter=Gutter(upright.width, sideways.width, _rgb(upright.cut), _rgb(sideways.cut)),
        confidence=min(1.0, upright.cut.weakest, sideways.cut.weakest),
    )


def _cells(upright: _Axis, sideways: _Axis) -> Cells:
    """The four boxes: a pixel inside every edge that was measured, for edges are found to a pixel."""
    outside = margins(upright.view.image, upright.lines.tolerance)
    x0, y0, right, below = (margin + (margin > 0) for margin in outside)
    x1, y1 = upright.view.breadth - right, sideways.view.breadth - below
    left, second = upright.bar[0] - 1, upright.bar[1] + 1
    top, lower = sideways.bar[0] - 1, sideways.bar[1] + 1
    as_above = lower + top - y0  # the panels of a sheet are of one height, and so are their captions
    higher = y1 - as_above
    if (
        sideways.cut.colour is not None
        and _CAPTION < higher <= 1.5 * sideways.width
        and caption_beneath(upright.view.image, as_above, sideways.ground, upright.lines.tolerance)
    ):
        y1 = as_above - 1
    return (x0, y0, left, top), (second, y0, x1, top), (x0, lower, left, y1), (second, lower, x1, y1)


def _small(work: Image.Image, cell: Box, shrink: int) -> Image.Image:
    """A cell as 40 x 40 pixels: grain is averaged out, and what it shows is still there."""
    left, top, right, bottom = (side / shrink for side in cell)
    return work.resize((40, 40), Image.Resampling.BOX, box=(left, top, right, bottom), reducing_gap=1)


def _rgb(cut: Cut) -> RGB | None:
    if cut.colour is None:
        return None
    red, green, blue = cut.colour.tolist()
    return red, green, blue
