"""Is a cap ever overshot, whoever calls at once; and does every reservation end as money or as nothing, on both databases?"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text

from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Spending
from starsend.orchestrator.step_faults import BudgetExceeded
from starsend.pricing import Quote
from starsend.sections import BudgetSettings
from tests.conftest import ManualClock
from tests.contract.test_execution_store import MEDIA, QUOTE, intent
from tests.standins.warm import warm_processes

CALLS = 64
ZERO = Decimal(0)
COMMITTED = text(
    "SELECT (SELECT COALESCE(SUM(amount), 0) FROM cost_events WHERE project = :project AND kind != 'estimated')"
    " + (SELECT COALESCE(SUM(e.amount), 0) FROM cost_events e JOIN steps s ON s.step_key = e.step_key"
    "    WHERE e.project = :project AND e.kind = 'estimated' AND s.state IN ('intended', 'submitted'))"
)
"""What counts, told from steps and events alone: in these tests a call's estimate is its charge."""

Life = Callable[[ExecutionStore, str, Quote, BudgetSettings], None]
"""What becomes of a call after its intent."""


def finish(store: ExecutionStore, key: str, charge: Quote, _: BudgetSettings) -> None:
    store.submitted(key, "job")
    store.finish(key, MEDIA, charge)


def turned_away(store: ExecutionStore, key: str, _charge: Quote, _caps: BudgetSettings) -> None:
    store.failed(key, "rate_limited", "not now", None, "actual")


def turned_away_and_sent_again(store: ExecutionStore, key: str, charge: Quote, caps: BudgetSettings) -> None:
    turned_away(store, key, charge, caps)
    store.intend_again(key, charge, caps, leaving="failed")
    store.finish(key, MEDIA, charge)


def billed_for_nothing(store: ExecutionStore, key: str, charge: Quote, _: BudgetSettings) -> None:
    store.failed(key, "no_picture", "refused", charge, "actual")


def lost(store: ExecutionStore, key: str, charge: Quote, _: BudgetSettings) -> None:
    store.unknown(key, charge, "lost")


def lost_and_found(store: ExecutionStore, key: str, charge: Quote, caps: BudgetSettings) -> None:
    lost(store, key, charge, caps)
    finish(store, key, charge, caps)


def lost_and_paid_again(store: ExecutionStore, key: str, charge: Quote, caps: BudgetSettings) -> None:
    lost(store, key, charge, caps)
    store.intend_again(key, charge, caps, leaving="unknown")
    store.finish(key, MEDIA, charge)


def lost_and_never_arrived(store: ExecutionStore, key: str, charge: Quote, caps: BudgetSettings) -> None:
    lost(store, key, charge, caps)
    store.never_arrived(key, "not_sent", "the vendor does not know it")


def killed(_store: ExecutionStore, _key: str, _charge: Quote, _caps: BudgetSettings) -> None:
    """Between the intent and whatever came next."""


LIVES: list[Life] = [
    finish,
    turned_away,
    turned_away_and_sent_again,
    billed_for_nothing,
    lost,
    lost_and_found,
    lost_and_paid_again,
    lost_and_never_arrived,
    killed,
]


@dataclass(frozen=True)
class Call:
    """One call: what it costs in millionths of a dollar, for which sequence, and what becomes of it."""

    price: int
    sequence: str
    life: Life

    @property
    def charge(self) -> Quote:
        return replace(QUOTE, unit_price=Decimal(self.price).scaleb(-6))


CALL = st.builds(Call, st.integers(0, 2_000_000), st.sampled_from(["S1", "S2", "S3"]), st.sampled_from(LIVES))
CAPS = st.builds(
    BudgetSettings,
    **{cap: st.none() | st.decimals(0, 30, places=6) for cap in ("project", "sequence", "day")},
)


@pytest.fixture
def books(store: ExecutionStore, store_url: str) -> Iterator[Engine]:
    """The same database, read past our own code."""
    engine = create_engine(store_url, max_overflow=-1)
    yield engine
    engine.dispose()


