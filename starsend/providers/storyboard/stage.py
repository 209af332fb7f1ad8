"""Staging: gives a scene's actors and pieces their places, and shoots it through a camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from starsend.providers.storyboard.animals import car, four_legged
from starsend.providers.storyboard.body import Stand
from starsend.providers.storyboard.camera import SETUPS, Camera
from starsend.providers.storyboard.figures import person
from starsend.providers.storyboard.pen import Pen
from starsend.providers.storyboard.pieces import draw_piece
from starsend.providers.storyboard.scene import Figure, Framing, Scene
from starsend.providers.storyboard.sets import draw_set, draw_weather

HEIGHTS = {"person": 1.76, "rider": 2.5, "dog": 0.7, "horse": 1.7, "car": 1.5}
"""Metres."""


LANDMARKS = ("crate", "rock", "cactus", "lamp")
"""What the camera looks at where nobody is."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An actor or a piece at its place on the ground, in metres."""

    x: float
    z: float
    height: float
    what: Figure | str
    flip: int = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """A scene with everything in its place. ``seed`` settles all that the words leave open."""

    scene: Scene
    seed: bytes
    actors: tuple[Placed, ...]
    pieces: tuple[Placed, ...]
    sun: float
    """Metres a shadow of one metre's height reaches to the right (or, negative, to the left)."""


def rng_for(seed: bytes, *path: int) -> np.random.Generator:
    """The generator for one purpose: the same seed and path always give the same numbers."""
    return np.random.default_rng([int.from_bytes(seed[:16], "big"), *path])


def set_stage(scene: Scene, seed: bytes) -> Stage:
    """Place the cast around the origin and strew the place's pieces."""
    rng = rng_for(seed, 0)
    flip = 1 if rng.random() < 0.5 else -1
    actors = tuple(_place(i, figure, flip, rng) for i, figure in enumerate(scene.cast))
    landmark = next((s for s in scene.place.scatter if s.kind in LANDMARKS and not actors), None)
    pieces = tuple(
        () if landmark is None else (Placed(0.0, 0.4, min(landmark.height[1], 1.0), landmark.kind),)
    ) + tuple(
        Placed(
            float(rng.uniform(*s.x)),
            float(rng.uniform(*s.z)),
            float(rng.uniform(*s.height)),
            s.kind,
            1 if rng.random() < 0.5 else -1,
        )
        for s in scene.place.scatter
        for _ in range(s.count)
    )
    reach = {"low sun": 1.5, "sun": 0.55, "moon": 0.9}.get(scene.light.disc, 0.35)
    return Stage(scene, seed, actors, pieces, reach * (1 if rng.random() < 0.5 else -1))


def shoot(stage: Stage, framing: Framing, size: tuple[int, int], take: int) -> Image.Image:
    """The stage through one camera, in pixels ``size``. ``take`` varies the camera a little and its side."""
    scene, rng = stage.scene, rng_for(stage.seed, 1, take)
    tall = stage.actors[0].height if stage.actors else 1.5
    setup = SETUPS[framing]
    jitter = float(rng.uniform(0.92, 1.1))
    lead = stage.scene.cast[0].kind if stage.scene.cast else ""
    # Long or low things fill a panel sooner.
    most = {"": 0.55, "car": 0.5, "dog": 0.55, "horse": 0.9}.get(lead, 9.0)
    setup = replace(setup, size=min(setup.size * jitter, most), distance=setup.distance / jitter)
    mirror = bool(rng_for(stage.seed, 2).random() < 0.5) != (take % 2 == 1)
    camera = Camera(setup, tall, wide=size[0] / size[1], mirror=mirror, indoors=scene.place.indoors)
    pen = Pen(size, scene.light.ink, scene.light.paper, rng)
    draw_set(pen, camera, scene.place, scene.light, rng_for(stage.seed, 3))
    _draw_placed(pen, camera, stage, framing)
    if framing == "shoulder" and stage.actors:
        _foreground(pen, stage, mirror)
    draw_weather(pen, scene.weather, scene.light, rng)
    return pen.finish()


