"""What speaks against a cross that was found: one picture behind bars, nothing in a cell, the same picture twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from starsend.tools.grid_evidence import Lines, Span
from starsend.tools.grid_strips import ARMS

Floats = NDArray[np.float32]

# How much the picture changes across a bar, over how much it does as far apart beside the bar. Of 60 generated windows
# 56 have at most 1.9 on their worst arm, of 1,023 grids all but seven more, near duplicates and missed frames most of them.
_GOES_ON: Final = 1.4
_MAY_GO_ON: Final = 2.1
_FRAME: Final = 0.3  # below this nothing changes at all: a frame round each panel, and no picture
# By how much the content on both sides must correlate better where it is than where it is shifted.
_ALIGNED: Final = 0.25


_SAME: Final = 0.93  # correlation of small grey cells
_ALIKE, _HASHED = 0.80, 0.80  # correlation, and share of a difference hash's bits, that together are as good


@dataclass(frozen=True)
class Beyond:
    """What lies on both sides of a bar or seam, along one arm of it.

    ``change`` is how much the picture changes across it over how much it does as far apart within the panels: 1 where it
    is one picture. ``aligned`` is how much better the content on both sides correlates where it is than shifted.
    """

    change: float
    aligned: float


def beyond(lines: Lines, bar: Span) -> list[Beyond]:
    """What lies on both sides of the columns ``bar``, for each arm; empty where that is too near the border to say."""
    return [seen for arm in ARMS if (seen := _beyond(lines, bar, arm)) is not None]


def one_picture_behind(arms: list[Beyond]) -> bool:
    """Whether a cross has one picture behind it, as a window has; given all its arms."""
    worst = max((arm.change for arm in arms), default=0.0)
    if worst < _FRAME:
        return False
    return worst < _GOES_ON or (worst < _MAY_GO_ON and max(arm.aligned for arm in arms) > _ALIGNED)


def goes_on(arms: list[Beyond], *, bare: bool) -> bool:
    """Whether a picture goes on across a single line: a pole or a beam, or where the line is ``bare`` a horizon.

    A horizon changes the picture's light and leaves its outlines where they are.
    """
    if not arms:
        return False
    outlines = [arm.aligned for arm in arms]
    horizon = bare and min(outlines) > _ALIGNED and sum(outlines) > 4 * _ALIGNED
    return horizon or max(arm.change for arm in arms) < _MAY_GO_ON


def _beyond(lines: Lines, bar: Span, arm: Span) -> Beyond | None:
    left, right = bar[0] - 2, bar[1] + 1
    lag = right - left
    if left - lag < 1 or right + lag > lines.breadth - 2:
        return None
    planes = lines.planes[:, lines.rows(arm)]
    far_left, near_left, near_right, far_right = (
        planes[:, :, x - 1 : x + 2].mean(axis=2, dtype=np.float32)
        for x in (left - lag, left, right, right + lag)
    )
    within = (_apart(far_left, near_left) + _apart(near_right, far_right)) / 2
    change = (_apart(near_left, near_right) + 1) / (within + 1)
    one, other = _detail(near_left), _detail(near_right)
    step = one.shape[1] // 16
    here = max(_correlation(one, np.roll(other, shift, axis=1)) for shift in range(-2, 3))
    elsewhere = max(_correlation(one, np.roll(other, shift * step, axis=1)) for shift in range(2, 15))
    return Beyond(change, here - elsewhere)


def _apart(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).max(axis=0).mean())


def _detail(line: Floats) -> Floats:
    """A line without its slow changes, which all pictures with a sky share: less its mean over a sixth of it."""
    width = max(3, line.shape[1] // 6) | 1
    padded = np.pad(line, ((0, 0), (width // 2 + 1, width // 2)), mode="edge").cumsum(axis=1)
    detail: Floats = line - (padded[:, width:] - padded[:, :-width]) / width
    return detail


def _correlation(one: Floats, other: Floats) -> float:
    return float((one * other).sum() / np.sqrt((one * one).sum() * (other * other).sum() + 1e-3))


def is_blank(pixels: NDArray[np.uint8]) -> bool:
    """Whether there is nothing on it: one colour, or one running into another along a side.

    Args:
        pixels: ``(rows, columns, 3)``, already small (40 x 40 or so), so that grain is averaged out.
    """
    levels = pixels.astype(np.float32)
    rest = levels - levels.mean(axis=0) - levels.mean(axis=1, keepdims=True) + levels.mean(axis=(0, 1))
    return bool(np.percentile(np.abs(rest), 98.5) < 1.5)


def nearly_same(one: Image.Image, other: Image.Image) -> bool:
    """Whether two cells are no real choice: the same picture, or the same one but for a look or a hand.

    Small grey versions that correlate, or nearly so and get brighter and darker from left to right at the same places (a
    difference hash). Of 1,621 generated grids of different panels 12 are taken for that, and of 107 of the same one none is missed.
    """
    grey = [np.asarray(cell.convert("L"), np.float32) for cell in (one, other)]
    alike = float(np.corrcoef(grey[0].ravel(), grey[1].ravel())[0, 1])
    if alike >= _SAME or alike < _ALIKE:
        return alike >= _SAME
    hashes = [
        np.diff(np.asarray(cell.resize((17, 16), Image.Resampling.BOX).convert("L"), np.int16)) > 0
        for cell in (one, other)
    ]
    return bool((hashes[0] == hashes[1]).mean() >= _HASHED)