def of(store: ExecutionStore, cap: str, name: str = "") -> Spending:
    """What stands against one cap."""
    none = Spending(cap="project", of=name, spent=ZERO, reserved=ZERO)
    found = [s for s in store.spending() if s.cap == cap and name in ("", s.of)]
    return found[0] if found else none


# ------------------------------------------------------------------------------------------ 64 at once

_number = itertools.count()


@settings(
    max_examples=6,
    phases=[Phase.generate],  # what 64 threads do once they need not do again, so there is nothing to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(calls=st.lists(CALL, min_size=CALLS, max_size=CALLS), caps=CAPS)
def test_64_threads_never_overshoot(
    store_url: str, project_dir: Path, books: Engine, calls: list[Call], caps: BudgetSettings
) -> None:
    """With any prices, caps and ends: over no cap at any committed moment, and is all that was put aside settled at the end?"""
    project = f"job{next(_number)}"  # a new one for each example, in one database
    store = ExecutionStore(store_url, project=project, project_dir=project_dir, clock=ManualClock())
    start = threading.Barrier(CALLS)
    seen: list[Decimal] = []

    def look() -> None:
        with books.connect() as connection:
            told = connection.scalar(COMMITTED, {"project": project})
        seen.append(Decimal(told or 0).scaleb(-6))

    def call(number: int) -> None:
        asked, key = calls[number], f"{project}-{number}"
        one = replace(intent(key, f"{asked.sequence}_{number}"), sequence=asked.sequence)
        start.wait()
        with suppress(BudgetExceeded):
            store.intend(one, asked.charge, asked.charge, caps)
            look()
            asked.life(store, key, asked.charge, caps)
            look()

    with ThreadPoolExecutor(CALLS) as pool:
        list(pool.map(call, range(CALLS)))
    if caps.project is not None:
        assert max(seen, default=ZERO) <= caps.project
    for stands in store.spending():
        cap = getattr(caps, stands.cap)
        assert cap is None or stands.committed <= cap
    for step in store.open_steps():
        if step.state == "intended":
            store.never_arrived(step.step_key, "not_sent", "killed before it was sent")
    booked = sum((event.amount for event in store.costs() if event.kind != "estimated"), ZERO)
    assert all(stands.reserved == 0 for stands in store.spending())
    for kind in ("project", "sequence", "day"):
        assert sum((s.spent for s in store.spending() if s.cap == kind), ZERO) == booked
    store.close()


def test_exactly_as_many_go_as_the_cap_pays_for(store: ExecutionStore) -> None:
    """Sixty-four calls of five cents at once against fifty: do ten go, and leave the others no trace?"""
    caps = BudgetSettings(project=Decimal("0.504"))

    def begin(number: int) -> bool:
        try:
            store.intend(intent(f"k{number}", f"S_{number}"), QUOTE, QUOTE, caps)
        except BudgetExceeded:
            return False
        return True

    with ThreadPoolExecutor(CALLS) as pool:
        assert sum(pool.map(begin, range(CALLS))) == 10
    assert len(store.open_steps()) == len(store.costs()) == 10
    assert of(store, "project").reserved == Decimal("0.504")


def begin_many(url: str, folder: str, name: str) -> None:
    """In a process of its own: sixteen calls at once."""
    store = ExecutionStore(url, project="job", project_dir=Path(folder), clock=ManualClock())
    caps = BudgetSettings(project=Decimal("0.504"))

    def begin(number: int) -> None:
        with suppress(BudgetExceeded):
            key = f"{name}-{number}"
            store.intend(intent(key, f"S_{key}"), QUOTE, QUOTE, caps)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(begin, range(16)))
    store.close()


def test_processes_share_one_budget(store: ExecutionStore, store_url: str, project_dir: Path) -> None:
    """Four processes of sixteen calls each: do the same ten go?"""
    processes = warm_processes()
    runs = [processes.Process(target=begin_many, args=(store_url, str(project_dir), name)) for name in "abcd"]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0, 0, 0]
    assert len(store.open_steps()) == 10


