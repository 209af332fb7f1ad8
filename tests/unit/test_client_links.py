"""A client's link: does it show what was chosen, take answers, and open nothing else, to nobody else, and not for ever?"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI

from client_async.client_answers import MOST_ANSWERS, approve, plain_text
from client_async.console.app import make_app
from client_async.console.board import Board
from client_async.console.doors import OPEN
from client_async.console.guard import Guard
from client_async.console.links import Links
from client_async.review import circle
from tests.media import packets
from tests.unit.client_house import TOLD, brief, give_keyframe, give_take, review
from tests.unit.daemon_house import DaemonHouse, kept, until

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-some-length"
ORIGIN = "http://127.0.0.1:8620"
OWN = {"x-starsend": "1", "origin": ORIGIN, "sec-fetch-site": "same-origin"}
STUDIO = {"authorization": f"Bearer {TOKEN}", "x-starsend-name": "mara"}


class Site:
    """A console that the whole network can reach, asked without a network, with a clock that is moved by hand."""

    def __init__(self, house: DaemonHouse) -> None:
        self.root = house.root
        self.now = datetime(2026, 11, 25, 12, tzinfo=UTC)
        self.place = house.project("spring", "SEQ01", "SEQ02", "SEQ03")
        brief(self.place, "SEQ01", "SEQ02", "SEQ03")
        self.take = give_take(self.place, "SEQ01")
        give_keyframe(self.place, "SEQ02")
        house.project("autumn", "SEQ01")
        self.board = Board(house.root)
        self.app: FastAPI = make_app(
            self.board, Guard(TOKEN, "0.0.0.0", ("127.0.0.1",)), anyio.Event(), now=lambda: self.now
        )
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ORIGIN)

    async def link(self, *chosen: str, **more: Any) -> str:
        """A link's path."""
        body = {"project": "spring", "chosen": chosen or ["SEQ01", "SEQ02"], **more}
        made = await self.client.post("/api/links", json=body, headers=STUDIO)
        assert made.status_code == 201, made.text
        return str(made.json()["url"]).removeprefix(ORIGIN)

    async def live(self) -> list[dict[str, Any]]:
        return list((await self.client.get("/api/links?project=spring", headers=STUDIO)).json())


@pytest.fixture
async def site(house: DaemonHouse) -> AsyncIterator[Site]:
    made = Site(house)
    await made.board.look()
    async with made.client:
        yield made


async def test_a_client_sees_what_was_chosen_and_not_a_word_more(site: Site) -> None:
    """Page, films, stills, answers, refusals: does any byte tell of prompt, provider, cost, step or file?"""
    path = await site.link(title="First <look>")
    page = await site.client.get(path)
    assert page.status_code == 200
    assert "First &lt;look&gt;" in page.text
    assert "&lt;b&gt;Übersee&lt;/b&gt; SEQ01" in page.text
    assert set(re.findall(r'(?:href|action)="(/[^"]*)"', page.text)) == {
        "/static/icon.svg",
        "/static/console.css",
        "/static/client.css",
    }, "it leads nowhere"
    film, still, frame = [await site.client.get(f"{path}media/{n}") for n in ("1.mp4", "2.jpg", "1.jpg")]
    assert (film.headers["content-type"], still.headers["content-type"]) == ("video/mp4", "image/jpeg")
    assert packets(film.content) == packets(
        (site.place.folder / f"media/takes/SEQ01/{site.take}.mp4").read_bytes()
    )
    part = await site.client.get(f"{path}media/1.mp4", headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    said = await site.client.post(f"{path}takes/1/approve", json={"name": "Ana"}, headers=OWN)
    wrong = await site.client.post(f"{path}takes/7/note", json={"name": "Ana", "text": "x"}, headers=OWN)
    still_said = await site.client.post(f"{path}takes/2/approve", json={"name": "Ana"}, headers=OWN)
    assert (said.status_code, wrong.status_code, still_said.status_code) == (201, 404, 201)
    for answer in (page, await site.client.get(path), film, still, frame, said, wrong, still_said):
        shown = answer.content + repr(answer.headers).encode()
        assert not [word for word in TOLD if word in shown], answer.url
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "name",
    [
        "0.mp4",
        "3.mp4",
        "1-2.mp4",
        "2.mp4",
        "1.png",
        "01.mp4",
        "1.mp4.json",
        "..%2f1.mp4",
        "%2e%2e",
        "1.mp4%00",
    ],
)
async def test_nothing_else_lies_among_its_media(site: Site, name: str) -> None:
    """Numbers that are none, other endings, paths that climb: is there anything?"""
    path = await site.link()
    answer = await site.client.get(f"{path}media/{name}")
    assert answer.status_code in {404, 405}
    assert not [word for word in TOLD if word in answer.content]


