"""Serving the console: a socket, uvicorn on our own event loop, and an end that no open page holds up."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import structlog
import uvicorn
from anyio.abc import TaskStatus
from fastapi import FastAPI

from client_async.console.app import make_app
from client_async.console.board import Board
from client_async.console.books import Books
from client_async.console.connections import Bounded
from client_async.console.guard import EVERYWHERE, Guard, console_token
from client_async.console.now import Watch
from starsend.errors import BadInput
from starsend.sections import ConsoleSettings

log = structlog.get_logger()

ENDING_SECONDS = 2
"""For answers that are on their way when the server ends."""


class _Server(uvicorn.Server):
    """uvicorn's, without its own way with signals: whoever runs it minds them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    root: Path,
    settings: ConsoleSettings,
    stopping: anyio.Event,
    say: Callable[[str], None] | None = None,
    *,
    task_status: TaskStatus[str] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until ``stopping`` is set; started, with ``http://host:port``, when pages can be asked for.

    Args:
        say: prints a line for a person at a terminal: the address with the token goes there and nowhere else.

    Raises BadInput: the port cannot be had, or the token is none.
    """
    guard = Guard(console_token(root), settings.host, tuple(settings.hosts))
    board = Board(root)
    watch = Watch(board, Books())
    with _listening(settings.host, settings.port) as listener:
        host, port = listener.getsockname()[:2]
        host = EVERYWHERE.get(host, host)
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        async with anyio.create_task_group() as group:
            await group.start(board.run)
            group.start_soon(watch.run)
            log.info("console_ready", address=address)
            if say is not None:
                say(f"console at {address}/login?token={guard.token}")
            task_status.started(address)
            await serving(make_app(board, guard, stopping, watch), listener, stopping)
            group.cancel_scope.cancel()


async def serving(
    app: FastAPI, listener: socket.socket, stopping: anyio.Event, connection: type[Bounded] = Bounded
) -> None:
    """Answer what comes in at a socket until ``stopping`` is set, and end what is on its way.

    Args:
        connection: says how many there may be, and how slow they.

    That a request came by https is believed of a proxy on this machine, by its X-Forwarded-Proto; of another one where its
    address is in FORWARDED_ALLOW_IPS (uvicorn's own).
    """
    config = uvicorn.Config(
        app,
        http=connection,
        ws="none",
        log_config=None,
        log_level="critical",  # its lines are no JSON, and anybody may cause them; what fails inside is logged by the meters
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=ENDING_SECONDS,
        lifespan="off",
    )
    server = _Server(config)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve, [listener])
        await stopping.wait()
        server.should_exit = True


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as refused:
        raise BadInput(
            f"{host}:{port} cannot be listened on ({getattr(refused, 'strerror', None) or refused})",
            where="console.port",
            remedy="stop what uses it, or set another port (0 takes any): STARSEND_CONSOLE__PORT=0",
        ) from refused
    with listener:
        # asyncio does so for sockets that it makes itself; without it every answer on an open connection is 40 ms late.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener
