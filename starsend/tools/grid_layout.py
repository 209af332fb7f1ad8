"""Is this picture a 2x2 grid? Four cell rectangles, or the reason why not.

This reader looks for the seams within 5 % of the halves, where a 2x2 grid that was asked for has them, and
cuts only where all four arms of the cross show one. What it does not do: grids with seams elsewhere are refused
(as single or wrong_layout, never yet as unequal), a gutter whose colour runs from one into another is cut at one
of its edges, and one picture behind the bars of a window is taken for four.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from starsend.tools.grid_seams import (
    Cut,
    Pixels,
    Seams,
    Span,
    best_gutter,
    best_seam,
    exact_edges,
    margins,
    noise_floor,
)
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
from starsend.tools.picture_file import BROKEN, BadPicture, as_srgb, open_picture

__all__ = ["RGB", "BadColour", "Box", "Cells", "GridVerdict", "Gutter", "Reason", "parse_colour", "read_grid"]

_WORK_SIDE: Final = 1250  # pixels of the long side at which seams are sought (docs/measured.md)
_ROWS: Final = 350  # rows read along a line: more do not change a share by a percent
_WINDOW: Final = 0.05  # of the side: how far from the half a seam may lie; image models drift a few percent
_WIDEST: Final = 0.02  # of the long side: the widest gutter
_REACH: Final = 0.02  # of the side: how far from a third or a quarter a seam still counts as there
# Support of both arms that makes a line elsewhere count as a seam (the prototype's 'quarter').
_LINE: Final = 0.45
_WEAK_ARM, _MEAN_ARM = 0.30, 0.42  # least support of any arm, and of the four together (prototype)
_NEAR_DUPLICATE: Final = 0.955  # correlation of small grey cells; the prototype's figure in docs/measured.md


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
        image = as_srgb(source if isinstance(source, Image.Image) else _opened(source)).convert("RGB")
    except BadPicture as error:
        return GridVerdict(False, "corrupt", detail=str(error))
    except BROKEN as error:
        return GridVerdict(False, "corrupt", detail=str(error) or type(error).__name__)
    if min(image.size) < 2 * MIN_CELL:
        return GridVerdict(False, "too_small", detail=f"{image.width} x {image.height} px")
    # A strip is not reduced to nothing: its short side keeps the pixels that two cells need.
    shrink = max(1, min(round(max(image.size) / _WORK_SIDE), min(image.size) // (2 * MIN_CELL)))
    work = np.asarray(image.reduce(shrink)).astype(np.int16)
    if _is_blank(work[::2, ::2].mean(axis=2)):
        return GridVerdict(False, "blank")
    upright, sideways = _Axis(work, expected), _Axis(work.transpose(1, 0, 2), expected)
    refusal = _layout_refusal(upright, sideways)
    if refusal is None and expected is not None:
        refusal = _gutter_doubt(upright.cut, sideways.cut)
    return refusal or _grid(image, shrink, upright, sideways)


class _Axis:
    """Everything known of the lines that run down ``pixels``: the cut near the half, and lines elsewhere."""

    def __init__(self, pixels: Pixels, expected: Pixels | None) -> None:
        step = max(1, pixels.shape[0] // _ROWS)
        self.pixels = np.ascontiguousarray(pixels[::step])
        length, breadth = self.pixels.shape[:2]
        clear = round(length * (_WINDOW + _WIDEST))  # the crossing itself belongs to no arm
        self.arms: tuple[Span, Span] = ((0, length // 2 - clear), (length // 2 + clear, length))
        self._seams = Seams(self.pixels, noise_floor(pixels))
        self.both = np.minimum(*(self._seams.support(arm) for arm in self.arms))
        reach = round(breadth * (_WINDOW + _WIDEST)) + 4
        window = (breadth // 2 - reach, breadth // 2 + reach + 1)
        seam = best_seam(self._seams, window, self.arms)
        # A seam must beat the lines parallel to it: slats, blinds and JPEG blocks give many middling ones.
        parallel = np.delete(self.both, slice(max(0, seam.start - 4), seam.start + 5))
        self._bar = 1.45 * float(np.percentile(parallel, 97)) + 0.06
        if min(seam.arms) <= self._bar:
            seam = Cut(seam.start, seam.end, (0.0, 0.0))
        gutter = best_gutter(self.pixels, window, self.arms, expected)
        self.cut = gutter if gutter and min(gutter.arms) >= min(_WEAK_ARM, *seam.arms) else seam

    @property
    def parts(self) -> int:
        """Into how many equal parts seams divide this axis: 4, 3, 2 or 1."""
        for parts in (4, 3):
            places = (1, 3) if parts == 4 else (1, 2)
            if all(self._line_at(place / parts) for place in places):
                return parts
        return 2 if min(self.cut.arms) >= _LINE else 1

    def _line_at(self, place: float) -> bool:
        breadth = len(self.both)
        near = slice(round(breadth * (place - _REACH)), round(breadth * (place + _REACH)) + 1)
        return float(self.both[near].max()) > max(_LINE, self._bar)


def _opened(source: bytes | Path | str) -> Image.Image:
    return open_picture(Path(source) if isinstance(source, str) else source)


def _layout_refusal(upright: _Axis, sideways: _Axis) -> GridVerdict | None:
    """Why the seams do not make a 2x2 cross, or None when they do."""
    columns, rows = upright.parts, sideways.parts
    arms = sorted((*upright.cut.arms, *sideways.cut.arms))
    if max(columns, rows) <= 2 and arms[0] >= _WEAK_ARM and sum(arms) / 4 >= _MEAN_ARM:
        return None
    if (rows, columns) == (1, 1) and arms[1] < _LINE:
        return GridVerdict(False, "single", rows=1, columns=1)
    seen = f"{rows} row{'s' * (rows > 1)} and {columns} column{'s' * (columns > 1)}"
    if (rows, columns) == (1, 1):
        seen = "some of the four seams are missing"
    return GridVerdict(False, "wrong_layout", rows=rows, columns=columns, detail=f"it shows {seen}")


def _gutter_doubt(upright: Cut, sideways: Cut) -> GridVerdict | None:
    """Why a cross of seams is not believed where a gutter of a named colour was asked for; None when it is."""
    came = [cut.colour is not None for cut in (upright, sideways)]
    if all(came):
        return None
    if any(came):  # the other seam is a chance edge in the picture
        across = "down" if came[0] else "across"
        return GridVerdict(False, "wrong_layout", detail=f"the gutter asked for runs {across} it only")
    # Panels may still meet edge to edge, but then every arm must be plain to see: a horizon and a pole are not.
    if min(*upright.arms, *sideways.arms) < _LINE:
        return GridVerdict(False, "single", rows=1, columns=1)
    return None


def _grid(image: Image.Image, shrink: int, upright: _Axis, sideways: _Axis) -> GridVerdict:
    """The verdict on a picture whose four arms were found: exact cells, unless one is blank or too small."""
    full = np.asarray(image)
    # docs/measured.md: a crop must hold no pixel of gutter or neighbour, and edges are found to a pixel or two.
    inset = max(2, round(0.002 * max(image.size)))
    (x0, left, right, x1), (y0, top, bottom, y1) = (
        _sides(full, upright.cut, sideways.cut, shrink, inset),
        _sides(full.transpose(1, 0, 2), sideways.cut, upright.cut, shrink, inset),
    )
    cells = (x0, y0, left, top), (right, y0, x1, top), (x0, bottom, left, y1), (right, bottom, x1, y1)
    if min(left - x0, x1 - right, top - y0, y1 - bottom) < MIN_CELL:
        return GridVerdict(False, "too_small", rows=2, columns=2, detail=f"{image.width} x {image.height} px")
    small = [
        np.asarray(image.resize((40, 40), Image.Resampling.BOX, box=cell).convert("L")) for cell in cells
    ]
    for number, grey in enumerate(small, start=1):
        if _is_blank(grey.astype(np.int16)):
            return GridVerdict(False, "blank_cell", rows=2, columns=2, detail=f"cell {number}")
    return GridVerdict(
        ok=True,
        reason="ok",
        cells=cells,
        rows=2,
        columns=2,
        near_duplicates=tuple(
            (i + 1, j + 1)
            for i, j in combinations(range(4), 2)
            if _correlation(small[i], small[j]) >= _NEAR_DUPLICATE
        ),
        gutter=Gutter(
            right - left - 2 * inset, bottom - top - 2 * inset, _rgb(upright.cut), _rgb(sideways.cut)
        ),
        confidence=min(1.0, *upright.cut.arms, *sideways.cut.arms),
    )


def _sides(
    full: NDArray[np.uint8], cut: Cut, other: Cut, shrink: int, inset: int
) -> tuple[int, int, int, int]:
    """Along one axis: the left cells' first column and end, the right cells' first column and end."""
    start, end = exact_edges(full, cut, shrink)
    colour = cut.colour if cut.colour is not None else other.colour
    before, after = (0, 0) if colour is None else margins(full, colour)
    breadth = full.shape[1]
    return before + inset * (before > 0), start - inset, end + inset, breadth - after - inset * (after > 0)


def _is_blank(grey: NDArray[np.int16]) -> bool:
    """Whether nearly all of it is one level, give or take the grain of an empty JPEG."""
    return bool(grey.std() < 2.5 or (np.abs(grey - np.median(grey)) < 6).mean() > 0.985)


def _correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _rgb(cut: Cut) -> RGB | None:
    if cut.colour is None:
        return None
    red, green, blue = cut.colour.tolist()
    return red, green, blue
