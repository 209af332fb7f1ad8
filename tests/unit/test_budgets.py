"""Does a sequence that a cap holds up wait for money, say so, and go on by itself when there is some?"""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from client_async.budget_pause import may_go_on
from client_async.budget_view import budget_rows
from client_async.desk import Desk
from client_async.events import Event, SequenceMoved
from client_async.projects import Place
from client_async.status_view import budget_lines, has_budget
from client_async.wiring import make_steps
from starsend.dollars import dollars
from starsend.orchestrator.database import OtherLedger
from starsend.orchestrator.step_faults import BudgetExceeded
from starsend.sections import BudgetSettings
from tests.unit.daemon_house import DaemonHouse, bill, is_in, kept, until
from tests.unit.studio import PRICES, Studio

pytestmark = pytest.mark.anyio

# A grid of the studio costs $0.05, its take of 0.75 s $0.075, a single frame $0.05.


def cap(studio: Studio, **caps: str) -> None:
    """Save other caps, and begin anew as another run would."""
    studio.close()
    config = studio.place.folder / "starsend_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "budget": caps}))


def reserved(studio: Studio) -> Decimal:
    return sum((s.reserved for s in studio.shop.store.spending()), Decimal(0))


@pytest.mark.parametrize("name", ["project", "sequence", "day"])
async def test_a_sequence_waits_for_money_and_goes_on_when_it_is_resumed(studio: Studio, name: str) -> None:
    """Is nothing sent and nothing written of the call, the reason told; and does a raised cap and `resume` lead to the grid?"""
    cap(studio, **{name: "0.04"})
    error = await studio.advance()
    assert isinstance(error, BudgetExceeded)
    assert error.exit_code == 3
    sequence = studio.runner.read()
    assert sequence.grid_state == "paused_budget"
    assert f"Raise budget.{name}" in sequence.status
    assert (studio.bill, studio.shop.store.open_steps(), studio.shop.store.costs()) == ([], [], [])
    assert isinstance(await studio.wish(resume=True), BudgetExceeded)
    cap(studio, **{name: "0.05"})
    assert await studio.wish(resume=True) is None
    assert studio.runner.read().grid_state == "waiting_for_pick"
    assert reserved(studio) == 0


async def test_a_take_that_a_cap_holds_up_is_made_when_it_is_raised(explored: Studio) -> None:
    """Picked and locked, and too dear by half a cent: is it the same take, paid once, afterwards?"""
    cap(explored, sequence="0.12")
    assert isinstance(await explored.wish(selected_cell=2), BudgetExceeded)
    assert explored.states[-2:] == ["generating", "paused_budget"]
    cap(explored, sequence="0.125")
    assert await explored.wish(resume=True) is None
    take = explored.runner.read().take
    assert take is not None
    assert take.attempt == 1
    assert explored.bill == ["SEQ01_grid", "SEQ01"]


async def test_another_take_that_a_cap_holds_up_is_still_wished_for(explored: Studio) -> None:
    """Does the wish for a second take outlive the pause, and is it made once?"""
    assert await explored.wish(selected_cell=2) is None
    cap(explored, project="0.125")
    assert isinstance(await explored.wish(retake=True), BudgetExceeded)
    cap(explored)
    assert await explored.wish(resume=True) is None
    assert explored.runner.read().grid_state == "done"
    assert explored.bill == ["SEQ01_grid", "SEQ01", "SEQ01"]


async def test_singles_that_were_paid_for_before_the_pause_are_not_paid_again(studio: Studio) -> None:
    """Three wrong grids and two of four singles reach the cap: are the other two all that is paid afterwards?"""
    studio.misbehave(misbehave={"SEQ01_grid": ["single"] * 3})
    cap(studio, sequence="0.25")
    assert isinstance(await studio.advance(), BudgetExceeded)
    assert len(studio.bill) == 5
    cap(studio, sequence="0.35")
    assert await studio.wish(resume=True) is None
    assert sorted(studio.bill[3:]) == [f"SEQ01_grid_c{cell}" for cell in (1, 2, 3, 4)]
    stands = {s.of: s.spent for s in studio.shop.store.spending() if s.cap == "sequence"}
    assert stands == {"SEQ01": Decimal("0.35")}


