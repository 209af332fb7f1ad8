"""Strips of one colour along both arms: what may be a gutter, and where it begins and ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from starsend.tools.grid_evidence import BLOCKS, Lines, Span, contrast

Colour = NDArray[np.int16]

ARMS: Final[tuple[Span, Span]] = ((0, 13), (19, BLOCKS))
"""The blocks of a line before the crossing and after it; the crossing itself, wherever it lies, belongs to none."""

CENTRED: Final = 0.012
"""Of the side: a cut so near the half is where a grid's is meant to be, and needs less to be believed."""

_WIDEST: Final = 0.16  # of the side: the widest gutter, the black bars of letterboxed panels included
_NEAR_EXPECTED: Final = 48  # levels by which a gutter may miss the colour that was asked for
_CLEAR: Final = 3  # columns kept clear of a blurred edge
_NARROW: Final = 4  # columns: a thinner gutter has no inside to look at
_TEXT: Final = 0.08  # of the side: the tallest caption
_NEAR_TEXT: Final = 24  # levels by which the ground of a text may differ from the gutter
_RINGING: Final = 9  # columns beside an edge that JPEG's blocks leave restless
_ONE_SIDE: Final = 0.3  # support or other colours that make one side of a strip an edge


@dataclass(frozen=True)
class Cut:
    """A straight cut: columns ``start`` to ``end`` belong to the gutter (none when they are equal).

    ``arms`` holds the evidence, 0 to about 1, for the line before the crossing and after it; ``colour`` is the
    gutter's mean colour, None for a bare seam.
    """

    start: int
    end: int
    arms: tuple[float, float]
    colour: Colour | None = None

    def is_centred(self, breadth: int) -> bool:
        """Whether it lies at the half of so many columns."""
        return abs((self.start + self.end) / 2 / breadth - 0.5) <= CENTRED

    @property
    def weakest(self) -> float:
        """The evidence of the weaker arm."""
        return min(self.arms)


def is_near(cut: Cut, expected: Colour) -> bool:
    """Whether a cut has the colour that was asked for."""
    return cut.colour is not None and int(np.abs(cut.colour - expected).max()) <= _NEAR_EXPECTED


def strips(lines: Lines, window: Span) -> Iterator[Cut]:
    """Runs of plain columns about the window, as cuts; the evidence is where other colours begin beside them."""
    widest = round(_WIDEST * lines.breadth)
    start, end = max(1, window[0] - widest), min(lines.breadth - 1, window[1] + widest)
    plain = np.logical_and(*(lines.plain(arm, slice(start, end)) for arm in ARMS))
    runs = _runs(plain, lines.edges(slice(start, end)))
    # Bars of two colours side by side have a blurred edge between them; then a caption may stand between two strips.
    bars = _joined(runs, lambda gap: gap[1] - gap[0] <= _RINGING)
    joined = _joined(bars, lambda gap: _is_text(lines, (start + gap[0], start + gap[1])))

    def is_gutter(first: int, last: int) -> bool:
        if first == 0 or last == end - start or last - first > widest:  # a plain background
            return False
        middle = start + (first + last) / 2
        sides = (start + first - _RINGING, start + first + 2), (start + last - 1, start + last + _RINGING)
        # Without an edge on both sides it is a plain part of the picture.
        return window[0] <= middle <= window[1] and all(_is_edge(lines, side) for side in sides)

    for whole in joined:
        inside = [
            run for run in runs if whole[0] <= run[0] < run[1] <= whole[1] and run[1] - run[0] >= _NARROW
        ]
        for first, last in [whole] if is_gutter(*whole) else filter(lambda run: is_gutter(*run), inside):
            yield _strip(lines, (start + first, start + last), weight=1.0)


def painted_strip(lines: Lines, colour: Colour, window: Span, *, weight: float) -> Cut | None:
    """The run of columns in the window that have about that colour along both arms, or None.

    Where it ends is its proof: its arms are the shares of other colours beside it, times the weight, 1 at most.
    """
    start, end = window
    like = is_like(lines, colour, slice(start, end))
    cuts = []
    for first, last in _runs(like):
        at = (start + first, start + last)
        if first > 0 and last < end - start and last - first <= _WIDEST * lines.breadth:
            cuts.append(_strip(lines, at, weight=weight))
    return max(cuts, key=lambda cut: cut.weakest, default=None)


