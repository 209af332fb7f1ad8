"""What the player is told of takes, how it gets at their bytes, and what becomes of circles and notes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import av
import httpx
import numpy as np
import pytest

from client_async.console.app import make_app
from client_async.console.board import Board
from client_async.console.guard import Guard
from client_async.review import add_note
from starsend.tools.film_facts import NoFilm, film_facts
from tests.unit.daemon_house import DaemonHouse
from tests.unit.studio import Studio

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-some-length"
ONE_SHOT = {"provider": "animatic", "model": "*", "shots": 1, "as_of": "2026-11-01"}
SEQ01 = "/api/projects/job/sequences/SEQ01"


class Site:
    """A console over a root folder, asked without a network by somebody with the token."""

    def __init__(self, root: Path) -> None:
        self.board = Board(root)
        transport = httpx.ASGITransport(make_app(self.board, Guard(TOKEN, "127.0.0.1"), anyio.Event()))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8620")

    async def ask(self, method: str, path: str, body: Any = None, by: str = "mara") -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {TOKEN}", "x-starsend-name": by}
        answer = await self.client.request(method, path, json=body, headers=headers)
        return answer.status_code, answer.json() if answer.content else None


@pytest.fixture
async def site(studio: Studio) -> AsyncIterator[Site]:
    """Over a sequence whose take was divided in two, of a second each; its brief says something else since."""
    path = studio.place.folder / "starsend_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "shot_limits": [ONE_SHOT]}))
    shots = [
        {"prompt": "she waits", "seconds": 1, "camera": "hold"},
        {"prompt": "boats leave", "seconds": 1},
    ]
    studio.edit(split=True, shots=shots)
    assert await studio.advance() is None
    await studio.runner.pick_cell(1, by="mara", via="test")
    assert await studio.advance() is None
    assert await studio.wish(shots=[{"prompt": "rain", "seconds": 3}]) is None
    made = Site(studio.place.root)
    await made.board.look()
    async with made.client:
        yield made


async def test_a_take_is_told_as_it_was_made(site: Site, studio: Studio) -> None:
    """Two videos as one, in frames, with shots and prompts of then and not of now, and no word of money?"""
    status, told = await site.ask("GET", f"{SEQ01}/takes")
    (take,) = told["takes"]
    assert status == 200
    assert [(part["first"], part["frames"], part["rate"]) for part in take["parts"]] == [
        (0, 24, [24, 1]),
        (24, 24, [24, 1]),
    ]
    assert [(shot["first"], shot["frames"], shot["prompt"]) for shot in take["shots"]] == [
        (0, 24, "she waits"),
        (24, 24, "boats leave"),
    ]
    assert take["shots"][0]["sent"] == "she waits. Camera: hold."
    assert (take["frames"], take["seconds"], take["number"], take["holds"], take["on_locked"]) == (
        48,
        2.0,
        1,
        True,
        True,
    )
    assert not any(word in json.dumps(told) for word in ("cost", "price", "amount", "0.1"))
    for url in (told["keyframe"], *(part["url"] for part in take["parts"])):
        assert (await site.client.head(url)).status_code == 200
    (studio.place.folder / take["parts"][1]["url"].removeprefix("/media/job/")).unlink()
    _, told = await site.ask("GET", f"{SEQ01}/takes")
    assert (told["takes"][0]["parts"], "is not there" in told["takes"][0]["trouble"]) == ([], True)
    (studio.place.folder / "state" / "execution.db").unlink()
    fresh = Site(studio.place.root)
    await fresh.board.look()
    _, told = await fresh.ask("GET", f"{SEQ01}/takes")
    assert told["takes"][0]["origin"] is None


async def test_circles_and_notes(site: Site, studio: Studio) -> None:
    """Circled, noted, refused and deleted: is each answered in words, kept in the brief, and shown by the rows?"""
    _, told = await site.ask("GET", f"{SEQ01}/takes")
    take = told["takes"][0]["take"]
    assert await site.ask("POST", f"{SEQ01}/circle", {"take": take, "seen": None}) == (200, {"circled": take})
    status, no = await site.ask("POST", f"{SEQ01}/circle", {"take": None, "seen": None})
    assert (status, no["detail"]["now"]) == (409, {"circled": take})
    assert "has been circled meanwhile" in no["detail"]["what"]
    status, note = await site.ask("POST", f"{SEQ01}/notes", {"take": take, "frame": 25, "text": " lower \n"})
    assert (status, note["text"], note["by"]) == (201, "lower", "mara")
    assert note["seconds"] == pytest.approx(25 / 24, abs=0.001)
    for body, wrong, words in (
        ({"take": take, "frame": 48, "text": "x"}, 422, "no frame 48"),
        ({"take": take, "frame": -1, "text": "x"}, 422, "frame"),
        ({"take": take, "frame": 10**40, "text": "x"}, 422, "no frame"),
        ({"take": take, "frame": 0, "text": "  "}, 422, "text"),
        ({"take": take, "frame": 0, "text": "x" * 2001}, 422, "2000"),
        ({"take": "SEQ01-a9", "frame": 0, "text": "x"}, 404, "unknown take"),
    ):
        status, no = await site.ask("POST", f"{SEQ01}/notes", body)
        assert (status, words in no["detail"]["what"]) == (wrong, True), no
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    nonsense = await site.client.post(f"{SEQ01}/notes", content=b"\xff\x00", headers=headers)
    assert (nonsense.status_code, set(nonsense.json()["detail"])) == (422, {"what", "remedy", "now"})
    row = site.board.row("job", "SEQ01")
    assert (row["circled"], row["notes"], row["takes"]) == (take, 1, 1)
    review = json.loads(studio.place.file.path.read_text())["sequences"]["SEQ01"]["review"]
    assert review == {"circled": take, "notes": [note]}
    status, no = await site.ask("DELETE", f"{SEQ01}/notes/{note['id']}", by="jo")
    assert (status, no["detail"]["remedy"]) == (403, "only mara can delete it")
    assert (await site.ask("DELETE", f"{SEQ01}/notes/{note['id']}"))[0] == 204
    assert (await site.ask("DELETE", f"{SEQ01}/notes/{note['id']}"))[0] == 404
    for path in (
        "/api/projects/job/sequences/SEQ9/takes",
        "/api/projects/other/sequences/SEQ01/takes",
        "/api/x",
    ):
        status, no = await site.ask("GET", path)
        assert (status, set(no["detail"])) == (404, {"what", "remedy", "now"})
    site.board.project("job").place.file.change(
        lambda draft: [
            add_note(
                draft["SEQ01"], "SEQ01", take, frame=0, seconds=0, text="x", by="jo", at=studio.clock.now()
            )
            for _ in range(500)
        ]
    )
    status, no = await site.ask("POST", f"{SEQ01}/notes", {"take": take, "frame": 0, "text": "one more"})
    assert (status, no["detail"]["what"]) == (409, "there are 500 notes already, which is the most")


@pytest.mark.parametrize(
    ("method", "headers", "status", "part"),
    [
        ("GET", {}, 200, range(100)),
        ("HEAD", {}, 200, range(0)),
        ("GET", {"range": "bytes=10-19"}, 206, range(10, 20)),
        ("HEAD", {"range": "bytes=10-19"}, 206, range(0)),
        ("GET", {"range": "bytes=90-"}, 206, range(90, 100)),
        ("GET", {"range": "bytes=-3"}, 206, range(97, 100)),
        ("GET", {"range": "bytes=50-5000"}, 206, range(50, 100)),
        ("GET", {"range": "bytes=100-"}, 416, None),
        ("GET", {"range": "bytes=0-1", "if-range": '"another"'}, 200, range(100)),
        ("GET", {"range": "bytes=0-1", "if-range": "etag"}, 206, range(2)),
    ],
)
async def test_a_part_of_a_film_is_what_was_asked_for(
    house: DaemonHouse, method: str, headers: dict[str, str], status: int, part: range | None
) -> None:
    """Ranges as players ask for them: exactly those bytes, what they are of, and all when the file is another?"""
    place = house.project("spring", "SEQ01")
    film = place.folder / "media" / "takes" / "a.mp4"
    film.parent.mkdir(parents=True)
    film.write_bytes(bytes(range(100)))
    made = Site(house.root)
    await made.board.look()
    whole = await made.client.head("/media/spring/media/takes/a.mp4")
    assert (whole.headers["accept-ranges"], whole.headers["content-type"]) == ("bytes", "video/mp4")
    if headers.get("if-range") == "etag":
        headers = headers | {"if-range": whole.headers["etag"]}
    answer = await made.client.request(method, "/media/spring/media/takes/a.mp4", headers=headers)
    assert answer.status_code == status
    assert part is None or answer.content == bytes(part)
    if status == 206:
        first, last = answer.headers["content-range"].removeprefix("bytes ").removesuffix("/100").split("-")
        assert int(answer.headers["content-length"]) == int(last) - int(first) + 1
    if status == 416:
        assert answer.headers["content-range"] == "bytes */100"


async def test_several_parts_at_once(house: DaemonHouse) -> None:
    """Two ranges in one request: are both there, each told from where?"""
    place = house.project("spring", "SEQ01")
    (place.folder / "media").mkdir()
    (place.folder / "media" / "a.mp4").write_bytes(bytes(range(100)))
    made = Site(house.root)
    await made.board.look()
    answer = await made.client.get("/media/spring/media/a.mp4", headers={"range": "bytes=0-1,90-91"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    for piece in (b"bytes 0-1/100\r\n\r\n\x00\x01", b"bytes 90-91/100\r\n\r\n\x5a\x5b"):
        assert piece in answer.content


def film(path: Path, rate: Fraction, begins: list[int]) -> Path:
    """A video of grey frames that begin at given ticks of a thousandth of a second."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for begin in begins:
            frame = av.VideoFrame.from_ndarray(np.full((54, 64), 128, np.uint8), format="yuv420p")
            frame.pts, frame.time_base = begin, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


async def test_frames_are_counted_whatever_the_rate(tmp_path: Path) -> None:
    """A film rate that is no whole number, frames that do not come evenly, and a file that is none?"""
    ntsc = Fraction(24000, 1001)
    even = film_facts(film(tmp_path / "a.mp4", ntsc, [round(1000 * n / ntsc) for n in range(48)]))
    assert (even.frames, even.begins) == (48, None)
    assert float(even.rate) == pytest.approx(23.976, abs=0.05)
    uneven = film_facts(film(tmp_path / "b.mp4", Fraction(25), [0, 40, 200, 240]))
    assert uneven.begins == (0.0, 0.04, 0.2, 0.24)
    (tmp_path / "c.mp4").write_bytes(b"no film")
    with pytest.raises(NoFilm, match="cannot be played"):
        film_facts(tmp_path / "c.mp4")
