"""The daemon's own code over a vendor that sleeps: every part is the real one, but for the hands that draw and the ledger."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import structlog

from client_async.client_sequence_runner import ClientSequenceRunner
from client_async.desk import Desk
from client_async.dispatcher import Dispatcher
from client_async.draft import Draft
from client_async.events import Event, SequenceMoved
from client_async.explorer import Explorer
from client_async.picks import record_pick
from client_async.scribe import Scribe
from client_async.sequence_file import SequenceFile
from client_async.sequence_parts import GridRecord, TakeRecord, Verdict
from client_async.sequences import Sequence
from client_async.step_executor import ThreadExecutor
from client_async.workshop import Workshop
from starsend.clock import SystemClock
from starsend.config import Settings
from starsend.orchestrator.records import Keyframe

AT = "2026-11-24T10:00:00+00:00"
PICKS_SECONDS = 0.02
"""Between two visits of the person who picks."""
KEYFRAME = Keyframe(
    shot_id="s",
    path="g1_c1.png",
    sha256="aa",
    take_id="t",
    cell=1,
    locked_by="m",
    locked_at=datetime.now(UTC),
    superseded_at=None,
)


class SleepingRunner(ClientSequenceRunner):
    """The real one; its hands sleep instead of drawing."""

    def __init__(self, workshop: Workshop, name: str, step: Callable[[], None]) -> None:
        super().__init__(workshop, name)
        self._step = step
        grids: Any = SimpleNamespace(draw=self._draw, cell_file=self._cell)
        self._grids = grids
        self._takes: Any = SimpleNamespace(make=self._make)
        self._explorer = Explorer(workshop, name, self._reporter, grids)

    async def _draw(self, _s: Sequence, _w: object, *, at: str, reading: Callable[[], Any]) -> GridRecord:
        await self._shop.executor.run("animatic", self._step)
        await reading()
        verdict = Verdict(ok=True, reason="ok", explanation="a 2x2 grid")
        return GridRecord(grid="g1", round=1, via="model", verdict=verdict, takes=["t"], path="g1.png", at=at)

    async def _cell(self, _grid: object, _cell: int) -> Path:
        return Path("g1_c1.png")

    async def _make(
        self, _s: Sequence, *, again: bool, beginning: Callable[[int, list[str]], Any]
    ) -> TakeRecord:
        await beginning(1 + again, [])
        await self._shop.executor.run("animatic", self._step)
        return TakeRecord(take="t", path="t.mp4", attempt=1, keyframe="aa", brief="bb", at=AT)


class SleepingDesk(Desk):
    """A desk of such runners."""

    def __init__(self, shop: Workshop, step: Callable[[], None]) -> None:
        super().__init__(shop)
        self._step = step

    def runner(self, name: str) -> ClientSequenceRunner:
        """One whose hands sleep."""
        return SleepingRunner(self._shop, name, self._step)


class Rehearsal:
    """One project in ``folder``, from the first sequence lined up to the last one done and rendered."""

    def __init__(self, folder: Path, slots: int, step: Callable[[], None]) -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self._folder = folder
        self._slots = slots
        self._step = step
        self._file = SequenceFile(folder / "sequences.json")
        self._file.take_in()
        self._unfinished = len(self._file)
        self._finished = anyio.Event()
        self._to_pick: list[str] = []
        self._shown = anyio.Event()

    async def run(self) -> float:
        """How many seconds it took."""
        executor = ThreadExecutor({"animatic": self._slots}, usual=4)
        async with anyio.create_task_group() as group:
            dispatcher = Dispatcher(group, executor.slots)
            scribe = Scribe(self._file, executor, group)
            shop = Workshop(
                project="job",
                project_dir=self._folder,
                file=self._file,
                scribe=scribe,
                store=SimpleNamespace(lock_keyframe=lambda *_a, **_k: KEYFRAME),  # type: ignore[arg-type]
                steps=SimpleNamespace(shot_limits=None, lint_multi_shot=lambda *_a, **_k: None),  # type: ignore[arg-type]
                executor=executor,
                settings=Settings(),
                clock=SystemClock(),
                listener=self._hear,
            )
            dispatcher.join(SleepingDesk(shop, self._step))
            group.start_soon(self._pick, scribe, dispatcher)
            begun = time.monotonic()
            await dispatcher.consider_all("job", self._file.names())
            await self._finished.wait()
            await scribe.render()
            group.cancel_scope.cancel()
            took = time.monotonic() - begun
        assert {self._file.peek(name)["grid_state"] for name in self._file.names()} == {"done"}
        assert not self._file.behind
        self._file.close()
        return took

    def _hear(self, event: Event) -> None:
        if isinstance(event, SequenceMoved) and event.state == "waiting_for_pick":
            self._to_pick.append(event.sequence)
            self._shown.set()
        elif isinstance(event, SequenceMoved) and event.state == "failed":
            self._finished.set()  # and what comes next says that it is not done: a bench must not wait for ever
        elif isinstance(event, SequenceMoved) and event.state == "done":
            self._unfinished -= 1
            if not self._unfinished:
                self._finished.set()

    async def _pick(self, scribe: Scribe, dispatcher: Dispatcher) -> None:
        """A person who picks whatever is there to be picked, in one go."""
        while True:
            await self._shown.wait()
            await anyio.sleep(PICKS_SECONDS)
            self._shown, names, self._to_pick = anyio.Event(), self._to_pick, []

            def edit(draft: Draft, names: list[str] = names) -> None:
                for name in names:
                    record_pick(draft[name], name, 1, by="m", via="bench", at=datetime.now(UTC))

            await scribe.change(edit)
            for name in names:
                dispatcher.consider("job", name)
