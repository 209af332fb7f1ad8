"""The daemon: one task group that watches, reconciles, runs and stops. It is right after any restart, and needs none."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import structlog
from anyio.abc import TaskGroup, TaskStatus

from client_async.bulletin import Bulletin
from client_async.daemon_view import SCHEMA as DAEMON_SCHEMA
from client_async.dispatcher import Dispatcher
from client_async.events import Event, ProjectOpened, SequenceMoved
from client_async.metrics import Metrics
from client_async.notices import NoticeBoard
from client_async.ops_port import Health, ops_port
from client_async.process import allow_many_files, settle_memory
from client_async.provider_rows import provider_rows
from client_async.roster import Roster
from client_async.service import Service
from client_async.step_executor import STATE
from client_async.watcher import FilesTouched, Watcher
from client_async.wiring import make_executor
from starsend.config import Settings, load_settings
from starsend.errors import StarsendError
from starsend.orchestrator.budget_rows import day_of

log = structlog.get_logger()

BEAT_SECONDS = 1.0
SAVE_SECONDS = 5.0
"""Of the grace, at most a quarter: for the last renders and the last notices."""


class Daemon:
    """Drives the projects under ``root``, or those in ``only``, until it is asked to stop.

    Args:
        say: prints a line for a person at a terminal; None where nobody sits.
        console: serve the web page too.
    """

    def __init__(
        self,
        root: Path,
        only: Collection[str] = (),
        say: Callable[[str], None] | None = None,
        *,
        console: bool = False,
    ) -> None:
        self._root = root
        self._console = console
        self._settings = load_settings(root, None)
        self._stop = threading.Event()
        self._stopping = anyio.Event()
        self._metrics = Metrics()
        self._health = Health()
        self._service = Service()
        self._executor = make_executor(self._settings, self._metrics)
        self._watcher = Watcher(root, self._touched, only=only)
        self._board = _board(root, self._settings, say)
        self._say = say or (lambda _line: None)
        self._bulletin = Bulletin(self._metrics, self._board, self._say)
        self._spending: set[str] = set()
        """Projects whose ledger may hold more than was counted last."""
        self._day = day_of(datetime.now(UTC))
        """Whose cap of the day holds."""
        self._group: TaskGroup
        self._dispatcher: Dispatcher
        self._roster: Roster

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT. Raises BadInput when the port is taken or the settings are wrong."""
        allow_many_files()
        settle_memory()
        daemon = self._settings.daemon
        with (
            ops_port(daemon.host, daemon.port, self._metrics, self._health) as address,
            ExitStack() as ending,
        ):
            async with anyio.create_task_group() as self._group:
                self._dispatcher = Dispatcher(self._group, self._executor.slots)
                self._roster = Roster(
                    self._root,
                    address=address,
                    executor=self._executor,
                    dispatcher=self._dispatcher,
                    group=self._group,
                    emit=self._tell,
                    stop=self._stop,
                )
                self._group.start_soon(self._obey_signals)
                if self._console:  # first: where it cannot be served, nothing is begun
                    from client_async.console.server import serve

                    await self._group.start(
                        partial(serve, self._root, self._settings.console, self._stopping, self._say)
                    )
                told = anyio.Event()
                await self._group.start(self._run_board, told)
                await self._group.start(self._watcher.run)
                self._group.start_soon(self._beat)
                self._group.start_soon(self._count_spending)
                self._show_providers()
                self._health.ready = True
                self._service.ready(f"{len(self._watcher.modes)} projects")
                log.info("daemon_ready", pid=os.getpid(), address=address, projects=len(self._watcher.modes))
                names = sorted(self._watcher.modes)
                shown = f"{', '.join(names[:12]) or 'none yet'}{', ...' if len(names) > 12 else ''}"
                self._say(f"watching {self._root / 'projects'}: {shown}; metrics at http://{address}/metrics")
                await self._stopping.wait()
                ending.enter_context(_at_the_latest(self._settings.daemon.grace_seconds))
                await self._wind_up(told)
                self._group.cancel_scope.cancel()
        log.info("daemon_stopped")

    async def _run_board(self, ended: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        await self._board.run(task_status=task_status)
        ended.set()

    # -------------------------------------------------------------------------------------------- settings

    def _touched(self, touched: FilesTouched) -> None:
        """A hint from the watcher."""
        if touched.project:
            self._roster.touched(touched.project, touched.what)
        elif not self._stop.is_set():
            self._group.start_soon(self._roster.guard, "", self._reload)

    async def _reload(self) -> None:
        try:
            self._settings = await self._executor.run(STATE, partial(load_settings, self._root, None))
        except StarsendError as wrong:
            log.error("config_refused", project="", error=str(wrong))
            return
        self._executor.resize(self._settings.at_once())
        self._executor.gates.resize(self._settings.per_minute())
        self._dispatcher.fill()
        log.info("config_reloaded", project="")
        await self._roster.reload()

    # -------------------------------------------------------------------------------------------- telling

    def _tell(self, event: Event) -> None:
        self._bulletin.tell(event)
        if isinstance(event, SequenceMoved | ProjectOpened):
            self._spending.add(event.project)
            self._roster.stir(event.project)

    async def _count_spending(self) -> None:
        """Sum up the ledgers that may hold more; once a second at most, for that takes the longer the more they hold."""
        while True:
            await anyio.sleep(BEAT_SECONDS)
            while self._spending:
                name = self._spending.pop()
                await self._roster.guard(name, partial(self._count_spend, name))

    async def _count_spend(self, name: str) -> None:
        project = self._roster.projects.get(name)
        if project is None:
            return
        try:
            spent = await self._executor.run(STATE, project.shop.store.spent)
        except StarsendError:
            return  # the next step says it louder
        if name in self._roster.projects:
            for kind, dollars in spent.items():
                self._metrics.spent(name, kind, dollars)

    async def _beat(self) -> None:
        """Show that the event loop is alive, and how late it is."""
        while True:
            due = time.monotonic() + BEAT_SECONDS
            await anyio.sleep(BEAT_SECONDS)
            self._metrics.loop_lag(max(0.0, time.monotonic() - due))
            self._health.beat()
            self._service.watchdog()
            if day_of(datetime.now(UTC)) != self._day:
                self._day = day_of(datetime.now(UTC))
                self._group.start_soon(self._roster.guard, "", self._roster.new_day)
            self._show_providers()
            for name, mode in self._watcher.modes.items():
                self._metrics.watcher_mode(name, mode)

    def _show_providers(self) -> None:
        queued, gates = self._dispatcher.queued(), self._executor.gates.states()
        for lane, waiting in queued.items():
            self._metrics.queue(lane, waiting)
        self._bulletin.providers(gates)
        rows = provider_rows(self._executor.loads(), self._dispatcher.waiting(), gates)
        self._health.status = {"schema": DAEMON_SCHEMA, "process": os.getpid(), "providers": rows}

    # -------------------------------------------------------------------------------------------- stopping

    async def _obey_signals(self) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                if number == signal.SIGHUP:
                    self._group.start_soon(self._roster.guard, "", self._obey_hangup)
                    continue
                if self._stop.is_set():
                    signal.signal(number, signal.SIG_DFL)
                    signal.raise_signal(number)
                log.warning("stopping", signal=number.name)
                self._stop.set()
                self._stopping.set()

    async def _obey_hangup(self) -> None:
        self._service.reloading()
        await self._reload()
        self._service.ready(f"{len(self._roster.projects)} projects")

    async def _wind_up(self, told: anyio.Event) -> None:
        """Begin nothing more, let short calls end within the grace, park the long ones, and save."""
        grace = self._settings.daemon.grace_seconds
        saving = min(SAVE_SECONDS, grace / 4)
        self._service.stopping()
        self._health.ready = False
        self._watcher.stop()
        self._dispatcher.stop()
        with anyio.move_on_after(grace - saving):
            await self._dispatcher.idle()
        await self._roster.save()
        self._board.stop()
        with anyio.move_on_after(saving):
            await told.wait()
        if running := self._dispatcher.live + self._roster.fetching:
            _leave(steps=running)
        await self._roster.close()


@contextmanager
def _at_the_latest(seconds: float) -> Iterator[None]:
    """End the process if the block has not ended by then: a thread cannot be cancelled, and a disk may hang for ever."""
    last_resort = threading.Timer(seconds, _leave)
    last_resort.daemon = True
    last_resort.start()
    try:
        yield
    finally:
        last_resort.cancel()


def _leave(steps: int = 0) -> None:
    """End with threads at work. Their intents are in the ledger, and the next start finds out what became of them."""
    log.warning("stopped_in_flight", steps=steps)
    os._exit(0)


def _board(root: Path, settings: Settings, say: Callable[[str], None] | None) -> NoticeBoard:
    notices = settings.notices
    return NoticeBoard(
        urls=[url.get_secret_value() for url in notices.urls],
        webhook=notices.webhook.get_secret_value() if notices.webhook else None,
        gather_seconds=notices.gather_seconds,
        outbox=root / "projects" / "notices.jsonl",
        terminal=say,
    )
