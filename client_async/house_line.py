"""The house line for one project: what ``starsend pipeline`` means. Shots that need no client pick."""

from __future__ import annotations

import getpass
from collections.abc import Sequence as Many
from pathlib import Path

import structlog
from rich.console import Console
from rich.progress import track
from rich.text import Text

from client_async.drive import Interrupted, stop_on_signal
from client_async.ledger import open_store
from client_async.projects import Place
from client_async.screens import say
from client_async.shot_ids import owner_of
from client_async.wiring import make_steps
from starsend.clock import SystemClock
from starsend.config import load_settings
from starsend.elements import Elements
from starsend.errors import BadInput, UnknownName
from starsend.pipeline import Pipeline, ShotOutcome, read_shots


def run_house_line(
    place: Place, shots_file: Path, names: Many[str], console: Console, *, again: bool = False
) -> list[ShotOutcome]:
    """Run the named shots of ``shots.json``, or all, through the house line. Raises Interrupted after a signal."""
    shots = read_shots(shots_file)
    known = [shot.id for shot in shots]
    for name in names:
        if name not in known:
            raise UnknownName("shot", name, known, where=str(shots_file))
    _keep_apart(place, known)
    shots = [shot for shot in shots if not names or shot.id in names]
    outcomes: list[ShotOutcome] = []
    settings = load_settings(place.root, place.folder)
    clock = SystemClock()
    with (
        structlog.contextvars.bound_contextvars(project=place.name),
        # No sole driver: house shots are nobody's sequences, and each is held while it is worked on.
        stop_on_signal() as stop,
        open_store(place, settings, clock) as store,
    ):
        line = Pipeline(
            store=store,
            steps=make_steps(place, settings, store, stop=stop, clock=clock),
            elements=Elements.load(place.folder / "elements"),
            settings=settings,
            clock=clock,
            stop=stop,
            by=getpass.getuser(),
        )
        running = line.run(shots, again=again)
        for outcome in track(
            running,
            "house line",
            total=len(shots),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        ):
            outcomes.append(outcome)
            made = outcome.take.media.path if outcome.take else (str(outcome.error), "red")
            say(console, Text.assemble(f"  {outcome.shot_id}  ", made))
        if stop.is_set():
            raise Interrupted
    return outcomes


def _keep_apart(place: Place, shots: Many[str]) -> None:
    """House shots and client sequences of one project share a ledger, so they may not share a name."""
    sequences = place.file.read()["sequences"] if place.file.path.exists() else {}
    for shot in shots:
        if owner := shot if shot in sequences else owner_of(shot, sequences):
            raise BadInput(
                f"the shot {shot!r} has a name that the sequence {owner!r} uses",
                remedy="choose another id for the shot",
            )
