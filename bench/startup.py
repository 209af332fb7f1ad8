"""What a command costs before it does anything: CPU over bare Python, beside the bare imports it cannot do without.

    python -m bench.startup

The budget of ``status``, ``pick`` and ``--help`` is 150 ms of CPU over bare Python.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

RUNS = 9
BUDGET_MS = 150
STARSEND = "import sys; sys.argv = ['starsend', *{}]; from client_async.client_generate import main; main()"
HEAVY = ("PIL", "numpy", "sqlalchemy", "alembic", "pydantic", "av", "anyio", "structlog", "stamina")


def cpu_ms(code: str, folder: Path) -> float:
    """The least CPU of some runs, in milliseconds: the machine's noise only ever adds."""
    least = float("inf")
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], cwd=folder, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        least = min(least, spent * 1000)
    return least


def loaded(code: str, folder: Path) -> list[str]:
    """Which heavy libraries a command has loaded at its end."""
    watched = f"import atexit, sys; atexit.register(lambda: print(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)); {code}"
    done = subprocess.run(
        [sys.executable, "-c", watched], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stderr.split()


def make_job(root: Path, sequences: int) -> None:
    """A project whose sequences all wait for a pick."""
    one = {
        "prompt": "a harbour",
        "shots": [{"prompt": "x", "seconds": 3}],
        "grid_state": "waiting_for_pick",
        "grid_id": "g1",
        "grid_history": [],
    }
    path = root / "projects" / "job" / "state" / "client" / "sequences.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"sequences": {f"SEQ{n:03}": one for n in range(sequences)}}))


def main() -> None:
    """Print the table."""
    table = Table(
        title=f"start-up, CPU ms over bare Python {platform.python_version()}, {os.cpu_count()} cores, least of {RUNS}"
    )
    for column in ("command", "ms", "of the floor", f"within {BUDGET_MS} ms", "heavy libraries loaded"):
        table.add_column(
            column, justify="left" if column in ("command", "heavy libraries loaded") else "right"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_job(folder, 20)
        bare = cpu_ms("pass", folder)
        floor = cpu_ms("import typer, rich.table, orjson", folder) - bare
        table.add_row("floor: import typer, rich.table, orjson", f"{floor:.0f}", "1.00", "-", "-")
        for words in (["--help"], ["status"], ["status", "--json"], ["pick", "SEQ001", "2"], ["costs"]):
            code = STARSEND.format(words)
            spent = cpu_ms(code, folder) - bare
            fits = "-" if words == ["costs"] else "yes" if spent <= BUDGET_MS else "NO"
            table.add_row(
                f"starsend {' '.join(words)}",
                f"{spent:.0f}",
                f"{spent / floor:.2f}",
                fits,
                " ".join(loaded(code, folder)) or "none",
            )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
