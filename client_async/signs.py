"""The signs of a project on disk: what a look at its files finds, and which folders are worth watching. Blocking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import structlog

from client_async.pick_folder import CLAIMED, TEMPORARY
from starsend.config import CONFIG_NAME
from starsend.files import is_text

log = structlog.get_logger()

What = Literal["sequences", "picks", "journal", "config", "elements", "appeared", "removed"]
Signature = tuple[int, int, int] | None
"""Time, inode and size: a save changes one of them, to the nanosecond."""


@dataclass(slots=True)
class Signs:
    """What the last look at a project found, and what is known of how it is heard of."""

    folder: Path
    face: Signature = None
    picks: Signature = None
    journal: Signature = None
    identity: tuple[int, int] | None = None
    picks_wait: bool = False
    config: Signature = None
    elements: frozenset[tuple[str, int, int]] = frozenset()
    told: set[What] = field(default_factory=set)
    """What events have told of since the last look."""
    unannounced: bool = False
    misses: int = 0
    polled: str = ""
    """Why it is polled; empty where events are to be had."""
    client: str = field(init=False)
    """Where the state lies."""
    _face: str = field(init=False)
    _picks: str = field(init=False)
    _journal: str = field(init=False)
    _config: str = field(init=False)
    _elements: str = field(init=False)
    _inner: list[str] = field(init=False, default_factory=list)
    """The folders of the elements, as the last thorough look found them."""

    def __post_init__(self) -> None:
        # Strings, made once: five hundred projects are looked at every two seconds.
        self.client = f"{self.folder}/state/client"
        self._face = f"{self.client}/sequences.json"
        self._picks = f"{self.client}/picks"
        self._journal = f"{self.client}/journal.db-wal"
        self.identity = folder_identity(self.client)
        self._config = f"{self.folder}/{CONFIG_NAME}"
        self._elements = f"{self.folder}/elements"

    def linked_face(self) -> str | None:
        """The brief itself, where its name is a link to it."""
        return os.path.realpath(self._face) if os.path.islink(self._face) else None  # noqa: PTH114 - as above

    def look(self, *, thorough: bool) -> set[What]:
        """What differs from the last look; three system calls where nothing does, unless ``thorough``."""
        changed: set[What] = set()
        face, picks = signature(self._face), signature(self._picks)
        if face != self.face:
            self.face = face
            changed.add("sequences")
        if picks != self.picks or self.picks_wait:
            self.picks, self.picks_wait = picks, _holds_picks(self._picks)
            if self.picks_wait:
                changed.add("picks")
        journal = signature(self._journal)
        if journal != self.journal:  # a command that was killed before it could show what it had kept
            self.journal = journal
            changed.add("journal")
        if thorough:
            config = signature(self._config)
            elements, self._inner = _contents(self._elements)
            if config != self.config:
                self.config = config
                changed.add("config")
            if elements != self.elements:
                self.elements = elements
                changed.add("elements")
        return changed

    def poll(self, reason: str) -> None:
        """Look at it often from now on."""
        self.polled = reason
        log.warning("watcher_polling", project=self.folder.name, reason=reason)

    def is_replaced(self) -> bool:
        """Whether another folder lies under the name by now."""
        return folder_identity(self.client) not in (None, self.identity)

    def folders(self) -> Iterator[str]:
        """The few that matter; the media are none of them. A file alone is lost at its first replacement."""
        face = self.linked_face()
        linked = [os.path.dirname(face)] if face else []  # noqa: PTH120 - as above
        mine = (str(self.folder), self.client, self._picks, self._elements, *linked, *self._inner)
        return (folder for folder in mine if is_text(folder) and os.path.isdir(folder))  # noqa: PTH112


def has_brief(folder: str) -> bool:
    """Whether a folder is a project: it has a brief, or had one that was deleted and will be written again."""
    client = f"{folder}/state/client"
    return os.path.exists(f"{client}/sequences.json") or os.path.exists(f"{client}/journal.db")  # noqa: PTH110


def signature(path: str | Path) -> Signature:
    """What a save would change of a file; None when there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - one system call, no object
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def folder_identity(folder: str | Path) -> tuple[int, int] | None:
    """Tells a folder from another one that is put in its place; None when there is none."""
    try:
        found = os.stat(folder)  # noqa: PTH116 - as above
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """False too where it cannot be told: a link that leads to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _holds_picks(folder: str) -> bool:
    """Those that were claimed too: whoever claimed them may have been killed."""
    return any(
        not TEMPORARY.search(entry.name) and not entry.is_dir(follow_symlinks=False)
        for entry in (*_entries(folder), *_entries(f"{folder}/{CLAIMED}"))
    )


def _contents(folder: str) -> tuple[frozenset[tuple[str, int, int]], list[str]]:
    """What lies in a folder of elements, and which folders it has. A name that is no text would end the watch if opened."""
    found, folders = set(), []
    for entry in _entries(folder):
        if not is_text(entry.name):
            continue
        inner = [entry]
        if _is_folder(entry):
            folders.append(entry.path)
            inner = _entries(entry.path)
        for file in inner:
            try:
                status = file.stat()
            except OSError:
                continue
            found.add((file.path, status.st_mtime_ns, status.st_size))
    return frozenset(found), folders
