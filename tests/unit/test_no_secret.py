"""A whole run of the daemon, with every key planted and vendors that say them back: is one of them told anywhere?"""

from __future__ import annotations

import base64
import io
import json
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from client_async.projects import Place
from starsend.tools.media_comment import comment_in
from tests.standins import fal_wire, gemini_wire, kling_wire
from tests.standins.fal_wire import FalWire
from tests.standins.gemini_wire import GeminiWire
from tests.standins.kling_wire import KlingWire
from tests.standins.wire import Fault
from tests.unit.daemon_house import DaemonHouse, kept, until
from tests.unit.test_grid_layout import sheet

PASSWORD, HOOK = "hunter2/planted", "planted-hook-token"
UNUSED = {"VEO_ACCESS_TOKEN": "planted-veo-token", "KLING_API_KEY": "planted-api-key"}
SIGNATURE = kling_wire.SIGNATURE
KEYS = (gemini_wire.KEY, kling_wire.ACCESS, kling_wire.SECRET, fal_wire.KEY)
PRICE = {"unit": "second", "price": {"*": "0.1"}, "as_of": "2026-11-01"}
AT_REST = ("waiting_for_pick", "failed", "recovery", "done")
NAMES = ("SEQ01", "SEQ02", "SEQ03")
JOBS = ("kling", "fal")
TOKEN = "planted-token-of-the-console"
BRIEF = {"prompt": "a harbour", "aspect_ratio": "4:3", "shots": [{"prompt": "gulls", "seconds": 3}]}


def echo(*keys: str) -> str:
    """What a vendor says back: its key as it is and as it stands in an address, and a signed address."""
    spelt = [f"{key} at /v1?key={quote(key, safe='')}" for key in keys]
    return " ".join(["echo", *spelt, f"https://x.example/v.mp4?sig={SIGNATURE}"])


OF_GOOGLE, OF_KLING, OF_FAL = (
    echo(gemini_wire.KEY),
    echo(kling_wire.ACCESS, kling_wire.SECRET),
    echo(fal_wire.KEY),
)


def echoed(status: int, said_back: str, body: object = None) -> Fault:
    """An error that says a key back, in its body and in a header."""
    headers = {"X-Echo": said_back, "WWW-Authenticate": f'Key realm="{said_back}"'}
    return Fault("status", status, headers, json.dumps(said_back if body is None else body).encode())


def of_google(status: int) -> Fault:
    facts = [{"reason": OF_GOOGLE, "retryDelay": "0s", "violations": [{"quotaId": OF_GOOGLE}]}]
    return echoed(status, OF_GOOGLE, {"error": {"code": status, "message": OF_GOOGLE, "details": facts}})


def of_fal(status: int) -> Fault:
    return echoed(status, OF_FAL, {"detail": OF_FAL})


def of_kling(status: int, code: int) -> Fault:
    return echoed(status, OF_KLING, {"code": code, "message": OF_KLING, "data": None})


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it may stand in a file: as it is, in JSON, in an address, and in base64 at any place of it."""
    yield from {secret.encode(), json.dumps(secret)[1:-1].encode(), quote(secret, safe="").encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # Of its ends only those letters that depend on nothing beside it.
            whole = encode(b"\0" * before + secret.encode())
            yield whole[(0, 2, 3)[before] : len(whole) // 4 * 4 - 4]


def everything(root: Path) -> Iterator[tuple[str, bytes]]:
    """All that lies under a folder: each file's bytes, and what long rows and tags hold, in one piece.

    All bytes are read before a database is opened: whoever closes it last takes its ``-wal`` and ``-shm`` away.
    """
    found = [(path, path.read_bytes()) for path in sorted(root.rglob("*")) if path.is_file()]
    for path, told in found:
        name = str(path.relative_to(root))
        yield name, told
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as db:
                yield f"{name} dumped", "\n".join(db.iterdump()).encode()
        elif path.suffix in (".png", ".jpg", ".mp4"):
            yield f"{name} tagged", comment_in(path) or b""


def at(places: list[Place], *states: str) -> list[tuple[Place, str]]:
    """The sequences that stand in one of some states, once none is on its way any more."""
    found: dict[tuple[Place, str], dict[str, Any]] = {}

    def at_rest() -> bool:
        found.update({(place, name): kept(place, name) for place in places for name in NAMES})
        return all(raw.get("grid_state") in AT_REST and not raw.get("resume") for raw in found.values())

    until(at_rest)
    return [which for which, raw in found.items() if raw["grid_state"] in states]


def resume(which: list[tuple[Place, str]]) -> None:
    """As `starsend resume` says it to a daemon."""
    for place, name in which:
        place.file.change(lambda draft, name=name: draft[name].update(resume=True))  # type: ignore[misc]


def drive(places: list[Place], kling: KlingWire, fal: FalWire) -> None:
    """From briefs to a take in each project, over every way in which a vendor may say something back."""
    resume(at(places, "failed"))
    assert len(at(places, "waiting_for_pick")) == 6
    kling.faults["submit"] = [of_kling(400, 1201), of_kling(401, 1002), of_kling(500, 5000)]
    fal.faults["submit"] = [of_fal(422), of_fal(401), Fault("reset_after")]
    for place in places:
        for name in NAMES:
            (place.picks / f"{name}.pick").write_text("2")
    until(lambda: len(at(places, "recovery")) == 2)
    refused = at(places, "failed")
    kling.states, kling.why, fal.error = ["failed"], OF_KLING, OF_FAL
    resume(refused[::2])
    assert len(at(places, "failed")) == 4
    kling.states, fal.error = [], ""
    for wire, said_back in ((kling, OF_KLING), (fal, OF_FAL)):
        wire.faults["poll"] = [echoed(503, said_back)]
        wire.faults["fetch"] = [echoed(403, said_back), Fault("truncated")]
    resume(refused[1::2])
    assert len(at(places, "done")) == 2


def pages(house: DaemonHouse) -> Iterator[str]:
    """What the console shows and answers, to somebody who has its token."""
    [ready] = house.events("console_ready")
    own = [
        "/",
        "/now",
        "/dailies",
        "/costs",
        "/costs.csv",
        "/links",
        "/api",
        "/api/openapi.json",
        "/api/projects",
        "/metrics",
    ]
    per_project = ["/api/projects/{0}/sequences", "/rows/{0}"]
    per_sequence = [
        "/api/projects/{0}/sequences/{1}",
        "/review/{0}/{1}",
        "/api/projects/{0}/sequences/{1}/takes",
    ]
    paths = [*own, *(path.format(project) for project in JOBS for path in per_project)]
    paths += [path.format(project, name) for project in JOBS for name in NAMES for path in per_sequence]
    bearer = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=ready["address"], headers=bearer, trust_env=False) as client:
        for path in paths:
            answer = client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            yield f"{answer.headers}{answer.text}"


@pytest.fixture
def vendors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[GeminiWire, KlingWire, FalWire]]:
    """Three stand-ins, and every key where a studio may have put it."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "gemini.key"
    file.write_text(gemini_wire.KEY)
    told = {
        "urls": [f"json://mara:{quote(PASSWORD, safe='')}@127.0.0.1:1/"],
        "webhook": f"http://127.0.0.1:1/hook?token={HOOK}",
        "gather_seconds": 0.05,
    }
    planted = {
        "GEMINI_API_KEY_FILE": str(file),
        "KLING_ACCESS_KEY": kling_wire.ACCESS,
        "KLING_SECRET_KEY": kling_wire.SECRET,
        "FAL_KEY": fal_wire.KEY,
        "STARSEND_NOTICES": json.dumps(told),
        **UNUSED,
    }
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    with GeminiWire() as gemini, KlingWire(lambda: datetime.now(UTC)) as kling, FalWire() as fal:
        assert isinstance(gemini, GeminiWire)
        assert isinstance(kling, KlingWire)
        assert isinstance(fal, FalWire)
        yield gemini, kling, fal


