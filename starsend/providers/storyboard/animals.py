"""Horses, dogs and cars, seen from the side."""

from __future__ import annotations

from starsend.providers.storyboard.body import Stand, limb
from starsend.providers.storyboard.pen import Pen

HORSE = ((-0.52, 0.64), (-0.5, 0.52), (-0.42, 0.46), (-0.16, 0.46), (0.18, 0.45), (0.36, 0.49), (0.46, 0.6), (0.66, 0.8), (0.74, 0.84), (0.88, 0.74), (0.97, 0.7), (1.0, 0.77), (0.9, 0.88), (0.78, 1.0), (0.72, 1.06), (0.66, 1.0), (0.5, 0.92), (0.32, 0.74), (0.08, 0.7), (-0.18, 0.7), (-0.4, 0.73))  # fmt: skip
HORSE_LEGS = (((0.34, 0.54), (0.44, 0.27), (0.37, 0.0)), ((0.24, 0.52), (0.21, 0.25), (0.27, 0.0)), ((-0.36, 0.56), (-0.33, 0.27), (-0.44, 0.0)), ((-0.42, 0.56), (-0.5, 0.28), (-0.38, 0.0)))  # fmt: skip


DOG = ((-0.5, 0.68), (-0.52, 0.54), (-0.42, 0.5), (-0.2, 0.54), (0.1, 0.46), (0.32, 0.46), (0.44, 0.58), (0.58, 0.66), (0.78, 0.64), (0.92, 0.64), (0.95, 0.71), (0.8, 0.78), (0.74, 0.88), (0.64, 0.9), (0.6, 0.98), (0.53, 0.88), (0.38, 0.76), (0.1, 0.71), (-0.26, 0.7))  # fmt: skip


def four_legged(pen: Pen, at: Stand, *, dog: bool) -> None:
    """A horse or a dog in profile, height 1 and about 1.5 long."""
    for i, leg in enumerate(HORSE_LEGS):
        limb(pen, at, list(leg), (0.15, 0.075, 0.05), 62 if i % 2 else 88)
    tail = (
        ((-0.48, 0.64), (-0.64, 0.76), (-0.7, 0.96)) if dog else ((-0.49, 0.66), (-0.64, 0.54), (-0.62, 0.24))
    )
    limb(pen, at, list(tail), (0.06, 0.05, 0.02) if dog else (0.06, 0.08, 0.03), 50)
    pen.fill(at(DOG if dog else HORSE), at.tone(104), ink=at.ink, smooth=2, line=at.line)
    belly = [
        (-0.44, 0.6),
        (-0.16, 0.57),
        (0.16, 0.56),
        (0.36, 0.58),
        (0.32, 0.49),
        (0.1, 0.47),
        (-0.18, 0.52),
        (-0.4, 0.53),
    ]
    pen.fill(at(belly), at.tone(72), smooth=2)
    mane = [(0.36, 0.74), (0.5, 0.96), (0.64, 1.06), (0.7, 1.06), (0.56, 0.88), (0.46, 0.74)]
    ear = [(0.58, 0.9), (0.52, 0.8), (0.55, 0.7), (0.62, 0.78)]
    pen.fill(at(ear if dog else mane), at.tone(44), ink=at.ink if dog else 0, smooth=1)
    eye, nose = at([(0.74, 0.81) if dog else (0.76, 0.93), (0.94, 0.69) if dog else (0.97, 0.75)])
    for spot, r in ((eye, 0.016), (nose, 0.024)):
        pen.ellipse((spot[0], spot[1]), at.size * r, at.size * r, 0)


def car(pen: Pen, at: Stand) -> None:
    """A saloon seen from the side; its height is 1, it is about 3 long."""
    body = [
        (-1.5, 0.22),
        (-1.5, 0.55),
        (-1.15, 0.62),
        (-0.75, 0.98),
        (0.35, 1.0),
        (0.85, 0.64),
        (1.45, 0.55),
        (1.55, 0.25),
    ]
    pen.fill(at(body), at.tone(120), ink=at.ink, smooth=1, line=at.line)
    for glass in (
        [(-0.95, 0.64), (-0.68, 0.9), (-0.2, 0.92), (-0.2, 0.64)],
        [(-0.12, 0.64), (-0.12, 0.92), (0.3, 0.92), (0.66, 0.64)],
    ):
        pen.fill(at(glass), at.tone(216), ink=at.ink * 0.7, line=at.line)
    for x in (-0.95, 0.95):
        hub = at([(x, 0.2)])[0]
        pen.ellipse(
            (hub[0], hub[1]),
            at.size * 0.22,
            at.size * 0.22 * at.squash,
            at.tone(30),
            ink=at.ink,
            line=at.line,
        )
        pen.ellipse((hub[0], hub[1]), at.size * 0.1, at.size * 0.1 * at.squash, at.tone(170))
