"""Changes as server-sent events: ids of what changed, never its content; the page asks for that."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from client_async.console.board import Board

RETRY_MS = 1000


def live_routes(board: Board, stopping: anyio.Event) -> APIRouter:
    """``/events``. ``stopping``: set when the server ends, lest an open page holds it up."""
    routes = APIRouter()

    @routes.get("/events", response_class=EventSourceResponse, tags=["live"])
    async def events() -> AsyncIterator[ServerSentEvent]:
        """``hello`` at first and after a gap, when everything may be new; then ``changed`` with project and names."""
        with board.watching() as stream:
            yield ServerSentEvent(event="hello", data={}, retry=RETRY_MS)
            async with anyio.create_task_group() as group:
                group.start_soon(_end, stopping, group.cancel_scope)
                async for changed in stream:
                    said = {"project": changed.project, "names": changed.names, "gone": changed.gone}
                    yield ServerSentEvent(event="changed", data=said)
                group.cancel_scope.cancel()

    return routes


async def _end(stopping: anyio.Event, scope: anyio.CancelScope) -> None:
    await stopping.wait()
    scope.cancel()
