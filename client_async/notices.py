"""Telling people what waits for them: by mail, chat or webhook through apprise, and on the terminal. Grouped, and never lost.

Every notice goes into ``notices.jsonl`` before it is sent, and is marked there when it went out; what a killed run left
unsent, the next one sends.
"""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import aiofiles
import anyio
import anyio.to_thread
import structlog
from anyio.abc import TaskStatus

from starsend.errors import BadInput

log = structlog.get_logger()

Kind = Literal["grid_ready", "pick_refused", "out_of_money", "needs_decision", "failed", "brief_broken"]
SCHEMA = "starsend.notices/1"
URGENT: frozenset[Kind] = frozenset({"out_of_money", "needs_decision"})
SAID: dict[Kind, tuple[str, str]] = {
    "grid_ready": ("grid is ready", "grids are ready"),
    "pick_refused": ("pick was refused", "picks were refused"),
    "out_of_money": ("sequence has reached its cap", "sequences have reached their cap"),
    "needs_decision": ("call needs a decision", "calls need a decision"),
    "failed": ("sequence has failed", "sequences have failed"),
    "brief_broken": ("brief cannot be read", "briefs cannot be read"),
}
SHOWN = 20
"""Lines of one message; of hundreds nobody reads more."""
URGENT_SECONDS = 2.0
"""What cannot wait is held for so long, for what belongs to it."""
SEND_SECONDS = 10.0
TRIES = 4
OLDEST = timedelta(days=1)
"""What a run of the day before yesterday did not get out is no news any more."""
LARGEST = 1_000_000
"""Bytes of the outbox before it is put aside as ``.1``."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing for people. ``sequence`` is empty when it is of a whole project; ``at`` is in UTC."""

    project: str
    sequence: str
    kind: Kind
    text: str
    at: datetime

    def line(self) -> str:
        """As a person reads it."""
        where = f"{self.project} {self.sequence}".strip()
        return f"{where}: {self.text}"


class BadTarget(BadInput):
    """An address for notices makes no sense. It is not quoted: it may hold a password."""

    def __init__(self, setting: str, scheme: str) -> None:
        super().__init__(
            f"an address that begins with {scheme or 'nothing'}:// is not understood",
            where=setting,
            remedy="see apprise's list of services for how it is spelt",
        )