async def test_a_cap_that_is_raised_while_it_refuses_is_not_missed(studio: Studio) -> None:
    """The new settings are there before the refusal is written down: does the sequence go on, with nobody to say so again?"""
    cap(studio, project="0.04")
    studio.place.file.take_in()
    poor = studio.shop
    settings = poor.settings.model_copy(update={"budget": BudgetSettings()})
    steps = make_steps(studio.place, settings, poor.store, stop=threading.Event(), clock=studio.clock)
    rich = replace(poor, settings=settings, steps=steps)

    def refit(event: Event) -> None:
        if isinstance(event, SequenceMoved) and event.state == "exploring":
            desk.refit(rich)

    desk = Desk(replace(poor, listener=refit))
    await desk.work("SEQ01")
    assert studio.runner.read().resume
    await desk.work("SEQ01")
    assert studio.runner.read().grid_state == "waiting_for_pick"


DAY = datetime(2026, 11, 23, 23, 59, tzinfo=UTC)
TODAY = {"cap": "day", "of": "2026-11-23", "limit": "5"}
OF_PROJECT = {"cap": "project", "of": "job", "limit": "5.00"}


@pytest.mark.parametrize(
    ("pause", "caps", "now", "goes_on"),
    [
        (OF_PROJECT, {"project": 5}, DAY, False),
        (OF_PROJECT, {"project": "5.000001"}, DAY, True),
        (OF_PROJECT, {"project": 4}, DAY, False),
        (OF_PROJECT, {}, DAY, True),
        (OF_PROJECT, {"project": 5, "sequence": 9, "day": 9}, DAY, False),
        (OF_PROJECT, {"project": 5}, DAY + timedelta(days=1), False),
        (TODAY, {"day": 5}, DAY, False),
        (TODAY, {"day": 5}, DAY + timedelta(minutes=1), True),
        (TODAY, {"day": 6}, DAY, True),
        (TODAY, {"day": 5}, DAY - timedelta(days=1), False),
        (None, {}, DAY, False),
    ],
)
def test_what_leads_on(
    pause: dict[str, str] | None, caps: dict[str, Any], now: datetime, goes_on: bool
) -> None:
    """A higher cap of the kind that refused it, none, or a new day: and nothing else?"""
    raw = {"grid_state": "paused_budget", "grid_pause": pause}
    assert may_go_on(raw, BudgetSettings.model_validate(caps), now) is goes_on
    assert not may_go_on({**raw, "grid_state": "failed"}, BudgetSettings(), now)
    assert not may_go_on({**raw, "deleted": True}, BudgetSettings(), now)


# --------------------------------------------------------------------------------------- real processes


def budget(place: Place, **caps: str) -> None:
    """Edit the project's settings as a person would."""
    config = place.folder / "starsend_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "budget": caps}))


def test_the_daemon_goes_on_when_the_cap_is_raised(house: DaemonHouse) -> None:
    """Paused at its grid, and again at its take: does nothing but an edit of the settings lead to the end; are people told?"""
    place = house.project(prices=PRICES, budget={"project": "0.04"})
    house.start()
    until(is_in(place, "paused_budget"))
    notices = house.root / "projects" / "notices.jsonl"
    until(lambda: notices.exists() and "out_of_money" in notices.read_text())
    assert bill(place) == []
    budget(place, project="0.06")
    until(is_in(place, "waiting_for_pick"))
    (place.picks / "SEQ01.pick").write_text("1")
    until(is_in(place, "paused_budget"))
    assert "$0.05 is spent" in kept(place)["status"]
    budget(place, project="1")
    until(is_in(place, "done"))
    assert bill(place) == ["SEQ01_grid", "SEQ01"]


def test_a_cap_that_is_raised_while_no_daemon_runs_counts_at_its_start(house: DaemonHouse) -> None:
    """And does a start without that leave it alone, so that nobody is told twice?"""
    place = house.project(prices=PRICES, budget={"day": "0.04"})
    for _ in range(2):
        daemon = house.start()
        until(is_in(place, "paused_budget"))
        until(lambda daemon=daemon: house.ask("/readyz")[0] == 200)  # type: ignore[misc]
        daemon.terminate()
        daemon.wait()
    told = [e for e in house.events("sequence_moved") if e["state"] == "paused_budget"]
    assert len(told) == 1
    budget(place, day="0.05")
    house.start()
    until(is_in(place, "waiting_for_pick"))


