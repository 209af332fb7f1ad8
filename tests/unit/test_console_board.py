"""What the console shows of projects: is it taken in, told and let go of, whoever changed it and whether or not a daemon runs?"""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from typing import Any

import pytest

from client_async.console.board import Board, Changed
from client_async.console.charts import LONGEST_LABEL, bars_of
from client_async.console.pages import in_code
from client_async.console.rows import row_of
from client_async.cost_report import Spend
from client_async.driver_lock import Driver, sole_driver
from client_async.projects import Place
from tests.unit.daemon_house import DaemonHouse
from tests.unit.office import Office, office

__all__ = ["office"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def waiting(house: DaemonHouse) -> Place:
    """A sequence that waits for a pick, in a project that nobody drives."""
    place = house.project("spring", "SEQ01")
    record = {"grid": "g1", "round": 1, "via": "model", "at": "2026-11-01T09:00:00+00:00"}
    record["verdict"] = {"ok": True, "reason": "ok", "explanation": "a 2x2 grid"}
    waits = {"grid_state": "waiting_for_pick", "grid_id": "g1", "grid_history": [record]}
    place.file.change(lambda draft: draft["SEQ01"].update(waits))
    return place


async def test_a_dropped_pick_is_shown_where_no_daemon_takes_it(waiting: Place) -> None:
    """One that makes sense and one that does not: shown and told, put aside with its reason, and left to a daemon that runs?"""
    board = Board(waiting.root)
    await board.look()
    (waiting.picks / "SEQ01.pick").write_text("3")
    (waiting.picks / "SEQ02.pick").write_text("3")
    with board.watching() as told:
        await board.look()
        assert told.receive_nowait() == Changed("spring", ("SEQ01",))
    row = board.row("spring", "SEQ01")
    assert (row["group"], row["cell"]) == ("picked", 3)
    rejected = waiting.picks / "rejected" / "SEQ02.pick.reason.txt"
    assert "SEQ02" in rejected.read_text()
    with sole_driver(waiting, "daemon"):
        (waiting.picks / "SEQ01.pick").write_text("4")
        await board.look()
        assert (waiting.picks / "SEQ01.pick").exists()
    await board.look()
    assert board.row("spring", "SEQ01")["cell"] == 4


@pytest.mark.parametrize("driver", [None, "daemon"])
async def test_what_somebody_was_still_writing_is_looked_at_again(
    waiting: Place, driver: Driver | None
) -> None:
    """A brief is held open for a while after its last byte: is it taken in, or found broken, when its writer lets go?"""
    board = Board(waiting.root)
    await board.look()
    saved = waiting.file.path.read_text().replace("an empty desert", "a full desert")
    with sole_driver(waiting, driver) if driver else nullcontext():
        with waiting.file.path.open("w") as brief:
            brief.write(saved[: -100 if driver else None])
            brief.flush()
            await board.look()
        await board.look()
        if driver:
            assert "sequences.json" in board.project("spring").trouble
        else:
            assert board.sequence("spring", "SEQ01").prompt.startswith("a full desert")
        shown = board.project("spring")
        assert not shown.waiting, "and not again for ever"


async def test_what_a_daemon_that_dies_leaves_is_taken_in(waiting: Place) -> None:
    """A brief is saved, a pick is claimed, and the daemon to which the console left them is killed: who takes them in?"""
    board = Board(waiting.root)
    await board.look()
    saved = waiting.file.path.read_text().replace("an empty desert", "a full desert")
    with sole_driver(waiting, "daemon"):
        waiting.file.path.write_text(saved)
        await board.look()
        assert board.sequence("spring", "SEQ01").prompt.startswith("an empty desert")
    await board.look()
    assert board.sequence("spring", "SEQ01").prompt.startswith("a full desert")
    with sole_driver(waiting, "daemon"):
        claimed = waiting.picks / ".claimed"
        claimed.mkdir()
        (waiting.picks / "SEQ01.pick").write_text("3")
        (waiting.picks / "SEQ01.pick").rename(claimed / "SEQ01.pick")
        await board.look()
    await board.look()
    assert board.row("spring", "SEQ01")["cell"] == 3
    shown = board.project("spring")
    await board.look()
    assert (shown.waiting, shown.signs.picks_wait) == (False, False)


async def test_a_pick_folder_that_cannot_be_read_holds_nothing_else_up(waiting: Place) -> None:
    """A file lies where the folder of claimed picks belongs: is that said, and an edit shown all the same?"""
    (waiting.picks / ".claimed").write_text("")
    (waiting.picks / "SEQ01.pick").write_text("3")
    waiting.file.change(lambda draft: draft["SEQ01"].update(title="Night market"))
    board = Board(waiting.root)
    await board.look()
    assert board.row("spring", "SEQ01")["title"] == "Night market"
    assert "dropped picks cannot be taken in" in board.project("spring").trouble


async def test_what_is_not_there_any_more_is_told(house: DaemonHouse) -> None:
    """A project begins anew under its name, then goes: is each told, so that no page goes on showing what was?"""
    board = Board(house.root)
    place = house.project("spring", "SEQ01", "SEQ02")
    await board.look()
    with board.watching() as told:
        place.folder.rename(house.root / "old")
        house.project("spring", "SEQ02")
        await board.look()
        assert told.receive_nowait() == Changed("spring", gone=True)
        assert told.receive_nowait() == Changed("spring", ("SEQ02",))
        shutil.rmtree(place.folder)
        await board.look()
        assert told.receive_nowait() == Changed("spring", gone=True)


def test_who_waits_is_shown_by_what_is_to_be_picked() -> None:
    """A new grid beside the keyframe of the old one: the grid while it waits for a pick, the keyframe before and after?"""
    raw: dict[str, Any] = {"grid_state": "waiting_for_pick", "grid_id": "g2", "grid_path": "media/g2.png"}
    raw["keyframe"] = {"path": "media/k.png"}
    assert row_of("spring", "SEQ01", raw)["picture"] == "media/g2.png"
    for state in ("locked", "generating", "done"):
        assert row_of("spring", "SEQ01", {**raw, "grid_state": state})["picture"] == "media/k.png"
    assert row_of("spring", "SEQ01", {**raw, "keyframe": None})["picture"] == "media/g2.png"


async def test_rows_are_asked_for_by_name(office: Office) -> None:
    """Two that are there and one that is not: the two; of a project that is none: 404, as for the way on from there?"""
    get = office.client.get
    rows = (await get("/rows/spring?only=SEQ02&only=SEQ99&only=SEQ01")).text
    assert [rows.count(f'data-sequence="{name}"') for name in ("SEQ01", "SEQ02", "SEQ99")] == [1, 1, 0]
    for unknown in ("/rows/none?only=SEQ01", "/review/spring/SEQ99", "/review/spring/SEQ99/next"):
        assert (await get(unknown)).status_code == 404, unknown


def test_what_may_be_typed_looks_like_it_and_nothing_else_is_markup() -> None:
    """Backticks around words, one alone, and somebody's own markup: are the words code, and all of it escaped?"""
    assert in_code("run `a <b>`, & `c`") == "run <code>a &lt;b&gt;</code>, &amp; <code>c</code>"
    assert in_code("one ` alone") == "one ` alone"


def test_long_names_on_a_chart_stay_apart_and_short() -> None:
    """Two sequences of a project with a long name: does each label fit, and say which it is?"""
    bars = bars_of({f"{'a-long-name-' * 4}/SEQ0{number}": Spend(calls=1) for number in (1, 2)})
    assert [bar.name[-6:] for bar in bars] == ["/SEQ01", "/SEQ02"]
    assert {len(bar.name) for bar in bars} == {LONGEST_LABEL}
