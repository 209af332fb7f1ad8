"""Where the cells begin and end, to the pixel: read at full resolution, once it is known where to look.

A cell's edge is the jump nearest to the cell: a frame drawn round a panel, a second line in a gutter and the pixels
that resizing has mixed all lie beyond it. Only strips about the places in question are read, so that a large picture is
never copied whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from starsend.tools.grid_evidence import BLOCKS, Planes, Span, contrast
from starsend.tools.grid_strips import ARMS, Colour, Cut
from starsend.tools.picture_file import as_srgb

_SAMPLES: Final = 13  # rows read of a column in each block
_NEAR: Final = 7  # columns beside a gutter in which its edge may lie: frames are up to 5 px wide
_PANEL: Final = 48  # columns beyond that tell what is usual in the panel itself
_LOUDEST: Final = 24  # levels at which a jump counts no more: one strong contour is not a long weak edge
_FAINT: Final = 0.4  # of the strongest jump: what a blurred edge has left at its foot, and ringing has not
_SECOND: Final = 0.3  # of it: another line farther on, as a frame's; JPEG's blocks beside an edge have less
_THIN: Final = 3  # columns of the thinnest gutters, whose two edges are read as one
_STEP: Final = 3  # levels of a step that can be seen
_LONG: Final = 0.3  # of a border: the least that a margin's edge is seen along; a sign in a corner has less
_USUAL: Final = 96  # columns that show most margins, and the panel beyond them
_OPPOSITE: Final = ((0, 2), (1, 3))  # left and right, top and bottom
_MARGIN: Final = 0.1  # of the side: the widest margin


@dataclass(frozen=True)
class View:
    """A picture as lines down it see it, or lines across it (``across``), from its far end where ``mirrored``.

    A line's place is a column, 0 to ``breadth``; it has ``length`` pixels.
    """

    image: Image.Image
    across: bool = False
    mirrored: bool = False

    @property
    def breadth(self) -> int:
        """Pixels from side to side, in the direction that lines are numbered in."""
        return self.image.size[self.across]

    @property
    def length(self) -> int:
        """Pixels along a line."""
        return self.image.size[not self.across]

    @property
    def from_behind(self) -> View:
        """The same with the last column first."""
        return replace(self, mirrored=not self.mirrored)

    def arms(self, columns: Span) -> Planes:
        """Some columns, read at some of their pixels in both arms: ``(3, pixels, columns)``."""
        first, last = columns[0], min(columns[1], self.breadth)
        if self.mirrored:
            first, last = self.breadth - last, self.breadth - first
        planes = np.concatenate([self._arm(arm, first, last) for arm in ARMS], axis=1)
        return planes[:, :, ::-1] if self.mirrored else planes

    def _arm(self, arm: Span, first: int, last: int) -> Planes:
        start, end = (self.length * block / BLOCKS for block in arm)
        count = min(int(end - start), _SAMPLES * (arm[1] - arm[0]))
        box: tuple[float, float, float, float]
        if self.across:
            size, box = (count, last - first), (start, first, end, last)
        else:
            size, box = (last - first, count), (first, start, last, end)
        strip = self.image.resize(size, Image.Resampling.NEAREST, box)
        if strip.mode != "RGB":
            strip = as_srgb(strip).convert("RGB")
        return np.asarray(strip).transpose((2, 1, 0) if self.across else (2, 0, 1))


def exact_edges(full: View, cut: Cut, shrink: int) -> Span:
    """The end of the cells before the cut and the start of those after it; both the seam's column without a gutter.

    ``cut`` was found in ``full`` reduced ``shrink``-fold.
    """
    start, end = cut.start * shrink, cut.end * shrink
    near = _NEAR + 2 * shrink
    into = (end - start) // 2 if cut.end - cut.start > 1 else _THIN + shrink
    before = _edge(full.from_behind, full.breadth - start, into, near)
    after = _edge(full, end, into, near)
    return start if before is None else full.breadth - before, end if after is None else after


def margins(image: Image.Image, tolerance: float) -> tuple[int, int, int, int]:
    """How many columns and rows outside the grid are not picture: left, top, right, bottom; a tenth of a side at most.

    A sheet has the same margin on two sides at least, so one side's chance line near the border is none.

    Args:
        tolerance: levels by which pixels of a plain strip may differ.
    """
    down, across = View(image), View(image, across=True)
    sides = [_Side(view, tolerance) for view in (down, across, down.from_behind, across.from_behind)]
    width = _shared_width(sides)
    ends = [side.end(width) for side in sides]
    for one, other in _OPPOSITE:
        if not ends[one] and not ends[other]:  # bars above and below the panels make those margins wider
            own = _shared_width([sides[one], sides[other]])
            ends[one], ends[other] = sides[one].end(own), sides[other].end(own)
    for one, other in _OPPOSITE:  # an edge that cannot be seen is where the opposite one is
        for unseen, seen in ((one, other), (other, one)):
            if not ends[unseen] and ends[seen] and sides[unseen].plain >= ends[seen]:
                ends[unseen] = ends[seen]
    left, top, right, bottom = ends
    return left, top, right, bottom


def caption_beneath(image: Image.Image, end: int, colour: Colour, tolerance: float) -> bool:
    """Whether there is an edge at row ``end``, and from there to the last row nothing but a frame and text on a ground of that colour.

    Asked where the upper panels are as high as that, and the lower ones seem higher: those have their captions too.
    """
    beneath = image.height - end
    band = _Band(View(image, across=True, mirrored=True), (0, beneath + _NEAR + _PANEL))
    paper = colour.astype(np.uint8)[:, None, None]
    ground = contrast(band.planes[:, :, : beneath - _NEAR], paper) <= 1.5 * tolerance
    edge = band.jumps[beneath - _THIN : beneath + _THIN + 1]
    return bool(ground.mean(axis=0).min() > 0.5 and edge.max() > _bar(band.jumps[beneath + _NEAR :]))


def _shared_width(sides: list[_Side]) -> int:
    """The place of the line that most of the sides have, two at least, and the plainest of these; 0 without one."""
    shared = [
        (sum(any(abs(x - y) <= 1 for y in other.lines) for other in sides), float(side.jumps[x]), x)
        for side in sides
        for x in side.lines
    ]
    agreed, _, width = max(shared, default=(0, 0.0, 0))
    return width if agreed >= 2 else 0


class _Side:
    """What lies along one border of a picture, the border being column 0."""

    def __init__(self, view: View, tolerance: float) -> None:
        limit = int(view.breadth * _MARGIN)
        for columns in (_USUAL, limit + _PANEL):
            self._band = _Band(view, (0, columns))
            like = self._band.like_first(tolerance)
            #: Columns that have the border's colours.
            self.plain = min(limit, len(like) if like.all() else int(np.argmin(like)))
            if self.plain + _NEAR + _PANEL <= columns:
                break
        self.jumps = self._band.jumps
        self._bar = _bar(self.jumps[self.plain + _NEAR :][:_PANEL])
        self.lines = [
            x
            for x in range(1, min(limit, self.plain + _NEAR))
            if self.jumps[x] > self._bar and self._band.seen[x] >= _LONG
        ]

    def end(self, width: int) -> int:
        """Where the panel begins on this side of a sheet whose margin is about so wide; 0 without a margin."""
        near = [x for x in self.lines if width and abs(x - width) <= 2]
        if not near:
            return 0
        return self._band.end(max(near, key=lambda x: float(self.jumps[x])), self._bar)


class _Band:
    """Some columns of a picture, and how much each differs from the one before it."""

    def __init__(self, view: View, columns: Span) -> None:
        self.planes = view.arms(columns)
        # The eye's weights: JPEG blurs colours over sixteen columns, and brightness over none.
        red, green, blue = self.planes.astype(np.int16)
        self._grey = (red * 5 + green * 9 + blue * 2) >> 4
        steps = np.minimum(np.abs(np.diff(self._grey, axis=1)), _LOUDEST)
        #: The mean jump, in levels, between each column and the one before it.
        self.jumps: NDArray[Any] = np.concatenate([[0.0], steps.mean(axis=0)])
        #: The share of pixels that see one.
        self.seen: NDArray[Any] = np.concatenate([[0.0], (steps > _STEP).mean(axis=0)])

    def like_first(self, tolerance: float) -> NDArray[np.bool_]:
        """Which columns have the first one's colours."""
        like: NDArray[np.bool_] = (contrast(self.planes, self.planes[:, :, :1]) <= 1.5 * tolerance).mean(
            axis=0
        ) >= 0.93
        return like

    def end(self, peak: int, bar: float) -> int:
        """The jump nearest to the panel that still belongs to the edge whose strongest one is at ``peak``."""
        end, loudest = peak, self.jumps[peak]
        for x in range(peak + 1, min(len(self.jumps), peak + _NEAR + 1)):
            jump = self.jumps[x]
            foot = x - end == 1 and jump >= _FAINT * loudest
            thin = x - peak <= _THIN and jump >= _FAINT * loudest
            framed = jump >= _SECOND * loudest and self._plain(peak, x)
            if jump > bar and (foot or thin or framed):
                end = x
        return end

    def _plain(self, start: int, end: int) -> bool:
        """Whether the columns are one colour each, as a frame's are."""
        columns = self._grey[:, start:end]
        return bool((np.abs(np.diff(columns, axis=0)) <= 12).mean(axis=0).min() >= 0.9)


def _edge(full: View, at: int, into: int, near: int) -> int | None:
    """The first column of the panel that begins about column ``at``; None where nothing like an edge is there.

    It is sought from ``into`` columns before ``at`` to ``near`` columns after it, and what is usual in the panel
    is read beyond.
    """
    first = max(0, at - into - 1)
    band = _Band(full, (first, at + near + _PANEL))
    core, panel = band.jumps[: at + near - first], band.jumps[at + near - first :]
    bar = _bar(panel)
    peak = int(np.argmax(core))
    return first + band.end(peak, bar) if core[peak] > bar else None


def _bar(panel: NDArray[Any]) -> float:
    """What a jump must exceed to be an edge: nearly anything in the panel beside it."""
    return 1.15 * float(np.percentile(panel, 95)) + 0.3 if len(panel) else 0.3
