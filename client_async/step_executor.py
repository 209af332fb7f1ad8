"""Running blocking work off the event loop, each kind behind a limit of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

import anyio
import anyio.to_thread

T = TypeVar("T")
Lane = Literal["images", "videos", "pictures", "state"]
"""``images`` and ``videos`` are paid calls; ``pictures`` is work on pixels; ``state`` reads and writes documents."""


class StepExecutor(Protocol):
    """Runs a blocking call somewhere else and hands back its value."""

    async def run(self, lane: Lane, work: Callable[[], T]) -> T:
        """The value of ``work()``. Cancelling the wait does not stop the work: what was paid for is committed."""


class ThreadExecutor:
    """Worker threads on this machine.

    A limiter for every lane, none shared with anyio's default of 40 threads: PERFORMANCE.md saw picks wait 5 s
    behind it. Pictures get as many threads as there are cores; decoding in the vendors' threads stalled the loop.
    """

    def __init__(self, *, images: int, videos: int) -> None:
        self._limits = {
            "images": anyio.CapacityLimiter(images),
            "videos": anyio.CapacityLimiter(videos),
            "pictures": anyio.CapacityLimiter(max(2, os.cpu_count() or 2)),
            "state": anyio.CapacityLimiter(2),
        }

    async def run(self, lane: Lane, work: Callable[[], T]) -> T:
        # abandon_on_cancel stays False: it would give the slot back while the thread still spends money.
        return await anyio.to_thread.run_sync(work, limiter=self._limits[lane])
