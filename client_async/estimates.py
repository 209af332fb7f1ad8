"""What sequences will cost before anything is sent: the least, what is likely, and the most; priced from the table alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from client_async.next_action import next_action
from client_async.sequences import Sequence
from client_async.shot_ids import CELLS
from client_async.states import PARKED
from starsend.config import Settings
from starsend.pricing import EXACT, MICRO, NoPrice, PriceTable, Quote

SCHEMA = "starsend.estimate/1"
ASSUMED_ATTEMPTS, ASSUMED_REFUSED = 4, 1
"""What is assumed of a project that has drawn nothing, and weighed in with what it has drawn: every fourth grid is refused. A guess."""
SINGLE_SIZE = "1K"
"""Four single frames are asked for at this size, whatever a grid's is."""


@dataclass(frozen=True, slots=True)
class Record:
    """How often grids were refused here."""

    attempts: int
    refused: int

    @property
    def share(self) -> Decimal:
        """The share of attempts that is expected to be refused, between 0 and 1."""
        return EXACT.divide(
            Decimal(self.refused + ASSUMED_REFUSED), Decimal(self.attempts + ASSUMED_ATTEMPTS)
        )

    def attempts_expected(self, most: int) -> Decimal:
        """Attempts until one is right, or ``most``."""
        return sum((EXACT.power(self.share, done) for done in range(most)), Decimal(0))

    def fallback_expected(self, most: int) -> Decimal:
        """The share of grids for which all of ``most`` attempts are wrong."""
        return EXACT.power(self.share, most)


def record_of(sequences: Iterable[Sequence]) -> Record:
    """How the attempts of a model went in all that is told of them; pictures from elsewhere and composites are none."""
    drawn = [r for sequence in sequences for r in sequence.grid_history if r.via == "model"]
    return Record(len(drawn), sum(not r.verdict.ok for r in drawn))


@dataclass(frozen=True, slots=True)
class Rate:
    """A unit price, and who was configured where another's price is shown."""

    what: str
    quote: Quote
    variant: str
    stands_in: str = ""

    def of(self, units: Decimal) -> Decimal:
        """Dollars for ``units``."""
        return EXACT.quantize(EXACT.multiply(self.quote.unit_price, units), MICRO)

    def as_json(self) -> dict[str, Any]:
        """One of ``prices`` in the documented shape."""
        return {
            "for": self.what,
            "provider": self.quote.provider,
            "model": self.quote.model,
            "variant": self.variant,
            "unit": self.quote.unit,
            "unit_price": f"{self.quote.unit_price:f}",
            "as_of": self.quote.as_of.isoformat(),
            "stands_in": self.stands_in or None,
        }


@dataclass(frozen=True, slots=True)
class Rates:
    """What one grid, one single frame and one second cost."""

    grid: Rate
    single: Rate
    take: Rate

    def __iter__(self) -> Iterator[Rate]:
        return iter((self.grid, self.single, self.take))


def rates_of(settings: Settings) -> tuple[Rates | None, list[NoPrice]]:
    """The prices of what the settings name; None with every price that is missing."""
    table, missing = PriceTable(settings.prices), []
    image, video = settings.image, settings.video
    asked = [
        ("a grid", image.provider, image.model, image.size),
        ("a single frame", image.provider, image.model, SINGLE_SIZE),
        ("a take", video.provider, video.model, video.resolution),
    ]
    rates: list[Rate] = []
    for what, provider, model, variant in asked:
        try:
            quote = table.estimate(provider, model, variant, Decimal(1))
            own = (quote.provider, quote.model) == (provider, model)
            rates.append(Rate(what, quote, variant, "" if own else f"{provider}/{model}"))
        except NoPrice as none:
            missing.append(none)
    return (None if missing else Rates(*rates)), missing


@dataclass(frozen=True, slots=True)
class Basis:
    """What an estimate is reckoned with. ``most``: wrong grids in a round before four single frames are drawn instead."""

    rates: Rates
    record: Record
    most: int


