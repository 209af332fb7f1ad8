"""Does every millionth of a dollar in the ledger turn up once, in every way of adding it up?"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_async.accounts import book_of
from client_async.cost_csv import COLUMNS, Entry, as_csv
from client_async.cost_report import GROUPINGS, SCHEMA, Booked, Finished, ProjectCosts, Spend, as_json
from client_async.sequences import Sequence
from client_async.work_classes import WORDS, WORKS, Work, WorkBook
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import CostEvent, CostKind, Intent, Media, StepState
from starsend.pricing import Quote
from tests.conftest import ManualClock

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NAMES = ["SEQ", "SEQ_2", "SEQ01", "SEQ01_grid"]
SHOTS = [
    *("SEQ", "SEQ_grid", "SEQ_grid_c1", "SEQ_grid_c3", "SEQ_2", "SEQ_2_grid", "SEQ01_grid", "SEQ01_grid_c2"),
    *("SEQ01_grid_grid", "SEQ_frame", "SH010", "SH010_frame", "gone", "gone_grid", "gone_grid_c4"),
]
ENDS = ["finished", "billed", "unbilled", "lost", "found", "resent", "never arrived", "under way"]


def event(
    kind: CostKind,
    amount: str | Decimal,
    *,
    shot: str = "SEQ01",
    step: str = "s1",
    attempt: int = 1,
    state: StepState = "succeeded",
    at: datetime = NOON,
    model: str = "m",
) -> CostEvent:
    return CostEvent(
        step_key=step,
        shot_id=shot,
        attempt=attempt,
        step_state=state,
        asked_provider="stand-in",
        asked_model=model,
        kind=kind,
        provider="p",
        model="m",
        unit="image",
        units=Decimal(1),
        unit_price=Decimal(amount),
        price_as_of="2026-11-01",
        amount=Decimal(amount),
        why="",
        created_at=at,
    )


def brief(**fields: Any) -> Sequence:
    return Sequence.model_validate({"prompt": "p", "shots": [{"prompt": "s", "seconds": 1}], **fields})


def grid(number: int, *takes: str, ok: bool = True, via: str = "model") -> dict[str, Any]:
    verdict = {"ok": ok, "reason": "", "explanation": ""}
    return {"grid": f"g{number}", "round": 1, "via": via, "verdict": verdict, "takes": list(takes), "at": ""}


def keyframe(number: int, cell: int = 1, sha: str = "k1") -> dict[str, Any]:
    return {"path": "x", "sha256": sha, "grid": f"g{number}", "cell": cell, "by": "me", "at": ""}


def take(step: str, sha: str = "k1") -> dict[str, Any]:
    return {"take": step, "path": "x", "attempt": 1, "keyframe": sha, "brief": "", "at": ""}


# ------------------------------------------------------------------------------------------- the whole ledger


class Books:
    """One real ledger; each history is a project of its own in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = count()

    def project(self) -> tuple[ExecutionStore, ManualClock]:
        clock, name = ManualClock(), f"p{next(self._number)}"
        url = f"sqlite:///{self._folder / 'ledger.db'}"
        return ExecutionStore(url, project=name, project_dir=self._folder, clock=clock), clock


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    yield Books(tmp_path_factory.mktemp("books"))


def run_step(store: ExecutionStore, number: int, shot: str, end: str, micros: int) -> str:
    """Book one paid call with the moves that the runner makes; its step key."""
    key = f"{store.project}-{shot}-{number}"
    intent = Intent(
        step_key=key,
        shot_id=shot,
        sequence=shot,
        kind="keyframe",
        attempt=1 + number % 4,
        provider="p",
        model=f"m{number % 2}",
        request_digest="d",
        request={},
    )

    def quote(amount: int) -> Quote:
        price = Decimal(amount).scaleb(-6)
        return Quote(
            provider="p",
            model="m",
            unit="image",
            units=Decimal(1),
            unit_price=price,
            as_of=date(2026, 11, 1),
        )

    charge = quote(micros)
    store.intend(intent, quote(micros + 1), charge)
    if end in ("lost", "found", "resent", "never arrived"):
        store.unknown(key, charge, "no answer")
    if end == "resent":
        store.intend_again(key, charge, leaving="unknown")
    if end == "never arrived":
        store.never_arrived(key, "not_sent", "the vendor does not know it")
        store.intend_again(key, charge, leaving="failed")
    if end in ("billed", "unbilled"):
        store.failed(key, "refused", "no", charge if end == "billed" else None, "actual")
    if end in ("finished", "found", "resent", "never arrived"):
        media = Media(path=key, sha256=key, size_bytes=1, mime="image/png", width=1, height=1)
        store.finish(key, media, charge)
    return key


