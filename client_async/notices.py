"""Telling people what waits for them: by mail, chat or webhook through apprise, and on the terminal. Grouped, and never lost.

Every notice goes into ``notices.jsonl`` before it is sent, and is marked there when every service took it; what a killed
run left unsent, the next one sends. Where the two cannot both be had, people are told twice rather than never.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.to_thread
import structlog
from anyio.abc import TaskGroup, TaskStatus

from client_async.notice_services import Sender, apprise_sender, webhook_sender
from client_async.outbox import SAID, Kind, Notice, Outbox, as_json

log = structlog.get_logger()

URGENT: frozenset[Kind] = frozenset({"out_of_money", "needs_decision"})
SHOWN = 20
"""Lines of one message; of hundreds nobody reads more."""
URGENT_SECONDS = 2.0
"""What cannot wait is held for so long, for what belongs to it."""
TRIES = 4
OLDEST = timedelta(days=1)
"""What a run of the day before yesterday did not get out is no news any more."""


class Target:
    """Somewhere notices go, and what it has not taken yet. ``name`` is the setting that holds its address."""

    def __init__(self, name: str, send: Sender) -> None:
        self.name = name
        self.send = send
        self.owed: dict[Notice, None] = {}
        self.called = False
        self.busy = False
        self.limiter = anyio.CapacityLimiter(1)  # its own: a slow one holds up no other


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
        names = [f"notices.urls[{number}]" for number in range(len(urls))]
        self._targets = [
            Target(name, apprise_sender(name, url)) for name, url in zip(names, urls, strict=True)
        ]
        if webhook is not None:
            self._targets.append(Target("notices.webhook", webhook_sender("notices.webhook", webhook)))
        self._gather_seconds = gather_seconds
        self._outbox = Outbox(outbox)
        self._terminal = terminal
        self._now = now
        self._waiting: dict[tuple[str, str, Kind, str], Notice] = {}
        self._posted = anyio.Event()
        self._hurry = anyio.Event()
        self._stopped = anyio.Event()

    def post(self, notice: Notice) -> None:
        """Put a notice up. Returns at once; from the event loop's thread."""
        if notice.said in self._waiting:
            return
        self._waiting[notice.said] = notice
        self._outbox.keep(as_json(notice))
        self._posted.set()
        if notice.kind in URGENT:
            self._hurry.set()
        if self._terminal is not None:
            self._terminal(notice.line())

    def withdraw(self, project: str, sequence: str) -> None:
        """A sequence was taken out of the work: what it waited for need not be told any more."""
        of_it = [n for n in self._waiting.values() if (n.project, n.sequence) == (project, sequence)]
        void = [n for n in of_it if n.kind == "grid_ready"]
        for notice in void:
            del self._waiting[notice.said]
        if void:
            self._outbox.keep({"sent": [as_json(notice) for notice in void]})

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Gather and send until ``stop``; what an earlier run left unsent goes first."""
        with self._outbox.held() as alone:
            if alone:
                await self._take_left_over()
            task_status.started()
            try:
                async with anyio.create_task_group() as writing:
                    writing.start_soon(self._outbox.write_as_it_comes)
                    await self._gather_and_send()
                    writing.cancel_scope.cancel()
            finally:
                await self._outbox.write_the_rest()

    def stop(self) -> None:
        """Send what waits now; ``run`` returns then."""
        self._stopped.set()
        self._posted.set()
        self._hurry.set()

    # -------------------------------------------------------------------------------------------- sending

    async def _take_left_over(self) -> None:
        oldest = self._now() - OLDEST
        left = dict.fromkeys(notice for notice in await self._outbox.left_over() if notice.at >= oldest)
        if left and self._targets:
            for target in self._targets:
                target.owed.update(left)
            self._posted.set()

    async def _gather_and_send(self) -> None:
        """Until ``stop``; and then until nothing waits, for much may be posted while a slow service takes the last."""
        while True:
            async with anyio.create_task_group() as deliveries:
                while True:
                    await self._gather()
                    await self._outbox.write_down()
                    self._hand_out(deliveries)
                    if self._stopped.is_set():
                        break
            if not self._waiting:
                return

    async def _gather(self) -> None:
        """Wait for a notice, and for what belongs to it."""
        if self._stopped.is_set():
            return
        await self._posted.wait()
        with anyio.move_on_after(self._gather_seconds):
            await self._hurry.wait()
            with anyio.move_on_after(URGENT_SECONDS):
                await self._stopped.wait()

    def _hand_out(self, deliveries: TaskGroup) -> None:
        notices, self._waiting = list(self._waiting.values()), {}
        self._posted, self._hurry = anyio.Event(), anyio.Event()
        for target in self._targets:
            target.owed.update(dict.fromkeys(notices))
            target.called = bool(target.owed)
            if target.called and not target.busy:
                target.busy = True
                deliveries.start_soon(self._serve, target)
        if not self._targets:
            self._mark_sent(notices)

    async def _serve(self, target: Target) -> None:
        """Once for each call, however many came during a try: a dead service is tried again with the next message."""
        while target.called:
            target.called = False
            await self._bring(target)
        target.busy = False

    async def _bring(self, target: Target) -> None:
        """Offer a service all that it is owed. What it does not take stays owed, for a day."""
        oldest = self._now() - OLDEST
        target.owed = {notice: None for notice in target.owed if notice.at >= oldest}
        owed = list(target.owed)
        notices = list({notice.said: notice for notice in owed}.values())
        if not notices:
            return
        title = headline(notices)
        if not await self._deliver(target, title, notices):
            log.error("notice_undelivered", count=len(notices), target=target.name)
            return
        log.info("notice_sent", count=len(notices), title=title, target=target.name)
        for notice in owed:
            del target.owed[notice]
        self._mark_sent(owed)

    async def _deliver(self, target: Target, title: str, notices: list[Notice]) -> bool:
        body = "\n".join(_lines(notices))
        for again in range(TRIES):
            try:
                await anyio.to_thread.run_sync(
                    target.send, title, body, notices, limiter=target.limiter, abandon_on_cancel=True
                )
            except Exception as fault:  # noqa: BLE001 - whatever a service raises; its text may quote the address
                if again == TRIES - 1 or self._stopped.is_set():
                    return False
                log.warning("notice_delayed", fault=type(fault).__name__, tried=again + 1, target=target.name)
                with anyio.move_on_after(2.0**again * min(1.0, self._gather_seconds)):
                    await self._stopped.wait()
            else:
                return True
        return False

    def _mark_sent(self, notices: list[Notice]) -> None:
        """Those that no service is owed. Who took what is not written down: after a restart, all are told again."""
        everywhere = [n for n in notices if not any(n in target.owed for target in self._targets)]
        if everywhere:
            self._outbox.keep({"sent": [as_json(notice) for notice in everywhere]})


def headline(notices: Sequence[Notice]) -> str:
    """``Starsend: 40 grids are ready, 1 pick was refused``."""
    # Three faulty saves of one brief are one brief; two refused picks are two.
    brief = {(n.project, n.sequence): n for n in notices if n.kind == "brief_broken"}
    counts = Counter(n.kind for n in [*(n for n in notices if n.kind != "brief_broken"), *brief.values()])
    said = [f"{count} {SAID[kind][count > 1]}" for kind, count in counts.most_common()]
    return f"Starsend: {', '.join(said)}"


def _lines(notices: list[Notice]) -> list[str]:
    ordered = sorted(notices, key=lambda n: (n.kind not in URGENT, n.project, n.kind, n.sequence))
    more = [f"... and {len(ordered) - SHOWN} more"] if len(ordered) > SHOWN else []
    return [notice.line() for notice in ordered[:SHOWN]] + more
