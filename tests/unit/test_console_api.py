"""The console's API: does it answer as its own description says, whatever is asked, and tell what there is?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounded
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from client_async.metrics import Metrics
from client_async.ops_port import STALLED_SECONDS, Health, ops_port
from tests.unit.daemon_house import BRIEF, DaemonHouse
from tests.unit.office import BEARER, TOKEN, Office, office

__all__ = ["office"]

anyio_test = pytest.mark.anyio


@pytest.fixture
def wide(house: DaemonHouse) -> Iterator[Office]:
    """One that others on the network reach; nobody waits for an open stream's end."""
    made = Office(house, "0.0.0.0")
    made.board.health = Health(lambda: 0.0)  # a machine that is slow to ask all is not stalled
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
        open_to_all = path in ("/healthz", "/readyz") or path.startswith("/c/")
        assert ("401" in of["responses"]) != open_to_all, path
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


def test_the_daemons_measurements_are_for_no_other_site() -> None:
    """Its port asked for under a name that somebody has pointed at this machine: does a browser get to read what is spent?"""
    with ops_port("127.0.0.1", 0, Metrics(), Health()) as address:
        port = address.rpartition(":")[2]
        for host, status in (
            (address, 200),
            ("127.0.0.1", 200),
            (f"localhost:{port}", 200),
            (f"[::1]:{port}", 200),
            (f"evil.example:{port}", 421),
            (f"127.0.0.1.evil.example:{port}", 421),
        ):
            for path in ("/metrics", "/status", "/healthz"):
                answer = httpx.get(f"http://{address}{path}", headers={"host": host}, trust_env=False)
                assert answer.status_code == status, (host, path)


@anyio_test
async def test_measurements_name_no_client(office: Office) -> None:
    """Known, unknown and refused requests: are they counted by route, with no name that anybody chose?"""
    get = office.client.get
    for path in (
        "/rows/spring?only=SEQ01",
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
        'starsend_console_requests_total{route="/rows/{project}",status="200"} 1.0',
        'starsend_console_requests_total{route="/static",status="200"} 1.0',
        'starsend_console_requests_total{route="unknown",status="404"} 1.0',
        'starsend_console_requests_total{route="/api/projects/{project}/sequences",status="404"} 1.0',
        'starsend_console_requests_total{route="refused",status="421"} 1.0',
        'starsend_console_request_seconds_count{route="/rows/{project}"} 1.0',
        "starsend_console_event_streams 0.0",
        "starsend_console_thumbnails_total 1.0",
        "starsend_console_build_info{",
    ):
        assert line in page, line
    assert "SEQ" not in page
    assert "spring" not in page
    assert json.dumps("evil") not in page


@anyio_test
async def test_measurements_are_what_prometheus_takes_them_for(office: Office) -> None:
    """By its own parser, twice: is each of its kind and in words, does no counter fall, and is no label anybody's choice?"""
    client = office.client
    templates = {"unknown", "refused", "/static"}
    rooms = [getattr(room, "original_router", None) for room in office.app.routes]
    for route in (*office.app.routes, *(route for room in rooms if room for route in room.routes)):
        templates.add(getattr(route, "path", ""))
    seen: list[dict[tuple[str, tuple[tuple[str, str], ...]], float]] = []
    for _ in range(2):
        for path in ("/", "/rows/spring", "/review/spring/SEQ01", f"/nowhere/{len(seen)}", "/c/x/"):
            await client.get(path)
        await client.request("BREW", "/login", headers=BEARER)
        await client.head("/media/spring/media/x.png", headers={"host": "evil.example"})
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        families = {family.name: family for family in text_string_to_metric_families(answer.text)}
        assert families["starsend_console_requests"].type == "counter"
        assert families["starsend_console_request_seconds"].type == "histogram"
        assert families["process_open_fds"].type == "gauge"
        assert all(family.documentation and family.type != "unknown" for family in families.values())
        samples = [sample for family in families.values() for sample in family.samples]
        assert {name for sample in samples for name in sample.labels} == {"route", "status", "le", "version"}
        assert {sample.labels["route"] for sample in samples if "route" in sample.labels} <= templates
        rising = [f for f in families.values() if f.type in ("counter", "histogram")]
        seen.append({(s.name, tuple(sorted(s.labels.items()))): s.value for f in rising for s in f.samples})
    first, second = seen
    assert first.keys() <= second.keys()
    assert all(second[key] >= value for key, value in first.items())
    unknown = ("starsend_console_requests_total", (("route", "unknown"), ("status", "404")))
    assert (first[unknown], second[unknown]) == (1, 2)


@anyio_test
async def test_the_session_is_for_https_where_the_page_came_by_it(office: Office) -> None:
    """Behind a proxy that speaks TLS: is the cookie never sent in the clear?"""
    for scheme, secure in (("https", True), ("http", False)):
        answer = await office.client.post(f"{scheme}://127.0.0.1:8620/login", data={"token": TOKEN})
        assert ("secure" in answer.headers["set-cookie"].lower()) == secure
