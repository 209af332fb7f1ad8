"""What ops can measure of the console, in Prometheus' form. Labels are routes and statuses: never a name of a client's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from client_async.console.board import Board

log = structlog.get_logger()

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
GONE: Final = 499
"""nginx' status for whoever went, or was too slow, before there was an answer: no fault of ours."""
STREAMS: Final = "/events"
"""How long one is open says nothing of how fast we are."""


class Meters:
    """Takes in what happened on the event loop."""

    def __init__(self, board: Board) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("starsend_console_build", "This Starsend.", registry=registry).info(
            {"version": version("starsend")}
        )
        self._requests = Counter(
            "starsend_console_requests", "Answers given.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "starsend_console_request_seconds",
            "From a request to the end of its answer.",
            ["route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._thumbnails = Counter(
            "starsend_console_thumbnails", "Thumbnails made, not found ready.", registry=registry
        )
        streams = Gauge("starsend_console_event_streams", "Pages that listen.", registry=registry)
        streams.set_function(lambda: self.open_streams)
        look = Gauge(
            "starsend_console_look_seconds", "What the last look at all projects took.", registry=registry
        )
        look.set_function(lambda: board.look_seconds)
        self.open_streams = 0

    @contextmanager
    def stream(self) -> Iterator[None]:
        """A page listens while the block runs."""
        self.open_streams += 1
        try:
            yield
        finally:
            self.open_streams -= 1

    def thumbnail_made(self) -> None:
        """One was not there yet."""
        self._thumbnails.inc()

    def answered(self, route: str, status: int, seconds: float) -> None:
        """An answer is on its way to the end."""
        self._requests.labels(route, str(status)).inc()
        if route != STREAMS:
            self._seconds.labels(route).observe(seconds)

    def page(self) -> bytes:
        """Everything, as Prometheus scrapes it."""
        return generate_latest(self.registry)


class Metered:
    """ASGI middleware: counts every answer by the route that gave it; ``refused`` stands for the doors."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.monotonic(), GONE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            status = 500
            log.exception("request_failed", route=_route_of(scope))
            raise
        finally:
            self._meters.answered(_route_of(scope), status, time.monotonic() - begun)


def _route_of(scope: Scope) -> str:
    """The route's template; never what was asked for, which anybody may choose."""
    if route := getattr(scope.get("route"), "path", ""):
        return str(route)
    if "endpoint" in scope:
        return "/static"
    return "unknown" if "router" in scope else "refused"
