"""Do the commands, as a producer strings them together, pay exactly once for exactly what was asked?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rich.console

from client_async import production
from client_async.explorer import Deleted
from client_async.house_line import run_house_line
from client_async.ledger import open_store
from client_async.new_project import make_project
from client_async.picks import record_pick, withdraw_pick
from client_async.projects import Place
from starsend.clock import SystemClock
from starsend.config import load_settings
from starsend.documents import BadDocument
from starsend.errors import BadInput
from starsend.orchestrator.step_faults import StepFailed
from tests.conftest import ManualClock

BRIEF = {
    "prompt": "an empty desert under clouds",
    "aspect_ratio": "1:1",
    "shots": [{"prompt": "gulls", "seconds": 0.25}],
}


class Job:
    """A project whose commands are called as the command line calls them."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root, "job")
        self.console = rich.console.Console(quiet=True)
        self.place.file.path.parent.mkdir(parents=True)
        self.place.file.path.write_text(json.dumps({"sequences": {"SEQ01": BRIEF}}))
        self.configure()

    def configure(self, **settings: Any) -> None:
        small = {"image": {"size": "1K"}, "video": {"resolution": "360p"}, "retry": {"poll_seconds": 0.01}}
        (self.place.folder / "starsend_config.json").write_text(json.dumps({**small, **settings}))

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        document = json.loads(self.place.file.path.read_text())
        change(document["sequences"]["SEQ01"])
        self.place.file.path.write_text(json.dumps(document))

    def pick(self, cell: int) -> None:
        at = ManualClock().now()
        self.place.file.change(
            lambda draft: record_pick(draft["SEQ01"], "SEQ01", cell, by="m", via="t", at=at)
        )

    def grid(self, *names: str, again: bool = False) -> production.Errors:
        return production.make_grids(self.place, names, self.console, again=again)

    def generate(self, *names: str, again: bool = False) -> production.Errors:
        return production.make_takes(self.place, names, self.console, again=again)

    @property
    def sequence(self) -> dict[str, Any]:
        found: dict[str, Any] = self.place.file.read()["sequences"]["SEQ01"]
        return found

    @property
    def bill(self) -> list[str]:
        book = self.place.folder / "state" / "providers" / "animatic" / "calls.jsonl"
        lines = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
        return [line["shot_id"] for line in lines if line["billed"]]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


@pytest.fixture
def picked(job: Job) -> Job:
    assert not job.grid()
    job.pick(2)
    return job


def test_again_pays_for_one_take_also_when_there_is_none(picked: Job) -> None:
    """Does `generate SEQ01 --again` make exactly one, first take or not, and after another pick?"""
    assert not picked.generate("SEQ01", again=True)
    assert picked.bill.count("SEQ01") == 1
    picked.pick(3)
    assert not picked.generate("SEQ01", again=True)
    assert picked.bill.count("SEQ01") == 2


def test_a_failed_first_take_can_be_made_again(picked: Job) -> None:
    """Does the advice of the error lead on?"""
    picked.configure(animatic={"misbehave": {"SEQ01": ["job_failed"]}})
    assert picked.generate()
    assert isinstance(picked.generate("SEQ01")["SEQ01"], StepFailed)
    assert not picked.generate("SEQ01", again=True)
    assert picked.sequence["grid_state"] == "done"


def test_a_take_that_was_begun_is_gone_on_with_without_being_named(picked: Job) -> None:
    """Is a second take whose run was killed fetched by a plain `generate`?"""
    assert not picked.generate()
    picked.configure(
        animatic={"misbehave": {"SEQ01": ["ok", "late"]}, "late_polls": 9},
        retry={"poll_limit_seconds": 0.001},
    )
    assert picked.generate("SEQ01", again=True)
    picked.configure()
    assert not picked.generate()
    assert (picked.sequence["grid_state"], picked.bill.count("SEQ01")) == ("done", 2)
    assert len(picked.sequence["take_history"]) == 2


def test_a_deleted_sequence_costs_nothing_even_by_name(picked: Job) -> None:
    """Is `deleted` a word that holds?"""
    paid = list(picked.bill)
    picked.edit(lambda s: s.update(deleted=True))
    for errors in (
        picked.grid("SEQ01", again=True),
        picked.generate("SEQ01"),
        picked.generate("SEQ01", again=True),
    ):
        assert isinstance(errors["SEQ01"], Deleted)
    assert picked.bill == paid


def test_a_withdrawn_pick_is_not_locked(picked: Job) -> None:
    """Does `"selected_cell": null`, written before anything was spent, stop the spending?"""
    picked.edit(lambda s: s.update(selected_cell=None))
    picked.generate()
    assert picked.sequence.get("keyframe") is None
    assert "SEQ01" not in picked.bill


