"""Bearing with a vendor: a policy for each phase of a call, its own delay honoured in all of them, decided by type and never by message.

Submits of the house line are sent again by stamina. Polls, downloads, closed gates and all that the daemon does wait by the same
policies where a stop can wake them, or as dates (ADR 10).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from starsend.sections import RetrySettings
from starsend.vendor_faults import Ambiguous, NotSent, RateLimited

POLLS_IN_A_ROW = 5
"""So many polls in a row may fail before the job is left to the next run."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How often one thing is tried, and how long between two tries: ``first`` seconds, doubling to ``longest``."""

    attempts: int
    first: float
    longest: float = 60.0

    def pause(self, failed: int, error: Exception, *, jitter: float = 0.0) -> float:
        """Seconds to wait after the ``failed``-th failure in a row: what the vendor asks for, else our own.

        Args:
            jitter: 0 to 1; stretches the wait by up to a quarter, so that many that were turned away do not come back together.
        """
        named = error.delay if isinstance(error, RateLimited) else None
        wait = min(self.first * 2.0 ** (failed - 1), self.longest) if named is None else named
        return wait * (1 + jitter / 4)


def submitting(retry: RetrySettings) -> Policy:
    """For the call that may be billed: one step, while the vendor says not now."""
    return Policy(retry.submit_attempts, 1.0)


def polling(retry: RetrySettings) -> Policy:
    """For looks at a job that fail. Between two that do not fail pass ``poll_seconds``, or what the vendor names."""
    return Policy(POLLS_IN_A_ROW, 2 * retry.poll_seconds)


def downloading(retry: RetrySettings) -> Policy:
    """For fetching a result, which is free."""
    return Policy(retry.fetch_attempts, 2 * retry.poll_seconds)


class Patience(TypedDict):
    """Keyword arguments of ``stamina.RetryingCaller``."""

    attempts: int
    timeout: float | None
    wait_initial: float
    wait_max: float


def patience(policy: Policy) -> Patience:
    """A policy as stamina takes it; the jitter is its own."""
    return {
        "attempts": policy.attempts,
        "timeout": None,
        "wait_initial": policy.first,
        "wait_max": policy.longest,
    }


def worth_waiting() -> Callable[[Exception], bool]:
    """A judge of one call's errors: whether the same step may be sent again.

    A lost answer comes this far only where the policy is to send again, and its possible charge is booked already; each
    further one may cost again, so there is one second try and no third.
    """
    lost = 0

    def judge(error: Exception) -> bool:
        nonlocal lost
        if isinstance(error, Ambiguous) and error.sent_nothing:
            return True
        lost += isinstance(error, Ambiguous)
        return isinstance(error, NotSent | RateLimited) or (isinstance(error, Ambiguous) and lost == 1)

    return judge
