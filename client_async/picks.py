"""A pick: somebody's choice of one of four cells. Checked against the grid it was made for, then recorded.

Recording a pick costs nothing and locks nothing; the runner cuts and locks the cell when it next drives the sequence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from client_async.ownership import add_notice
from client_async.states import KEPT, PARKED
from starsend.errors import BadInput

DELETED, UNDELETE = "this sequence is marked deleted", 'write "deleted": false first'
"""What is wrong, and its remedy: leaving the line out changes nothing."""


class BadPick(BadInput):
    """A pick that cannot be taken; says what is there now."""


def cell_number(value: object) -> int:
    """``value`` as a cell, 1 to 4 (top-left, top-right, bottom-left, bottom-right). Raises BadPick."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 4:
        raise BadPick(
            f"{value!r} is no cell",
            remedy="use 1 (top left), 2 (top right), 3 (bottom left) or 4 (bottom right)",
        )
    return value


def record_pick(
    sequence: dict[str, Any],
    name: str,
    cell: object,
    *,
    by: str,
    via: str,
    at: datetime,
    grid: str | None = None,
    note: str = "",
    by_clock: bool = False,
) -> dict[str, Any]:
    """Write a pick into a raw sequence and return the one that holds: this one, unless a later one had come before it.

    Args:
        grid: the grid the person was looking at, e.g. ``g2``; the current one unless given.
        via: how it came, e.g. ``command line``, ``pick file``.
        by_clock: it lay in a file before it was seen, so ``at`` says whether it is the later one; otherwise it is.

    Raises:
        BadPick: no such cell, no grid to pick from, or the grid named has been replaced since.
    """
    number, current = cell_number(cell), grid_to_pick_from(sequence, name, grid)
    before = present_pick(sequence, current)
    if before and before["cell"] == number:
        withdraw_regrid(sequence)
        return dict(before)
    if before and by_clock and is_later(before, at):
        text = f"cell {number} by {by} was picked earlier than cell {before['cell']} by {_who(before)}, which holds"
        add_notice(sequence, at.isoformat(timespec="seconds"), text)
        return dict(before)
    # To the millisecond: two picks of one second have an order too.
    pick = {
        "cell": number,
        "grid": current,
        "by": by,
        "via": via,
        "at": at.isoformat(timespec="milliseconds"),
    }
    pick |= {"state": "accepted"} | ({"note": note} if note else {})
    if before:
        text = f"cell {before['cell']} by {_who(before)} was replaced by cell {number} by {by}"
        add_notice(sequence, at.isoformat(timespec="seconds"), text)
    if sequence.get("grid_state") in PARKED:
        sequence["resume"] = True  # whoever picks wants it to go on
    withdraw_regrid(sequence)
    sequence.update(selected_cell=number, pick=pick, status=f"cell {number} of {current} picked by {by}")
    return pick


def grid_to_pick_from(sequence: Mapping[str, Any], name: str, grid: str | None) -> str:
    """The present grid. Raises BadPick: there is none, or it is not the one that was meant."""
    current: str | None = sequence.get("grid_id")
    if sequence.get("deleted") or sequence.get("grid_state") == "cancelled":
        raise BadPick(DELETED, where=name, remedy=UNDELETE)
    if current is None:
        state = sequence.get("grid_state", "new")
        remedy = f"run `starsend grid {name}` first"
        raise BadPick(f"there is no grid to pick from (it is {state})", where=name, remedy=remedy)
    if grid not in (None, current):
        was_there = any(record.get("grid") == grid for record in sequence.get("grid_history") or [])
        what = (
            f"the grid {grid} has been replaced by {current}"
            if was_there
            else f"there is no grid {grid}, it is {current} that waits"
        )
        raise BadPick(what, where=name, remedy="look at it and pick again")
    return current


def present_pick(sequence: Mapping[str, Any], grid: str) -> dict[str, Any] | None:
    """The pick that holds, if there is one of this grid; one that was edited, cleared or mangled since holds no more."""
    pick = sequence.get("pick")
    if not isinstance(pick, dict) or pick.get("grid") != grid:
        return None
    cell = sequence.get("selected_cell")
    return pick if cell is not None and cell == pick.get("cell") else None


def is_later(pick: object, at: datetime) -> bool:
    """Whether a recorded pick was made after ``at``."""
    try:
        return isinstance(pick, dict) and at < datetime.fromisoformat(pick["at"])
    except (KeyError, TypeError, ValueError):  # a file that was adopted may say anything there
        return False


def _who(pick: Mapping[str, Any]) -> object:
    return pick.get("by", "somebody")


def withdraw_regrid(sequence: dict[str, Any]) -> None:
    """Call another grid off. Who picks while it is being drawn wants this one: the pick is the later wish."""
    if sequence.get("regrid") and sequence.get("regrid_note"):
        sequence["regrid_note"] = ""
    for wish in ("regrid", "grid_wanted"):
        if sequence.get(wish):
            sequence[wish] = False


def withdraw_pick(sequence: dict[str, Any], by: str) -> None:
    """Take a pick back. What is locked or made already stays."""
    sequence["selected_cell"] = None
    if sequence.get("grid_state") in KEPT:
        sequence["grid_state"] = "waiting_for_pick"
    if sequence.get("pick"):
        sequence["pick"] = None
        sequence["status"] = f"the pick was withdrawn by {by}"


CLOCK_SECONDS = 2.0
"""Who names no grid means the one that lay there for at least so long: the clocks of two machines differ."""


def grid_seen_by(sequence: Mapping[str, Any], saved: float) -> str | None:
    """The present grid, if whoever saved something at that time (seconds since the epoch) can have meant it.

    A first grid is the only one there ever was; a later one may have come a moment after they looked.
    """
    grid: str | None = sequence.get("grid_id")
    history = sequence.get("grid_history") or []
    if sum(record.get("verdict", {}).get("ok", False) for record in history) <= 1:
        return grid
    made = [datetime.fromisoformat(record["at"]).timestamp() for record in history if record["grid"] == grid]
    return grid if made and saved >= made[-1] + CLOCK_SECONDS else None
