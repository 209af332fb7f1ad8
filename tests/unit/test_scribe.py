"""Do changes of many tasks share commits, each with its own answer; and do threads keep to their limits?"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from client_async.draft import Draft
from client_async.exchange import exchange, rename_if_free
from client_async.scribe import UNHURRIED_SECONDS, Scribe
from client_async.sequence_file import SequenceFile
from client_async.step_executor import STATE, ThreadExecutor
from starsend.errors import UnknownName

pytestmark = pytest.mark.anyio
COUNT = 200
T = TypeVar("T")


@pytest.fixture
def file(tmp_path: Path) -> SequenceFile:
    """A document of many sequences, rendered."""
    brief = {"prompt": "a harbour", "shots": [{"prompt": "boats", "seconds": 3}]}
    path = tmp_path / "sequences.json"
    path.write_text(json.dumps({"sequences": {f"SEQ{n:03}": brief for n in range(COUNT)}}))
    file = SequenceFile(path)
    file.take_in()
    file.render()
    return file


def executor() -> ThreadExecutor:
    return ThreadExecutor({"vendor": 3}, usual=2)


async def test_changes_that_come_together_are_all_kept_in_a_few_commits(file: SequenceFile) -> None:
    """Two hundred changes at once: does each get its own answer, and do they share commits?"""
    commits = 0
    answers: dict[str, str] = {}

    class Counted(ThreadExecutor):
        async def run(self, lane: str, work: Callable[[], T]) -> T:
            nonlocal commits
            commits += lane == STATE
            return await super().run(lane, work)

    async with anyio.create_task_group() as group:
        scribe = Scribe(file, Counted({}, usual=2), group)

        async def change(name: str) -> None:
            def edit(draft: Draft) -> str:
                draft[name]["status"] = f"said of {name}"
                return name.lower()

            answers[name] = await scribe.change(edit)

        async with anyio.create_task_group() as many:
            for name in file.names():
                many.start_soon(change, name)
        group.cancel_scope.cancel()
    assert answers == {name: name.lower() for name in file.names()}
    assert all(file.peek(name)["status"] == f"said of {name}" for name in file.names())
    assert commits < COUNT / 10


async def test_a_change_that_is_refused_holds_up_no_other(file: SequenceFile) -> None:
    """Is an error its own change's alone, and is nothing of that one kept?"""
    async with anyio.create_task_group() as group:
        scribe = Scribe(file, executor(), group)

        def refused(draft: Draft) -> None:
            draft["SEQ001"]["status"] = "half"
            draft["NOBODY"]["status"] = "half"

        async def wrong() -> None:
            with pytest.raises(UnknownName):
                await scribe.change(refused)

        async with anyio.create_task_group() as many:
            many.start_soon(wrong)
            many.start_soon(scribe.change, lambda draft: draft["SEQ002"].update(status="whole"))
            many.start_soon(wrong)
        group.cancel_scope.cancel()
    assert "status" not in file.peek("SEQ001")
    assert file.peek("SEQ002")["status"] == "whole"


async def test_a_change_is_made_though_nobody_waits_for_it_any_more(file: SequenceFile) -> None:
    """Is what was asked for kept, in the journal too, when whoever asked is cancelled at once?"""
    async with anyio.create_task_group() as group:
        scribe = Scribe(file, executor(), group)
        async with anyio.create_task_group() as asker:
            asker.start_soon(scribe.change, lambda draft: draft["SEQ001"].update(status="kept"))
            await anyio.lowlevel.checkpoint()
            asker.cancel_scope.cancel()
        group.cancel_scope.cancel()
    assert SequenceFile(file.path).read()["sequences"]["SEQ001"]["status"] == "kept"


class Watched(ThreadExecutor):
    """Says when a render has come to its end, and counts them."""

    def __init__(self, file: SequenceFile) -> None:
        super().__init__({}, usual=2)
        self._render = file.render
        self.rendered = anyio.Event()
        self.renders = 0

    async def run(self, lane: str, work: Callable[[], T]) -> T:
        try:
            return await super().run(lane, work)
        finally:
            if work == self._render:
                self.renders += 1
                self.rendered.set()
                self.rendered = anyio.Event()


