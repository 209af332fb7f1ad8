"""Is every amount exact, never below the price, and is a model without a price refused?"""

from datetime import date
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from starsend.pricing import MICRO, NoPrice, Price, PriceTable, Quote, Unit

NOVEMBER = date(2026, 11, 1)


def price(
    provider: str, model: str, unit: Unit, at: dict[str, str], *, estimate_as: str | None = None
) -> Price:
    dollars = {variant: Decimal(text) for variant, text in at.items()}
    return Price(
        provider=provider, model=model, unit=unit, price=dollars, as_of=NOVEMBER, estimate_as=estimate_as
    )


def quote(units: Decimal, unit_price: Decimal) -> Quote:
    return Quote(provider="p", model="m", unit="second", units=units, unit_price=unit_price, as_of=NOVEMBER)


@pytest.mark.parametrize(
    ("provider", "model", "variant", "units", "amount"),
    [
        ("gemini", "gemini-nano-banana-2.1", "1K", "1", "0.033600"),
        ("gemini", "gemini-nano-banana-2.1", "2K", "4", "0.201600"),
        ("gemini", "gemini-nano-banana-2.1", "4K", "1", "0.113400"),
        ("fal", "kling-video/v3/pro", "720p", "6", "2.016000"),
        ("fal", "kling-video/v3/pro", "anything", "0.1", "0.033600"),
        ("omni", "gemini-omni-1.2-flash", "1080p", "3.3", "0.346500"),
        ("veo", "veo-3.1-generate-001", "1080p", "8", "3.200000"),
        ("veo", "veo-3.1-lite-generate-001", "720p", "4", "0.200000"),
    ],
)
def test_the_shipped_table_gives_exact_amounts(
    provider: str, model: str, variant: str, units: str, amount: str
) -> None:
    """Is each amount a Decimal of six places, to the digit, and the estimate the same where nothing stands in?"""
    table = PriceTable()
    for found in (
        table.charge(provider, model, variant, Decimal(units)),
        table.estimate(provider, model, variant, Decimal(units)),
    ):
        assert isinstance(found.amount, Decimal)
        assert str(found.amount) == amount
        assert (found.provider, found.model, found.as_of) == (provider, model, NOVEMBER)


@pytest.mark.parametrize(
    ("units", "unit_price", "amount"),
    [
        ("1", "0.0000001", "0.000001"),
        ("1", "0.0000010", "0.000001"),
        ("1", "0.0000011", "0.000002"),
        ("3", "0.3333333", "1.000000"),
        ("0.0033333333", "0.336", "0.001120"),
        ("0", "0.336", "0.000000"),
        ("1", "0", "0.000000"),
        ("0.3333333333333333333333333333", "0.3", "0.100000"),
        ("3", "0.0000003333333333333333333333333333333334", "0.000002"),
    ],
)
def test_amounts_are_rounded_up_to_a_millionth(units: str, unit_price: str, amount: str) -> None:
    """Is what does not fit a millionth rounded up, never down, however long the numbers?"""
    assert str(quote(Decimal(units), Decimal(unit_price)).amount) == amount


@given(
    st.decimals(0, 100_000, places=9) | st.decimals(0, 1000, places=28),
    st.decimals(0, 1_000_000, places=6) | st.decimals(0, 10, places=20),
)
def test_an_amount_is_never_short_and_never_a_millionth_over(units: Decimal, unit_price: Decimal) -> None:
    """For any units and price: units * price <= amount < units * price + a millionth, in whole millionths?"""
    amount = quote(units, unit_price).amount
    with localcontext(prec=200):
        exact = units * unit_price
        assert exact <= amount < exact + MICRO
        assert amount == amount.quantize(MICRO)


@given(st.decimals(0, 1000, places=6), st.decimals(0, 100, places=6))
def test_an_amount_does_not_hang_on_the_callers_precision(units: Decimal, unit_price: Decimal) -> None:
    """Does a thread that has set its own decimal precision get the same amount?"""
    with localcontext(prec=3):
        coarse = quote(units, unit_price).amount
    assert coarse == quote(units, unit_price).amount


@pytest.mark.parametrize(
    ("provider", "model", "variant"),
    [
        ("gemini", "gemini-nano-banana-9", "1K"),
        ("gemini", "gemini-nano-banana-2.1", "8K"),
        ("fal", "gemini-nano-banana-2.1", "1K"),
        ("nobody", "storyboard", "1K"),
        ("", "", ""),
    ],
)
def test_a_model_without_a_price_is_refused(provider: str, model: str, variant: str) -> None:
    """Does a missing provider, model or size raise NoPrice, naming all three and the remedy?"""
    for ask in (PriceTable().charge, PriceTable().estimate):
        with pytest.raises(
            NoPrice, match=f"no price is known for {provider}/{model} at {variant}.*nothing was sent"
        ):
            ask(provider, model, variant, Decimal(1))


def test_a_stand_in_for_an_unknown_vendor_is_charged_but_not_estimated() -> None:
    """Does an estimate that points nowhere say so, while the charge is still known?"""
    table = PriceTable([price("mine", "toy", "image", {"*": "0"}, estimate_as="nobody/nothing")])
    assert table.charge("mine", "toy", "2K", Decimal(1)).amount == 0
    with pytest.raises(NoPrice, match="nobody/nothing at 2K"):
        table.estimate("mine", "toy", "2K", Decimal(1))


