"""``/metrics``, ``/healthz``, ``/readyz`` and ``/status`` on a small port, from a thread of its own: a stalled event loop is told, not silent."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

from client_async.metrics import Metrics
from starsend.errors import BadInput

STALLED_SECONDS = 15.0
"""The loop beats every second; one that has not for so long is stuck."""
CLIENT_SECONDS = 5.0


class Health:
    """Whether the daemon is alive and ready. ``monotonic``: seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._beat_at = monotonic()
        self.ready = False
        self.status: dict[str, object] = {}
        """What ``/status`` answers; replaced, never changed."""

    def beat(self) -> None:
        """The event loop is alive."""
        self._beat_at = self._monotonic()

    def answer(self, *, to_work: bool) -> tuple[int, dict[str, object]]:
        """HTTP status and words. ``to_work``: ready to take work, not only alive."""
        silent = self._monotonic() - self._beat_at
        if silent > STALLED_SECONDS:
            return 503, {"status": "stalled", "silent_seconds": round(silent, 1)}
        if to_work and not self.ready:
            return 503, {"status": "not ready"}
        return 200, {"status": "ok"}


@contextmanager
def ops_port(host: str, port: int, metrics: Metrics, health: Health) -> Iterator[str]:
    """Serve while the block runs; yields ``host:port``, with the port that was found when 0 was asked for.

    Raises BadInput: the port cannot be had.
    """

    class Handler(_Handler):
        pass

    Handler.metrics, Handler.health, Handler.host = metrics, health, host.lower()
    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as refused:
        raise BadInput(
            f"{host}:{port} cannot be listened on ({getattr(refused, 'strerror', None) or refused})",
            where="daemon.port",
            remedy="stop what uses it, or set another port (0 takes any): STARSEND_DAEMON__PORT=0",
        ) from refused
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    metrics: Metrics
    health: Health
    host: str
    timeout = CLIENT_SECONDS
    server_version, sys_version = "starsend", ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        here = ip_address(self.connection.getsockname()[0]).is_loopback
        if here and not self._is_asked_for():
            # A site whose name leads a browser on this machine here would read what it is shown (DNS rebinding).
            self._send(421, b"ask by an address, or localhost\n", "text/plain")
        elif path == "/metrics":
            self._send(200, self.metrics.page(), "text/plain; version=0.0.4; charset=utf-8")
        elif path in ("/healthz", "/readyz"):
            status, words = self.health.answer(to_work=path == "/readyz")
            self._send(status, json.dumps(words).encode(), "application/json")
        elif path == "/status":
            self._send(200, json.dumps(self.health.status).encode(), "application/json")
        else:
            self._send(404, b"there are /metrics, /healthz, /readyz and /status\n", "text/plain")

    do_HEAD = do_GET  # noqa: N815 - the standard library's name

    def _is_asked_for(self) -> bool:
        """Whether by an address or a name of ours, not by one that anybody may have pointed here."""
        name = re.sub(r":\d*\Z", "", self.headers.get("Host", "")).strip("[]").lower()
        try:
            return name in ("", "localhost", self.host) or bool(ip_address(name))
        except ValueError:
            return False

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape every few seconds is not worth a line."""
