"""One whole job in a process of its own, which a test kills at any boundary it likes.

A boundary is a moment at which something outside the process changes: a commit of the ledger, a file opened for
writing, a rename, a folder made. They are counted by Python's audit hook and SQLAlchemy's commit event, so that the
product knows nothing of it. The process is killed by SIGKILL, as by the kernel when memory runs out.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
from sqlalchemy import Engine, event

from client_async.drive import drive
from client_async.picks import record_pick
from client_async.projects import Place
from starsend.errors import StarsendError

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


class Boundaries:
    """Counts boundaries, notes what each was, and ends the process at the chosen one."""

    def __init__(self, folder: Path, kill_at: int) -> None:
        self._folder = str(folder)
        self._kill_at = kill_at
        self._lock = threading.Lock()
        self.seen: list[str] = []

    def watch(self) -> None:
        sys.addaudithook(self._on_audit)
        event.listen(Engine, "commit", lambda _connection: self._pass("commit"))

    def _on_audit(self, name: str, args: tuple[object, ...]) -> None:
        if name not in ("open", "os.rename", "os.mkdir", "os.remove"):
            return
        path = str(args[0])
        writing = name != "open" or (isinstance(args[2], int) and args[2] & WRITING)
        if writing and path.startswith(self._folder) and not path.endswith(".lock"):
            self._pass(f"{name} {Path(path).name}")

    def _pass(self, what: str) -> None:
        with self._lock:
            self.seen.append(what)
            if len(self.seen) == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)


def run_job(root: str, kill_at: int, report: str) -> None:
    """Drive ``SEQ01`` of ``job`` from its brief to its take, picking cell 3; the boundaries passed go into ``report``."""
    place = Place(Path(root), "job")
    boundaries = Boundaries(place.folder, kill_at)
    boundaries.watch()
    errors = anyio.run(_drive, place)
    Path(report).write_text("\n".join(boundaries.seen) + "".join(f"\nerror {error}" for error in errors))


async def _drive(place: Place) -> list[StarsendError]:
    errors = await drive(place, ["SEQ01"], None, lambda _: None, threading.Event())
    sequence = place.file.read()["sequences"]["SEQ01"]
    if sequence.get("grid_id") and not sequence.get("pick"):
        at = datetime.now(UTC)
        place.file.change(lambda draft: record_pick(draft["SEQ01"], "SEQ01", 3, by="mara", via="test", at=at))
    errors |= await drive(place, ["SEQ01"], None, lambda _: None, threading.Event())
    place.file.close()
    return list(errors.values())


Runner = Callable[[int], int]
"""Runs the job, killed at a boundary (0: never), and returns how the process ended: 0, or -9."""
