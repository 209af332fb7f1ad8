"""Blocking work of the routes: in threads beside the event loop, so many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

import anyio
import anyio.to_thread

T = TypeVar("T")
Given = TypeVarTuple("Given")


class Threads:
    """Threads for one kind of work; who comes while all are busy waits for the next that is free."""

    def __init__(self, at_once: int) -> None:
        self._limiter = anyio.CapacityLimiter(at_once)

    async def run(self, work: Callable[[*Given], T], *given: *Given) -> T:
        """What ``work`` returns or raises."""
        return await anyio.to_thread.run_sync(work, *given, limiter=self._limiter)
