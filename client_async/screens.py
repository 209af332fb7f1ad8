"""What people see on the terminal: live progress while work runs, tables at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from client_async.cost_report import ProjectCosts, Spend
from client_async.events import Event, SequenceMoved
from starsend.dollars import dollars

SHOWN_AT_ONCE = 12
"""Sequences with a line of their own; of thousands nobody reads more."""
ENDS = ("waiting_for_pick", "done", "failed", "recovery", "paused_budget", "cancelled")
"""States in which a sequence leaves the display: nothing goes on in it by itself."""


def say(console: Console, line: str | Text, style: str = "") -> None:
    """Print one line as it is: never broken in two, nothing in it coloured or taken for markup."""
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


class LiveProgress:
    """A bar over all sequences and a line for each that is at work; plain lines where there is no terminal."""

    def __init__(self, console: Console, total: int, what: str) -> None:
        self._console = console
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._total, self._ended = total, 0
        self._all = self._bar.add_task(what, total=total, count=f"0/{total}")
        self._lines: dict[str, TaskID] = {}

    def __enter__(self) -> LiveProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, moved: Event) -> None:
        """Take in one event; safe to call from any thread."""
        if not isinstance(moved, SequenceMoved):
            return
        if not self._console.is_terminal or moved.state in ENDS:
            said = Text.assemble(f"  {moved.sequence}  ", (moved.state, "bold"), f"  {moved.status}")
            with suppress(SystemExit):  # rich leaves when nobody reads any more (`| head`); the work goes on
                say(self._console, said)
        if moved.state in ENDS:
            line = self._lines.pop(moved.sequence, None)
            if line is not None:
                self._bar.remove_task(line)
            self._ended += 1
            self._bar.update(self._all, completed=self._ended, count=f"{self._ended}/{self._total}")
            return
        text = f"{moved.sequence} {moved.state}: {escape(moved.status)}"
        if moved.sequence in self._lines:
            self._bar.update(self._lines[moved.sequence], description=text)
        elif len(self._lines) < SHOWN_AT_ONCE:
            self._lines[moved.sequence] = self._bar.add_task(text, total=None, count="")


def result_table(sequences: Mapping[str, Mapping[str, Any]], report: ProjectCosts) -> Table:
    """How a job stands at its end: sequence, state, picked cell, take, cost."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("sequence", "state", "picked cell", "take", "cost", "would cost"):
        table.add_column(
            column, overflow="fold", justify="right" if "cost" in column else "left", no_wrap=True
        )
    spends = report.by("sequence")
    for name, sequence in sequences.items():
        spend = spends.get(name, Spend())
        take = sequence.get("take") or {}
        table.add_row(
            name,
            str(sequence.get("grid_state", "new")),
            f"{sequence['selected_cell']} of {sequence.get('grid_id')}"
            if sequence.get("selected_cell")
            else "-",
            str(take.get("take", "-")),
            column_of(spend.actual + spend.possible),
            column_of(spend.estimated),
        )
    total = report.total
    table.add_row(
        "[bold]total",
        "",
        "",
        "",
        f"[bold]{column_of(total.actual + total.possible)}",
        f"[bold]{column_of(total.estimated)}",
    )
    return table


def column_of(amount: Decimal) -> str:
    """Dollars in a table: to four decimals, since one picture costs a few cents and points are to stand below each other."""
    return dollars(round(amount, 4), places=4)


def print_files(console: Console, files: Iterable[tuple[str, str]]) -> None:
    """Paths to look at, one a line, never broken in two."""
    for what, path in files:
        say(console, f"  {what:<14} {path}")
