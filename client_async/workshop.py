"""What every runner of one project works with, in one hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import stamina

from client_async.events import Listener
from client_async.sequence_file import SequenceFile
from client_async.step_executor import Lane, StepExecutor
from starsend.clock import Clock
from starsend.config import Settings
from starsend.elements import Elements
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_runner import StepRunner
from starsend.vendor_patience import patience, worth_waiting

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every runner of one project works with."""

    project: str
    project_dir: Path
    file: SequenceFile
    store: ExecutionStore
    steps: StepRunner
    executor: StepExecutor
    settings: Settings
    clock: Clock
    listener: Listener

    async def state(self, work: Callable[[], T]) -> T:
        """The value of blocking ``work`` on documents or the ledger, off the event loop."""
        return await self.executor.run("state", work)

    async def paid(self, lane: Lane, step: Callable[[], Take]) -> Take:
        """The take of a paid ``step``, borne with while the vendor says "not now"."""

        async def send() -> Take:  # without arguments, for stamina logs those and prompts are long
            return await self.executor.run(lane, step)

        return await stamina.AsyncRetryingCaller(**patience(self.settings.retry))(worth_waiting(), send)

    def path(self, *parts: str) -> Path:
        """A path inside the project."""
        return self.project_dir.joinpath(*parts)

    def elements(self) -> Elements:
        """The project's elements as they are on disk now."""
        return Elements.load(self.project_dir / "elements")
