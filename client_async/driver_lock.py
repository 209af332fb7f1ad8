"""One driver a project: whoever drives its sequences holds this lock, and the system frees it when it dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from client_async.projects import Place
from starsend.errors import StarsendError
from starsend.files import CannotWrite

Driver = Literal["daemon", "command"]
ASKED_SECONDS, ASKED_LOOKS = 0.05, 5
"""How long to bear with a lock that may only be looked at, and how often to try."""


class ProjectBusy(StarsendError):
    """Another process drives this project. ``by_daemon``: it will do whatever the document asks for."""

    def __init__(self, place: Place, holder: str) -> None:
        kind, self.process, _ = noted(holder)
        self.by_daemon = kind == "daemon"
        super().__init__(
            f"{'the daemon' if self.by_daemon else 'a command'}, process {self.process or 'unknown'}, is working on this project",
            where=place.shown(""),
            remedy="it does what the document asks for; `starsend status` shows how far it is"
            if self.by_daemon
            else "wait until it is done; `starsend pick` works meanwhile",
        )


def noted(holder: str) -> tuple[str, str, str]:
    """What the holder of a lock wrote into it: daemon or command, its process, and a daemon's ops port."""
    kind, process, address = (*holder.split(), "", "", "")[:3]
    return kind, process, address


def daemon_drives(place: Place) -> bool:
    """Whether a daemon drives the project now."""
    return ProjectBusy(place, _holder(place)).by_daemon


def daemon_address(place: Place) -> str:
    """``host:port`` where the daemon that drives the project answers; empty where none does."""
    return noted(_holder(place))[2]


def _holder(place: Place) -> str:
    try:
        with _lock_of(place).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _lock_of(place).read_text()
    except OSError:
        pass  # nobody has driven it yet
    return ""


@contextmanager
def sole_driver(place: Place, driver: Driver = "command", address: str = "") -> Iterator[None]:
    """Hold the project while the block runs. Raises ProjectBusy, CannotWrite.

    Args:
        address: ``host:port`` where a daemon tells how it is.
    """
    path = _lock_of(place)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as refused:
        raise CannotWrite(path, refused) from refused
    with open(descriptor, "r+") as lock:  # noqa: PTH123 - a descriptor, opened without emptying the holder's note
        if not _locked(lock):
            raise ProjectBusy(place, lock.read().strip())
        lock.truncate(0)
        lock.write(f"{driver} {os.getpid()} {address}".strip())
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def _lock_of(place: Place) -> Path:
    return place.folder / "state" / "driver.lock"


def _locked(lock: TextIO) -> bool:
    """Whether the lock could be had. ``daemon_drives`` holds it for a moment too, and is nobody to give way to."""
    for _ in range(ASKED_LOOKS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(ASKED_SECONDS / ASKED_LOOKS)
        else:
            return True
    return False
