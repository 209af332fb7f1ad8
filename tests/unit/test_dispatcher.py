"""Is work given out one task a sequence, as many as there are slots for, and fairly?"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import anyio
import pytest
from anyio.abc import TaskGroup

from client_async.dispatcher import LIVE_FOR_A_SLOT, Dispatcher, Due
from client_async.fair_queue import SPARE, FairQueue, Ranked

pytestmark = pytest.mark.anyio

HOUR = 3600.0
SOON = 0.01
PATIENCE = 60.0
"""Whoever has not come by then hangs."""


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
        made.cancel_scope.cancel()  # a test that failed leaves tasks that wait for it


def project(name: str, count: int, log: list[str], steps: int = 1) -> Project:
    return Project(name, {f"S{n}": steps for n in range(count)}, log, Counter())


async def test_every_step_is_done_once_and_never_two_of_one_sequence(group: TaskGroup) -> None:
    """However often it is asked to consider: is each step done, and no more tasks alive than there are places?"""
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
    assert (dispatcher.queued(), dispatcher.waiting()) == ({}, {"vendor": 200})
    job.after = {}
    await dispatcher.idle()
    assert (len(log), dispatcher.waiting()) == (200, {})


async def test_a_date_that_is_withdrawn_harms_nobody(group: TaskGroup) -> None:
    """Somebody takes a pick back before it settles: does the others' date come all the same, and his is passed over?"""
    log: list[str] = []
    now = [0.0]
    job = project("job", 3, log)
    job.after = {"S0": SOON, "S1": SOON, "S2": 2 * SOON}
    dispatcher = Dispatcher(group, lambda _lane: 4, monotonic=lambda: now[0])
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    await anyio.lowlevel.checkpoint()  # it waits for the first date
    job.steps["S0"], job.after = 0, {}
    dispatcher.consider("job", "S0")  # nothing to do any more
    dispatcher.consider("job", "S1")  # to be done at once
    now[0] = 1.0
    with anyio.fail_after(PATIENCE):
        await dispatcher.idle()
    assert sorted(log) == ["job/S1", "job/S2"]


@pytest.mark.parametrize("passes", range(6))
@pytest.mark.parametrize("stopped", [False, True])
async def test_the_moment_a_date_comes_is_no_special_one(
    group: TaskGroup, passes: int, stopped: bool
) -> None:
    """A date comes while it is being withdrawn, or all is stopped, some passes of the loop later: is that survived?"""
    log: list[str] = []
    now = [0.0]
    job = project("job", 2, log)
    job.after = {"S0": SOON, "S1": HOUR}
    dispatcher = Dispatcher(group, lambda _lane: 4, monotonic=lambda: now[0])
    dispatcher.join(job)
    dispatcher.consider("job", "S0")
    now[0] = 1.0
    for _ in range(passes):
        await anyio.lowlevel.checkpoint()
    if stopped:
        dispatcher.stop()
    else:
        job.after = {}
        dispatcher.consider("job", "S0")
    with anyio.fail_after(PATIENCE):
        await dispatcher.idle()
    assert log == ([] if stopped else ["job/S0"])


async def test_nobody_waits_for_a_date_that_was_withdrawn() -> None:
    """The only date is an hour off and withdrawn, or its project leaves: is it idle then, and no task left behind?"""
    job = project("job", 1, [])
    for leaves in (False, True):
        job.after, job.steps = {"S0": HOUR}, {"S0": 1}
        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                dispatcher = Dispatcher(group, lambda _lane: 4)
                dispatcher.join(job)
                dispatcher.consider("job", "S0")
                group.start_soon(dispatcher.idle)
                group.start_soon(dispatcher.idle)  # one who waits must not take it from another
                await anyio.wait_all_tasks_blocked()
                if leaves:
                    dispatcher.leave(job)
                else:
                    job.steps = {}
                    dispatcher.consider("job", "S0")


async def test_a_date_that_stands_is_waited_for(group: TaskGroup) -> None:
    """One date is withdrawn and another put off: is it not idle before the latter has come?"""
    log: list[str] = []
    now = [0.0]
    job = project("job", 2, log)
    job.after = {"S0": SOON, "S1": SOON}
    dispatcher = Dispatcher(group, lambda _lane: 4, monotonic=lambda: now[0])
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    job.steps["S0"], job.after = 0, {"S1": HOUR}
    for name in job.steps:
        dispatcher.consider("job", name)
    with anyio.move_on_after(5 * SOON) as early:
        await dispatcher.idle()
    assert (early.cancelled_caught, log) == (True, [])
    job.after, now[0] = {}, HOUR
    dispatcher.consider("job", "S1")
    await dispatcher.idle()
    assert log == ["job/S1"]


