"""What a provider may be sent just now: so many calls a minute, and none while it turns everybody away.

One gate a provider, for all threads and projects of a process together. It minds submits only, for polls and downloads are
free. Quota, capacity, a vendor out of reach and answers that are lost again and again close it for a while; then a single
call goes ahead, and what becomes of that one opens it or closes it for longer. What is wrong with one call alone (safety, a
bad request, the key) stops that call at once and never closes the gate.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

import structlog

from starsend.errors import StarsendError
from starsend.vendor_faults import Ambiguous, NotSent, ProviderError, RateLimited

log = structlog.get_logger()

FAILURES_IN_A_ROW = 3
"""So many calls must fail for the vendor's reasons before all others wait too, where it names no time itself."""
FIRST_HOLD, LONGEST_HOLD = 5.0, 300.0
"""Seconds; doubled each time that the one call sent ahead fails too. A longer time is the vendor's own wish."""
FIRST_DOUBT = 1.0
"""Seconds, where the vendor named a time and turned the call after it away too; doubled as a hold is."""
LOOK_AGAIN = 5.0
"""Seconds between two looks at what became of the call that was sent ahead."""
MINUTE = 60.0
GRAIN = 0.001
"""Seconds that are added to a wait, so that whoever waits for so long never comes a rounding error too early."""

