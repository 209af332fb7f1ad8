"""The life of a sequence: its states and the moves between them, as data. ``docs/states.md`` is drawn from here (``make docs``)."""

from __future__ import annotations

from typing import Literal, get_args

from starsend.errors import StarsendError

GridState = Literal[
    "new",
    "exploring",
    "validating",
    "retrying",
    "compositing",
    "waiting_for_pick",
    "locked",
    "generating",
    "done",
    "stale",
    "failed",
    "paused_budget",
    "recovery",
    "cancelled",
]

STATES: tuple[GridState, ...] = get_args(GridState)
DRAWING: frozenset[GridState] = frozenset({"exploring", "validating", "retrying", "compositing"})
PARKED: frozenset[GridState] = frozenset({"failed", "paused_budget", "recovery"})
"""Nothing is tried again by itself: a person resumes the sequence, mends its brief, or asks for something else."""
RESTING: frozenset[GridState] = frozenset({"new", "waiting_for_pick", "locked", "done", "stale"})
"""Where a sequence can be while nobody works on it and nothing is wrong."""

ENDS: frozenset[GridState] = PARKED | {"cancelled"}
KEPT: frozenset[GridState] = frozenset({"locked", "done", "stale"})
"""Where a sequence stands again whose old grid was picked from while another was being drawn."""
WISHED: frozenset[GridState] = frozenset({"exploring", "retrying", "compositing", "waiting_for_pick"})
"""Where a wish for another grid leads: to a drawn one, or at once to one that is brought in."""

MOVES: dict[GridState, frozenset[GridState]] = {
    "new": WISHED | ENDS,
    "exploring": WISHED | ENDS | KEPT | {"validating"},
    "validating": WISHED | ENDS | KEPT,
    "retrying": WISHED | ENDS | KEPT | {"validating"},
    "compositing": WISHED | ENDS | KEPT,
    "waiting_for_pick": WISHED | ENDS | KEPT | {"generating"},
    "locked": WISHED | ENDS | {"generating", "done", "stale"},
    "generating": WISHED | ENDS | {"locked", "done", "stale"},
    "done": WISHED | ENDS | {"locked", "generating", "stale"},
    "stale": WISHED | ENDS | {"locked", "generating", "done"},
    "failed": WISHED | ENDS | {"locked", "generating", "done", "stale"},
    "paused_budget": WISHED | ENDS | {"locked", "generating", "done", "stale"},
    "recovery": WISHED | ENDS | {"locked", "generating", "done", "stale"},
    "cancelled": RESTING,
}


_BY_TEXT: dict[str, frozenset[GridState]] = {str(state): ends for state, ends in MOVES.items()}
"""As raw documents ask: by any text."""


class IllegalMove(StarsendError):
    """A sequence was to go where no move leads: a fault of ours."""

    def __init__(self, name: str, state: str, to: str) -> None:
        super().__init__(f"a sequence that is {state} cannot become {to}", where=name, remedy="report this")


def check_move(name: str, state: str, to: str) -> None:
    """Raises IllegalMove unless ``state`` may become ``to``; staying where it is always may."""
    if state != to and to not in _BY_TEXT.get(state, frozenset()):
        raise IllegalMove(name, state, to)
