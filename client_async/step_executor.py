"""Running blocking work off the event loop, each kind behind a limit of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import anyio
import anyio.to_thread

from starsend.vendor_gates import VendorGates

T = TypeVar("T")
PICTURES, STATE = "pictures", "state"
"""Lanes for work on pixels and for documents and ledger; every other lane is a provider's name."""

SHORT_WORK = 32
"""Locks and the like take milliseconds and share their commits: few at a time held 256 slots at 2.4 times the ideal makespan."""


class StepExecutor(Protocol):
    """Runs a blocking call somewhere else and hands back its value. ``gates``: what each provider may be sent."""

    gates: VendorGates

    async def run(self, lane: str, work: Callable[[], T]) -> T:
        """The value of ``work()``. Cancelling the wait does not stop the work: what was paid for is committed."""

    def slots(self, lane: str) -> int:
        """How many calls of a lane may run at once."""


@dataclass(frozen=True, slots=True)
class Load:
    """Calls of one provider: how many may be in flight, how many are, and how many wait for a thread."""

    at_once: int
    in_flight: int
    waiting: int


class StepMeter(Protocol):
    """Who wants to know how long paid calls queue and run."""

    def step_queued(self, lane: str) -> None: ...
    def step_started(self, lane: str) -> None: ...
    def step_ended(self, lane: str, seconds: float, outcome: str) -> None: ...


class ThreadExecutor:
    """Worker threads on this machine.

    A limiter for every lane, none shared with anyio's default of 40 threads: docs/measured.md saw picks wait 5 s
    behind it. Pictures get as many threads as there are cores; decoding in the vendors' threads stalled the loop.

    Args:
        at_once: calls in flight by provider; ``usual`` for those it does not name.
        gates: the other limits of the providers; none unless given.
    """

    def __init__(
        self,
        at_once: Mapping[str, int],
        *,
        usual: int,
        gates: VendorGates | None = None,
        meter: StepMeter | None = None,
    ) -> None:
        self.gates = gates or VendorGates()
        self._usual = usual
        self._meter = meter
        self._limits = {
            PICTURES: anyio.CapacityLimiter(max(2, os.cpu_count() or 2)),
            STATE: anyio.CapacityLimiter(4),
        }
        self.resize(at_once)

    def resize(self, at_once: Mapping[str, int]) -> None:
        """Change how many calls each provider gets; those in flight are left alone."""
        for lane in self._limits.keys() - {PICTURES, STATE} | at_once.keys():
            self._limiter(lane).total_tokens = at_once.get(lane, self._usual)

    def slots(self, lane: str) -> int:
        """How much work of a lane is worth beginning at once: as many calls as run, where each of them is long."""
        return SHORT_WORK if lane in (PICTURES, STATE) else int(self._limiter(lane).total_tokens)

    def loads(self) -> dict[str, Load]:
        """What is in flight, by provider."""
        return {
            lane: Load(int(limit.total_tokens), limit.borrowed_tokens, limit.statistics().tasks_waiting)
            for lane, limit in self._limits.items()
            if lane not in (PICTURES, STATE)
        }

    async def run(self, lane: str, work: Callable[[], T]) -> T:
        """The value of ``work()``, run in a thread of ``lane``."""
        # abandon_on_cancel stays False: it would give the slot back while the thread still spends money.
        if self._meter is None or lane in (PICTURES, STATE):
            return await anyio.to_thread.run_sync(work, limiter=self._limiter(lane))
        return await self._measured(lane, work, self._meter)

    async def _measured(self, lane: str, work: Callable[[], T], meter: StepMeter) -> T:
        def timed() -> T:
            meter.step_started(lane)
            begun, outcome = time.monotonic(), "failed"
            try:
                value = work()
                outcome = "done"
                return value
            finally:
                meter.step_ended(lane, time.monotonic() - begun, outcome)

        meter.step_queued(lane)
        return await anyio.to_thread.run_sync(timed, limiter=self._limiter(lane))

    def _limiter(self, lane: str) -> anyio.CapacityLimiter:
        if lane not in self._limits:
            self._limits[lane] = anyio.CapacityLimiter(self._usual)
        return self._limits[lane]
