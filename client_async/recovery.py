"""What ``recover fetch``, ``retry`` and ``give-up`` mean for one project: the ledger's move, and what its sequence does then."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from rich.console import Console

from client_async.draft import Draft
from client_async.drive import stop_on_signal
from client_async.ownership import Raw
from client_async.production import Errors, go_on
from client_async.projects import Place
from client_async.screens import say
from client_async.states import PARKED
from client_async.wiring import Parts, open_parts
from starsend.clock import Clock
from starsend.dollars import dollars
from starsend.errors import StarsendError
from starsend.orchestrator.job_collector import StillRunning
from starsend.orchestrator.open_cases import stand_of
from starsend.orchestrator.records import OPEN, Step, Take
from starsend.orchestrator.step_faults import may_come_late


def fetch(place: Place, target: str | None, console: Console, clock: Clock | None = None) -> Errors:
    """Ask the vendor for one step, those of one sequence, or all that are open or were given up; free. Errors by step; a job may still run.

    Raises NotOpen, UnknownName: nothing like ``target`` is open.
    """
    errors: Errors = {}
    with _parts(place, clock) as parts:
        recovery = parts.steps.recovery
        steps = recovery.find(target, "fetch") if target else recovery.fetchable()
        for asked in steps:
            step, came = recovery.fetch(asked)
            say(console, f"  {step.step_key}  {_outcome(step, came)}")
            if isinstance(came, StarsendError) and not isinstance(came, StillRunning):
                errors[step.step_key] = came
            if isinstance(came, Take) and _is_parked(place, step.sequence):
                say(console, f"  `starsend resume {step.sequence}` goes on with it")
    if not steps:
        say(console, "  nothing is open")
    return errors


def retry(place: Place, target: str, console: Console, clock: Clock | None = None) -> Errors:
    """Send one lost step again, which may be paid twice, and go on with its sequence; a daemon takes that over.

    Raises NotOpen, AtTheVendor, SeveralOpen, UnknownName, OtherProvider, StepBusy, ProjectBusy.
    """
    step = decide_retry(place, target, console, clock)
    name = step.sequence
    if name not in _sequences(place):
        say(console, f"  `starsend pipeline {name}` sends it")
        return {}
    errors = go_on(place, name, console)
    with _parts(place, clock) as parts:
        now = parts.store.step(step.step_key)
    if now and stand_of(now) == "to_send_again" and not errors:
        unsent = f"not sent yet; where {name} asks for something else by now, `starsend recover give-up {now.step_key}` closes it"
        say(console, f"  {now.step_key}  {unsent}")
    return errors


def decide_retry(place: Place, target: str, console: Console, clock: Clock | None = None) -> Step:
    """The decision alone, in the ledger. Whoever is killed after it gives it again, or resumes the sequence."""
    with _parts(place, clock) as parts:
        step = parts.steps.recovery.find_one(target, "retry")
        step = parts.steps.recovery.retry(step, getpass.getuser())
    words = {
        "to_send_again": "is to be sent again; what the lost call may have cost stays booked",
        "succeeded": "came home after all, nothing is sent",
    }
    say(console, f"  {step.step_key}  {words.get(stand_of(step), f'has failed: {step.error}')}")
    return step


def give_up(place: Place, target: str, console: Console, clock: Clock | None = None) -> None:
    """Wait no longer for one step; its sequence is ``failed`` then, and can be asked for anew. Nothing is sent.

    Raises NotOpen, SeveralOpen, UnknownName, StepBusy.
    """
    with _parts(place, clock) as parts:
        recovery, store = parts.steps.recovery, parts.store
        step = recovery.give_up(recovery.find_one(target, "give-up"), getpass.getuser())
        others = [s for s in store.open_steps() if s.sequence == step.sequence and s.state == "unknown"]
        booked = [e for e in store.costs() if e.step_key == step.step_key and e.kind != "estimated"]
    if step.state == "succeeded":
        way_on = f"`starsend resume {step.sequence}` goes on with it"
        say(console, f"  {step.step_key}  came home after all; {way_on}")
        return
    status = f"{step.step_key}: {step.error}"
    spent = sum((event.amount for event in booked), Decimal(0))
    late = f"; while the vendor keeps job {step.handle}, `starsend recover fetch {step.step_key}` brings it home for free"
    job = late if step.handle else ""
    say(console, f"  {status}; {dollars(spent)} stays booked{job}")
    if not others:
        _leave_recovery(place, step, status)


def _leave_recovery(place: Place, step: Step, status: str) -> None:
    """Take the sequence out of ``recovery``, where nothing of it is lost any more; its ways on are those of any failure."""
    command = "grid" if step.kind == "keyframe" else "generate"

    def edit(draft: Draft) -> None:
        if step.sequence in draft and draft[step.sequence].get("grid_state") == "recovery":
            way_on = f"{status}. `starsend {command} {step.sequence} --again` pays for another"
            draft[step.sequence].update(grid_state="failed", status=way_on, grid_fault="GivenUp")

    if place.file.path.exists():
        place.file.change(edit)


def _outcome(step: Step, came: Take | StarsendError | None) -> str:
    if isinstance(came, Take):
        return f"came home: {came.media.path}"
    if isinstance(came, StillRunning):
        return "is still running"
    if isinstance(came, StarsendError):
        return came.what if step.state in OPEN or may_come_late(step) else f"is gone: {came.what}"
    if step.state == "failed":
        return "never reached the vendor, and cost nothing"
    return "the vendor cannot be asked for it: `starsend recover retry` or `give-up` decides"


def _is_parked(place: Place, name: str) -> bool:
    return _sequences(place).get(name, {}).get("grid_state") in PARKED


def _sequences(place: Place) -> dict[str, Raw]:
    """As they stand; none of a project that has house shots alone."""
    found: dict[str, Raw] = place.file.read()["sequences"] if place.file.path.exists() else {}
    return found


@contextmanager
def _parts(place: Place, clock: Clock | None) -> Iterator[Parts]:
    with stop_on_signal() as stop, open_parts(place, stop=stop, clock=clock) as parts:
        yield parts
