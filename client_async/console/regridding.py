"""Asking for another grid from the page, and calling it off: each of what the page showed, decided in the change itself."""

from __future__ import annotations

from datetime import datetime

from client_async.console.picking import Conflict, Seen, as_it_is, asked_note, check_seen
from client_async.draft import Draft
from client_async.ledger import cited_by, look_at_store
from client_async.next_action import resting_state
from client_async.ownership import Raw, add_notice
from client_async.picks import withdraw_regrid
from client_async.projects import Place
from client_async.sequences import Sequence, check_sequences
from client_async.shot_ids import grid_shot
from client_async.states import DRAWING, PARKED
from client_async.wishes import BadWish, ask_for_grid
from starsend.config import load_settings
from starsend.elements import Elements
from starsend.errors import BadInput, StarsendError


def ask_again(place: Place, name: str, *, grid: str | None, seen: Seen | None, note: str, by: str) -> None:
    """Ask for another grid than the one that was shown. Blocking.

    Raises Conflict: as ``picking.pick``, or one is asked for already. BadWish: the note cannot be said to a model.
    """
    try:
        Elements.load(place.folder / "elements").cast([note], where="note")
    except BadInput as wrong:
        raise BadWish(wrong.what, where=name, remedy=wrong.remedy) from wrong

    def edit(draft: Draft) -> None:
        raw = draft[name]
        _check_grid(raw, name, grid)
        check_seen(raw, name, grid, seen)
        try:
            ask_for_grid(raw, name, note)
        except BadWish as refused:
            raise Conflict(refused, as_it_is(raw)) from refused
        if raw.get("grid_state") not in PARKED:  # why it stopped is said until it goes on
            raw["status"] = f"another grid is asked for by {by}"

    place.file.change(edit)


def take_wish_back(place: Place, name: str, *, grid: str | None, note: str, by: str, at: datetime) -> None:
    """Call off the other grid that the page showed as asked for in these words. Blocking.

    Raises Conflict: none is asked for, it is asked for otherwise by now, or it was sent for already.
    """

    def edit(draft: Draft) -> None:
        raw = draft[name]
        _check_grid(raw, name, grid)
        if asked_note(raw) not in (None, note):
            what = f'another grid is asked for in other words by now ("{asked_note(raw)}")'
            raise _refused(raw, name, what, "look at it first")
        # By the document as it is now: a run may have begun since the page's look.
        if raw.get("grid_wanted") and _is_sent(place, name, raw):
            what = "it is too late: the new grid has been sent for, and may be paid for"
            raise _refused(raw, name, what, f"wait for it, or pick a cell of {grid}, which then stays")
        try:
            call_off(raw, name, by=by, at=at)
        except BadWish as refused:
            raise Conflict(refused, as_it_is(raw)) from refused

    place.file.change(edit)


def call_off(raw: Raw, name: str, *, by: str, at: datetime) -> None:
    """Take back the wish for another grid in a sequence as it stands, and let it rest on what it has.

    Raises BadWish: none is asked for, or it is the first that is being drawn.
    """
    note = asked_note(raw)
    if note is None:
        raise BadWish("no other grid is asked for", where=name, remedy="there is nothing to call off")
    if raw.get("grid_wanted") and raw.get("grid_id") is None:
        remedy = '"deleted": true in sequences.json takes the sequence out of the work'
        raise BadWish("it is the first grid that is being drawn", where=name, remedy=remedy)
    begun = raw.get("grid_wanted")
    withdraw_regrid(raw)
    if begun and raw.get("grid_state") in DRAWING | PARKED:
        raw["grid_state"] = resting_state(Sequence.model_validate(raw))
    if raw.get("grid_state") not in PARKED:
        raw["status"] = f"the new grid was called off by {by}"
    words = f' ("{note}")' if note else ""
    add_notice(raw, at.isoformat(timespec="seconds"), f"another grid{words} was called off by {by}")


# ------------------------------------------------------------------------------------------------ inside


def _check_grid(raw: Raw, name: str, grid: str | None) -> None:
    now = raw.get("grid_id")
    if grid != now:
        what = (
            f"the grid {grid} has been replaced by {now}"
            if grid and now
            else f"{grid or 'it'} is not there any more"
        )
        raise _refused(raw, name, what, "look at it first")


def _refused(raw: Raw, name: str, what: str, remedy: str) -> Conflict:
    error: StarsendError = BadWish(what, where=name, remedy=remedy)
    return Conflict(error, as_it_is(raw))


def _is_sent(place: Place, name: str, raw: Raw) -> bool:
    """Whether a call was made for the grid that is being drawn: one that is under way, was answered, or may be charged.

    One that a vendor turned away unpaid is none.
    """
    sequence = check_sequences({name: raw}, place.file.path)[name]
    if any(record.round == sequence.round for record in sequence.grid_history):
        return True
    shot, number = grid_shot(name), len(sequence.grid_history) + 1
    with look_at_store(place, load_settings(place.root, place.folder), cited_by({name: sequence})) as store:
        if store is None:
            return False
        attempts = [step.attempt for step in store.open_steps(shot)]
        attempts += [take.attempt for take in store.takes(shot)]
        return max(attempts, default=0) >= number or store.spent_on([shot], since_attempt=number) > 0
