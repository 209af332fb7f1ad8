"""Where a picture may be cut along one axis: the hypotheses, each with the evidence of its two arms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from starsend.tools.grid_evidence import BLOCKS, Columns, Lines, Span, contrast

Colour = NDArray[np.int16]

ARMS: Final[tuple[Span, Span]] = ((0, 13), (19, BLOCKS))
"""The blocks of a line before the crossing and after it; the crossing itself, wherever it lies, belongs to none."""

WINDOW: Final = 0.09
"""Of the side: how far from the half a cut may lie. Models drift a few percent; 14 % off is another layout."""

_WIDEST: Final = 0.16  # of the side: the widest gutter, the black bars of letterboxed panels included
_NEAR_EXPECTED: Final = 48  # levels by which a gutter may miss the colour that was asked for
_CLEAR: Final = 3  # columns kept clear of a blurred edge
_THIN: Final = 2  # columns either side in which the two edges of a thin gutter are one seam
_NO_DOUBT: Final = 0.8  # support of both arms that no texture has
_NARROW: Final = 4  # columns: a thinner gutter has no inside to look at
_TEXT: Final = 0.08  # of the side: the tallest caption
_NEAR_TEXT: Final = 24  # levels by which the ground of a text may differ from the gutter
_RINGING: Final = 9  # columns beside an edge that JPEG's blocks leave restless
_ONE_SIDE: Final = 0.3  # support or other colours that make one side of a strip an edge
CENTRED: Final = 0.012
"""Of the side: a cut so near the half is where a grid's is meant to be, and needs less to be believed."""

WEAK_CENTRED: Final = 0.34  # least support of any arm of a centred cross
WEAK_ARM: Final = 0.42  # least support of any arm: of 514 generated grids one had less
_PLAIN_TO_SEE: Final = 0.6  # support of a line anywhere that makes cells unequal; chance edges have less
LINE: Final = 0.45  # support that makes a line count where nobody asked for one (prototype)


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


def middle_cut(lines: Lines, expected: Colour | None = None) -> Cut:
    """The best cut within ``WINDOW`` of the half; its arms say how good that is.

    A strip of the ``expected`` colour goes before all others.
    """
    asked_for = None if expected is None else _asked_for(lines, expected)
    return asked_for or _best_cut(lines, WINDOW)


def is_near(cut: Cut, expected: Colour) -> bool:
    """Whether a cut has the colour that was asked for."""
    return cut.colour is not None and int(np.abs(cut.colour - expected).max()) <= _NEAR_EXPECTED


def off_centre_cut(lines: Lines) -> Cut | None:
    """A line as plain to see as any that is not near the half, or None; 10 % off each border at least."""
    cut = _best_cut(lines, 0.4)
    away = abs((cut.start + cut.end) / 2 / lines.breadth - 0.5)
    return cut if cut.weakest >= _PLAIN_TO_SEE and away > WINDOW else None


def _best_cut(lines: Lines, reach: float) -> Cut:
    window = _about_half(lines, reach)
    seam = _best_seam(lines, window)
    strips = list(_strips(lines, window))
    if not strips:
        return seam
    beside = [strip for strip in strips if strip.start - _RINGING <= seam.start <= strip.end + _RINGING]
    if beside:
        strip = max(beside, key=lambda cut: cut.end - cut.start)
        return replace(strip, arms=(max(strip.arms[0], seam.arms[0]), max(strip.arms[1], seam.arms[1])))
    strip = max(strips, key=lambda cut: cut.weakest)
    return strip if strip.weakest >= max(WEAK_ARM, seam.weakest) else seam


def _best_seam(lines: Lines, window: Span) -> Cut:
    """The column of ``window`` where both arms have most support, and none if lines parallel to it have as much.

    Slats, blinds and JPEG's blocks give many middling lines, so a seam must beat 97 in 100 of them by half (prototype), one
    at the very middle by less, for few chance lines lie there; and none when hardly a pixel of it is in doubt.
    """
    # A thin gutter has two edges, and one arm may show this one best and the other that one.
    supports = [lines.support(arm) for arm in ARMS]
    first, second = map(_highest_near, supports)
    both = np.minimum(first, second)
    here = slice(*window)
    at = window[0] + int(np.argmax((0.6 * both + 0.2 * (first + second))[here]))
    parallel = np.delete(both, slice(max(0, at - 4), at + 5))
    centred = abs(at / lines.breadth - 0.5) <= CENTRED
    bar = min(_NO_DOUBT, (1.15 if centred else 1.45) * float(np.percentile(parallel, 97)) + 0.06)
    exact = at - _THIN + int(np.argmax((supports[0] + supports[1])[at - _THIN : at + _THIN + 1]))
    return Cut(exact, exact, (float(first[at]), float(second[at])) if both[at] > bar else (0.0, 0.0))


