"""Who comes in, from where, with what, and what is never served: the console's doors, asked over its own application."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from PIL import Image
from starlette.requests import HTTPConnection
from starlette.types import Message

from client_async.console.app import make_app
from client_async.console.board import Board, Changed
from client_async.console.doors import LARGEST_BODY
from client_async.console.guard import Guard, WeakToken, console_token
from client_async.console.media import thumbnail
from client_async.console.server import _listening
from client_async.driver_lock import sole_driver
from client_async.ops_port import Health
from starsend.errors import BadInput
from tests.unit.daemon_house import DaemonHouse

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-some-length"
PROXY = "dailies.studio.example"
OWN = {"x-starsend": "1", "origin": "http://127.0.0.1:8620", "sec-fetch-site": "same-origin"}


class Site:
    """A console over one project, asked without a network."""

    def __init__(self, house: DaemonHouse, host: str = "127.0.0.1", hosts: tuple[str, ...] = ()) -> None:
        self.place = house.project("spring", "SEQ01")
        self.board = Board(house.root)
        self.board.health = Health(lambda: 0.0)  # a slow machine is no stalled one
        self.guard = Guard(TOKEN, host, hosts)
        self.app = make_app(self.board, self.guard, anyio.Event())
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8620")

    def log_in(self, name: str = "mara") -> None:
        self.client.cookies.set("starsend", self.guard.session(name))


@pytest.fixture
async def site(house: DaemonHouse) -> AsyncIterator[Site]:
    made = Site(house)
    await made.board.look()
    async with made.client:
        yield made


@pytest.fixture
async def wide(house: DaemonHouse) -> AsyncIterator[Site]:
    """One that others on the network can reach."""
    made = Site(house, "0.0.0.0", ("console.studio.example",))
    await made.board.look()
    async with made.client:
        yield made


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8620", 200),
        ("localhost", 200),
        ("[::1]:8620", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8620", 421),
        ("localhost.evil.example", 421),
        ("", 421),
        ("127.0.0.1@evil.example", 421),
        ("127.0.0.1:/static/", 421),
        ("localhost:evil.example", 421),
    ],
)
async def test_only_our_own_names_are_answered(site: Site, host: str, status: int) -> None:
    """A name of somebody else's that leads to this machine (DNS rebinding): does it get anything?"""
    assert (await site.client.get("/", headers={"host": host})).status_code == status
    assert (await site.client.get("/healthz", headers={"host": host})).status_code in {status, 404}