async def test_a_link_opens_no_other_door(site: Site) -> None:
    """Every route there is, by every method, without a session: does any answer but those that are open to all?"""
    path = await site.link()
    asked = 0
    rooms = [getattr(room, "original_router", None) for room in site.app.routes]
    for route in (*site.app.routes, *(route for room in rooms if room for route in room.routes)):
        where = re.sub(r"\{[^}]+\}", "SEQ01", getattr(route, "path", ""))
        if not where or where.startswith(OPEN):
            continue
        for method in getattr(route, "methods", None) or {"GET"}:
            headers = {**OWN, "referer": f"{ORIGIN}{path}"}
            answer = await site.client.request(method, where, headers=headers)
            assert answer.status_code in {401, 303}, (method, where)
            asked += 1
    assert asked > 12
    for raw in (
        b"/c/../api/links?project=spring",
        b"/c/../../api/openapi.json",
        f"{path}../../../links".encode(),
    ):
        url = httpx.URL(ORIGIN).copy_with(raw_path=raw)
        assert (await site.client.send(site.client.build_request("GET", url))).status_code in {401, 404}, raw
    for climb in (
        "../../api/links?project=spring",
        "%2e%2e/%2e%2e/api/openapi.json",
        "../../media/spring/x.png",
    ):
        assert (await site.client.get(f"{path}{climb}")).status_code in {401, 404}


async def test_only_a_page_of_ours_answers_for_a_client(site: Site) -> None:
    """Another site's page, with or without the studio's own session along: is the write turned away?"""
    path = await site.link()
    site.client.cookies.set("starsend", Guard(TOKEN, "127.0.0.1").session("mara"))
    for headers in ({}, {"x-starsend": "1", "origin": "http://evil.example"}, {"origin": ORIGIN}):
        answer = await site.client.post(f"{path}takes/1/approve", json={"name": "Ana"}, headers=headers)
        assert answer.status_code == 403
    answer = await site.client.post(f"{path}takes/1/approve", json={"name": "Ana"}, headers=OWN)
    assert answer.status_code == 201
    [kept] = review(site.place, "SEQ01")["approvals"]
    assert kept["by"] == "Ana (client)", "a session is nobody here"


async def test_it_is_over_in_time_and_when_it_is_withdrawn(site: Site) -> None:
    """A second before, and at the second; withdrawn: what do page, media and answers say, and is it off the list?"""
    path, other = await site.link(days=2), await site.link(title="Other")
    site.now += timedelta(days=2, seconds=-1)
    assert (await site.client.get(path)).status_code == 200
    site.now += timedelta(seconds=1)
    page = await site.client.get(path)
    assert page.status_code == 410
    assert "This link has expired on 27 November 2026." in page.text
    assert (await site.client.get(f"{path}media/1.mp4")).status_code == 410
    said = await site.client.post(f"{path}takes/1/approve", json={"name": "Ana"}, headers=OWN)
    assert (said.status_code, "has expired" in said.json()["detail"]["what"]) == (410, True)
    [live] = await site.live()
    assert (live["title"], live["made_by"]) == ("Other", "mara")
    where = f"/api/links/{live['id']}?project=spring"
    assert (await site.client.delete(where, headers=OWN)).status_code == 401
    assert (await site.client.delete(where, headers=STUDIO)).status_code == 204
    assert (await site.client.delete("/api/links/none?project=spring", headers=STUDIO)).status_code == 404
    page = await site.client.get(other)
    assert (page.status_code, "has been withdrawn" in page.text) == (410, True)
    assert await site.live() == []
    assert "approvals" not in review(site.place, "SEQ01")


