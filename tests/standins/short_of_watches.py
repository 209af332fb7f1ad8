"""A watcher where the system gives out no more watches: run in a user namespace of its own, whose limit it sets.

    unshare -Ur python short_of_watches.py STUDIO WATCHES

Prints a line of JSON when everything has been told once, and one for every hint after that.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio

from client_async.watcher import FilesTouched, Watcher


def say(**line: object) -> None:
    """One line, at once."""
    print(json.dumps(line), flush=True)  # noqa: T201 - a program


async def main(studio: Path, watches: str) -> None:
    """Watch until killed."""
    Path("/proc/sys/user/max_inotify_watches").write_text(watches)

    def told(touched: FilesTouched) -> None:
        say(project=touched.project, what=touched.what)

    watcher = Watcher(studio, told, level_seconds=0.2)
    async with anyio.create_task_group() as group:
        await group.start(watcher.run)
        with anyio.move_on_after(5):
            while set(watcher.modes.values()) != {"polling"}:
                await anyio.sleep(0.05)
        say(modes=dict(watcher.modes))
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), sys.argv[2])
