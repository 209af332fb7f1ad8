"""Reading a file that other programs write at any moment: whole, or not at all."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from client_async.lease import NoLease, OpenForWriting, read_lease
from starsend.errors import BadInput, StarsendError

QUIET_SECONDS = 0.5
"""Without leases: a file that has not been written for so long is taken for whole."""
LARGEST = 512 * 1024 * 1024
TRIES = 20
"""So often may another file come under the name while one is read, before it is left until the next time."""


class StillBeingWritten(StarsendError):
    """Somebody has the file open for writing, or has only just let go of it."""

    def __init__(self, path: Path) -> None:
        super().__init__("somebody is still writing it", where=str(path), remedy="wait until it is closed")


@dataclass(frozen=True, slots=True)
class Identity:
    """Tells one save from the next: a rename keeps it, a save changes the inode, or the time or the size."""

    inode: int
    mtime_ns: int
    size: int

    @classmethod
    def of(cls, found: os.stat_result) -> Identity:
        """The identity of a file that was looked at."""
        return cls(found.st_ino, found.st_mtime_ns, found.st_size)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file held at one moment, whole. ``owner``: a login name, or ``uid 1234``."""

    data: bytes
    identity: Identity
    owner: str


def read_whole(path: Path, *, now: Callable[[], float], can_lease: bool) -> Contents:
    """The file as it stands.

    Args:
        now: seconds since the epoch, as file times are told.
        can_lease: False where the file system is known to give no leases; found out otherwise.

    Raises StillBeingWritten, FileNotFoundError, BadInput.
    """
    for _ in range(TRIES):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise
        except OSError as refused:
            raise unreadable(path, refused) from refused
        try:
            contents = _read_opened(descriptor, path, now=now, can_lease=can_lease)
        finally:
            os.close(descriptor)
        with suppress(FileNotFoundError):
            if Identity.of(path.stat()) == contents.identity:
                return contents
    raise StillBeingWritten(path)


def unreadable(path: Path, refused: OSError) -> BadInput:
    """What is said of a file that the system does not let us read."""
    return BadInput(f"cannot be read ({refused.strerror})", where=str(path), remedy="check its permissions")


def _read_opened(descriptor: int, path: Path, *, now: Callable[[], float], can_lease: bool) -> Contents:
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode) or before.st_size > LARGEST:
        raise BadInput("a plain file of text is needed here", where=str(path), remedy="put one in its place")
    try:
        if not can_lease:
            raise NoLease
        with read_lease(descriptor):
            return _contents(descriptor)
    except OpenForWriting:
        raise StillBeingWritten(path) from None
    except NoLease:
        # A time in the future is another machine's clock.
        if 0 <= now() - before.st_mtime < QUIET_SECONDS:
            raise StillBeingWritten(path) from None
        contents = _contents(descriptor)
        if contents.identity != Identity.of(before):
            raise StillBeingWritten(path) from None
        return contents


def _contents(descriptor: int) -> Contents:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        data = file.read()
    found = os.fstat(descriptor)
    return Contents(data, Identity.of(found), _login(found.st_uid))


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
