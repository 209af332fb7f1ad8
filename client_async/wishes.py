"""What people ask for by editing the file, each of the grid that they saw: a pick, another grid, another take."""

from __future__ import annotations

from datetime import datetime

import orjson

from client_async.found import Found
from client_async.merge import Edit
from client_async.ownership import News, Raw, same
from client_async.picks import BadPick, is_later, record_pick, withdraw_pick


def take_pick(edit: Edit, raw: Raw, found: Found, *, by: str, at: datetime) -> None:
    """Record or withdraw a pick in a sequence as it stands, or say why not. ``at``: when the file was saved."""
    # Who has seen the pick that holds comes after it, whatever the clocks say.
    before = raw.get("selected_cell")
    unseen = before is not None and not same(before, edit.before)
    if edit.value is None:
        _withdraw(edit, raw, found, by=by, at=at if unseen else None)
        return
    try:
        if edit.grid is None:
            what = "the file was edited before there was a grid to pick from"
            raise BadPick(what, where=edit.name, remedy="look at the grid and pick again")
        pick = record_pick(
            raw, edit.name, edit.value, by=by, via="sequences.json", at=at, grid=edit.grid, by_clock=unseen
        )
    except BadPick as stale:
        found.refuse(edit.name, raw, "pick_refused", str(stale))
        return
    if not same(pick["cell"], edit.value):
        found.owed = True
        found.news.append(News(edit.name, "edit_conflict", raw["notices"][-1]["text"]))
    elif unseen and not same(before, pick["cell"]):
        text = f"cell {before} was picked meanwhile; cell {pick['cell']} by {by} came later and holds"
        found.tell(edit.name, raw, text)


def _withdraw(edit: Edit, raw: Raw, found: Found, *, by: str, at: datetime | None) -> None:
    """Take the pick back; ``at`` when, if it is not the pick that was seen. One of another grid, or a later one, stays."""
    cell, grid = raw.get("selected_cell"), raw.get("grid_id")
    if cell is not None and edit.grid != grid:
        why = f"selected_cell was cleared for {edit.grid or 'no grid'}, and cell {cell} of {grid} is picked: it stays"
        found.refuse(edit.name, raw, "edit_ignored", why)
    elif at is not None and is_later(raw.get("pick"), at):
        why = f"selected_cell was cleared by {by} before cell {cell} was picked: it stays"
        found.refuse(edit.name, raw, "edit_ignored", why)
    else:
        withdraw_pick(raw, by)
        if at is not None:
            text = f"cell {cell} was picked meanwhile; selected_cell was cleared by {by} later, which holds"
            found.tell(edit.name, raw, text)


def fault_of_wish(edit: Edit, raw: Raw, saved: bytes) -> str | None:
    """Why a wish that costs money is not of what is there now, if it is not: a grid, or a start frame, that was replaced.

    Args:
        raw: the sequence as it stands.
        saved: as the file has it, JSON.
    """
    if edit.field not in ("regrid", "retake") or edit.value is not True:
        return None
    if edit.grid != raw.get("grid_id"):
        return f"{edit.field} was asked of {edit.grid or 'no grid'}, which has been replaced by {raw.get('grid_id')}"
    said = orjson.loads(saved)
    # Where a tool wrote nothing of ours back, nothing tells which frame it had seen.
    if edit.field == "retake" and "grid_id" in said and _frame(said) != _frame(raw):
        return "retake was asked of a start frame that has been replaced"
    return None


def _frame(raw: Raw) -> object:
    keyframe = raw.get("keyframe")
    return keyframe.get("sha256") if isinstance(keyframe, dict) else None
