"""The one question asked of every sequence: what is to be done next? Level-triggered: the answer is in the state alone."""

from __future__ import annotations

from typing import Literal

from client_async.sequences import Sequence
from client_async.states import DRAWING, PARKED, GridState
from starsend.errors import StarsendError

Action = Literal["adopt", "explore", "lock", "generate", "tidy"]


class CalledOff(StarsendError):
    """People have changed what was about to be paid for. Nothing was sent and nothing has failed."""

    def __init__(self, name: str) -> None:
        super().__init__("what was asked for has changed before it was sent", where=name)


def next_action(sequence: Sequence) -> Action | None:
    """What is to be done next, from the state alone; None when it is done or waits for a person."""
    if sequence.deleted or sequence.grid_state == "cancelled":
        return None if sequence.deleted and sequence.grid_state == "cancelled" else "tidy"
    if sequence.adopt is not None:
        return "adopt"
    if sequence.regrid:
        return "explore"
    if sequence.retake and sequence.keyframe is not None and not _lock_is_due(sequence):
        return "generate"
    return None if sequence.grid_state in PARKED and not sequence.resume else _goes_on(sequence)


def _goes_on(sequence: Sequence) -> Action | None:
    """The next step of a sequence that nothing holds up."""
    if sequence.grid is None or sequence.grid_wanted:
        return "explore"
    if _lock_is_due(sequence):
        return "lock"
    if sequence.keyframe is not None and _take_is_due(sequence):
        return "generate"
    withdrawn = sequence.grid_state == "locked" and not _is_picked(sequence)
    picked_again = sequence.grid_state == "waiting_for_pick" and _is_picked(sequence)
    asks = sequence.resume or sequence.retake or sequence.grid_state in DRAWING
    return "tidy" if asks or withdrawn or picked_again or _word_is_due(sequence) else None


OUTDRAWN = "was drawn for an earlier brief"


def ready_status(grid: str | None) -> str:
    """What a sequence says whose grid can be picked from."""
    return f"{grid} is ready: pick a cell"


def waiting_status(sequence: Sequence) -> str:
    """What a sequence says that waits for a pick."""
    if sequence.is_outdrawn:
        return f'{sequence.grid_id} {OUTDRAWN}: pick, or "regrid": true draws another'
    return ready_status(sequence.grid_id)


def _word_is_due(sequence: Sequence) -> bool:
    """Whether whoever is to pick must be told that the brief has changed since, or has been changed back."""
    if sequence.grid_state != "waiting_for_pick":
        return False
    told = OUTDRAWN in sequence.status
    return told != sequence.is_outdrawn


def _is_picked(sequence: Sequence) -> bool:
    """Whether a cell of the present grid is picked; a pick can be withdrawn, and a new grid makes the old one void."""
    pick = sequence.pick
    return pick is not None and (pick.grid, pick.cell) == (sequence.grid_id, sequence.selected_cell)


def _lock_is_due(sequence: Sequence) -> bool:
    pick, keyframe = sequence.pick, sequence.keyframe
    if pick is None or not _is_picked(sequence):
        return False
    return keyframe is None or (keyframe.grid, keyframe.cell) != (pick.grid, pick.cell)


def _take_is_due(sequence: Sequence) -> bool:
    if sequence.grid_state == "generating":
        return True  # it may be paid for, whatever has become of the pick since
    begun = sequence.grid_state in PARKED
    return _is_picked(sequence) and (begun or sequence.take is None or sequence.stale)


def resting_state(sequence: Sequence) -> GridState:
    """Where a sequence stands by what it has, whoever may have been at work on it."""
    if sequence.deleted:
        return "cancelled"
    if sequence.grid is None:
        return "new"
    if sequence.keyframe is None or not _is_picked(sequence):
        return "waiting_for_pick"
    if sequence.take is None:
        return "locked"
    return "stale" if sequence.stale else "done"


def check_still_asked(name: str, begun: Sequence, now: Sequence) -> None:
    """Raises CalledOff when people want something else by ``now`` than what was begun; asked right before money is spent."""
    if now.deleted or _asked(begun) != _asked(now):
        raise CalledOff(name)


def _asked(sequence: Sequence) -> tuple[object, ...]:
    """All that people say of what a grid or a take is to be."""
    pick = sequence.pick and (sequence.pick.grid, sequence.pick.cell)
    wishes = sequence.regrid, sequence.grid_wanted, sequence.adopt, sequence.selected_cell, pick
    brief = sequence.prompt, sequence.aspect_ratio, sequence.elements, sequence.shots, sequence.split
    return *brief, *wishes
