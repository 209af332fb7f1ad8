"""``starsend console``: the web page by itself, until a signal ends it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import anyio
import structlog

from client_async.console.server import serve
from starsend.config import load_settings

log = structlog.get_logger()


async def serve_alone(root: Path, say: Callable[[str], None] | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises as ``serve``."""
    stopping = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(_obey_signals, stopping)
        await serve(root, load_settings(root, None).console, stopping, say)
        group.cancel_scope.cancel()


async def _obey_signals(stopping: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            if stopping.is_set():
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            log.warning("stopping", signal=number.name)
            stopping.set()
