"""The signs of a studio on disk: which projects there are, and its own settings. Blocking."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import structlog

from client_async.mounts import MOUNTINFO, deaf_mount
from client_async.signs import Signature, Signs, What, has_brief, signature
from starsend.config import CONFIG_NAME
from starsend.files import NameNotText, is_text

log = structlog.get_logger()

STUDIO = ""
"""The studio itself, where a project could be named."""


class StudioSigns:
    """What the last look at ``root`` found.

    Args:
        only: names of projects; all, and new ones, if empty.
        mountinfo: the text of /proc/self/mountinfo; read from there unless given.
    """

    def __init__(self, root: Path, only: Collection[str], mountinfo: str | None) -> None:
        self._projects = root / "projects"
        self._only = only
        self._mountinfo = mountinfo
        self._config = root / CONFIG_NAME
        self._settings: Signature = signature(self._config)
        self._refused: set[str] = set()
        self.seen: dict[str, Signs] = {}
        """The projects, by name."""

    def look(self) -> list[tuple[str, What]]:
        """Projects that came and went, and whether the studio's settings changed, since the last look."""
        there = self._there()
        replaced = {name for name in there & self.seen.keys() if self.seen[name].is_replaced()}
        told: list[tuple[str, What]] = []
        for name in (self.seen.keys() - there) | replaced:
            del self.seen[name]
            told.append((name, "removed"))
        told += [(name, "appeared") for name in there - self.seen.keys() if self._begin(name)]
        settings = signature(self._config)
        if settings != self._settings:
            self._settings = settings
            told.append((STUDIO, "config"))
        return told

    def _there(self) -> set[str]:
        there: set[str] = set()
        try:
            with os.scandir(self._projects) as entries:
                for entry in entries:
                    if self._is_wanted(entry.name) and has_brief(entry.path):
                        there.add(entry.name)
        except OSError as gone:
            if self.seen:
                log.warning("projects_unreadable", path=str(self._projects), error=str(gone))
        return there

    def _is_wanted(self, name: str) -> bool:
        wanted = name in self._only if self._only else not name.startswith(".")
        if not wanted or is_text(name):
            return wanted
        if name not in self._refused:
            self._refused.add(name)
            log.warning("project_refused", project=name, error=str(NameNotText(self._projects / name)))
        return False

    def _begin(self, name: str) -> bool:
        """Look at a project for the first time. False when that fails: the next look tries again."""
        signs = Signs(self._projects / name)
        try:
            signs.look(thorough=True)
        except Exception:  # one project's; the others are taken on all the same
            log.exception("look_failed", project=name)
            return False
        self.seen[name] = signs
        if kind := self._deaf(signs.folder):
            signs.poll(f"{kind} does not report what others write")
        return True

    def _deaf(self, folder: Path) -> str | None:
        try:
            text = MOUNTINFO.read_text() if self._mountinfo is None else self._mountinfo
        except OSError:
            return None
        return deaf_mount(folder, text)
