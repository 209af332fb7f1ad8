"""Does every millionth of a dollar in the ledger turn up once, with the sequence it was spent on?"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_async.costs import SCHEMA, CostReport, Spend, cost_report, takes_in_use
from starsend.orchestrator.records import CostEvent, CostKind

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NAMES = ["SEQ", "SEQ_2", "SEQ01", "SEQ01_grid"]


def event(kind: CostKind, amount: str | Decimal, *, shot: str = "SEQ01", step: str = "s1") -> CostEvent:
    return CostEvent(
        step_key=step,
        shot_id=shot,
        attempt=1,
        kind=kind,
        provider="p",
        model="m",
        unit="image",
        units=Decimal(1),
        unit_price=Decimal(amount),
        price_as_of="2026-11-01",
        amount=Decimal(amount),
        why="",
        created_at=NOON,
    )


def report(*events: CostEvent, names: list[str] | None = None, in_use: set[str] | None = None) -> CostReport:
    return cost_report("job", events, sequences=names or NAMES, in_use=in_use or set())


MICROS = st.integers(0, 10**12).map(lambda micros: Decimal(micros).scaleb(-6))
EVENTS = st.builds(
    event,
    st.sampled_from(["estimated", "actual", "possible"]),
    MICROS,
    shot=st.sampled_from(
        [*NAMES, "SEQ_grid", "SEQ_2_grid_c4", "SEQ01_grid_grid", "house_frame", "house", "x"]
    ),
    step=st.sampled_from(["s1", "s2", "s3"]),
)


@given(st.lists(EVENTS), st.sets(st.sampled_from(["s1", "s2", "s3"])))
def test_the_three_add_up_to_the_ledger(events: list[CostEvent], in_use: set[str]) -> None:
    """For any ledger: accepted + rejected + possible = every event but the estimates, in all and by sequence?"""
    found = report(*events, in_use=in_use)
    real = sum((e.amount for e in events if e.kind != "estimated"), Decimal(0))
    estimated = sum((e.amount for e in events if e.kind == "estimated"), Decimal(0))
    for spends in ([found.total], list(found.by_sequence.values())):
        assert sum(s.accepted + s.rejected + s.possible for s in spends) == real
        assert sum(s.spent + s.possible for s in spends) == real
        assert sum(s.estimated for s in spends) == estimated
        assert sum(s.calls for s in spends) == sum(e.kind == "estimated" for e in events)


@given(st.lists(EVENTS))
def test_nothing_is_accepted_that_is_not_in_use(events: list[CostEvent]) -> None:
    """Is every charge rejected when the work stands on no take, and accepted when it stands on all?"""
    none, every = report(*events).total, report(*events, in_use={"s1", "s2", "s3"}).total
    assert none.accepted == every.rejected == 0
    assert (none.rejected, none.possible) == (every.accepted, every.possible)


@pytest.mark.parametrize(
    ("shot", "owner"),
    [
        ("SEQ", "SEQ"),
        ("SEQ_grid", "SEQ"),
        ("SEQ_grid_c1", "SEQ"),
        ("SEQ_frame", "SEQ"),
        ("SEQ_2", "SEQ_2"),
        ("SEQ_2_grid", "SEQ_2"),
        ("SEQ_2_grid_c4", "SEQ_2"),
        ("SEQ01", "SEQ01"),
        ("SEQ01_grid", "SEQ01_grid"),
        ("SEQ01_grid_grid", "SEQ01_grid"),
        ("SEQ01_grid_grid_c2", "SEQ01_grid"),
        ("SEQ01_grid_c2", "SEQ01"),
        ("SEQ_3", "SEQ_3"),
        ("SEQ_gridlock", "SEQ_gridlock"),
        ("SEQ_frames_grid", "SEQ_frames_grid"),
        ("SEQ011_grid", "SEQ011_grid"),
        ("seq_grid", "seq_grid"),
        ("house_frame", "house"),
        ("house", "house"),
    ],
)
@pytest.mark.parametrize("names", [NAMES, NAMES[::-1]], ids=["in order", "reversed"])
def test_a_shot_belongs_to_the_longest_name(shot: str, owner: str, names: list[str]) -> None:
    """Is each step booked on the sequence it was made for, whatever other names begin alike; else on itself?"""
    found = report(event("actual", "0.5", shot=shot), names=names).by_sequence
    assert {name for name, spend in found.items() if spend.spent} == {owner}


def test_a_possible_charge_taken_back_is_gone() -> None:
    """Does a possible charge that is cleared up leave what was really charged, and no trace of doubt?"""
    found = report(
        event("estimated", "0.0504"),
        event("possible", "0.0504"),
        event("possible", "-0.0504"),
        event("actual", "0.0504"),
        in_use={"s1"},
    ).total
    assert found == Spend(
        accepted=Decimal("0.0504"), possible=Decimal(0), estimated=Decimal("0.0504"), calls=1
    )
    assert found.as_json()["possible"] == "0.000000"


def test_a_possible_charge_is_never_accepted() -> None:
    """Does what may have been charged stay apart even when its step is in use?"""
    found = report(event("possible", "1"), in_use={"s1"}).total
    assert found == Spend(possible=Decimal(1))
    assert found.spent == 0


def test_the_json_shape_is_the_documented_one() -> None:
    """Is every amount text with six decimals, and every sequence there, in order, spent on or not?"""
    found = report(
        event("actual", "0.0504", step="good"),
        event("actual", "12345678.123456", step="bad", shot="SEQ_2_grid"),
        event("possible", "0.000001", shot="house_frame"),
        in_use={"good"},
    ).as_json()
    assert json.loads(json.dumps(found)) == found
    assert {key: found[key] for key in ("schema", "project", "currency")} == {
        "schema": SCHEMA,
        "project": "job",
        "currency": "USD",
    }
    assert [row["sequence"] for row in found["sequences"]] == [*NAMES, "house"]
    assert found["total"] == {
        "accepted": "0.050400",
        "rejected": "12345678.123456",
        "possible": "0.000001",
        "estimated": "0.000000",
        "spent": "12345678.173856",
        "calls": 0,
    }
    assert all(set(row) == {"sequence", *found["total"]} for row in found["sequences"])


def test_an_empty_ledger_costs_nothing() -> None:
    """Is a project that has not begun a report of noughts?"""
    assert {value for row in report().as_json()["sequences"] for value in list(row.values())[1:]} == {
        "0.000000",
        0,
    }


@pytest.mark.parametrize(
    ("sequence", "used"),
    [
        ({}, set()),
        ({"grid_id": None, "grid_history": None, "take": None}, set()),
        ({"grid_history": [{"grid": "g1", "takes": ["a"]}]}, set()),
        (
            {
                "grid_id": "g2",
                "grid_history": [{"grid": "g1", "takes": ["a"]}, {"grid": "g2", "takes": ["b"]}],
            },
            {"b"},
        ),
        (
            {"grid_id": "g1", "grid_history": [{"grid": "g1", "takes": ["a", "b", "c", "d"]}]},
            {"a", "b", "c", "d"},
        ),
        ({"grid_id": "g1", "grid_history": [{"grid": "g1", "takes": []}]}, set()),
        ({"take": {"take": "t2"}, "take_history": [{"take": "t1"}, {"take": "t2"}]}, {"t2"}),
    ],
)
def test_the_work_stands_on_its_grid_and_its_take(sequence: dict[str, Any], used: set[str]) -> None:
    """Are the takes in use those of the grid that can be picked from, and the current video?"""
    assert takes_in_use({"sequences": {"SEQ01": sequence, "SEQ02": {}}}) == used
