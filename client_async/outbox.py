"""The outbox: each notice is written down before it is sent, and marked when every service took it, so that none is lost."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import aiofiles
import anyio
import structlog

log = structlog.get_logger()

Kind = Literal[
    "grid_ready",
    "pick_refused",
    "out_of_money",
    "needs_decision",
    "failed",
    "brief_broken",
    "provider_held",
    "client_answered",
]
SAID: dict[Kind, tuple[str, str]] = {
    "grid_ready": ("grid is ready", "grids are ready"),
    "pick_refused": ("pick was refused", "picks were refused"),
    "out_of_money": ("sequence has reached its cap", "sequences have reached their cap"),
    "needs_decision": ("call needs a decision", "calls need a decision"),
    "failed": ("sequence has failed", "sequences have failed"),
    "brief_broken": ("brief cannot be taken in", "briefs cannot be taken in"),
    "provider_held": ("provider takes no calls", "providers take no calls"),
    "client_answered": ("answer of a client", "answers of clients"),
}
LARGEST = 1_000_000
"""Bytes of the outbox before it is put aside as ``.1``."""
WRITE_SECONDS = 5.0
"""A disk that does not answer must not keep the daemon from ending."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing for people. ``sequence`` is empty when it is of a whole project, ``project`` too when of all; ``at`` is in UTC.

    Names and text are made plain: they hold names of files, which may hold what a terminal obeys.
    """

    project: str
    sequence: str
    kind: Kind
    text: str
    at: datetime

    def __post_init__(self) -> None:
        for field in ("project", "sequence", "text"):
            object.__setattr__(self, field, _plain(getattr(self, field)))

    @property
    def said(self) -> tuple[str, str, Kind, str]:
        """What two notices have in common that say the same."""
        return self.project, self.sequence, self.kind, self.text

    def line(self) -> str:
        """As a person reads it."""
        where = f"{self.project} {self.sequence}".strip()
        return f"{where}: {self.text}" if where else self.text


class Outbox:
    """The file of all notices and of what became of them: a line for each notice, and ``sent`` lines that repeat some."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._aside = path.with_name(f"{path.name}.1")
        self._lines: list[dict[str, object]] = []
        self._to_write = anyio.Event()
        self._pen = anyio.Lock()
        self._torn = True  # until a line is written: an earlier run may have died within its last
        self._alone = False

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Whether nobody else holds it. What another daemon has not sent yet is not left over: it is about to."""
        with ExitStack() as kept:
            try:
                lock = kept.enter_context(self._path.with_suffix(".lock").open("a"))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._alone = True
            except OSError as refused:
                # Another daemon has it; or there is no folder yet, and nothing is left in it.
                if not isinstance(refused, BlockingIOError | FileNotFoundError):
                    log.error("notice_unwritten", error=str(refused))
            yield self._alone

    def keep(self, line: dict[str, object]) -> None:
        """Have a line written, soon. Returns at once."""
        self._lines.append(line)
        self._to_write.set()

    async def write_as_it_comes(self) -> None:
        """Until cancelled."""
        while True:
            await self._to_write.wait()
            self._to_write = anyio.Event()
            await self.write_down()

    async def write_down(self) -> None:
        """Write out all kept lines; returns once they are on disk or the disk refused."""
        async with self._pen:
            lines, self._lines = self._lines, []
            if not lines:
                return
            try:
                with anyio.fail_after(WRITE_SECONDS, shield=True):
                    await self._append("".join(json.dumps(line) + "\n" for line in lines))
                self._torn = False
            except OSError as refused:  # a full disk must not stop a mail
                self._torn = True
                log.error("notice_unwritten", error=str(refused) or "the disk does not answer")

    async def write_the_rest(self) -> None:
        """Whatever happens to who asks for it; each write is bounded."""
        with anyio.CancelScope(shield=True):
            while self._lines:
                await self.write_down()

    async def left_over(self) -> list[Notice]:
        """What an earlier run wrote down and did not mark as sent. What cannot be read is skipped, and told once."""
        text = b""
        for path in (self._aside, self._path):
            try:
                async with aiofiles.open(path, "rb") as file:
                    text += await file.read() + b"\n"
            except FileNotFoundError:
                continue
            except OSError as refused:
                log.error("notice_unwritten", error=str(refused))
        unsent, unread = _unsent(text.splitlines())
        if unread:
            log.error(
                "notice_unwritten", error=f"{self._path} holds {unread} damaged lines; they are skipped"
            )
        return unsent

    async def _append(self, text: str) -> None:
        size = self._path.stat().st_size if self._path.exists() else 0
        if size > LARGEST and self._alone:  # two would put the new one over the one put aside
            self._path.replace(self._aside)
        async with aiofiles.open(self._path, "a") as file:
            await file.write("\n" * (self._torn and size > 0) + text)


def _plain(text: str) -> str:
    """In one line, and with what is not printed written out: a terminal obeys ESC, and none can show half a surrogate."""
    return "".join(
        sign if sign.isprintable() else " " if sign.isspace() else sign.encode("unicode_escape").decode()
        for sign in text
    )


def as_json(notice: Notice) -> dict[str, object]:
    """A notice as the outbox and the webhook write it."""
    return {**asdict(notice), "at": notice.at.isoformat()}


def _from_json(raw: dict[str, Any]) -> Notice:
    """Raises ValueError, TypeError, KeyError: a file may hold anything."""
    at = datetime.fromisoformat(raw["at"])
    if (
        at.tzinfo is None
        or raw["kind"] not in SAID
        or not all(isinstance(value, str) for value in raw.values())
    ):
        raise ValueError("this is no notice")
    return Notice(**{**raw, "at": at})


def _unsent(lines: Iterable[bytes]) -> tuple[list[Notice], int]:
    """What is written down and not marked as sent, and how many lines make no sense."""
    posted: dict[Notice, None] = {}
    sent: set[Notice] = set()
    unread = 0
    for line in filter(bytes.strip, lines):
        try:
            raw = json.loads(line)
            if "sent" in raw:
                sent.update(_from_json(one) for one in raw["sent"])
            else:
                posted[_from_json(raw)] = None
        except (ValueError, TypeError, KeyError, RecursionError):
            unread += 1
    return [notice for notice in posted if notice not in sent], unread
