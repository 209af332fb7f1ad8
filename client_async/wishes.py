"""What people ask for by editing the file, each of the grid that they saw: a pick, another grid, another take."""

from __future__ import annotations

from datetime import datetime

import orjson

from client_async.found import Found
from client_async.merge import Edit
from client_async.ownership import LONGEST_NOTE, News, Raw, same
from client_async.picks import DELETED, UNDELETE, BadPick, is_later, record_pick, withdraw_pick
from starsend.errors import BadInput


class BadWish(BadInput):
    """What is asked for cannot be done, or not as it is asked."""


def checked_note(note: str, where: str) -> str:
    """What somebody asks of the next grid, on one line. Raises BadWish: it is too long."""
    said = " ".join(note.split())
    if len(said) > LONGEST_NOTE:
        what = f"the note has {len(said)} characters, at most {LONGEST_NOTE} are taken"
        raise BadWish(what, where=where, remedy="say it shorter, or put it into the prompt of the sequence")
    return said


def ask_for_grid(raw: Raw, name: str, note: str = "") -> None:
    """Write the wish for another grid into a sequence as it stands; what is there is kept.

    Raises BadWish: it is deleted, the note is too long, or another one is asked for or being drawn already.
    """
    said = checked_note(note, name)
    if raw.get("deleted") or raw.get("grid_state") == "cancelled":
        raise BadWish(DELETED, where=name, remedy=UNDELETE)
    if raw.get("regrid") or raw.get("adopt") is not None:
        asked = raw.get("regrid_note")
        what = "another grid is asked for already" + (f' ("{asked}")' if asked else "")
        raise BadWish(what, where=name, remedy="wait for it")
    if raw.get("grid_wanted"):
        raise BadWish("another grid is being drawn already", where=name, remedy="wait for it")
    raw.update(regrid=True, regrid_note=said)


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


def is_note_alone(edit: Edit, raw: Raw) -> bool:
    """Whether words were written for a new grid, and none is asked for."""
    return edit.field == "regrid_note" and bool(raw.get("regrid_note")) and not raw.get("regrid")


def _frame(raw: Raw) -> object:
    keyframe = raw.get("keyframe")
    return keyframe.get("sha256") if isinstance(keyframe, dict) else None
