"""Connections that are slow on purpose, or too many: raw bytes to a console on a port of its own."""

from __future__ import annotations

import io
import re
import socket
import stat
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import anyio
import pytest

from client_async.console.connections import Bounded
from client_async.console.handout import MARK
from client_async.console.server import serving
from tests.unit.daemon_house import DaemonHouse
from tests.unit.test_console_doors import Site

pytestmark = pytest.mark.anyio
HOST = b"host: 127.0.0.1\r\n"
CLOSING = b"GET /healthz HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"
WHOLE = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
HALF = b"GET /healthz HTTP/1.1\r\n" + HOST + b"x-slow: "


class Hasty(Bounded):
    """Nobody is waited for."""

    request_seconds = 0.2
    stalled_seconds = 0.2


class Few(Bounded):
    """Three at once, for as long as they like."""

    most = 3
    request_seconds = 600.0


@asynccontextmanager
async def served(house: DaemonHouse, connection: type[Bounded], holds: int = 0) -> AsyncIterator[int]:
    """A console whose connections are such; its port. ``holds``: bytes that the system takes of what nobody reads yet."""
    site = Site(house)
    await site.board.look()
    stopping = anyio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener, anyio.fail_after(60):
        if holds:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, holds)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, holds)
        async with anyio.create_task_group() as group:
            group.start_soon(serving, site.app, listener, stopping, connection)
            yield listener.getsockname()[1]
            stopping.set()


@contextmanager
def said(port: int, words: bytes, holds: int = 0) -> Iterator[socket.socket]:
    """A connection on which something was said before the console could even know of it."""
    with socket.socket() as line:
        if holds:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, holds)
        line.connect(("127.0.0.1", port))
        line.sendall(words)
        line.setblocking(False)
        yield line


async def heard(line: socket.socket, drip: bytes = b"") -> bytearray:
    """All that comes until the other side ends it, while we say something now and then, for as long as it is listened to."""
    got = bytearray()
    while True:
        try:
            if drip:
                line.send(drip)
            with anyio.move_on_after(0.01):
                await anyio.wait_readable(line)
                if not (piece := line.recv(65_536)):
                    return got
                got += piece
        except (ConnectionResetError, BrokenPipeError):
            return got
        except BlockingIOError:
            continue


SLOW = {
    "nothing": (b"", b"", ""),
    "half a head": (HALF, b"", "408"),
    "half a head, and on": (HALF, b"x", "408"),
    "a body": (b"POST /login HTTP/1.1\r\n" + HOST + b"content-length: 5000\r\n\r\ntoken=", b"x", "408"),
    "chunks": (
        b"POST /login HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n",
        "408",
    ),
    "a second head": (WHOLE + HALF, b"x", "200,408"),
    # Answered before all of it is here: what comes after the answer took uvicorn's own limit away.
    "unread": (b"GET /healthz HTTP/1.1\r\n" + HOST + b"content-length: 5000\r\n\r\n", b"x", "200|408"),
    "events": (b"GET /events HTTP/1.1\r\n" + HOST + b"content-length: 5000\r\n\r\n", b"x", "200|408"),
}
"""What is said at once, what goes on being said, and the statuses of the answers."""


async def test_whoever_is_slow_on_purpose_is_not_waited_for(house: DaemonHouse) -> None:
    """A byte now and then, or none, without an end: is the connection ended all the same, in words where there is a request?"""

    async def ask(port: int, case: str) -> None:
        words, drip, statuses = SLOW[case]
        with said(port, words) as line:
            got = await heard(line, drip)
        answered = ",".join(part[:3].decode() for part in got.split(b"HTTP/1.1 ")[1:])
        assert re.fullmatch(statuses, answered), case

    async with served(house, Hasty) as port, anyio.create_task_group() as lines:
        for case in SLOW:
            lines.start_soon(ask, port, case)


FILM = b"GET /media/spring/media/long.mp4 HTTP/1.1\r\n" + HOST
HOLDS = 4096


def film(house: DaemonHouse, size: int) -> None:
    media = house.root / "projects" / "spring" / "media"
    media.mkdir()
    with (media / "long.mp4").open("wb") as file:
        file.truncate(size)


@pytest.mark.parametrize("then", [b"", b"connection: close\r\n"])
@pytest.mark.parametrize("size", [64_000_000, 60_000])
async def test_whoever_reads_nothing_is_let_go(house: DaemonHouse, size: int, then: bytes) -> None:
    """A film that is asked for and not read, a long one and one that is all on its way: is it let go of?"""
    gone = anyio.Event()

    class Telling(Hasty):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            gone.set()

    async with served(house, Telling, HOLDS) as port:
        film(house, size)
        with said(port, FILM + then + b"\r\n", HOLDS) as asleep:
            await gone.wait()
            assert len(await heard(asleep)) < size