Cause = Literal["quota", "capacity", "unreachable", "answers_lost"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing is sent. ``left``: seconds to the next try, 0 when its time has come; ``ahead``: whether it is being made, for
    nobody may want anything; ``lasting``: since the first refusal.
    """

    cause: Cause
    why: str
    left: float
    lasting: float
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class GateState:
    """A provider's gate at this moment. ``per_minute``: None where there is no limit."""

    provider: str
    per_minute: int | None
    sent_last_minute: int
    hold: Hold | None


class HeldBack(StarsendError):
    """A call was not sent, and nothing is begun or reserved for it: the gate is closed for ``seconds`` more."""

    def __init__(self, provider: str, why: str, seconds: float) -> None:
        self.provider = provider
        self.seconds = seconds
        super().__init__(
            f"no call is sent to {provider} for now ({why})",
            remedy=f"wait {math.ceil(seconds)} s and run it again",
        )


class Turn:
    """Leave to send one call; a context that takes it back when nothing was sent in it."""

    def __init__(self, gate: VendorGate, era: int, at: float) -> None:
        self._gate = gate
        self.era = era
        self.at = at
        self._over = False

    def __enter__(self) -> Turn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._over:
            self._gate.take_back(self)

    def answered(self, error: ProviderError | None = None) -> None:
        """The call was sent: accepted, or ended by ``error``."""
        self._over = True
        self._gate.note(self, error)


class VendorGate:
    """One provider's gate. Safe from any thread."""

    def __init__(self, provider: str, per_minute: int | None, monotonic: Callable[[], float]) -> None:
        self._provider = provider
        self.per_minute = per_minute
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._failures = 0
        self._holds = 0
        """Of our own length, since it was open last."""
        self._era = 0
        """Counts holds: what becomes of a call that was sent before the last one began says nothing about now."""
        self._held: tuple[Cause, str] | None = None
        self._since = self._until = 0.0
        self._ahead = False

    def turn(self) -> Turn:
        """Leave to send one call. Raises HeldBack."""
        with self._lock:
            seconds = self._closed_for()
            if seconds > 0:
                why = f"{self.per_minute} a minute are sent already"
                if self._held is not None:
                    why = ": ".join(self._held)
                raise HeldBack(self._provider, why, seconds)
            if self._held is not None:
                self._ahead = True
                log.info("provider_tried", provider=self._provider, cause=self._held[0])
            now = self._monotonic()
            self._sent.append(now)
            return Turn(self, self._era, now)

    def opens_in(self) -> float:
        """Seconds until a call may be sent; 0 when one may."""
        with self._lock:
            return self._closed_for()

    def state(self) -> GateState:
        """How it stands."""
        with self._lock:
            self._forget()
            hold = None
            if self._held is not None:
                now = self._monotonic()
                left = 0.0 if self._ahead else max(0.0, self._until - now)
                hold = Hold(*self._held, left=left, lasting=now - self._since, ahead=self._ahead)
            return GateState(self._provider, self.per_minute, len(self._sent), hold)

    def take_back(self, turn: Turn) -> None:
        """Nothing was sent after all."""
        with self._lock:
            if turn.at in self._sent:
                self._sent.remove(turn.at)
            if turn.era == self._era:
                self._ahead = False

    def note(self, turn: Turn, error: ProviderError | None) -> None:
        """A call of this turn was accepted, or ended by ``error``."""
        cause = _cause(error)
        named = error.delay if isinstance(error, RateLimited) else None
        with self._lock:
            if turn.era != self._era:
                if self._held is not None and named is not None:  # many are turned away at once
                    self._until = max(self._until, self._monotonic() + named)
                return
            if cause is None:
                self._open()
                return
            self._failures += 1
            if named is not None or self._ahead or self._failures >= FAILURES_IN_A_ROW:
                self._close(cause, error, named)

    def _open(self) -> None:
        if self._held is not None:
            log.info("provider_open", provider=self._provider, cause=self._held[0])
        self._failures, self._holds, self._held, self._ahead = 0, 0, None, False

    def _close(self, cause: Cause, error: ProviderError | None, named: float | None) -> None:
        seconds = named
        if seconds is None or self._ahead:  # or it named a time and did not keep it
            least = min((FIRST_HOLD if named is None else FIRST_DOUBT) * 2.0**self._holds, LONGEST_HOLD)
            seconds = max(seconds or 0.0, least)
            self._holds = min(self._holds + 1, 16)
        now = self._monotonic()
        if self._held is None:
            self._since = now
        self._held = cause, error.what if error is not None else ""
        self._until = now + seconds
        self._ahead = False
        self._era += 1
        log.warning(
            "provider_held",
            provider=self._provider,
            cause=cause,
            wait=round(seconds, 1),
            failures=self._failures,
            error=str(error),
        )

    def _closed_for(self) -> float:
        now = self._monotonic()
        if self._held is not None:
            if now < self._until:
                return self._until - now
            if self._ahead:
                return LOOK_AGAIN
        self._forget()
        limit = self.per_minute  # which may be taken away meanwhile
        if limit is not None and len(self._sent) >= limit:
            return max(self._sent[-limit] + MINUTE - now, 0.0) + GRAIN
        return 0.0

    def _forget(self) -> None:
        while self._sent and self._sent[0] <= self._monotonic() - MINUTE:
            self._sent.popleft()


class VendorGates:
    """The gates of one process, by provider.

    Args:
        per_minute: calls a minute at most, by provider; no limit for those it does not name.
        monotonic: seconds.
    """

    def __init__(
        self,
        per_minute: Mapping[str, int] | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute = dict(per_minute or {})
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._gates: dict[str, VendorGate] = {}

    def of(self, provider: str) -> VendorGate:
        """A provider's gate."""
        with self._lock:
            if provider not in self._gates:
                limit = self._per_minute.get(provider)
                self._gates[provider] = VendorGate(provider, limit, self._monotonic)
            return self._gates[provider]

    def resize(self, per_minute: Mapping[str, int]) -> None:
        """Let other numbers hold from now on; a hold is left alone."""
        with self._lock:
            self._per_minute = dict(per_minute)
            for provider, gate in self._gates.items():
                gate.per_minute = per_minute.get(provider)

    def states(self) -> list[GateState]:
        """How the gate of each provider stands that was asked for anything, by name."""
        with self._lock:
            gates = sorted(self._gates.items())
        return [gate.state() for _, gate in gates]


def _cause(error: ProviderError | None) -> Cause | None:
    """Why the next call would fare no better; None where this one's end says nothing of the others."""
    if isinstance(error, RateLimited):
        return error.cause
    if isinstance(error, NotSent):
        return "unreachable"
    return "answers_lost" if isinstance(error, Ambiguous) else None
