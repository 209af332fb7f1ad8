"""What runs now, what is spent of what may be, and what waits for whom: of all projects, live."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import anyio
import anyio.to_thread
from pydantic import BaseModel

from client_async.console.board import Board, Changed
from client_async.console.books import Books, Standing
from client_async.daemon_view import ask_daemon
from client_async.driver_lock import daemon_address
from client_async.projects import Place
from client_async.shot_ids import CELLS, grid_shot, single_shot
from starsend.clock import Clock, SystemClock
from starsend.orchestrator.records import Cap, Step

LOOK_SECONDS = 0.4
"""Between two looks while a page is open; nobody looks where nobody watches."""
NOISE = timedelta(seconds=3)
"""A daemon tells how it stands once a second, so the time of a next try that is reckoned from it wavers."""

Progress = Literal["running", "left", "lost"]
# "left": no process works on it.
PROGRESS: Final[Mapping[Progress, str]] = {
    "running": "running",
    "left": "interrupted",
    "lost": "the answer is lost",
}
CAUSES: Final[Mapping[str, str]] = {
    "quota": "its quota is used up",
    "capacity": "it has no capacity",
    "unreachable": "it is out of reach",
    "answers_lost": "its answers were lost",
}


class RunningStep(BaseModel):
    """A paid call whose end is not known. ``sequence``: or the house line's shot."""

    project: str
    sequence: str
    shot: str
    step: str
    doing: str
    provider: str
    model: str
    progress: Progress
    said: str
    since: datetime


class CapRow(BaseModel):
    """Spend against one cap; dollars as text with six decimals. ``of``: the project, a day in UTC, or a sequence."""

    project: str
    cap: Cap
    of: str
    limit: str
    spent: str
    reserved: str


class HoldRow(BaseModel):
    """Why nothing is sent to a provider. ``next_try``: None when its time has come; ``tried``: it is being made."""

    cause: str
    words: str
    why: str
    next_try: datetime | None
    tried: bool = False


class ProviderRow(BaseModel):
    """What waits for a provider, as the daemon ``process`` tells."""

    provider: str
    process: int
    at_once: int
    in_flight: int
    waiting: int
    per_minute: int | None
    sent_last_minute: int
    hold: HoldRow | None


class Trouble(BaseModel):
    """A project whose books cannot be read, and why."""

    project: str
    what: str


class Now(BaseModel):
    """Everything that is under way. ``daemons``: those that drive projects here; ``silent``: of them, who do not answer."""

    steps: list[RunningStep] = []
    """Those that run first, the oldest of them at the top."""
    caps: list[CapRow] = []
    providers: list[ProviderRow] = []
    daemons: int = 0
    silent: int = 0
    troubles: list[Trouble] = []


class Watch:
    """Looks at it while somebody watches, and tells when it is not as it was.

    Args:
        fresh_seconds: for so long a look serves whoever asks: all pages ask at the moment in which they are told.
    """

    def __init__(
        self, board: Board, books: Books, clock: Clock | None = None, *, fresh_seconds: float = 0.2
    ) -> None:
        self.books = books
        self._board = board
        self._clock = clock or SystemClock()
        self._limiter = anyio.CapacityLimiter(1)
        self._fresh_seconds = fresh_seconds
        self._looking = anyio.Lock()
        self._looked_at = -math.inf
        self._known = Now()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            if self._board.watchers:
                await self.look()
            await anyio.sleep(LOOK_SECONDS)

    async def now(self) -> Now:
        """How it stands, as of this moment or a little before."""
        async with self._looking:
            if time.monotonic() - self._looked_at < self._fresh_seconds:
                return self._known
            return await self.look()

    async def look(self) -> Now:
        """How it stands now; whoever watches hears of it if it was otherwise."""
        places = [shown.place for shown in self._board.projects()]
        found = await anyio.to_thread.run_sync(self._found, places, limiter=self._limiter)
        changed, self._known = found != self._known, found
        self._looked_at = time.monotonic()
        if changed:
            self._board.publish(Changed())
        return found

    def _found(self, places: list[Place]) -> Now:
        self.books.keep(places)
        standing = {place.name: self.books.standing(place) for place in places}
        addresses = {address for place in places if (address := daemon_address(place))}
        answers = [answer for address in sorted(addresses) if "providers" in (answer := ask_daemon(address))]
        return Now(
            steps=sorted(_steps(standing), key=lambda step: (step.progress != "running", step.since)),
            caps=sorted(_caps(standing), key=lambda row: (-share(row), row.project, row.cap, row.of)),
            providers=[self._provider(row, answer) for answer in answers for row in answer["providers"]],
            daemons=len(addresses),
            silent=len(addresses) - len(answers),
            troubles=[
                Trouble(project=name, what=one.trouble) for name, one in standing.items() if one.trouble
            ],
        )

    def _provider(self, row: Mapping[str, Any], answer: Mapping[str, Any]) -> ProviderRow:
        process, hold = answer["process"], row["hold"]
        if hold is None:
            return ProviderRow(process=process, **row)
        next_try = None
        if hold["seconds"]:
            next_try = self._clock.now().astimezone(UTC) + timedelta(seconds=hold["seconds"])
            for one in self._known.providers:
                before = one.hold and one.hold.next_try
                if one.provider == row["provider"] and before and abs(before - next_try) < NOISE:
                    next_try = before
        words = CAUSES.get(hold["cause"], hold["cause"])
        told = HoldRow(
            cause=hold["cause"], words=words, why=hold["why"], next_try=next_try, tried=hold["tried"]
        )
        return ProviderRow(process=process, **{**row, "hold": told})


def share(row: CapRow) -> float:
    """How much of a cap is taken: 1 for all of it. For order and pictures, never for money."""
    limit = float(row.limit)
    taken = float(row.spent) + float(row.reserved)
    return taken / limit if limit else float(taken > 0 or limit == 0)


def doing(step: Step) -> str:
    """What a call is for, in words."""
    if step.kind == "multi_shot":
        return "making a take"
    if step.shot_id == grid_shot(step.sequence):
        return "drawing a grid"
    for cell in CELLS:
        if step.shot_id == single_shot(step.sequence, cell):
            return f"drawing cell {cell} by itself"
    return "drawing a start frame"


def _steps(standing: Mapping[str, Standing]) -> Iterable[RunningStep]:
    for project, one in standing.items():
        for step in one.steps:
            running = step.step_key in one.at_work
            progress: Progress = "running" if running else "lost" if step.state == "unknown" else "left"
            yield RunningStep(
                project=project,
                sequence=step.sequence,
                shot=step.shot_id,
                step=step.step_key,
                doing=doing(step),
                provider=step.provider,
                model=step.model,
                progress=progress,
                said=PROGRESS[progress],
                since=step.created_at,
            )


def _caps(standing: Mapping[str, Standing]) -> Iterable[CapRow]:
    for project, one in standing.items():
        for row in one.caps:
            yield CapRow(project=project, **row)
