"""The commands that do work: what ``grid``, ``generate``, ``costs``, ``pipeline`` and ``demo`` mean for one project."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Sequence as Many
from functools import partial
from pathlib import Path

import anyio
import structlog
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from client_async.client_sequence_runner import ClientSequenceRunner
from client_async.costs import CostReport, cost_report, takes_in_use
from client_async.drive import Interrupted, Work, drive, stop_on_signal
from client_async.driver_lock import sole_driver
from client_async.pick_folder import PickFolder
from client_async.projects import Place
from client_async.screens import LiveProgress
from client_async.sequence_file import Document, sequence_in
from client_async.sequences import Action, Sequence, checked_sequences, next_action, owner_of, read_sequences
from client_async.wiring import open_store, open_workshop
from starsend.clock import SystemClock
from starsend.config import load_settings
from starsend.errors import BadInput, StarsendError, UnknownName
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.pipeline import Pipeline, ShotOutcome, read_shots

Errors = dict[str, StarsendError]


def make_grids(place: Place, names: Many[str], console: Console, *, again: bool = False) -> Errors:
    """Explore grids for the named sequences, or for all that have none."""
    wanted = list(names) or _with_work(place, "explore")
    return _work(place, wanted, console, "grids", partial(_explore, again=again))


async def _explore(runner: ClientSequenceRunner, *, again: bool) -> None:
    await runner.explore_grid(again=again)


def adopt_grid(place: Place, name: str, picture: Path, console: Console) -> Sequence:
    """Bring in a picture made elsewhere as the grid of one sequence. Raises what went wrong."""
    found: list[Sequence] = []

    async def adopt(runner: ClientSequenceRunner) -> None:
        found.append(await runner.adopt_grid(picture))

    errors = _work(place, [name], console, "grids", adopt)
    if errors:
        raise errors[name]
    return found[0]


def make_takes(place: Place, names: Many[str], console: Console, *, again: bool = False) -> Errors:
    """Take the picks that have been dropped, then drive sequences to their takes.

    A sequence that is named is generated even when its brief has changed since its take; without names only
    those that lack one are, so that nobody pays twice by surprise.
    """
    take_picks(place, console)

    async def generate(runner: ClientSequenceRunner) -> None:
        await runner.advance(to_take=not names)
        if names:  # exactly one take: the missing one, or with `again` another
            await runner.generate(again=again)

    return _work(place, list(names) or _with_work(place), console, "takes", generate)


def waiting_for_person(
    place: Place, names: Many[str], waiting: Many[str] = ("waiting_for_pick", "recovery")
) -> set[str]:
    """Which of the named sequences, or of all, cannot go on until somebody decides."""
    sequences = read_sequences(place.file)
    return {
        n
        for n, s in sequences.items()
        if (not names or n in names) and s.grid_state in waiting and not s.deleted
    }


def take_picks(place: Place, console: Console) -> int:
    """Decide the pick files that lie in the drop folder; says what became of each. The number accepted."""
    verdicts = PickFolder(place.picks, place.file).take_picks()
    for verdict in verdicts:
        mark = "[green]accepted[/]" if verdict.accepted else "[red]rejected[/]"
        said = f"  {escape(verdict.file)}  {mark}  {escape(verdict.reason)}"
        console.print(said, highlight=False, soft_wrap=True)
    return sum(verdict.accepted for verdict in verdicts)


def project_costs(place: Place) -> CostReport:
    """The project's cost report, from its ledger and its documents."""
    with open_store(place, load_settings(place.root, place.folder), SystemClock()) as store:
        return costs_of(place, store)


def costs_of(place: Place, store: ExecutionStore) -> CostReport:
    """As ``project_costs``, of an open ledger."""
    document: Document = {"sequences": {}}
    if place.file.path.exists():
        document = place.file.read()
        checked_sequences(document, place.file)  # a mangled history is told by its path, not stumbled over
    names = list(document["sequences"])
    house = [take for take in store.takes() if take.shot_id.removesuffix("_frame") not in names]
    latest = {take.shot_id: take.take_id for take in house}  # oldest first, so the newest stays
    in_use = takes_in_use(document) | set(latest.values())
    return cost_report(place.name, store.costs(), sequences=names, in_use=in_use)


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
    with (
        structlog.contextvars.bound_contextvars(project=place.name),
        sole_driver(place),
        stop_on_signal() as stop,
        open_workshop(place, listener=lambda _: None, stop=stop) as shop,
    ):
        line = Pipeline(
            store=shop.store,
            steps=shop.steps,
            elements=shop.elements(),
            settings=shop.settings,
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
            made = outcome.take.media.path if outcome.take else f"[red]{escape(str(outcome.error))}[/]"
            console.print(f"  {outcome.shot_id}  {made}", highlight=False, soft_wrap=True)
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


def _work(place: Place, names: Many[str], console: Console, what: str, work: Work) -> Errors:
    document = place.file.read()
    for name in names:
        sequence_in(document, name, place.file.path)
    if not names:
        console.print(f"  {what}: nothing to do")
        return {}
    stop = threading.Event()
    with (
        sole_driver(place),
        LiveProgress(console, len(names), what) as progress,
        open_workshop(place, listener=progress.show, stop=stop) as shop,
    ):
        errors = anyio.run(drive, shop, names, work, stop)
    if stop.is_set():
        raise Interrupted
    return errors


def _with_work(place: Place, *only: Action) -> list[str]:
    actions = {name: next_action(sequence) for name, sequence in read_sequences(place.file).items()}
    return [name for name, action in actions.items() if action is not None and (not only or action in only)]