async def test_nobody_lengthens_changes_or_forges_one(site: Site) -> None:
    """A letter changed, another studio's, another salt's, another project's, the file edited for ever: does it open?"""
    path = await site.link()
    signed = path.split("/")[2]
    other = Links("another-token-of-length", lambda: site.now)
    session = Guard(TOKEN, "127.0.0.1").session("mara")
    forged = other._signed.dumps(["spring", (await site.live())[0]["id"]])
    said, _, signature = signed.rpartition(
        "."
    )  # whose last sign says less than six bits, so that another may mean the same
    for wrong in (
        f"{said}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}",
        "x" + signed,
        signed + "x",
        forged,
        session,
        "x",
    ):
        answer = await site.client.get(f"/c/{wrong}/")
        assert answer.status_code == 404, wrong
        assert "Übersee" not in answer.text
    ours = Links(TOKEN, lambda: site.now)
    assert (
        await site.client.get(f"/c/{ours._signed.dumps(['autumn', (await site.live())[0]['id']])}/")
    ).status_code == 410
    assert (await site.client.get(f"/c/{ours._signed.dumps(['nowhere', 'x'])}/")).status_code == 410
    kept = site.place.folder / "state/console/links.json"
    kept.write_text(kept.read_text().replace('"2026-', '"2036-'))
    site.now += timedelta(days=90)
    assert (await site.client.get(path)).status_code == 410, "ninety days, whatever the file says"
    kept.write_text("{")
    site.now -= timedelta(days=89)
    answer = await site.client.get(path)
    assert (answer.status_code, "links.json" in answer.text) == (503, False)
    answer = await site.client.get(f"{path}media/1.mp4")
    assert (answer.status_code, "links.json" in answer.text) == (404, False)


async def test_it_stays_short_and_shows_what_was_chosen_then(site: Site) -> None:
    """A hundred entries fit into a mail's line; a take circled later is not shown in place of the one that was sent."""
    newer = give_take(site.place, "SEQ01", 2)
    site.place.file.change(lambda draft: circle(draft["SEQ01"], "SEQ01", site.take, seen=None))
    await site.board.look()
    path = await site.link("SEQ01", newer, "SEQ02", title="T" * 200)
    assert len(path) < 120
    site.place.file.change(lambda draft: circle(draft["SEQ01"], "SEQ01", newer, seen=site.take))
    await site.board.look()
    for number, attempt in ((1, site.take), (2, newer)):
        answer = await site.client.post(f"{path}takes/{number}/approve", json={"name": "Ana"}, headers=OWN)
        assert answer.status_code == 201
        assert review(site.place, "SEQ01")["approvals"][-1]["take"] == attempt
    named = re.findall(r'<span class="name">([^<]*)<', (await site.client.get(path)).text)
    assert named == ["SEQ01 take 1", "SEQ01 take 2", "SEQ02"]
    named = re.findall(
        r'<span class="name">([^<]*)<', (await site.client.get(await site.link("SEQ01", newer))).text
    )
    assert named == ["SEQ01"], "one take, by its sequence and by its id"
    form = (await site.client.get(f"/links?project=spring&chosen={site.take}", headers=STUDIO)).text
    assert "take 2, circled</small>" in form
    assert re.search(rf'value="{site.take}" data-other checked> <small>SEQ01 take 1<', form)


