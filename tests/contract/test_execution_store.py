"""Do both databases keep the same ledger?"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from starsend.clock import Stopped
from starsend.config import Settings
from starsend.errors import BadInput
from starsend.orchestrator import database
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Intent, Media, StepState
from starsend.orchestrator.step_faults import may_come_late
from starsend.orchestrator.step_rows import StaleMove
from starsend.orchestrator.step_runner import StepRunner
from starsend.orchestrator.tables import metadata
from starsend.pricing import Quote
from tests.conftest import ManualClock
from tests.standins.vendor import Vendor, write_png

QUOTE = Quote(
    provider="gemini",
    model="m",
    unit="image",
    units=Decimal(1),
    unit_price=Decimal("0.0504"),
    as_of=date(2026, 11, 1),
)
MEDIA = Media(
    path="media/takes/S/x.png", sha256="0" * 64, size_bytes=3_000_000_000, mime="image/png", width=4, height=3
)


def intent(key: str = "S_grid-a1-0", shot_id: str = "S_grid", attempt: int = 1) -> Intent:
    return Intent(
        step_key=key,
        shot_id=shot_id,
        sequence="S",
        kind="keyframe",
        attempt=attempt,
        provider="gemini",
        model="m",
        request_digest="d",
        request={"prompt": "ein Hafen – 港", "variant": "2K", "units": "1"},
    )


def amounts(store: ExecutionStore, kind: str) -> list[Decimal]:
    return [event.amount for event in store.costs() if event.kind == kind]


def test_an_intent_is_there_for_everybody_before_the_call(store: ExecutionStore) -> None:
    """Does the intent, with its estimate, survive into another connection at once?"""
    store.intend(intent(), QUOTE, QUOTE)
    step = store.step("S_grid-a1-0")
    assert step is not None
    assert (step.state, step.request["prompt"]) == ("intended", "ein Hafen – 港")
    assert amounts(store, "estimated") == [Decimal("0.050400")]


def test_a_finished_step_is_a_take_and_a_cost_and_never_a_keyframe(store: ExecutionStore) -> None:
    """Is a grid kept apart from a locked start frame?"""
    store.intend(intent(), QUOTE, QUOTE)
    take = store.finish("S_grid-a1-0", MEDIA, QUOTE, ("one", "two"))
    assert take.media == MEDIA
    assert take.shot_prompts == ("one", "two")
    assert store.takes("S_grid") == [take]
    assert amounts(store, "actual") == [Decimal("0.0504")]
    assert not store.keyframe_complete("S_grid")
    assert not store.keyframe_complete("S")


@pytest.mark.parametrize("state", ["succeeded", "failed"])
def test_a_step_that_has_ended_does_not_move(store: ExecutionStore, state: StepState) -> None:
    """Is a move refused, and nothing booked, when the step is not in a state it may leave?"""
    store.intend(intent(), QUOTE, QUOTE)
    if state == "succeeded":
        store.finish("S_grid-a1-0", MEDIA, QUOTE)
    else:
        store.failed("S_grid-a1-0", "no_picture", "why", QUOTE, "actual")
    before = store.costs()
    for move in (
        lambda: store.submitted("S_grid-a1-0", "h"),
        lambda: store.finish("S_grid-a1-0", MEDIA, QUOTE),
        lambda: store.failed("S_grid-a1-0", "x", "y", QUOTE, "actual"),
        lambda: store.unknown("S_grid-a1-0", QUOTE, "why"),
        lambda: store.submitted("nobody", "h"),
    ):
        with pytest.raises(StaleMove):
            move()
    assert store.costs() == before


def test_the_same_step_cannot_be_intended_twice(store: ExecutionStore) -> None:
    """Does the key itself stop a second intent?"""
    store.intend(intent(), QUOTE, QUOTE)
    with pytest.raises(database.OtherLedger, match="Put that one back"):
        store.intend(intent(), QUOTE, QUOTE)
    assert len(amounts(store, "estimated")) == 1


def test_a_ledger_that_is_removed_while_it_is_in_use_takes_nothing_more(
    project_dir: Path, clock: ManualClock
) -> None:
    """Is no money written into a file that nobody will ever see again; and does it go on when the file is back?"""
    file = project_dir / "state" / "execution.db"
    store = ExecutionStore(f"sqlite:///{file}", project="job", project_dir=project_dir, clock=clock)
    file.rename(file.with_name("away"))
    with pytest.raises(database.StoreUnusable, match="removed or replaced"):
        store.intend(intent(), QUOTE, QUOTE)
    file.with_name("away").rename(file)
    store.intend(intent(), QUOTE, QUOTE)
    assert len(amounts(store, "estimated")) == 1
    store.close()


def test_a_possible_charge_is_taken_back_when_the_call_is_found(store: ExecutionStore) -> None:
    """Does an unknown step that turns out to have a job cost its price once, not twice?"""
    store.intend(intent(), QUOTE, QUOTE)
    store.unknown("S_grid-a1-0", QUOTE, "lost")
    assert sum(amounts(store, "possible")) == Decimal("0.0504")
    store.submitted("S_grid-a1-0", "job")
    store.finish("S_grid-a1-0", MEDIA, QUOTE)
    assert sum(amounts(store, "possible")) == 0
    assert sum(amounts(store, "actual")) == Decimal("0.0504")


def test_a_possible_charge_stays_when_the_step_is_sent_again(store: ExecutionStore) -> None:
    """Is the first call, whose answer is lost for good, still counted after the second one succeeds?"""
    store.intend(intent(), QUOTE, QUOTE)
    store.unknown("S_grid-a1-0", QUOTE, "lost")
    store.intend_again("S_grid-a1-0", QUOTE, leaving="unknown")
    store.finish("S_grid-a1-0", MEDIA, QUOTE)
    assert sum(amounts(store, "possible")) == sum(amounts(store, "actual")) == Decimal("0.0504")


def test_a_second_lost_call_found_again_takes_back_only_its_own_charge(store: ExecutionStore) -> None:
    """Of two lost calls, does finding the last leave the first one booked?"""
    store.intend(intent(), QUOTE, QUOTE)
    store.unknown("S_grid-a1-0", QUOTE, "lost")
    store.intend_again("S_grid-a1-0", QUOTE, leaving="unknown")
    store.unknown("S_grid-a1-0", QUOTE, "lost again")
    store.submitted("S_grid-a1-0", "job")
    assert sum(amounts(store, "possible")) == Decimal("0.0504")


def test_open_steps_are_those_whose_end_is_not_known(store: ExecutionStore) -> None:
    """Are steps listed by shot, oldest first, until they end?"""
    for number, shot in enumerate(["A", "A", "B"], start=1):
        store.intend(intent(f"{shot}-a{number}-0", shot, number), QUOTE, QUOTE)
    store.failed("A-a1-0", "bad_request", "no", None, "actual")
    assert [step.step_key for step in store.open_steps()] == ["A-a2-0", "B-a3-0"]
    assert [step.step_key for step in store.open_steps("B")] == ["B-a3-0"]
    assert store.last_attempt("A") == 2
    assert store.last_attempt("C") == 0


def test_a_keyframe_is_locked_with_its_origin_and_superseded_not_erased(
    store: ExecutionStore, project_dir: Path
) -> None:
    """Who, when, which take and cell: is it all there, also of the one before?"""
    store.intend(intent(), QUOTE, QUOTE)
    take = store.finish("S_grid-a1-0", MEDIA, QUOTE)
    one, two = (write_png(project_dir / "media" / f"c{n}.png", (8 * n, 8)) for n in (1, 2))
    first = store.lock_keyframe("S", one, by="mara", from_take=take.take_id, cell=1)
    again = store.lock_keyframe("S", one, by="somebody else", from_take=take.take_id, cell=1)
    assert again == first, "locking what is locked changes nothing"
    second = store.lock_keyframe("S", two, by="jo", from_take=take.take_id, cell=2)
    history = store.keyframes("S")
    assert [(k.locked_by, k.cell, k.path) for k in history] == [
        ("mara", 1, "media/c1.png"),
        ("jo", 2, "media/c2.png"),
    ]
    assert history[0].superseded_at is not None
    assert history[1] == second
    assert second.superseded_at is None
    assert store.keyframe_complete("S")


def test_a_take_itself_can_be_locked(store: ExecutionStore) -> None:
    """Does the house line's keyframe cite the take it is?"""
    store.intend(intent(), QUOTE, QUOTE)
    take = store.finish("S_grid-a1-0", MEDIA, QUOTE)
    locked = store.lock_keyframe("S", take, by="house line")
    assert (locked.path, locked.sha256, locked.take_id, locked.cell) == (
        MEDIA.path,
        MEDIA.sha256,
        take.take_id,
        None,
    )