def test_a_cell_that_is_picked_again_has_its_take_back(picked: Job) -> None:
    """A pick of which a take was made is taken back and made again: is all done as before, and nothing paid?"""
    picked.generate()
    paid = list(picked.bill)
    picked.place.file.change(lambda draft: withdraw_pick(draft["SEQ01"], "mara"))
    picked.pick(picked.sequence["keyframe"]["cell"])
    picked.generate()
    assert (picked.sequence["grid_state"], picked.sequence["status"]) == ("done", "the take is ready")
    assert picked.bill == paid


def test_a_pick_is_the_later_wish_than_a_new_grid(picked: Job) -> None:
    """After a regrid that failed, does a pick of the grid that is there count?"""
    picked.configure(
        animatic={"misbehave": {"SEQ01_grid": ["ok", "rate_limit"]}}, retry={"submit_attempts": 1}
    )
    assert picked.grid("SEQ01", again=True)
    picked.configure()
    picked.pick(1)
    assert not picked.generate()
    assert (picked.sequence["grid_id"], picked.sequence["keyframe"]["cell"]) == ("g1", 1)


def test_a_used_brief_makes_a_project_that_begins_at_the_beginning(picked: Job) -> None:
    """Does `init --brief` take the brief and not the other project's progress?"""
    new = make_project(picked.place.root, "next", picked.place.file.path)
    sequence = new.file.read()["sequences"]["SEQ01"]
    assert sequence == BRIEF


def test_a_relative_ledger_is_the_projects_wherever_the_command_runs(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Could another folder mean another ledger, and a second payment?"""
    job.configure(store_url="sqlite:///books/ledger.db")
    monkeypatch.chdir(job.place.root)
    with open_store(job.place, load_settings(job.place.root, job.place.folder), SystemClock()):
        pass
    assert (job.place.folder / "books" / "ledger.db").is_file()


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite:///:memory:"])
def test_a_ledger_in_memory_is_refused(job: Job, url: str) -> None:
    """Could the books be lost when the command ends?"""
    job.configure(store_url=url)
    with pytest.raises(BadDocument, match="would be lost"):
        job.grid()


def test_a_pick_counts_while_the_brief_cannot_be_read(picked: Job) -> None:
    """Is a number nobody can write back the brief's fault alone, and is the pick shown once it is mended?"""
    whole = picked.place.file.path.read_bytes()
    picked.edit(lambda s: s.update(strange=2**70))
    picked.place.picks.mkdir(exist_ok=True)
    (picked.place.picks / "SEQ01.pick").write_text("4")
    assert production.take_picks(picked.place, picked.console) == 1
    with pytest.raises(BadInput, match="cannot be written again"):
        picked.generate()
    picked.place.file.path.write_bytes(whole)
    assert picked.sequence["selected_cell"] == 4
    assert not picked.generate()
    assert picked.sequence["keyframe"]["cell"] == 4


def house(job: Job, *ids: str) -> Path:
    path = job.place.folder / "shots.json"
    shots = [{"id": i, "prompt": "a lighthouse", "seconds": 0.25, "aspect_ratio": "1:1"} for i in ids]
    path.write_text(json.dumps({"shots": shots}))
    return path


def test_a_house_shot_cannot_take_a_sequences_name(picked: Job) -> None:
    """Is a client's locked keyframe safe from the house line?"""
    for name in ("SEQ01", "SEQ01_grid", "SEQ01_frame"):
        with pytest.raises(BadInput, match="that the sequence 'SEQ01' uses"):
            run_house_line(picked.place, house(picked, name), [], picked.console)
    with pytest.raises(BadDocument, match="booked under"):
        run_house_line(picked.place, house(picked, "A", "A_frame"), [], picked.console)


def test_a_refused_house_shot_has_a_way_out(job: Job) -> None:
    """Does `pipeline SHOT --again` pay for what is missing and for nothing else?"""
    shots = house(job, "A", "B")
    job.configure(animatic={"misbehave": {"A_frame": ["refuse"], "B": ["job_failed"]}})

    def run(*names: str, again: bool = False) -> list[bool]:
        outcomes = run_house_line(job.place, shots, names, job.console, again=again)
        return [outcome.error is None for outcome in outcomes]

    assert run() == run() == [False, False]
    assert run("A", again=True) == run("B", again=True) == [True]
    assert (job.bill.count("A"), job.bill.count("B_frame"), job.bill.count("B")) == (1, 1, 2)
    assert run() == [True, True]


@pytest.mark.parametrize("name", ["SEQ01_grid", "SEQ01_grid_grid", "SEQ01_frame", "X" * 71])
def test_names_that_would_share_a_ledger_row_are_refused(job: Job, name: str) -> None:
    """Is a name that cannot be kept apart told before anything is drawn?"""
    job.place.file.path.write_text(json.dumps({"sequences": {"SEQ01": BRIEF, name: BRIEF}}))
    with pytest.raises(BadDocument, match=name[:20]):
        job.grid()