async def test_only_handouts_are_packed(site: Site) -> None:
    """One that was made, twice on a day; folders of somebody else's, links, names that climb: what is given out?"""
    body = {"project": "spring", "chosen": ["SEQ02"], "title": "A / review", "pdf": False}
    made = [(await site.client.post("/api/handouts", json=body, headers=STUDIO)).json() for _ in range(2)]
    names = [Path(one["folder"]).name for one in made]
    assert names == ["2026-11-25-a-review", "2026-11-25-a-review-2"]
    packed = await site.client.get(made[0]["zip"], headers=STUDIO)
    assert sorted(zipfile.ZipFile(io.BytesIO(packed.content)).namelist()) == [
        f"{names[0]}/index.html",
        f"{names[0]}/media/1.jpg",
    ]
    assert not [word for word in TOLD if word in packed.content]
    folder = site.place.folder / "deliveries"
    (folder / "theirs").mkdir()
    (folder / "theirs" / "index.html").write_text("private")
    (folder / "linked").symlink_to(folder / names[0])
    for name in ("theirs", "linked", "nothing", "..", "..%2f..%2fspring", "%00"):
        answer = await site.client.get(f"/handouts/spring/{name}.zip", headers=STUDIO)
        assert (answer.status_code, b"private" in answer.content) == (404, False), name


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"project": "nowhere", "chosen": ["SEQ01"]}, 404, "unknown project"),
        ({"project": "spring", "chosen": ["SEQ09"]}, 404, "unknown sequence or take"),
        ({"project": "spring", "chosen": ["SEQ03"]}, 422, "nothing to show"),
        ({"project": "spring", "chosen": []}, 422, "at least 1"),
        ({"project": "spring", "chosen": ["SEQ01"], "days": 91}, 422, "90"),
        ({"project": "spring", "chosen": ["SEQ01"] * 201}, 422, "200"),
    ],
)
async def test_what_cannot_be_sent_is_said(site: Site, body: dict[str, Any], status: int, words: str) -> None:
    """Unknown names, nothing to show, too long: is it refused in words, and is nothing made?"""
    answer = await site.client.post("/api/links", json=body, headers=STUDIO)
    assert (answer.status_code, words in answer.json()["detail"]["what"]) == (status, True), answer.text
    assert await site.live() == []


async def test_what_a_client_says_is_kept_as_they_mean_it(site: Site) -> None:
    """Control characters, direction marks, half a pair, a huge text, an empty note, no name: what is kept, what is refused?"""
    path = await site.link()

    async def say(does: str, **body: Any) -> httpx.Response:
        content = json.dumps(body)  # half a surrogate pair goes as JSON's escape
        headers = {**OWN, "content-type": "application/json"}
        return await site.client.post(f"{path}takes/1/{does}", content=content, headers=headers)

    good = await say(
        "note", name=" Ana\u202e\x00 Lima\n", text="slower,\r\nplease\x1b[2J\ud800", seconds=0.26
    )
    assert good.status_code == 201
    [note] = review(site.place, "SEQ01")["notes"]
    assert (note["by"], note["text"], note["take"]) == ("Ana Lima (client)", "slower,\nplease[2J", site.take)
    assert (note["frame"], note["seconds"]) == (6, 0.25)
    for does, body, words in (
        ("note", {"name": "Ana", "text": "x" * 2_001}, "at most 2,000 characters"),
        ("note", {"name": "Ana", "text": " \n"}, "the note is empty"),
        ("approve", {"name": "\x00 ", "text": "yes"}, "your name is missing"),
        ("approve", {"name": "x" * 81}, "at most 80 characters"),
        ("note", {"name": "Ana", "text": "x", "seconds": -1}, "seconds"),
        ("approve", {"name": "Ana", "approved": "perhaps"}, "approved"),
    ):
        answer = await say(does, **body)
        assert (answer.status_code, words in answer.json()["detail"]["what"]) == (422, True), answer.text
    assert (await say("approve", name="Ana", text="x" * 2_000, approved=False)).status_code == 201
    assert plain_text("नमस्ते 👩‍👩‍👧") == "नमस्ते 👩‍👩‍👧"
    page = (await site.client.get(path)).text
    assert "Not approved" in page
    studios = await site.link()
    assert "Not approved" not in (await site.client.get(studios)).text.split("<form")[0], "another link's"


