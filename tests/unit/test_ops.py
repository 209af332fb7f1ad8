"""Do ops see what is going on: metrics, health, notices to people, systemd?"""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from typing import Any

import anyio
import pytest
import structlog

from client_async.bulletin import Bulletin
from client_async.daemon_view import SCHEMA, ask_daemon, provider_lines
from client_async.metrics import Metrics
from client_async.notice_services import BadTarget
from client_async.notices import NoticeBoard, headline
from client_async.ops_port import STALLED_SECONDS, Health, ops_port
from client_async.outbox import Kind, Notice
from client_async.provider_rows import provider_rows
from client_async.service import Service
from starsend.errors import BadInput
from starsend.vendor_gates import GateState, Hold

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


# ---------------------------------------------------------------------------------------------- metrics and health


def test_metrics_tell_what_happened() -> None:
    """Is each fact on the page, under a bounded label, and gone with its project?"""
    metrics = Metrics()
    metrics.step_queued("gemini")
    metrics.step_started("gemini")
    metrics.step_ended("gemini", 12.0, "done")
    metrics.pick_decided(True)
    metrics.sequence_moved("spring", "done")
    metrics.spent("spring", "actual", Decimal("1.25"))
    metrics.watcher_mode("spring", "polling")
    metrics.loop_lag(0.002)
    metrics.queue("gemini", 7)
    page = metrics.page().decode()
    for line in (
        'starsend_steps_in_flight{provider="gemini"} 0.0',
        'starsend_step_seconds_bucket{le="20.0",outcome="done",provider="gemini"} 1.0',
        'starsend_step_seconds_bucket{le="10.0",outcome="done",provider="gemini"} 0.0',
        'starsend_picks_total{verdict="accepted"} 1.0',
        'starsend_sequence_moves_total{project="spring",state="done"} 1.0',
        'starsend_spend_dollars{kind="actual",project="spring"} 1.25',
        'starsend_watcher_polling{project="spring"} 1.0',
        'starsend_queue_depth{provider="gemini"} 7.0',
        "starsend_event_loop_lag_seconds_count 1.0",
    ):
        assert line in page
    metrics.project_gone("spring")
    assert "spring" not in metrics.page().decode()


