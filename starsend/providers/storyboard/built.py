"""What is built of boxes in perspective: a street of houses and an interior."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from starsend.providers.storyboard.camera import Camera
from starsend.providers.storyboard.ground import World, floor_line
from starsend.providers.storyboard.pen import INK, Pen
from starsend.providers.storyboard.places import Light

Wall = tuple[World, World, World, World]
"""Bottom left, bottom right, top right, top left as seen by the camera."""


def draw_street(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    """Two rows of houses, far to near, along a road that runs away from the camera."""
    rows = [(side, z, float(rng.uniform(7, 17))) for z in np.arange(50, -13, -9.0) for side in (-1, 1)]
    for side, z, tall in rows:
        fade = float(np.clip((z + 14) / 90, 0, 0.6))
        base = light.shade * 1.25 + 16
        front = base + (light.sky_low * 0.9 - base) * fade
        x, far, deep = side * 6.6, side * 15.0, z + 8.4
        face: Wall = ((x, 0, z), (far, 0, z), (far, tall, z), (x, tall, z))
        flank: Wall = ((x, 0, deep), (x, 0, z), (x, tall, z), (x, tall, deep))
        for wall, tone, columns in ((face, front * 1.18, 3), (flank, front * 0.82, 4)):
            pen.fill(camera.polygon(wall), tone, ink=INK, line=front * 0.4)
            lit = rng.random((int(tall // 2.9), columns)) < (0.42 if light.shade < 50 else 0.0)
            _windows(pen, camera, wall, lit, tone)


def _windows(pen: Pen, camera: Camera, wall: Wall, lit: NDArray[np.bool_], tone: float) -> None:
    """A window for each element of ``lit`` (floors from the ground up, columns)."""
    floors, columns = lit.shape
    a, b, _, d = (np.array(corner, float) for corner in wall)
    for row in range(floors):
        for column in range(columns):
            s0, s1 = (column + 0.25) / columns, (column + 0.75) / columns
            t0, t1 = (row + 0.3) / floors, (row + 0.78) / floors
            corners = np.array(
                [a + (b - a) * s + (d - a) * t for s, t in ((s0, t0), (s1, t0), (s1, t1), (s0, t1))]
            )
            if camera.depth(corners).min() > 1.0:
                pen.fill(camera.project(corners), 250 if lit[row, column] else tone * 0.58)


def draw_room(pen: Pen, camera: Camera, light: Light, rng: np.random.Generator) -> None:
    """A room 8 m wide and 2.8 m high, its back wall 2 m behind the subject, lit by one large window."""
    w, h, back, front = 4.0, 2.8, 2.0, -8.0
    base = 96 + light.ground * 0.42
    far: Wall = ((-w, 0, back), (w, 0, back), (w, h, back), (-w, h, back))
    floor: Wall = ((-w, 0, back), (w, 0, back), (w, 0, front), (-w, 0, front))
    ceiling: Wall = ((-w, h, back), (w, h, back), (w, h, front), (-w, h, front))
    pen.fill(camera.polygon(floor), base * 0.78, ink=INK)
    if camera.eye[1] < h:
        pen.fill(camera.polygon(ceiling), base * 0.94, ink=INK)
    for side, tone in ((-w, 0.66), (w, 0.86)):
        pen.fill(
            camera.polygon(((side, 0, back), (side, 0, front), (side, h, front), (side, h, back))),
            base * tone,
            ink=INK,
        )
    pen.fill(camera.polygon(far), base, ink=INK)
    for x in np.arange(-w, w + 0.1, 0.5):
        floor_line(pen, camera, ((x, 0, back), (x, 0, front)), INK * 0.5, base * 0.58)
    floor_line(pen, camera, ((-w, 0.14, back), (w, 0.14, back)), INK, base * 0.4)
    side = 1.0 if rng.random() < 0.5 else -1.0
    _window(pen, camera, light, side * 1.25, back)
    _furnish(pen, camera, (-side * 1.9, back), base, rng)


def _window(pen: Pen, camera: Camera, light: Light, x: float, back: float) -> None:
    left, right, low, high = x - 0.85, x + 0.85, 0.95, 2.35
    outside = light.sky_low if light.shade > 40 else light.sky_low * 0.7
    corners = ((left, low, back), (right, low, back), (right, high, back), (left, high, back))
    pen.fill(camera.polygon(corners), outside, ink=INK * 2)
    frame = camera.project(corners)
    pen.glow((float(frame[:, 0].mean()), float(frame[:, 1].mean())), 0.5 * camera.focal / 2, 255, 0.35)
    for a, b in (((x, low, back), (x, high, back)), ((left, 1.75, back), (right, 1.75, back))):
        floor_line(pen, camera, (a, b), INK * 2, 30)
    for edge in (left - 0.12, right + 0.12):  # curtains
        cloth = (
            (edge - 0.2, 0.7, back),
            (edge + 0.2, 0.7, back),
            (edge + 0.13, 2.5, back),
            (edge - 0.13, 2.5, back),
        )
        pen.fill(camera.polygon(cloth), 150, ink=INK)
        for fold in (-0.07, 0.06):
            floor_line(pen, camera, ((edge + fold, 0.74, back), (edge + fold, 2.46, back)), INK * 0.6, 90)
    pool = (
        (left - 0.1, 0, back - 1.0),
        (right - 0.1, 0, back - 1.0),
        (right - 0.9, 0, back - 3.4),
        (left - 0.9, 0, back - 3.4),
    )
    pen.fill(camera.polygon(pool), 232 if light.shade > 40 else 150)


def _furnish(
    pen: Pen, camera: Camera, place: tuple[float, float], base: float, rng: np.random.Generator
) -> None:
    x, back = place
    counter = ((x - 1.5, 0, back), (x + 1.5, 0, back), (x + 1.5, 0.92, back), (x - 1.5, 0.92, back))
    pen.fill(camera.polygon(counter), base * 0.6, ink=INK)
    for door in (-0.5, 0.5):
        floor_line(pen, camera, ((x + door, 0.08, back), (x + door, 0.86, back)), INK * 0.8, 40)
    floor_line(pen, camera, ((x - 1.55, 0.94, back), (x + 1.55, 0.94, back)), INK * 2.4, 50)
    for shelf in (1.5, 1.95):
        floor_line(pen, camera, ((x - 1.2, shelf, back), (x + 1.2, shelf, back)), INK * 1.8, 50)
        for at in rng.uniform(-1.1, 1.0, 6):
            wide, tall = float(rng.uniform(0.07, 0.14)), float(rng.uniform(0.14, 0.3))
            jar = (
                (x + at, shelf, back),
                (x + at + wide, shelf, back),
                (x + at + wide, shelf + tall, back),
                (x + at, shelf + tall, back),
            )
            pen.fill(camera.polygon(jar), float(rng.uniform(60, 220)), ink=INK * 0.6)