async def test_an_editors_old_buffer_takes_no_answer_back(site: Site) -> None:
    """Opened before a client answered, changed and saved after: is the edit taken and the answer still there?"""
    path, face = await site.link(), site.place.file.path
    buffer = json.loads(face.read_text())
    for does in ("approve", "note"):
        body = {"name": "Ana", "text": "lovely"}
        assert (await site.client.post(f"{path}takes/1/{does}", json=body, headers=OWN)).status_code == 201
    buffer["sequences"]["SEQ01"]["title"] = "Harbour"
    beside = face.with_name("edited")
    beside.write_text(json.dumps(buffer))
    beside.rename(face)
    await site.board.look()
    kept = site.place.file.read()["sequences"]["SEQ01"]
    assert kept["title"] == "Harbour"
    assert [len(kept["review"][part]) for part in ("approvals", "notes")] == [1, 1]


async def test_two_clients_at_once_and_one_who_means_harm(site: Site) -> None:
    """Answers of two people at the same moment: are all kept? And does a link stop at so many, in words?"""
    path, other = await site.link(), await site.link()

    async def answer(path: str, name: str, wanted: int) -> None:
        for number in range(wanted):
            body = {"name": name, "text": str(number)}
            got = await site.client.post(
                f"{path}takes/1/{'note' if number % 2 else 'approve'}", json=body, headers=OWN
            )
            assert got.status_code == 201

    films: list[bytes] = []

    async def watch(path: str) -> None:
        films.append((await site.client.get(f"{path}media/1.mp4")).content)

    async with anyio.create_task_group() as group:
        group.start_soon(answer, path, "Ana", 4)
        group.start_soon(answer, other, "Bo", 4)
        for one in (path, other, path):
            group.start_soon(watch, one)  # a copy that nobody has made yet
    assert len(set(films)) == 1
    assert packets(films[0])
    assert "the client Bo has approved SEQ01 (take 1): 0" in site.place.file.path.read_text(), (
        "no daemon runs"
    )
    kept = review(site.place, "SEQ01")
    assert sorted(one["by"] for one in kept["approvals"]) == ["Ana (client)"] * 2 + ["Bo (client)"] * 2
    assert len(kept["notes"]) == 4
    counts = {link["id"]: len(link["came_back"]) for link in await site.live()}
    assert list(counts.values()) == [4, 4]
    flooded = next(link for link in counts)

    def flood(draft: Any) -> None:
        for _ in range(MOST_ANSWERS - 4):
            approve(
                draft["SEQ01"],
                "SEQ01",
                site.take,
                name="Ana",
                text="",
                approved=True,
                link=flooded,
                at=site.now,
            )

    site.place.file.change(flood)
    answers = [
        await site.client.post(f"{one}takes/1/approve", json={"name": "Ana"}, headers=OWN)
        for one in (path, other)
    ]
    assert sorted(one.status_code for one in answers) == [201, 409]
    full = next(one for one in answers if one.status_code == 409)
    assert full.json()["detail"]["what"] == "200 answers have come by this link, which is the most"


async def test_a_take_in_parts_and_one_that_is_gone(site: Site) -> None:
    """Are all parts shown and notes counted through them; and is a lost film said, and not the page lost with it?"""
    take = give_take(site.place, "SEQ03", parts=2)
    await site.board.look()
    path = await site.link("SEQ03", "SEQ01")
    page = (await site.client.get(path)).text
    assert [word in page for word in ("media/1-1.mp4", "media/1-2.mp4", "Part 2 of 2")] == [True] * 3
    body = {"name": "Ana", "text": "here", "seconds": 0.8}
    assert (await site.client.post(f"{path}takes/1/note", json=body, headers=OWN)).status_code == 201
    [note] = review(site.place, "SEQ03")["notes"]
    assert (note["take"], note["frame"], note["seconds"]) == (take, 19, 0.792)
    (site.place.folder / f"media/takes/SEQ01/{site.take}.mp4").unlink()
    page = (await site.client.get(path)).text
    assert "not available any more" in page
    new = {"project": "spring", "chosen": ["SEQ01", "SEQ03"]}
    refusal = await site.client.post("/api/links", json=new, headers=STUDIO)
    assert (refusal.status_code, f"{site.take}.mp4 is not there" in refusal.text) == (422, True)
    assert (await site.client.get(f"{path}media/2.mp4")).status_code == 404
    (site.place.folder / f"media/takes/SEQ01/{site.take}.mp4").symlink_to("/etc/passwd")
    assert (await site.client.get(f"{path}media/2.mp4")).status_code == 404


