"""Where a picture may be cut along one axis: the hypotheses, each with the evidence of its two arms."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from starsend.tools.grid_evidence import Columns, Lines, Span
from starsend.tools.grid_strips import (
    ARMS,
    CENTRED,
    Colour,
    Cut,
    is_beside,
    is_like,
    is_near,
    painted_strip,
    strips,
)

WINDOW: Final = 0.09
"""Of the side: how far from the half a cut may lie. Models drift a few percent; 14 % off is another layout."""

_ASKED: Final = 3.0  # of a colour that was asked for a third of the evidence proves as much
_THIN: Final = 2  # columns either side in which the two edges of a thin gutter are one seam
_NO_DOUBT: Final = 0.8  # support of both arms that no texture has

WEAK_CENTRED: Final = 0.34  # least support of any arm of a centred cross
WEAK_ARM: Final = 0.42  # least support of any arm: of 514 generated grids one had less
_PLAIN_TO_SEE: Final = 0.6  # support of a line anywhere that makes cells unequal; chance edges have less
LINE: Final = 0.45  # support that makes a line count where nobody asked for one (prototype)


def middle_cut(lines: Lines, expected: Colour | None = None) -> Cut:
    """The best cut within ``WINDOW`` of the half; its arms say how good that is.

    A strip of the ``expected`` colour goes before all others.
    """
    painted = (
        None
        if expected is None
        else painted_strip(lines, expected, _about_half(lines, WINDOW), weight=_ASKED)
    )
    return painted or _best_cut(lines, WINDOW)


def off_centre_cut(lines: Lines) -> Cut | None:
    """A line as plain to see as any that is not near the half, or None; 10 % off each border at least."""
    cut = _best_cut(lines, 0.4)
    away = abs((cut.start + cut.end) / 2 / lines.breadth - 0.5)
    return cut if cut.weakest >= _PLAIN_TO_SEE and away > WINDOW else None


def _best_cut(lines: Lines, reach: float) -> Cut:
    window = _about_half(lines, reach)
    seam = _best_seam(lines, window)
    found = list(strips(lines, window))
    if not found:
        return seam
    half = lines.breadth / 2
    beside = [strip for strip in found if is_beside(strip, seam.start)]
    if beside:
        strip = min(beside, key=lambda cut: abs((cut.start + cut.end) / 2 - half))
        return replace(strip, arms=(max(strip.arms[0], seam.arms[0]), max(strip.arms[1], seam.arms[1])))
    strip = max(found, key=lambda cut: (cut.weakest, -abs((cut.start + cut.end) / 2 - half)))
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
    painted = expected if expected is not None and is_near(cut, expected) else None
    both = np.minimum(*(lines.support(arm) for arm in ARMS))
    reach = round(0.02 * lines.breadth)
    # Gutters of sixteen panels are 3 in 100 columns.
    bar = max(LINE, 1.45 * float(np.percentile(both, 95)) + 0.06)

    def is_line(at: Span) -> bool:
        if painted is not None and not is_like(lines, painted, slice(*at)).any():
            return False
        if both[slice(*at)].max() > bar:
            return True
        # JPEG leaves no seam beside a thin gutter of a strong colour, but it leaves the colour.
        same = None if cut.colour is None else painted_strip(lines, cut.colour, at, weight=1.0)
        return same is not None and same.weakest >= _NO_DOUBT

    for count, places in ((4, (1, 3)), (3, (1, 2))):
        at = [round(place / count * lines.breadth) for place in places]
        if all(is_line((x - reach, x + reach + 1)) for x in at):
            return count
    return 2 if cut.weakest >= LINE else 1


def _about_half(lines: Lines, reach: float) -> Span:
    half, around = lines.breadth // 2, round(lines.breadth * reach)
    return half - around, half + around + 1
