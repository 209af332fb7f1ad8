"""The console's API: does it answer as its own description says, whatever is asked, and tell what there is?"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import anyio
import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounded
from PIL import Image
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from client_async.console.app import make_app
from client_async.console.board import Board
from client_async.console.books import Books
from client_async.console.guard import Guard
from client_async.console.now import Now, Watch, doing
from client_async.driver_lock import sole_driver
from client_async.ledger import open_store
from client_async.metrics import Metrics
from client_async.ops_port import STALLED_SECONDS, Health, ops_port
from client_async.projects import Place
from client_async.provider_rows import provider_rows
from client_async.step_executor import Load
from starsend.clock import SystemClock
from starsend.config import load_settings
from starsend.vendor_gates import GateState, Hold
from tests.contract.test_execution_store import QUOTE, intent
from tests.unit.daemon_house import BRIEF, DaemonHouse

anyio_test = pytest.mark.anyio
TOKEN = "a-token-of-some-length"
BEARER = {"authorization": f"Bearer {TOKEN}"}


class Office:
    """A console over two projects, one with a paid call under way; asked without a network."""

    def __init__(self, house: DaemonHouse, host: str = "127.0.0.1") -> None:
        self.place = house.project("spring", "SEQ01", "SEQ02", budget={"project": "2", "day": "1"})
        self.idle = house.project("autumn", "OPEN")
        self.board = Board(house.root)
        self.seconds = 0.0
        self.books = Books(monotonic=lambda: self.seconds)
        self.watch = Watch(self.board, self.books, fresh_seconds=0.0)
        self.stopping = anyio.Event()
        guard = Guard(TOKEN, host, ("testserver",))
        self.app: FastAPI = make_app(self.board, guard, self.stopping, self.watch)
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8620")

    def begin(self, key: str = "a", shot: str = "SEQ01_grid") -> None:
        """A call that is about to be sent."""
        place = self.place
        with open_store(place, load_settings(place.root, place.folder), SystemClock()) as store:
            store.intend(intent(key, shot), QUOTE, QUOTE)


@pytest.fixture
async def office(house: DaemonHouse) -> AsyncIterator[Office]:
    made = Office(house)
    made.begin()
    await made.board.look()
    async with made.client:
        yield made


@pytest.fixture
def wide(house: DaemonHouse) -> Iterator[Office]:
    """One that others on the network reach; nobody waits for an open stream's end."""
    made = Office(house, "0.0.0.0")
    made.begin()
    made.stopping.set()
    anyio.run(made.board.look)
    yield made


