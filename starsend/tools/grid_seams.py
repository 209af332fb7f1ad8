"""The evidence for a straight cut across a picture, measured with numpy; ``grid_layout`` decides what it means.

Every function looks along one axis: pixels are ``(length, breadth, 3)`` int16, the line sought runs down the
length, and its place is a column, 0 to breadth. For the other axis hand in the transposed picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.int16]
Columns = NDArray[np.float64]
Span = tuple[int, int]

# The numbers marked (*) are the prototype's, tuned on 700 generated cases (docs/measured.md).
# (*) Pixels a jump is measured across: 1 for hard seams, 3 for seams blurred by resizing.
_GAPS: Final = (1, 3)
_STANDS_OUT: Final = 1.8  # (*) how far a jump must exceed the jumps across parallel lines nearby
_FLAT_WEIGHT: Final = 0.85  # (*) how much of its vote a pixel loses that is flat on both sides
_DOUBT: Final = 0.06  # (*) added to the voters, so that three pixels voting alone prove nothing
TOLERANCE: Final = 12  # (*) levels by which a pixel of a plain gutter may differ from its colour
_PLAIN: Final = 0.93  # share of a gutter's pixels within that tolerance; JPEG rings at its edges
_BAND_FLOOR: Final = 4.0  # levels of a jump worth counting in the narrow band at full resolution
_SAMPLES: Final = 500  # rows read of a full-resolution column
_AROUND: Final = 3  # columns kept clear of a blurred gutter edge


@dataclass(frozen=True)
class Cut:
    """Where a picture is cut: columns ``start`` to ``end`` belong to the gutter (none when they are equal).

    ``arms`` holds the evidence, 0 to about 1, for the half of the line before the crossing and the one after;
    ``colour`` is the gutter's median colour, None for a bare seam.
    """

    start: int
    end: int
    arms: tuple[float, float]
    colour: Pixels | None = None


class Seams:
    """How many pixels along each line of an axis see a seam there; cumulative, so any stretch is cheap."""

    def __init__(self, pixels: Pixels, floor: float) -> None:
        self.pixels = pixels
        self._sums = [_votes(pixels, gap, floor) for gap in _GAPS]

    def support(self, span: Span) -> Columns:
        """The share of voting pixels in rows ``span`` that see a seam, for every column; the better gap's."""
        start, end = span
        best = np.zeros(self.pixels.shape[1])
        for seen, flat in self._sums:
            rows = max(1, end - start)
            voters = rows * (1 + _DOUBT) - _FLAT_WEIGHT * (flat[end] - flat[start])
            np.maximum(best, (seen[end] - seen[start]) / voters, out=best)
        return best


def noise_floor(pixels: Pixels) -> float:
    """The smallest jump, in levels, worth counting: above grain and JPEG, never above 8 (*)."""
    grain = np.abs(2 * pixels[::3, 1:-1:3, 1] - pixels[::3, :-2:3, 1] - pixels[::3, 2::3, 1])
    return float(np.clip(2 * np.percentile(grain, 35) + 2, 3.5, 8))


def best_seam(seams: Seams, window: Span, arms: tuple[Span, Span]) -> Cut:
    """The column of ``window`` where the weaker of the two arms has most support."""
    first, second = (seams.support(arm)[window[0] : window[1]] for arm in arms)
    at = int(np.argmax(0.6 * np.minimum(first, second) + 0.2 * (first + second)))
    # A resampled seam may fall one column aside in one arm.
    near = slice(max(0, at - 1), at + 2)
    return Cut(window[0] + at, window[0] + at, (float(first[near].max()), float(second[near].max())))


def best_gutter(
    pixels: Pixels, window: Span, arms: tuple[Span, Span], expected: Pixels | None = None
) -> Cut | None:
    """The run of columns in ``window`` that is one plain colour along both arms and ends where pictures begin.

    The evidence of an arm is the share of its pixels just outside the run that have another colour. With an
    ``expected`` colour only runs near it count, and a third of that share proves as much.
    """
    colours, plain = zip(*(_plainness(pixels[a:b, window[0] : window[1]]) for a, b in arms), strict=True)
    alike = np.abs(colours[0] - colours[1]).max(axis=1) <= 2 * TOLERANCE
    alike &= np.minimum(*plain) >= _PLAIN
    if expected is not None:
        alike &= np.abs((colours[0] + colours[1]) / 2 - expected).max(axis=1) <= 4 * TOLERANCE
    best: Cut | None = None
    for start, end in _runs(alike):
        if start == 0 or end == len(alike):  # no edge within the window: a plain background, not a gutter
            continue
        colour = np.median(np.concatenate([c[start:end] for c in colours]), axis=0).astype(np.int16)
        at = (window[0] + start, window[0] + end)
        first, second = (_edge(pixels[a:b], at, colour) * (1 if expected is None else 3) for a, b in arms)
        if best is None or min(first, second) > min(best.arms):
            best = Cut(*at, (first, second), colour)
    return best