def test_a_file_outside_the_project_is_no_keyframe(store: ExecutionStore, tmp_path: Path) -> None:
    """Could a locked frame vanish with somebody's download folder?"""
    with pytest.raises(BadInput, match="outside the project"):
        store.lock_keyframe("S", write_png(tmp_path / "away.png"), by="mara")


def test_projects_share_a_database_and_nothing_else(
    store: ExecutionStore, store_url: str, project_dir: Path
) -> None:
    """Does one project's ledger show no row of another's?"""
    other = ExecutionStore(store_url, project="other", project_dir=project_dir, clock=ManualClock())
    store.intend(intent(), QUOTE, QUOTE)
    store.finish("S_grid-a1-0", MEDIA, QUOTE)
    assert not other.takes() and not other.costs() and not other.open_steps()
    other.close()


def test_a_step_that_was_given_up_may_come_late(store: ExecutionStore, clock: ManualClock) -> None:
    """Does giving up book what was reserved as possible and keep the time of the submission, and a late result turn the one
    into the other, once?
    """
    store.intend(intent(), QUOTE, QUOTE)
    store.submitted("S_grid-a1-0", "job-1")
    step = store.step("S_grid-a1-0")
    assert step is not None
    store.give_up(step, "given_up", "given up by m", QUOTE)
    assert {(row.spent, row.reserved) for row in store.spending()} == {(QUOTE.amount, Decimal(0))}
    [late] = store.failed_steps({"given_up"})
    assert (late.updated_at, may_come_late(late)) == (step.updated_at, True)
    with pytest.raises(StaleMove):
        store.finish("S_grid-a1-0", MEDIA, QUOTE)
    store.finish("S_grid-a1-0", MEDIA, QUOTE, leaving={"failed"})
    assert (sum(amounts(store, "possible")), sum(amounts(store, "actual"))) == (Decimal(0), QUOTE.amount)
    assert {(row.spent, row.reserved) for row in store.spending()} == {(QUOTE.amount, Decimal(0))}
    with pytest.raises(StaleMove):
        store.finish("S_grid-a1-0", MEDIA, QUOTE, leaving={"failed"})


