"""The way in: back to the page that was wanted and to no other host, by every name and method that should lead there."""

from __future__ import annotations

from urllib.parse import quote

import anyio
import httpx
import pytest
from PIL import Image

from client_async.console.onward import local
from tests.unit.daemon_house import DaemonHouse
from tests.unit.test_console_doors import TOKEN, Site, site, wide

__all__ = ["site", "wide"]

pytestmark = pytest.mark.anyio
BEARER = {"authorization": f"Bearer {TOKEN}"}
PAGE = {"accept": "text/html"}
WANTED = "/review/spring/SEQ01"


async def test_whoever_logs_in_comes_back_to_what_they_wanted(wide: Site) -> None:
    """A link from a chat, without a session: does it lead to the form and, with a wrong token between, back to itself?"""
    get, post = wide.client.get, wide.client.post
    there = "/costs?project=spring&since=2026-11-01"
    to_form = (await get(there, headers=PAGE)).headers["location"]
    assert to_form == f"/login?next={quote(there)}"
    assert 'name="next" value="/costs?project=spring&amp;since=2026-11-01"' in (await get(to_form)).text
    wrong = await post("/login", data={"token": "a guess", "next": there})
    assert (wrong.status_code, "project=spring" in wrong.text) == (401, True)
    right = await post("/login", data={"token": TOKEN, "name": "mara", "next": there})
    assert (right.status_code, right.headers["location"]) == (303, there)
    by_link = await get("/login", params={"token": TOKEN, "next": WANTED})
    assert (by_link.status_code, by_link.headers["location"]) == (303, WANTED)
    assert (await get("/login", params={"token": TOKEN})).headers["location"] == "/"


async def test_the_pages_that_ask_for_a_log_in_lead_back_to_themselves(site: Site) -> None:
    """Read without a session, on this machine: where do the links to /login lead on to, and do they show every name right?"""
    page = (await site.client.get(WANTED)).text
    assert page.count(f'href="/login?next={WANTED}"') == 2
    assert 'href="/login"' not in page
    gone = (await site.client.get('/review/spring/"><b>%23?x="><i>', headers=PAGE)).text
    assert "<b>" not in gone
    assert "<i>" not in gone
    assert f"/login?next={quote(quote('/review/spring/') + quote(chr(34) + '><b>#'))}" in gone


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\t//evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/%2Fevil.example",
        "/%252Fevil.example",
        "%2F%2Fevil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "/.//evil.example",
        "/%0d%0aset-cookie:x=y",
        "/\u2028/evil.example",
        f"/%{'25' * 30}41",  # of 64 KB of it nobody could tell in less than seconds
        "",
    ],
)
async def test_nobody_is_sent_to_another_host(site: Site, address: str) -> None:
    """In a link or in the form's field: does whoever has just given the token stay here?"""
    assert local(address) == "/"
    by_link = await site.client.get("/login", params={"token": TOKEN, "next": address})
    by_form = await site.client.post("/login", data={"token": TOKEN, "next": address})
    assert [answer.headers["location"] for answer in (by_link, by_form)] == ["/", "/"]


def test_a_page_of_ours_is_led_to_as_it_was_asked_for() -> None:
    """Names in other scripts, spaces, a question mark in a name: is the address taken as it is?"""
    for address in (
        WANTED,
        "/dailies?project=spring",
        f"/review/{quote('Frühling 春')}/SEQ%3F01",
        "/costs?a=b%20c",
    ):
        assert local(address) == address


@pytest.mark.parametrize(
    "path",
    [
        "/",
        WANTED,
        "/dailies",
        "/costs",
        "/costs.csv",
        "/links",
        "/api",
        "/api/openapi.json",
        "/api/projects",
        "/healthz",
        "/readyz",
        "/login",
        "/static/console.css",
        "/media/spring/media/x.png",
        "/thumbnail/spring/media/x.png",
        "/nowhere",
        "/c/nothing/",
    ],
)
async def test_who_asks_for_the_head_alone_gets_the_same_head(site: Site, path: str) -> None:
    """Link previews and monitors: is status, length, kind and every other line of HEAD that of GET, and nothing after it?"""
    make_picture(site)
    whole, head = [await site.client.request(method, path) for method in ("GET", "HEAD")]
    assert (head.status_code, head.headers, head.content) == (whole.status_code, whole.headers, b"")
    assert int(head.headers["content-length"]) == len(whole.content)


async def test_the_head_of_a_part_and_of_what_never_ends(site: Site) -> None:
    """A range of a film, one beyond its end, the event stream, the measurements: does HEAD tell of it, and end?"""
    make_picture(site)
    head = site.client.head
    part = await head("/media/spring/media/x.png", headers={"range": "bytes=2-5"})
    assert (part.status_code, part.headers["content-length"]) == (206, "4")
    assert part.headers["content-range"].startswith("bytes 2-5/")
    beyond = await head("/media/spring/media/x.png", headers={"range": "bytes=999999-"})
    assert beyond.status_code == 416
    with anyio.fail_after(30):
        events = await head("/events")
    assert site.board.watchers == 0
    assert (events.status_code, events.headers["content-type"][:17]) == (200, "text/event-stream")
    measured = await head("/metrics")
    assert (measured.status_code, measured.content) == (200, b"")
    told = (await site.client.get("/metrics")).text
    assert 'starsend_console_requests_total{route="/media/{project}/{path:path}",status="206"} 1.0' in told
    assert (await head("/", headers={"host": "evil.example"})).status_code == 421


@pytest.mark.parametrize(
    ("bound", "asked", "client", "status"),
    [
        (("127.0.0.1",), "127.0.0.1:8620", "127.0.0.1", 200),
        (("::1",), "[::1]:8620", "::1", 200),
        (("127.0.0.2",), "127.0.0.2:8620", "127.0.0.1", 200),
        # A proxy on this machine: everybody's requests come from here.
        (("127.0.0.1", "console.studio.example"), "console.studio.example", "127.0.0.1", 401),
        (("127.0.0.1", "console.studio.example"), "127.0.0.1:8620", "127.0.0.1", 401),
        (("127.0.0.1",), "127.0.0.1:8620", "192.0.2.7", 401),
        (("192.0.2.1",), "192.0.2.1:8620", "127.0.0.1", 401),
        (("0.0.0.0",), "127.0.0.1:8620", "127.0.0.1", 401),
        (("0.0.0.0",), "0.0.0.0:8620", "127.0.0.1", 421),
    ],
)
async def test_reading_is_free_for_this_machine_alone(
    house: DaemonHouse, bound: tuple[str, ...], asked: str, client: str, status: int
) -> None:
    """Behind a proxy too, where every request comes from this machine: does anybody else read without the token?"""
    made = Site(house, bound[0], bound[1:])
    await made.board.look()
    transport = httpx.ASGITransport(made.app, client=(client, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8620") as asking:
        for path in ("/", "/api/costs", "/metrics", "/events"):
            if path != "/events" or status != 200:
                assert (await asking.get(path, headers={"host": asked})).status_code == status, path
        assert (await asking.get("/healthz", headers={"host": asked})).status_code in {200, status}
        if status != 421:
            assert (await asking.get("/", headers={"host": asked, **BEARER})).status_code == 200


def make_picture(site: Site) -> None:
    """One in the project's media."""
    folder = site.place.folder / "media"
    folder.mkdir()
    Image.new("RGB", (64, 36), "red").save(folder / "x.png")
