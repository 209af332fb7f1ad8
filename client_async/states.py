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

_ENDS: frozenset[GridState] = PARKED | {"cancelled"}
_KEPT: frozenset[GridState] = frozenset({"locked", "done", "stale"})
"""Where a sequence stands again whose old grid was picked from while another was being drawn."""
_WISHED: frozenset[GridState] = frozenset({"exploring", "retrying", "compositing", "waiting_for_pick"})
"""Where a wish for another grid leads: to a drawn one, or at once to one that is brought in."""

MOVES: dict[GridState, frozenset[GridState]] = {
    "new": _WISHED | _ENDS,
    "exploring": _WISHED | _ENDS | _KEPT | {"validating"},
    "validating": _WISHED | _ENDS | _KEPT,
    "retrying": _WISHED | _ENDS | _KEPT | {"validating"},
    "compositing": _WISHED | _ENDS | _KEPT,
    "waiting_for_pick": _WISHED | _ENDS | _KEPT | {"generating"},
    "locked": _WISHED | _ENDS | {"generating", "done", "stale"},
    "generating": _WISHED | _ENDS | {"locked", "done", "stale"},
    "done": _WISHED | _ENDS | {"locked", "generating", "stale"},
    "stale": _WISHED | _ENDS | {"locked", "generating", "done"},
    "failed": _WISHED | _ENDS | {"locked", "generating", "done", "stale"},
    "paused_budget": _WISHED | _ENDS | {"locked", "generating", "done", "stale"},
    "recovery": _WISHED | _ENDS | {"locked", "generating", "done", "stale"},
    "cancelled": RESTING,
}


class IllegalMove(StarsendError):
    """A sequence was to go where no move leads: a fault of ours."""

    def __init__(self, name: str, state: str, to: str) -> None:
        super().__init__(f"a sequence that is {state} cannot become {to}", where=name, remedy="report this")


def check_move(name: str, state: str, to: str) -> None:
    """Raises IllegalMove unless ``state`` may become ``to``; staying where it is always may."""
    known = {str(start): ends for start, ends in MOVES.items()}
    if state != to and to not in known.get(state, frozenset()):
        raise IllegalMove(name, state, to)


def diagram() -> str:
    """The states and moves as a Mermaid diagram; moves that every state has are told beside it."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    for state, ends in MOVES.items():
        if state in PARKED or state == "cancelled":
            continue
        lines += [f"    {state} --> {end}" for end in STATES if end in ends - _ENDS and _is_way(state, end)]
    lines.append("    done --> [*]")
    return "\n".join(lines)


def _is_way(state: GridState, end: GridState) -> bool:
    """Leave out what is true of many states: another grid may be asked for at any time, and the old one picked after all."""
    if state in DRAWING:
        return state != end and end not in _KEPT
    return state != end and (state == "new" or end not in _WISHED)