STEPS = st.lists(
    st.tuples(
        st.sampled_from(SHOTS), st.sampled_from(ENDS), st.integers(0, 10**7), st.integers(0, 2 * 10**5)
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(steps=STEPS, data=st.data())
def test_every_grouping_adds_up_to_the_ledger(
    books: Books, steps: list[tuple[str, str, int, int]], data: st.DataObject
) -> None:
    """Whatever was begun, lost, found and taken back, and whatever the documents say of it: is every millionth there once?"""
    store, clock = books.project()
    with closing(store):  # also where what is drawn leads nowhere
        keys = ["none"]
        for number, (shot, end, micros, seconds) in enumerate(steps):
            clock.time += timedelta(seconds=seconds)
            keys.append(run_step(store, number, shot, end, micros))
        cited, numbers = st.sampled_from(keys), st.integers(1, 4)
        sequences = {}
        for name in data.draw(st.lists(st.sampled_from(NAMES), unique=True)):
            history = [grid(n, *data.draw(st.lists(cited, max_size=4)), ok=n > 1) for n in (1, 2, 3)]
            taken = data.draw(cited)
            sequences[name] = brief(
                grid_history=history,
                grid_id=f"g{data.draw(numbers)}",
                keyframe=data.draw(st.none() | st.builds(keyframe, numbers, numbers)),
                take=data.draw(st.none() | st.just(take(taken)) | st.just(take(taken, "k2"))),
                take_history=[take(data.draw(cited))],
                deleted=data.draw(st.booleans()),
            )
        events = store.costs()
        book = WorkBook(sequences, {e.shot_id for e in events})
        costs = ProjectCosts(store.project, list(sequences), book_of(sequences, store.step_costs())[0])
        ledger = store.spent()  # added up by the database

    day = NOON.date() + timedelta(days=data.draw(st.integers(-1, 3)))
    parts = [costs.between(None, day), costs.between(day + timedelta(days=1), None)]
    for grouped in (*(costs.by(g).values() for g in GROUPINGS), (part.total for part in parts)):
        spends = list(grouped)
        for kind in ("actual", "possible", "estimated"):
            assert sum((getattr(s, kind) for s in spends), Decimal(0)) == ledger.get(kind, 0)
        assert sum(s.calls for s in spends) == len(steps)
        assert sum(s.difference for s in spends) == costs.total.difference
    works: dict[str, set[str]] = {}
    for event in events:
        works.setdefault(event.step_key, set()).add(book.work(event))
    assert all(len(found) == 1 for found in works.values()), "a step is of one class, with all its events"


# --------------------------------------------------------------------------------------------- whose it was


@pytest.mark.parametrize(
    ("shot", "owner"),
    [
        ("SEQ", "SEQ"),
        ("SEQ_grid", "SEQ"),
        ("SEQ_grid_c1", "SEQ"),
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
        ("SEQ011_grid", "SEQ011"),
        ("gone_grid_c4", "gone"),
        ("house_frame", "house"),
        ("house", "house"),
        ("house_grid", "house_grid"),
        ("house_grid_frame", "house_grid"),
    ],
)
@pytest.mark.parametrize("names", [NAMES, NAMES[::-1]], ids=["in order", "reversed"])
def test_a_shot_belongs_to_the_longest_name(shot: str, owner: str, names: list[str]) -> None:
    """Is each step booked on the sequence it was made for, whatever other names begin alike; else on itself?"""
    shots = [shot, "house_frame", "house_grid_frame"]
    assert WorkBook({name: brief() for name in names}, shots).owner(shot) == owner


HISTORY = [grid(1, "a", ok=False), grid(2, "b"), grid(3, "c1", "c2", "c3", "c4", via="composite")]


@pytest.mark.parametrize(
    ("asked", "fields", "work"),
    [
        (("SEQ01_grid", "b", 2, "succeeded"), {"keyframe": keyframe(2)}, "picked"),
        (("SEQ01_grid", "a", 1, "succeeded"), {"keyframe": keyframe(2)}, "rejected"),
        (("SEQ01_grid", "b", 2, "succeeded"), {"grid_id": "g2"}, "open"),
        (("SEQ01_grid", "b", 2, "succeeded"), {"grid_id": "g3"}, "rejected"),
        (("SEQ01_grid", "b", 2, "succeeded"), {"grid_id": "g2", "keyframe": keyframe(3)}, "open"),
        (("SEQ01_grid", "x", 1, "failed"), {}, "rejected"),
        (("SEQ01_grid", "x", 4, "failed"), {}, "open"),
        (("SEQ01_grid", "x", 1, "unknown"), {}, "open"),
        (("SEQ01_grid_c2", "c2", 3, "succeeded"), {"keyframe": keyframe(3, 2)}, "fallback_picked"),
        (("SEQ01_grid_c3", "c3", 3, "succeeded"), {"keyframe": keyframe(3, 2)}, "fallback_rest"),
        (("SEQ01_grid_c2", "x", 3, "failed"), {"keyframe": keyframe(3, 2)}, "fallback_rest"),
        (("SEQ01_grid_c2", "c2", 3, "succeeded"), {"grid_id": "g3"}, "fallback_rest"),
        (("SEQ01", "t", 1, "succeeded"), {"keyframe": keyframe(2), "take": take("t")}, "picked"),
        (("SEQ01", "t", 1, "succeeded"), {"keyframe": keyframe(3, 2, "k2"), "take": take("t")}, "superseded"),
        (("SEQ01", "s", 1, "succeeded"), {"keyframe": keyframe(2), "take": take("t")}, "superseded"),
        (("SEQ01", "s", 2, "failed"), {"keyframe": keyframe(2)}, "superseded"),
        (("SEQ01", "s", 2, "submitted"), {"keyframe": keyframe(2)}, "open"),
        (("SEQ01", "t", 1, "succeeded"), {"take": take("t"), "deleted": True}, "gone"),
        (("SEQ09_grid", "z", 1, "succeeded"), {}, "gone"),
        (("SEQ09", "z", 1, "succeeded"), {}, "gone"),
        (("SH010", "z", 1, "succeeded"), {}, "house"),
        (("SH010_frame", "z", 1, "succeeded"), {}, "house"),
    ],
)
def test_each_step_is_work_of_one_kind(
    asked: tuple[str, str, int, StepState], fields: dict[str, Any], work: str
) -> None:
    """Is it told apart what was picked, turned down, drawn instead of a grid, replaced, or made for nobody any more?"""
    shot, step, attempt, state = asked
    book = WorkBook({"SEQ01": brief(grid_history=HISTORY, **fields)}, ["SH010", "SH010_frame"])
    assert book.work(event("actual", "1", shot=shot, step=step, attempt=attempt, state=state)) == work


def test_every_class_has_words_that_fit() -> None:
    """Is each class named for people, in as many letters as an 80-column table leaves room for?"""
    assert set(WORDS) == set(WORKS)
    assert max(map(len, WORDS.values())) <= 30


# ------------------------------------------------------------------------------------------------ the figures


def booked(*events: CostEvent) -> ProjectCosts:
    return ProjectCosts("job", ["SEQ01"], [cell(event, "picked") for event in events])


def cell(event: CostEvent, work: Work) -> Booked:
    """As the ledger adds it up."""
    spend = Spend(**{event.kind: event.amount}, calls=int(event.kind == "estimated"))
    day = event.created_at.astimezone(UTC).date().isoformat()
    return Booked("SEQ01", work, f"{event.asked_provider}/{event.asked_model}", day, spend)


def test_a_possible_charge_taken_back_is_gone() -> None:
    """Does a possible charge that is cleared up leave what was really charged, and no trace of doubt?"""
    half = Decimal("0.0504")
    found = booked(
        *(event(kind, half) for kind in ("estimated", "possible", "actual")), event("possible", -half)
    )
    assert found.total == Spend(actual=half, estimated=half, calls=1)
    assert found.total.difference == 0
    assert found.total.as_json()["possible"] == "0.000000"


def test_days_are_those_of_utc() -> None:
    """Is a charge of an evening in Los Angeles booked on the next day, and found by it?"""
    evening = datetime(2026, 11, 23, 20, 0, tzinfo=timezone(timedelta(hours=-8)))
    found = booked(event("actual", "1", at=evening), event("actual", "2", at=NOON))
    assert {day: spend.actual for day, spend in found.by("day").items()} == {"2026-11-23": 2, "2026-11-24": 1}
    assert found.between(date(2026, 11, 24), None).total.actual == 1
    assert found.between(date(2026, 11, 23), date(2026, 11, 23)).total.actual == 2


def test_a_stand_ins_estimate_is_booked_where_the_call_went() -> None:
    """Does the row of whoever was asked show both what it charged and the estimate at another's price?"""
    (row,) = booked(event("estimated", "0.5"), event("actual", "0")).by("provider").items()
    assert row == ("stand-in/m", Spend(estimated=Decimal("0.5"), calls=1))


def test_the_json_shape_is_the_documented_one() -> None:
    """Is every amount text with six decimals, every sequence and class there, and a second's cost told?"""
    costs = ProjectCosts(
        "job",
        ["SEQ01", "SEQ02"],
        [cell(event("actual", "12345678.123456"), "rejected")],
        Finished(1, Decimal(4)),
    )
    found = as_json([costs], date(2026, 11, 1), None)
    assert json.loads(json.dumps(found)) == found
    assert (found["schema"], found["since"], found["until"]) == (SCHEMA, "2026-11-01", None)
    (project,) = found["projects"]
    assert [row["sequence"] for row in project["by_sequence"]] == ["SEQ01", "SEQ02"]
    assert [row["work"] for row in project["by_work"]] == list(WORKS)
    assert (
        project["total"]
        == found["total"]
        == {
            "actual": "12345678.123456",
            "possible": "0.000000",
            "estimated": "0.000000",
            "difference": "12345678.123456",
            "calls": 0,
        }
    )
    assert project["finished"]["spent_per_second"] == "3086419.530864"
    assert as_json([ProjectCosts("job", [], [], Finished(0, Decimal(0)))], None, None)["projects"][0][
        "finished"
    ] == {
        "takes": 0,
        "seconds": "0.000000",
        "spent_per_second": None,
        "estimated_per_second": None,
    }


@given(st.text(max_size=8))
def test_a_spreadsheet_calculates_nothing(model: str) -> None:
    """Whatever a model is called: does the row come back from CSV, with no text that begins as a formula does?"""
    events = event("actual", "1", model=model), event("possible", "-0.5", model=model)
    text = as_csv({"job": [Entry(event, "SEQ01", "picked") for event in events]})
    header, *rows = list(csv.reader(io.StringIO(text, newline="")))
    assert tuple(header) == COLUMNS
    numbers = {"units", "unit_price_usd", "amount_usd"}
    for row, amount in zip(rows, ("1.000000", "-0.500000"), strict=True):
        told = dict(zip(header, row, strict=True))
        assert told["amount_usd"] == amount
        assert told["asked_model"].removeprefix("'") == model.removeprefix("'")
        assert not [k for k, v in told.items() if k not in numbers and v[:1] in {*"=+-@\t\r\n"} - {""}]
