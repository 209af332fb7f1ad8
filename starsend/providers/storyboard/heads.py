"""Heads, from a dot of hair to a face in close-up, and the looks that tell people apart."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from starsend.providers.storyboard.body import Stand
from starsend.providers.storyboard.pen import Pen
from starsend.providers.storyboard.scene import Figure

HAIRS = ("short", "hat", "cap", "long", "bun", "bob")


@dataclass(frozen=True, slots=True)
class Look:
    """Build, hair and clothes: they follow from the name, so a person looks alike in every picture."""

    stout: float
    coat: float
    trousers: float
    hair: str
    grey: float
    woman: bool
    skirt: bool


def look_of(who: Figure) -> Look:
    """The look that goes with a figure's name."""
    digest = sha256(who.name.encode()).digest()
    return Look(
        stout=0.93 + digest[2] / 255 * 0.16,
        coat=118 if who.accent else (52, 84, 120, 150)[digest[3] % 4],
        trousers=(34, 60, 96)[digest[4] % 3],
        hair=HAIRS[digest[6] % 3 + (3 if who.woman else 0)],
        grey=(24, 52, 86)[digest[7] % 3],
        woman=who.woman,
        skirt=who.woman and digest[5] % 2 == 0,
    )


EGG = ((0, 0.866), (0.024, 0.873), (0.041, 0.9), (0.047, 0.94), (0.044, 0.975), (0.022, 0.995), (-0.022, 0.995), (-0.044, 0.975), (-0.047, 0.94), (-0.041, 0.9), (-0.024, 0.873))  # fmt: skip
PROFILE = ((0.02, 0.868), (0.04, 0.868), (0.046, 0.882), (0.043, 0.889), (0.05, 0.897), (0.046, 0.905), (0.062, 0.914), (0.046, 0.936), (0.05, 0.955), (0.042, 0.985), (0.01, 1.0), (-0.03, 0.99), (-0.052, 0.96), (-0.05, 0.92), (-0.03, 0.895), (-0.004, 0.886))  # fmt: skip


def draw_head(pen: Pen, at: Stand, look: Look, facing: str, x: float) -> None:
    """Neck, head, face and hair, ``x`` to the side of the feet."""
    grey, skin = at.tone(look.grey), at.tone(222)
    neck = [(x - 0.027, 0.9), (x - 0.032, 0.845), (x, 0.832), (x + 0.032, 0.845), (x + 0.027, 0.9)]
    pen.fill(at(neck), skin * 0.76, ink=at.ink, line=at.line)
    outline = np.array(PROFILE if facing == "side" else EGG) + np.array((x, 0))
    pen.fill(
        at(outline),
        grey if facing == "away" else skin,
        ink=at.ink,
        smooth=1 if facing == "side" else 2,
        line=at.line,
    )
    if facing == "camera":
        shade = [
            (x - 0.041, 0.965),
            (x - 0.045, 0.94),
            (x - 0.039, 0.903),
            (x - 0.02, 0.875),
            (x - 0.008, 0.873),
            (x - 0.024, 0.91),
            (x - 0.026, 0.965),
        ]
        pen.fill(at(shade), skin * 0.82, smooth=1)
    if facing != "away":
        if at.size > 0.75:
            (_side_features if facing == "side" else _features)(pen, at, x, look)
        _hair(pen, at, look.hair, grey=grey, x=x, side=facing == "side")
    if look.hair == "bun":
        spot = at([(x - 0.03 if facing != "side" else x - 0.06, 1.012 if facing != "side" else 0.985)])[0]
        pen.ellipse((spot[0], spot[1]), at.size * 0.025, at.size * 0.024, grey, ink=at.ink, line=at.line)
    if look.hair in ("hat", "cap"):
        _hat(pen, at, x, brim=0.1 if look.hair == "hat" else 0.056, tone=at.tone(64))