def test_commands_and_the_house_line_keep_to_the_caps(house: DaemonHouse) -> None:
    """Is a shot held up with exit code 3, its frame counted as its own; does status show it, and --json all of it?"""
    place = house.project(prices=PRICES, budget={"sequence": "0.06", "project": "0.12", "day": "9"})
    shots = {"shots": [{"id": "SH010", "prompt": "a pier", "seconds": 0.25, "aspect_ratio": "1:1"}]}
    (place.folder / "shots.json").write_text(json.dumps(shots))
    assert "SH010: this call would cost $0.025" in house.command("pipeline")
    assert house.command("pipeline").startswith("3")
    assert house.command("grid").startswith("0")
    said = house.command("status")
    assert "budget: project job has spent $0.10 of $0.12, and $0.00 is reserved" in said
    assert said.count("budget: sequence") == 1
    rows = json.loads(house.command("status", "--json")[2:])["projects"][0]["budget"]
    today = datetime.now(UTC).date().isoformat()
    assert [(row["cap"], row["of"], row["spent"]) for row in rows] == [
        ("project", "job", "0.100000"),
        ("day", today, "0.100000"),
        ("sequence", "SEQ01", "0.050000"),
        ("sequence", "SH010", "0.050000"),
    ]
    budget(place, sequence="0.08")
    assert house.command("pipeline").startswith("0")
    assert sorted(bill(place)) == ["SEQ01_grid", "SH010", "SH010_frame"]


def test_a_budget_is_looked_for_in_every_place_it_may_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is the ledger opened by status where a cap may be, and only there?"""
    place = Place(tmp_path, "job")
    place.folder.mkdir(parents=True)
    assert not has_budget(place)
    (tmp_path / "starsend_config.json").write_text('{"budget": {"day": 1}}')
    assert has_budget(place)
    (tmp_path / "starsend_config.json").write_text("{}")
    monkeypatch.setenv("STARSEND_BUDGET__DAY", "1")
    assert has_budget(place)


def test_of_many_sequences_status_shows_the_dearest() -> None:
    """And each amount with no more decimals than it needs?"""
    amounts = {"limit": "5.000000", "reserved": "0.000000"}
    rows = [
        {"cap": "sequence", "of": "B", "spent": "4.050400", **amounts},
        {"cap": "sequence", "of": "A", "spent": "1.000000", **amounts},
    ]
    assert budget_lines(rows) == ["budget: sequence B has spent $4.0504 of $5.00, and $0.00 is reserved"]


def seen(folder: Path) -> dict[str, tuple[int, int]]:
    """All that lies under a folder, and what would tell that it was touched."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}


async def test_status_makes_no_ledger_and_touches_none(studio: Studio) -> None:
    """Where a cap is set: is spend told before there is a ledger, from one on, and no trace left?"""
    cap(studio, project="0.06", day="9")
    place, sequences = studio.place, studio.place.file.read()["sequences"]
    ledger = place.folder / "state" / "execution.db"
    rows = budget_rows(place, sequences, studio.clock)
    assert [(row["cap"], row["spent"], ledger.exists()) for row in rows] == [
        ("project", "0.000000", False),
        ("day", "0.000000", False),
    ]
    assert await studio.advance() is None
    studio.close()
    sequences = place.file.read()["sequences"]
    place.file.close()
    before = seen(place.folder)
    assert budget_rows(place, sequences, studio.clock)[0]["spent"] == "0.050000"
    assert seen(place.folder) == before
    ledger.unlink()
    with pytest.raises(OtherLedger):
        budget_rows(place, sequences, studio.clock)
    assert not ledger.exists()


@pytest.mark.parametrize(
    ("amount", "places", "shown"),
    [
        ("0.050400", 2, "$0.0504"),
        ("12", 2, "$12.00"),
        ("-3.10", 2, "-$3.10"),
        ("-0.000000", 2, "$0.00"),
        ("0.5", 4, "$0.5000"),
        ("0.000001", 4, "$0.000001"),
    ],
)
def test_dollars_are_exact_with_cents_at_least(amount: str, places: int, shown: str) -> None:
    """Does a text read as the number does, also one that Python would write with an exponent?"""
    assert dollars(amount, places=places) == dollars(Decimal(amount), places=places) == shown
    assert dollars(Decimal("1E+3")) == "$1000.00"