@pytest.mark.parametrize("amount", ["0.000001", "0.0336", "922337203685.477580", "0"])
def test_money_comes_back_exactly(store: ExecutionStore, amount: str) -> None:
    """Is no amount ever a float on its way?"""
    store.intend(
        intent(), replace(QUOTE, unit_price=Decimal(amount)), replace(QUOTE, unit_price=Decimal(amount))
    )
    (event,) = store.costs()
    assert (event.amount, event.unit_price, event.units) == (Decimal(amount), Decimal(amount), Decimal(1))


def test_what_was_spent_is_summed_by_kind(store: ExecutionStore) -> None:
    """Exactly, to the millionth, also past what a float holds; and nothing for nothing?"""
    assert store.spent() == {}
    fine = replace(QUOTE, unit_price=Decimal("9999999999.000001"))
    for number in range(3):
        store.intend(intent(f"S-a{number}-0", attempt=number + 1), fine, fine)
    store.finish("S-a0-0", MEDIA, fine)
    store.finish("S-a1-0", MEDIA, fine)
    store.unknown("S-a2-0", QUOTE, "lost")
    assert store.spent() == {
        "estimated": Decimal("29999999997.000003"),
        "actual": Decimal("19999999998.000002"),
        "possible": Decimal("0.0504"),
    }


def test_eight_threads_moving_one_step_move_it_once(store: ExecutionStore) -> None:
    """Does the guarded move let exactly one of them through?"""
    store.intend(intent(), QUOTE, QUOTE)

    def finish(_: int) -> bool:
        try:
            store.finish("S_grid-a1-0", MEDIA, QUOTE)
        except StaleMove:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(finish, range(8))) == 1
    assert len(amounts(store, "actual")) == 1


def test_a_lost_call_is_let_go_by_one_and_its_charge_stays(store: ExecutionStore) -> None:
    """Of eight people who decide at once, does one, and are the sums those of the lost call, sent again or not?"""
    store.intend(intent(), QUOTE, QUOTE)
    store.unknown("S_grid-a1-0", QUOTE, "lost")

    def decide(_: int) -> bool:
        try:
            store.let_go("S_grid-a1-0", "retry_accepted", "by m", leaving="unknown")
        except StaleMove:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(decide, range(8))) == 1
    assert [step.step_key for step in store.failed_steps({"retry_accepted"})] == ["S_grid-a1-0"]
    assert store.failed_steps({"given_up"}) == store.open_steps() == []
    assert {(row.spent, row.reserved) for row in store.spending()} == {(QUOTE.amount, Decimal(0))}
    store.intend_again("S_grid-a1-0", QUOTE, leaving="failed")
    assert {(row.spent, row.reserved) for row in store.spending()} == {(QUOTE.amount, QUOTE.amount)}


def test_a_held_shot_can_be_told_without_waiting(store: ExecutionStore) -> None:
    """Does whoever only tries get in where nobody is, and is kept out where somebody is?"""
    assert not store.is_held("S")
    with store.hold("S", threading.Event()), store.try_hold("S") as second, store.try_hold("OTHER") as other:
        assert (second, other, store.is_held("S")) == (False, True, True)
    assert not store.is_held("S")