def ask(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def test_a_stalled_loop_is_told_not_silent() -> None:
    """Is health good while the loop beats, bad when it does not, and readiness another question?"""
    time = [0.0]
    health = Health(lambda: time[0])
    with ops_port("127.0.0.1", 0, Metrics(), health) as address:
        assert (ask(address, "/healthz")[0], ask(address, "/readyz")[0]) == (200, 503)
        health.ready = True
        assert ask(address, "/readyz")[0] == 200
        time[0] = STALLED_SECONDS + 1
        status, said = ask(address, "/healthz")
        assert (status, json.loads(said)["status"]) == (503, "stalled")
        health.beat()
        assert ask(address, "/healthz")[0] == 200
        assert ask(address, "/metrics")[0] == 200
        assert ask(address, "/etc/passwd")[0] == 404
        with pytest.raises(BadInput, match=r"daemon\.port"), ops_port(*_split(address), Metrics(), health):
            pass
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(_split(address), timeout=1)


@pytest.mark.parametrize(
    "said",
    [
        {"providers": 5},
        {"providers": [{"provider": "fal"}]},
        [1],
        {"schema": "starsend.daemon/0", "providers": []},
    ],
)
def test_another_program_on_a_daemons_port_says_nothing(said: Any) -> None:
    """Does `status` take what answers there, or an address that is none, for no answer, and a daemon for one?"""
    health = Health()
    with ops_port("127.0.0.1", 0, Metrics(), health) as address:
        health.status = said
        assert ask_daemon(address) == {}
        health.status = {"schema": SCHEMA, "process": 7, "providers": provider_rows({}, {"fal": 1}, [])}
        answer = ask_daemon(address)
    (line,) = provider_lines([answer])
    assert line == "provider fal: 0 of 0 calls in flight, 1 waiting"
    assert provider_lines([answer, {**answer, "process": 8}]) == [f"daemon 7, {line}", f"daemon 8, {line}"]
    assert ask_daemon("host:torn") == ask_daemon(address) == {}


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.partition(":")
    return host, int(port)


@pytest.mark.parametrize("abstract", [False, True])
def test_the_service_manager_hears_us(tmp_path: Path, abstract: bool) -> None:
    """By a path and by an abstract name: does each word arrive, and is nothing said where nobody listens?"""
    name = f"@starsend-{tmp_path.name}" if abstract else str(tmp_path / "n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name[1:]}" if abstract else name)
        manager.settimeout(5)
        service = Service({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1"})
        service.ready("3 projects")
        service.watchdog()
        service.reloading()
        service.stopping()
        said = [manager.recv(200).decode() for _ in range(4)]
        assert said[0] == "READY=1\nSTATUS=3 projects"
        assert said[1] == "WATCHDOG=1"
        assert said[2].startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert said[3] == "STOPPING=1"
        Service({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}).watchdog()
        Service({"NOTIFY_SOCKET": name}).watchdog()
        manager.settimeout(0.05)
        with pytest.raises(TimeoutError):
            manager.recv(200)
    Service({"NOTIFY_SOCKET": name}).ready("nobody listens any more")
    Service({}).ready("nobody asked")


# ---------------------------------------------------------------------------------------------- notices


class Hook:
    """A webhook on loopback; answers with the given statuses in turn, then 200. It keeps all waiting while it is not ``open``."""

    def __init__(self, *statuses: int) -> None:
        self.got: list[dict[str, Any]] = []
        self.asked = 0
        self.open = threading.Event()
        self.open.set()
        self.answers = answers = list(statuses)
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.asked += 1
                hook.open.wait(30)
                status = answers.pop(0) if answers else 200
                if status == 200:
                    hook.got.append(json.loads(body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()


@pytest.fixture
def hook() -> Iterator[Callable[..., Hook]]:
    made: list[Hook] = []

    def make(*statuses: int) -> Hook:
        made.append(Hook(*statuses))
        return made[-1]

    yield make
    for one in made:
        one.open.set()
        one.server.shutdown()
        one.server.server_close()


def notice(number: int = 1, kind: Kind = "grid_ready", text: str = "g1 is ready") -> Notice:
    return Notice("spring", f"SEQ{number:02}", kind, text, NOW)


def told(target: Hook) -> list[list[str]]:
    """The sequences in each message a webhook got."""
    return [[one["sequence"] for one in message["notices"]] for message in target.got]


def written(tmp_path: Path) -> str:
    outbox = tmp_path / "notices.jsonl"
    return outbox.read_text() if outbox.exists() else ""


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not true():
            await anyio.sleep(0.01)


@asynccontextmanager
async def board(tmp_path: Path, **options: Any) -> AsyncIterator[NoticeBoard]:
    """A board at work; on leaving, everything has been sent or given up."""
    made = NoticeBoard(
        outbox=tmp_path / "notices.jsonl", **{"gather_seconds": 0.1, "now": lambda: NOW, **options}
    )
    async with anyio.create_task_group() as group:
        await group.start(made.run)
        yield made
        made.stop()


@pytest.mark.anyio
async def test_forty_grids_make_one_message(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """In one window, said twice or not: is it one message, and a line each on the terminal?"""
    target, lines = hook(), list[str]()
    async with board(tmp_path, webhook=target.url, gather_seconds=60, terminal=lines.append) as made:
        for number in [*range(40), *range(40)]:
            made.post(notice(number))
        made.post(notice(3, "pick_refused", "g1 was replaced"))
    (message,) = target.got
    assert message["schema"] == "starsend.notices/1"
    assert message["title"] == "Starsend: 40 grids are ready, 1 pick was refused"
    assert (len(message["notices"]), len(lines)) == (41, 41)


@pytest.mark.anyio
async def test_a_hold_that_nobody_waits_for_is_no_news(tmp_path: Path) -> None:
    """Its time is over and nothing is wanted of that provider: are people told only when one is tried, and once?"""
    lines: list[str] = []
    async with board(tmp_path, terminal=lines.append) as made:
        bulletin = Bulletin(Metrics(), made, print)
        for ahead, posted in ((False, 0), (True, 1), (True, 1)):
            bulletin.providers([GateState("fal", None, 0, Hold("quota", "429", 0.0, 90.0, ahead))])
            assert len(lines) == posted


@pytest.mark.anyio
async def test_what_needs_a_decision_does_not_wait(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """Does it go out while the window is still open, with whatever waits?"""
    target = hook()
    async with board(tmp_path, webhook=target.url, gather_seconds=60) as made:
        made.post(notice())
        made.post(notice(2, "needs_decision", "look at the vendor's account"))
        await until(lambda: bool(target.got))
        assert len(target.got[0]["notices"]) == 2


@pytest.mark.anyio
async def test_a_service_that_fails_is_tried_again(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """Does a message arrive, once, though the first answers are errors?"""
    target = hook(500, 503)
    async with board(tmp_path, webhook=target.url) as made:
        made.post(notice())
        await until(lambda: bool(target.got))
    assert len(target.got) == 1


@pytest.mark.anyio
async def test_what_a_run_left_unsent_the_next_one_sends(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """Written down and not sent, as after a kill: is it sent once, and yesterday's news not?"""
    old = {
        "project": "spring",
        "sequence": "SEQ99",
        "kind": "failed",
        "text": "x",
        "at": (NOW - timedelta(days=2)).isoformat(),
    }
    new = {**old, "sequence": "SEQ01", "at": NOW.isoformat()}
    (tmp_path / "notices.jsonl").write_text(f'{json.dumps(old)}\n{json.dumps(new)}\n{{"torn')
    target = hook()
    for _ in range(2):
        async with board(tmp_path, webhook=target.url):
            pass
    assert [n["sequence"] for message in target.got for n in message["notices"]] == ["SEQ01"]


@pytest.mark.anyio
async def test_what_was_put_aside_unsent_is_sent_too(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """The outbox grew too large before a kill: is what it still held sent?"""
    target = hook()
    async with board(tmp_path):
        pass
    left = {"project": "spring", "sequence": "SEQ01", "kind": "failed", "text": "x", "at": NOW.isoformat()}
    (tmp_path / "notices.jsonl.1").write_text(json.dumps(left))
    async with board(tmp_path, webhook=target.url):
        pass
    assert told(target) == [["SEQ01"]]


@pytest.mark.anyio
async def test_what_is_posted_is_written_down_while_it_waits(tmp_path: Path) -> None:
    """A kill in the middle of the minute: is each notice in the file already, also those after the first?"""
    async with board(tmp_path, gather_seconds=60) as made:
        for number in (1, 2, 3):
            made.post(notice(number))
            await until(lambda n=number: f"SEQ{n:02}" in written(tmp_path))  # type: ignore[misc]


@pytest.mark.anyio
async def test_a_run_that_is_cancelled_leaves_its_notices_in_the_file(
    tmp_path: Path, hook: Callable[..., Hook]
) -> None:
    """Posted, and cancelled before anything was awaited: does the next run send it?"""
    target = hook()
    made = NoticeBoard(outbox=tmp_path / "notices.jsonl", webhook=target.url, now=lambda: NOW)
    async with anyio.create_task_group() as group:
        await group.start(made.run)
        made.post(notice())
        group.cancel_scope.cancel()
    assert target.got == []
    async with board(tmp_path, webhook=target.url):
        pass
    assert told(target) == [["SEQ01"]]


@pytest.mark.anyio
async def test_what_comes_while_the_last_message_goes_out_is_sent(
    tmp_path: Path, hook: Callable[..., Hook]
) -> None:
    """A slow service, a stop, and one more notice: is it sent before the end, and marked so?"""
    target = hook()
    target.open.clear()
    async with board(tmp_path, webhook=target.url, gather_seconds=0.01) as made:
        made.post(notice(1))
        await until(lambda: target.asked == 1)
        made.stop()
        made.post(notice(2))
        await anyio.wait_all_tasks_blocked()
        made.post(notice(3))
        target.open.set()
    assert sorted(chain(*told(target))) == ["SEQ01", "SEQ02", "SEQ03"]
    async with board(tmp_path, webhook=target.url):
        pass
    assert len([*chain(*told(target))]) == 3


@pytest.mark.anyio
async def test_what_a_service_refused_goes_with_the_next_message(
    tmp_path: Path, hook: Callable[..., Hook]
) -> None:
    """Refused at every try: does the next message hold it, once, unless it is old by then?"""
    target, time = hook(*[500] * 8), [NOW]
    async with board(tmp_path, webhook=target.url, gather_seconds=0.01, now=lambda: time[0]) as made:
        made.post(notice(1))
        await until(lambda: target.asked == 4)
        time[0] = NOW + timedelta(hours=23)
        made.post(Notice("spring", "SEQ02", "failed", "x", time[0]))
        await until(lambda: target.asked == 8)
        time[0] = NOW + timedelta(hours=25)
        made.post(Notice("spring", "SEQ03", "failed", "x", time[0]))
        await until(lambda: target.got != [])
    assert told(target) == [["SEQ02", "SEQ03"]]


@pytest.mark.anyio
async def test_what_a_service_refused_the_next_run_sends(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """A service that is dead to the end: is it left in peace, but for a last try, and told once by a later run?"""
    target = hook(*[500] * 100)
    async with board(tmp_path, webhook=target.url, gather_seconds=0.01) as made:
        made.post(notice())
        await until(lambda: target.asked == 4)
    assert (target.got, target.asked) == ([], 5)
    target.answers.clear()
    for _ in range(2):
        async with board(tmp_path, webhook=target.url):
            pass
    assert told(target) == [["SEQ01"]]


@pytest.mark.anyio
async def test_a_dead_service_holds_up_no_other(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """One answers nothing: does the other get every message meanwhile, each once, and the first all of them later?"""
    good, dead = hook(), hook()
    dead.open.clear()
    url = good.url.replace("http://", "json://")
    async with board(tmp_path, urls=[url], webhook=dead.url, gather_seconds=0.01) as made:
        for number in (1, 2, 3):
            made.post(notice(number, text=f"g{number} is ready"))
            await until(lambda n=number: len(good.got) == n)  # type: ignore[misc]
        assert dead.got == []
        dead.open.set()
    assert [message["message"] for message in good.got] == [
        f"spring SEQ{number:02}: g{number} is ready" for number in (1, 2, 3)
    ]
    assert sorted(chain(*told(dead))) == ["SEQ01", "SEQ02", "SEQ03"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "damage",
    [
        b"5",
        b"null",
        b'{"project": "x"}',
        b"\xff\xfe",
        b'["sent"]',
        b'{"sent": 5}',
        b'{"sent": ["x"]}',
        b'{"project": "x", "sequence": "", "kind": "failed", "text": ["x"], "at": "2026-11-24T09:00:00+00:00"}',
        b'{"project": "x", "sequence": "", "kind": "failed", "text": "x", "at": "2026-11-24T09:00:00"}',
        b"[" * 100_000,
    ],
    ids=lambda damage: damage[:20].decode(errors="replace"),
)
async def test_a_damaged_line_is_skipped(tmp_path: Path, hook: Callable[..., Hook], damage: bytes) -> None:
    """Whatever a line holds: does the board start, say so once, and send what stands beside it?"""
    left = {"project": "spring", "sequence": "SEQ01", "kind": "failed", "text": "x", "at": NOW.isoformat()}
    (tmp_path / "notices.jsonl").write_bytes(b"\n".join([damage, json.dumps(left).encode(), damage]))
    target = hook()
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            async with board(tmp_path, webhook=target.url):
                pass
            assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["notice_unwritten"]
            logs.clear()
    assert told(target) == [["SEQ01"]]


@pytest.mark.anyio
async def test_an_outbox_that_is_none_keeps_nobody_from_being_told(
    tmp_path: Path, hook: Callable[..., Hook]
) -> None:
    """A folder in its place: does the board start, and do its messages go out?"""
    (tmp_path / "notices.jsonl").mkdir()
    target = hook()
    async with board(tmp_path, webhook=target.url) as made:
        made.post(notice())
    assert told(target) == [["SEQ01"]]


@pytest.mark.anyio
async def test_what_another_daemon_is_about_to_send_is_not_left_over(
    tmp_path: Path, hook: Callable[..., Hook]
) -> None:
    """Two over one outbox: does each send its own, and a later one nothing twice?"""
    first, second, third = hook(), hook(), hook()
    async with board(tmp_path, webhook=first.url, gather_seconds=60) as one:
        one.post(notice(1))
        await until(lambda: "SEQ01" in written(tmp_path))
        async with board(tmp_path, webhook=second.url) as two:
            two.post(notice(2))
    assert (told(first), told(second)) == ([["SEQ01"]], [["SEQ02"]])
    async with board(tmp_path, webhook=third.url):
        pass
    assert told(third) == []


@pytest.mark.anyio
async def test_a_notice_commands_no_terminal(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """A pick file named to clear the screen, in half a surrogate, over two lines: is all of it shown, and none obeyed?"""
    target, lines = hook(), list[str]()
    async with board(tmp_path, webhook=target.url, terminal=lines.append) as made:
        made.post(notice(kind="pick_refused", text="g1\x1b[2J\x07\udcff\u202egnp.\r\n: what is that? ü – 山"))
    shown = r"g1\x1b[2J\x07\udcff\u202egnp.  : what is that? ü – 山"
    assert lines == [f"spring SEQ01: {shown}"]
    assert target.got[0]["notices"][0]["text"] == shown


@pytest.mark.anyio
# requests leaves a refused socket open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_apprise_reaches_its_services_and_secrets_stay_in(
    tmp_path: Path, hook: Callable[..., Hook]
) -> None:
    """Does a message go out by an apprise address, and does its password appear in no log, error or file?"""
    target = hook()
    secret = "hunter2-hunter2"
    url = target.url.replace("http://", f"json://mara:{secret}@")
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as logs:
        async with board(tmp_path, urls=[url]) as made:
            made.post(notice())
        async with board(tmp_path, urls=[f"json://mara:{secret}@127.0.0.1:1/"], gather_seconds=0.01) as made:
            made.post(notice(2))
    assert target.got[0]["title"] == "Starsend: 1 grid is ready"
    with pytest.raises(BadTarget) as refused:
        NoticeBoard(urls=[f"nosuch://mara:{secret}@example/"], outbox=tmp_path / "x")
    with pytest.raises(BadTarget, match=r"notices\.webhook"):
        NoticeBoard(webhook=f"ftp://mara:{secret}@example/", outbox=tmp_path / "x")
    assert "notice_undelivered" in [entry["event"] for entry in logs]
    everything = f"{logs}{refused.value!r}{(tmp_path / 'notices.jsonl').read_text()}{made!r}"
    assert secret not in everything


def test_a_headline_counts() -> None:
    """One or many: does the title read as a person would say it?"""
    assert headline([notice()]) == "Starsend: 1 grid is ready"
    assert headline([notice(), notice(2)]) == "Starsend: 2 grids are ready"
    saves = [notice(kind="brief_broken", text=f"line {line}") for line in (3, 4, 5)]
    assert headline(saves) == "Starsend: 1 brief cannot be taken in", "however often it was saved"
    refused = [notice(kind="pick_refused", text=file) for file in ("a.pick", "b.pick")]
    assert headline(refused) == "Starsend: 2 picks were refused"


@pytest.mark.anyio
async def test_what_was_taken_out_of_the_work_is_not_told(tmp_path: Path, hook: Callable[..., Hook]) -> None:
    """A grid became ready and its sequence was marked deleted within the minute: is nobody called, now or later?"""
    target = hook()
    for _ in range(2):
        async with board(tmp_path, webhook=target.url) as made:
            made.post(notice())
            made.post(notice(2))
            made.withdraw("spring", "SEQ01")
    assert [[n["sequence"] for n in got["notices"]] for got in target.got] == [["SEQ02"], ["SEQ02"]]
