"""Connections as uvicorn's own protocol keeps them, and bounded: how many, how long a request takes to come, an answer to be read.

uvicorn bounds a head's size and how long a connection is idle after an answer. It does not bound how long a head or a body takes
to come, nor a connection on which nothing has come yet, and one byte after an answer takes its limit for idle ones away.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

LATE: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n"
)


class Bounded(H11Protocol):
    """One connection."""

    most: ClassVar[int] = 512
    """Open at once; pages have two to six each. A process may have 1,024 files open where nobody has allowed it more."""
    request_seconds: ClassVar[float] = 30.0
    """From the connection, or the answer before, until a request is here with its body, which holds 64 KB at the most."""
    stalled_seconds: ClassVar[float] = 600.0
    """For a reader to take any of what waits for it. A player that stands still reads nothing; it asks again by itself."""

    _coming: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._mind()
        if len(self.connections) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._coming, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        self._mind()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._mind_reader(waits=True)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._mind_reader(waits=self.transport.is_closing())

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():  # once all of it is read, of which nothing else tells
            self._mind_reader(waits=True)

    def _mind_reader(self, *, waits: bool) -> None:
        """Have the time run anew in which some of what waits is to be read."""
        if self._stalled is not None:
            self._stalled.cancel()
        self._stalled = self.loop.call_later(self.stalled_seconds, self.transport.abort) if waits else None

    def _make_room(self) -> None:
        """Whoever has been waited for longest goes; where all are being answered, whoever came last."""
        others = (other for other in self.connections if isinstance(other, Bounded) and other is not self)
        waited = {other._coming.when(): other for other in others if other._coming is not None}
        if waited:
            waited[min(waited)]._late()
        else:
            self._end(FULL)

    def _mind(self) -> None:
        """Have the time run while a request is awaited or on its way, and stop when it is here."""
        awaited = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if awaited and self._coming is None:
            self._coming = self.loop.call_later(self.request_seconds, self._too_late)
        elif not awaited and self._coming is not None:
            self._coming.cancel()
            self._coming = None

    def _too_late(self) -> None:
        if not self._has_begun() and self.transport.get_write_buffer_size():
            # The answer before is still being read; a player that stands still at its end is no other than one amid it.
            self._coming = self.loop.call_later(self.stalled_seconds, self._late)
        else:
            self._late()

    def _late(self) -> None:
        unanswered = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        self._end(LATE if self._has_begun() and unanswered else b"")

    def _has_begun(self) -> bool:
        """Whether a part of a request is here."""
        return self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])

    def _end(self, words: bytes) -> None:
        self.connections.discard(self)
        self.transport.write(words)
        self.transport.close()
        if self.transport.get_write_buffer_size():  # nobody reads
            self.transport.abort()
