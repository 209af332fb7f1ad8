"""The ground in perspective: quay and water, sand, grass, road. It is what tells a high angle from a low one."""

from __future__ import annotations

import numpy as np

from starsend.providers.storyboard.camera import NEAR, Camera
from starsend.providers.storyboard.pen import INK, Pen
from starsend.providers.storyboard.places import Light, Place

World = tuple[float, float, float]


def draw_ground(pen: Pen, camera: Camera, place: Place, light: Light, rng: np.random.Generator) -> None:
    """Fill from the horizon down, then lay the pattern that the place's ground has."""
    near = light.ground + (18 if light.ground > 100 else -14)
    if place.shore is None:
        pen.blend(camera.horizon, 1.0, light.ground * 0.62 + light.sky_low * 0.3, near)
    else:
        pen.blend(camera.horizon, 1.0, light.sky_low * 0.94, light.sky_top * 0.72)
        _water(pen, camera, place.shore, light, rng)
        land = [(-90, 0, place.shore), (90, 0, place.shore), (90, 0, -40), (-90, 0, -40)]
        pen.fill(camera.polygon(land), near, ink=INK * 1.4, line=light.shade * 0.4)
    GROUNDS[place.ground](pen, camera, light, rng)


def floor_line(pen: Pen, camera: Camera, ends: tuple[World, World], width: float, tone: float) -> None:
    """A straight world line, cut off at the lens."""
    line = np.array(ends, float)
    ahead = camera.depth(line) - NEAR
    if ahead.max() <= 0:
        return
    if ahead.min() < 0:
        behind = int(ahead.argmin())
        line[behind] += (line[1 - behind] - line[behind]) * (
            -ahead[behind] / (ahead[1 - behind] - ahead[behind])
        )
    pen.line(camera.project(line), width, tone)


def _water(pen: Pen, camera: Camera, shore: float, light: Light, rng: np.random.Generator) -> None:
    for x, z, length in rng.uniform((-1, 0, 0.5), (1, 1, 2.4), (190, 3)):
        away = shore + 0.5 + 70 * float(z) ** 2.2
        u, v, scale, _ = camera.spot(float(x) * (away + 13) * 1.1, away)
        half = float(length) * scale * (0.6 + away / 30)
        light_one = rng.random() < 0.45
        tone = min(light.sky_low + 26, 255) if light_one else light.sky_top * 0.6
        pen.line([(u - half, v), (u, v + 0.002), (u + half, v)], min(INK * 1.6, scale * 0.06), tone)


def _planks(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    seam, edge = light.ground * 0.7, light.shade * 0.4
    for x in np.arange(-24, 24.1, 0.8):
        floor_line(pen, camera, ((x, 0, 3.4), (x, 0, -14)), INK * 0.6, seam)
        joint = float(rng.uniform(-6, 3))
        floor_line(pen, camera, ((x, 0, joint), (x + 0.8, 0, joint)), INK * 0.6, seam)
    for z in (3.4, 3.05):
        floor_line(pen, camera, ((-60, 0, z), (60, 0, z)), INK * 1.6, edge)


def _sand(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    for i, z in enumerate((5.4, 4.7, 3.9)):  # where the waves ran out
        x = np.linspace(-60, 60, 121)
        wash = z + np.sin(x * 0.55 + i * 2) * 0.35 + rng.uniform(-0.12, 0.12, 121)
        pen.line(
            camera.project(np.column_stack((x, np.zeros(121), wash))),
            INK * (1.5 - i * 0.4),
            252 if i == 0 else light.ground * 0.82,
        )
    _ripples(pen, camera, light, rng, reach=(-12, 3.4))


def _ripples(
    pen: Pen,
    camera: Camera,
    light: Light,
    rng: np.random.Generator,
    *,
    reach: tuple[float, float] = (-11, 34),
) -> None:
    along = np.linspace(-2.2, 2.2, 9)
    bow = np.cos(along) * 0.3
    for z, x in rng.uniform((0, -1), (1, 1), (130, 2)):
        away = reach[0] + (reach[1] - reach[0]) * float(z) ** 1.7
        centre = float(x) * (10 + (away + 12) * 0.8)
        if camera.depth([[centre, 0, away]])[0] > 1:
            ripple = np.zeros((9, 3))
            ripple[:, 0], ripple[:, 2] = centre + along, away + bow
            pen.line(camera.project(ripple), INK * 0.7, light.ground * 0.78)


def _grass(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    path = [
        (-0.9, 0, -14),
        (0.9, 0, -14),
        (0.6, 0, 6),
        (2.2, 0, 16),
        (5.0, 0, 30),
        (4.2, 0, 30),
        (1.2, 0, 16),
        (-0.5, 0, 6),
    ]
    pen.fill(camera.polygon(path), min(light.ground * 1.14, 250), smooth=1)
    for x, z in rng.uniform((-1, 0), (1, 1), (170, 2)):
        away = -7 + 34 * float(z) ** 2
        side = float(x) * (9 + (away + 12) * 0.9)
        u, v, scale, depth = camera.spot(side, away)
        if depth > 1 and abs(side) > 1.1:
            tall = min(0.28 * scale, 0.09) * camera.squash
            for lean in (-0.4, 0.05, 0.45):
                pen.line([(u, v), (u + lean * tall, v - tall)], INK * 0.6, light.ground * 0.6)


def _road(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    for side in (-1, 1):
        pavement = [(side * 4.2, 0, -20), (side * 6.6, 0, -20), (side * 6.6, 0, 90), (side * 4.2, 0, 90)]
        pen.fill(
            camera.polygon(pavement),
            min(light.ground * 1.22 + 10, 250),
            ink=INK * 0.8,
            line=light.shade * 0.5,
        )
        for z in np.arange(-12, 40, 1.6):
            floor_line(pen, camera, ((side * 4.2, 0, z), (side * 6.6, 0, z)), INK * 0.5, light.ground * 0.8)
    for z in np.arange(-12, 60, 4.0):
        dash = [(-0.09, 0, z), (0.09, 0, z), (0.09, 0, z + 1.9), (-0.09, 0, z + 1.9)]
        pen.fill(camera.polygon(dash), min(light.ground * 1.5 + 20, 252))
    for x, z, length in rng.uniform((-4, -8, 0.5), (4, 26, 2), (26, 3)):
        floor_line(
            pen,
            camera,
            ((float(x), 0, float(z)), (float(x), 0, float(z + length))),
            INK * 0.6,
            light.ground * 0.8,
        )


GROUNDS = {"planks": _planks, "sand": _sand, "ripples": _ripples, "grass": _grass, "road": _road}
