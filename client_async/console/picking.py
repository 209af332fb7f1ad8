"""Picking and taking back from the page: each of what the page showed, decided in the change itself.

Nothing is overwritten in silence: who acts says what they saw, and where that is not what is there they are told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from client_async.console.next_prices import Price, price_of_take
from client_async.draft import Draft
from client_async.ledger import cited_by, look_at_store
from client_async.ownership import Raw, add_notice
from client_async.picks import BadPick, grid_to_pick_from, present_pick, record_pick, withdraw_pick
from client_async.projects import Place
from client_async.sequence_parts import Cell
from client_async.sequences import Sequence, check_sequences, parsed
from client_async.take_request import brief_digest, cast_shots
from starsend.config import load_settings
from starsend.elements import Elements
from starsend.errors import BadInput, StarsendError
from starsend.files import sha256_of

VIA = "console"


class Seen(BaseModel):
    """The pick that the page showed."""

    cell: Cell
    grid: str
    by: str
    at: str


class Conflict(BadInput):
    """It is not as it was when they looked; ``now`` is what is there."""

    def __init__(self, error: StarsendError, now: dict[str, Any]) -> None:
        super().__init__(error.what, where=error.where, remedy=error.remedy)
        self.now = now


class PickedMeanwhile(BadInput):
    """Somebody else was faster."""

    def __init__(self, name: str, pick: Mapping[str, Any] | None) -> None:
        if pick is None:
            what = "the pick that you saw has been taken back"
        else:
            what = f"cell {pick.get('cell')} has been picked meanwhile, by {pick.get('by', 'somebody')}"
        super().__init__(what, where=name, remedy="nothing was changed: look, and pick again")


class CostsAnotherTake(BadInput):
    """It may be done, once somebody has said that they know what it leads to."""

    def __init__(self, name: str, price: Price) -> None:
        super().__init__(
            f"a video has been made or begun, and another one costs {price.words}",
            where=name,
            remedy="the video stays, is stale once another cell is locked, and comes back for nothing with its own cell",
        )


def pick(
    place: Place,
    name: str,
    cell: int,
    *,
    grid: str,
    seen: Seen | None,
    by: str,
    at: datetime,
    note: str = "",
    accept: str | None = None,
) -> Raw:
    """Pick a cell of the grid that was shown. Blocking.

    Args:
        accept: the amount that another take may cost, as a refusal has named it.

    Raises:
        Conflict: the grid has been replaced, the pick is not the one that was seen, or another take has to be accepted.
    """
    begun = _video_begun(place, name)

    def edit(draft: Draft) -> Raw:
        raw = draft[name]
        _check_as_seen(raw, name, grid, seen)
        if (begun or _has_video(raw)) and not _is_made_already(place, name, raw, cell):
            _check_accepted(place, name, raw, accept)
        return record_pick(raw, name, cell, by=by, via=VIA, at=at, grid=grid, note=note)

    return place.file.change(edit)


def take_back(
    place: Place,
    name: str,
    *,
    grid: str,
    seen: Seen | None,
    by: str,
    at: datetime,
    accept: str | None = None,
) -> None:
    """Withdraw the pick that was shown. Raises Conflict as ``pick``, or where there is none. Blocking."""
    begun = _video_begun(place, name)

    def edit(draft: Draft) -> None:
        raw = draft[name]
        _check_as_seen(raw, name, grid, seen)
        before = present_pick(raw, grid)
        if before is None:
            none = BadPick("there is no pick to take back", where=name)
            raise Conflict(none, as_it_is(raw))
        if begun or _has_video(raw):
            _check_accepted(place, name, raw, accept)
        withdraw_pick(raw, by)
        text = f"cell {before['cell']} of {grid}, picked by {before.get('by', 'somebody')}, was taken back by {by}"
        add_notice(raw, at.isoformat(timespec="seconds"), text)

    place.file.change(edit)


def as_it_is(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What there is to pick from, and who has picked; ``pick`` is None where no pick holds."""
    grid = raw.get("grid_id")
    return {
        "state": raw.get("grid_state", "new"),
        "status": raw.get("status", ""),
        "grid": grid,
        "pick": present_pick(raw, grid) if grid else None,
        "regrid": asked_note(raw) is not None,
        "regrid_note": asked_note(raw) or "",
    }


def asked_note(raw: Mapping[str, Any]) -> str | None:
    """In which words another grid is asked for or being drawn; None where there is no such wish."""
    for wish, note in (("regrid", "regrid_note"), ("grid_wanted", "grid_note")):
        if raw.get(wish):
            return str(raw.get(note) or "")
    return None


def check_seen(raw: Raw, name: str, grid: str | None, seen: Seen | None) -> None:
    """Raises Conflict unless the pick of a grid is the one that was seen."""
    now = present_pick(raw, grid) if grid else None
    there = now and {field: now.get(field) for field in Seen.model_fields}
    if there != (seen and seen.model_dump()):
        raise Conflict(PickedMeanwhile(name, now), as_it_is(raw))


# ------------------------------------------------------------------------------------------------ inside


def _check_as_seen(raw: Raw, name: str, grid: str, seen: Seen | None) -> None:
    try:
        grid_to_pick_from(raw, name, grid)
    except BadPick as refused:
        raise Conflict(refused, as_it_is(raw)) from refused
    check_seen(raw, name, grid, seen)


def _check_accepted(place: Place, name: str, raw: Raw, accept: str | None) -> None:
    price = price_of_take(place, check_sequences({name: raw}, place.file.path)[name])
    if accept != price.amount:
        cost = {"amount": price.amount, "dollars": price.dollars, "words": price.words}
        raise Conflict(CostsAnotherTake(name, price), {**as_it_is(raw), "cost": cost})


def _has_video(raw: Raw) -> bool:
    return bool(raw.get("take") or raw.get("take_history") or raw.get("grid_state") == "generating")


def _video_begun(place: Place, name: str) -> bool:
    """Whether the ledger knows of a video of this sequence that was made, is under way, or may have been charged."""
    sequence = parsed(name, place.file.body(name), place.file.path)
    if sequence.keyframe is None:
        return False  # nothing was ever locked, so nothing can have been sent: the ledger need not be opened
    cited = cited_by({name: sequence})
    with look_at_store(place, load_settings(place.root, place.folder), cited) as store:
        if store is None:
            return False
        return bool(
            store.takes(name) or store.open_steps(name) or store.spent_on([name], since_attempt=0) > 0
        )


def _is_made_already(place: Place, name: str, raw: Raw, cell: int) -> bool:
    """Whether the take that would follow is there already, so that it costs nothing."""
    sequence = check_sequences({name: raw}, place.file.path)[name]
    grid, keyframe = sequence.grid, sequence.keyframe
    if grid is None or len(grid.cells) < cell:
        return False
    if sequence.selected_cell == cell:
        return True  # nothing changes
    if keyframe is not None and (keyframe.grid, keyframe.cell) == (grid.grid, cell):
        return sequence.grid_state == "generating" or (sequence.take is not None and not sequence.stale)
    picture = place.folder / grid.cells[cell - 1]
    if not picture.is_file():
        return False
    start = sha256_of(picture)
    brief = _brief(place, name, sequence)
    return any((take.keyframe, take.brief) == (start, brief) for take in sequence.take_history)


def _brief(place: Place, name: str, sequence: Sequence) -> str:
    try:
        cast = cast_shots(sequence, name, Elements.load(place.folder / "elements"))
    except BadInput:
        return ""  # the run will say what is wrong
    return brief_digest(sequence, cast, load_settings(place.root, place.folder).video)
