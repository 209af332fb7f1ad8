"""A pick: somebody's choice of one of four cells. Checked against the grid it was made for, then recorded.

Recording a pick costs nothing and locks nothing; the runner cuts and locks the cell when it next drives the sequence.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starsend.errors import BadInput

PICKABLE = ("waiting_for_pick", "locked", "generating", "done", "stale", "failed", "recovery")
"""States in which a sequence may have a grid; a picked one may be picked again for nothing."""


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
    current, state = sequence.get("grid_id"), sequence.get("grid_state", "new")
    if sequence.get("deleted"):
        raise BadPick("this sequence is marked deleted", where=name, remedy='take out "deleted" first')
    if current is None or state not in PICKABLE:
        raise BadPick(
            f"there is no grid to pick from (it is {state})",
            where=name,
            remedy=f"run `starsend grid {name}` first",
        )
    if grid is not None and grid != current:
        raise BadPick(
            f"the grid {grid} has been replaced by {current}",
            where=name,
            remedy="look at the new one and pick again",
        )
    before = sequence.get("pick")
    if (
        isinstance(before, dict)
        and (before.get("grid"), before.get("cell")) == (current, number)
        and sequence.get("selected_cell") == number
    ):
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
    sequence["selected_cell"] = number
    if sequence.get("regrid"):
        sequence["regrid"] = False  # the pick is the later wish
    sequence["pick"] = pick
    sequence["status"] = f"cell {number} of {current} picked by {by}"
    return pick
