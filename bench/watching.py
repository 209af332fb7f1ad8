"""How soon the daemon's watcher has an external save: read and parsed, beside raw inotify in the same run.

    python -m bench.watching

Asked: median at most 20 ms, p99 at most 30 ms, none missed, for rename and in-place writers, also while the directory is
busy; idle CPU with 500 watched projects under 1 % of a core.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import platform
import random
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from rich.console import Console
from rich.table import Table

from client_async.watcher import FilesTouched, Watcher

SAVES = 100
IN_MODIFY_CLOSE_MOVE = 0x8 | 0x80


def save(path: Path, number: int, style: str) -> float:
    """Save as an editor does; when it was done."""
    text = json.dumps({"number": number})
    if style == "rename":
        beside = path.with_name(".beside.tmp")
        beside.write_text(text)
        done = time.monotonic()
        beside.rename(path)
        return done
    with path.open("w") as file:
        file.write(text)
        file.flush()
        return time.monotonic()


def writer(path: Path, style: str, busy: bool, times: Any) -> None:
    """A process that saves at random moments; where busy, another file changes every 20 ms."""
    dice = random.Random(5)
    scratch = path.with_name("scratch.txt")
    for number in range(SAVES):
        until = time.monotonic() + dice.uniform(0.06, 0.15)
        while time.monotonic() < until:
            if busy:
                scratch.write_text(str(number))
            time.sleep(0.02)
        times.put((number, save(path, number, style)))


def number_in(path: Path) -> int | None:
    try:
        found: int = json.loads(path.read_text())["number"]
    except (OSError, ValueError, KeyError):
        return None
    return found


async def ours(root: Path, path: Path, seen: dict[int, float], ended: Any) -> None:
    """The watcher as the daemon runs it."""

    def listen(_touched: FilesTouched) -> None:
        number = number_in(path)
        if number is not None:
            seen.setdefault(number, time.monotonic())

    watcher = Watcher(root, listen)
    async with anyio.create_task_group() as group:
        await group.start(watcher.run)
        ended.start()
        while ended.is_alive():
            await anyio.sleep(0.05)
        await anyio.sleep(0.2)
        watcher.stop()


def inotify(path: Path, seen: dict[int, float], ended: Any) -> None:
    """The bare system call."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    libc.inotify_add_watch(descriptor, os.fsencode(path.parent), IN_MODIFY_CLOSE_MOVE)
    import select

    ended.start()
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    while ended.is_alive():
        if poll.poll(50):
            os.read(descriptor, 65536)
            number = number_in(path)
            if number is not None:
                seen.setdefault(number, time.monotonic())
    os.close(descriptor)


def measure(what: str, style: str, busy: bool) -> list[str]:
    """One row: median, p99, missed."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        path = root / "projects" / "job" / "state" / "client" / "sequences.json"
        path.parent.mkdir(parents=True)
        (path.parent / "picks").mkdir()
        path.write_text("{}")
        context = multiprocessing.get_context("fork")
        times = context.Queue()
        process = context.Process(target=writer, args=(path, style, busy, times))
        seen: dict[int, float] = {}
        if what == "ours":
            anyio.run(ours, root, path, seen, process)
        else:
            inotify(path, seen, process)
        saved = dict(times.get() for _ in range(SAVES))
        process.join()
    late = sorted((seen[n] - at) * 1000 for n, at in saved.items() if n in seen)
    return [
        f"{statistics.median(late):.1f}",
        f"{late[int(len(late) * 0.99) - 1]:.1f}",
        str(SAVES - len(late)),
    ]


async def idle(projects: int, seconds: float) -> float:
    """Percent of a core while nothing happens."""
    with tempfile.TemporaryDirectory() as name:
        for number in range(projects):
            client = Path(name) / "projects" / f"p{number:03}" / "state" / "client"
            (client / "picks").mkdir(parents=True)
            (client / "sequences.json").write_text("{}")
        watcher = Watcher(Path(name), lambda _touched: None)
        async with anyio.create_task_group() as group:
            await group.start(watcher.run)
            await anyio.sleep(1)
            before = resource.getrusage(resource.RUSAGE_SELF)
            await anyio.sleep(seconds)
            after = resource.getrusage(resource.RUSAGE_SELF)
            watcher.stop()
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / seconds * 100


def main() -> None:
    """Print the tables."""
    table = Table(
        title=f"external save -> parsed, ms of {SAVES}; Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    for column in ("what", "writer", "directory", "median", "p99", "missed"):
        table.add_column(column)
    for style in ("rename", "in place"):
        for busy in (False, True):
            for what in ("raw inotify", "ours"):
                table.add_row(what, style, "busy" if busy else "quiet", *measure(what, style, busy))
    console = Console(width=120)
    console.print(table)
    for projects in (1, 500):
        console.print(f"idle, {projects} projects: {anyio.run(idle, projects, 15.0):.2f} % of a core")


if __name__ == "__main__":
    main()
