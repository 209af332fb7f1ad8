"""The async hand of a SequenceFile: changes from many tasks go into one commit, and the face follows in its own time.

Measured (docs/measured.md): at 10,000 sequences a save of the whole file at every transition costs 22 ms of CPU and 14 MB
each; a commit shared by whoever waits costs 65 microseconds and 8.6 KB, and rendering is nearly all that is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast

import anyio
import structlog
from anyio.abc import TaskGroup

from client_async.kept import Change, Outcome
from client_async.sequence_file import SequenceFile
from client_async.step_executor import STATE, StepExecutor
from starsend.errors import StarsendError

log = structlog.get_logger()
T = TypeVar("T")

UNHURRIED_SECONDS = 2.0
"""Between two renders that nobody waits for."""
SECONDS_A_SEQUENCE = 0.001
"""A file of 10,000 sequences is rendered every ten seconds: each render writes all of it."""
GATHER_SECONDS = 0.005
"""While many change at once, so long is waited for more: a commit shared by twenty costs each a tenth. Who is alone does not wait."""
PAUSE_FACTOR = 20.0
"""After a render that somebody waits for, the pause is so many times as long as it took."""


@dataclass(slots=True)
class _Batch:
    """Changes that share a commit."""

    changes: list[Change[Any]] = field(default_factory=list)
    outcomes: list[Outcome[Any]] = field(default_factory=list)
    kept: anyio.Event = field(default_factory=anyio.Event)
    at_once: bool = False


class Scribe:
    """Commits changes of one project's sequences in groups and renders the face.

    Args:
        group: where commits and the timer of a later render live.
        monotonic: seconds, for the pace of renders.
    """

    def __init__(
        self,
        file: SequenceFile,
        executor: StepExecutor,
        group: TaskGroup,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._executor = executor
        self._group = group
        self._monotonic = monotonic
        self._next = _Batch()
        self._committing = False
        self._due: float | None = None
        self._timing = False
        self._sooner = anyio.Event()
        self._rendered_at = float("-inf")
        self._render_took = 0.0
        self._rendered = True
        self._stopped = False
        self._alone = anyio.Lock()

    async def run(self, work: Callable[[], T]) -> T:
        """The value of blocking ``work`` on the file, off the event loop. One at a time: more would fill the threads that
        all projects share with waiting for this file's lock."""
        async with self._alone:
            return await self._executor.run(STATE, work)

    async def change(self, change: Change[T], *, at_once: bool = False) -> T:
        """The answer of ``change`` once it is kept; what it raises, when it refused. ``at_once``: a person waits to see it."""
        batch, place = self._next, len(self._next.changes)
        batch.changes.append(change)
        batch.at_once |= at_once
        if not self._committing:
            self._committing = True
            self._group.start_soon(self._commit)
        await batch.kept.wait()
        outcome = batch.outcomes[place]
        if outcome.error:
            raise outcome.error
        return cast(T, outcome.value)

    async def _commit(self) -> None:
        """Commit what has gathered, and again while more comes. Whoever stops waiting for a change has made it all the same."""
        crowded = False
        with anyio.CancelScope(shield=True):  # milliseconds, and others wait for it
            while self._next.changes:
                if crowded:
                    await anyio.sleep(GATHER_SECONDS)
                batch, self._next = self._next, _Batch()
                try:
                    batch.outcomes = await self.run(partial(self._file.change_all, batch.changes))
                except Exception as refused:  # noqa: BLE001 - whoever waits for it is told; others have nothing to do with it
                    batch.outcomes = [Outcome(error=refused) for _ in batch.changes]
                batch.kept.set()
                crowded = len(batch.changes) > 1
                self.ask_for_render(at_once=batch.at_once)
            self._committing = False

    def ask_for_render(self, *, at_once: bool) -> None:
        """See to it that the face will show what is kept: soon when somebody waits, with the others when nobody does."""
        if not self._file.behind:
            return
        unhurried = max(UNHURRIED_SECONDS, SECONDS_A_SEQUENCE * len(self._file))
        wait = PAUSE_FACTOR * self._render_took if at_once else unhurried
        if not self._rendered:  # and what kept the last one from being made is seldom gone at once
            wait = max(wait, UNHURRIED_SECONDS)
        due = max(self._rendered_at + wait, self._monotonic())
        if self._due is None or due < self._due:
            self._due = due
            self._sooner.set()
        if not self._timing:
            self._timing = True
            self._group.start_soon(self._render_when_due)

    async def _render_when_due(self) -> None:
        """The one timer: until nothing is due."""
        while self._due is not None and not self._stopped:
            self._sooner = anyio.Event()
            with anyio.move_on_after(self._due - self._monotonic()):
                await self._sooner.wait()
                continue
            self._due = None
            if not await self.render():
                self._due = self._monotonic() + UNHURRIED_SECONDS
        self._timing = False

    def stop(self) -> None:
        """Render nothing any more: another project's folder may lie under the name by then."""
        self._stopped = True
        self._sooner.set()

    async def render(self) -> bool:
        """Bring the face up to date now. False when it has to wait for somebody who is at work on it."""
        begun = self._monotonic()
        try:
            done = await self.run(self._file.render)
        except Exception as refused:
            log.error("render_failed", error=str(refused), exc_info=not isinstance(refused, StarsendError))
            done = False
        self._rendered, self._rendered_at = done, self._monotonic()
        self._render_took = self._rendered_at - begun
        return done
