"""What projects have cost: added up by sequence, work, provider and day. Every millionth turns up once in each of them.

*Actual* was charged. *Possible* may have been: the answer is lost; what is cleared up later is taken back. *Estimated* is what
was expected before sending; of the free animatic, the price of the vendor it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Protocol, get_args

from client_async.work_classes import WORKS, Work

SCHEMA = "starsend.costs/2"
By = Literal["sequence", "work", "provider", "day", "project"]
GROUPINGS: tuple[By, ...] = get_args(By)
ZERO = Decimal(0)


class Amounts(Protocol):
    """Dollars by kind, and calls: a ``Spend``, or a row of the ledger's."""

    @property
    def actual(self) -> Decimal: ...
    @property
    def possible(self) -> Decimal: ...
    @property
    def estimated(self) -> Decimal: ...
    @property
    def calls(self) -> int: ...


@dataclass(slots=True)
class Spend:
    """Dollars, and how many paid calls they went into."""

    actual: Decimal = ZERO
    possible: Decimal = ZERO
    estimated: Decimal = ZERO
    calls: int = 0

    @property
    def difference(self) -> Decimal:
        """What was, or may have been, charged, less what was expected."""
        return self.actual + self.possible - self.estimated

    def add(self, other: Amounts) -> None:
        """Put something else on top."""
        self.actual += other.actual
        self.possible += other.possible
        self.estimated += other.estimated
        self.calls += other.calls

    def as_json(self) -> dict[str, Any]:
        """Amounts as text with six decimals, so that no reader rounds them."""
        names = ("actual", "possible", "estimated", "difference")
        return {**{name: f"{getattr(self, name):.6f}" for name in names}, "calls": self.calls}


@dataclass(frozen=True, slots=True)
class Booked:
    """What was spent on a sequence or house shot for one kind of work, at one vendor (``provider/model``), on one day.

    ``day`` is that in UTC on which it was booked: ``2026-11-23``.
    """

    owner: str
    work: Work
    vendor: str
    day: str
    spend: Spend


@dataclass(frozen=True, slots=True)
class Finished:
    """The video that the work stands on now: current takes of sequences, the latest of house shots."""

    takes: int
    seconds: Decimal

    def per_second(self, dollars: Decimal) -> Decimal | None:
        """Dollars a finished second; None when there is no video."""
        return dollars / self.seconds if self.seconds else None


@dataclass(frozen=True, slots=True)
class ProjectCosts:
    """One project's books. ``finished`` is None when they are not all there are: of some days, or ``names`` unknown."""

    project: str
    names: Sequence[str]
    booked: Sequence[Booked]
    finished: Finished | None = None

    @property
    def total(self) -> Spend:
        """All of it."""
        return total(self.booked)

    def by(self, grouping: By) -> dict[str, Spend]:
        """Spend by sequence (each of ``names``, then others), work (each class), provider and model, or day."""
        key, first = self._keys(grouping)
        rows: dict[str, Spend] = {name: Spend() for name in first}
        for one in self.booked:
            rows.setdefault(key(one), Spend()).add(one.spend)
        return dict(sorted(rows.items())) if grouping in ("provider", "day") else rows

    def between(self, since: date | None, until: date | None) -> ProjectCosts:
        """Only what was booked from one day to another, both of them counted."""
        if since is None and until is None:
            return self
        first, last = (since or date.min).isoformat(), (until or date.max).isoformat()
        return ProjectCosts(self.project, (), [one for one in self.booked if first <= one.day <= last])

    def as_json(self) -> dict[str, Any]:
        """One of ``projects`` in the documented shape."""
        spend = self.total
        groups = {
            f"by_{grouping}": [{grouping: name, **row.as_json()} for name, row in self.by(grouping).items()]
            for grouping in GROUPINGS
            if grouping != "project"
        }
        return {
            "project": self.project,
            "total": spend.as_json(),
            "finished": self.finished and _finished_json(self.finished, spend),
            **groups,
        }

    def _keys(self, grouping: By) -> tuple[Callable[[Booked], str], Iterable[str]]:
        keys: Mapping[By, tuple[Callable[[Booked], str], Iterable[str]]] = {
            "sequence": (lambda one: one.owner, self.names),
            "work": (lambda one: one.work, WORKS),
            "provider": (lambda one: one.vendor, ()),
            "day": (lambda one: one.day, ()),
            "project": (lambda _: self.project, (self.project,)),
        }
        return keys[grouping]


def total(booked: Iterable[Booked]) -> Spend:
    """All of it added up."""
    spend = Spend()
    for one in booked:
        spend.add(one.spend)
    return spend


def total_of(projects: Iterable[ProjectCosts]) -> Spend:
    """Several projects added up."""
    return total(one for costs in projects for one in costs.booked)


def as_json(projects: Sequence[ProjectCosts], since: date | None, until: date | None) -> dict[str, Any]:
    """The documented shape (docs/guide.md, "Costs"). Days are UTC."""
    return {
        "schema": SCHEMA,
        "currency": "USD",
        "since": since and since.isoformat(),
        "until": until and until.isoformat(),
        "total": total_of(projects).as_json(),
        "projects": [costs.as_json() for costs in projects],
    }


def _finished_json(finished: Finished, spend: Spend) -> dict[str, Any]:
    charged = finished.per_second(spend.actual + spend.possible)
    expected = finished.per_second(spend.estimated)
    return {
        "takes": finished.takes,
        "seconds": f"{finished.seconds:.6f}",
        "spent_per_second": None if charged is None else f"{charged:.6f}",
        "estimated_per_second": None if expected is None else f"{expected:.6f}",
    }