class NoticeBoard:
    """Gathers notices and sends them as few messages.

    Args:
        urls: apprise addresses. They hold secrets and are never shown.
        webhook: an http(s) address that gets each message as JSON.
        gather_seconds: what comes within so many seconds of the first becomes one message.
        outbox: the file in which every notice is kept.
        terminal: prints a line; None where nobody sits.

    Raises BadTarget.
    """

    def __init__(
        self,
        *,
        urls: Sequence[str] = (),
        webhook: str | None = None,
        gather_seconds: float = 60.0,
        outbox: Path,
        terminal: Callable[[str], None] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._senders = [_apprise_sender(number, url) for number, url in enumerate(urls)]
        if webhook is not None:
            if urlsplit(webhook).scheme not in ("http", "https"):
                raise BadTarget("notices.webhook", urlsplit(webhook).scheme)
            self._senders.append(lambda title, _body, notices: _post(webhook, title, notices))
        self._gather = gather_seconds
        self._outbox = outbox
        self._terminal = terminal
        self._now = now
        self._waiting: dict[tuple[str, str, Kind, str], Notice] = {}
        self._unwritten: list[Notice] = []
        self._posted = anyio.Event()
        self._hurry = anyio.Event()
        self._stopping = False
        self._torn = False
        self._limiter = anyio.CapacityLimiter(1)

    def post(self, notice: Notice) -> None:
        """Put a notice up. Returns at once; from the event loop's thread."""
        key = (notice.project, notice.sequence, notice.kind, notice.text)
        if key in self._waiting:
            return
        if self._terminal is not None:
            self._terminal(notice.line())
        self._waiting[key] = notice
        self._unwritten.append(notice)
        self._posted.set()
        if notice.kind in URGENT:
            self._hurry.set()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Gather and send until ``stop``; what an earlier run left unsent goes first."""
        for notice in await self._left_over():
            self._waiting[notice.project, notice.sequence, notice.kind, notice.text] = notice
            self._posted.set()
        task_status.started()
        while True:
            await self._posted.wait()
            await self._write_down()
            with anyio.move_on_after(0 if self._stopping else self._gather):
                await self._hurry.wait()
                if not self._stopping:
                    await anyio.sleep(min(URGENT_SECONDS, self._gather))
            self._posted, self._hurry = anyio.Event(), anyio.Event()
            await self._write_down()
            if self._waiting:
                notices, self._waiting = list(self._waiting.values()), {}
                await self._send(notices)
            if self._stopping:
                return

    def stop(self) -> None:
        """Send what waits now; ``run`` returns then."""
        self._stopping = True
        self._posted.set()
        self._hurry.set()

    # -------------------------------------------------------------------------------------------- sending

    async def _send(self, notices: list[Notice]) -> None:
        title, body = headline(notices), "\n".join(_lines(notices))
        failed = 0
        for sender in self._senders:
            if not await self._deliver(sender, title, body, notices):
                failed += 1
        if failed:
            log.error("notice_undelivered", count=len(notices), targets=failed)
        if self._senders and not failed:
            log.info("notice_sent", count=len(notices), title=title)
        await self._append([{"sent": [_as_json(n) for n in notices], "failed": failed}])

    async def _deliver(self, sender: Sender, title: str, body: str, notices: list[Notice]) -> bool:
        for again in range(TRIES):
            try:
                await anyio.to_thread.run_sync(
                    sender, title, body, notices, limiter=self._limiter, abandon_on_cancel=True
                )
            except Exception as fault:  # noqa: BLE001 - whatever a service raises; its text may quote the address
                if again == TRIES - 1 or self._stopping:
                    return False
                log.warning("notice_delayed", fault=type(fault).__name__, tried=again + 1)
                with anyio.move_on_after(2.0**again * min(1.0, self._gather)):
                    await self._hurry.wait()
            else:
                return True
        return False

    # -------------------------------------------------------------------------------------------- the outbox

    async def _write_down(self) -> None:
        notices, self._unwritten = self._unwritten, []
        if notices:
            await self._append([_as_json(notice) for notice in notices])

    async def _append(self, lines: list[dict[str, object]]) -> None:
        try:
            if self._outbox.exists() and self._outbox.stat().st_size > LARGEST:
                self._outbox.replace(self._outbox.with_name(f"{self._outbox.name}.1"))
            async with aiofiles.open(self._outbox, "a") as file:
                await file.write("\n" * self._torn + "".join(json.dumps(line) + "\n" for line in lines))
                self._torn = False
        except OSError as refused:  # a full disk must not stop a mail
            log.error("notice_unwritten", error=str(refused))

    async def _left_over(self) -> list[Notice]:
        """What an earlier run wrote down and did not send."""
        open_: Counter[str] = Counter()
        try:
            async with aiofiles.open(self._outbox) as file:
                async for line in file:
                    self._torn = not line.endswith("\n")  # a killed run's last words
                    with_sent = _parsed(line)
                    if "sent" in with_sent:
                        open_.subtract(json.dumps(sent) for sent in with_sent["sent"])
                    elif with_sent:
                        open_[json.dumps(with_sent)] += 1
        except FileNotFoundError:
            return []
        oldest = (self._now() - OLDEST).isoformat()
        found = [json.loads(text) for text, count in open_.items() if count > 0]
        return [_from_json(raw) for raw in found if raw["at"] >= oldest] if self._senders else []


Sender = Callable[[str, str, list[Notice]], None]


def headline(notices: Iterable[Notice]) -> str:
    """``Starsend: 40 grids are ready, 1 pick was refused``."""
    counts = Counter(notice.kind for notice in notices)
    said = [f"{count} {SAID[kind][count > 1]}" for kind, count in counts.most_common()]
    return f"Starsend: {', '.join(said)}"


def _lines(notices: list[Notice]) -> list[str]:
    ordered = sorted(notices, key=lambda n: (n.kind not in URGENT, n.project, n.kind, n.sequence))
    more = [f"... and {len(ordered) - SHOWN} more"] if len(ordered) > SHOWN else []
    return [notice.line() for notice in ordered[:SHOWN]] + more


def _apprise_sender(number: int, url: str) -> Sender:
    import apprise  # noqa: PLC0415 - 150 services; loaded where one is configured

    logging.getLogger("apprise").setLevel(
        logging.CRITICAL + 1
    )  # it quotes addresses; we say what is to be said
    service = apprise.Apprise()
    if not service.add(url):
        raise BadTarget(f"notices.urls[{number}]", url.partition("://")[0] if "://" in url else "")

    def send(title: str, body: str, _notices: list[Notice]) -> None:
        if not service.notify(title=title, body=body):
            raise ConnectionError("the service did not take the message")

    return send


def _post(url: str, title: str, notices: list[Notice]) -> None:
    body = json.dumps({"schema": SCHEMA, "title": title, "notices": [_as_json(n) for n in notices]}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - http(s), checked
    try:
        with urllib.request.urlopen(request, timeout=SEND_SECONDS) as answer:  # noqa: S310
            answer.read(1)
    except urllib.error.HTTPError as refused:
        refused.close()
        raise ConnectionError(f"the webhook answered {refused.code}") from None  # the error holds the address


def _as_json(notice: Notice) -> dict[str, object]:
    return {**asdict(notice), "at": notice.at.isoformat()}


def _from_json(raw: dict[str, str]) -> Notice:
    return Notice(**{**raw, "at": datetime.fromisoformat(raw["at"])})  # type: ignore[arg-type]


def _parsed(line: str) -> dict[str, list[object]]:
    try:
        found: dict[str, list[object]] = json.loads(line)
    except json.JSONDecodeError:  # torn by a kill
        return {}
    return found
