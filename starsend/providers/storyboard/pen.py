"""The artist's hand: flat marker tones with wavering ink outlines, in one panel's own coordinates.

A panel is 1 high and ``wide`` across. Tones run 0 (ink) to 255 (paper).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from starsend.providers.storyboard.camera import Points
from starsend.providers.storyboard.places import Rgb

INK = 0.0030
"""Width of an ordinary ink line, in panel heights."""


class Pen:
    """Draws one panel.

    Args:
        size: the finished panel in pixels.
        ink, paper: the two colours all tones lie between.
        rng: decides how the hand wavers; the only randomness there is.
    """

    def __init__(self, size: tuple[int, int], ink: Rgb, paper: Rgb, rng: np.random.Generator) -> None:
        # Pillow's lines have no antialiasing: small panels are drawn at twice their size and halved. Panels
        # of 2K and up have pixels enough to go without, and would cost 200 MB and a second.
        self._over = 2 if max(size) <= 1600 else 1
        self._size = size
        self._h = size[1] * self._over
        self.wide = size[0] / size[1]
        self.rng = rng
        self._ink, self._paper = ink, paper
        self._image = Image.new("RGB", (size[0] * self._over, self._h), paper)
        self._draw = ImageDraw.Draw(self._image)

    def finish(self) -> Image.Image:
        """The panel at its own size."""
        return self._image.reduce(self._over) if self._over > 1 else self._image

    def colour(self, tone: float, accent: Rgb | None = None) -> Rgb:
        """A tone as RGB; with ``accent``, a coloured marker of that tone."""
        t = min(max(tone, 0.0), 255.0) / 255
        bases = [ink + (paper - ink) * t for ink, paper in zip(self._ink, self._paper, strict=True)]
        if accent is not None:
            strength = min(0.35 + t * 1.1, 1.25)
            bases = [
                base * 0.25 + marker * strength * 0.75 for base, marker in zip(bases, accent, strict=True)
            ]
        r, g, b = (int(min(max(base, 0.0), 255.0)) for base in bases)
        return r, g, b

    def _px(self, points: ArrayLike) -> list[tuple[float, ...]]:
        # Coordinates far outside the panel overflow Pillow's integers.
        scaled = np.minimum(np.maximum(np.asarray(points, float), -9), 9 + self.wide) * self._h
        return list(map(tuple, scaled.tolist()))

    def fill(
        self,
        points: ArrayLike,
        tone: float,
        *,
        accent: Rgb | None = None,
        ink: float = 0.0,
        smooth: int = 0,
        line: float = 0,
    ) -> None:
        """A closed shape. ``ink`` is the outline's width in panel heights (0: none) and ``line`` its tone."""
        points = np.asarray(points, float)
        if len(points) < 3:
            return
        if smooth:
            points = rounded(points, smooth)
        self._draw.polygon(self._px(points), fill=self.colour(tone, accent))
        if ink:
            self.line(np.vstack((points, points[:1])), ink, line)

    def line(self, points: ArrayLike, width: float = INK, tone: float = 0) -> None:
        """An ink line through the points, wavering a little as a hand does."""
        points = np.asarray(points, float)
        px = max(round(width * self._h), 1)
        wavering = self._waver(points) if len(points) < 14 else points
        self._draw.line(
            self._px(wavering), fill=self.colour(tone), width=px, joint="curve" if px > 2 else None
        )

    def _waver(self, points: Points) -> Points:
        legs, at = _legs(len(points))
        path = np.empty((len(legs), 2))
        for i in (0, 1):
            path[:, i] = np.interp(legs, at, points[:, i])
        path += self.rng.normal(0, 0.0007, path.shape)
        return path

    def ellipse(
        self,
        centre: tuple[float, float],
        rx: float,
        ry: float,
        tone: float,
        *,
        ink: float = 0.0,
        accent: Rgb | None = None,
        line: float = 0,
    ) -> None:
        """A filled ellipse; radii in panel heights."""
        box = np.array([centre[0] - rx, centre[1] - ry, centre[0] + rx, centre[1] + ry]) * self._h
        outline = self.colour(line) if ink else None
        self._draw.ellipse(
            box.tolist(), fill=self.colour(tone, accent), outline=outline, width=max(round(ink * self._h), 1)
        )

    def blend(self, top: float, bottom: float, first: float, last: float, *, steps: int = 22) -> None:
        """A band across the panel from v ``top`` to ``bottom``, in ``steps`` flat marker tones."""
        top, bottom = max(top, -3.0), min(bottom, 4.0)
        edges = np.linspace(top, bottom, steps + 1)
        for i, tone in enumerate(np.linspace(first, last, steps)):
            if edges[i + 1] > 0 and edges[i] < 1:
                box = (0, edges[i] * self._h, self.wide * self._h, edges[i + 1] * self._h + 1)
                self._draw.rectangle(box, fill=self.colour(float(tone)))

    def glow(self, centre: tuple[float, float], radius: float, tone: float, strength: float) -> None:
        """Light spreading softly from a point; ``strength`` is 0..1 at the centre."""
        side = max(round(radius * 2 * self._h), 2)
        # Falling off with the square hides where the light ends.
        mask = Image.radial_gradient("L").point(
            [round(255 * strength * (1 - v / 255) ** 2) for v in range(256)]
        )
        corner = (round(centre[0] * self._h) - side // 2, round(centre[1] * self._h) - side // 2)
        self._image.paste(
            self.colour(tone), (*corner, corner[0] + side, corner[1] + side), mask.resize((side, side))
        )

    def strokes(self, starts: ArrayLike, step: tuple[float, float], width: float, tone: float) -> None:
        """Many parallel short lines: rain, hatching, ripples. ``step`` runs from each start to its end."""
        for u, v in self._px(starts):
            end = (u + step[0] * self._h, v + step[1] * self._h)
            self._draw.line(((u, v), end), fill=self.colour(tone), width=max(round(width * self._h), 1))


@cache
def _legs(points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where a line through so many points wavers, four times between any two; and where the points are."""
    return np.linspace(0, points - 1, (points - 1) * 4 + 1), np.arange(points, dtype=float)


def rounded(points: Points, times: int = 2) -> Points:
    """A closed polygon with its corners cut ``times`` times (Chaikin)."""
    for _ in range(times):
        after = np.roll(points, -1, axis=0)
        points = np.stack((points * 0.75 + after * 0.25, points * 0.25 + after * 0.75), axis=1).reshape(-1, 2)
    return points