def _place(i: int, figure: Figure, flip: int, rng: np.random.Generator) -> Placed:
    height = HEIGHTS[figure.kind] * (0.7 if figure.child else 0.95 if figure.woman else 1.0)
    if i == 0:
        return Placed(0.0, 0.0, height, figure, flip)
    side = flip if i % 2 else -flip
    step = (i + 1) // 2
    x = (
        side
        * (0.35 + 0.75 * step + float(rng.uniform(0, 0.3)))
        * (2.2 if figure.kind in ("car", "horse", "rider") else 1.0)
    )
    z = float(rng.uniform(0.1, 1.3)) + (3.0 if figure.kind == "car" else 0.4 * step)
    turn = flip if figure.pose in ("run", "walk", "ride") else -side
    return Placed(x, z, height, figure, turn)


def _draw_placed(pen: Pen, camera: Camera, stage: Stage, framing: Framing) -> None:
    actors = list(stage.actors)
    people = [a for a in actors if isinstance(a.what, Figure) and a.what.kind in ("person", "rider")]
    if framing == "shoulder" and len(people) == 1:
        actors.remove(people[0])  # the shoulder is hers
    ahead = [p for p in stage.pieces if _clear(camera, stage, p)]
    for placed in sorted((*ahead, *actors), key=lambda p: -camera.spot(p.x, p.z)[3]):
        u, v, scale, depth = camera.spot(placed.x, placed.z)
        if depth < 0.9:
            continue
        light = stage.scene.light
        fade = (
            0.0
            if stage.scene.place.indoors
            else float(np.clip((depth - 8) / (34 if stage.scene.weather == "fog" else 70), 0, 0.72))
        )
        at = Stand(u, v, scale * placed.height, camera.squash, placed.flip, light.sky_low, fade, light.shade)
        if isinstance(placed.what, str):
            draw_piece(pen, at, placed.what)
        else:
            _shadow(pen, camera, stage, placed, placed.what.kind)
            _actor(
                pen,
                at,
                placed.what,
                scale,
                "side"
                if framing == "profile" or (placed.what.pose != "stand" and framing != "close")
                else "camera",
            )


def _clear(camera: Camera, stage: Stage, piece: Placed) -> bool:
    """Nothing may stand between the lens and the subject, nor hang over the lens."""
    u, _, scale, depth = camera.spot(piece.x, piece.z)
    subject = float(camera.depth([[0, 0, 0]])[0])
    if depth > subject or not stage.actors:
        return not (
            stage.actors and piece.what in ("lamp", "post", "pine", "cactus") and abs(u - camera.u0) < 0.035
        )
    return depth > 1.2 + subject / 5 and abs(u - camera.u0) > 0.3 + 0.5 * scale * min(piece.height, 1.2)


def _shadow(pen: Pen, camera: Camera, stage: Stage, placed: Placed, kind: str) -> None:
    reach, half = stage.sun * placed.height, {"person": 0.17, "dog": 0.35}.get(kind, 0.7)
    x, z = placed.x, placed.z
    outline = [
        (x - half, 0, z - 0.1),
        (x + half, 0, z - 0.1),
        (x + half * 0.7 + reach, 0, z + 0.5),
        (x + reach, 0, z + 0.75),
        (x - half * 0.7 + reach, 0, z + 0.6),
        (x - half, 0, z + 0.12),
    ]
    ground = stage.scene.light.ground
    pen.fill(camera.polygon(outline), ground * 0.55, smooth=2)


def _actor(pen: Pen, at: Stand, figure: Figure, scale: float, facing: str) -> None:
    if figure.kind == "person":
        person(pen, at, figure, facing=facing)
    elif figure.kind == "rider":
        four_legged(pen, replace(at, size=2.15 * scale), dog=False)
        seat = replace(
            at, v=at.v - 0.72 * scale * at.squash, size=1.7 * scale, u=at.u - at.flip * 0.08 * scale
        )
        person(pen, seat, figure, facing=facing)
    elif figure.kind == "car":
        car(pen, at)
    else:
        four_legged(pen, at, dog=figure.kind == "dog")


def _foreground(pen: Pen, stage: Stage, mirror: bool) -> None:
    """The back that the camera looks over: dark, large, half out of the panel."""
    people = [
        a.what for a in stage.actors if isinstance(a.what, Figure) and a.what.kind in ("person", "rider")
    ]
    if people:
        back = replace(people[-1], kind="person", pose="stand")
        u = pen.wide * (0.8 if mirror else 0.2)
        person(
            pen,
            Stand(u, 0.17 + 2.7, 2.7, shade=stage.scene.light.shade * 0.55, flip=-1 if mirror else 1),
            back,
            facing="away",
        )
