"""Files that a render has displaced: kept in ``.displaced/`` until taken in, old enough, and open for writing nowhere.

An editor that had the file open may still be writing it there. A settled one bears in its name what was taken in, so that a
later write to it is told from what is known.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from client_async.lease import NoLease, nobody_writes
from client_async.whole_file import Identity

NAMED = re.compile(r"\d{9,}-(new|\d+-\d+-\d+-(ours|theirs))\.json$")
KEPT_SECONDS = 86_400.0
OURS_KEPT_SECONDS = 10.0
"""A displaced render of ours: somebody who was just opening it has shown up by then."""
OURS_KEPT_WITHOUT_LEASES = 600.0


def put_aside(path: Path, folder: Path) -> None:
    """Move a file into ``folder``, where whoever still writes it may go on."""
    if not path.exists():
        return
    folder.mkdir(exist_ok=True)
    kept = _files(folder)
    number = int(kept[-1].name.split("-")[0]) + 1 if kept else 1
    path.rename(folder / f"{number:09}-new.json")


def unsettled(folder: Path) -> list[tuple[Path, Identity]]:
    """The files whose content, as it is now, has not been taken in; oldest first."""
    found = []
    for path in _files(folder):
        with suppress(FileNotFoundError):
            identity = Identity.of(path.stat())
            if _settled(path) != identity:
                found.append((path, identity))
    return found


def settle(path: Path, identity: Identity, *, ours: bool) -> None:
    """What the file held has been taken in. ``ours``: it is a render of ours, with nothing of a person's in it."""
    number = path.name.split("-")[0]
    name = (
        f"{number}-{identity.inode}-{identity.mtime_ns}-{identity.size}-{'ours' if ours else 'theirs'}.json"
    )
    path.rename(path.with_name(name))


def sweep(folder: Path, *, now: float, can_lease: bool) -> None:
    """Remove files that are settled, old enough, and open for writing nowhere."""
    ours_kept = OURS_KEPT_SECONDS if can_lease else OURS_KEPT_WITHOUT_LEASES
    for path in _files(folder):
        with suppress(OSError):
            found = path.stat()
            kept = ours_kept if path.name.endswith("-ours.json") else KEPT_SECONDS
            old_enough = now - found.st_ctime >= kept
            if old_enough and _settled(path) == Identity.of(found) and is_let_go(path, can_lease=can_lease):
                path.unlink()


def is_let_go(path: Path, *, can_lease: bool) -> bool:
    """Whether the file is open for writing nowhere, as far as leases tell. Raises FileNotFoundError."""
    try:
        return not can_lease or nobody_writes(path)
    except (NoLease, PermissionError):
        return True


def _files(folder: Path) -> list[Path]:
    """What lies aside, oldest first; files that others have put there are none of ours."""
    try:
        return sorted(path for path in folder.iterdir() if NAMED.match(path.name))
    except FileNotFoundError:
        return []


def _settled(path: Path) -> Identity | None:
    """The identity that a settled file bears in its name."""
    parts = path.name.split("-")
    return Identity(*(int(part) for part in parts[1:4])) if len(parts) == 5 else None
