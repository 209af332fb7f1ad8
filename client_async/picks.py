"""A pick: somebody's choice of one of four cells. Checked against the grid it was made for, then recorded.

Recording a pick costs nothing and locks nothing; the runner cuts and locks the cell when it next drives the sequence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from client_async.ownership import add_notice
from client_async.states import PARKED
from starsend.errors import BadInput


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
) -> dict[str, Any]:
    """Write a pick into a raw sequence and return it.

    Args:
        grid: the grid the person was looking at, e.g. ``g2``; the current one unless given.
        via: how it came, e.g. ``command line``, ``pick file``.

    Raises:
        BadPick: no such cell, no grid to pick from, or the grid named has been replaced since.
    """
    number = cell_number(cell)
    current = sequence.get("grid_id")
    if sequence.get("deleted") or sequence.get("grid_state") == "cancelled":
        raise BadPick("this sequence is marked deleted", where=name, remedy='take out "deleted" first')
    if grid is not None and current is not None and grid != current:
        raise BadPick(
            f"the grid {grid} has been replaced by {current}"
            if _was_there(sequence, grid)
            else f"there is no grid {grid}, it is {current} that waits",
            where=name,
            remedy="look at it and pick again",
        )
    if current is None:
        raise BadPick(
            f"there is no grid to pick from (it is {sequence.get('grid_state', 'new')})",
            where=name,
            remedy=f"run `starsend grid {name}` first",
        )
    before = sequence.get("pick")
    if (
        isinstance(before, dict)
        and (before.get("grid"), before.get("cell")) == (current, number)
        and sequence.get("selected_cell") == number
    ):
        _withdraw_regrid(sequence)
        return dict(before)
    pick = {
        "cell": number,
        "grid": current,
        "by": by,
        "via": via,
        "at": at.isoformat(timespec="seconds"),
        "state": "accepted",
    }
    if note:
        pick["note"] = note
    if (
        isinstance(before, dict)
        and before.get("grid") == current
        and sequence.get("selected_cell") is not None
    ):
        add_notice(
            sequence,
            pick["at"],
            f"cell {before['cell']} by {before.get('by', 'somebody')} was replaced by cell {number} by {by}",
        )
    if sequence.get("grid_state") in PARKED:
        sequence["resume"] = True  # whoever picks wants it to go on
    sequence["selected_cell"] = number
    sequence["pick"] = pick
    _withdraw_regrid(sequence)
    sequence["status"] = f"cell {number} of {current} picked by {by}"
    return pick


def _withdraw_regrid(sequence: dict[str, Any]) -> None:
    """Who picks while another grid is being drawn wants this one: the pick is the later wish."""
    for wish in ("regrid", "grid_wanted"):
        if sequence.get(wish):
            sequence[wish] = False


def withdraw_pick(sequence: dict[str, Any], by: str) -> None:
    """Take a pick back. What is locked or made already stays."""
    sequence["selected_cell"] = None
    if sequence.get("pick"):
        sequence["pick"] = None
        sequence["status"] = f"the pick was withdrawn by {by}"


def _was_there(sequence: dict[str, Any], grid: str) -> bool:
    return any(record.get("grid") == grid for record in sequence.get("grid_history") or [])


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
