"""People: mannequin figures in flat tones, from a dot on the horizon to a face in close-up.

A body is drawn in its own coordinates: x across, y up, feet at 0 and the top of the head at 1.
"""

from __future__ import annotations

import numpy as np

from starsend.providers.storyboard.body import Stand, hatch, limb
from starsend.providers.storyboard.heads import Look, draw_back_hair, draw_head, look_of
from starsend.providers.storyboard.pen import Pen
from starsend.providers.storyboard.places import Rgb
from starsend.providers.storyboard.scene import Figure

Joints = dict[str, tuple[tuple[float, float], ...]]

# Per pose: hip, knee, foot of the far and the near leg; shoulder, elbow, hand of the far and the near arm.
POSES: dict[str, Joints] = {
    "stand": {
        "far leg": ((0.04, 0.5), (0.055, 0.27), (0.06, 0.02)),
        "near leg": ((-0.04, 0.5), (-0.05, 0.27), (-0.06, 0.02)),
        "far arm": ((0.094, 0.79), (0.138, 0.63), (0.13, 0.475)),
        "near arm": ((-0.094, 0.79), (-0.142, 0.63), (-0.115, 0.49)),
    },
    "side": {
        "far leg": ((0.01, 0.5), (0.03, 0.27), (0.03, 0.03)),
        "near leg": ((-0.01, 0.5), (-0.02, 0.27), (-0.05, 0.02)),
        "far arm": ((0.02, 0.79), (0.05, 0.63), (0.09, 0.5)),
        "near arm": ((-0.015, 0.785), (-0.035, 0.63), (0.005, 0.485)),
    },
    "walk": {
        "far leg": ((0.01, 0.5), (-0.05, 0.28), (-0.15, 0.05)),
        "near leg": ((0.01, 0.5), (0.09, 0.28), (0.12, 0.02)),
        "far arm": ((0.04, 0.8), (0.12, 0.65), (0.19, 0.52)),
        "near arm": ((-0.05, 0.8), (-0.12, 0.64), (-0.13, 0.48)),
    },
    "run": {
        "far leg": ((0.0, 0.5), (-0.07, 0.3), (-0.27, 0.24)),
        "near leg": ((0.01, 0.5), (0.17, 0.38), (0.13, 0.1)),
        "far arm": ((0.07, 0.79), (0.17, 0.66), (0.28, 0.75)),
        "near arm": ((-0.01, 0.79), (-0.16, 0.7), (-0.12, 0.54)),
    },
    "ride": {
        "far leg": ((0.03, 0.5), (0.13, 0.38), (0.09, 0.14)),
        "near leg": ((0.0, 0.5), (0.12, 0.37), (0.07, 0.12)),
        "far arm": ((0.06, 0.8), (0.13, 0.65), (0.25, 0.6)),
        "near arm": ((-0.06, 0.8), (-0.02, 0.62), (0.2, 0.57)),
    },
}
LEAN = {"stand": 0.0, "side": 0.0, "walk": 0.02, "run": 0.09, "ride": 0.0}


def person(pen: Pen, at: Stand, who: Figure, *, facing: str = "camera") -> None:
    """A standing, walking, running or riding person. ``facing``: ``camera``, ``side`` or ``away``."""
    name = "side" if who.pose == "stand" and facing == "side" else who.pose
    look, lean = look_of(who), LEAN[name]
    accent = who.accent if at.fade < 0.55 else None  # colour is lost in the distance
    pose = {
        part: [(x * look.stout + lean * max(y - 0.5, 0), y) for x, y in joints]
        for part, joints in POSES[name].items()
    }
    if facing != "away":
        draw_back_hair(pen, at, look, lean * 0.45)
    _arm(pen, at, pose["far arm"], look.coat * 0.72, accent)
    for leg, dim in (("far leg", 0.75), ("near leg", 1.0)):
        limb(pen, at, pose[leg], (0.088, 0.066, 0.05), look.trousers * dim)
        _shoe(pen, at, *pose[leg][-1])
    if name == "stand":
        _arm(pen, at, pose["near arm"], look.coat, accent)
    _torso(pen, at, look, accent, name, back=facing == "away")
    if name != "stand":
        _arm(pen, at, pose["near arm"], look.coat, accent)
    draw_head(pen, at, look, facing, lean * 0.45)
    if facing == "away":
        draw_back_hair(pen, at, look, lean * 0.45)


def _arm(pen: Pen, at: Stand, joints: list[tuple[float, float]], tone: float, accent: Rgb | None) -> None:
    hand = at([joints[-1]])[0]
    pen.ellipse((hand[0], hand[1]), at.size * 0.02, at.size * 0.025, at.tone(196), ink=at.ink, line=at.line)
    limb(pen, at, joints, (0.064, 0.052, 0.036), tone, accent=accent)


def _shoe(pen: Pen, at: Stand, x: float, y: float) -> None:
    outline = [
        (x - 0.03, y + 0.02),
        (x + 0.02, y + 0.035),
        (x + 0.065, y - 0.01),
        (x + 0.06, y - 0.02),
        (x - 0.03, y - 0.02),
    ]
    pen.fill(at(outline), at.tone(24), ink=at.ink, line=at.line)


def _torso(pen: Pen, at: Stand, look: Look, accent: Rgb | None, pose: str, *, back: bool) -> None:
    shoulder, waist = (0.1, 0.075) if look.woman else (0.118, 0.096)
    hem, flare = (0.24, 0.15) if look.skirt else (0.42, 0.104)
    if pose == "ride":
        hem, flare = 0.47, 0.1
    side, lean = pose != "stand", LEAN[pose]
    slim = 0.76 if side else 1.0
    rows = (
        (0.872, 0.032),
        (0.846, 0.05),
        (0.82, shoulder * 0.88),
        (0.785, shoulder),
        (0.63, waist),
        (0.5, (waist + flare) / 2),
        (hem, flare),
    )
    half = np.array([(w * look.stout * (slim if y < 0.85 else 1), y) for y, w in rows])
    bend = np.column_stack((lean * np.maximum(half[:, 1] - 0.5, 0), np.zeros(len(half))))
    right, left = half + bend, half * (-1, 1) + bend
    pen.fill(
        at(np.vstack((right, left[::-1]))),
        at.tone(look.coat),
        accent=accent,
        ink=at.ink,
        smooth=1,
        line=at.line,
    )
    fold, edge = half[2:] * (0.34, 1) + bend[2:], half[2:] * (0.93, 1) + bend[2:]
    pen.fill(at(np.vstack((fold, edge[::-1]))), at.tone(look.coat * 0.72), accent=accent, smooth=1)
    if at.size > 0.6:
        hatch(pen, at, fold, edge)
        if not side and not back:
            pen.line(at([(0, 0.84), (0.0, hem + 0.02)]), at.ink * 0.6)
            for wing in (-1, 1):  # lapels
                pen.line(at([(wing * 0.034, 0.868), (wing * 0.05, 0.8), (0, 0.74)]), at.ink * 0.7)