def _features(pen: Pen, at: Stand, x: float, look: Look) -> None:
    thin, x = at.ink * 0.8, x + 0.01
    for side in (-1, 1):
        eye = x + side * 0.0185
        pen.line(
            at([(eye - 0.0095, 0.9355), (eye, 0.9385), (eye + 0.0095, 0.9355)]),
            thin * (1.6 if look.woman else 1.2),
        )
        spot = at([(eye + 0.001, 0.9335)])[0]
        pen.ellipse((spot[0], spot[1]), at.size * 0.0036, at.size * 0.0043, 0)
        brow = [(eye - side * 0.01, 0.9475), (eye + side * 0.002, 0.9505), (eye + side * 0.013, 0.9465)]
        pen.line(at(brow), thin * (1.0 if look.woman else 1.8))
    pen.line(at([(x + 0.005, 0.932), (x + 0.0085, 0.913), (x - 0.001, 0.91)]), thin)
    pen.line(
        at([(x - 0.015, 0.8965), (x - 0.003, 0.898), (x + 0.002, 0.8968), (x + 0.014, 0.898)]), thin * 1.4
    )
    pen.line(at([(x - 0.006, 0.8905), (x + 0.006, 0.8905)]), thin * 0.8)


def _side_features(pen: Pen, at: Stand, x: float, look: Look) -> None:
    thin = at.ink * 0.8
    pen.line(
        at([(x + 0.024, 0.937), (x + 0.032, 0.9385), (x + 0.04, 0.9345)]), thin * (1.6 if look.woman else 1.2)
    )
    spot = at([(x + 0.035, 0.934)])[0]
    pen.ellipse((spot[0], spot[1]), at.size * 0.003, at.size * 0.0045, 0)
    pen.line(
        at([(x + 0.022, 0.949), (x + 0.034, 0.952), (x + 0.046, 0.949)]), thin * (1.0 if look.woman else 1.8)
    )
    pen.line(at([(x + 0.028, 0.8965), (x + 0.046, 0.8975)]), thin * 1.3)
    pen.line(at([(x + 0.05, 0.91), (x + 0.045, 0.9125)]), thin)
    ear = [(x - 0.012, 0.935), (x - 0.018, 0.925), (x - 0.01, 0.912), (x - 0.005, 0.918)]
    pen.line(at(ear), thin)


def _hair(pen: Pen, at: Stand, hair: str, *, grey: float, x: float, side: bool) -> None:
    if side:
        cap = [
            (x + 0.05, 0.96),
            (x + 0.05, 0.985),
            (x + 0.03, 1.008),
            (x - 0.02, 1.008),
            (x - 0.06, 0.98),
            (x - 0.062, 0.93),
            (x - 0.045, 0.895),
            (x - 0.02, 0.905),
            (x - 0.018, 0.94),
            (x + 0.004, 0.95),
            (x + 0.014, 0.972),
        ]
    else:
        ear = 0.915 if hair in ("long", "bob") else 0.938
        cap = [
            (x - 0.05, ear),
            (x - 0.055, 0.965),
            (x - 0.038, 1.0),
            (x, 1.01),
            (x + 0.038, 1.0),
            (x + 0.055, 0.962),
            (x + 0.05, ear),
            (x + 0.043, 0.958),
            (x + 0.024, 0.975),
            (x - 0.016, 0.984),
            (x - 0.036, 0.965),
            (x - 0.042, 0.945),
        ]
    pen.fill(at(cap), grey, ink=at.ink, smooth=2, line=at.line)


def draw_back_hair(pen: Pen, at: Stand, look: Look, x: float) -> None:
    """Hair that falls behind the shoulders, where the look has any."""
    if look.hair in ("long", "bob"):
        end = 0.775 if look.hair == "long" else 0.868
        fall = [
            (x - 0.05, 0.975),
            (x - 0.064, 0.9),
            (x - 0.072, end),
            (x, end - 0.012),
            (x + 0.066, end),
            (x + 0.062, 0.9),
            (x + 0.05, 0.975),
        ]
        pen.fill(at(fall), at.tone(look.grey * 0.8), ink=at.ink, smooth=2, line=at.line)


def _hat(pen: Pen, at: Stand, x: float, *, brim: float, tone: float) -> None:
    crown = [
        (x - 0.054, 0.976),
        (x - 0.05, 1.03),
        (x - 0.02, 1.046),
        (x + 0.02, 1.042),
        (x + 0.05, 1.03),
        (x + 0.054, 0.976),
    ]
    pen.fill(at(crown), tone, ink=at.ink, smooth=1, line=at.line)
    front = 0.03 if brim < 0.1 else 0.0
    edge = [
        (x - brim, 0.973),
        (x, 0.985),
        (x + brim + front, 0.973),
        (x + brim * 0.9 + front, 0.963),
        (x, 0.97),
        (x - brim * 0.9, 0.963),
    ]
    pen.fill(at(edge), tone * 0.8, ink=at.ink, smooth=1, line=at.line)
