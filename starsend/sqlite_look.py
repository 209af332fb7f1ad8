"""Reading a SQLite file in WAL mode without the right to write, and without a trace: no lock file, no ``-wal``, no ``-shm``.

SQLite's own ``mode=ro`` is not enough: it makes ``-shm`` beside the file where there is none, or fails where it may not.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRIES = 20
"""Looks at a file that others open, write and close meanwhile; each takes milliseconds."""


class Unsettled(sqlite3.OperationalError):
    """The file changed at every look."""


@contextmanager
def looked_at(path: Path) -> Iterator[str]:
    """The URI to connect to (``uri=True``) while the block runs; shows every commit of before, and of after where others have
    it open.

    Raises FileNotFoundError, OSError, sqlite3.Error.
    """
    with contextlib.ExitStack() as kept:
        for _ in range(TRIES):
            if shared := _shared(path):
                yield shared
                return
            folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="starsend-")))
            if copy := _copied(path, folder):
                yield copy.as_uri()
                return
        raise Unsettled(f"{path} is written too often to be read")


def _shared(path: Path) -> str | None:
    """The file itself, where somebody else has it open: then there is an index of the log that can be shared."""
    if not _beside(path, "-shm").exists():
        return None
    uri = f"{path.resolve().as_uri()}?mode=ro&readonly_shm=1"
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(_connected(uri)) as db:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return uri
    return None


def _copied(path: Path, folder: Path) -> Path | None:
    """A copy of a file that nobody has open, with the log that a killed process may have left; None when it changed meanwhile."""
    before = _seen(path)
    copy = folder / path.name
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(_beside(path, "-wal"), _beside(copy, "-wal"))
    shutil.copyfile(path, copy)
    return copy if _seen(path) == before else None


def _seen(path: Path) -> list[tuple[int, int, int] | None]:
    """What tells a file and its log from what they were. Raises FileNotFoundError when there is no file."""
    found = path.stat()
    seen: list[tuple[int, int, int] | None] = [(found.st_ino, found.st_size, found.st_mtime_ns)]
    try:
        log = _beside(path, "-wal").stat()
    except FileNotFoundError:
        return [*seen, None]
    return [*seen, (log.st_ino, log.st_size, log.st_mtime_ns)]


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _connected(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True)
