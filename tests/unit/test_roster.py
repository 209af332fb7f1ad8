"""Are projects taken on, told of changes and given back, whatever comes while they are being opened?"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from client_async import leftover_rounds
from client_async.dispatcher import Dispatcher
from client_async.events import Event, ProjectClosed, ProjectOpened
from client_async.roster import Roster
from client_async.step_executor import ThreadExecutor
from tests.unit.daemon_house import DaemonHouse

pytestmark = pytest.mark.anyio
T = TypeVar("T")


@pytest.fixture(autouse=True)
def _looks_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that is opened looks for leftovers until there are none; all that is told is told by then."""
    monkeypatch.setattr(leftover_rounds, "COLLECT_SECONDS", 0.05)


class Meanwhile(ThreadExecutor):
    """The real one; when its first piece of work, the opening, has been done, something else happens."""

    def __init__(self) -> None:
        super().__init__({}, usual=0)
        self.then: Callable[[], None] | None = None

    async def run(self, lane: str, work: Callable[[], T]) -> T:
        value = await super().run(lane, work)
        if (then := self.then) is not None:
            self.then = None
            then()
        return value


async def opened(house: DaemonHouse, meanwhile: Callable[[Roster], None]) -> tuple[list[Event], Roster]:
    """What was told by the time that the project named ``job`` was open and all hints were answered."""
    told: list[Event] = []
    first = anyio.Event()
    executor = Meanwhile()

    def emit(event: Event) -> None:
        told.append(event)
        first.set()

    async with anyio.create_task_group() as group:
        roster = Roster(
            house.root,
            address="",
            executor=executor,
            dispatcher=Dispatcher(group, executor.slots),
            group=group,
            emit=emit,
            stop=threading.Event(),
        )
        executor.then = lambda: meanwhile(roster)
        roster.touched("job", "appeared")
        await first.wait()
    return told, roster


async def test_settings_that_are_saved_while_a_project_is_opened_hold(house: DaemonHouse) -> None:
    """They were read a moment before: is the project told?"""
    place = house.project("job", share=1)

    def save(roster: Roster) -> None:
        (place.folder / "starsend_config.json").write_text(json.dumps({"share": 7}))
        roster.touched("job", "config")

    told, roster = await opened(house, save)
    assert told[0] == ProjectOpened("job")
    assert roster.projects["job"].desk.share == 7
    await roster.close()


async def test_a_project_that_goes_while_it_is_opened_is_given_back(
    house: DaemonHouse, tmp_path: Path
) -> None:
    """Its folder is gone before it was ready: is it let go of again?"""
    place = house.project("job")

    def remove(roster: Roster) -> None:
        place.folder.rename(tmp_path / "elsewhere")
        roster.touched("job", "removed")

    told, roster = await opened(house, remove)
    assert told == [ProjectOpened("job"), ProjectClosed("job")]
    assert not roster.projects
