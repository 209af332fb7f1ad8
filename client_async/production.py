"""The commands that do work: what ``grid``, ``generate`` and ``resume`` mean for one project."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from collections.abc import Sequence as Many
from pathlib import Path
from typing import Any

import anyio
from rich.console import Console
from rich.text import Text

from client_async.client_sequence_runner import WaitsForPick
from client_async.draft import Draft
from client_async.drive import Interrupted, bring_home, drive
from client_async.driver_lock import ProjectBusy, sole_driver
from client_async.explorer import Deleted
from client_async.next_action import Action, next_action
from client_async.pick_folder import PickFolder
from client_async.projects import Place
from client_async.screens import LiveProgress, say
from client_async.sequences import Sequence, check_sequences
from client_async.states import PARKED
from client_async.take_request import brief_digest, cast_shots
from client_async.wishes import checked_note
from starsend.config import load_settings
from starsend.elements import Elements
from starsend.errors import BadInput, StarsendError, UnknownName

Errors = dict[str, StarsendError]
Wishes = dict[str, dict[str, Any]]
"""Fields to write into the brief of each sequence."""
TRIED_AGAIN = ("failed", "paused_budget")
"""A command asks for these again by being run; what waits in ``recovery`` may have been billed, so it takes --again."""


def make_grids(
    place: Place, names: Many[str], console: Console, *, again: bool = False, note: str = ""
) -> Errors:
    """Explore grids for the named sequences, or for all that have none.

    Args:
        note: with ``again``: what the new grids are to show. Raises BadWish: it is too long.
    """
    said = checked_note(note, "--note")
    sequences, refused = _asked_for(place, names)
    wishes: Wishes = {}
    for name, sequence in sequences.items():
        if again:
            wishes[name] = {"regrid": True} | ({"regrid_note": said} if said else {})
        elif sequence.grid_state in TRIED_AGAIN and (sequence.grid is None or sequence.grid_wanted):
            wishes[name] = {"resume": True}
    return refused | _work(place, sequences, console, "grids", wishes, actions=("explore", "adopt", "tidy"))


def adopt_grid(place: Place, name: str, picture: Path, console: Console) -> None:
    """Bring in a picture made elsewhere as the grid of one sequence. Raises what went wrong."""
    sequences, refused = _asked_for(place, [name])
    if refused:
        raise refused[name]
    wishes: Wishes = {name: {"adopt": str(picture.resolve())}}
    errors = _work(place, sequences, console, "grids", wishes, actions=("adopt",))
    if errors:
        raise errors[name]
    adopted = _known(place, [name])[name]
    if adopted.adopt is None:  # else a daemon is about to
        say(console, f"{name}: {adopted.grid_id} is ready at {place.shown(str(adopted.grid_path))}")


def make_takes(
    place: Place, names: Many[str], console: Console, *, again: bool = False, split: bool = False
) -> Errors:
    """Take the picks that have been dropped, then drive sequences to their takes.

    A sequence that is named is generated even when its brief has changed since its take; without names only
    those that lack one are, so that nobody pays twice by surprise.
    """
    take_picks(place, console)
    sequences, refused = _asked_for(place, names)
    wishes: Wishes = {}
    for name, sequence in sequences.items():
        if sequence.grid_state in TRIED_AGAIN:
            wishes[name] = {"resume": True}
        if (names and sequence.take is not None and (again or _brief_has_changed(place, name, sequence))) or (
            again and sequence.keyframe is not None
        ):
            wishes[name] = {"retake": True}
        if split and not sequence.split:
            wishes.setdefault(name, {})["split"] = True
    errors = refused | _work(place, sequences, console, "takes", wishes)
    if names:
        errors |= {n: WaitsForPick(n) for n in _unpicked(place, names) if n not in errors}
    return errors


def resume(place: Place, names: Many[str], console: Console) -> Errors:
    """Go on with the named sequences that failed or wait for a decision, or with all of them."""
    sequences = _known(place, names)
    wishes: Wishes = {n: {"resume": True} for n, s in sequences.items() if s.grid_state in PARKED}
    if not wishes:
        say(console, "  nothing has failed and nothing waits for a decision")
        return {}
    return _work(place, {name: sequences[name] for name in wishes}, console, "sequences", wishes)


def go_on(place: Place, name: str, console: Console) -> Errors:
    """Go on with one sequence, whether it is parked or was left at work."""
    sequences = _known(place, [name])
    wishes: Wishes = {n: {"resume": True} for n, s in sequences.items() if s.grid_state in PARKED}
    return _work(place, sequences, console, "sequences", wishes)


def _brief_has_changed(place: Place, name: str, sequence: Sequence) -> bool:
    """Whether the take was made from other words, lengths or pictures than the brief holds now."""
    assert sequence.take is not None
    try:
        cast = cast_shots(sequence, name, Elements.load(place.folder / "elements"))
    except BadInput:
        return True  # the run will say what is wrong
    return brief_digest(sequence, cast, load_settings(place.root, place.folder).video) != sequence.take.brief


def waiting_for_person(
    place: Place, names: Many[str], waiting: Many[str] = ("waiting_for_pick", "recovery")
) -> set[str]:
    """Which of the named sequences, or of all, cannot go on until somebody decides; not those that a daemon is to go on with."""
    known = _known(place, names)
    return {
        n for n, s in known.items() if s.grid_state in waiting and not s.deleted and next_action(s) is None
    }


def _unpicked(place: Place, names: Many[str]) -> list[str]:
    known = _known(place, names)
    return [n for n, s in known.items() if s.keyframe is None and not s.deleted and next_action(s) is None]


def take_picks(place: Place, console: Console) -> int:
    """Decide the pick files that lie in the drop folder; says what became of each. The number accepted."""
    verdicts = PickFolder(place.picks, place.file).take_picks()
    for verdict in verdicts:
        mark = ("accepted", "green") if verdict.accepted else ("rejected", "red")
        say(console, Text.assemble(f"  {verdict.file}  ", mark, f"  {verdict.reason}"))
    return sum(verdict.accepted for verdict in verdicts)


def _known(place: Place, names: Many[str]) -> dict[str, Sequence]:
    """The named sequences, or all, as they stand. Raises UnknownName and all that reading the document raises."""
    raw = place.file.read()["sequences"]
    for name in names:
        if name not in raw:
            raise UnknownName("sequence", name, raw, where=str(place.file.path))
    return check_sequences({name: raw[name] for name in names or raw}, place.file.path)


def _asked_for(place: Place, names: Many[str]) -> tuple[dict[str, Sequence], Errors]:
    """The named sequences, or all, that may be worked on, and a refusal for each that is named and may not."""
    sequences = _known(place, names)
    kept = {name: sequence for name, sequence in sequences.items() if not sequence.deleted}
    return kept, {name: Deleted(name) for name in names if name not in kept}


def _work(
    place: Place,
    sequences: Mapping[str, Sequence],
    console: Console,
    what: str,
    wishes: Wishes,
    *,
    actions: tuple[Action, ...] | None = None,
) -> Errors:
    """Write the wishes down and drive the sequences; where a daemon drives the project, the wishes are all it needs."""
    stop = threading.Event()
    errors: Errors = {}
    try:
        with sole_driver(place):
            _write_down(place, wishes)
            due = _due(place, sequences, actions)
            if due:
                with LiveProgress(console, len(due), what) as progress:
                    errors = anyio.run(drive, place, due, actions, progress.show, stop)
            if not stop.is_set():
                bring_home(place)
    except ProjectBusy as busy:
        if not busy.by_daemon:
            raise
        _write_down(place, wishes)
        due = _due(place, sequences, actions)
        if due or wishes:  # a wish may have been taken up by now
            said = "handed to the daemon" if wishes else "the daemon is at it"
            say(console, f"  {said} (process {busy.process}); `starsend status` shows how far it is")
    if not due and not wishes:
        say(console, f"  {what}: nothing to do")
    if stop.is_set():
        raise Interrupted
    return errors


def _write_down(place: Place, wishes: Wishes) -> None:
    def edit(draft: Draft) -> None:
        for name, wish in wishes.items():
            draft[name].update(wish)

    if wishes:
        place.file.change(edit)


def _due(place: Place, names: Collection[str], actions: Collection[Action] | None) -> list[str]:
    """Those of the named sequences on which something is to be done; of no names, none."""
    known = _known(place, list(names)) if names else {}
    due = {name: next_action(sequence) for name, sequence in known.items()}
    return [n for n, action in due.items() if action is not None and (actions is None or action in actions)]
