"""Time as an argument: who waits is given a clock, so that no test sleeps and no thread ignores a stop."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol

from starsend.errors import StarsendError


class Stopped(StarsendError):
    """Work was asked to stop while it waited. Nothing is lost: a job goes on by its handle at the next run."""

    def __init__(self, what: str) -> None:
        super().__init__(f"stopped while waiting for {what}", remedy="run it again, it goes on where it was")


class Clock(Protocol):
    """What time it is, and how to let it pass."""

    def now(self) -> datetime:
        """The time, in UTC and with its zone."""

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Let ``seconds`` pass; True as soon as ``stop`` is set, False when the time is over."""


class SystemClock:
    """The real one."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(seconds)