async def test_a_start_frame_is_approved_as_takes_are(site: Site) -> None:
    """Of a sequence without a take: is the very frame kept that they saw, told in all places, and no other answered for it?"""
    path = await site.link("SEQ02")
    assert 'data-does="approve"' in (await site.client.get(path)).text
    keyframe = kept(site.place, "SEQ02")["keyframe"]
    said = {"name": "Ana", "text": "warmer <i>light</i>", "approved": False}
    assert (await site.client.post(f"{path}takes/1/approve", json=said, headers=OWN)).status_code == 201
    yes = await site.client.post(f"{path}takes/1/approve", json={"name": "Ana"}, headers=OWN)
    note = await site.client.post(f"{path}takes/1/note", json=said, headers=OWN)
    assert (yes.status_code, note.status_code) == (201, 409)
    assert "write your words with your answer" in note.text
    frame = {"grid": "g1", "cell": 2, "keyframe": keyframe["sha256"]}
    approvals = review(site.place, "SEQ02")["approvals"]
    assert [(one["take"], one["start_frame"], one["approved"]) for one in approvals] == [
        ("", frame, False),
        ("", frame, True),
    ]
    of = "start frame, cell 2 of g1"
    words = [notice["text"] for notice in kept(site.place, "SEQ02")["notices"]]
    assert words[0] == f"the client Ana has not approved SEQ02 ({of}): warmer <i>light</i>"
    [live] = await site.live()
    assert [(one["of"], one["approved"]) for one in live["came_back"]] == [(of, False), (of, True)]
    desk = await site.client.get("/review/spring/SEQ02", headers=STUDIO)
    told = re.sub(r"\s+", " ", re.sub(r"<(?!blockquote)[^>]*>", "", desk.text))
    assert f"Approved by Ana (client): {of} " in told
    assert f"Not approved by Ana (client): {of} (answered again since)" in told
    assert "<blockquote>warmer &lt;i&gt;light&lt;/i&gt;" in told

    other = give_keyframe(site.place, "SEQ02", cell=3)
    await site.board.look()
    desk = await site.client.get("/review/spring/SEQ02", headers=STUDIO)
    assert "(not the one that is locked now)" in desk.text
    assert (await site.client.get(f"{path}media/1.jpg")).status_code == 200, (
        "what was sent is shown, and no later one"
    )
    assert (await site.client.post(f"{path}takes/1/approve", json=said, headers=OWN)).status_code == 201
    assert review(site.place, "SEQ02")["approvals"][-1]["start_frame"] == frame
    (site.place.folder / keyframe["path"]).write_bytes((site.place.folder / other).read_bytes())
    late = await site.client.post(f"{path}takes/1/approve", json=said, headers=OWN)
    assert (late.status_code, "not available any more" in late.text) == (409, True)
    assert (await site.client.get(f"{path}media/1.jpg")).status_code == 404
    assert "not available any more" in (await site.client.get(path)).text
    assert len(review(site.place, "SEQ02")["approvals"]) == 3


