"""The projects that the daemon drives: taken on when they appear, looked at when touched, given back when they go.

The answer to a hint depends on the state alone, so a wrong or lost hint costs a look and no more.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio
import structlog
from anyio.abc import TaskGroup

from client_async.dispatcher import Dispatcher
from client_async.driver_lock import ProjectBusy
from client_async.events import Listener, ProjectClosed, ProjectOpened
from client_async.project_at_work import ProjectAtWork
from client_async.projects import Place
from client_async.signs import has_brief
from client_async.step_executor import StepExecutor
from starsend.errors import StarsendError

log = structlog.get_logger()

BUSY_SECONDS = 2.0
"""Between two tries to take over a project that somebody else drives, or that could not be opened."""
WORKING_SECONDS = 1.0
"""Between two looks whether the tasks of a project that goes have ended."""


class Roster:
    """Who is driven. What goes wrong in one project is that project's alone.

    Args:
        address: ``host:port`` where the daemon answers.
        group: where the projects' work lives.
        emit: who is told of facts, on the event loop.
        stop: set when nothing more may be begun.
    """

    def __init__(
        self,
        root: Path,
        *,
        address: str,
        executor: StepExecutor,
        dispatcher: Dispatcher,
        group: TaskGroup,
        emit: Listener,
        stop: threading.Event,
    ) -> None:
        self._root = root
        self._address = address
        self._executor = executor
        self._dispatcher = dispatcher
        self._group = group
        self._emit = emit
        self._stop = stop
        self.projects: dict[str, ProjectAtWork] = {}
        self._opening: dict[str, set[str]] = {}
        """Projects that are being opened, and what was touched of them meanwhile."""
        self._closing: dict[str, anyio.Event] = {}
        self._refused: dict[str, str] = {}

    def touched(self, name: str, what: str) -> None:
        """Something of a project may have changed. ``what`` as in ``FilesTouched``."""
        if self._stop.is_set():
            return
        project = self.projects.get(name)
        if name in self._opening:
            self._opening[name].add(what)
        elif what == "removed" or (project is not None and project.is_replaced()):
            self._drop(name)
            if has_brief(str(self._root / "projects" / name)):
                self._take_on(name)
        elif project is None:
            self._take_on(name)
        else:
            self._group.start_soon(self.guard, name, partial(self._answer, project, what))

    async def guard(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """A fault of ours, or of a library, is one project's: the others go on, and the next look tries again."""
        try:
            await work()
        except Exception:
            log.exception("project_broken", project=name)

    def stir(self, name: str) -> None:
        """A sequence of a project has moved."""
        if project := self.projects.get(name):
            project.leftovers.stir()

    @property
    def fetching(self) -> int:
        """How many projects are bringing something home that nobody asks for any more."""
        return sum(project.leftovers.is_fetching for project in self.projects.values())

    async def reload(self) -> None:
        """The studio's settings have changed: every project works by them."""
        for name, project in list(self.projects.items()):
            await self.guard(name, partial(self._reload, project))

    async def new_day(self) -> None:
        """What waited for the end of a day goes on."""
        for name, project in list(self.projects.items()):
            await self.guard(name, project.resume_funded)

    async def save(self) -> None:
        """Render what is not shown yet; no task may be alive."""
        for name, project in list(self.projects.items()):
            await self.guard(name, partial(_render, project))

    async def close(self) -> None:
        """Give every project back; no task may be alive."""
        for name, project in list(self.projects.items()):
            await self.guard(name, project.close)

    # -------------------------------------------------------------------------------------------- inside

    async def _answer(self, project: ProjectAtWork, what: str) -> None:
        if what == "config":
            await self._reload(project)
        elif what == "elements":
            await project.resume_cured("elements")
        else:
            await project.look()

    async def _reload(self, project: ProjectAtWork) -> None:
        try:
            await project.reload()
        except StarsendError as wrong:  # it goes on by the settings it had
            log.error("config_refused", project=project.place.name, error=str(wrong))

    def _take_on(self, name: str) -> None:
        if name not in self._opening:
            self._opening[name] = set()
            self._group.start_soon(self.guard, name, partial(self._open, name))

    def _drop(self, name: str) -> None:
        if project := self.projects.pop(name, None):
            self._closing[name] = anyio.Event()
            self._group.start_soon(self.guard, name, partial(self._close, project))

    async def _open(self, name: str) -> None:
        """Take a project on; one that is busy or broken is tried again, and holds up no other."""
        place = Place(self._root, name)
        try:
            if name in self._closing:
                # Another folder had the name: what was paid for comes home into it first.
                await self._closing[name].wait()
            project = await ProjectAtWork.open(
                place,
                address=self._address,
                executor=self._executor,
                dispatcher=self._dispatcher,
                group=self._group,
                emit=self._emit,
                stop=self._stop,
            )
        except Exception as refused:  # noqa: BLE001 - a provider of somebody else's may fail in any way
            self._tell_refused(name, refused)
            await anyio.sleep(BUSY_SECONDS)
            self._opening.pop(name)
            if has_brief(str(place.folder)):
                self.touched(name, "appeared")
            return
        self._refused.pop(name, None)
        meanwhile = self._opening.pop(name)
        if self._stop.is_set():
            await project.close()
            return
        self.projects[name] = project
        log.info("project_opened", project=name)
        self._emit(ProjectOpened(name))
        for what in meanwhile:  # opening may have read them before they were saved
            self.touched(name, what)
        if self.projects.get(name) is project:
            await project.look()
            await (
                project.resume_funded()
            )  # a cap may have been raised, or a day have ended, while nobody was there

    def _tell_refused(self, name: str, refused: Exception) -> None:
        """Log why a project cannot be taken on, once for each reason: it is tried every two seconds."""
        if self._refused.get(name) == str(refused):
            return
        self._refused[name] = str(refused)
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
            # What is paid for comes home first.
            while self._dispatcher.busy(name) or project.leftovers.is_fetching:
                await anyio.sleep(WORKING_SECONDS)
            await project.close()
        finally:
            self._closing.pop(name).set()
        log.info("project_closed", project=name)
        self._emit(ProjectClosed(name))


async def _render(project: ProjectAtWork) -> None:
    await project.shop.scribe.render()
