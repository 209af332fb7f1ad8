"""What every standing thing is drawn with: its place on the panel, tapered limbs and hatching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from starsend.providers.storyboard.camera import Points
from starsend.providers.storyboard.pen import INK, Pen
from starsend.providers.storyboard.places import Rgb


@dataclass(frozen=True, slots=True)
class Stand:
    """Where on the panel something stands, and how the air and the light change its tones."""

    u: float
    v: float
    size: float
    """Its full height in panel heights."""
    squash: float = 1.0
    flip: int = 1
    haze: float = 200
    fade: float = 0.0
    shade: float = 70

    def __call__(self, points: ArrayLike) -> Points:
        """Body coordinates to (u, v)."""
        p = np.asarray(points, float)
        return np.column_stack(
            (self.u + self.flip * p[:, 0] * self.size, self.v - p[:, 1] * self.size * self.squash)
        )

    def tone(self, base: float) -> float:
        """``base`` (0..255, for full light) as it is here: darker by night, paler far away."""
        lit = base * (0.45 + 0.55 * min(self.shade / 80, 1.0))
        return lit + (self.haze - lit) * self.fade

    @property
    def lit(self) -> bool:
        """Whether it is night, when lamps and windows glow."""
        return self.shade < 50

    @property
    def ink(self) -> float:
        """Outline width: lines grow with the figure, up to a brush."""
        return float(np.clip(self.size * 0.006, INK * 0.55, INK * 2.2))

    @property
    def line(self) -> float:
        """Outline tone."""
        return self.haze * 0.75 * self.fade


def limb(
    pen: Pen,
    at: Stand,
    joints: Sequence[tuple[float, float]],
    widths: tuple[float, float, float],
    tone: float,
    *,
    accent: Rgb | None = None,
) -> None:
    """A leg, an arm or a tail: three joints and the widths at them."""
    path, half = np.array(joints), np.array(widths)[:, None] / 2
    along = np.gradient(path, axis=0)
    across = (
        np.column_stack((-along[:, 1], along[:, 0]))
        / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
    )
    outline = np.vstack((path + across * half, (path - across * half)[::-1]))
    pen.fill(at(outline), at.tone(tone), accent=accent, ink=at.ink, smooth=2, line=at.line)


def hatch(pen: Pen, at: Stand, one: Points, other: Points) -> None:
    """Slanted strokes between two edges that run side by side."""
    legs = np.linspace(0, len(one) - 1, 26)
    ends = [
        np.column_stack([np.interp(legs, np.arange(len(edge)), edge[:, i]) for i in (0, 1)])
        for edge in (one, other)
    ]
    for a, b in zip(ends[0][1:], ends[1][:-1], strict=True):
        pen.line(at([a, b]), at.ink * 0.35, at.line)
