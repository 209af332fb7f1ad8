"""The ids that a sequence's paid pictures and takes are booked under, and whose an id is.

A take is booked under the sequence's own name, a house shot's start frame under ``NAME_frame``, a grid under ``NAME_grid``, and the
single frame for one of its cells under ``NAME_grid_c2``.
"""

from __future__ import annotations

import re
from collections.abc import Container

CELLS = (1, 2, 3, 4)


def grid_shot(name: str) -> str:
    """The shot that the grids of a sequence are booked under."""
    return f"{name}_grid"


def single_shot(name: str, cell: int) -> str:
    """The shot that one cell's single frame is booked under."""
    return f"{name}_grid_c{cell}"


def shots_of(name: str) -> list[str]:
    """Every shot id under which money is spent on ``name``."""
    return [name, f"{name}_frame", grid_shot(name), *(single_shot(name, cell) for cell in CELLS)]


def owner_of(shot_id: str, names: Container[str]) -> str | None:
    """Which of ``names`` books its frames under ids like ``shot_id`` (``SEQ01_grid_c2`` is SEQ01's), if any does."""
    prefixes = (shot_id[: at.start()] for at in re.finditer("_grid|_frame", shot_id))
    return next((prefix for prefix in prefixes if prefix in names), None)
