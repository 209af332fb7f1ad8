"""What the next grid or take of one sequence will cost, in figures and in words. Reads settings, no ledger."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from client_async.estimates import Rate, Rates, rates_of
from client_async.projects import Place
from client_async.sequences import Sequence
from client_async.shot_ids import CELLS
from starsend.config import Settings, load_settings
from starsend.dollars import dollars

UNKNOWN: Final = "unknown"
"""The amount where the price table has none: nothing can be sent then."""


@dataclass(frozen=True, slots=True)
class Price:
    """``amount``: dollars as text, at the most; for people the same, empty where it is unknown, and in words with whose it is."""

    amount: str
    dollars: str
    words: str


def price_of_take(place: Place, sequence: Sequence) -> Price:
    """What another take of a sequence costs. Raises what settings raise."""
    rates, missing = rates_of(load_settings(place.root, place.folder))
    if rates is None:
        return Price(UNKNOWN, "", f"an unknown amount ({missing[0].what})")
    seconds = sum((Decimal(str(shot.seconds)) for shot in sequence.shots), Decimal(0))
    amount = rates.take.of(seconds)
    return Price(f"{amount:.6f}", dollars(amount), f"{dollars(amount)}{_whose(rates.take)}")


def price_of_grid(place: Place) -> Price:
    """What another grid costs: at least one attempt, at most all of them and four single frames."""
    settings = load_settings(place.root, place.folder)
    rates, missing = rates_of(settings)
    if rates is None:
        return Price(UNKNOWN, "", f"an unknown amount ({missing[0].what})")
    least, most = rates.grid.of(Decimal(1)), _most(settings, rates)
    words = f"{dollars(least)} to {dollars(most)}{_whose(rates.grid)}"
    return Price(f"{most:.6f}", dollars(most), words)


def _most(settings: Settings, rates: Rates) -> Decimal:
    return rates.grid.of(Decimal(settings.grid.attempts)) + rates.single.of(Decimal(len(CELLS)))


def _whose(rate: Rate) -> str:
    if not rate.stands_in:
        return ""
    return f" at the price of {rate.quote.provider}/{rate.quote.model}, which {rate.stands_in} stands in for"