async def test_the_face_follows_what_is_kept(file: SequenceFile) -> None:
    """Is a change that a person waits for on the face without another call?"""
    async with anyio.create_task_group() as group:
        threads = Watched(file)
        scribe = Scribe(file, threads, group)
        await scribe.change(lambda draft: draft["SEQ001"].update(status="shown"), at_once=True)
        with anyio.fail_after(60):
            await threads.rendered.wait()
        group.cancel_scope.cancel()
    assert json.loads(file.path.read_text())["sequences"]["SEQ001"]["status"] == "shown"


async def test_a_limit_holds_though_waiters_are_cancelled() -> None:
    """Whoever stops waiting for a paid call must not let another begin in its place: it still runs."""
    threads = executor()
    running, most, gate = 0, 0, threading.Event()
    lock, begun = threading.Lock(), threading.Semaphore(0)

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        begun.release()
        gate.wait(10)
        with lock:
            running -= 1

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(threads.run, "vendor", work)
        await anyio.to_thread.run_sync(lambda: [begun.acquire(timeout=10) for _ in range(3)])
        async with anyio.create_task_group() as others:
            for _ in range(5):
                others.start_soon(threads.run, "vendor", work)
            await anyio.lowlevel.checkpoint()
            others.cancel_scope.cancel()
        gate.set()
    assert most == 3
    threads.resize({"vendor": 5})
    assert threads.slots("vendor") == 5
    assert threads.slots("somebody else") == 2


def test_names_change_hands_or_nothing_happens(tmp_path: Path) -> None:
    """Does an exchange lose neither file, and is a file in the way never replaced?"""
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    with pytest.raises(FileNotFoundError):
        exchange(one, other)
    other.write_text("2")
    exchange(one, other)
    assert (one.read_text(), other.read_text()) == ("2", "1")
    with pytest.raises(FileExistsError):
        rename_if_free(one, other)
    assert (one.read_text(), other.read_text()) == ("2", "1")
    rename_if_free(one, tmp_path / "free")
    assert (tmp_path / "free").read_text() == "2"


async def test_a_folder_that_is_none_of_ours_stops_no_work(file: SequenceFile) -> None:
    """Something that no error of ours describes keeps the face from being written: is what was changed kept, and shown later?"""
    obstacle = file.path.with_name(".displaced")
    for left in obstacle.iterdir():
        left.unlink()
    obstacle.rmdir()
    obstacle.write_text("a file where a folder belongs")
    async with anyio.create_task_group() as group:
        scribe = Scribe(file, executor(), group)
        await scribe.change(lambda draft: draft["SEQ001"].update(status="kept"), at_once=True)
        assert not await scribe.render()
        assert file.peek("SEQ001")["status"] == "kept"
        obstacle.unlink()
        assert await scribe.render()
        scribe.stop()
    assert json.loads(file.path.read_text())["sequences"]["SEQ001"]["status"] == "kept"


async def test_a_face_that_cannot_be_written_is_tried_again_with_pauses(file: SequenceFile) -> None:
    """Many changes that people wait for, while the file is broken: does one timer try it, with a pause after each failure?"""
    file.path.write_text("{")
    time = 0.0
    threads = Watched(file)
    async with anyio.create_task_group() as group:
        scribe = Scribe(file, threads, group, monotonic=lambda: time)
        for number in range(40):
            first = threads.rendered
            await scribe.change(
                lambda draft, number=number: draft["SEQ001"].update(status=f"{number}"),  # type: ignore[misc]
                at_once=True,
            )
            if number == 0:
                with anyio.fail_after(60):
                    await first.wait()
        assert threads.renders == 1
        assert len(asyncio.all_tasks()) <= 3, "the test, the timer, and a commit that ends"
        time += UNHURRIED_SECONDS
        file.path.unlink()
        second = threads.rendered
        await scribe.change(lambda draft: draft["SEQ001"].update(status="at last"), at_once=True)
        with anyio.fail_after(60):
            await second.wait()
        assert threads.renders == 2
        scribe.stop()