# ------------------------------------------------------------------------------------------ one by one


@pytest.mark.parametrize("cap", ["project", "sequence", "day"])
def test_a_call_over_a_cap_is_told_in_words(store: ExecutionStore, cap: str) -> None:
    """Which cap, what is spent and reserved, what it would cost and what to do: and is nothing written?"""
    caps = BudgetSettings.model_validate({cap: "0.12"})
    store.intend(intent("a"), QUOTE, QUOTE, caps)
    store.finish("a", MEDIA, QUOTE)
    store.intend(intent("b"), QUOTE, QUOTE, caps)
    with pytest.raises(BudgetExceeded) as told:
        store.intend(intent("c"), QUOTE, QUOTE, caps)
    line = str(told.value)
    assert "would cost $0.0504" in line
    assert "$0.12 that the" in line
    assert "$0.0504 is spent and $0.0504 reserved" in line
    assert f"Raise budget.{cap} in starsend_config.json" in line
    assert store.step("c") is None
    assert of(store, "project").committed == Decimal("0.1008")


def test_a_free_call_goes_whatever_the_caps(store: ExecutionStore) -> None:
    """Does the animatic draw on though a cap was lowered below what is spent, and a paid call not?"""
    store.intend(intent("paid"), QUOTE, QUOTE)
    none = BudgetSettings(project=ZERO, sequence=ZERO, day=ZERO)
    free = replace(QUOTE, unit_price=ZERO)
    store.intend(intent("free"), QUOTE, free, none)
    store.finish("free", MEDIA, free)
    with pytest.raises(BudgetExceeded):
        store.intend(intent("more"), QUOTE, QUOTE, none)


def test_a_sequence_is_capped_by_itself(store: ExecutionStore) -> None:
    """Does one sequence's spending, over all its shots, keep another one's calls from nothing?"""
    caps = BudgetSettings(sequence=Decimal("0.06"))
    store.intend(intent("a", "S_grid"), QUOTE, QUOTE, caps)
    with pytest.raises(BudgetExceeded, match=r"^S: .*the sequence"):
        store.intend(intent("b", "S_grid_c1"), QUOTE, QUOTE, caps)
    store.intend(replace(intent("c", "T_grid"), sequence="T"), QUOTE, QUOTE, caps)


def test_a_day_is_that_of_the_reservation(store: ExecutionStore, clock: ManualClock) -> None:
    """Does a new day begin with nothing spent, though a call of the day before ends in it?"""
    caps = BudgetSettings(day=Decimal("0.06"))
    store.intend(intent("a"), QUOTE, QUOTE, caps)
    with pytest.raises(BudgetExceeded, match="the day 2026-11-23"):
        store.intend(intent("b"), QUOTE, QUOTE, caps)
    clock.time += timedelta(days=1)
    store.finish("a", MEDIA, QUOTE)
    store.intend(intent("b"), QUOTE, QUOTE, caps)
    days = {s.of: (s.spent, s.reserved) for s in store.spending() if s.cap == "day"}
    assert days == {
        "2026-11-23": (QUOTE.amount, ZERO),
        "2026-11-24": (ZERO, QUOTE.amount),
    }


def test_sending_again_is_reserved_again_and_refused_as_it_stands(store: ExecutionStore) -> None:
    """After a lost call, and after one that was turned away: is there room asked for, and the step left as it was?"""
    caps = BudgetSettings(project=Decimal("0.06"))
    store.intend(intent("a"), QUOTE, QUOTE, caps)
    store.unknown("a", QUOTE, "lost")
    with pytest.raises(BudgetExceeded):
        store.intend_again("a", QUOTE, caps, leaving="unknown")
    step = store.step("a")
    assert step is not None
    assert step.state == "unknown"
    store.never_arrived("a", "not_sent", "no")
    assert of(store, "project").committed == 0
    store.intend_again("a", QUOTE, caps, leaving="failed")
    assert of(store, "project").reserved == QUOTE.amount


