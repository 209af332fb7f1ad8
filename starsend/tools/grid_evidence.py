"""What the pixels say about straight lines across a picture, measured with numpy; nothing here decides.

Everything looks along one axis: planes are ``(3, length, breadth)`` uint8, a line runs down the length, and its
place is a column, 0 to breadth. For lines across, hand in the transposed picture.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.uint8]
Columns = NDArray[np.float32]
Span = tuple[int, int]

BLOCKS: Final = 32
"""Stretches a line is divided into: fine enough to leave the crossing out, and an eleventh of the rows to add up."""

_ROWS: Final = 11 * BLOCKS  # rows read along a line: more do not change a share by a percent
# Pixels a jump is measured across: 1 for hard seams, 3 for seams blurred by resizing (prototype).
_GAPS: Final = (1, 3)
_FLAT_WEIGHT: Final = 0.85  # how much of its vote a pixel loses that is flat on both sides (prototype)
_PLAIN: Final = 0.95  # share of a strip's pixels that are like the next one down; JPEG rings at its edges
_DOUBT: Final = 0.06  # added to the voters, so that three pixels voting alone prove nothing (prototype)


class Lines:
    """Evidence for lines down one axis of a picture; summed up by blocks, so that any stretch is cheap.

    Args:
        pixels: ``(height, width, 3)`` uint8; rows are sampled, columns are not.
        grain: as ``grain_of`` gives it.
    """

    def __init__(self, pixels: NDArray[np.uint8], grain: float) -> None:
        height = pixels.shape[0]
        rows = np.linspace(0, height - 1, min(_ROWS, height // BLOCKS * BLOCKS)).astype(int)
        self.planes: Planes = np.ascontiguousarray(pixels[rows].transpose(2, 0, 1))
        self.length, self.breadth = self.planes.shape[1:]
        self.rows_in_block = self.length // BLOCKS
        #: Levels of a jump worth counting: above grain and JPEG's, never above 8 (prototype).
        self.floor = float(np.clip(2 * grain + 2, 3.5, 8))
        #: Levels by which neighbours down a plain strip may differ: 3.5 grains and JPEG's ringing.
        self.tolerance = float(np.clip(3.5 * grain + 4, 12, 24))

    def support(self, span: Span) -> Columns:
        """The share of voting pixels in the blocks ``span`` that see a seam, for every column; the better gap's."""
        start, end = span
        rows = (end - start) * self.rows_in_block
        best = np.zeros(self.breadth, np.float32)
        for seen, flat in self._votes:
            voters = rows * (1 + _DOUBT) - _FLAT_WEIGHT * (flat[end] - flat[start])
            np.maximum(best, (seen[end] - seen[start]) / voters, out=best)
        return best

    def plain(self, span: Span, columns: slice) -> NDArray[np.bool_]:
        """Which columns are one colour in the blocks ``span``, or one running evenly into another."""
        start, end = span
        colours = self._colours[:, start:end, columns]
        steps = np.arange(end - start, dtype=np.float32)
        steps -= steps.mean()
        level = colours.mean(axis=1, keepdims=True)
        slope = np.tensordot(steps, colours, (0, 1))[:, None] / float((steps * steps).sum())
        rest = np.abs(colours - level - slope * steps[:, None]).max(axis=(0, 1))
        smooth = (self._smooth[end] - self._smooth[start])[columns] / ((end - start) * self.rows_in_block)
        even: NDArray[np.bool_] = (rest <= self.tolerance / 2) & (smooth >= _PLAIN)
        return even

    def like(self, colour: NDArray[np.int16], span: Span, columns: slice, levels: int) -> NDArray[np.bool_]:
        """Which columns have about that colour in every one of the blocks ``span``."""
        apart = np.abs(self._colours[:, span[0] : span[1], columns] - colour[:, None, None])
        near: NDArray[np.bool_] = apart.max(axis=(0, 1)) <= levels
        return near

    def edges(self, columns: slice) -> NDArray[np.bool_]:
        """Which columns have another mean colour than the one before them, in every block of it."""
        steps = np.abs(np.diff(self._colours[:, :, columns], axis=2)).max(axis=0).min(axis=0)
        other: NDArray[np.bool_] = np.concatenate([[False], steps > 2 * self.tolerance])
        return other

    def colour(self, columns: slice) -> NDArray[np.float32]:
        """The mean colour of the columns."""
        mean: NDArray[np.float32] = self._colours[:, :, columns].mean(axis=(1, 2))
        return mean

    def rows(self, span: Span) -> slice:
        """The rows of ``planes`` that the blocks ``span`` are made of."""
        return slice(span[0] * self.rows_in_block, span[1] * self.rows_in_block)

    @cached_property
    def _colours(self) -> NDArray[np.float32]:
        """The mean colour of every column in every block: ``(3, blocks, breadth)``."""
        blocks = self.planes.reshape(3, BLOCKS, self.rows_in_block, self.breadth)
        means: NDArray[np.float32] = blocks.mean(axis=2, dtype=np.float32)
        return means

    @cached_property
    def _smooth(self) -> Columns:
        alike = contrast(self.planes[:, 1:], self.planes[:, :-1]) <= self.tolerance
        return _summed(np.concatenate([alike, alike[-1:]]))

    @cached_property
    def _votes(self) -> list[tuple[Columns, Columns]]:
        return [self._vote(gap) for gap in _GAPS]

    def _vote(self, gap: int) -> tuple[Columns, Columns]:
        """Summed up per column: pixels seeing a seam, and pixels too flat on both sides to vote.

        A seam is a jump above the floor that exceeds 1.8 times the mean jump of three parallel lines on either
        side (prototype); 10 and 6 instead of 1.8 / 3 keep it in whole numbers.
        """
        reach = gap + 1 + 3  # a line's neighbours: three jumps either side, clear of its own
        jumps = np.zeros((self.length, self.breadth + 2 * reach), np.uint16)
        begin = reach + (gap + 1) // 2
        jumps[:, begin : begin + self.breadth - gap] = contrast(
            self.planes[:, :, gap:], self.planes[:, :, :-gap]
        )
        three = jumps[:, :-2] + jumps[:, 1:-1] + jumps[:, 2:]
        far = reach + gap + 1
        nearby = np.maximum(three[:, 1 : self.breadth + 1], three[:, far : far + self.breadth])
        own = jumps[:, reach : reach + self.breadth]
        floor = int(self.floor)
        seen = (own > floor) & (own * np.uint16(10) > nearby * np.uint16(6) + np.uint16(20))
        flat = (own <= floor) & (nearby < int(1.8 * self.floor))
        return _summed(seen), _summed(flat)


def contrast(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest of three planes' differences, 0 to 255, pixel by pixel; planes come first."""
    levels = np.maximum(one, other) - np.minimum(one, other)
    largest: NDArray[np.uint8] = np.maximum(np.maximum(levels[0], levels[1]), levels[2])
    return largest


def grain_of(pixels: NDArray[np.uint8]) -> float:
    """How restless the quiet parts of a picture are, in levels: about 1.1 times the deviation of its noise."""
    green = pixels[::6, :, 1].astype(np.int16)
    bends = np.abs(2 * green[:, 1:-1:3] - green[:, :-2:3] - green[:, 2::3])
    return float(np.percentile(bends, 35))


def _summed(mask: NDArray[Any]) -> Columns:
    """Cumulated over the blocks, from nothing to all of them."""
    rows, breadth = mask.shape
    blocks = np.add.reduce(
        mask.view(np.uint8).reshape(BLOCKS, rows // BLOCKS, breadth), axis=1, dtype=np.uint8
    )
    sums = np.zeros((BLOCKS + 1, breadth), np.float32)
    np.cumsum(blocks, axis=0, dtype=np.float32, out=sums[1:])
    return sums