def _highest_near(support: Columns) -> Columns:
    """For every column the highest value within ``_THIN`` columns."""
    around = sliding_window_view(np.pad(support, _THIN), 2 * _THIN + 1)
    highest: Columns = around.max(axis=1)
    return highest


def parts(lines: Lines, cut: Cut, expected: Colour | None = None) -> int:
    """Into how many equal parts lines divide this axis: 4, 3, 2 or 1; ``cut`` is the one near the half.

    Where that one has the ``expected`` colour, lines of other colours are in the panels.
    """
    asked_for = expected if expected is not None and is_near(cut, expected) else None
    supports = [lines.support(arm) for arm in ARMS]
    both = np.minimum(*supports)
    # Each arm may show another edge of a thin gutter; then the gutter's colour must be there too.
    about = np.minimum(*map(_highest_near, supports))
    reach = round(0.02 * lines.breadth)
    bar = max(
        LINE, 1.45 * float(np.percentile(both, 95)) + 0.06
    )  # gutters of sixteen panels are 3 in 100 columns

    def is_line(here: slice) -> bool:
        if asked_for is not None and not _is_like(lines, asked_for, here).any():
            return False
        if both[here].max() > bar:
            return True
        return (
            cut.colour is not None
            and about[here].max() > bar
            and bool(_is_like(lines, cut.colour, here).any())
        )

    for count, places in ((4, (1, 3)), (3, (1, 2))):
        at = [round(place / count * lines.breadth) for place in places]
        if all(is_line(slice(x - reach, x + reach + 1)) for x in at):
            return count
    return 2 if cut.weakest >= LINE else 1


def _asked_for(lines: Lines, expected: Colour) -> Cut | None:
    """The run of columns near the half that have the expected colour along both arms; where it ends is its proof."""
    start, end = _about_half(lines, WINDOW)
    like = _is_like(lines, expected, slice(start, end))
    cuts = []
    for first, last in _runs(like):
        at = (start + first, start + last)
        if first > 0 and last < end - start and last - first <= _WIDEST * lines.breadth:
            cuts.append(_strip(lines, at, weight=3.0))  # asked for: a third of the evidence proves as much
    return max(cuts, key=lambda cut: cut.weakest, default=None)


def _is_like(lines: Lines, colour: Colour, columns: slice) -> NDArray[np.bool_]:
    """Which columns have about that colour along both arms."""
    return np.logical_and(*(lines.like(colour, arm, columns, _NEAR_EXPECTED) for arm in ARMS))


def _about_half(lines: Lines, reach: float) -> Span:
    half, around = lines.breadth // 2, round(lines.breadth * reach)
    return half - around, half + around + 1


def _strips(lines: Lines, window: Span) -> Iterator[Cut]:
    """Runs of plain columns about the window, as cuts; the evidence is where other colours begin beside them."""
    widest = round(_WIDEST * lines.breadth)
    start, end = max(1, window[0] - widest), min(lines.breadth - 1, window[1] + widest)
    plain = np.logical_and(*(lines.plain(arm, slice(start, end)) for arm in ARMS))
    # Bars of two colours side by side have a blurred edge between them; then a caption may stand between two strips.
    bars = _joined(_runs(plain), lambda gap: gap[1] - gap[0] <= _RINGING)
    for first, last in _joined(bars, lambda gap: _is_text(lines, (start + gap[0], start + gap[1]))):
        if first == 0 or last == end - start or last - first > widest:  # a plain background, not a gutter
            continue
        at = (start + first, start + last)
        sides = (at[0] - _RINGING, at[0] + 2), (at[1] - 1, at[1] + _RINGING)
        if not window[0] <= sum(at) / 2 <= window[1] or not all(_is_edge(lines, side) for side in sides):
            continue  # without an edge on both sides it is a plain part of the picture
        yield _strip(lines, at, weight=1.0)


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


def _runs(mask: NDArray[np.bool_]) -> list[Span]:
    """The stretches of True, as (start, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
