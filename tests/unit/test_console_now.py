"""What the console says runs now: is it what the ledgers and the daemon say, and no dearer than it need be?"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import anyio
import pytest

from client_async.console.books import Books
from client_async.console.now import Now, Watch, doing
from client_async.daemon_view import SCHEMA
from client_async.driver_lock import sole_driver
from client_async.ledger import open_store
from client_async.metrics import Metrics
from client_async.ops_port import Health, ops_port
from client_async.projects import Place
from client_async.provider_rows import provider_rows
from client_async.step_executor import Load
from starsend.clock import SystemClock
from starsend.config import load_settings
from starsend.vendor_gates import GateState, Hold
from tests.contract.test_execution_store import QUOTE, intent
from tests.unit.daemon_house import DaemonHouse
from tests.unit.office import Office, office

__all__ = ["office"]

anyio_test = pytest.mark.anyio


@anyio_test
async def test_what_runs_now_is_told_with_its_words(office: Office) -> None:
    """A call that nobody works on, then one that somebody does; caps with what is reserved; no daemon: is it all said?"""
    now = (await office.client.get("/api/now")).json()
    (step,) = now["steps"]
    assert (step["sequence"], step["shot"], step["progress"]) == ("S", "SEQ01_grid", "left")
    caps = {row["cap"]: (row["limit"], row["spent"], row["reserved"]) for row in now["caps"]}
    assert caps["project"] == ("2.000000", "0.000000", "0.050400")
    assert set(caps) == {"project", "day"}
    place = office.place
    settings = load_settings(place.root, place.folder)
    with open_store(place, settings, SystemClock()) as store, store.hold("S_grid", threading.Event()):
        store.intend(intent("b", "S_grid", 2), QUOTE, QUOTE)
        found = await office.watch.look()
        assert [(one.step, one.doing, one.progress) for one in found.steps][:1] == [
            ("b", "drawing a grid", "running")
        ]
    text = (await office.client.get("/now")).text
    assert "No daemon runs" in text
    assert "$0.00 of $2.00, $0.1008 reserved" in text
    assert "style=" not in text


@anyio_test
async def test_whoever_watches_hears_that_money_moved(office: Office) -> None:
    """A call that another process begins: is it told once, and nothing where nothing happened?"""
    await office.watch.look()
    with office.board.watching() as stream:
        await office.watch.look()
        assert stream.statistics().current_buffer_used == 0
        office.begin("b", "SEQ02_grid")
        await office.watch.look()
        assert stream.receive_nowait().project == ""
        await office.watch.look()
        assert stream.statistics().current_buffer_used == 0


@anyio_test
async def test_a_provider_that_takes_no_calls_says_why_and_until_when(office: Office) -> None:
    """As a daemon's port tells it: is it in words, with the time of the next try, and is a wavering second no news?"""
    health, load = Health(), Load(at_once=4, in_flight=0, waiting=3)

    def stands(left: float, *, ahead: bool = False) -> None:
        gate = GateState("fal", 60, 2, Hold("quota", "429 from <fal>", left, 20.0, ahead))
        rows = provider_rows({"fal": load}, {"fal": 1}, [gate])
        health.status = {"schema": SCHEMA, "process": 7, "providers": rows}

    stands(12.0)
    with ops_port("127.0.0.1", 0, Metrics(), health) as address, sole_driver(office.place, "daemon", address):
        (row,) = (await office.watch.look()).providers
        assert (row.waiting, row.process, row.hold and row.hold.words) == (4, 7, "its quota is used up")
        assert row.hold and row.hold.next_try
        assert 5 < (row.hold.next_try - SystemClock().now()).total_seconds() <= 12
        text = (await office.client.get("/now")).text
        assert "takes no calls: its quota is used up (429 from &lt;fal&gt;); next try" in text
        assert "2 of 60 sent within a minute" in text
        with office.board.watching() as stream:
            stands(11.0)
            await office.watch.look()
            assert stream.statistics().current_buffer_used == 0
            stands(0.0)
            assert "the next call is tried alone" in (await office.client.get("/now")).text
            stands(0.0, ahead=True)
            assert "one call is being tried now" in (await office.client.get("/now")).text
            assert stream.statistics().current_buffer_used == 2
    with sole_driver(office.place, "daemon", "127.0.0.1:1"):
        assert "1 of 1 daemons cannot be asked from here" in (await office.client.get("/now")).text


@anyio_test
async def test_one_look_serves_all_who_ask_at_once(office: Office) -> None:
    """Two hundred pages that are told of a change in one moment: is it looked at once for all of them?"""
    watch = Watch(office.board, office.books, fresh_seconds=60.0)
    answers: list[Now] = []

    async def ask() -> None:
        answers.append(await watch.now())

    async with anyio.create_task_group() as group:
        for _ in range(200):
            group.start_soon(ask)
    assert len(answers) == 200
    assert all(answer is answers[0] for answer in answers)


def test_a_ledger_is_read_only_where_it_has_changed(house: DaemonHouse) -> None:
    """Asked again and again: is what was read before given, and read anew after a call, an edit of the caps, and a while?"""
    office = Office(house)
    books = office.books
    office.place.file.take_in()
    assert books.standing(office.place).caps[0]["reserved"] == "0.000000"
    office.begin()
    first = books.standing(office.place)
    assert [step.shot_id for step in first.steps] == ["SEQ01_grid"]
    assert books.standing(office.place) is first
    costs = books.costs(office.place)
    assert books.costs(office.place) is costs
    office.begin("b")
    assert len(books.standing(office.place).steps) == 2
    assert books.costs(office.place).total.calls == costs.total.calls + 1
    (office.place.folder / "starsend_config.json").write_text('{"budget": {"project": "7"}}')
    again = books.standing(office.place)
    assert [row["limit"] for row in again.caps] == ["7.000000"]
    office.seconds = 60.0
    assert books.standing(office.place) is not again, "whoever works on it may have been killed"
    (office.place.folder / "starsend_config.json").write_text('{"budgets": {}}')
    assert "budgets" in books.standing(office.place).trouble


def test_five_hundred_idle_projects_cost_next_to_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each look at one that has not changed: is it a few system calls, not a query?"""
    house = DaemonHouse(tmp_path_factory.mktemp("many"))
    office = Office(house)
    office.begin()
    books, places = Books(), [office.idle, Place(house.root, "spring")] * 250
    for place in places:
        books.standing(place)
    begun = time.thread_time()
    for place in places:
        books.standing(place)
    assert time.thread_time() - begun < 0.25, "measured: 0.01 s"


def test_each_call_is_named_for_what_it_is_for(office_words: dict[str, str]) -> None:
    """Grid, single cell, start frame, take: does each have its words?"""
    assert office_words == {
        "S_grid": "drawing a grid",
        "S_grid_c3": "drawing cell 3 by itself",
        "S_frame": "drawing a start frame",
        "S": "making a take",
    }


@pytest.fixture
def office_words(house: DaemonHouse) -> dict[str, str]:
    place = house.project()
    with open_store(place, load_settings(place.root, place.folder), SystemClock()) as store:
        for number, shot in enumerate(("S_grid", "S_grid_c3", "S_frame", "S")):
            asked = intent(str(number), shot)
            store.intend(asked, QUOTE, QUOTE)
        steps = {step.shot_id: step for step in store.open_steps()}
    words = {shot: doing(step) for shot, step in steps.items() if shot != "S"}
    return {**words, "S": doing(replace(steps["S"], kind="multi_shot"))}
