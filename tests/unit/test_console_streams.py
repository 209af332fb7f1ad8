"""The event stream over real sockets: who does not read, who is silent, who are too many; and its end with the server."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import fastapi.routing
import pytest
from anyio.abc import SocketStream
from fastapi.routing import APIRoute

from client_async.console import live
from client_async.console.app import make_app
from client_async.console.board import BEHIND, Board, Changed
from client_async.console.guard import Guard
from client_async.console.meters import Meters
from client_async.console.server import serving

pytestmark = pytest.mark.anyio
ASKED = b"GET /events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


class Line:
    """A console on a port of its own, and its board."""

    def __init__(self, root: Path) -> None:
        self.board = Board(root)
        self.stopping = anyio.Event()
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        app = make_app(self.board, Guard("a-token-of-some-length", "127.0.0.1"), self.stopping)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            async with anyio.create_task_group() as group:
                group.start_soon(serving, app, listener, self.stopping)
                yield
                self.stopping.set()

    async def listen(self) -> SocketStream:
        """A page that listens, once it has been greeted."""
        stream = await anyio.connect_tcp("127.0.0.1", self.port)
        await stream.send(ASKED)
        await read_until(stream, b"event: hello")
        return stream

    async def ask(self, request: bytes) -> bytes:
        async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
            await stream.send(request)
            return await rest_of(stream)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    made = Line(tmp_path)
    with anyio.fail_after(30):
        async with made.open():
            yield made


async def read_until(stream: SocketStream, wanted: bytes) -> bytes:
    got = b""
    while wanted not in got:
        got += await stream.receive()
    return got


async def rest_of(stream: SocketStream) -> bytes:
    got = b""
    try:
        while True:
            got += await stream.receive()
    except anyio.EndOfStream:
        return got


async def test_a_page_that_does_not_read_is_cut_off_and_told_all_anew(line: Line) -> None:
    """Thousands of changes to one that sleeps and one that reads: is only the sleeper let go, and greeted when it comes back?"""
    asleep, awake = await line.listen(), await line.listen()
    names = ("a name as long as many " * 1000,)
    heard = 0
    while line.board.watchers == 2:
        line.board.publish(Changed("spring", names))
        heard += (await read_until(awake, b"\n\n")).count(b"event: changed")
        assert heard < 100_000, "the sleeper was never cut off"
    line.board.publish(Changed("spring", ("LAST",)))
    assert b"LAST" in await read_until(awake, b"LAST")
    told = await read_until(asleep, b"0\r\n\r\n")  # the end of a chunked answer
    assert told.count(b"event: changed") >= BEHIND
    assert b"LAST" not in told
    await asleep.aclose()
    await (await line.listen()).aclose()
    await awake.aclose()


async def test_a_quiet_stream_is_kept_alive(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes for long: does a comment come, before a proxy takes the line for dead?"""
    assert vars(fastapi.routing)["_PING_INTERVAL"] <= 15
    monkeypatch.setattr(fastapi.routing, "_PING_INTERVAL", 0.01)
    async with await line.listen() as stream:
        assert b": ping" in await read_until(stream, b": ping")


async def test_a_quiet_line_is_told_from_a_dead_one(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes for long: does a page hear that the line is alive, and then what changes?"""
    assert live.BEAT_SECONDS < 15
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.01)
    async with await line.listen() as stream:
        await read_until(stream, b"event: beat")
        line.board.publish(Changed("spring", ("SEQ01",)))
        assert b"event: changed" in await read_until(stream, b"SEQ01")


async def test_more_pages_than_are_served_are_told_so(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """One page too many: is it refused in words, and let in when another one has gone?"""
    monkeypatch.setattr(live, "MOST_STREAMS", 3)
    pages = [await line.listen() for _ in range(3)]
    closing = ASKED.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    refused = await line.ask(closing)
    assert refused.startswith(b"HTTP/1.1 503")
    assert b"3 pages are open already" in refused
    await pages.pop().aclose()
    while line.board.watchers > 2:
        await anyio.lowlevel.checkpoint()
    pages.append(await line.listen())
    for page in pages:
        await page.aclose()


async def test_the_servers_end_is_the_streams_end(line: Line) -> None:
    """A page is open when the server stops: is its answer ended as it should be?"""
    async with await line.listen() as stream:
        line.stopping.set()
        assert (await rest_of(stream)).endswith(b"0\r\n\r\n")


async def test_a_page_that_is_left_while_an_event_is_on_its_way_leaves_nothing_behind(line: Line) -> None:
    """Another task ends its generator then: does that end well, with no watcher left?"""
    routes = live.live_routes(line.board, line.stopping, Meters(line.board))
    events = next(route.endpoint for route in routes.routes if isinstance(route, APIRoute))
    with line.board.watching() as told:
        stream = events(told)
        await anext(stream)
        line.board.publish(Changed("spring", ("SEQ01",)))
        assert (await anext(stream)).data["names"] == ("SEQ01",)
        async with anyio.create_task_group() as another:
            another.start_soon(stream.aclose)
    assert line.board.watchers == 0
