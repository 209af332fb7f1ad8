"""Is work given out one task a sequence, as many as there are slots for, and fairly?"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.abc import TaskGroup

from client_async.dispatcher import LIVE_FOR_A_SLOT, Dispatcher, Due
from client_async.fair_queue import FairQueue

pytestmark = pytest.mark.anyio


class Project:
    """A project whose sequences need some steps each; it notes who was worked on, in order, and how many at once."""

    share = 1

    def __init__(self, project: str, steps: dict[str, int], log: list[str], live: Counter[str]) -> None:
        self.project = project
        self.steps = dict(steps)
        self.priority: dict[str, int] = {}
        self.after: dict[str, float] = {}
        self.log = log
        self.live = live
        self.most = 0
        self.gate: anyio.Event | None = None

    def due(self, name: str) -> Due | None:
        if not self.steps.get(name):
            return None
        return Due("vendor", self.priority.get(name, 0), self.after.get(name, 0.0))

    async def work(self, name: str) -> None:
        self.log.append(f"{self.project}/{name}")
        self.live[name] += 1
        assert self.live[name] == 1, "one task a sequence"
        self.most = max(self.most, sum(self.live.values()))
        if self.gate is not None:
            await self.gate.wait()
        await anyio.lowlevel.checkpoint()
        self.live[name] -= 1
        self.steps[name] -= 1


@pytest.fixture
async def group() -> AsyncIterator[TaskGroup]:
    async with anyio.create_task_group() as made:
        yield made


def project(name: str, count: int, log: list[str], steps: int = 1) -> Project:
    return Project(name, {f"S{n}": steps for n in range(count)}, log, Counter())


async def test_every_step_is_done_once_and_never_two_of_one_sequence(group: TaskGroup) -> None:
    """However often it is asked to consider: is each step done, and no more tasks alive than twice the slots?"""
    log: list[str] = []
    job = project("job", 50, log, steps=3)
    dispatcher = Dispatcher(group, lambda _lane: 4)
    dispatcher.join(job)
    for _ in range(3):
        for name in job.steps:
            dispatcher.consider("job", name)
    await dispatcher.idle()
    assert Counter(log) == {f"job/S{n}": 3 for n in range(50)}
    assert job.most == 4 * LIVE_FOR_A_SLOT


async def test_a_large_project_does_not_starve_a_small_one(group: TaskGroup) -> None:
    """Of 5,000 and 3: are the three served within their turns?"""
    log: list[str] = []
    large, small = project("large", 5000, log), project("small", 3, log)
    dispatcher = Dispatcher(group, lambda _lane: 2)
    for job in (large, small):
        dispatcher.join(job)
        for name in job.steps:
            dispatcher.consider(job.project, name)
    await dispatcher.idle()
    assert max(log.index(f"small/S{n}") for n in range(3)) < 12
    assert len(log) == 5003


async def test_those_that_wait_cost_no_task(group: TaskGroup) -> None:
    """Ten thousand sequences at rest: does none of them live as a task?"""
    job = project("job", 10_000, [], steps=0)
    dispatcher = Dispatcher(group, lambda _lane: 4)
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    await dispatcher.idle()
    assert (dispatcher.live, dispatcher.queued()) == (0, {})


async def test_a_date_is_waited_for_without_a_task(group: TaskGroup) -> None:
    """Is a sequence that may only go on later left until then, and then done?"""
    log: list[str] = []
    job = project("job", 200, log)
    job.after = dict.fromkeys(job.steps, 0.05)
    dispatcher = Dispatcher(group, lambda _lane: 4)
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    assert (dispatcher.live, log) == (0, [])
    job.after = {}
    await dispatcher.idle()
    assert len(log) == 200


async def test_stopped_it_begins_nothing_and_lets_the_living_end(group: TaskGroup) -> None:
    """Are those that run let home, and those that wait left?"""
    log: list[str] = []
    job = project("job", 50, log)
    job.gate = anyio.Event()
    dispatcher = Dispatcher(group, lambda _lane: 2)
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    await anyio.wait_all_tasks_blocked()
    dispatcher.stop()
    assert dispatcher.live == 4
    job.gate.set()
    await dispatcher.idle()
    assert len(log) == 4


async def test_more_slots_are_used_at_once(group: TaskGroup) -> None:
    """When a limit is raised while it runs: does the next one that ends bring the others?"""
    log: list[str] = []
    job = project("job", 50, log, steps=2)
    slots = {"vendor": 1}
    dispatcher = Dispatcher(group, slots.__getitem__)
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    slots["vendor"] = 10
    await dispatcher.idle()
    assert job.most == 20


def test_priority_counts_within_a_project_and_shares_between_them() -> None:
    """Is the higher priority first, then who came first; and does a share of two mean two turns?"""
    queue = FairQueue()
    for name, priority in (("a", 0), ("b", 5), ("c", 5), ("d", -1)):
        queue.put("one", name, priority=priority, share=2)
        queue.put("two", name)
    queue.put("one", "a", priority=100, share=2)  # waits already: keeps its place
    served = [queue.pop() for _ in range(len(queue))]
    assert queue.pop() is None
    assert [name for project, name in filter(None, served) if project == "one"] == ["b", "c", "a", "d"]
    assert [project for project, _ in filter(None, served)] == [
        "one",
        "one",
        "two",
        "one",
        "one",
        "two",
        "two",
        "two",
    ]
