"""Reading a file only while nobody has it open for writing."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class NoLease(Exception):
    """This system or file system gives no leases, or not to us."""


class OpenForWriting(Exception):
    """Somebody has the file open for writing."""


@contextmanager
def read_lease(descriptor: int) -> Iterator[None]:
    """While the block runs nobody can begin to write; whoever tries waits, so it must be short.

    Raises OpenForWriting, NoLease.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        raise NoLease
    try:
        # The kernel signals the holder when somebody wants to write; SIGIO would end the process, SIGURG is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError as busy:
        raise OpenForWriting from busy
    except OSError as refused:  # another owner's file, a network file system
        raise NoLease from refused
    try:
        yield
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def nobody_writes(path: str | os.PathLike[str]) -> bool:
    """Whether nobody has the file open for writing. Raises NoLease, and OSError when it cannot be opened."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        with read_lease(descriptor):
            return True
    except OpenForWriting:
        return False
    finally:
        os.close(descriptor)
