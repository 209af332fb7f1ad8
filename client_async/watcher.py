"""Noticing what changes on disk. Events are hints; a level check of the known files is the truth.

Traps, each measured (docs/measured.md): watching a file loses it at its first replacement, so directories are watched; what
lies in a new directory is missed, the queue overflows in silence, and a network mount reports nothing, so the files that
matter are looked at every second or two whatever the events say; a file name that is no UTF-8 kills the watcher.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
import structlog
from anyio.abc import TaskStatus
from watchfiles import Change, awatch

from client_async.pick_folder import TEMPORARY
from client_async.signs import Signs, What
from client_async.studio_signs import STUDIO, StudioSigns
from starsend.config import CONFIG_NAME
from starsend.errors import innermost

log = structlog.get_logger()

STEP_MS, DEBOUNCE_MS = 10, 50
"""A pick is seen after 16 ms (median) for 0.7 % of a core; the library's defaults take 75, and 1,457 in a busy directory."""
LEVEL_SECONDS_A_PROJECT = 0.012
"""Five hundred projects are looked at every six seconds: every four, looking alone took 0.6 % of a core."""
THOROUGH = 5
"""Every so many checks the rarer things are looked at too: settings, elements, new projects."""
MISSES = 2
"""So many changes in a row that no event told of, and a project is polled."""
REST_SECONDS = 1.0
"""Between two looks that events ask for: whoever writes ten elements a second is looked at once in it."""
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
        self._level_seconds = level_seconds
        self._polling_seconds = polling_seconds
        self._studio = StudioSigns(self._root, only, mountinfo)
        self._seen = self._studio.seen
        self._folders: frozenset[str] = frozenset()
        self._watched: dict[str, Signs] = {}
        self._links: dict[Path, str] = {}
        self._asked: set[str] = set()
        """What events ask to be looked at: names of projects, and STUDIO."""
        self._wake = anyio.Event()
        self._stopped = anyio.Event()
        self._unwatch = anyio.Event()
        self._limiter = anyio.CapacityLimiter(1)
        self._one_look = anyio.Lock()
        self._blind = ""

    @property
    def modes(self) -> Mapping[str, str]:
        """``events`` or ``polling``, by project."""
        seen = dict(self._seen)  # a look in a thread may be changing it
        return {n: "polling" if s.polled or self._blind else "events" for n, s in seen.items()}

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Watch until stopped; started when everything that is there has been told once."""
        await self._check(self._seen, thorough=True)
        async with anyio.create_task_group() as group:
            group.start_soon(self._listen)
            group.start_soon(self._look_where_asked)
            task_status.started()
            await self._look_again_and_again()
            self._unwatch.set()

    def stop(self) -> None:
        """Make ``run`` return. By event: cancelling a watch takes seconds (4.7, measured)."""
        self._stopped.set()
        self._wake.set()
        self._unwatch.set()

    # -------------------------------------------------------------------------------------------- the level check

    async def _look_again_and_again(self) -> None:
        count, since_all = 0, 0.0
        while not self._stopped.is_set():
            polled = [name for name, mode in self.modes.items() if mode == "polling"]
            level = max(self._level_seconds, LEVEL_SECONDS_A_PROJECT * len(self._seen))
            pause = self._polling_seconds if polled else level
            with anyio.move_on_after(pause):
                await self._stopped.wait()
            since_all += pause
            if since_all >= level:
                count, since_all = count + 1, 0.0
                await self._check(self._seen, thorough=count % THOROUGH == 0)
            elif polled:
                await self._check(polled, thorough=False)

    async def _look_where_asked(self) -> None:
        while not self._stopped.is_set():
            await self._wake.wait()
            self._wake = anyio.Event()
            asked, self._asked = self._asked, set()
            await self._check(asked, thorough=True, studio=STUDIO in asked)
            with anyio.move_on_after(REST_SECONDS):
                await self._stopped.wait()

    def _ask(self, *names: str) -> None:
        self._asked.update(names)
        self._wake.set()

    async def _check(self, names: Iterable[str], *, thorough: bool, studio: bool | None = None) -> None:
        """Look at projects, and at which there are where ``studio`` says so: at each thorough look, unless it is given."""
        try:
            async with self._one_look:
                if not self._stopped.is_set():
                    await self._look(names, thorough=thorough, studio=thorough if studio is None else studio)
        except Exception:  # whatever it is, the next look must come
            log.exception("look_failed", project="")

    async def _look(self, names: Iterable[str], *, thorough: bool, studio: bool) -> None:
        found: dict[str, set[What]] = {}
        wanted: set[str] = set()

        def look() -> list[FilesTouched]:
            told = self._studio.look() if studio else []
            for name in [name for name in names if name in self._seen]:
                try:
                    found[name] = self._seen[name].look(thorough=thorough)
                except Exception:  # one project's; the others are looked at all the same
                    log.exception("look_failed", project=name)
            if thorough:
                wanted.update(self._wanted_folders())
            return [FilesTouched(name, what) for name, what in told]

        told = await anyio.to_thread.run_sync(look, limiter=self._limiter)
        for hint in told:
            self._listener(hint)
        for name, changed in found.items():
            if name in self._seen:
                self._weigh(name, changed)
        if thorough:
            self._watch(frozenset(wanted))

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
                seen.poll("changes were found that no event told of")
        seen.unannounced = "sequences" in changed and "sequences" not in seen.told  # it may only be late
        seen.told.clear()

    # -------------------------------------------------------------------------------------------- events

    def _watch(self, folders: frozenset[str]) -> None:
        # Another folder under a known name is watched anew: the watch stays on the one that lay there.
        replaced = any(self._seen.get(name) is not signs for name, signs in self._watched.items())
        if folders != self._folders or replaced:
            self._folders, self._watched = folders, dict(self._seen)
            self._unwatch.set()

    def _wanted_folders(self) -> Iterator[str]:
        links = {}
        for folder in (self._root, self._projects):
            if folder.is_dir():
                yield str(folder)
        for name, seen in self._seen.items():
            if real := seen.linked_face():
                links[Path(real)] = name
            yield from seen.folders()
        self._links = links

    async def _listen(self) -> None:
        """One watch for everything: each holds a thread for good."""
        backoff = 0.5
        while not self._stopped.is_set():
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
            except Exception as ended:  # noqa: BLE001 - whatever ends it, picks must be seen
                fault = innermost(ended)
                reason = str(fault) or type(fault).__name__
                log.warning("watcher_restarted", error=reason)
                self._blind = reason
                with anyio.move_on_after(backoff):
                    await self._unwatch.wait()
                backoff = min(backoff * 2, LONGEST_BACKOFF)
            self._ask(STUDIO, *self._seen)  # whatever happened in between

    def _is_interesting(self, _change: Change, path: str) -> bool:
        name = os.path.basename(path)  # noqa: PTH119 - called for every event
        return not (TEMPORARY.search(name) or name.startswith(QUIET_NAMES))

    def _hear(self, change: Change, path: Path) -> None:
        if path in self._links:
            self._announce(self._links[path], "sequences")
            return
        if path in (self._root / CONFIG_NAME, self._projects):
            self._ask(STUDIO)
            return
        if not path.is_relative_to(self._projects):
            return
        name, *rest = path.relative_to(self._projects).parts
        match rest:
            case ["state", "client", "sequences.json"] if name in self._seen and change != Change.deleted:
                self._announce(name, "sequences")
            case ["state", "client", "picks", _] if name in self._seen:
                self._announce(name, "picks")
            case ["elements", *_]:
                self._ask(name)
            case [file] if file == CONFIG_NAME:
                self._ask(name)
            case ["state"]:  # put in another's place
                self._ask(STUDIO, name)
            case [] if name in self._seen or path.is_dir():
                self._ask(STUDIO, name)
            case _:
                pass  # logs, notices, our own files: whatever else people keep there is no business of ours

    def _announce(self, name: str, what: What) -> None:
        self._seen[name].told.add(what)
        self._listener(FilesTouched(name, what))
