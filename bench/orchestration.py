"""What the daemon's own code costs: many sequences of two blocking steps each, beside bare threads and a bare task group.

    python -m bench.orchestration [SEQUENCES] [SLOTS]...

Steps sleep. Ours does the whole life of a sequence on a real document: seven transitions kept in the journal, the file
rendered, the pick included; pictures, ledger and logs are left out. Ratio = makespan / ideal, from the first sequence lined
up to the last one done and rendered; what is read before that is bench.state's. Asked at 10,000: at most 1.03 with 64 slots,
1.04 with 256; 2 ms of CPU a sequence; 120 MB.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from rich.console import Console
from rich.table import Table

STEP_SECONDS = 0.2
BRIEF = {
    "title": "Harbour at dawn",
    "prompt": "a small fishing harbour at dawn, mist over the water, one woman waits by the boats, " * 4,
    "aspect_ratio": "16:9",
    "shots": [{"prompt": "the harbour wakes, gulls rise over the boats", "seconds": 3, "camera": "push in"}]
    * 3,
    "selected_cell": None,
}


def write_brief(path: Path, count: int) -> None:
    """A document of so many sequences, written without holding it: the process is measured that reads it."""
    one = json.dumps(BRIEF)
    with path.open("w") as file:
        file.write('{"sequences": {')
        file.writelines(f'{", " if n else ""}"SEQ{n:05}": {one}' for n in range(count))
        file.write("}}")


def step() -> None:
    """What a vendor does, as far as we can see."""
    time.sleep(STEP_SECONDS)


def bare_threads(count: int, slots: int) -> float:
    """A pool and nothing else."""
    begun = time.monotonic()

    def both() -> None:
        step()
        step()

    with ThreadPoolExecutor(slots) as pool:
        for done in [pool.submit(both) for _ in range(count)]:
            done.result()
    return time.monotonic() - begun


def bare_group(count: int, slots: int) -> float:
    """An anyio task for every sequence from the start, behind one limiter."""

    async def run() -> float:
        begun = time.monotonic()
        limiter = anyio.CapacityLimiter(slots)

        async def both() -> None:
            await anyio.to_thread.run_sync(step, limiter=limiter)
            await anyio.to_thread.run_sync(step, limiter=limiter)

        async with anyio.create_task_group() as group:
            for _ in range(count):
                group.start_soon(both)
        return time.monotonic() - begun

    return anyio.run(run)


def imports(_count: int, _slots: int) -> float:
    """What ours imports, and nothing done: pydantic, SQLAlchemy, structlog."""
    import client_async.daemon

    del client_async.daemon
    return 0.0


def ours(count: int, slots: int) -> float:
    """The daemon's dispatcher, desk, runner, scribe and journal."""
    from bench.sleeping import Rehearsal  # the others must not pay for it
    from client_async.process import settle_memory

    settle_memory()
    with tempfile.TemporaryDirectory() as name:
        write_brief(Path(name) / "sequences.json", count)
        return anyio.run(Rehearsal(Path(name), slots, step).run)


def measure(run: Callable[[int, int], float], count: int, slots: int, answer: Any) -> None:
    """In a process of its own: seconds, CPU seconds of it and its children, peak MB of the largest."""
    took = run(count, slots)
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    answer.send((took, cpu, max(usage.ru_maxrss for usage in usages) / 1024))


def table_of(count: int, slots: Iterable[int], runs: Iterable[Callable[[int, int], float]]) -> None:
    """Measure each and print a line of it."""
    runs = list(runs)
    table = Table(
        title=f"{count} sequences x 2 steps of {STEP_SECONDS} s; Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    for column in ("what", "slots", "makespan / ideal", "CPU ms a sequence", "peak MB"):
        table.add_column(column, justify="left" if column == "what" else "right")
    context = multiprocessing.get_context("spawn")
    for number in slots:
        ideal = count * 2 * STEP_SECONDS / number
        for run in runs:
            answer, theirs = context.Pipe(duplex=False)
            process = context.Process(target=measure, args=(run, count, number, theirs))
            process.start()
            theirs.close()
            name = (run.__doc__ or "").splitlines()[0]
            try:
                took, cpu, peak = answer.recv()
            except EOFError:
                table.add_row(name, str(number), "failed, see above", "", "")
                continue
            process.join()
            table.add_row(
                name, str(number), f"{took / ideal:.3f}", f"{cpu / count * 1000:.2f}", f"{peak:.0f}"
            )
    Console(width=130).print(table)


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    slots = [int(word) for word in sys.argv[2:]] or [64, 256]
    table_of(count, slots, (bare_threads, bare_group, imports, ours))


if __name__ == "__main__":
    main()
