"""What every project's sequences show now, kept up to date, and told to whoever watches.

Every third of a second the few files of each project that tell of a change are looked at (three system calls); what has
changed is read from the journal. So a change shows within a second, whoever made it and whether or not a daemon runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import structlog
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from client_async.console.rows import row_of
from client_async.driver_lock import daemon_drives
from client_async.ops_port import Health
from client_async.pick_folder import PickFolder, PicksUnreadable
from client_async.projects import Place, project_names
from client_async.sequences import Sequence, parsed
from client_async.signs import Signs, has_brief
from starsend.errors import StarsendError, UnknownName
from starsend.files import is_text

log = structlog.get_logger()

LOOK_SECONDS = 0.3
"""Between two looks at every project; five hundred of them cost a thread 4 ms."""
BEHIND = 200
"""Changes that a page which does not read may have waiting for it; then it is cut off, and asks for all anew."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Sequences of a project that are not as they were; ``gone`` when the whole project went. Without names: whether its
    brief can be read.

    Of no project: what runs now, and what is spent, is not as it was.
    """

    project: str = ""
    names: tuple[str, ...] = ()
    gone: bool = False


@dataclass(slots=True)
class Shown:
    """A project as it was read last. ``trouble``: why its brief cannot be read as it stands.

    ``turn`` is held while rows are made and put in place: a look in its thread must not put back what a write of ours has
    changed meanwhile.
    """

    place: Place
    signs: Signs
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: str = ""
    turn: threading.Lock = field(default_factory=threading.Lock)
    picks: PickFolder = field(init=False)
    waiting: bool = False
    """Somebody was still writing a file at the last look, or a daemon had not taken it in: nothing tells when they are done."""

    def __post_init__(self) -> None:
        self.picks = PickFolder(self.place.picks, self.place.file)


class Board:
    """All projects under ``root``. Its methods are for the event loop's thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._shown: dict[str, Shown] = {}
        self._watching: set[MemoryObjectSendStream[Changed]] = set()
        self._limiter = anyio.CapacityLimiter(1)
        self.health = Health()
        """Whether the board still looks."""
        self.look_seconds = 0.0
        """What the last look took."""

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Look again and again, until cancelled; started when everything has been read once."""
        await self.look()
        task_status.started()
        while True:
            await anyio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Read what has changed since the last look, and tell of it."""
        begun = time.monotonic()
        for changed in await anyio.to_thread.run_sync(self._look, limiter=self._limiter):
            self.publish(changed)
        self.look_seconds = time.monotonic() - begun
        self.health.beat()
        self.health.ready = True

    def projects(self) -> list[Shown]:
        """Every project, by name."""
        return [self._shown[name] for name in sorted(self._shown)]

    def project(self, name: str) -> Shown:
        """One project. Raises UnknownName."""
        if name not in self._shown:
            raise UnknownName("project", name, self._shown)
        return self._shown[name]

    def row(self, project: str, name: str) -> dict[str, Any]:
        """A sequence's row. Raises UnknownName."""
        shown = self.project(project)
        if name not in shown.rows:
            raise UnknownName("sequence", name, shown.rows, where=project)
        return shown.rows[name]

    def sequence(self, project: str, name: str) -> Sequence:
        """A sequence in full. Raises UnknownName, BadDocument."""
        self.row(project, name)
        file = self._shown[project].place.file
        return parsed(name, file.body(name), file.path)

    def written(self, project: str, *names: str) -> None:
        """This process itself has changed sequences: show them, and tell of it, without waiting for a look."""
        shown = self.project(project)
        file = shown.place.file
        with shown.turn:
            shown.rows = {**shown.rows, **{name: row_of(project, name, file.peek(name)) for name in names}}
        self.publish(Changed(project, names))

    def publish(self, changed: Changed) -> None:
        """Tell whoever watches."""
        for stream in list(self._watching):
            try:
                stream.send_nowait(changed)
            except anyio.WouldBlock:
                self._watching.discard(stream)
                stream.close()
            except anyio.BrokenResourceError:
                self._watching.discard(stream)

    @property
    def watchers(self) -> int:
        """How many there are to tell."""
        return len(self._watching)

    @contextmanager
    def watching(self) -> Iterator[MemoryObjectReceiveStream[Changed]]:
        """What changes from now on; the stream ends for whoever falls too far behind."""
        send, receive = anyio.create_memory_object_stream[Changed](BEHIND)
        self._watching.add(send)
        try:
            with receive:
                yield receive
        finally:
            self._watching.discard(send)
            send.close()

    # -------------------------------------------------------------------------------------------- inside

    def _look(self) -> list[Changed]:
        told = []
        there = {
            n for n in project_names(self._root) if is_text(n) and has_brief(str(Place(self._root, n).folder))
        }
        for name in self._shown.keys() - there:
            self._drop(name)
            told.append(Changed(name, gone=True))
        for name in sorted(there):
            try:
                if name in self._shown and self._shown[name].signs.is_replaced():
                    self._drop(name)
                    told.append(Changed(name, gone=True))
                if changed := self._look_at(name):
                    told.append(changed)
            except Exception:  # one project's; the others are shown all the same
                log.exception("look_failed", project=name)
        return told

    def _look_at(self, name: str) -> Changed | None:
        """What of a project is not as it was, if anything; read only where a file says so."""
        shown = self._shown.get(name)
        if shown is None:
            place = Place(self._root, name)
            shown = Shown(place, Signs(place.folder))
            self._shown = {**self._shown, name: shown}
        if not shown.signs.look(thorough=False) and not shown.waiting:
            return None
        trouble = shown.trouble
        changed = read(shown)
        return Changed(name, tuple(sorted(changed))) if changed or shown.trouble != trouble else None

    def _drop(self, name: str) -> None:
        # Never changed in place: a page may be going through it on the event loop.
        self._shown[name].place.file.close()
        self._shown = {other: shown for other, shown in self._shown.items() if other != name}


def _take_in(shown: Shown) -> tuple[set[str], StarsendError | None]:
    """What people save and drop. A daemon takes it in, and tells them of it; where none runs, somebody must."""
    file, trouble = shown.place.file, None
    changed = file.take_in().changed
    try:
        for verdict in shown.picks.take_picks():
            said = {"file": verdict.file, "accepted": verdict.accepted, "reason": verdict.reason}
            log.info("pick_decided", project=shown.place.name, **said)
    except (StarsendError, OSError) as refused:
        trouble = PicksUnreadable(shown.place.picks, refused)
    return changed | file.take_in().changed, trouble


def read(shown: Shown) -> set[str]:
    """Bring a project's rows up to date; the names of those that changed. Blocking."""
    file = shown.place.file
    try:
        driven = daemon_drives(shown.place)
        changed, trouble = (file.catch_up(), None) if driven else _take_in(shown)
        shown.trouble = str(file.trouble or trouble or "")
        shown.waiting = file.waiting or (shown.picks.waiting and not driven)
    except StarsendError as refused:
        shown.trouble = str(refused)
        return set()
    project = shown.place.name
    with shown.turn:
        changed |= shown.rows.keys() - set(file.names())
        shown.rows = {
            name: row_of(project, name, file.peek(name))
            if name in changed or name not in shown.rows
            else shown.rows[name]
            for name in file.names()  # in the brief's order
        }
    return changed
