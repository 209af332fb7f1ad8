"""The daemon: one task group that watches, reconciles, runs and stops. It is right after any restart, and needs none."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import structlog
from anyio.abc import TaskGroup, TaskStatus

from client_async.dispatcher import Dispatcher
from client_async.driver_lock import ProjectBusy
from client_async.events import BriefRefused, EditAnswered, Event, PickDecided, PickLocked, SequenceMoved
from client_async.metrics import Metrics
from client_async.notices import NoticeBoard
from client_async.ops_port import Health, ops_port
from client_async.outbox import Kind, Notice
from client_async.process import allow_many_files, settle_memory
from client_async.project_at_work import ProjectAtWork
from client_async.projects import Place
from client_async.service import Service
from client_async.signs import has_brief
from client_async.step_executor import STATE
from client_async.watcher import FilesTouched, Watcher
from client_async.wiring import make_executor
from starsend.config import Settings, load_settings
from starsend.errors import StarsendError

log = structlog.get_logger()

BEAT_SECONDS = 1.0
BUSY_SECONDS = 2.0
"""Between two tries to take over a project that somebody else drives, or that could not be opened."""
SAVE_SECONDS = 5.0
"""For the last renders and the last notices, after the grace."""
TOLD: dict[str, Kind] = {
    "waiting_for_pick": "grid_ready",
    "recovery": "needs_decision",
    "paused_budget": "out_of_money",
    "failed": "failed",
}
"""States of which people are told."""


class Daemon:
    """Drives the projects under ``root``, or those in ``only``, until it is asked to stop.

    Args:
        say: prints a line for a person at a terminal; None where nobody sits.
    """

    def __init__(
        self, root: Path, only: Collection[str] = (), say: Callable[[str], None] | None = None
    ) -> None:
        self._root = root
        self._settings = load_settings(root, None)
        self._stop = threading.Event()
        self._stopping = anyio.Event()
        self._metrics = Metrics()
        self._health = Health()
        self._service = Service()
        self._executor = make_executor(self._settings, self._metrics)
        self._watcher = Watcher(root, self._touched, only=only)
        self._board = _board(root, self._settings, say)
        self._projects: dict[str, ProjectAtWork] = {}
        self._opening: set[str] = set()
        self._closing: dict[str, anyio.Event] = {}
        self._told_busy: dict[str, str] = {}
        self._spending: set[str] = set()
        """Projects whose ledger may hold more than was counted last."""
        self._group: TaskGroup
        self._dispatcher: Dispatcher

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT. Raises BadInput when the port is taken or the settings are wrong."""
        allow_many_files()
        settle_memory()
        daemon = self._settings.daemon
        with ops_port(daemon.host, daemon.port, self._metrics, self._health) as address:
            async with anyio.create_task_group() as self._group:
                self._dispatcher = Dispatcher(self._group, self._executor.slots)
                self._group.start_soon(self._obey_signals)
                told = anyio.Event()
                await self._group.start(self._run_board, told)
                await self._group.start(self._watcher.run)
                self._group.start_soon(self._beat)
                self._group.start_soon(self._count_spending)
                self._health.ready = True
                self._service.ready(f"{len(self._watcher.modes)} projects")
                log.info("daemon_ready", pid=os.getpid(), address=address, projects=len(self._watcher.modes))
                await self._stopping.wait()
                await self._wind_up(told)
                self._group.cancel_scope.cancel()
        log.info("daemon_stopped")

    async def _run_board(self, ended: anyio.Event, *, task_status: TaskStatus[None]) -> None:
        await self._board.run(task_status=task_status)
        ended.set()

    # -------------------------------------------------------------------------------------------- projects

    def _touched(self, touched: FilesTouched) -> None:
        """A hint from the watcher. The answer depends on the state alone, so a wrong hint costs a look and no more."""
        name, what = touched.project, touched.what
        if self._stop.is_set():
            return
        if name == "":
            self._group.start_soon(self._guard, name, self._reload_studio)
        elif what == "removed" or (name in self._projects and self._projects[name].is_replaced()):
            self._drop(name)
            if has_brief(str(self._root / "projects" / name)):
                self._take_on(name)
        elif name not in self._projects:
            self._take_on(name)
        elif what == "config":
            self._group.start_soon(self._guard, name, partial(self._reload, self._projects[name]))
        elif what == "elements":
            self._group.start_soon(self._guard, name, partial(self._projects[name].resume_cured, "elements"))
        else:
            self._group.start_soon(self._guard, name, self._projects[name].look)

    async def _guard(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """A fault of ours, or of a library, is one project's: the others go on, and the next look tries again."""
        try:
            await work()
        except Exception:
            log.exception("project_broken", project=name)

    def _take_on(self, name: str) -> None:
        if name not in self._opening:
            self._opening.add(name)
            self._group.start_soon(self._guard, name, partial(self._open, name))

    def _drop(self, name: str) -> None:
        if project := self._projects.pop(name, None):
            self._closing[name] = anyio.Event()
            self._group.start_soon(self._guard, name, partial(self._close, project))

    async def _open(self, name: str) -> None:
        """Take a project on; one that is busy or broken is tried again, and holds up no other."""
        place = Place(self._root, name)
        try:
            if name in self._closing:
                # Another folder had the name: what was paid for comes home into it first.
                await self._closing[name].wait()
            project = await ProjectAtWork.open(
                place,
                executor=self._executor,
                dispatcher=self._dispatcher,
                group=self._group,
                emit=self._tell,
                stop=self._stop,
            )
        except Exception as refused:  # noqa: BLE001 - a provider of somebody else's may fail in any way
            self._tell_refused(name, refused)
            await anyio.sleep(BUSY_SECONDS)
            self._opening.discard(name)
            if has_brief(str(place.folder)):
                self._touched(FilesTouched(name, "appeared"))
            return
        self._told_busy.pop(name, None)
        self._opening.discard(name)
        if self._stop.is_set():
            project.close()
            return
        self._projects[name] = project
        log.info("project_opened", project=name)
        self._spending.add(name)
        await project.look()

    def _tell_refused(self, name: str, refused: Exception) -> None:
        """Log why a project cannot be taken on, once for each reason: it is tried every two seconds."""
        if self._told_busy.get(name) == str(refused):
            return
        self._told_busy[name] = str(refused)
        if isinstance(refused, ProjectBusy):
            log.warning("project_busy", project=name, error=str(refused))
        elif isinstance(refused, StarsendError):
            log.warning("project_refused", project=name, error=str(refused))
        else:
            log.exception("project_broken", project=name, exc_info=refused)

    async def _close(self, project: ProjectAtWork) -> None:
        name = project.place.name
        try:
            self._dispatcher.leave(project.desk)
            while self._dispatcher.busy(name):  # what is paid for comes home first
                await anyio.sleep(BEAT_SECONDS)
            project.close()
        finally:
            self._closing.pop(name).set()
        self._metrics.project_gone(name)
        log.info("project_closed", project=name)

    async def _reload_studio(self) -> None:
        try:
            self._settings = await self._executor.run(STATE, partial(load_settings, self._root, None))
        except StarsendError as wrong:
            log.error("config_refused", project="", error=str(wrong))
            return
        self._executor.resize(self._settings.at_once())
        self._dispatcher.fill()
        log.info("config_reloaded", project="")
        for name, project in list(self._projects.items()):
            await self._guard(name, partial(self._reload, project))

    async def _reload(self, project: ProjectAtWork) -> None:
        try:
            await project.reload()
        except StarsendError as wrong:  # it goes on by the settings it had
            log.error("config_refused", project=project.place.name, error=str(wrong))

    # -------------------------------------------------------------------------------------------- telling

    def _tell(self, event: Event) -> None:
        """Count what happened, and tell people what they wait for."""
        if isinstance(event, SequenceMoved):
            self._metrics.sequence_moved(event.project, event.state)
            if event.state in TOLD:
                self._post(event.project, event.sequence, TOLD[event.state], event.status)
            self._spending.add(event.project)
        elif isinstance(event, PickLocked):
            self._metrics.pick_decided(True)
        elif isinstance(event, PickDecided):
            # Accepted ones are counted when they are locked, by whatever road they came.
            if not event.accepted:
                self._metrics.pick_decided(False)
                self._post(event.project, "", "pick_refused", f"{event.file}: {event.reason}")
        elif isinstance(event, EditAnswered):
            if event.kind == "pick_refused":
                self._metrics.pick_decided(False)
                self._post(event.project, event.sequence, "pick_refused", event.text)
            elif event.kind == "brief_rejected":
                self._post(event.project, event.sequence, "brief_broken", event.text)
        elif isinstance(event, BriefRefused):
            self._post(event.project, "", "brief_broken", event.error)

    def _post(self, project: str, sequence: str, kind: Kind, text: str) -> None:
        self._board.post(Notice(project, sequence, kind, text, datetime.now(UTC)))

    async def _count_spending(self) -> None:
        """Sum up the ledgers that may hold more; once a second at most, for that takes the longer the more they hold."""
        while True:
            await anyio.sleep(BEAT_SECONDS)
            while self._spending:
                name = self._spending.pop()
                await self._guard(name, partial(self._count_spend, name))

    async def _count_spend(self, name: str) -> None:
        project = self._projects.get(name)
        if project is None:
            return
        try:
            spent = await self._executor.run(STATE, project.shop.store.spent)
        except StarsendError:
            return  # the next step says it louder
        if name in self._projects:
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
            for lane, waiting in self._dispatcher.queued().items():
                self._metrics.queue(lane, waiting)
            for name, mode in self._watcher.modes.items():
                self._metrics.watcher_mode(name, mode)

    # -------------------------------------------------------------------------------------------- stopping

    async def _obey_signals(self) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            async for number in signals:
                if number == signal.SIGHUP:
                    self._group.start_soon(self._guard, "", self._obey_hangup)
                    continue
                if self._stop.is_set():
                    signal.signal(number, signal.SIG_DFL)
                    signal.raise_signal(number)
                log.warning("stopping", signal=number.name)
                self._stop.set()
                self._stopping.set()

    async def _obey_hangup(self) -> None:
        self._service.reloading()
        await self._reload_studio()
        self._service.ready(f"{len(self._projects)} projects")

    async def _wind_up(self, told: anyio.Event) -> None:
        """Begin nothing more, let short calls end within the grace, park the long ones, and save."""
        self._service.stopping()
        self._health.ready = False
        self._watcher.stop()
        self._dispatcher.stop()
        with anyio.move_on_after(self._settings.daemon.grace_seconds):
            await self._dispatcher.idle()
        with anyio.move_on_after(SAVE_SECONDS, shield=True):
            for project in list(self._projects.values()):
                await project.shop.scribe.render()
        self._board.stop()
        with anyio.move_on_after(SAVE_SECONDS):
            await told.wait()
        if self._dispatcher.live:
            # Threads cannot be cancelled. Their intents are in the ledger, and the next start finds out what became of them.
            log.warning("stopped_in_flight", steps=self._dispatcher.live)
            os._exit(0)
        for project in list(self._projects.values()):
            project.close()


def _board(root: Path, settings: Settings, say: Callable[[str], None] | None) -> NoticeBoard:
    notices = settings.notices
    return NoticeBoard(
        urls=[url.get_secret_value() for url in notices.urls],
        webhook=notices.webhook.get_secret_value() if notices.webhook else None,
        gather_seconds=notices.gather_seconds,
        outbox=root / "projects" / "notices.jsonl",
        terminal=say,
    )