async def test_on_the_network_nothing_is_read_without_the_token(wide: Site) -> None:
    """Pages, rows, events, media: is there a way round the wall, and does a person find the door?"""
    client = wide.client
    for path in (
        "/",
        "/rows/spring?only=SEQ01",
        "/events",
        "/media/spring/media/x.png",
        "/api/openapi.json",
        "//",
        "/STATIC/",
    ):
        assert (await client.get(path)).status_code in {401, 303}, path
    asked = await client.get("/", headers={"accept": "text/html"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/login")
    assert (await client.get("/login")).status_code == 200
    assert (await client.get("/static/console.css")).status_code == 200
    for path in ("/static/../pages.py", "/static/%2e%2e/pages.py", "/static/..%2fguard.py"):
        assert (await client.get(path)).status_code in {404, 401}, path
    assert (await client.get("/", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 200
    assert (await client.get("/", headers={"authorization": f"Bearer {TOKEN}x"})).status_code == 401
    wide.log_in()
    assert (await client.get("/", headers={"host": "console.studio.example"})).status_code == 200


@pytest.mark.parametrize(
    ("hosts", "headers", "status"),
    [
        ((), {"host": "127.0.0.1:8620"}, 200),
        ((), {"host": "127.0.0.1:8620", "x-forwarded-for": "203.0.113.9"}, 401),
        ((), {"host": "localhost:8620", "forwarded": "for=203.0.113.9"}, 401),
        ((), {"host": "localhost:8620", "x-forwarded-proto": "https"}, 401),
        ((PROXY,), {"host": PROXY}, 401),
        ((PROXY,), {"host": "localhost:8620"}, 401),
        ((PROXY,), {"host": PROXY, "authorization": f"Bearer {TOKEN}"}, 200),
    ],
)
async def test_a_proxys_visitors_are_not_at_this_machine(
    house: DaemonHouse, hosts: tuple[str, ...], headers: dict[str, str], status: int
) -> None:
    """Whoever has a client's link through a proxy, and asks for what lies above it: costs, prompts, the API, media?"""
    site = Site(house, hosts=hosts)
    await site.board.look()
    async with site.client as client:
        for path in ("/", "/costs", "/dailies/spring/SEQ01", "/api/projects", "/metrics"):
            assert (await client.get(path, headers=headers)).status_code == status, path
        nothing = await client.get("/c/no-link/", headers=headers)
        assert (nothing.status_code, "nothing under this address" in nothing.text) == (404, True)


async def test_a_project_that_goes_while_its_page_is_made_is_not_found(site: Site) -> None:
    """Found when it was asked for, gone a moment later: a page for people, a refusal for programs, and no fault of ours?"""

    def made() -> None:
        site.board.project("gone")

    site.app.add_api_route("/costs-of-late", made)
    site.app.add_api_route("/api/costs-of-late", made)
    page = await site.client.get("/costs-of-late", headers={"accept": "text/html"})
    answer = await site.client.get("/api/costs-of-late")
    assert (page.status_code, "Unknown project &#39;gone&#39;" in page.text) == (404, True)
    assert (answer.status_code, answer.json()["detail"]["what"]) == (404, "unknown project 'gone'")


async def test_a_session_is_ours_and_nobody_elses(site: Site) -> None:
    """Forged, of another token, or the token itself in a cookie: is anybody let in by it?"""
    for forged in (
        Guard("another-token-of-length", "127.0.0.1").session("mara"),
        TOKEN,
        '"mara"',
        "",
        "a.b.c",
    ):
        site.client.cookies.set("starsend", forged)
        assert "Read only" in (await site.client.get("/")).text
    answer = await site.client.post("/login", data={"token": TOKEN, "name": "<script>mara"})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert TOKEN not in cookie
    page = (await site.client.get("/")).text
    assert "&lt;script&gt;mara" in page
    assert "<script>mara" not in page
    wrong = await site.client.post("/login", data={"token": "guess"})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-starsend": "1", "sec-fetch-site": "cross-site"},
        {"x-starsend": "1", "sec-fetch-site": "same-site"},
        {"x-starsend": "1", "origin": "http://evil.example"},
        {"x-starsend": "1", "origin": "null"},
        {"origin": "http://127.0.0.1:8620"},
    ],
)
async def test_another_sites_page_writes_nothing(site: Site, headers: dict[str, str]) -> None:
    """With the session's cookie along, as a browser might send it: is the write turned away before any room sees it?"""
    site.log_in()
    for method in ("POST", "DELETE", "PUT", "PATCH"):
        answer = await site.client.request(method, "/api/anything", headers=headers, json={})
        assert answer.status_code == 403, method
    assert (await site.client.post("/api/anything", headers=OWN, json={})).status_code == 404


async def test_a_write_needs_the_token_even_here(site: Site) -> None:
    """On loopback, where reading is free: is a write without it refused, and a program's let through?"""
    assert (await site.client.post("/api/anything", headers=OWN, json={})).status_code == 401
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert (await site.client.post("/api/anything", headers=bearer, json={})).status_code == 404


async def test_nobody_sends_more_than_a_note(site: Site) -> None:
    """A body that says it is large, that lies about it, or that comes without a length: is it cut off?"""
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert (await site.client.post("/login", content=b"x" * (LARGEST_BODY + 1))).status_code == 413

    async def drip() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 1000 + 2):
            yield b"x" * 1000

    for path in ("/login", "/api/projects/spring/sequences/SEQ01/regrid", "/c/x/takes/1/note"):
        assert (await site.client.post(path, content=drip(), headers=headers)).status_code == 413, path
    odd = {"content-length": "-5", **headers}
    assert (await site.client.post("/login", content=b"", headers=odd)).status_code == 413


async def test_who_goes_before_all_is_said_is_no_failure(site: Site) -> None:
    """A login that is broken off in the middle, by anybody: does it leave a traceback in the log, or count as a fault of ours?"""
    asked = {
        "type": "http",
        "method": "POST",
        "path": "/login",
        "headers": [(b"host", b"localhost"), (b"content-length", b"50")],
    }
    came: Iterator[Message] = iter(
        [{"type": "http.request", "body": b"to", "more_body": True}, {"type": "http.disconnect"}]
    )
    sent: list[Message] = []

    async def receive() -> Message:
        return next(came)

    async def send(message: Message) -> None:
        sent.append(message)

    await site.app({**asked, "raw_path": b"/login", "query_string": b"", "scheme": "http"}, receive, send)
    assert sent == []
    assert 'requests_total{route="/login",status="499"} 1.0' in (await site.client.get("/metrics")).text


async def test_every_answer_forbids_what_no_page_of_ours_needs(site: Site) -> None:
    """Pages, errors, refusals and files: do all carry the policy, and does no page hold a script or style of its own?"""
    for path in ("/", "/login", "/nowhere", "/static/console.js", "/media/spring/nothing.png"):
        answer = await site.client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in ("/", "/login"):
        text = (await site.client.get(path)).text
        assert "style=" not in text
        assert not re.search(r"<[^>]*\son\w+\s*=", text)
        assert text.count("<script") == text.count('<script type="module" src="/static/')


async def test_only_pictures_and_videos_of_the_media_folder_are_served(site: Site, tmp_path: Path) -> None:
    """State, settings, elements' notes, links that lead out, paths that climb out: is any of it to be had?"""
    folder = site.place.folder
    (folder / "media").mkdir()
    (folder / "media" / "shown.png").write_bytes(b"a picture")
    (folder / "media" / "shown.json").write_text("{}")
    (folder / "elements").mkdir()
    (folder / "elements" / "mara.png").write_bytes(b"private")
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    (folder / "media" / "out.png").symlink_to(secret)
    (folder / "media" / "up").symlink_to(tmp_path)
    (folder / "media" / "loop.png").symlink_to(folder / "media" / "loop.png")
    get = site.client.get
    assert (await get("/media/spring/media/shown.png")).content == b"a picture"
    for path in (
        "media/shown.json",
        "media/out.png",
        "media/up/secret.png",
        "media/loop.png",
        "media/../state/client/sequences.json",
        "media/%2e%2e/%2e%2e/%2e%2e/secret.png",
        "media/..%2f..%2f..%2fsecret.png",
        "elements/mara.png",
        "state/client/sequences.json",
        "starsend_config.json",
        "/etc/passwd",
        "media/shown.png%00.json",
        "media",
        "",
    ):
        answer = await get(f"/media/spring/{path}")
        assert answer.status_code == 404, path
        assert b"secret" not in answer.content
    assert (await get("/media/nobody/media/shown.png")).status_code == 404
    assert (await get("/thumbnail/spring/media/shown.png")).status_code == 404, "it is no picture"
    assert (await get("/thumbnail/spring/media/shown.png?width=7")).status_code == 422


async def test_what_people_write_is_shown_and_never_obeyed(site: Site) -> None:
    """Markup in titles, names and reasons: does it come out as text?"""
    document = json.loads(site.place.file.path.read_text())
    document["sequences"]["SEQ01"]["title"] = "<img src=x onerror=alert(1)>\"'{{7*7}}"
    site.place.file.path.write_text(json.dumps(document))
    await site.board.look()
    text = (await site.client.get("/")).text
    assert "<img src=x" not in text
    assert "{{7*7}}" in text


def test_the_token_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    """Is it the same at the next start, readable by its owner alone, and refused when it can be guessed?"""
    (tmp_path / "projects").mkdir()
    made = console_token(tmp_path, {})
    assert console_token(tmp_path, {}) == made
    kept = tmp_path / "projects" / "console.token"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len(made) >= 32
    given = tmp_path / "given"
    given.write_text("of-the-studios-own-making\n")
    assert console_token(tmp_path, {"STARSEND_CONSOLE_TOKEN_FILE": str(given)}) == "of-the-studios-own-making"
    assert (
        console_token(tmp_path, {"STARSEND_CONSOLE_TOKEN": "from-the-environment"}) == "from-the-environment"
    )
    with pytest.raises(WeakToken):
        console_token(tmp_path, {"STARSEND_CONSOLE_TOKEN": "1234"})
    with pytest.raises(BadInput, match="cannot be read"):
        console_token(tmp_path, {"STARSEND_CONSOLE_TOKEN_FILE": str(tmp_path / "nowhere")})


def test_answers_on_an_open_connection_wait_for_nothing() -> None:
    """A browser asks again and again over one connection: is each answer sent at once, not 40 ms later (Nagle)?"""
    with (
        _listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_name_and_password_for_a_proxy_are_no_bearer_token(site: Site) -> None:
    """A browser sends those along with what another site asks for: do they make a write one of our own pages'?"""
    site.log_in()
    headers = {"authorization": "Basic bWFyYTpzZWNyZXQ=", "origin": "http://127.0.0.1:3000"}
    path = "/api/projects/spring/sequences/SEQ01/regrid"
    answer = await site.client.post(path, json={"grid": None, "seen": None, "note": ""}, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("mara\r\n\x1b[31m\u202e  li".encode(), "mara [31m li"),
        ("مارا".encode(), "مارا"),
        (b"Ren\xe9", "René"),
    ],
)
async def test_a_name_stands_in_one_line(site: Site, sent: bytes, kept: str) -> None:
    """Control characters, and letters that a header does not know: what stands beside a pick?"""
    scope = {
        "type": "http",
        "headers": [(b"authorization", f"Bearer {TOKEN}".encode()), (b"x-starsend-name", sent)],
    }
    assert site.guard.who(HTTPConnection(scope)) == kept
    cookie = site.guard.session(sent.decode("latin-1" if kept == "René" else "utf-8"))
    scope["headers"] = [(b"cookie", f"starsend={cookie}".encode())]
    assert site.guard.who(HTTPConnection(scope)) == kept


async def test_whoever_looks_for_a_page_that_is_none_finds_the_way_back(site: Site) -> None:
    """A sequence that was renamed, an address mistyped: is a person told in words, and a program in JSON?"""
    for path in ("/review/spring/GONE", "/dailies/spring/GONE", "/review/spring/SEQ01/way", "/nowhere"):
        answer = await site.client.get(path, headers={"accept": "text/html,*/*"})
        assert answer.status_code == 404
        assert 'href="/">Back to all projects' in answer.text
    assert (await site.client.get("/nowhere")).json() == {"detail": "Not Found"}


@pytest.mark.parametrize("size", [(2, 20_000), (20_000, 2)])
async def test_a_picture_of_any_shape_has_a_thumbnail(site: Site, size: tuple[int, int]) -> None:
    """Taller than WebP can be: is it shown, or does the console fail?"""
    picture = site.place.folder / "media" / "odd.png"
    picture.parent.mkdir(exist_ok=True)
    Image.new("I;16", size, 65_535).save(picture)
    with picture.open("rb") as file:
        made = thumbnail(site.place.folder, file, 320)
    with Image.open(made) as small:
        assert small.width <= 320
        assert max(small.convert("RGB").getpixel((0, 0))) > 250  # type: ignore[arg-type]


async def test_a_thumbnail_that_two_pages_ask_for_at_once_is_there_for_both(site: Site) -> None:
    """A new picture, and every open page asks for it: is each answered?"""
    picture = site.place.folder / "media" / "new.png"
    picture.parent.mkdir(exist_ok=True)
    for shade in range(8):
        Image.new("RGB", (640, 360), (shade, 0, 0)).save(picture)
        answers: list[int] = []

        async def ask(answers: list[int] = answers) -> None:
            answers.append((await site.client.get("/thumbnail/spring/media/new.png")).status_code)

        async with anyio.create_task_group() as pages:
            for _ in range(4):
                pages.start_soon(ask)
        assert answers == [200] * 4


async def test_a_brief_that_makes_no_sense_is_told_and_then_forgotten_also_beside_a_daemon(
    site: Site,
) -> None:
    """Saved broken and mended while a daemon drives: does the list say so, and no longer, and do open pages hear of both?"""
    brief = site.place.file.path
    sound = brief.read_text()
    with sole_driver(site.place, "daemon"), site.board.watching() as told:
        for text, trouble in ((sound.replace('"prompt"', '"prompt": 5, "was"', 1), True), (sound, False)):
            saved = brief.with_name("saved")
            saved.write_text(text)
            saved.replace(brief)
            await site.board.look()
            assert bool(site.board.project("spring").trouble) is trouble
            assert told.receive_nowait() == Changed("spring", ())