def test_hold_lets_one_in_at_a_time(store: ExecutionStore) -> None:
    """Do threads take turns inside a shot, while other shots go on?"""
    stop, inside, most = threading.Event(), [0], [0]

    def work(_: int) -> None:
        with store.hold("S", stop):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            with store.hold("OTHER", stop):
                pass
            inside[0] -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    assert most[0] == 1


def test_waiting_for_a_held_shot_can_be_stopped(store: ExecutionStore) -> None:
    """Does a waiting run leave when it is told to?"""
    stop = threading.Event()
    stop.set()
    with store.hold("S", threading.Event()), pytest.raises(Stopped), store.hold("S", stop):
        raise AssertionError("two inside")


def test_the_migrations_make_what_the_tables_say(store: ExecutionStore, store_url: str) -> None:
    """Would a fresh database differ from one that was migrated?"""
    engine = create_engine(store_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    script = ScriptDirectory(str(Path(database.__file__).parent / "migrations"))
    assert script.get_current_head() == database.HEAD


def test_a_newer_ledger_is_left_alone(store: ExecutionStore, store_url: str, project_dir: Path) -> None:
    """Is a database of a later Starsend refused in words instead of written to?"""
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(database.StoreUnusable, match="newer Starsend"):
        ExecutionStore(store_url, project="job", project_dir=project_dir, clock=ManualClock())


def test_two_processes_may_open_a_new_ledger_at_once(store_url: str, project_dir: Path) -> None:
    """Is the schema made once when several open the empty database together?"""

    def opened(_: int) -> int:
        one = ExecutionStore(store_url, project="job", project_dir=project_dir, clock=ManualClock())
        found = len(one.costs())
        one.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == [0, 0, 0, 0]


def test_an_unusable_place_is_told_in_one_line(tmp_path: Path) -> None:
    """Does a ledger that cannot be opened say so before anything is paid?"""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(database.StoreUnusable, match="the ledger cannot be used"):
        ExecutionStore(
            f"sqlite:///{blocked}/execution.db", project="job", project_dir=tmp_path, clock=ManualClock()
        )


def test_paid_steps_run_the_same_on_either_ledger(store: ExecutionStore, clock: ManualClock) -> None:
    """Is a lost call found, a finished one replayed and one step paid once by eight threads, on both databases?"""
    vendor = Vendor(can_find=True, script=["lost"])
    runner = StepRunner(store, images=vendor, videos=vendor, settings=Settings(), clock=clock)

    def draw(_: int) -> str:
        return runner.execute_keyframe("S_grid", "a harbour", aspect_ratio="16:9", size="1K").take_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(draw, range(8)))) == 1
    assert len(vendor.bill) == 1
    assert [event.kind for event in store.costs()] == ["estimated", "actual"]


def test_many_new_ledgers_may_be_opened_at_once_in_one_process(tmp_path: Path) -> None:
    """A daemon opens all its projects at start: does each get its own tables, whole?"""

    def open_one(number: int) -> int:
        folder = tmp_path / str(number)
        store = ExecutionStore(
            f"sqlite:///{folder / 'ledger.db'}", project=str(number), project_dir=folder, clock=ManualClock()
        )
        found = len(store.costs())
        store.close()
        return found

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(open_one, range(16))) == [0] * 16


def test_what_steps_have_cost_is_added_up_by_day(store: ExecutionStore, clock: ManualClock) -> None:
    """Estimated on one day, lost, and found on the next: is each step's every day summed, in the order of their beginning?"""
    store.intend(intent(), QUOTE, QUOTE)
    store.unknown("S_grid-a1-0", QUOTE, "no answer")
    store.intend(intent("S-a1-1", "S"), QUOTE, QUOTE)
    clock.time += timedelta(days=1)
    store.submitted("S_grid-a1-0", "job")
    store.finish("S_grid-a1-0", MEDIA, QUOTE)
    found = store.step_costs()
    days = sorted({cost.day for cost in found})
    zero, price = Decimal(0), QUOTE.amount
    assert [(cost.step_key, days.index(cost.day), *cost[-4:]) for cost in found] == [
        ("S_grid-a1-0", 0, zero, price, price, 1),
        ("S-a1-1", 0, zero, zero, price, 1),
        ("S_grid-a1-0", 1, price, -price, zero, 0),
    ]
    assert (found[0].shot_id, found[0].step_state, found[0].asked_provider) == (
        "S_grid",
        "succeeded",
        "gemini",
    )
