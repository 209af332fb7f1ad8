"""The signs of a project on disk: what a look at its files finds, and which folders are worth watching. Blocking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from client_async.pick_folder import TEMPORARY
from starsend.config import CONFIG_NAME

What = Literal["sequences", "picks", "config", "elements", "appeared", "removed"]
Signature = tuple[int, int, int] | None
"""Time, inode and size: a save changes one of them, to the nanosecond."""


@dataclass(slots=True)
class Signs:
    """What the last look at a project found, and what is known of how it is heard of."""

    folder: Path
    face: Signature = None
    picks: Signature = None
    picks_wait: bool = False
    config: Signature = None
    elements: frozenset[tuple[str, int, int]] = frozenset()
    told: set[What] = field(default_factory=set)
    """What events have told of since the last look."""
    unannounced: bool = False
    misses: int = 0
    polled: str = ""
    """Why it is polled; empty where events are to be had."""

    @property
    def client(self) -> Path:
        """Where the state lies."""
        return self.folder / "state" / "client"

    @property
    def real_face(self) -> Path:
        """The brief itself, where its name is a link to it."""
        return Path(os.path.realpath(self.client / "sequences.json"))

    def look(self, *, thorough: bool) -> set[What]:
        """What differs from the last look; two system calls where nothing does, unless ``thorough``."""
        changed: set[What] = set()
        face, picks = signature(self.client / "sequences.json"), signature(self.client / "picks")
        if face != self.face:
            self.face = face
            changed.add("sequences")
        if picks != self.picks or self.picks_wait:
            self.picks, self.picks_wait = picks, _holds_picks(self.client / "picks")
            if self.picks_wait:
                changed.add("picks")
        if thorough:
            config, elements = signature(self.folder / CONFIG_NAME), _elements(self.folder / "elements")
            if config != self.config:
                self.config = config
                changed.add("config")
            if elements != self.elements:
                self.elements = elements
                changed.add("elements")
        return changed

    def folders(self) -> Iterator[Path]:
        """The few that matter; the media are none of them. A file alone is lost at its first replacement."""
        elements = self.folder / "elements"
        inner = [Path(entry.path) for entry in _entries(elements) if entry.is_dir()]
        mine = (self.folder, self.client, self.client / "picks", self.real_face.parent, elements, *inner)
        return (folder for folder in mine if folder.is_dir())


def signature(path: Path) -> Signature:
    """What a save would change of a file; None when there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - one system call, no object
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _holds_picks(folder: Path) -> bool:
    return any(
        not TEMPORARY.search(entry.name) and not entry.is_dir(follow_symlinks=False)
        for entry in _entries(folder)
    )


def _elements(folder: Path) -> frozenset[tuple[str, int, int]]:
    found = set()
    for entry in _entries(folder):
        inner = _entries(Path(entry.path)) if entry.is_dir() else [entry]
        for file in inner:
            try:
                status = file.stat()
            except OSError:
                continue
            found.add((file.path, status.st_mtime_ns, status.st_size))
    return frozenset(found)
