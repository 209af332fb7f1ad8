"""Can this machine keep and make what is paid for? Disk, rights, file system, codecs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import av
from av.codec import Codec
from av.codec.codec import UnknownCodecError
from PIL import features

from client_async.exchange import CannotExchange, exchange
from client_async.findings import Finding
from client_async.mounts import MOUNTINFO, deaf_mount
from starsend.orchestrator.database import HEAD
from starsend.orchestrator.landing import ROOM_NEEDED
from starsend.sqlite_look import looked_at

PROBE = ".doctor-"


def check_room(of: str, check: str, folder: Path) -> Finding:
    """Is there room for what one call delivers?"""
    try:
        free = shutil.disk_usage(_nearest(folder)).free
    except OSError as error:
        return refused(of, check, folder, error)
    if free < ROOM_NEEDED:
        what = f"{free >> 20} MB are free at {folder}, {ROOM_NEEDED >> 20} are needed"
        return Finding("fail", of, check, what, "make room: nothing is sent meanwhile")
    return Finding("ok", of, check, f"{free / 2**30:.1f} GB are free at {folder}")


def check_writable(of: str, check: str, folder: Path) -> Finding:
    """May we write there? Tried, with a folder of our own that is gone afterwards; one that is missing is not made."""
    try:
        with _probe(folder) as probe:
            (probe / "file").write_bytes(b"starsend")
    except OSError as error:
        return refused(of, check, folder, error)
    return Finding("ok", of, check, f"{folder} can be written")


def check_file_system(of: str, folder: Path) -> list[Finding]:
    """Does the file system keep locks, let two files change names at once, and report what others write?"""
    try:
        with _probe(folder) as probe:
            return [_locks(of, probe), _exchanges(of, probe), _reports(of, probe)]
    except OSError as error:
        return [refused(of, "locks", folder, error)]


def check_database(of: str, check: str, file: Path) -> Finding:
    """Is a SQLite file whole, and of a schema that we read? Nothing is written beside it."""
    try:
        with looked_at(file) as uri, contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
            fault = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            row = None
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
                row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    except FileNotFoundError:
        return Finding("ok", of, check, "there is none yet; the first run makes it")
    except (OSError, sqlite3.Error) as broken:
        fault, row = str(broken), None
    if fault != "ok":
        return Finding("fail", of, check, f"{file}: {fault}", "put it back from a backup, with its -wal file")
    if row and row[0] < HEAD:
        what = f"whole, of schema {row[0]}, and this Starsend works with {HEAD}"
        return Finding("warn", of, check, what, "back it up; the next run brings it up to date")
    return Finding("ok", of, check, f"whole, of schema {row[0]}" if row else "whole")


def check_codecs(of: str) -> list[Finding]:
    """Can videos be made and checked, pictures read and titles drawn?"""
    video = [f"{name} ({'encoder' if mode == 'w' else 'decoder'})" for name, mode in _missing_codecs()]
    pictures = [name for name in ("webp", "avif", "freetype2") if not features.check(name)]
    mend = "install the {} wheel from PyPI, which brings it"
    return [
        Finding("fail", of, "video", f"PyAV {av.__version__} has no {', '.join(video)}", mend.format("av"))
        if video
        else Finding("ok", of, "video", f"PyAV {av.__version__} makes and reads H.264"),
        Finding("fail", of, "pictures", f"Pillow has no {', '.join(pictures)}", mend.format("pillow"))
        if pictures
        else Finding("ok", of, "pictures", "Pillow reads WebP and AVIF, and draws titles"),
    ]


def _missing_codecs() -> Iterator[tuple[str, str]]:
    wanted: tuple[tuple[str, Literal["r", "w"]], ...] = (("libx264", "w"), ("h264", "r"))
    for name, mode in wanted:
        try:
            Codec(name, mode)
        except UnknownCodecError:
            yield name, mode


@contextlib.contextmanager
def _probe(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=PROBE, dir=_nearest(folder)) as probe:
        yield Path(probe)


def _nearest(folder: Path) -> Path:
    """The folder, or the one in which it would be made."""
    whole = folder.absolute()
    return next(
        path for path in (whole, *whole.parents) if os.path.lexists(path)
    )  # a broken link is in the way too


def refused(of: str, check: str, path: Path, error: OSError) -> Finding:
    """What the system said no to, as a failed check."""
    why = error.strerror or type(error).__name__
    return Finding("fail", of, check, f"{path} cannot be used ({why})", "look at its owner, rights and mount")


def _locks(of: str, probe: Path) -> Finding:
    path = probe / "lock"
    with path.open("wb") as one, path.open("wb") as other:
        try:
            fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return Finding("ok", of, "locks", "files can be locked")
        except OSError as error:
            why = f"files cannot be locked ({error.strerror})"
        else:
            why = "a lock on a file holds nobody up"
    return Finding(
        "fail", of, "locks", why, "two runs could pay for one shot: move the projects to a local disk"
    )


def _exchanges(of: str, probe: Path) -> Finding:
    one, other = probe / "one", probe / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    try:
        exchange(one, other)
    except CannotExchange:
        what = "two files cannot change names at once, so sequences.json is away for a moment when it is rendered"
        return Finding("warn", of, "names", what, "a local disk knows how")
    return Finding("ok", of, "names", "two files can change names at once")


def _reports(of: str, probe: Path) -> Finding:
    try:
        kind = deaf_mount(probe.resolve(), os.fsdecode(MOUNTINFO.read_bytes()))
    except OSError:  # no Linux
        kind = None
    if kind is None:
        return Finding("ok", of, "watch", "the file system reports changes")
    what = f"{kind} does not report what other machines write, so files are polled"
    return Finding("warn", of, "watch", what, "keep the projects, and SQLite above all, on a local disk")
