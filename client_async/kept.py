"""What the journal holds of one project, and the same in memory: each sequence as it is shown, and how new it is."""

from __future__ import annotations

import time
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson

from client_async.draft import Draft
from client_async.journal import KEPT_DAYS, Journal
from client_async.ownership import SCHEMA

DAY_SECONDS = 86_400.0
Document = dict[str, Any]
T = TypeVar("T")
Change = Callable[[Draft], T]


@dataclass(slots=True)
class Outcome(Generic[T]):
    """What became of one change: its answer, or the error that kept it from being made."""

    value: T | None = None
    error: Exception | None = None


class Kept:
    """One project's sequences. Whoever uses it holds the commit lock; ``bodies`` and ``behind`` may be looked at without.

    Args:
        path: the face; the journal lies beside it.
        now: seconds since the epoch.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._journal: Journal | None = None
        self._data_version = -1
        self._forgets_at = 0.0
        self.bodies: dict[str, bytes] = {}
        self.versions: dict[str, int] = {}
        self.version = 0
        self.shown = 0
        """The newest version that the face shows."""
        self.owed = False
        """The face says something that is not so."""

    @property
    def journal_path(self) -> Path:
        """Where the journal lies."""
        return self._path.with_name("journal.db")

    @property
    def journal(self) -> Journal:
        """The journal, opened when it is first needed."""
        if self._journal is None:
            self._journal = Journal(self.journal_path)
            self.forget_old()
        return self._journal

    def forget_old(self) -> None:
        """Once a day: what is too old to be asked for is dropped."""
        now = self._now()
        if self._journal is not None and now >= self._forgets_at:
            self._journal.forget(now - KEPT_DAYS * DAY_SECONDS)
            self._forgets_at = now + DAY_SECONDS

    def is_in_place(self) -> bool:
        """Whether the journal under the name is the one that is open, if one is."""
        return self._journal is None or self._journal.is_in_place()

    @property
    def behind(self) -> bool:
        """Whether the face lacks something that the journal holds."""
        return self.owed or self.version > self.shown

    def close(self) -> None:
        """Give the files back; what is asked next opens them again, and knows nothing of before: they may be others."""
        if self._journal is not None:
            self._journal.close()
            self._journal, self._data_version = None, -1
            self.bodies, self.versions = {}, {}
            self.version = self.shown = 0

    __del__ = close  # Python 3.13 warns of a database that is left to the garbage

    def refresh(self) -> set[str]:
        """Take over what other processes have committed; the sequences it is of."""
        version = self.journal.data_version()
        if version == self._data_version:
            return set()
        self._data_version = version
        self.shown, self.owed = number(self.journal.get("shown")), bool(self.journal.get("owed"))
        changed = set()
        for name, at, body in self.journal.sequences(after=self.version):
            changed.add(name)
            self.bodies[name], self.versions[name] = body, at
            self.version = max(self.version, at)
        return changed

    def commit(self, edits: Sequence[Change[Any]]) -> list[Outcome[Any]]:
        """Make many changes in one transaction; each succeeds or fails by itself."""
        pending: dict[str, bytes] = {}
        outcomes: list[Outcome[Any]] = []
        for edit in edits:
            draft = Draft(ChainMap(pending, self.bodies) if pending else self.bodies, self._path)
            try:
                outcomes.append(Outcome(edit(draft)))
                pending.update(draft.changed())
            except Exception as wrong:  # noqa: BLE001 - whatever it is, it is this change's alone
                outcomes.append(Outcome(error=wrong))
        if pending:
            with self.journal.transaction():
                self.put(pending)
            self.keep(pending)
        return outcomes

    def put(self, changed: Mapping[str, bytes]) -> None:
        """Write sequences down, inside a transaction of the journal; ``keep`` them when it has ended well."""
        for ahead, (name, body) in enumerate(changed.items(), start=1):
            self.journal.put(name, self.version + ahead, body)

    def keep(self, changed: Mapping[str, bytes]) -> None:
        """What the journal holds now, this object holds too."""
        for name, body in changed.items():
            self.version += 1
            self.bodies[name], self.versions[name] = body, self.version

    def top(self) -> Document:
        """What people have put beside the sequences, ``$schema`` for one."""
        kept = self.journal.get("top")
        top: Document = orjson.loads(kept) if isinstance(kept, bytes) else {}
        return top

    def head(self) -> Document:
        """Whose file it is, and which revision the face shows."""
        return {"schema": SCHEMA, "revision": number(self.journal.get("revision"))}


def number(value: object) -> int:
    """A number that the journal holds, or 0."""
    return value if isinstance(value, int) else 0
