"""One scene, many cameras: a plain pinhole camera with lens shift, and the house framings.

The world is in metres: x to the right, y up, z away from the camera; the subject stands at the origin. A panel
is 1 high and ``wide`` (its aspect ratio) across; u runs right and v runs down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from starsend.providers.storyboard.scene import Framing

Points = NDArray[np.float64]
"""N rows of coordinates: (x, y, z) in the world, (u, v) on the panel."""

NEAR = 0.35
"""Metres. What is closer than this to the eye is cut off."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A framing as a camera assistant would write it down."""

    label: str
    distance: float
    """Metres from the subject."""
    eye: float
    """Height of the lens in metres."""
    pitch: float
    """Degrees, up is positive."""
    size: float
    """How high the whole subject would be, in panel heights."""
    head: float
    """Where the top of the subject's head goes, from the top of the panel."""
    anchor: float
    """Where the subject stands across the panel, 0..1."""


SETUPS: dict[Framing, Setup] = {
    "wide": Setup("WIDE", 7.5, 2.7, 0.0, 0.27, 0.50, 0.34),
    "medium": Setup("MEDIUM", 2.9, 1.5, 0.0, 1.00, 0.20, 0.42),
    "close": Setup("CLOSE-UP", 1.6, 1.6, 0.0, 2.90, 0.15, 0.55),
    "low": Setup("LOW ANGLE", 2.9, 0.25, 20.0, 0.98, 0.12, 0.61),
    "high": Setup("HIGH ANGLE", 5.2, 6.0, -40.0, 0.38, 0.36, 0.57),
    "shoulder": Setup("OVER THE SHOULDER", 3.2, 1.75, -2.0, 0.92, 0.27, 0.66),
    "profile": Setup("PROFILE", 2.1, 1.5, 0.0, 1.80, 0.15, 0.42),
}


class Camera:
    """Projects the world onto one panel.

    Args:
        setup: the framing.
        height: the subject's height in metres.
        wide: the panel's width over its height.
        mirror: put the subject on the other side.
        indoors: keep the lens inside a room; only a high angle may look in over its walls, as on a film set.
    """

    def __init__(self, setup: Setup, height: float, *, wide: float, mirror: bool, indoors: bool) -> None:
        distance, eye = setup.distance, setup.eye
        if indoors:
            distance, eye = min(distance, 5.4), min(eye, 4.4 if setup.pitch < -20 else 2.4)
        pitch = np.radians(setup.pitch)
        size = (
            setup.size
            * float(np.clip(wide / 1.15, 0.62, 1.0))
            * (1.6 if indoors and setup.size < 0.5 else 1.0)
        )
        self.wide = wide
        self.eye = np.array([0.0, eye * height / 1.75 if setup.size > 0.6 else eye, -distance])
        self.cos, self.sin = float(np.cos(pitch)), float(np.sin(pitch))
        anchor = 1 - setup.anchor if mirror else setup.anchor
        self.u0, self.v0, self.focal = wide * anchor, 0.0, 1.0
        top, foot = self.project([[0.0, height, 0.0], [0.0, 0.0, 0.0]])
        self.focal = size / float(foot[1] - top[1])
        self.v0 = setup.head - float(self.project([[0.0, height, 0.0]])[0, 1])

    def depth(self, points: ArrayLike) -> Points:
        """Metres in front of the lens, along its axis."""
        p = np.asarray(points, float) - self.eye
        depth: Points = p[:, 2] * self.cos + p[:, 1] * self.sin
        return depth

    def project(self, points: ArrayLike) -> Points:
        """World points to (u, v). Points nearer than `NEAR` are pushed out to it."""
        p = np.asarray(points, float) - self.eye
        z = np.maximum(p[:, 2] * self.cos + p[:, 1] * self.sin, NEAR)
        y = p[:, 1] * self.cos - p[:, 2] * self.sin
        seen = np.empty((len(p), 2))
        seen[:, 0] = self.u0 + self.focal * p[:, 0] / z
        seen[:, 1] = self.v0 - self.focal * y / z
        return seen

    def polygon(self, points: ArrayLike) -> Points:
        """A world polygon, cut off at the near plane, as (u, v); empty when all of it is behind the lens."""
        p = np.asarray(points, float)
        ahead = self.depth(p) - NEAR
        kept: list[Points] = []
        for i in range(len(p)):
            a, b, da, db = p[i - 1], p[i], ahead[i - 1], ahead[i]
            if (da < 0) != (db < 0):
                kept.append(a + (b - a) * (da / (da - db)))
            if db >= 0:
                kept.append(b)
        return self.project(np.array(kept)) if len(kept) > 2 else np.empty((0, 2))

    @property
    def horizon(self) -> float:
        """v of the horizon; below 0 when the camera looks down past it."""
        return self.v0 + self.focal * self.sin / self.cos

    @property
    def squash(self) -> float:
        """How much a standing thing is foreshortened from above or below."""
        return self.cos

    def spot(self, x: float, z: float) -> tuple[float, float, float, float]:
        """Where something stands on the ground: (u, v, panel heights per metre there, depth in metres)."""
        u, v = self.project([[x, 0.0, z]])[0]
        depth = float(self.depth([[x, 0.0, z]])[0])
        return float(u), float(v), self.focal / max(depth, NEAR), depth
