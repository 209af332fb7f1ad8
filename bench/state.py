"""What keeping state costs: a transition, a render, a first load, an external edit, flat in the number of sequences?

    python -m bench.state [SEQUENCES]...

Asked: a transition takes at most 10 KB and 100 microseconds, whatever the number of sequences in the file.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.orchestration import write_brief
from client_async.sequence_file import SequenceFile

CHANGES = 2000
PAGE = b"x" * 4096


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of ``work``, all threads."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def written() -> int:
    """Bytes that this process has sent to the disk."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def transitions(file: SequenceFile, count: int, together: int) -> None:
    """Change ``CHANGES`` sequences, so many in one commit."""
    for begin in range(0, CHANGES, together):
        file.change_all(
            [
                lambda draft, n=begin + k: draft[f"SEQ{n % count:05}"].update(status=f"{together}: {n}")  # type: ignore[misc]
                for k in range(together)
            ]
        )


def bare_append(folder: Path) -> None:
    """What the system takes for a page that is safe on the disk: the least that any acknowledged transition can cost."""
    with (folder / "floor").open("wb", buffering=0) as file:
        for _ in range(CHANGES):
            file.write(PAGE)
            os.fdatasync(file.fileno())


def whole_file(path: Path, count: int) -> None:
    """What a tool does that saves everything at each transition, twenty times."""
    document = json.loads(path.read_text())
    for number in range(20):
        document["sequences"][f"SEQ{number % count:05}"]["status"] = str(number)
        beside = path.with_name("whole")
        with beside.open("w") as out:
            json.dump(document, out, indent=2)
            out.flush()
            os.fsync(out.fileno())
        beside.unlink()


def row(count: int) -> list[str]:
    """The figures for one number of sequences."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "sequences.json"
        write_brief(path, count)
        file = SequenceFile(path)
        load = cpu(file.take_in)
        file.render()
        floor = cpu(lambda: bare_append(path.parent)) / CHANGES
        told = [f"{count:,}", f"{load * 1000:.0f}", f"{floor * 1e6:.0f} us"]
        for together in (1, 16):
            before = written()
            spent = cpu(lambda together=together: transitions(file, count, together))  # type: ignore[misc]
            told.append(f"{spent / CHANGES * 1e6:.0f} us, {(written() - before) / CHANGES / 1024:.1f} KB")
        told.append(f"{cpu(file.render) * 1000:.0f}")
        document = json.loads(path.read_text())
        document["sequences"]["SEQ00001"]["prompt"] = "another"
        path.write_text(json.dumps(document, indent=2))
        told.append(f"{cpu(file.take_in) * 1000:.0f}")
        told.append(f"{cpu(lambda: whole_file(path, count)) / 20 * 1000:.1f} ms")
        file.close()
    return told


def main() -> None:
    """Print the table."""
    table = Table(title=f"state, CPU; Python {platform.python_version()}, {os.cpu_count()} cores")
    for column in (
        "sequences",
        "first load ms",
        "floor: 4 KB synced",
        "a transition alone",
        "16 in one commit",
        "render ms",
        "external edit ms",
        "peer: json, whole file",
    ):
        table.add_column(column, justify="right")
    for count in [int(word) for word in sys.argv[1:]] or [100, 1_000, 10_000, 50_000]:
        table.add_row(*row(count))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