def test_projects_of_one_database_have_budgets_of_their_own(
    store: ExecutionStore, store_url: str, project_dir: Path
) -> None:
    """Does another project's spending count against no cap of this one?"""
    caps = BudgetSettings(project=Decimal("0.06"), sequence=Decimal("0.06"), day=Decimal("0.06"))
    other = ExecutionStore(store_url, project="other", project_dir=project_dir, clock=ManualClock())
    other.intend(intent("a"), QUOTE, QUOTE, caps)
    store.intend(intent("b"), QUOTE, QUOTE, caps)
    other.close()


# ------------------------------------------------------------------------------------- an older ledger


def test_what_a_ledger_of_before_has_spent_counts(
    store_url: str, project_dir: Path, clock: ManualClock
) -> None:
    """Brought up to date: are its charges, and what its open steps may still cost, whose they are?"""
    engine = create_engine(store_url)
    if engine.dialect.name == "sqlite":
        Path(engine.url.database or "").parent.mkdir(parents=True)
    config = Config()
    config.set_main_option("script_location", "starsend.orchestrator:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for key, shot, state in (
            ("a", "SEQ01_grid", "succeeded"),
            ("b", "SEQ01_grid_c2", "unknown"),
            ("c", "SEQ01", "submitted"),
            ("d", "SH010_frame", "succeeded"),
        ):
            connection.execute(*_old_step(key, shot, state))
        for key, kind, amount in (
            ("a", "estimated", 50_400),
            ("a", "actual", 50_400),
            ("b", "possible", 50_400),
            ("b", "possible", -50_400),
            ("b", "possible", 50_400),
            ("c", "estimated", 350_000),
            ("d", "actual", 100_000),
        ):
            connection.execute(*_old_event(key, kind, amount))
    engine.dispose()
    store = ExecutionStore(store_url, project="job", project_dir=project_dir, clock=clock)
    found = {(s.cap, s.of): (str(s.spent), str(s.reserved)) for s in store.spending()}
    assert found == {
        ("project", "job"): ("0.200800", "0.350001"),
        ("sequence", "SEQ01"): ("0.100800", "0.350001"),
        ("sequence", "SH010"): ("0.100000", "0.000000"),
        ("day", "2026-10-01"): ("0.200800", "0.350001"),
    }
    store.finish("c", MEDIA, QUOTE)
    assert of(store, "project").reserved == 0
    assert of(store, "project").spent == Decimal("0.2512")
    store.close()


def _old_step(key: str, shot: str, state: str) -> tuple[Any, dict[str, str | None]]:
    columns = "step_key, project, shot_id, kind, attempt, provider, model, request_digest, request, state, handle, created_at, updated_at"
    request = (
        '{"units": "3.5", "price": {"unit": "second", "unit_price": "0.1000001", "as_of": "2026-10-01"}}'
    )
    query = text(
        f"INSERT INTO steps ({columns}) VALUES (:key, 'job', :shot, 'keyframe', 1, 'gemini', 'm', 'd', :request, :state,"
        " :handle, '2026-10-01T23:00:00.000000+00:00', '2026-10-02T01:00:00.000000+00:00')"
    )
    handle = "h" if state == "submitted" else None
    return query, {"key": key, "shot": shot, "state": state, "request": request, "handle": handle}


def _old_event(key: str, kind: str, amount: int) -> tuple[Any, dict[str, str | int]]:
    columns = "step_key, project, kind, provider, model, unit, units, unit_price, price_as_of, amount, why, created_at"
    query = text(
        f"INSERT INTO cost_events ({columns}) VALUES (:key, 'job', :kind, 'gemini', 'm', 'image', '1', '0.1', '2026-10-01',"
        " :amount, 'w', '2026-10-02T01:00:00.000000+00:00')"
    )
    return query, {"key": key, "kind": kind, "amount": amount}
