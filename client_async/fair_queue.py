"""Who is served next: every project in turn, and within a project by priority, then first come, first served."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

Name = TypeVar("Name", str, tuple[str, str])
Rank = TypeVar("Rank", float, tuple[int, int])

SPARE = 64
"""Outdated entries that a heap may hold besides as many as valid ones: clearing up costs less than it saves then."""


class Ranked(Generic[Name, Rank]):
    """Names by rank, the lowest first; each has one rank, and may get another.

    To take an entry out of the middle of a heap is slow. It stays until its turn comes, and is passed over then.
    """

    def __init__(self) -> None:
        self._ranks: dict[Name, Rank] = {}
        self._heap: list[tuple[Rank, Name]] = []

    def __len__(self) -> int:
        return len(self._ranks)

    def __iter__(self) -> Iterator[Name]:
        return iter(self._ranks)

    @property
    def entries(self) -> int:
        """How much memory it takes: the valid entries and the outdated ones."""
        return len(self._heap)

    def rank(self, name: Name) -> Rank | None:
        """The rank of a name; None when it is not among them."""
        return self._ranks.get(name)

    def put(self, name: Name, rank: Rank) -> None:
        """Take a name in, or give it another rank."""
        if self._ranks.get(name) == rank:
            return
        self._ranks[name] = rank
        heapq.heappush(self._heap, (rank, name))
        if len(self._heap) > 2 * len(self._ranks) + SPARE:
            self._heap = [(valid, of) for of, valid in self._ranks.items()]
            heapq.heapify(self._heap)

    def first(self) -> tuple[Rank, Name] | None:
        """The lowest rank and whose it is; None when there is nobody."""
        while self._heap:
            rank, name = self._heap[0]
            if self._ranks.get(name) == rank:
                return rank, name
            heapq.heappop(self._heap)
        return None

    def drop(self, name: Name) -> bool:
        """Take a name out; whether it was among them."""
        return self._ranks.pop(name, None) is not None

    def clear(self) -> None:
        """Take everybody out."""
        self._ranks.clear()
        self._heap.clear()


@dataclass(slots=True)
class _Line:
    share: int = 1
    served: int = 0
    names: Ranked[str, tuple[int, int]] = field(default_factory=Ranked)


class FairQueue:
    """Names of sequences that wait for a slot, by project.

    A project of 5,000 does not hold up one of 3: each gets ``share`` turns, then the next one is served.
    """

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._turns: deque[str] = deque()
        self._order = count()

    def __len__(self) -> int:
        return sum(len(line.names) for line in self._lines.values())

    def put(self, project: str, name: str, *, priority: int = 0, share: int = 1) -> None:
        """Line a sequence up. A higher ``priority`` goes first, then who came first; one that waits may get another."""
        if project not in self._lines:
            self._lines[project] = _Line()
            self._turns.append(project)
        line = self._lines[project]
        line.share = share
        known = line.names.rank(name)
        line.names.put(name, (-priority, next(self._order) if known is None else known[1]))

    def pop(self) -> tuple[str, str] | None:
        """Project and name of whose turn it is, or None when nobody waits."""
        if not self._turns:
            return None
        project = self._turns[0]
        line = self._lines[project]
        first = line.names.first()
        assert first is not None, "a line without names is no line"
        name = first[1]
        line.names.drop(name)
        line.served += 1
        if not line.names:
            del self._lines[project]
            self._turns.popleft()
        elif line.served >= line.share:
            line.served = 0
            self._turns.rotate(-1)
        return project, name

    def drop(self, project: str) -> None:
        """Nobody of this project waits any more."""
        if self._lines.pop(project, None):
            self._turns.remove(project)
