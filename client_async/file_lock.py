"""An exclusive lock on a file, waited for in turn with other processes, but not for ever."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

from starsend.errors import StarsendError

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
LOCK_SECONDS = 10.0
"""How long others may hold a lock: milliseconds, three seconds while they bear with an editor; for ever when suspended."""


class HeldUp(StarsendError):
    """Somebody else has held the lock for longer than any command takes."""

    def __init__(self, path: Path, lock: Path) -> None:
        super().__init__(
            f"another process has held {lock.name} for {LOCK_SECONDS:.0f} s",
            where=str(path),
            remedy="end or continue the `starsend` command that is suspended (`fuser` on the lock file names it); it is tried again",
        )


class FileLock:
    """``flock(2)`` on one file, which is made if need be and stays open: to open it anew took a tenth of a transition.

    One thread at a time may use it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._waiting: _Waiting | None = None

    @property
    def is_open(self) -> bool:
        """Whether the file has been opened, and not given back."""
        return self._descriptor is not None

    def open(self) -> None:
        """Open the file. Raises OSError."""
        self._descriptor = os.open(self.path, FLAGS, 0o666)

    def take(self, path: Path) -> None:
        """Lock the open file. Raises OSError, and HeldUp for ``path`` when somebody else holds it all the time."""
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not self._wait(LOCK_SECONDS):
                raise HeldUp(path, self.path) from None

    def is_in_place(self) -> bool:
        """Whether the open file is the one that lies under the name. Raises OSError."""
        assert self._descriptor is not None
        try:
            there = os.stat(self.path)  # noqa: PTH116 - at every transition
        except FileNotFoundError:
            return False
        return os.path.samestat(os.fstat(self._descriptor), there)

    def release(self) -> None:
        """Let others have it; the file stays open."""
        if self._descriptor is not None:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back, and the lock with it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait(self, seconds: float) -> bool:
        # Only a blocking call stands in line: two that locked in turn starved one that asked every half millisecond for
        # ten seconds. It cannot be broken off, so a thread makes it, which goes on waiting when we no longer do.
        if self._waiting is None or self._waiting.is_over():
            self._waiting = _Waiting(self.path)
            self._waiting.start()
        descriptor = self._waiting.result(seconds)
        if descriptor is None:
            return False
        self.close()
        self._descriptor, self._waiting = descriptor, None
        return True


class _Waiting(threading.Thread):
    """Stands in line with a descriptor of its own; gives the lock back when nobody wants it by the time it is had."""

    def __init__(self, path: Path) -> None:
        super().__init__(name=f"waits for {path.name}", daemon=True)
        self._descriptor = os.open(path, FLAGS, 0o666)
        self._mutex = threading.Lock()
        self._had = threading.Event()
        self._wanted = True
        self._over = False

    def run(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._mutex:
            if self._wanted:
                self._had.set()
            else:
                os.close(self._descriptor)
                self._over = True

    def is_over(self) -> bool:
        """Whether it has given up; if not, somebody wants it again."""
        with self._mutex:
            self._wanted = not self._over
            return self._over

    def result(self, seconds: float) -> int | None:
        """The descriptor that holds the lock, or None when it is not had by then."""
        self._had.wait(seconds)
        with self._mutex:
            self._wanted = self._had.is_set()
            return self._descriptor if self._wanted else None
