"""Noticing what changes on disk. Events are hints; a level check of the known files is the truth.

Traps, each measured (PERFORMANCE.md): watching a file loses it at its first replacement, so directories are watched; what
lies in a new directory is missed, the queue overflows in silence, and a network mount reports nothing, so the files that
matter are looked at every second or two whatever the events say; a file name that is no UTF-8 kills the watcher.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
import structlog
from anyio.abc import TaskStatus
from watchfiles import Change, awatch

from client_async.mounts import MOUNTINFO, deaf_mount
from client_async.pick_folder import TEMPORARY
from client_async.signs import Signature, Signs, What, has_brief, signature
from starsend.config import CONFIG_NAME

log = structlog.get_logger()

STEP_MS, DEBOUNCE_MS = 10, 50
"""A pick is seen after 16 ms (median) for 0.7 % of a core; the library's defaults take 75, and 1,457 in a busy directory."""
LEVEL_SECONDS_A_PROJECT = 0.008
"""Five hundred projects are looked at every four seconds: with two, looking alone took 0.5 % of a core."""
THOROUGH = 5
"""Every so many checks the rarer things are looked at too: settings, elements, new projects."""
MISSES = 2
"""So many changes in a row that no event told of, and a project is polled."""
LONGEST_BACKOFF = 60.0
QUIET_NAMES = ("journal.db", "sequences.json.next")


@dataclass(frozen=True, slots=True)
class FilesTouched:
    """A hint: something of a project changed, read the state again. No project: the studio's own settings."""

    project: str
    what: What