async def test_whoever_was_replaced_takes_nothing_along(group: TaskGroup) -> None:
    """A project is opened anew before the old one is closed: does the new one stay, and what waits for it?"""
    log: list[str] = []
    old, new = project("job", 3, []), project("job", 3, log)
    slots = {"vendor": 0}
    dispatcher = Dispatcher(group, slots.__getitem__)
    dispatcher.join(old)
    for name in old.steps:
        dispatcher.consider("job", name)
    dispatcher.join(new)
    dispatcher.leave(old)
    assert dispatcher.queued() == {"vendor": 3}
    slots["vendor"] = 1
    dispatcher.consider("job", "S0")
    await dispatcher.idle()
    assert len(log) == 3
    dispatcher.leave(new)
    new.steps = {"S0": 1}
    dispatcher.consider("job", "S0")
    assert dispatcher.queued() == {"vendor": 0}


async def test_a_project_that_leaves_is_waited_for_by_nobody(group: TaskGroup) -> None:
    """It waits for a slot that never comes, and leaves: is it idle then?"""
    job = project("job", 3, [])
    dispatcher = Dispatcher(group, lambda _lane: 0)
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    group.start_soon(dispatcher.idle)
    await anyio.wait_all_tasks_blocked()
    dispatcher.leave(job)
    with anyio.fail_after(PATIENCE):
        await dispatcher.idle()


async def test_stopped_it_begins_nothing_and_lets_the_living_end(group: TaskGroup) -> None:
    """Are those that run let home, and those that wait left?"""
    log: list[str] = []
    job = project("job", 50, log)
    job.gate = anyio.Event()
    dispatcher = Dispatcher(group, lambda _lane: 4)
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    await anyio.wait_all_tasks_blocked()
    dispatcher.stop()
    assert dispatcher.live == 8
    job.gate.set()
    await dispatcher.idle()
    assert len(log) == 8


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


async def test_a_raised_limit_is_used_before_anybody_ends(group: TaskGroup) -> None:
    """When all that run take long and a limit is raised: do others begin when it is told so?"""
    job = project("job", 50, [])
    job.gate = anyio.Event()
    slots = {"vendor": 1}
    dispatcher = Dispatcher(group, slots.__getitem__)
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    slots["vendor"] = 10
    dispatcher.fill()
    assert (dispatcher.live, dispatcher.queued()) == (20, {"vendor": 30})
    job.gate.set()
    await dispatcher.idle()
    assert job.most == 20


async def test_whoever_is_raised_in_line_is_served_next(group: TaskGroup) -> None:
    """Of 200 in line one gets a higher priority: is it the next to be begun?"""
    log: list[str] = []
    job = project("job", 200, log)
    dispatcher = Dispatcher(group, lambda _lane: 1)
    dispatcher.join(job)
    for name in job.steps:
        dispatcher.consider("job", name)
    job.priority = {"S199": 100}
    dispatcher.consider("job", "S199")
    await dispatcher.idle()
    assert log[:4] == ["job/S0", "job/S1", "job/S199", "job/S2"]
    assert len(log) == 200


def test_priority_counts_within_a_project_and_shares_between_them() -> None:
    """Is the higher priority first, then who came first; and does a share of two mean two turns?"""
    queue = FairQueue()
    for name, priority in (("a", 0), ("b", 5), ("c", 5), ("d", -1)):
        queue.put("one", name, priority=priority, share=2)
        queue.put("two", name)
    queue.put("one", "a", priority=0, share=2)  # waits already: keeps its place
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


def test_another_priority_is_another_place_in_line() -> None:
    """Those who wait are raised, lowered, and put back: is each served once, where it belongs, and counted once?"""
    queue = FairQueue()
    for name in "abcde":
        queue.put("one", name)
    for name, priority in (("d", 5), ("a", -1), ("b", 7), ("b", 0), ("e", 5)):
        queue.put("one", name, priority=priority)
        assert len(queue) == 5
    served = [queue.pop() for _ in range(5)]
    assert [name for _, name in filter(None, served)] == ["d", "e", "b", "c", "a"]
    assert (len(queue), queue.pop()) == (0, None)
    queue.put("one", "a", priority=-1)
    assert (queue.pop(), queue.pop()) == (("one", "a"), None)


def test_changing_ranks_takes_no_memory() -> None:
    """Ten thousand changes of mind about three: does the heap stay small, and right?"""
    ranked: Ranked[str, float] = Ranked()
    for number in range(10_000):
        ranked.put("abc"[number % 3], float(-number))
    assert ranked.entries <= 2 * len(ranked) + SPARE
    assert (len(ranked), ranked.first()) == (3, (-9999.0, "a"))
    assert ranked.drop("a")
    assert not ranked.drop("a")
    assert ranked.first() == (-9998.0, "c")
