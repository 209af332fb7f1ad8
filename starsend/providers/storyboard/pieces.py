"""What stands about on a set: boats, trees, rocks, lamps, furniture. Each is one small drawing of height 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from starsend.providers.storyboard.body import Stand
from starsend.providers.storyboard.pen import INK, Pen


def draw_piece(pen: Pen, at: Stand, kind: str) -> None:
    """Draw the piece ``kind``, a key of `PIECES`; at night lamps and windows glow."""
    PIECES[kind](pen, at)


def _block(pen: Pen, at: Stand, outline: list[tuple[float, float]], tone: float, smooth: int = 0) -> None:
    pen.fill(at(outline), at.tone(tone), ink=at.ink, smooth=smooth, line=at.line)


def _boat(pen: Pen, at: Stand) -> None:
    _reflection(pen, at)
    pen.line(at([(0.06, 0.2), (0.06, 1.0)]), at.ink * 1.6, at.line)
    for end in ((-0.72, 0.3), (0.84, 0.34)):
        pen.line(at([(0.06, 0.98), end]), at.ink * 0.5, at.line)
    _block(
        pen, at, [(-0.42, 0.24), (-0.42, 0.5), (-0.36, 0.54), (-0.08, 0.54), (-0.04, 0.5), (-0.04, 0.24)], 170
    )
    pen.fill(at([(-0.36, 0.4), (-0.36, 0.48), (-0.12, 0.48), (-0.12, 0.4)]), 250 if at.lit else at.tone(60))
    _block(
        pen,
        at,
        [(-0.78, 0.32), (-0.7, 0.0), (0.62, 0.0), (0.92, 0.38), (0.5, 0.27), (-0.3, 0.24)],
        78,
        smooth=1,
    )
    pen.line(at([(-0.74, 0.21), (-0.3, 0.16), (0.45, 0.18), (0.78, 0.25)]), at.ink * 1.6, at.tone(210))


def _reflection(pen: Pen, at: Stand) -> None:
    for i in range(5):
        y, half = -0.04 - i * 0.06, 0.66 - i * 0.11
        pen.line(at([(-half + 0.05 * (i % 2), y), (half, y - 0.01)]), at.ink * 1.5, at.tone(70))


def _bollard(pen: Pen, at: Stand) -> None:
    _block(
        pen,
        at,
        [(-0.2, 0), (-0.17, 0.7), (-0.32, 0.8), (-0.26, 1), (0.26, 1), (0.32, 0.8), (0.17, 0.7), (0.2, 0)],
        50,
        smooth=1,
    )


def _crate(pen: Pen, at: Stand) -> None:
    _block(pen, at, [(-0.6, 0), (-0.6, 0.86), (0.35, 0.86), (0.35, 0)], 138)
    _block(pen, at, [(0.35, 0), (0.35, 0.86), (0.62, 1), (0.62, 0.12)], 86)
    _block(pen, at, [(-0.6, 0.86), (-0.32, 1), (0.62, 1), (0.35, 0.86)], 184)
    for y in (0.28, 0.57):
        pen.line(at([(-0.6, y), (0.35, y), (0.62, y + 0.1)]), at.ink * 0.7, at.line)


def _lamp(pen: Pen, at: Stand) -> None:
    head = at([(0.11, 0.965)])[0]
    if at.lit:
        pen.glow((float(head[0]), float(head[1])), at.size * 0.3, 255, 0.75)
    pen.fill(
        at([(-0.014, 0), (-0.01, 0.98), (0.01, 0.98), (0.014, 0)]),
        at.tone(36),
        ink=at.ink * 0.6,
        line=at.line,
    )
    pen.line(at([(0, 0.985), (0.07, 1.0), (0.11, 0.985)]), at.ink * 1.6, at.line)
    pen.fill(
        at([(0.07, 0.98), (0.085, 0.945), (0.135, 0.945), (0.15, 0.98)]),
        255 if at.lit else at.tone(150),
        ink=at.ink * 0.7,
        line=at.line,
    )


def _blob(pen: Pen, at: Stand, x: float, y: float, *, r: float, tone: float, ink: bool = True) -> None:
    turn = np.linspace(0, 2 * np.pi, 15)[:-1]
    reach = r * pen.rng.uniform(0.82, 1.12, turn.size)
    crown = np.column_stack((x + np.cos(turn) * reach, y + np.sin(turn) * reach * 0.86))
    pen.fill(at(crown), at.tone(tone), ink=at.ink if ink else 0, smooth=1, line=at.line)


def _tree(pen: Pen, at: Stand) -> None:
    _block(pen, at, [(-0.045, 0), (-0.025, 0.5), (0.03, 0.5), (0.05, 0)], 50)
    for x, y, r in ((-0.16, 0.62, 0.2), (0.17, 0.64, 0.2), (0.0, 0.78, 0.24)):
        _blob(pen, at, x, y, r=r, tone=112)
    for x, y, r in ((-0.12, 0.56, 0.12), (0.12, 0.6, 0.12)):
        _blob(pen, at, x, y, r=r, tone=74, ink=False)


def _pine(pen: Pen, at: Stand) -> None:
    _block(pen, at, [(-0.025, 0), (-0.02, 0.2), (0.02, 0.2), (0.025, 0)], 44)
    for low, high, half in ((0.12, 0.5, 0.21), (0.34, 0.74, 0.16), (0.58, 1.0, 0.11)):
        sway = float(pen.rng.uniform(-0.015, 0.015))
        _block(
            pen,
            at,
            [
                (-half, low),
                (-half * 0.4, low + 0.05),
                (0, low - 0.01),
                (half * 0.5, low + 0.045),
                (half, low),
                (half * 0.3, (low + high) / 2),
                (sway, high),
                (-half * 0.35, (low + high) / 2),
            ],
            92,
        )
        pen.fill(
            at(
                [
                    (-half, low),
                    (-half * 0.4, low + 0.05),
                    (-0.01, low),
                    (sway, high),
                    (-half * 0.35, (low + high) / 2),
                ]
            ),
            at.tone(60),
        )


def _bush(pen: Pen, at: Stand) -> None:
    for x, r in ((-0.45, 0.42), (0.45, 0.4), (0.0, 0.55)):
        _blob(pen, at, x, r * 0.7, r=r, tone=120)
    _blob(pen, at, -0.1, 0.25, r=0.3, tone=82, ink=False)


def _rock(pen: Pen, at: Stand) -> None:
    lift = float(pen.rng.uniform(-0.15, 0.15))
    _block(pen, at, [(-0.9, 0), (-0.66, 0.5), (-0.2 + lift, 1), (0.3, 0.84), (0.72, 0.42), (0.95, 0)], 150)
    pen.fill(
        at([(0.95, 0), (0.72, 0.42), (0.3, 0.84), (0.14, 0.4), (0.3, 0)]),
        at.tone(92),
        ink=at.ink * 0.6,
        line=at.line,
    )


def _cactus(pen: Pen, at: Stand) -> None:
    for arm in (
        [(0.05, 0.3), (0.27, 0.36), (0.27, 0.66), (0.2, 0.66), (0.18, 0.44), (0.05, 0.42)],
        [(-0.05, 0.42), (-0.24, 0.48), (-0.24, 0.78), (-0.18, 0.78), (-0.15, 0.56), (-0.05, 0.54)],
    ):
        _block(pen, at, arm, 104, smooth=1)
    _block(pen, at, [(-0.08, 0), (-0.08, 0.92), (0, 1), (0.08, 0.92), (0.08, 0)], 104, smooth=1)
    pen.fill(at([(-0.08, 0), (-0.08, 0.9), (-0.02, 0.95), (-0.02, 0)]), at.tone(66))


def _mesa(pen: Pen, at: Stand) -> None:
    _block(pen, at, [(-1.9, 0), (-1.3, 0.5), (-1.05, 0.96), (0.85, 1), (1.05, 0.52), (1.8, 0)], 150)
    pen.fill(at([(-1.9, 0), (-1.3, 0.5), (-1.05, 0.96), (-0.7, 0.97), (-0.8, 0.4), (-1.0, 0)]), at.tone(104))
    pen.strokes(
        at([(x, 0.9) for x in (-0.5, -0.2, 0.2, 0.5, 0.7)]), (0.0, at.size * 0.4), INK * 0.6, at.tone(80)
    )


def _post(pen: Pen, at: Stand) -> None:
    _block(pen, at, [(-0.06, 0), (-0.05, 1), (0.05, 1), (0.06, 0)], 90)
    for y in (0.45, 0.8):
        pen.line(at([(-1.1, y), (1.1, y)]), at.ink, at.line)


def _house(pen: Pen, at: Stand) -> None:
    _block(pen, at, [(-0.8, 0), (-0.8, 0.55), (0.8, 0.55), (0.8, 0)], 190)
    _block(pen, at, [(-0.92, 0.53), (-0.6, 1), (0.6, 1), (0.92, 0.53)], 86)
    _block(pen, at, [(0.3, 0.9), (0.3, 1.16), (0.45, 1.16), (0.45, 0.9)], 110)
    for x in (-0.55, 0.35):
        pen.fill(
            at([(x, 0.2), (x, 0.42), (x + 0.22, 0.42), (x + 0.22, 0.2)]),
            252 if at.lit else at.tone(60),
            ink=at.ink,
            line=at.line,
        )
    _block(pen, at, [(-0.1, 0), (-0.1, 0.38), (0.12, 0.38), (0.12, 0)], 60)


def _table(pen: Pen, at: Stand) -> None:
    for x in (-0.72, 0.72):
        _block(pen, at, [(x - 0.05, 0), (x - 0.05, 0.94), (x + 0.05, 0.94), (x + 0.05, 0)], 84)
    _block(pen, at, [(-0.95, 0.9), (-0.75, 1.08), (0.75, 1.08), (0.95, 0.9)], 168)
    _block(pen, at, [(-0.95, 0.82), (-0.95, 0.9), (0.95, 0.9), (0.95, 0.82)], 110)
    _block(pen, at, [(0.2, 1.0), (0.19, 1.13), (0.33, 1.13), (0.32, 1.0)], 225)
    _block(pen, at, [(-0.4, 1.0), (-0.46, 1.1), (-0.12, 1.1), (-0.18, 1.0)], 205, smooth=1)


def _chair(pen: Pen, at: Stand) -> None:
    for x, y in ((-0.2, 0.5), (0.2, 0.5), (-0.2, 1.0)):
        _block(pen, at, [(x - 0.025, 0), (x - 0.025, y), (x + 0.025, y), (x + 0.025, 0)], 70)
    _block(pen, at, [(-0.25, 0.46), (-0.22, 0.54), (0.24, 0.54), (0.24, 0.46)], 120)
    _block(pen, at, [(-0.25, 0.66), (-0.25, 1.0), (-0.16, 1.0), (-0.16, 0.66)], 104)


def _plant(pen: Pen, at: Stand) -> None:
    _block(pen, at, [(-0.16, 0.34), (-0.12, 0), (0.12, 0), (0.16, 0.34)], 130)
    for x, y in ((-0.34, 0.72), (-0.14, 0.96), (0.12, 1.0), (0.34, 0.76), (0.4, 0.5)):
        _block(
            pen, at, [(0, 0.32), (x * 0.6 - 0.06, y * 0.76), (x, y), (x * 0.6 + 0.06, y * 0.66)], 84, smooth=1
        )


def _pendant(pen: Pen, at: Stand) -> None:
    up = 2.35 / 0.47  # hung from a ceiling of 2.8 m: this piece starts where others end
    pen.line(at([(0, up + 1), (0, up)]), at.ink, at.line)
    if at.lit:
        bulb = at([(0, up - 0.3)])[0]
        pen.glow((float(bulb[0]), float(bulb[1])), at.size * 2.2, 255, 0.5)
    _block(pen, at, [(-0.12, up), (-0.42, up - 0.4), (0.42, up - 0.4), (0.12, up)], 60)


def _traffic(pen: Pen, at: Stand) -> None:
    _block(
        pen,
        at,
        [
            (-0.56, 0.12),
            (-0.58, 0.56),
            (-0.5, 0.64),
            (-0.4, 0.98),
            (0.4, 0.98),
            (0.5, 0.64),
            (0.58, 0.56),
            (0.56, 0.12),
        ],
        96,
        smooth=1,
    )
    pen.fill(
        at([(-0.42, 0.64), (-0.35, 0.9), (0.35, 0.9), (0.42, 0.64)]), at.tone(190), ink=at.ink, line=at.line
    )
    for side in (-1, 1):
        _block(pen, at, [(side * 0.54, 0), (side * 0.54, 0.16), (side * 0.36, 0.16), (side * 0.36, 0)], 22)
        lamp = at([(side * 0.42, 0.42)])[0]
        if at.lit:
            pen.glow((float(lamp[0]), float(lamp[1])), at.size * 0.7, 255, 0.8)
        pen.ellipse(
            (lamp[0], lamp[1]),
            at.size * 0.085,
            at.size * 0.07,
            255 if at.lit else at.tone(220),
            ink=at.ink,
            line=at.line,
        )
    _block(pen, at, [(-0.26, 0.3), (-0.26, 0.46), (0.26, 0.46), (0.26, 0.3)], 50)


PIECES: dict[str, Callable[[Pen, Stand], None]] = {
    "boat": _boat, "bollard": _bollard, "crate": _crate, "lamp": _lamp, "tree": _tree, "pine": _pine, "bush": _bush,
    "rock": _rock, "cactus": _cactus, "mesa": _mesa, "post": _post, "house": _house, "table": _table, "chair": _chair,
    "plant": _plant, "pendant": _pendant, "traffic": _traffic,
}  # fmt: skip