class Watcher:
    """Watches all projects under ``root``.

    Args:
        listener: told of each hint, on the event loop.
        only: names of projects; all, and new ones, if empty.
        level_seconds, polling_seconds: between two looks, where events are to be had and where not.
        mountinfo: the text of /proc/self/mountinfo; read from there unless given.
    """

    def __init__(
        self,
        root: Path,
        listener: Callable[[FilesTouched], None],
        *,
        only: Collection[str] = (),
        level_seconds: float = 2.0,
        polling_seconds: float = 0.25,
        mountinfo: str | None = None,
    ) -> None:
        self._root = root.resolve()
        self._projects = self._root / "projects"
        self._listener = listener
        self._only = only
        self._level_seconds = level_seconds
        self._polling_seconds = polling_seconds
        self._mountinfo = mountinfo
        self._seen: dict[str, Signs] = {}
        self._studio: Signature = signature(self._root / CONFIG_NAME)
        self._folders: frozenset[str] = frozenset()
        self._links: dict[Path, str] = {}
        self._stopped = False
        self._wake = anyio.Event()
        self._unwatch = anyio.Event()
        self._limiter = anyio.CapacityLimiter(1)
        self._blind = ""

    @property
    def modes(self) -> Mapping[str, str]:
        """``events`` or ``polling``, by project."""
        seen = dict(self._seen)  # a look in a thread may be changing it
        return {n: "polling" if s.polled or self._blind else "events" for n, s in seen.items()}

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Watch until stopped; started when everything that is there has been told once."""
        await self._check(thorough=True)
        async with anyio.create_task_group() as group:
            group.start_soon(self._listen)
            task_status.started()
            await self._look_again_and_again()
            self._unwatch.set()

    def stop(self) -> None:
        """Make ``run`` return. By event: cancelling a watch takes seconds (4.7, measured)."""
        self._stopped = True
        self._wake.set()
        self._unwatch.set()

    # -------------------------------------------------------------------------------------------- the level check

    async def _look_again_and_again(self) -> None:
        count, since_all = 0, 0.0
        while not self._stopped:
            polled = [name for name, mode in self.modes.items() if mode == "polling"]
            level = max(self._level_seconds, LEVEL_SECONDS_A_PROJECT * len(self._seen))
            pause = self._polling_seconds if polled else level
            woken = False
            with anyio.move_on_after(pause):
                await self._wake.wait()
                woken = True
            self._wake = anyio.Event()
            since_all += pause
            try:
                if woken or since_all >= level:
                    count, since_all = count + 1, 0.0
                    await self._check(thorough=woken or count % THOROUGH == 0)
                elif polled:
                    await self._check(thorough=False, only=polled)
            except Exception:  # whatever it is, the next look must come
                log.exception("look_failed")

    async def _check(self, *, thorough: bool, only: Iterable[str] | None = None) -> None:
        if self._stopped:
            return
        found: dict[str, set[What]] = {}

        def look() -> list[FilesTouched]:
            told = self._look_at_projects() if thorough else []
            for name in [name for name in (self._seen if only is None else only) if name in self._seen]:
                found[name] = self._seen[name].look(thorough=thorough)
            return told

        told = await anyio.to_thread.run_sync(look, limiter=self._limiter)
        for hint in told:
            self._listener(hint)
        for name, changed in found.items():
            if name in self._seen:
                self._weigh(name, changed)
        if thorough:
            self._watch_other_folders()

    def _weigh(self, name: str, changed: set[What]) -> None:
        """Tell what the look found; and notice when events did not."""
        seen = self._seen[name]
        for what in sorted(changed):  # told of before or not: the event may have been of an earlier save
            self._listener(FilesTouched(name, what))
        if "sequences" in seen.told:
            seen.misses = 0
        elif seen.unannounced and not seen.polled:
            seen.misses += 1
            if seen.misses >= MISSES:
                self._poll(name, "changes were found that no event told of")
        seen.unannounced = "sequences" in changed and "sequences" not in seen.told  # it may only be late
        seen.told.clear()

    def _poll(self, name: str, reason: str) -> None:
        self._seen[name].polled = reason
        log.warning("watcher_polling", project=name, reason=reason)

    def _look_at_projects(self) -> list[FilesTouched]:
        """Which projects are there; and the studio's settings. In a thread."""
        told = []
        there: set[str] = set()
        try:
            with os.scandir(self._projects) as entries:
                for entry in entries:
                    if _is_wanted(entry.name, self._only) and has_brief(entry.path):
                        there.add(entry.name)
        except OSError as gone:
            if self._seen:
                log.warning("projects_unreadable", path=str(self._projects), error=str(gone))
        replaced = {name for name in there & self._seen.keys() if self._seen[name].is_replaced()}
        for name in (self._seen.keys() - there) | replaced:
            del self._seen[name]
            told.append(FilesTouched(name, "removed"))
        if replaced:
            self._folders = frozenset()  # the watches are still on the old folders
        for name in there - self._seen.keys():
            seen = self._seen[name] = Signs(self._projects / name)
            seen.look(thorough=True)
            if kind := self._deaf(seen.folder):
                self._poll(name, f"{kind} does not report what others write")
            told.append(FilesTouched(name, "appeared"))
        studio = signature(self._root / CONFIG_NAME)
        if studio != self._studio:
            told.append(FilesTouched("", "config"))
            self._studio = studio
        return told

    def _deaf(self, folder: Path) -> str | None:
        try:
            text = MOUNTINFO.read_text() if self._mountinfo is None else self._mountinfo
        except OSError:
            return None
        return deaf_mount(folder, text)

    # -------------------------------------------------------------------------------------------- events

    def _watch_other_folders(self) -> None:
        folders = frozenset(self._wanted_folders())
        if folders != self._folders:
            self._folders = folders
            self._unwatch.set()  # and watched anew

    def _wanted_folders(self) -> Iterable[str]:
        self._links.clear()
        for folder in (self._root, self._projects):
            if folder.is_dir():
                yield str(folder)
        for name, seen in self._seen.items():
            if real := seen.linked_face():
                self._links[Path(real)] = name
            yield from seen.folders()

    async def _listen(self) -> None:
        """One watch for everything: each holds a thread for good."""
        backoff = 0.5
        while not self._stopped:
            self._unwatch = anyio.Event()
            try:
                async for changes in awatch(
                    *self._folders,
                    recursive=False,
                    step=STEP_MS,
                    debounce=DEBOUNCE_MS,
                    watch_filter=self._is_interesting,
                    stop_event=self._unwatch,
                ):
                    self._blind, backoff = "", 0.5
                    for change, path in changes:
                        self._hear(change, Path(path))
            except Exception as fault:  # noqa: BLE001 - whatever ends it, picks must be seen
                reason = str(fault) or type(fault).__name__
                log.warning("watcher_restarted", error=reason)
                self._blind = reason
                with anyio.move_on_after(backoff):
                    await self._unwatch.wait()
                backoff = min(backoff * 2, LONGEST_BACKOFF)
            self._wake.set()  # whatever happened in between

    def _is_interesting(self, _change: Change, path: str) -> bool:
        name = os.path.basename(path)  # noqa: PTH119 - called for every event
        return not (TEMPORARY.search(name) or name.startswith(QUIET_NAMES))

    def _hear(self, change: Change, path: Path) -> None:
        if path in self._links:
            self._announce(self._links[path], "sequences")
            return
        if path == self._root / CONFIG_NAME or not path.is_relative_to(self._projects):
            self._wake.set()
            return
        name, *rest = path.relative_to(self._projects).parts or ("",)
        match rest:
            case ["state", "client", "sequences.json"] if name in self._seen and change != Change.deleted:
                self._announce(name, "sequences")
            case ["state", "client", "picks", _] if name in self._seen:
                self._announce(name, "picks")
            case ["state", "client", _]:
                pass  # our own folders and files
            case _:
                self._wake.set()  # settings, elements, projects: the level check says what it was

    def _announce(self, name: str, what: What) -> None:
        self._seen[name].told.add(what)
        self._listener(FilesTouched(name, what))


def _is_wanted(name: str, only: Collection[str]) -> bool:
    return name in only if only else not name.startswith(".")
