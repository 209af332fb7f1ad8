"""What a call costs: a dated table, which the config may add to or override. Amounts are US dollars, Decimal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Context, Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from starsend.documents import Section, parse_document
from starsend.errors import BadInput
from starsend.json_file import read_json

MICRO = Decimal("0.000001")
"""Money is kept to a millionth of a dollar, rounded up: one image token costs thirty of them."""

EXACT = Context(prec=60, rounding=ROUND_UP)
"""Python's own 28 digits would round a long product down."""

Unit = Literal["image", "second"]
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000)]


class Price(Section):
    """One row of the price table. ``price`` maps a size or resolution (or ``*``) to dollars a unit, as text."""

    provider: str
    model: str
    unit: Unit
    price: dict[str, Dollars]
    as_of: date
    source: str = ""
    token_price: Dollars | None = Field(
        default=None,
        description="Dollars for one output token. Where the vendor's answer counts them, that is what is booked.",
    )
    estimate_as: str | None = Field(
        default=None, description="'provider/model' whose price is shown as the estimate"
    )


class PriceFile(Section):
    """``price_table.json``."""

    prices: list[Price]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What some units of a model cost. ``amount`` is ``units * unit_price`` rounded up to a millionth.

    ``token_price`` is what an output token costs, for an answer that counts them.
    """

    provider: str
    model: str
    unit: str
    units: Decimal
    unit_price: Decimal
    as_of: date
    token_price: Decimal | None = None

    @property
    def amount(self) -> Decimal:
        return EXACT.quantize(EXACT.multiply(self.units, self.unit_price), MICRO)

    def frozen(self) -> dict[str, str]:
        """The price by itself, as JSON that is kept with what was sent at it."""
        price = {"unit": self.unit, "unit_price": str(self.unit_price), "as_of": self.as_of.isoformat()}
        return price if self.token_price is None else {**price, "token_price": str(self.token_price)}

    @classmethod
    def thawed(
        cls, price: Mapping[str, str], provider: str, model: str, units: Decimal, tokens: int | None = None
    ) -> Quote:
        """What ``units`` cost at a frozen price, whatever the table says by now; the ``tokens`` where they have one."""
        counted = bool(tokens) and "token_price" in price
        return cls(
            provider=provider,
            model=model,
            unit="token" if counted else price["unit"],
            units=Decimal(tokens or 0) if counted else units,
            unit_price=Decimal(price["token_price" if counted else "unit_price"]),
            as_of=date.fromisoformat(price["as_of"]),
        )


class NoPrice(BadInput):
    """A model without a price is refused: a cost must not surprise anybody."""

    def __init__(self, provider: str, model: str, variant: str) -> None:
        super().__init__(
            f"no price is known for {provider}/{model} at {variant}",
            where="starsend_config.json: prices",
            remedy="add its price there; nothing was sent",
        )


class PriceTable:
    """Prices by provider and model; later rows win."""

    def __init__(self, extra: Iterable[Price] = ()) -> None:
        self._rows = {(p.provider, p.model): p for p in (*_shipped(), *extra)}

    def charge(self, provider: str, model: str, variant: str, units: Decimal) -> Quote:
        """What ``units`` will really be charged at. Raises NoPrice."""
        return self._quote(self._row(provider, model, variant), variant, units)

    def estimate(self, provider: str, model: str, variant: str, units: Decimal) -> Quote:
        """What ``units`` are expected to cost; for a free stand-in, at the vendor it stands for. Raises NoPrice."""
        row = self._row(provider, model, variant)
        if row.estimate_as:
            vendor, _, vendor_model = row.estimate_as.partition("/")
            row = self._row(vendor, vendor_model, variant)
        return self._quote(row, variant, units)

    def _row(self, provider: str, model: str, variant: str) -> Price:
        row = self._rows.get((provider, model))
        if row is None or not row.price.keys() & {variant, "*"}:
            raise NoPrice(provider, model, variant)
        return row

    @staticmethod
    def _quote(row: Price, variant: str, units: Decimal) -> Quote:
        price = row.price[variant] if variant in row.price else row.price["*"]
        return Quote(
            provider=row.provider,
            model=row.model,
            unit=row.unit,
            units=units,
            unit_price=price,
            as_of=row.as_of,
            token_price=row.token_price,
        )


@cache
def _shipped() -> tuple[Price, ...]:
    path = Path(__file__).with_name("price_table.json")
    return tuple(parse_document(PriceFile, read_json(path), path).prices)
