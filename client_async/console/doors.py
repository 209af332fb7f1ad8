"""What every request goes through before any page sees it: host, right, origin, size; and what every answer carries."""

from __future__ import annotations

from typing import Final

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from client_async.console.guard import Guard
from client_async.console.onward import login_from

LARGEST_BODY: Final = 64 * 1024
"""Bytes. Notes and picks are small; nothing is uploaded here."""
TOO_LARGE: Final = f"at most {LARGEST_BODY} bytes are taken"
READING: Final = frozenset({"GET", "OPTIONS"})
OPEN: Final = ("/static/", "/login", "/c/", "/healthz", "/readyz")
"""Needs no token anywhere: there is nothing of a client's in it, or a signature of its own."""
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Heads:
    """ASGI middleware: answers HEAD as GET is answered, as far as the head of it; what would come after is not made."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def head_alone(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})
                rest.cancel()

        with anyio.CancelScope() as rest:
            await self._app({**scope, "method": "GET"}, receive, head_alone)


class Doors:
    """ASGI middleware: turns away what may not come in, and puts the safety headers on whatever goes out."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        refusal = self._refusal(connection, scope["method"])
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        try:
            await self._app(scope, _bounded(receive), _with_headers(send))
        except ClientDisconnect:
            return  # they went before they had said all: there is nobody to answer

    def _refusal(self, connection: HTTPConnection, method: str) -> Response | None:
        if not self._guard.knows_host(connection):
            return _plain(421, "this address is not one of the console's; add it to console.hosts")
        length = connection.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return _plain(413, TOO_LARGE)
        return self._without_right(connection, reads=method in READING)

    def _without_right(self, connection: HTTPConnection, *, reads: bool) -> Response | None:
        guard, path = self._guard, connection.scope["path"]
        if not reads and path != "/login" and not guard.is_own_page(connection):
            return _plain(403, "a write comes from a page of the console, or with a bearer token")
        if (
            path.startswith(OPEN)
            or guard.who(connection) is not None
            or (reads and guard.is_here(connection))
        ):
            return None
        if reads and "text/html" in connection.headers.get("accept", ""):
            return RedirectResponse(login_from(connection), 303)
        return _plain(401, "a token is needed: open /login, or send it as a bearer token")


def _plain(status: int, words: str) -> Response:
    return PlainTextResponse(f"{words}\n", status)


def _bounded(receive: Receive) -> Receive:
    got = 0

    async def bounded() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > LARGEST_BODY:
            raise HTTPException(
                413, TOO_LARGE
            )  # FastAPI takes any other error in a body for one of its spelling
        return message

    return bounded


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [
                *message["headers"],
                *((name, value) for name, value in added if name not in present),
            ]
        await send(message)

    return sending