@pytest.mark.parametrize(
    ("model", "variant", "units", "vendor", "estimate"),
    [
        ("storyboard", "1K", "1", "gemini-nano-banana-2.1", "0.0336"),
        ("storyboard", "4K", "2", "gemini-nano-banana-2.1", "0.2268"),
        ("animatic", "720p", "6.5", "kling-video/v3/pro", "2.184"),
    ],
)
def test_the_animatic_is_free_and_estimated_at_its_vendor(
    model: str, variant: str, units: str, vendor: str, estimate: str
) -> None:
    """Does a rehearsal cost nothing and still say what the real thing would?"""
    table = PriceTable()
    assert table.charge("animatic", model, variant, Decimal(units)).amount == 0
    found = table.estimate("animatic", model, variant, Decimal(units))
    assert (found.model, found.amount) == (vendor, Decimal(estimate))


def test_the_config_overrides_and_adds() -> None:
    """Does a studio's own price win over the shipped one, the last over the first, and leave the rest alone?"""
    table = PriceTable(
        [
            price("gemini", "gemini-nano-banana-2.1", "image", {"1K": "9"}),
            price("gemini", "gemini-nano-banana-2.1", "image", {"1K": "0.02", "*": "0.5"}),
            price("house", "farm", "second", {"*": "0.001"}),
        ]
    )
    assert table.charge("gemini", "gemini-nano-banana-2.1", "1K", Decimal(1)).unit_price == Decimal("0.02")
    assert table.charge("house", "farm", "720p", Decimal(5)).amount == Decimal("0.005")
    assert table.charge("fal", "kling-video/v3/pro", "720p", Decimal(1)).amount == Decimal("0.336")


def test_an_override_moves_the_estimate_of_its_stand_in() -> None:
    """Is the animatic's estimate taken from the price as the studio has set it?"""
    table = PriceTable([price("gemini", "gemini-nano-banana-2.1", "image", {"2K": "0.02"})])
    assert table.estimate("animatic", "storyboard", "2K", Decimal(1)).amount == Decimal("0.02")
    with pytest.raises(NoPrice):
        table.charge("gemini", "gemini-nano-banana-2.1", "1K", Decimal(1))


@pytest.mark.parametrize("variants", [["1K", "*"], ["*", "1K"]])
def test_a_named_size_wins_over_any_size(variants: list[str]) -> None:
    """Is ``*`` only for sizes without a price of their own?"""
    prices = {"1K": "1", "*": "2"}
    table = PriceTable([price("p", "m", "image", {variant: prices[variant] for variant in variants})])
    assert table.charge("p", "m", "1K", Decimal(1)).amount == 1
    assert table.charge("p", "m", "8K", Decimal(1)).amount == 2


@pytest.mark.parametrize("wrong", ["-0.01", "NaN", "Infinity", "1e30", "dear", ""])
def test_a_price_that_is_none_is_refused(wrong: str) -> None:
    """Is a price below nothing, beyond reason or no number refused where it is written?"""
    row = {"provider": "p", "model": "m", "unit": "image", "price": {"*": wrong}, "as_of": "2026-11-01"}
    with pytest.raises(ValidationError, match=r"price\.\*"):
        Price.model_validate(row)


@pytest.mark.parametrize("written", ["0.1", 0.1])
def test_a_price_written_as_a_number_is_what_it_says(written: object) -> None:
    """Is 0.1 a tenth, and not the binary fraction next to it?"""
    row = {"provider": "p", "model": "m", "unit": "image", "price": {"*": written}, "as_of": "2026-11-01"}
    assert str(Price.model_validate(row).price["*"]) == "0.1"


@pytest.mark.parametrize(
    ("tokens", "unit", "amount"),
    [
        (1120, "token", "0.033600"),
        (1, "token", "0.000030"),
        (None, "image", "0.050400"),
        (0, "image", "0.050400"),
    ],
)
def test_tokens_that_were_counted_are_what_is_charged(tokens: int | None, unit: str, amount: str) -> None:
    """Does the vendor's own count win over the quote, at the price that was frozen with it?"""
    quoted = PriceTable().charge("gemini", "gemini-nano-banana-2.1", "2K", Decimal(1))
    charged = Quote.thawed(quoted.frozen(), "p", "m", Decimal(1), tokens)
    assert (charged.unit, str(charged.amount)) == (unit, amount)


def test_tokens_without_a_price_of_their_own_change_nothing() -> None:
    """Is a model that is priced by the picture charged by the picture, whatever is counted?"""
    quoted = PriceTable().charge("gemini", "gemini-3-pro-image", "2K", Decimal(1))
    assert Quote.thawed(quoted.frozen(), "p", "m", Decimal(1), 1120).amount == Decimal("0.134")


def test_the_price_of_a_picture_is_the_price_of_its_tokens() -> None:
    """Do the two figures of the shipped row say the same?"""
    quoted = PriceTable().charge("gemini", "gemini-nano-banana-2.1", "1K", Decimal(1))
    assert quoted.token_price is not None
    assert quoted.amount == 1120 * quoted.token_price
