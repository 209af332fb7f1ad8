"""What every runner of one project works with, in one hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from client_async.events import Listener
from client_async.scribe import Scribe
from client_async.sequence_file import SequenceFile
from client_async.sequences import Sequence, parsed
from client_async.step_executor import STATE, StepExecutor
from starsend.clock import Clock
from starsend.config import Settings
from starsend.elements import Elements
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.step_runner import StepRunner

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every runner of one project works with."""

    project: str
    project_dir: Path
    file: SequenceFile
    scribe: Scribe
    store: ExecutionStore
    steps: StepRunner
    executor: StepExecutor
    settings: Settings
    clock: Clock
    listener: Listener

    def sequence(self, name: str) -> Sequence:
        """A sequence as it was kept last. Raises BadDocument, KeyError."""
        return parsed(name, self.file.body(name), self.file.path)

    def sequence_now(self, name: str) -> Sequence:
        """The same, whatever another process has kept since included. Blocking."""
        return parsed(name, self.file.fresh(name), self.file.path)

    async def state(self, work: Callable[[], T]) -> T:
        """The value of blocking ``work`` on documents or the ledger, off the event loop."""
        return await self.executor.run(STATE, work)

    async def image(self, step: Callable[[], T]) -> T:
        """The value of a paid picture's ``step``."""
        return await self.executor.run(self.settings.image.provider, step)

    async def video(self, step: Callable[[], T]) -> T:
        """The value of a paid video's ``step``."""
        return await self.executor.run(self.settings.video.provider, step)

    def path(self, *parts: str) -> Path:
        """A path inside the project."""
        return self.project_dir.joinpath(*parts)

    def elements(self) -> Elements:
        """The project's elements as they are on disk now."""
        return Elements.load(self.project_dir / "elements")