async def test_who_reads_the_end_of_an_answer_slowly_gets_it(house: DaemonHouse) -> None:
    """All of a film is on its way, and its reader stands still for longer than a next request may take: do they get the rest?"""
    unread: list[int] = []

    class Telling(Bounded):
        request_seconds = 0.2

        def on_response_complete(self) -> None:
            self.timeout_keep_alive = 0  # uvicorn's own, of five seconds
            super().on_response_complete()
            unread.append(self.transport.get_write_buffer_size())

    async with served(house, Telling, HOLDS) as port:
        film(house, 60_000)
        with said(port, FILM + b"\r\n", HOLDS) as slow:
            while not unread:
                await anyio.lowlevel.checkpoint()
            assert unread[0] > 0
            with said(port, b"") as later:
                assert await heard(later) == b"", "whoever came after it is not waited for any more"
            assert len((await heard(slow)).partition(b"\r\n\r\n")[2]) == 60_000


async def test_a_handout_that_is_broken_off_leaves_nothing(house: DaemonHouse) -> None:
    """A hundred films as one ZIP, whole and broken off in the middle: is it right, and is its disk space given back at once?"""
    folder = house.root / "projects" / "spring" / "deliveries" / "all"
    asked = b"GET /handouts/spring/all.zip HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n"
    async with served(house, Bounded) as port:
        (folder / "media").mkdir(parents=True)
        (folder / "index.html").write_bytes(MARK)
        for number in range(1, 101):
            (folder / "media" / f"{number}.mp4").write_bytes(bytes([number]) * 200_000)
        before = nameless()
        with said(port, asked) as line:
            head, _, body = (await heard(line)).partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}\r\n".encode() in head
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == 101
        with said(port, asked) as line:
            await anyio.wait_readable(line)
            assert line.recv(1000).startswith(b"HTTP/1.1 200")
            assert nameless() > before, "more of it is to come than a connection holds"
        while nameless() > before:
            await anyio.lowlevel.checkpoint()
    assert [path.name for path in folder.parent.iterdir()] == ["all"]


def nameless() -> int:
    """How many files this process has open that no folder knows."""
    found = 0
    for descriptor in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one by which they are listed
            status = descriptor.stat()
            found += stat.S_ISREG(status.st_mode) and not status.st_nlink
    return found


async def test_who_holds_connections_keeps_nobody_out(house: DaemonHouse) -> None:
    """As many as are served are held by somebody who asks nothing, or half: is the next one served, in place of the oldest?"""
    async with served(house, Few) as port:
        with said(port, HALF) as oldest, said(port, HALF), said(port, b""):
            with said(port, CLOSING) as asking:
                assert (await heard(asking)).startswith(b"HTTP/1.1 200")
            assert not (await heard(oldest)).startswith(b"HTTP/1.1 200"), "and it is ended"


async def test_there_are_no_more_at_once_than_are_served(house: DaemonHouse) -> None:
    """As many as are served are being answered: is the next one told so at once, and served when one of them has gone?"""
    events = b"GET /events HTTP/1.1\r\n" + HOST + b"\r\n"
    async with served(house, Few) as port, AsyncExitStack() as open_pages:
        for page in [open_pages.enter_context(said(port, events)) for _ in range(2)]:
            await anyio.wait_readable(page)
        with said(port, events) as third:
            await anyio.wait_readable(third)
            with said(port, b"") as fourth:
                assert (await heard(fourth)).startswith(b"HTTP/1.1 503")
        answer = bytearray()
        while not answer.startswith(b"HTTP/1.1 200"):
            with said(port, CLOSING) as again:
                answer = await heard(again)


async def test_a_proxy_that_tells_nothing_is_told_by_its_old_protocol(house: DaemonHouse) -> None:
    """nginx' way where nobody has said otherwise, our own address and all: do its visitors read what this machine's people may?"""
    async with served(house, Bounded) as port:
        for protocol, status in ((b"1.0", b"401"), (b"1.1", b"200")):
            with said(
                port, b"GET /costs HTTP/" + protocol + b"\r\n" + HOST + b"connection: close\r\n\r\n"
            ) as line:
                assert (await heard(line)).startswith(b"HTTP/1.1 " + status)


async def test_no_other_protocol_goes_past_the_doors(
    house: DaemonHouse, caplog: pytest.LogCaptureFixture
) -> None:
    """A WebSocket under another site's name, and what is no HTTP: are both turned away, without a line in the log for each?"""
    asked = (
        b"GET /events HTTP/1.1\r\nhost: evil.example\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n"
    )
    key = b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    async with served(house, Bounded) as port:
        with said(port, asked + key) as line:
            assert (await heard(line)).startswith(b"HTTP/1.1 421")
        with said(port, b"\x16\x03\x01\x02\x00\r\n\r\n") as line:
            assert (await heard(line)).startswith(b"HTTP/1.1 400")
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
