"""Money as people read it: tables that fit 80 columns, and in a pipe one line a row."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from client_async.cost_report import By, Finished, ProjectCosts, Spend, total_of
from client_async.estimates import ASSUMED_ATTEMPTS, ASSUMED_REFUSED, Basis, Estimate, Range, Rate
from client_async.screens import column_of
from client_async.work_classes import WORDS

PIPE_COLUMNS = 10_000
"""No terminal: no row is broken in two, however long its name is."""
HEADS: dict[By, str] = {
    "sequence": "sequence",
    "work": "work",
    "provider": "provider and model",
    "day": "day (UTC)",
    "project": "project",
}


def make_console() -> Console:
    """Where tables go: as wide as the terminal, and as wide as they like in a pipe."""
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_COLUMNS
    return console


def show_costs(console: Console, projects: Sequence[ProjectCosts], by: By, days: str) -> None:
    """A table for each project, or one over all of them; and what a finished second has cost.

    Args:
        days: which days are counted, in words; empty for all.
    """
    if by == "project":
        rows = {name: spend for costs in projects for name, spend in costs.by(by).items()}
        console.print(_cost_table(f"US dollars{days}", by, rows, total_of(projects)))
        return
    for costs in projects:
        title = f"{costs.project}, US dollars{days}"
        console.print(_cost_table(title, by, costs.by(by), costs.total))
        if costs.finished and costs.finished.takes:
            _say(console, _finished_line(costs.finished, costs.total))


def show_estimate(console: Console, project: str, estimates: Sequence[Estimate], basis: Basis) -> None:
    """What is still to come for each sequence and in all, what was spent, and the figures it was reckoned with."""
    table = _table(f"{project}, US dollars still to be spent")
    table.add_column("sequence", overflow="fold")
    table.add_column("to come")
    for column in ("low", "expected", "high", "spent"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in estimates:
        table.add_row(row.sequence, _to_come(row), *_amounts(row.to_come), column_of(row.spent))
    to_come = sum((row.to_come for row in estimates), Range())
    spent = sum((row.spent for row in estimates), Decimal(0))
    table.add_row("[bold]total", "", *(f"[bold]{a}" for a in (*_amounts(to_come), column_of(spent))))
    console.print(table)
    for line in _reckoned_with(basis):
        _say(console, line)


def _cost_table(title: str, by: By, rows: dict[str, Spend], total: Spend) -> Table:
    table = _table(title)
    table.add_column(HEADS[by], overflow="fold")
    columns = ("actual", "possible", "estimated", "difference")
    for column in (*columns, "calls"):
        table.add_column(column, justify="right", no_wrap=True)
    words: dict[str, str] = {str(work): words for work, words in WORDS.items()} if by == "work" else {}
    for name, spend in rows.items():
        shown = [column_of(getattr(spend, column)) for column in columns]
        table.add_row(words.get(name, name), *shown, str(spend.calls))
    shown = [column_of(getattr(total, column)) for column in columns]
    table.add_row("[bold]total", *(f"[bold]{cell}" for cell in (*shown, str(total.calls))))
    return table


def _finished_line(finished: Finished, spend: Spend) -> str:
    charged, expected = (
        finished.per_second(amount) for amount in (spend.actual + spend.possible, spend.estimated)
    )
    takes = f"{finished.takes} take{'s' if finished.takes > 1 else ''}"
    return (
        f"{takes}, {finished.seconds.normalize():f} s of finished video: {column_of(charged or Decimal(0))} a second with all that was"
        f" spent, {column_of(expected or Decimal(0))} as estimated"
    )


def _to_come(row: Estimate) -> str:
    parts = []
    if row.attempts is not None:
        parts.append("grid" if row.attempts else "four singles")
    if row.seconds:
        parts.append(f"{row.seconds.normalize():f} s")
    return " + ".join(parts) or "nothing"


def _reckoned_with(basis: Basis) -> list[str]:
    record, most = basis.record, basis.most
    attempts, fallback = record.attempts_expected(most), record.fallback_expected(most)
    assumed = f"{ASSUMED_REFUSED} refused of {ASSUMED_ATTEMPTS}"
    if record.attempts:
        why = f"{record.refused} of {record.attempts} were refused here, weighed with an assumed {assumed}"
    else:
        why = f"none was drawn here yet: {assumed} is assumed"
    lines = [
        f"expected: {attempts:.2f} attempts a grid, and {100 * fallback:.1f} % end in four singles; {why}",
        f"low: the first grid is right; high: {most} wrong grids, then four singles",
        *(_price_line(rate) for rate in basis.rates),
    ]
    if stand_ins := " and ".join(dict.fromkeys(rate.stands_in for rate in basis.rates if rate.stands_in)):
        lines.append(f"the prices are the real models'; configured are their stand-ins {stand_ins}")
    return lines


def _price_line(rate: Rate) -> str:
    quote = rate.quote
    per = "an image" if quote.unit == "image" else f"a {quote.unit}"
    return f"{rate.what}: ${quote.unit_price:f} {per}, {quote.provider}/{quote.model} {rate.variant}, {quote.as_of}"


def _amounts(dollar: Range) -> list[str]:
    return [column_of(dollar.low), column_of(dollar.expected), column_of(dollar.high)]


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")


def _say(console: Console, line: str) -> None:
    """A sentence: broken between words in a terminal, and one line in a pipe."""
    console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)
