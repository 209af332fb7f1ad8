"""``starsend console``: the web page by itself, until a signal ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio

from client_async.console.server import serve
from client_async.process import obey_signals
from starsend.config import load_settings


async def serve_alone(root: Path, say: Callable[[str], None] | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises as ``serve``."""
    stopping = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(obey_signals, stopping.set)
        await serve(root, load_settings(root, None).console, stopping, say)
        group.cancel_scope.cancel()
