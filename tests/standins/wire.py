"""A loopback HTTP server that speaks a vendor's wire, keeps its own bill, and has bad days on request.

A vendor's stand-in subclasses ``StandIn`` and says what each call is (``phase``) and how it is answered (``answer``).
``faults`` holds, by phase, what happens to its next calls.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any, Literal, cast

Phase = Literal["submit", "find", "poll", "fetch", "upload"]
Kind = Literal[
    "reset_before",  # the connection is reset before the request is read
    "reset_after",  # it is read and carried out; then the connection is reset
    "silent",  # it is read and carried out, and never answered
    "status",  # an error status; carried out first when ``accepted``
    "malformed",  # carried out, and answered with half a JSON document
    "empty_object",  # carried out, and answered with {}
    "wrong_type",  # carried out, and answered with a page of HTML
    "truncated",  # carried out; the body ends half way, the connection is closed
    "short_length",  # carried out; the body is twice as long as its Content-Length says
    "no_bytes",  # carried out, and answered with nothing
    "other_bytes",  # carried out, and answered with ``body``
    "kill_before",  # whoever calls is killed before the request is read
    "kill_after",  # it is read and carried out; then whoever called is killed
    "kill_during",  # half of the answer is sent; then whoever called is killed
]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call."""

    kind: Kind
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    accepted: bool = False


@dataclass(frozen=True)
class Call:
    """A request as it came; ``path`` holds no query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer. ``of`` makes one of JSON."""

    status: int = 200
    body: bytes = b""
    mime: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: object, status: int = 200) -> Reply:
        return cls(status, json.dumps(document).encode())


class StandIn(ThreadingHTTPServer):
    """Answers on 127.0.0.1 at ``url``; use as a context manager.

    ``bill`` has one entry, of the vendor's own choosing, for each call that the vendor would charge for; ``calls`` has
    every request that was read, with its phase. A fault that is None lets one call pass. ``results`` are what the next
    downloads bring, before the vendor's usual one, and ``mime`` is what they are called; ``victims`` are the processes
    that a ``kill_`` fault kills; ``on_submit`` is called when a submit has been carried out.
    """

    daemon_threads = True
    request_queue_size = (
        128  # forty threads knock at once; of five places the kernel resets whoever finds none
    )
    block_on_close = False  # a call that is never answered must not hold up the end of a test

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.faults: defaultdict[Phase, list[Fault | None]] = defaultdict(list)
        self.bill: list[str] = []
        self.calls: list[tuple[Phase, Call]] = []
        self.results: list[bytes] = []
        self.mime = ""
        self.victims: SimpleQueue[int] = SimpleQueue()
        self.on_submit: Callable[[], object] = lambda: None
        self.lock = threading.Lock()
        self.closing = threading.Event()

    def phase(self, call: Call) -> Phase:
        """What a call is for."""
        raise NotImplementedError

    def answer(self, phase: Phase, call: Call) -> Reply:
        """Carry a call out, bill it where the vendor would, and answer; called under ``lock``."""
        raise NotImplementedError

    def fail_jobs(self) -> None:
        """Let each job that is ordered from now on end without a result."""
        raise NotImplementedError

    def never_end(self) -> None:
        """Let each job that is ordered from now on run for ever."""
        raise NotImplementedError

    def no_such(self, status: int) -> Fault:
        """How the vendor itself says, under this status, that it has no such job."""
        raise NotImplementedError

    def refused(self, status: int, words: str) -> Fault:
        """How the vendor itself turns a call away, in these words."""
        raise NotImplementedError

    def bring(self, usual: bytes, mime: str = "video/mp4") -> Reply:
        """A result, as a download."""
        return Reply(200, self.results.pop(0) if self.results else usual, self.mime or mime)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up, or is killed, is none of ours to report."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def count(self, phase: Phase) -> int:
        """How many calls of a phase were read."""
        return sum(seen == phase for seen, _ in self.calls)

    def __enter__(self) -> StandIn:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def _serve(self) -> None:
        stand_in = self.server
        path, _, query = self.path.partition("?")
        bare = Call(self.command, path, query, dict(self.headers.items()), b"")
        phase = stand_in.phase(bare)
        with stand_in.lock:
            fault = stand_in.faults[phase].pop(0) if stand_in.faults[phase] else None
        if fault and fault.kind in ("reset_before", "kill_before"):
            if fault.kind == "kill_before":
                self._kill()
            return self._reset()
        call = replace(bare, body=self._body())
        with stand_in.lock:
            stand_in.calls.append((phase, call))
            turned_away = fault and fault.kind == "status" and not fault.accepted
            reply = Reply() if turned_away else stand_in.answer(phase, call)
            if phase == "submit":
                stand_in.on_submit()
        return self._send(reply) if fault is None else self._spoil(fault, reply)

    do_HEAD = do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - the base class names them

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = b""
            while size := int(self.rfile.readline().strip(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _spoil(self, fault: Fault, reply: Reply) -> None:
        match fault.kind:
            case "reset_after":
                self._reset()
            case "silent":
                self.close_connection = True
                self.server.closing.wait(30)  # until whoever waits has given up, or the test is over
            case "status":
                body = fault.body or json.dumps({"error": {"message": f"stand-in: {fault.status}"}}).encode()
                self._send(Reply(fault.status, body, headers=fault.headers))
            case "malformed":
                self._send(replace(reply, body=reply.body[: len(reply.body) // 2]))
            case "empty_object":
                self._send(replace(reply, body=b"{}"))
            case "wrong_type":
                self._send(Reply(200, b"<html><body>Welcome</body></html>", "text/html"))
            case "truncated":
                self._send(reply, cut=True)
            case "short_length":
                self._send(reply, promised=len(reply.body) // 2)
            case "no_bytes":
                self._send(replace(reply, body=b""))
            case "other_bytes":
                self._send(replace(reply, body=fault.body))
            case "kill_after":
                self._kill()
            case "kill_during":
                self._send(reply, cut=True)
                self._kill()

    def _kill(self) -> None:
        """Kill whoever calls, as the kernel does when memory runs out; its end of the connection is gone with it."""
        self.close_connection = True
        os.kill(self.server.victims.get(timeout=10), signal.SIGKILL)

    def _send(self, reply: Reply, *, cut: bool = False, promised: int | None = None) -> None:
        self.send_response(reply.status)
        for name, value in {"content-type": reply.mime, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body) if promised is None else promised))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(reply.body[: len(reply.body) // 2] if cut else reply.body)
        self.close_connection = self.close_connection or cut or promised is not None

    def _reset(self) -> None:
        """End the connection as a crashed host or a firewall does: with a reset and no goodbye."""
        self.close_connection = True
        connection = cast(socket.socket, self.connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the test says what it saw."""


def closed_port() -> str:
    """An address where nobody listens: connections are refused."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
