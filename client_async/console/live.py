"""Changes as server-sent events: ids of what changed, never its content; the page asks for that.

FastAPI sends a comment every 15 seconds, so that no proxy takes a quiet stream for a dead one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse, ServerSentEvent

from client_async.console.answers import refusals, refused
from client_async.console.board import Board, Changed
from client_async.console.meters import Meters
from starsend.errors import StarsendError

RETRY_MS = 1000
BEAT_SECONDS = 10.0
"""Between two signs of life: a page can tell by them that its connection is dead, which a browser alone does not for minutes."""
MOST_STREAMS = 200
"""Pages that may be open at once; a stream costs a connection and 40 KB."""


class Beat:
    """Nothing has changed, and the line is alive."""


class TooManyStreams(StarsendError):
    """More pages are open than are served."""

    def __init__(self) -> None:
        super().__init__(
            f"{MOST_STREAMS} pages are open already",
            remedy="close some; the page shows what it last knew, and tries again by itself",
        )


def live_routes(board: Board, stopping: anyio.Event, meters: Meters) -> APIRouter:
    """``/events``. ``stopping``: set when the server ends, lest an open page holds it up."""
    routes = APIRouter()

    async def seat() -> AsyncIterator[MemoryObjectReceiveStream[Changed]]:
        # Here and not in the stream's own generator, which nobody ends when its page is left in the middle of an event.
        if meters.open_streams >= MOST_STREAMS:
            raise refused(TooManyStreams(), 503)
        with meters.stream(), board.watching() as stream:
            yield stream

    @routes.get(
        "/events",
        response_class=EventSourceResponse,
        tags=["live"],
        operation_id="events",
        summary="What changes, as it changes",
        responses=refusals(503),
    )
    async def events(
        stream: MemoryObjectReceiveStream[Changed] = Depends(seat),  # noqa: B008 - no annotation knows a local name
    ) -> AsyncIterator[ServerSentEvent]:
        """``hello`` at first and after a gap, when everything may be new; then ``changed`` with ``project``, ``names`` of its
        sequences and whether it is ``gone``; ``now`` when ``/api/now`` answers otherwise than before; and ``beat`` every ten
        seconds in which nothing else comes.

        Whoever falls 200 changes behind is cut off, and begins anew with ``hello``.
        """
        yield ServerSentEvent(event="hello", data={}, retry=RETRY_MS)
        while (changed := await _next(stream, stopping)) is not None:
            yield _told(changed)

    return routes


def _told(changed: Changed | Beat) -> ServerSentEvent:
    if isinstance(changed, Beat):
        return ServerSentEvent(event="beat", data={})
    if not changed.project:
        return ServerSentEvent(event="now", data={})
    said = {"project": changed.project, "names": changed.names, "gone": changed.gone}
    return ServerSentEvent(event="changed", data=said)


async def _next(stream: MemoryObjectReceiveStream[Changed], stopping: anyio.Event) -> Changed | Beat | None:
    """What changes next, or a beat when nothing has for so long; None at the stream's or the server's end.

    Its scope is closed before an event is handed on: a page that is left while one is on its way lets another task end the
    generator, and a scope that is open there cannot be left.
    """
    changed: Changed | Beat | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(_end, stopping, group.cancel_scope)
        with suppress(anyio.EndOfStream), anyio.move_on_after(BEAT_SECONDS) as quiet:
            changed = await stream.receive()
        if quiet.cancelled_caught:
            changed = Beat()
        group.cancel_scope.cancel()
    return changed


async def _end(stopping: anyio.Event, scope: anyio.CancelScope) -> None:
    await stopping.wait()
    scope.cancel()
