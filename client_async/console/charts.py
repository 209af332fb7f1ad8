"""Where the parts of a chart stand: pure numbers, drawn by a template as SVG. Money is never computed here, only shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from client_async.cost_report import Spend
from starsend.dollars import dollars

WIDTH, LABEL, AMOUNT = 860, 250, 90
"""Units of the drawing: all of it, what a name may take, and what an amount may."""
ROW = 26
HEIGHT = 150
MOST_BARS = 20
MOST_COLUMNS = 120
"""More days than that are shown as months."""
LONGEST_LABEL = 30
"""Characters; 240 units hold as many."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row, or one column: what was charged, what may have been on top of it, and a mark at the estimate."""

    name: str
    amount: str
    at: float
    actual: float
    possible: float
    estimated: float


def bars_of(rows: Mapping[str, Spend], words: Mapping[str, str] | None = None) -> list[Bar]:
    """Rows for those that cost anything, the dearest first, twenty at most."""
    found = [(name, spend) for name, spend in rows.items() if spend.calls or _charged(spend)]
    found.sort(key=lambda row: (-_charged(row[1]), -row[1].estimated))
    room = WIDTH - LABEL - AMOUNT
    scale = room / _largest(spend for _, spend in found)
    return [
        Bar(
            name=_short((words or {}).get(name, name)),
            amount=shown(_charged(spend)),
            at=number * ROW,
            actual=_shown(spend.actual, scale),
            possible=_shown(spend.possible, scale),
            estimated=_shown(spend.estimated, scale),
        )
        for number, (name, spend) in enumerate(found[:MOST_BARS])
    ]


def columns_of(days: Mapping[str, Spend]) -> tuple[list[Bar], float]:
    """Columns in the order of time, of days or else of months; and how wide each is."""
    columns = days if len(days) <= MOST_COLUMNS else _months(days)
    scale = HEIGHT / _largest(columns.values())
    step = WIDTH / max(len(columns), 12)
    bars = [
        Bar(
            name=name,
            amount=shown(_charged(spend)),
            at=round(number * step, 2),
            actual=_shown(spend.actual, scale),
            possible=_shown(spend.possible, scale),
            estimated=_shown(spend.estimated, scale),
        )
        for number, (name, spend) in enumerate(columns.items())
    ]
    return bars, round(step, 2)


def shown(amount: Decimal) -> str:
    """Dollars to four decimals, as ``starsend costs`` prints them in its tables."""
    return dollars(round(amount, 4), places=4)


def _months(days: Mapping[str, Spend]) -> dict[str, Spend]:
    months: dict[str, Spend] = {}
    for day, spend in days.items():
        months.setdefault(day[:7], Spend()).add(spend)
    return months


def _charged(spend: Spend) -> Decimal:
    return spend.actual + spend.possible


def _largest(spends: Iterable[Spend]) -> float:
    return max((float(max(_charged(spend), spend.estimated)) for spend in spends), default=0.0) or 1.0


def _shown(amount: Decimal, scale: float) -> float:
    return round(max(0.0, float(amount)) * scale, 2)


def _short(name: str) -> str:
    """Its beginning and its end, which tell a project's sequences apart."""
    tail = LONGEST_LABEL // 2
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - tail - 1]}…{name[-tail:]}"
