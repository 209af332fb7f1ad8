"""Is the price of a brief told before anything runs, at its least, its likely and its most?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_async.estimates import Basis, Estimate, Record, estimate, rates_of, record_of
from starsend.config import Settings
from tests.unit.studio import PRICES
from tests.unit.test_cost_report import brief, grid, keyframe, take

ONE, TAKE = Decimal("0.05"), Decimal("0.1")
"""Dollars of a picture and of the one second of a take, by PRICES."""


def basis(record: Record | None = None, most: int = 3) -> Basis:
    rates, _ = rates_of(Settings.model_validate({"prices": PRICES}))
    assert rates is not None
    return Basis(rates, record or Record(0, 0), most)


def of(reckoned: Basis | None = None, **fields: Any) -> Estimate:
    return estimate("SEQ01", brief(**fields), reckoned or basis(), spent=Decimal(0))


def test_a_fresh_sequence_costs_a_grid_at_least_and_all_that_can_go_wrong_at_most() -> None:
    """Is the least one grid and a take, the most three wrong grids, four singles and a take, the likely between by history?"""
    found = of().to_come
    assert found.low == ONE + TAKE
    assert found.high == 3 * ONE + 4 * ONE + TAKE
    # 1 + 1/4 + 1/16 attempts; one in 64 ends in four singles.
    assert found.expected == Decimal("0.065625") + Decimal("0.003125") + TAKE


@pytest.mark.parametrize(
    ("fields", "grids", "seconds"),
    [
        ({}, 3, 1),
        ({"grid_history": [grid(1, ok=False)]}, 2, 1),
        ({"grid_history": [grid(n, ok=False) for n in (1, 2, 3)]}, 0, 1),
        ({"grid_history": [grid(1)], "grid_id": "g1"}, None, 1),
        ({"grid_history": [grid(1)], "grid_id": "g1", "regrid": True}, 3, 1),
        ({"adopt": "x.png"}, None, 1),
        ({"grid_history": [grid(1)], "grid_id": "g1", "keyframe": keyframe(1), "take": take("t")}, None, 0),
        (
            {
                "grid_history": [grid(1)],
                "grid_id": "g1",
                "keyframe": keyframe(1, sha="k2"),
                "take": take("t"),
            },
            None,
            1,
        ),
        (
            {
                "grid_history": [grid(1)],
                "grid_id": "g1",
                "keyframe": keyframe(1),
                "take": take("t"),
                "retake": True,
            },
            None,
            1,
        ),
    ],
    ids=["new", "one wrong", "all wrong", "to pick", "regrid", "adopt", "done", "stale", "retake"],
)
def test_only_what_is_still_to_come_is_priced(
    fields: dict[str, Any], grids: int | None, seconds: int
) -> None:
    """Does what is there already cost nothing more, and what was asked for again cost again?"""
    found = of(**fields)
    assert (found.attempts, int(found.seconds)) == (grids, seconds)
    assert found.take == seconds * TAKE
    if grids is None:
        assert found.grid.high == 0
    elif grids == 0:
        assert found.grid.low == found.grid.expected == found.grid.high == 4 * ONE
    else:
        assert (found.grid.low, found.grid.high) == (ONE, (grids + 4) * ONE)


@given(st.integers(0, 1000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.integers(1, 10))
def test_the_likely_lies_between(history: tuple[int, int], most: int) -> None:
    """For any history and any number of attempts: low <= expected <= high, and more refusals never make it cheaper?"""
    attempts, refused = history
    found = of(basis(Record(attempts, refused), most)).to_come
    worse = of(basis(Record(attempts + 1, refused + 1), most)).to_come
    assert found.low <= found.expected <= found.high
    assert found.expected <= worse.expected


def test_the_history_is_that_of_the_model() -> None:
    """Are only a model's own attempts counted, and every refused one of them?"""
    adopted, composite = grid(3, via="adopted"), grid(4, via="composite")
    drawn = [brief(grid_history=[grid(1, ok=False), grid(2), adopted, composite]), brief()]
    assert record_of(drawn) == Record(attempts=2, refused=1)


def test_a_stand_in_is_priced_as_the_real_model_and_says_so() -> None:
    """With the animatic, is the vendor's price shown, and named whose place it takes?"""
    rates, missing = rates_of(Settings())
    assert not missing
    assert rates is not None
    assert (rates.grid.quote.provider, rates.grid.stands_in) == ("gemini", "animatic/storyboard")
    assert (rates.take.quote.unit_price, rates.take.stands_in) == (Decimal("0.336"), "animatic/animatic")
    assert not basis().rates.grid.stands_in


def test_every_price_that_is_missing_is_told() -> None:
    """Is each model named that has no price at what is asked of it?"""
    rates, missing = rates_of(
        Settings.model_validate({"image": {"provider": "x", "model": "y"}, "video": {"model": "z"}})
    )
    assert rates is None
    assert [str(none).split(" for ")[1].split(".")[0] for none in missing] == [
        "x/y at 2K",
        "x/y at 1K",
        "animatic/z at 720p",
    ]
