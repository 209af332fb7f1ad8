"""Bearing with a vendor that turns a call away: bounded, its own delay honoured, decided by type and never by message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypedDict

from starsend.api_client import Ambiguous, NotSent, RateLimited
from starsend.config import RetrySettings


class Patience(TypedDict):
    """Keyword arguments of ``stamina.RetryingCaller`` and its async twin."""

    attempts: int
    timeout: float | None
    wait_initial: float
    wait_max: float


def patience(retry: RetrySettings) -> Patience:
    """How long to bear with a vendor. Waits double from one second to a minute where it names no time itself."""
    return {"attempts": retry.submit_attempts, "timeout": None, "wait_initial": 1.0, "wait_max": 60.0}


def worth_waiting() -> Callable[[Exception], bool | timedelta]:
    """A judge of one call's errors: whether the same step may be sent again, and after how long where the vendor said.

    A lost answer comes this far only where the policy is to send again, and its possible charge is booked already; each
    further one may cost again, so there is one second try and no third.
    """
    lost = 0

    def judge(error: Exception) -> bool | timedelta:
        nonlocal lost
        if isinstance(error, RateLimited) and error.delay is not None:
            return timedelta(seconds=error.delay)
        lost += isinstance(error, Ambiguous)
        return isinstance(error, NotSent | RateLimited) or (isinstance(error, Ambiguous) and lost == 1)

    return judge


def pause_before(again: int, error: Exception, *, jitter: float) -> float:
    """Seconds to wait before a step is tried for the ``again``-th time more; for who waits by date and not in a thread.

    Args:
        jitter: 0 to 1; stretches the wait by up to a quarter, so that many that were turned away do not come back together.
    """
    named = error.delay if isinstance(error, RateLimited) else None
    wait = min(2.0 ** (again - 1), 60.0) if named is None else named
    return wait * (1 + jitter / 4)