def test_no_secret_is_told_by_a_whole_run(
    vendors: tuple[GeminiWire, KlingWire, FalWire], tmp_path: Path
) -> None:
    """Each vendor says all keys back in refusals, failures and looks, loses an answer, and breaks a download: is no key,
    token, password or signature in a file, row, tag, log, page or word?
    """
    gemini, kling, fal = vendors
    (root := tmp_path / "root").mkdir()
    house = DaemonHouse(root)
    house.options = ("--debug",)
    out = io.BytesIO()
    sheet([2, 2], colour="magenta").save(out, "PNG")
    gemini.answers += [
        gemini_wire.answered([gemini_wire.inline(out.getvalue())], tokens=1120) for _ in range(20)
    ]
    usual: dict[str, Any] = {
        "image": {"provider": "gemini", "model": "gemini-nano-banana-2.1", "size": "1K"},
        "gemini": {"base_url": gemini.url},
        "limits": {"gemini": {"at_once": 6}},
        "prices": [{**PRICE, "provider": "kling", "model": "kling-v3"}],
        "retry": {"poll_seconds": 0.02},
    }
    jobs = {
        "kling": ({"provider": "kling", "model": "kling-v3", "resolution": "1080p"}, kling),
        "fal": ({"provider": "fal", "model": "kling-video/v3/pro", "resolution": "1080p"}, fal),
    }
    gemini.faults["submit"] = [*map(of_google, (400, 401, 429, 500)), Fault("reset_after")]
    places = []
    for name, (video, wire) in jobs.items():
        place = house.project(name, video=video, **{name: {"base_url": wire.url}}, **usual)
        place.file.path.write_text(json.dumps({"sequences": dict.fromkeys(NAMES, BRIEF)}))
        places.append(place)
    daemon = house.start("--console", STARSEND_CONSOLE__PORT="0", STARSEND_CONSOLE_TOKEN=TOKEN)
    try:
        drive(places, kling, fal)
        shown = [house.ask(path)[1] for path in ("/metrics", "/healthz", "/status")]
        shown += pages(house)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
    finally:
        daemon.kill()
        daemon.wait()
    words = [["status", "--json"], ["costs", "-p", "kling", "--json"], ["recover", "list"], ["doctor"]]
    with ThreadPoolExecutor(len(words)) as people:
        shown += people.map(lambda command: house.command(*command), words)
    assert "unknown" in shown[-2], "a lost answer is listed"
    bearers = {call.headers.get("Authorization", "").removeprefix("Bearer ") for _, call in kling.calls} - {
        ""
    }
    assert bearers
    secrets = {
        *KEYS,
        *UNUSED.values(),
        TOKEN,
        PASSWORD,
        HOOK,
        SIGNATURE,
        *bearers,
        *(b.rpartition(".")[2] for b in bearers),
    }
    leaks = {
        (where, form)
        for where, told in [*everything(root), *enumerate(line.encode() for line in shown)]
        for secret in secrets
        for form in forms(secret)
        if form in told
    }
    assert not leaks
    for place in places:
        assert any("echo [key] at" in kept(place, name)["status"] for name in NAMES), (
            "it was quoted, without the keys"
        )
