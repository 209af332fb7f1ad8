"""What the ledgers say, kept for the pages that ask again and again: read only where a file tells that it has changed.

Five hundred idle projects cost a few system calls each. A ledger in PostgreSQL has no file: it is asked at most every two
seconds. Reading is blocking, and safe from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from client_async.accounts import costs_of
from client_async.budget_view import rows_in
from client_async.cost_report import ProjectCosts
from client_async.ledger import cited_in, ledger_at, look_at_store
from client_async.projects import Place
from client_async.signs import signature
from starsend.clock import Clock, SystemClock
from starsend.config import CONFIG_NAME, Settings, load_settings
from starsend.errors import StarsendError
from starsend.orchestrator.budget_rows import day_of
from starsend.orchestrator.records import Step

UNSIGNED_SECONDS = 2.0
"""Between two looks at a ledger that no file tells of."""
RUNNING_SECONDS = 5.0
"""Between two looks at calls under way: whoever made one may have been killed, and no file tells of that."""
SHARE = 10
"""A look that took long is not repeated before so many times as long have passed, half a second at most."""
LONGEST_REST = 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """Calls whose end is not known, and spend against caps. ``at_work``: ids of those that a process works on."""

    steps: tuple[Step, ...] = ()
    at_work: frozenset[str] = frozenset()
    caps: tuple[dict[str, Any], ...] = ()
    trouble: str = ""


@dataclass(slots=True)
class _Kept:
    """What was read of one project, and what its files were like."""

    config: Hashable = None
    settings: Settings | None = None
    files: tuple[str, ...] = ()
    standing: Standing = field(default_factory=Standing)
    stood: Hashable = None
    not_before: float = 0.0
    costs: ProjectCosts | None = None
    cost: Hashable = None
    reading: threading.Lock = field(default_factory=threading.Lock)


class Books:
    """The ledgers of all projects.

    Args:
        monotonic: seconds.
    """

    def __init__(self, clock: Clock | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock or SystemClock()
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}

    def standing(self, place: Place) -> Standing:
        """What runs in a project and what is spent there; what cannot be read is told in ``trouble``."""
        kept = self._of(place)
        with kept.reading:
            try:
                settings = self._settings(kept, place)
                signs = (kept.config, self._signs(kept), day_of(self._clock.now()), self._beat(kept))
                now = self._monotonic()
                if signs != kept.stood and now >= kept.not_before:
                    kept.standing = self._read(place, settings)
                    kept.stood = (*signs[:-1], self._beat(kept))
                    took = self._monotonic() - now
                    kept.not_before = now + min(SHARE * took, LONGEST_REST)
            except (StarsendError, OSError) as refused:
                kept.stood = None
                return Standing(trouble=str(refused))
            return kept.standing

    def costs(self, place: Place) -> ProjectCosts:
        """All that was booked for a project. Raises StarsendError."""
        kept = self._of(place)
        with kept.reading:
            settings = self._settings(kept, place)
            journal = tuple(signature(place.client / f"journal.db{part}") for part in ("", "-wal"))
            signs = (kept.config, self._signs(kept), journal, signature(place.file.path))
            if kept.costs is None or signs != kept.cost:
                kept.costs = costs_of(place, settings)
                kept.cost = signs
            return kept.costs

    def keep(self, places: Iterable[Place]) -> None:
        """Forget every project but these."""
        for gone in self._kept.keys() - {str(place.folder) for place in places}:
            self._kept.pop(gone, None)

    # -------------------------------------------------------------------------------------------- inside

    def _of(self, place: Place) -> _Kept:
        return self._kept.setdefault(str(place.folder), _Kept())

    def _settings(self, kept: _Kept, place: Place) -> Settings:
        config = tuple(signature(f"{folder}/{CONFIG_NAME}") for folder in (place.root, place.folder))
        if kept.settings is None or config != kept.config:
            kept.settings = None  # unless it can be read
            settings = load_settings(place.root, place.folder)
            file = ledger_at(place, settings)[1]
            kept.files = (str(file), f"{file}-wal") if file else ()
            kept.config, kept.settings = config, settings
        return kept.settings

    def _signs(self, kept: _Kept) -> Hashable:
        if not kept.files:
            return int(self._monotonic() / UNSIGNED_SECONDS)
        return tuple(signature(file) for file in kept.files)

    def _beat(self, kept: _Kept) -> int:
        return int(self._monotonic() / RUNNING_SECONDS) if kept.standing.steps else 0

    def _read(self, place: Place, settings: Settings) -> Standing:
        with look_at_store(place, settings, cited_in(_documents(place))) as store:
            steps = tuple(store.open_steps()) if store else ()
            at_work = frozenset(s.step_key for s in steps if store and store.is_held(s.shot_id))
            return Standing(steps, at_work, tuple(rows_in(store, settings.budget, place, self._clock)))


def _documents(place: Place) -> list[Any]:
    found = []
    for name in place.file.names():
        with suppress(KeyError):  # removed a moment ago
            found.append(place.file.peek(name))
    return found
