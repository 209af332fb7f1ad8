"""Giving out work: one task a sequence at most, as many as there are slots for, fairly over projects.

What is to be done is asked anew each time from the state alone, so a lost event, a restart or a wrong guess here changes
nothing. At most twice as many tasks live as there are slots: with all of them started at once the limiter serves every grid
before any video, and the first sequence of many ends last (docs/measured.md). Whoever waits for a date is no task at all.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from client_async.fair_queue import FairQueue, Ranked

LIVE_FOR_A_SLOT = 2
"""Enough that a slot is taken while others write down what they did; one and a half times: 1.11 of the ideal at 256, not 1.08."""
CONSIDERED_AT_ONCE = 100
"""Sequences looked at between two breaths of the event loop: 4 ms; ten thousand in one go would stall it."""
BREATH_SECONDS = 0.005
"""While there is work for every place already: whoever has begun goes first, the rest of a long line has time."""
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Due:
    """The next piece of work on a sequence: who is needed for it, and in how many seconds it may begin."""

    lane: str
    priority: int = 0
    after: float = 0.0


class Worker(Protocol):
    """A project that gets work done."""

    project: str
    share: int

    def due(self, name: str) -> Due | None:
        """What is to be done next on a sequence; None when it rests."""

    async def work(self, name: str) -> None:
        """Do the next thing. Never raises; what comes after it, and when, ``due`` says."""


class Dispatcher:
    """Starts tasks for whoever has work.

    Args:
        group: where the tasks live.
        slots: how many calls of a lane may run at once.
        monotonic: seconds; decides when a date has come.
    """

    def __init__(
        self,
        group: TaskGroup,
        slots: Callable[[str], int],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._group = group
        self._slots = slots
        self._monotonic = monotonic
        self._workers: dict[str, Worker] = {}
        self._queues: defaultdict[str, FairQueue] = defaultdict(FairQueue)
        self._live: Counter[str] = Counter()
        self._busy: set[Key] = set()
        self._dates: Ranked[Key, float] = Ranked()
        self._dated: dict[Key, str] = {}
        """In whose lane each of them waits for its date."""
        self._waking = False
        self._look_again = anyio.Event()
        self._still = anyio.Event()
        self.stopped = False

    def join(self, worker: Worker) -> None:
        """Take a project on; a worker of the same project is replaced, and what waits is asked of the new one."""
        self._workers[worker.project] = worker

    def leave(self, worker: Worker) -> None:
        """Start nothing more for a project; what runs, ends. Whoever has been replaced meanwhile takes nothing along."""
        if self._workers.get(worker.project) is not worker:
            return
        del self._workers[worker.project]
        for queue in self._queues.values():
            queue.drop(worker.project)
        for key in [key for key in self._dates if key[0] == worker.project]:
            self._forget_date(key)
        self._tell_if_still()

    def busy(self, project: str) -> bool:
        """Whether a task of this project is alive."""
        return any(key[0] == project for key in self._busy)

    @property
    def live(self) -> int:
        """How many tasks are alive."""
        return len(self._busy)

    def queued(self) -> dict[str, int]:
        """How many sequences wait for a slot, by lane."""
        return {lane: len(queue) for lane, queue in self._queues.items()}

    def waiting(self) -> dict[str, int]:
        """How many sequences wait for a slot or for a date, by lane: what a closed gate has sent back too."""
        return dict(Counter(self.queued()) + Counter(self._dated.values()))

    def consider(self, project: str, name: str) -> None:
        """A sequence may have changed: line it up if there is something to do. Cheap, and never wrong to call."""
        if lane := self._line_up((project, name)):
            self._fill(lane)
        self._tell_if_still()

    async def consider_all(self, project: str, names: Iterable[str]) -> None:
        """As ``consider``, of many: work begins on the first while the others are still being lined up."""
        for number, name in enumerate(names, start=1):
            self.consider(project, name)
            if number % CONSIDERED_AT_ONCE == 0:
                waiting = any(map(len, self._queues.values()))
                await (anyio.sleep(BREATH_SECONDS) if waiting else anyio.lowlevel.checkpoint())

    def fill(self) -> None:
        """Use places that have become free because a limit was raised."""
        for lane in list(self._queues):
            self._fill(lane)
        self._tell_if_still()

    async def idle(self) -> None:
        """Wait until nobody works, waits for a slot, or waits for a date."""
        while not self._is_still():
            if self._still.is_set():  # otherwise somebody else may be waiting for this very one
                self._still = anyio.Event()
            await self._still.wait()

    def stop(self) -> None:
        """Begin nothing any more; ``idle`` returns when the living tasks have ended."""
        self.stopped = True
        self._queues.clear()
        self._dates.clear()
        self._dated.clear()
        self._look_again.set()
        self._tell_if_still()

    # -------------------------------------------------------------------------------------------- inside

    def _line_up(self, key: Key) -> str | None:
        """Put a sequence where it belongs: nowhere, on a date, or in the queue of the lane that is returned."""
        worker = self._workers.get(key[0])
        if worker is None or key in self._busy or self.stopped:
            return None  # whoever is at work on it asks again at the end
        due = worker.due(key[1])
        if due is not None and due.after > 0:
            self._wake_at(key, due.after)
            self._dated[key] = due.lane
            return None
        self._forget_date(key)
        if due is None:
            return None
        self._queues[due.lane].put(*key, priority=due.priority, share=worker.share)
        return due.lane

    def _fill(self, lane: str) -> None:
        """Start as many tasks as there are places and sequences in line."""
        while self._live[lane] < self._places(lane) and (key := self._take(lane)):
            self._live[lane] += 1
            self._group.start_soon(self._serve, lane, key)

    def _places(self, lane: str) -> int:
        return LIVE_FOR_A_SLOT * self._slots(lane)

    def _take(self, lane: str) -> Key | None:
        """Whose turn it is; it counts as busy from now on."""
        queue = self._queues[lane]
        while key := queue.pop():
            worker = self._workers.get(key[0])
            due = worker.due(key[1]) if worker is not None else None  # it may have changed while it waited
            if key in self._busy:
                continue
            if due is not None and due.lane == lane and due.after <= 0:
                self._forget_date(key)
                self._busy.add(key)
                return key
            self.consider(*key)
        return None

    async def _serve(self, lane: str, first: Key) -> None:
        """Work on one sequence, then on the next in line: a task for each would cost more than what it does."""
        key: Key | None = first
        try:
            while key is not None:
                worker = self._workers.get(key[0])
                try:
                    if worker is not None and not self.stopped:
                        await worker.work(key[1])
                finally:
                    self._busy.discard(key)
                lanes = {lane, self._line_up(key) or lane}
                key = self._take(lane) if self._live[lane] <= self._places(lane) else None
                for open_lane in lanes:  # another step of the same sequence, or a limit that was raised
                    self._fill(open_lane)
        finally:
            self._live[lane] -= 1
            self._tell_if_still()

    def _wake_at(self, key: Key, seconds: float) -> None:
        date = self._monotonic() + seconds
        self._dates.put(key, date)
        if not self._waking:
            self._waking = True
            self._group.start_soon(self._wake)
        elif self._dates.first() == (date, key):
            self._look_again.set()

    def _forget_date(self, key: Key) -> None:
        self._dated.pop(key, None)
        if self._dates.drop(key):
            self._look_again.set()  # lest a task outlives the work by a date that nobody waits for

    async def _wake(self) -> None:
        """Consider each dated sequence when its time has come; one task for all of them."""
        # Asked anew after every wait: by then it may be withdrawn, or all stopped.
        while first := self._dates.first():
            date, key = first
            seconds = date - self._monotonic()
            if seconds > 0:
                self._look_again = anyio.Event()
                with anyio.move_on_after(seconds):
                    await self._look_again.wait()
                continue
            self._dates.drop(key)
            self._dated.pop(key, None)
            self.consider(*key)
            await anyio.lowlevel.checkpoint()  # a vendor's pause ends for thousands at once
        self._waking = False
        self._tell_if_still()

    def _is_still(self) -> bool:
        return not (self._busy or self._dates or any(self._queues.values()))

    def _tell_if_still(self) -> None:
        if self._is_still():
            self._still.set()