async def test_the_player_is_told_who_approved_what(site: Site) -> None:
    """Two clients, two takes, one who thinks again, one who saw the start frame alone: what is said of each take?"""
    frames = await site.link("SEQ02")
    assert (
        await site.client.post(f"{frames}takes/1/approve", json={"name": "Ana"}, headers=OWN)
    ).status_code == 201
    of_frame = kept(site.place, "SEQ02")["keyframe"]["sha256"]
    newer = give_take(site.place, "SEQ01", 2)
    await site.board.look()
    path = await site.link(site.take, newer)
    for number, name, approved in ((1, "Ana", True), (2, "Ana", True), (2, "Bo", False), (1, "Ana", False)):
        site.now += timedelta(minutes=1)
        body = {"name": name, "text": f"{number}<b>", "approved": approved}
        assert (
            await site.client.post(f"{path}takes/{number}/approve", json=body, headers=OWN)
        ).status_code == 201

    async def said(sequence: str) -> list[tuple[Any, ...]]:
        answer = await site.client.get(f"/api/projects/spring/sequences/{sequence}/takes", headers=STUDIO)
        parts = ("of", "approved", "holds", "by", "at", "text")
        return [tuple(one[part] for part in parts) for one in answer.json()["verdicts"]]

    day = "2026-11-25T12:0"
    assert await said("SEQ01") == [
        ("take 1", False, True, "Ana (client)", f"{day}4:00+00:00", "1<b>"),
        ("take 2", False, True, "Bo (client)", f"{day}3:00+00:00", "2<b>"),
        ("take 2", True, True, "Ana (client)", f"{day}2:00+00:00", "2<b>"),
        ("take 1", True, False, "Ana (client)", f"{day}1:00+00:00", "1<b>"),
    ]
    answer = await site.client.get("/api/projects/spring/sequences/SEQ02/takes", headers=STUDIO)
    assert [(one["take"], one["start_frame"]) for one in answer.json()["verdicts"]] == [("", of_frame)]
    page = (await site.client.get("/dailies?project=spring", headers=STUDIO)).text
    cards = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))
    assert "take 1 not approved Ana (client), 2026-11-25 12:04 UTC 1&lt;b&gt;" in cards
    assert "take 2 not approved Bo (client), 2026-11-25 12:03 UTC 2&lt;b&gt;" in cards
    assert "take 1 approved" not in cards, "they have thought again"


def test_people_hear_of_each_answer_once(house: DaemonHouse) -> None:
    """Come while no daemon ran, while one does, while it is down again: is each told, in both places, and never twice?"""
    place = house.project("spring", "SEQ01")
    place.file.change(lambda draft: draft["SEQ01"].update(deleted=True))  # nothing is to be made of it
    frame, at = {"grid": "g1", "cell": 2, "keyframe": "0" * 64}, datetime.now(UTC) - timedelta(hours=1)
    given: dict[str, Any] = {"text": "lovely", "approved": True, "link": "x", "at": at, "start_frame": frame}

    def say(name: str) -> None:
        place.file.change(lambda draft: approve(draft["SEQ01"], "SEQ01", "", name=name, **given))

    def told(*names: str) -> bool:
        """Whether these, and no others, stand in the log and in the notices."""
        said = "the client {} has approved SEQ01 (start frame, cell 2 of g1): lovely"
        wanted = [said.format(name) for name in names]
        box = house.root / "projects/notices.jsonl"
        lines = box.read_text().splitlines() if box.exists() else []
        whole = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        posted = [line["text"] for line in whole if line.get("kind") == "client_answered"]
        return [event["answer"] for event in house.events("client_answered")] == wanted == posted

    say("Ana")
    say("Bo")
    daemon = house.start()
    until(lambda: told("Ana", "Bo"))
    say("Cy")
    until(lambda: told("Ana", "Bo", "Cy"))
    daemon.terminate()
    assert daemon.wait(30) == 0
    say("Di")
    daemon = house.start()
    until(lambda: told("Ana", "Bo", "Cy", "Di"))
    daemon.kill()
    daemon.wait(30)
    house.start()
    say("Eve")
    until(lambda: told("Ana", "Bo", "Cy", "Di", "Eve"))
    place.file.close()
