"""The set behind the actors: sky, what closes the view, the weather."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from starsend.providers.storyboard.built import draw_room, draw_street
from starsend.providers.storyboard.camera import Camera
from starsend.providers.storyboard.ground import draw_ground
from starsend.providers.storyboard.pen import INK, Pen
from starsend.providers.storyboard.places import Light, Place

Profile = NDArray[np.float64]
"""Heights of a skyline in metres, from left to right."""


def draw_set(pen: Pen, camera: Camera, place: Place, light: Light, rng: np.random.Generator) -> None:
    """Everything behind the actors, far to near. ``rng`` belongs to the scene: all its panels show one set."""
    if place.indoors:
        draw_room(pen, camera, light, rng)
        return
    _sky(pen, camera, light, rng)
    BACKDROPS[place.backdrop](pen, camera, light, rng)
    draw_ground(pen, camera, place, light, rng)
    if place.ground == "road":
        draw_street(pen, camera, light, rng)


def draw_weather(pen: Pen, weather: str, light: Light, rng: np.random.Generator) -> None:
    """Rain, snow or fog over the finished panel."""
    if weather == "rain":
        starts = rng.uniform((-0.1, -0.1), (pen.wide, 1.0), (150, 2))
        pen.strokes(starts, (-0.018, 0.075), INK * 0.5, min(light.sky_low + 60, 235))
    elif weather == "snow":
        for u, v, r in rng.uniform((0, 0, 0.0016), (pen.wide, 1, 0.006), (170, 3)):
            pen.ellipse((float(u), float(v)), float(r), float(r), 252)
    elif weather == "fog":
        for u, v, r in rng.uniform((0, 0.4, 0.35), (pen.wide, 0.9, 0.6), (3, 3)):
            pen.glow((float(u), float(v)), float(r), light.sky_low + 16, 0.3)


def _sky(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    level = camera.horizon
    pen.blend(level - 0.9, level, light.sky_top, light.sky_low)
    pen.blend(-1.0, level - 0.9, light.sky_top, light.sky_top, steps=1)
    azimuth, height = (
        float(rng.uniform(-0.42, 0.42)),
        {"low sun": 0.07, "sun": 0.46, "moon": 0.3}.get(light.disc, 0.0),
    )
    if light.disc:
        at = (camera.u0 + azimuth * min(camera.focal, 1.6), level - height * min(camera.focal, 1.4))
        pen.glow(at, 0.42, 255, 0.55 if light.disc != "sun" else 0.35)
        radius = 0.055 if light.disc != "sun" else 0.042
        pen.ellipse(at, radius, radius, 255)
    for u, v, length in rng.uniform((0, 0.08, 0.2), (pen.wide, 0.62, 0.62), (7, 3)):
        _cloud(pen, float(u), level - float(v), length=float(length), light=light, rng=rng)


def _cloud(pen: Pen, u: float, v: float, *, length: float, light: Light, rng: np.random.Generator) -> None:
    steps = np.linspace(0, 1, 9)
    top = -np.sin(steps * np.pi) * 0.035 * rng.uniform(0.5, 1.5, 9)
    base = np.sin(steps * np.pi) * 0.008
    upper = np.column_stack((u + (steps - 0.5) * length, v + top))
    lower = np.column_stack((u + (steps - 0.5) * length, v + base))[::-1]
    tone = light.sky_top + (light.sky_low - light.sky_top) * 0.5
    pen.fill(np.vstack((upper, lower)), tone + (18 if light.sky_top < 140 else 30), smooth=2)


def _ridge(
    pen: Pen,
    camera: Camera,
    heights: Profile,
    distance: float,
    tone: float,
    *,
    ink: float = 0.0,
    smooth: int = 0,
) -> None:
    """A silhouette standing ``distance`` metres away and reaching across any panel."""
    x = np.linspace(-2.2, 2.2, len(heights)) * distance
    top = np.column_stack((x, heights, np.full(len(x), distance)))
    skyline = camera.project(top)
    base = camera.horizon + 0.012
    outline = np.vstack((skyline, [(skyline[-1, 0], base), (skyline[0, 0], base)]))
    pen.fill(outline, tone, smooth=smooth)
    if ink:
        pen.line(skyline, ink, tone * 0.55)


def _headland(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    side = 1 if rng.random() < 0.5 else -1
    x = np.linspace(-1, 1, 44) * side
    heights = np.clip(x * 46 - 8, 0, 26) + np.where(x > 0.2, rng.uniform(0, 5, 44), 0)
    _ridge(pen, camera, heights, 190, light.sky_low * 0.62 + light.shade * 0.3, ink=INK * 0.5)


def _hills(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    for i, (distance, tall) in enumerate(((300, 46), (170, 20))):
        _ridge(
            pen,
            camera,
            _rolling(rng, 40, 3) * tall + 4,
            distance,
            light.sky_low - (26 + i * 34) * light.sky_low / 245,
            ink=INK * 0.5,
        )


def _mountains(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    for i, (distance, tall) in enumerate(((420, 190), (240, 74))):
        heights = (np.abs(_rolling(rng, 60, 7) * 2 - 1) * 0.6 + rng.uniform(0, 0.3, 60)) * tall + 8
        _ridge(
            pen, camera, heights, distance, light.sky_low - (34 + i * 40) * light.sky_low / 245, ink=INK * 0.7
        )


def _dunes(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    for i, (distance, tall) in enumerate(((240, 34), (120, 12))):
        _ridge(
            pen,
            camera,
            _rolling(rng, 50, 4) * tall + 1,
            distance,
            light.ground - (10 + i * 26),
            ink=INK * 0.6,
        )


def _treeline(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    for i, (distance, tall) in enumerate(((110, 24), (60, 15))):
        heights = rng.uniform(0.55, 1.0, 150) * tall
        heights[::2] *= 0.62
        _ridge(pen, camera, heights, distance, light.sky_low * (0.72 - i * 0.2) + light.shade * 0.12)


def _skyline(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    for i, (distance, tall) in enumerate(((220, 80), (130, 34))):
        heights = np.repeat(rng.uniform(0.3, 1.0, 34), 4) * tall
        _ridge(pen, camera, heights, distance, light.sky_low * (0.84 - i * 0.2) + light.shade * 0.08)


def _rolling(rng: np.random.Generator, count: int, waves: int) -> Profile:
    x, out = np.linspace(0, 2 * np.pi, count), np.zeros(count)
    for k in range(1, waves + 1):
        out += np.sin(x * k * 1.3 + rng.uniform(0, 6.3)) / k
    profile: Profile = (out - out.min()) / max(float(np.ptp(out)), 1e-6)
    return profile


BACKDROPS = {
    "headland": _headland,
    "hills": _hills,
    "mountains": _mountains,
    "dunes": _dunes,
    "treeline": _treeline,
    "skyline": _skyline,
}