def is_beside(strip: Cut, column: int) -> bool:
    """Whether a seam in that column is the strip's edge, or in what JPEG has left beside it."""
    return strip.start - _RINGING <= column <= strip.end + _RINGING


def is_like(lines: Lines, colour: Colour, columns: slice) -> NDArray[np.bool_]:
    """Which columns have about that colour along both arms."""
    return np.logical_and(*(lines.like(colour, arm, columns, _NEAR_EXPECTED) for arm in ARMS))


def _strip(lines: Lines, at: Span, *, weight: float) -> Cut:
    """The columns as a cut; its arms are the shares of other colours beside it, times the weight, 1 at most."""
    (before, colour), (after, other) = (_others(lines, at, arm) for arm in ARMS)
    arms = (min(1.0, weight * before), min(1.0, weight * after))
    return Cut(*at, arms, ((colour + other) / 2).astype(np.int16))


def _is_edge(lines: Lines, columns: Span) -> bool:
    """Whether both arms show a straight edge somewhere in the columns."""
    here = slice(max(0, columns[0]), columns[1] + 1)
    return min(float(lines.support(arm)[here].max()) for arm in ARMS) >= _ONE_SIDE


def _others(lines: Lines, strip: Span, arm: Span) -> tuple[float, NDArray[Any]]:
    """The share of rows with another colour beside the strip, on one side or the other; and the strip's colour."""
    planes = lines.planes[:, lines.rows(arm)]
    middle = (strip[0] + strip[1]) // 2
    core = planes[:, :, max(strip[0], middle - 1) : max(strip[0] + 1, middle + 1)].mean(axis=2)
    plain = core.astype(np.uint8)
    least = max(8, 0.8 * lines.tolerance)
    seen = [
        contrast(planes[:, :, min(max(0, column), lines.breadth - 1)], plain) > least
        for away in (_CLEAR, _RINGING)
        for column in (strip[0] - away, strip[1] + away - 1)
    ]
    return float(np.logical_or.reduce(seen).mean()), core.mean(axis=1)


def _joined(spans: list[Span], belongs: Callable[[Span], bool]) -> list[Span]:
    """Spans made one whose gap belongs to them."""
    joined: list[Span] = []
    for span in spans:
        if joined and belongs((joined[-1][1], span[0])):
            joined[-1] = (joined[-1][0], span[1])
        else:
            joined.append(span)
    return joined


def _is_text(lines: Lines, columns: Span) -> bool:
    """Whether there is nothing but a line of text there, on the ground of the columns before and after."""
    before, after = lines.planes[:, :, columns[0] - 1, None], lines.planes[:, :, columns[1], None]
    if columns[1] - columns[0] > _TEXT * lines.breadth or contrast(before, after).mean() > _NEAR_TEXT:
        return False
    between = contrast(lines.planes[:, :, columns[0] : columns[1]], before) <= _NEAR_TEXT
    return all(float(between[lines.rows(arm)].mean(axis=0).min()) > 0.5 for arm in ARMS)


def _runs(mask: NDArray[np.bool_], breaks: NDArray[np.bool_] | None = None) -> list[Span]:
    """The stretches of True, as (start, end); a new one begins at each of the ``breaks``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    spans = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    if breaks is None:
        return spans
    ends = [[a, *(a + 1 + np.flatnonzero(breaks[a + 1 : b])).tolist(), b] for a, b in spans]
    return [pair for span in ends for pair in pairwise(span)]


def like_other(lines: Lines, cut: Cut, other: Cut) -> Cut:
    """A bare seam made a gutter of the other axis's width and colour, where one side of it looks like that.

    A dark panel ends invisibly on a black gutter, but the gutters of a sheet are of one width.
    """
    width, colour = other.end - other.start, other.colour
    if cut.colour is not None or colour is None or width < _NARROW:
        return cut
    sides = [(cut.start - width, cut.start), (cut.start, cut.start + width)]
    for start, end in sorted(sides, key=lambda side: abs(sum(side) - lines.breadth)):
        columns = slice(start + 1, end - 1)
        if all(lines.plain(arm, columns).all() for arm in ARMS) and (
            np.abs(lines.colour(columns) - colour).max() <= _NEAR_TEXT
        ):
            return replace(cut, start=start, end=end, colour=colour)
    return cut
