"""Processes that begin warm: each is forked from one that has loaded what a run of the product loads on its way."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext

LOADED_FIRST = [
    "alembic.command",
    "anyio._backends._asyncio",
    "client_async.grid_pictures",
    "client_async.ingest",
    "client_async.saved_file",
    "starsend.providers.animatic",
    "starsend.tools.grid_layout",
    "tests.contract.test_budgets",
    "tests.crash.job",
]
"""What the product imports only when it needs it, and the modules that hold what is run. To load them costs a second of
CPU, more than a whole job does."""


def warm_processes() -> ForkServerContext:
    """Makes processes that cost a fork. One server serves a whole test run: whoever asks first decides what it loads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED_FIRST)
    return context