@dataclass(frozen=True, slots=True)
class Range:
    """Dollars: the least, what is likely, the most."""

    low: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)
    high: Decimal = Decimal(0)

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def as_json(self) -> dict[str, str]:
        """Amounts as text with six decimals."""
        return {name: f"{getattr(self, name):.6f}" for name in ("low", "expected", "high")}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is still to come for one sequence: how many attempts at a grid at most, seconds of video, dollars; and spent so far.

    ``attempts`` is None where no grid is to come, 0 where only the four single frames are left; ``seconds`` is 0 where no take is.
    """

    sequence: str
    attempts: int | None
    seconds: Decimal
    grid: Range
    take: Decimal
    spent: Decimal

    @property
    def to_come(self) -> Range:
        """Grid and take."""
        return self.grid + Range(self.take, self.take, self.take)

    def as_json(self) -> dict[str, Any]:
        """One of ``sequences`` in the documented shape."""
        return {
            "sequence": self.sequence,
            "grid_attempts": self.attempts,
            "grid": self.grid.as_json(),
            "take_seconds": f"{self.seconds:f}",
            "take": f"{self.take:.6f}",
            "to_come": self.to_come.as_json(),
            "spent": f"{self.spent:.6f}",
        }


def estimate(name: str, sequence: Sequence, basis: Basis, *, spent: Decimal) -> Estimate:
    """What is still to come for a sequence as it stands. ``spent``: what it has cost, or may have, up to now."""
    attempts = _attempts_to_come(sequence, basis.most)
    grid = Range() if attempts is None else _grid_range(basis, attempts)
    seconds = Decimal(0)
    if attempts is not None or _take_is_to_come(sequence):
        seconds = sum((Decimal(str(shot.seconds)) for shot in sequence.shots), Decimal(0))
    return Estimate(name, attempts, seconds, grid, basis.rates.take.of(seconds), spent)


def _grid_range(basis: Basis, attempts: int) -> Range:
    rates, record = basis.rates, basis.record
    one, singles = rates.grid.of(Decimal(1)), rates.single.of(Decimal(len(CELLS)))
    high = rates.grid.of(Decimal(attempts)) + singles
    if attempts == 0:
        return Range(singles, singles, singles)
    drawn = rates.grid.of(record.attempts_expected(attempts))
    fallback = rates.single.of(len(CELLS) * record.fallback_expected(attempts))
    return Range(one, min(drawn + fallback, high), high)


def _attempts_to_come(sequence: Sequence, most: int) -> int | None:
    """Attempts at a grid that are left in the round that is due; None when no grid is to be drawn."""
    if sequence.adopt is not None:
        return None
    if sequence.regrid:
        return most
    if sequence.grid is not None and not sequence.grid_wanted:
        return None
    return max(0, most - sum(record.round == sequence.round for record in sequence.grid_history))


def _take_is_to_come(sequence: Sequence) -> bool:
    if sequence.take is None or sequence.stale or sequence.adopt is not None:
        return True
    return sequence.grid_state in PARKED or next_action(sequence) in ("lock", "generate")


def as_json(project: str, estimates: Collection[Estimate], basis: Basis) -> dict[str, Any]:
    """The documented shape (docs/guide.md, "What it will cost")."""
    return {
        "schema": SCHEMA,
        "project": project,
        "currency": "USD",
        "to_come": sum((row.to_come for row in estimates), Range()).as_json(),
        "spent": f"{sum((row.spent for row in estimates), Decimal(0)):.6f}",
        "history": {
            "attempts": basis.record.attempts,
            "refused": basis.record.refused,
            "attempts_a_grid": f"{basis.record.attempts_expected(basis.most):.6f}",
            "fallback_share": f"{basis.record.fallback_expected(basis.most):.6f}",
        },
        "prices": [rate.as_json() for rate in basis.rates],
        "sequences": [row.as_json() for row in estimates],
    }
