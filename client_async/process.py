"""Setting this process up for weeks, hundreds of threads and hundreds of projects."""

from __future__ import annotations

import ctypes
import gc
import resource
import signal
from collections.abc import Callable
from contextlib import suppress

import anyio
import structlog

log = structlog.get_logger()

M_ARENA_MAX = -8
"""mallopt(3)."""
GARBAGE_AT = 20_000
"""New objects that may pile up before garbage is looked for among them: a few megabytes."""


def allow_many_files() -> None:
    """Each project holds a few files open; the usual soft limit of 1,024 is soon used up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def settle_memory() -> None:
    """Set memory up for weeks and hundreds of threads; called once, when everything is imported.

    All threads allocate from two heaps: with one for each they keep what one of them used once (657 MB at 10,000 sequences
    and 256 slots; glibc only). What is imported is never searched for garbage again: each search of it held every thread up
    for 50 ms, 20 times in 10,000 sequences. New objects are searched when there are many: with Python's 700 that alone took
    one part in ten of all CPU, and found next to nothing. Older ones are searched every fourth time: what a sequence leaves
    behind is old by then (3 MB).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AT, 4, 4)
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


async def obey_signals(stop: Callable[[], None]) -> None:
    """Until cancelled: the first SIGINT or SIGTERM calls ``stop``, a second one ends the process at once."""
    asked = False
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            if asked:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            asked = True
            log.warning("stopping", signal=number.name)
            stop()
