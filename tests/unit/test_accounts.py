"""Can anybody read the books, at any moment, without changing a thing?"""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import CacheStats, ExecutionContext

from client_async.accounts import costs_of
from client_async.ledger import open_store
from client_async.projects import Place
from starsend.clock import SystemClock
from starsend.config import Settings, load_settings
from starsend.errors import StarsendError
from starsend.orchestrator.database import OtherLedger, StoreUnusable
from tests.contract.test_execution_store import QUOTE, intent
from tests.unit.daemon_house import DaemonHouse
from tests.unit.studio import Studio
from tests.unit.test_command_line import Shell, gridded, one_line, waiting

__all__ = ["gridded", "waiting"]

COMMANDS = (("costs",), ("costs", "--json"), ("costs", "--csv"), ("costs", "--by", "project"), ("estimate",))


def seen(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file and folder with its inode, size and time of change."""
    paths = [folder, *folder.rglob("*")]
    return {str(p): (p.stat().st_ino, p.stat().st_size, p.stat().st_mtime_ns) for p in paths}


@pytest.mark.parametrize("state", ["closed", "in use", "killed", "killed without its index"])
def test_reading_leaves_no_trace(waiting: Shell, tmp_path: Path, state: str) -> None:
    """Beside nobody, beside a run that has the ledger open, or after one was killed: does no file change, and none appear?"""
    place = Place(tmp_path, "job")
    if state == "closed":
        assert not list(waiting.project.glob("state/*.db-wal"))
        check_untouched(waiting, why="finished")
        return
    with open_store(place, Settings(), SystemClock()) as store:
        with store._db.write() as connection:  # so that the log holds something
            connection.exec_driver_sql("UPDATE cost_events SET why = 'seen'")
        if state == "in use":
            check_untouched(waiting, why="seen")
            return
        other = Shell(tmp_path / "other")
        shutil.copytree(tmp_path / "projects", other.root / "projects")
    if state == "killed without its index":
        for index in other.project.rglob("*-shm"):
            index.unlink()
    check_untouched(other, why="seen")


def check_untouched(shell: Shell, *, why: str) -> None:
    before = seen(shell.root)
    said = [shell(*words) for words in COMMANDS]
    assert [one.code for one in said] == [0] * len(COMMANDS), said
    assert seen(shell.root) == before
    assert json.loads(said[1].out)["total"]["calls"] == 1
    assert [row["why"] for row in csv.DictReader(io.StringIO(said[2].out, newline=""))][-1] == why


def test_a_project_that_never_ran_is_read_and_stays_as_it_is(tmp_path: Path) -> None:
    """Before anything has run: is the whole brief priced, nothing spent, and no ledger, journal or lock made?"""
    shell = Shell(tmp_path)
    shell.write("SEQ01", "SEQ02", "SEQ03")
    shell.configure()
    before = seen(tmp_path)
    told = json.loads(shell("estimate", "--json").out)
    assert [row["sequence"] for row in told["sequences"]] == ["SEQ01", "SEQ02", "SEQ03"]
    one = Decimal("0.0336") + Decimal("0.084")  # a grid at 1K, and a quarter of a second
    assert Decimal(told["to_come"]["low"]) == 3 * one
    assert [json.loads(shell("estimate", "SEQ02", "--json").out)["to_come"]["low"]] == [f"{one:.6f}"]
    assert json.loads(shell("costs", "--json").out)["total"]["calls"] == 0
    assert seen(tmp_path) == before


def test_estimate_refuses_what_it_cannot_price(tmp_path: Path) -> None:
    """Are unknown, deleted and unpriced things each one line and exit code 2?"""
    shell = Shell(tmp_path)
    shell.write("SEQ01", deleted=True)
    shell.configure()
    one_line(shell("estimate", "SEQ02"), 2, "SEQ02", "known: SEQ01")
    one_line(shell("estimate", "SEQ01"), 2, "SEQ01", "deleted")
    shell.configure(video={"provider": "fal", "model": "other", "resolution": "480p"})
    one_line(shell("estimate"), 2, "no price is known for fal/other at 480p")


@pytest.mark.parametrize(
    ("version", "words"), [("0000", "0000 schema"), ("9999", "a newer Starsend made it")]
)
def test_another_schema_is_told_and_not_touched(explored_files: Place, version: str, words: str) -> None:
    """Older or newer than this Starsend reads: is that one line, and the file as it was?"""
    file = explored_files.folder / "state" / "execution.db"
    with sqlite3.connect(file) as db:
        db.execute("UPDATE alembic_version SET version_num = ?", (version,))
    db.close()
    before = seen(explored_files.folder)
    with pytest.raises(StoreUnusable, match=words) as found:
        costs_of(explored_files)
    assert "\n" not in str(found.value)
    assert seen(explored_files.folder) == before


def test_a_ledger_that_is_gone_is_told(explored_files: Place) -> None:
    """Are the books of a project whose ledger is missing, or no database, never noughts?"""
    file = explored_files.folder / "state" / "execution.db"
    kept = file.read_bytes()
    file.unlink()
    with pytest.raises(OtherLedger, match="Put that one back"):
        costs_of(explored_files)
    file.write_bytes(b"no database " * 1000)
    with pytest.raises(StarsendError, match="not a database"):
        costs_of(explored_files)
    file.write_bytes(kept)
    assert costs_of(explored_files).total.calls == 1


@pytest.fixture
def explored_files(waiting: Shell, tmp_path: Path) -> Place:
    return Place(tmp_path, "job")


def test_a_typo_in_the_brief_hides_nothing(waiting: Shell) -> None:
    """While sequences.json is broken, is what was spent told all the same?"""
    waiting.document.write_text(waiting.document.read_text()[:-20])
    assert json.loads(waiting("costs", "--json").out)["total"]["calls"] == 1


def test_the_csv_has_a_row_for_every_event(waiting: Shell) -> None:
    """Do the rows of the spreadsheet add up to what the JSON says, by the classes it names?"""
    rows = list(csv.DictReader(io.StringIO(waiting("costs", "--csv").out, newline="")))
    assert [(row["kind"], row["sequence"], row["work"]) for row in rows] == [
        ("estimated", "SEQ01", "open"),
        ("actual", "SEQ01", "open"),
    ]
    total = json.loads(waiting("costs", "--json").out)["total"]
    assert Decimal(total["estimated"]) == sum(
        Decimal(r["amount_usd"]) for r in rows if r["kind"] == "estimated"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--json", "--csv"), "exclude each other"),
        (("--since", "2026-02-01", "--until", "2026-01-01"), "--since is after --until"),
        (("--since", "yesterday"), "yesterday"),
        (("--by", "month"), "month"),
    ],
)
def test_bad_usage_is_told(waiting: Shell, words: tuple[str, ...], told: str) -> None:
    """Is each a usage error that says what was wrong?"""
    said = waiting("costs", *words)
    assert (said.code, told in said.err) == (2, True), said


@pytest.mark.anyio
async def test_a_job_with_all_its_detours(studio: Studio) -> None:
    """Wrong grids, four singles, a pick, a take and a retake: is each cent where a producer looks for it?"""
    studio.misbehave(misbehave={"SEQ01_grid": ["single", "wrong_grid", "single"]})
    assert await studio.advance() is None
    assert await studio.wish(selected_cell=2) is None
    assert await studio.wish(retake=True) is None
    spent = {work: spend.actual for work, spend in costs_of(studio.place).by("work").items() if spend.calls}
    assert spent == {
        "picked": Decimal("0.075"),
        "rejected": Decimal("0.15"),
        "fallback_picked": Decimal("0.05"),
        "fallback_rest": Decimal("0.15"),
        "superseded": Decimal("0.075"),
    }
    costs = costs_of(studio.place)
    assert costs.finished is not None
    assert costs.finished.seconds == Decimal("0.75")
    assert costs.finished.per_second(costs.total.actual) == Decimal("0.5") / Decimal("0.75")


def test_five_hundred_ledgers_cost_one_preparation(house: DaemonHouse) -> None:
    """A second ledger is read after a first one: are all statements ready, where to make them takes most of the time?"""
    places = [house.project(name) for name in ("spring", "autumn")]
    for place in places:
        with open_store(place, load_settings(place.root, place.folder), SystemClock()) as store:
            store.intend(intent(), QUOTE, QUOTE)
        place.file.close()
    assert costs_of(places[0]).total.calls == 1
    ready = []

    def heard(*said: object) -> None:
        context = said[4]
        assert isinstance(context, ExecutionContext)
        if context.compiled is not None:
            ready.append(vars(context)["cache_hit"])

    event.listen(Engine, "before_cursor_execute", heard)
    try:
        assert costs_of(places[1]).total.calls == 1
    finally:
        event.remove(Engine, "before_cursor_execute", heard)
    assert len(ready) >= 4
    assert set(ready) == {CacheStats.CACHE_HIT}
