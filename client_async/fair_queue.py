"""Who is served next: every project in turn, and within a project by priority, then first come, first served."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count


@dataclass(slots=True)
class _Line:
    share: int = 1
    served: int = 0
    heap: list[tuple[int, int, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


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
        """Line a sequence up; one that waits already keeps its place. A higher ``priority`` goes first."""
        if project not in self._lines:
            self._lines[project] = _Line()
            self._turns.append(project)
        line = self._lines[project]
        line.share = share
        if name not in line.names:
            line.names.add(name)
            heapq.heappush(line.heap, (-priority, next(self._order), name))

    def pop(self) -> tuple[str, str] | None:
        """Project and name of whose turn it is, or None when nobody waits."""
        if not self._turns:
            return None
        project = self._turns[0]
        line = self._lines[project]
        name = heapq.heappop(line.heap)[2]
        line.names.discard(name)
        line.served += 1
        if not line.heap:
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