def exact_edges(full: NDArray[np.uint8], cut: Cut, shrink: int) -> Span:
    """Where a gutter begins and ends at full resolution; both are the seam's column when there is no gutter.

    ``cut`` was found in ``full`` reduced ``shrink``-fold.
    """
    start, end = cut.start * shrink, cut.end * shrink
    margin = 2 * shrink + 12
    offset = start - margin
    band = full[:: max(1, full.shape[0] // _SAMPLES), offset : end + margin].astype(np.int16)
    if cut.colour is None:
        half = len(band) // 2
        window = (margin - 2 * shrink, band.shape[1] - margin + 2 * shrink + 1)
        at = best_seam(Seams(band, _BAND_FLOOR), window, ((0, half), (half, len(band)))).start + offset
        return at, at
    foreign = (_largest(band - cut.colour) > TOLERANCE).mean(axis=0) > 0.1
    middle = band.shape[1] // 2
    before, after = np.flatnonzero(foreign[:middle]), np.flatnonzero(foreign[middle:])
    return (
        offset + int(before[-1]) + 1 if len(before) else start,
        offset + middle + int(after[0]) if len(after) else end,
    )


def margins(full: NDArray[np.uint8], colour: Pixels) -> Span:
    """How many columns of the gutter's colour lie outside the grid, before it and after it; a tenth at most."""
    rows = full[:: max(1, full.shape[0] // _SAMPLES)]
    limit = full.shape[1] // 10
    widths = []
    for strip in (rows[:, :limit], rows[:, : -limit - 1 : -1]):
        plain = (_largest(strip.astype(np.int16) - colour) <= TOLERANCE).mean(axis=0) >= 0.9
        widths.append(0 if plain.all() else int(np.argmin(plain)))
    return widths[0], widths[1]


def _votes(pixels: Pixels, gap: int, floor: float) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Cumulated down the length, per column: pixels seeing a seam, and pixels too flat on both sides to vote."""
    length, breadth, _ = pixels.shape
    reach = gap + 1 + 3  # a line's neighbours: three jumps either side, clear of its own
    jumps = np.zeros((length, breadth + 2 * reach), np.int16)
    begin = reach + (gap + 1) // 2
    jumps[:, begin : begin + breadth - gap] = _largest(pixels[:, gap:] - pixels[:, :-gap])
    three = jumps[:, :-2] + jumps[:, 1:-1] + jumps[:, 2:]
    nearby = np.maximum(three[:, 1 : breadth + 1], three[:, reach + gap + 1 : reach + gap + 1 + breadth])
    own = jumps[:, reach : reach + breadth]
    seen = (own > floor) & (3 * own > _STANDS_OUT * nearby + 6)
    flat = (own <= floor) & (nearby < _STANDS_OUT * floor)
    return _cumulated(seen), _cumulated(flat)


def _largest(difference: NDArray[Any]) -> NDArray[Any]:
    """The largest of three channels' absolute values; numpy's own max over so short an axis doubles a reading."""
    levels = np.abs(difference)
    largest: NDArray[Any] = np.maximum(np.maximum(levels[..., 0], levels[..., 1]), levels[..., 2])
    return largest


def _cumulated(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.concatenate([np.zeros((1, mask.shape[1]), np.int32), np.cumsum(mask, axis=0, dtype=np.int32)])


def _plainness(block: Pixels) -> tuple[Columns, Columns]:
    """Per column: its median colour, and the share of its pixels within the tolerance of it."""
    colour = np.median(block, axis=0)
    return colour, (_largest(block - colour) <= TOLERANCE).mean(axis=0)


def _edge(arm: Pixels, run: Span, colour: Pixels) -> float:
    """The share of rows that have another colour just outside the run, on one side or the other."""
    columns = [max(0, run[0] - _AROUND), min(arm.shape[1], run[1] + _AROUND) - 1]
    return float((_largest(arm[:, columns] - colour) > TOLERANCE).any(axis=1).mean())


def _runs(mask: NDArray[np.bool_]) -> list[Span]:
    """The stretches of True, as (start, end)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