@pytest.mark.parametrize("token", [True, False])
def test_every_answer_is_as_described(wide: Office, token: bool) -> None:
    """Sensible questions and senseless ones, with the token and without: no fault, no undescribed status, shape or method?"""
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", wide.app, headers=BEARER)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= 10
    statuses = set()
    for operation in operations:
        for mode in GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @bounded(
                max_examples=5,
                derandomize=True,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            def answers_well(case: schemathesis.Case[Any]) -> None:
                answer = case.call_and_validate(
                    headers=BEARER if token else None,
                    # No description can say that `since` is not after `until`.
                    excluded_checks=[positive_data_acceptance],
                )
                statuses.add(answer.status_code)

            if mode is GenerationMode.POSITIVE or [*operation.query, *operation.body]:
                answers_well()
    assert statuses >= ({200, 404} if token else {200, 401})


@anyio_test
async def test_the_description_is_whole(office: Office) -> None:
    """Has every operation a name of its own, a summary, a tag and what the doors say; and does the page list them all?"""
    document = (await office.client.get("/api/openapi.json")).json()
    found = [(path, of) for path, methods in document["paths"].items() for of in methods.values()]
    names = [of["operationId"] for _, of in found]
    assert len(set(names)) == len(names)
    assert {"projects", "sequences", "sequence", "now", "costs", "costs_csv", "events", "metrics"} <= set(
        names
    )
    for path, of in found:
        assert of["summary"] and of["tags"] and "421" in of["responses"], path
        assert ("401" in of["responses"]) == (path not in ("/healthz", "/readyz")), path
    assert set(document["components"]["securitySchemes"]) == {"bearer", "session"}
    for path, methods in document["paths"].items():
        if set(methods) == {"get"}:
            assert (await office.client.delete(path, headers=BEARER)).status_code == 405, path
    page = (await office.client.get("/api")).text
    assert all(path in page for path, _ in found)
    assert "style=" not in page


@anyio_test
async def test_projects_and_sequences_are_told(office: Office) -> None:
    """Lists and one in full: do they agree with the brief, and is the unknown told in words?"""
    get = office.client.get
    assert [(row["project"], row["groups"]) for row in (await get("/api/projects")).json()] == [
        ("autumn", {"exploring": 1}),
        ("spring", {"exploring": 2}),
    ]
    rows = (await get("/api/projects/spring/sequences")).json()
    assert [row["sequence"] for row in rows] == ["SEQ01", "SEQ02"]
    one = (await get("/api/projects/spring/sequences/SEQ02")).json()
    assert (one["row"], one["document"]["prompt"]) == (rows[1], BRIEF["prompt"])
    missing = await get("/api/projects/spring/sequences/SEQ03")
    assert missing.status_code == 404
    assert missing.json()["detail"]["what"] == "unknown sequence 'SEQ03'"
    assert "SEQ02" in missing.json()["detail"]["remedy"]
    wrong = await get("/api/costs?since=yesterday")
    assert (wrong.status_code, "since" in wrong.json()["detail"]["what"]) == (422, True)
    backwards = await get("/api/costs?since=2026-02-01&until=2026-01-01")
    assert (backwards.status_code, backwards.json()["detail"]["what"]) == (422, "since is after until")


# ------------------------------------------------------------------------------------------------------ now


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

    def stands(left: float) -> None:
        gate = GateState("fal", 60, 2, Hold("quota", "429 from <fal>", left, 20.0))
        health.status = {"process": 7, "providers": provider_rows({"fal": load}, {"fal": 1}, [gate])}

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
            assert "one call is being tried now" in (await office.client.get("/now")).text
            assert stream.statistics().current_buffer_used == 1
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


# ------------------------------------------------------------------------------------------------ ops


@anyio_test
async def test_health_is_that_of_the_looks(house: DaemonHouse) -> None:
    """Before the first look, after it, and long after the last one: what is answered, and to whom?"""
    seconds = [0.0]
    office = Office(house, "0.0.0.0")
    office.board.health = Health(lambda: seconds[0])
    get = office.client.get
    assert [(await get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 503]
    await office.board.look()
    assert [(await get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 200]
    seconds[0] = STALLED_SECONDS + 1
    stalled = await get("/healthz")
    assert (stalled.status_code, stalled.json()["status"]) == (503, "stalled")
    assert (await get("/metrics")).status_code == 401
    assert (await get("/metrics", headers=BEARER)).status_code == 200


@anyio_test
async def test_measurements_name_no_client(office: Office) -> None:
    """Known, unknown and refused requests: are they counted by route, with no name that anybody chose?"""
    get = office.client.get
    for path in (
        "/rows/spring/SEQ01",
        "/static/console.css",
        "/nowhere/SEQ99",
        "/api/projects/none/sequences",
    ):
        await get(path)
    (office.place.folder / "media").mkdir()
    Image.new("RGB", (400, 300)).save(office.place.folder / "media" / "x.png")
    for _ in range(2):
        assert (await get("/thumbnail/spring/media/x.png?width=160")).status_code == 200
    await get("/", headers={"host": "evil.example"})
    page = (await get("/metrics")).text
    for line in (
        'starsend_console_requests_total{route="/rows/{project}/{name}",status="200"} 1.0',
        'starsend_console_requests_total{route="/static",status="200"} 1.0',
        'starsend_console_requests_total{route="unknown",status="404"} 1.0',
        'starsend_console_requests_total{route="/api/projects/{project}/sequences",status="404"} 1.0',
        'starsend_console_requests_total{route="refused",status="421"} 1.0',
        'starsend_console_request_seconds_count{route="/rows/{project}/{name}"} 1.0',
        "starsend_console_event_streams 0.0",
        "starsend_console_thumbnails_total 1.0",
        "starsend_console_build_info{",
    ):
        assert line in page, line
    assert "SEQ" not in page
    assert "spring" not in page
    assert json.dumps("evil") not in page


@anyio_test
async def test_the_session_is_for_https_where_the_page_came_by_it(office: Office) -> None:
    """Behind a proxy that speaks TLS: is the cookie never sent in the clear?"""
    for scheme, secure in (("https", True), ("http", False)):
        answer = await office.client.post(f"{scheme}://127.0.0.1:8620/login", data={"token": TOKEN})
        assert ("secure" in answer.headers["set-cookie"].lower()) == secure
