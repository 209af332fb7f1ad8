"""Does a job survive being killed? A real process, SIGKILL at every boundary, and the vendor's bill counted after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from client_async.sequence_file import SequenceFile
from client_async.sequences import Sequence, check_sequences
from starsend.files import sha256_of
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.media_check import check_media
from starsend.orchestrator.step_ends import charge_of
from starsend.tools.media_comment import comment_in
from tests.conftest import ManualClock
from tests.crash.job import run_job
from tests.standins.warm import warm_processes

IMAGE, VIDEO = Decimal("0.05"), Decimal("0.10")
BRIEF = {
    "sequences": {
        "SEQ01": {
            "prompt": "an empty desert under clouds",  # drawn in a third of a harbour's time
            "aspect_ratio": "1:1",
            "shots": [{"prompt": "nobody comes", "seconds": 0.125}, {"prompt": "night", "seconds": 0.125}],
        }
    }
}
PRICES = [
    {
        "provider": "animatic",
        "model": "storyboard",
        "unit": "image",
        "price": {"*": str(IMAGE)},
        "as_of": "2026-11-01",
    },
    {
        "provider": "animatic",
        "model": "animatic",
        "unit": "second",
        "price": {"*": str(VIDEO / Decimal("0.25"))},
        "as_of": "2026-11-01",
    },
]
STEPS = 8
"""The boundaries are dealt out to so many tests, so that they run side by side."""


class Job:
    """A project on disk, run by processes that may be killed."""

    def __init__(self, root: Path, *, findable: bool, brief: object = BRIEF, **settings: object) -> None:
        self.root = root
        self.folder = root / "projects" / "job"
        self.file = SequenceFile(self.folder / "state" / "client" / "sequences.json")
        self.file.path.parent.mkdir(parents=True)
        self.file.path.write_text(json.dumps(brief))
        config = {
            **settings,
            "image": {"size": "1K"},
            "video": {"resolution": "360p"},
            "retry": {"poll_seconds": 0.01},
            "animatic": {"findable": findable},
            "prices": PRICES,
            # What can be looked up is paid once: so much is enough, wherever it was killed.
            "budget": {"project": str(IMAGE + VIDEO)} if findable else {},
        }
        (self.folder / "starsend_config.json").write_text(json.dumps(config))

    def run(self, kill_at: int = 0) -> int:
        """How the process ended: 0, or -9 when it was killed."""
        process = warm_processes().Process(
            target=run_job, args=(str(self.root), kill_at, str(self.root / "report"))
        )
        process.start()
        process.join()
        assert process.exitcode is not None
        return process.exitcode

    @property
    def report(self) -> list[str]:
        return (self.root / "report").read_text().splitlines()

    def sequence(self) -> Sequence:
        document = self.file.read()
        self.file.close()
        return check_sequences(document["sequences"], self.file.path)["SEQ01"]

    def billed(self, kind: str) -> int:
        """How many calls of a kind the vendor has billed, by its own book."""
        book = self.folder / "state" / "providers" / "animatic" / "calls.jsonl"
        lines = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
        return sum(line["billed"] for line in lines if line["kind"] == kind)

    def booked(self, *kinds: str) -> Decimal:
        """What our ledger holds of cost events of these kinds."""
        with self.ledger() as store:
            return sum((event.amount for event in store.costs() if event.kind in kinds), Decimal(0))

    def reserved(self) -> tuple[Decimal, Decimal]:
        """What our ledger has put aside, and what the calls would cost that may be under way."""
        with self.ledger() as store:
            put_aside = sum((s.reserved for s in store.spending() if s.cap == "project"), Decimal(0))
            under_way = [step for step in store.open_steps() if step.state != "unknown"]
            return put_aside, sum((charge_of(step).amount for step in under_way), Decimal(0))

    @contextmanager
    def ledger(self) -> Iterator[ExecutionStore]:
        store = ExecutionStore(
            f"sqlite:///{self.folder / 'state' / 'execution.db'}",
            project="job",
            project_dir=self.folder,
            clock=ManualClock(),
        )
        yield store
        store.close()

    def check_whole(self) -> None:
        """Everything that the documents cite is there, whole, and nothing half-written lies about."""
        sequence = self.sequence()
        assert sequence.grid_state == "done"
        assert sequence.grid is not None
        assert sequence.keyframe is not None
        assert sequence.take is not None
        for cell in sequence.grid.cells:
            check_media(self.folder / cell, "keyframe")
        assert sha256_of(self.folder / sequence.keyframe.path) == sequence.keyframe.sha256
        assert check_media(self.folder / sequence.take.path, "multi_shot").frames == 6
        halves = (".part", ".incoming", ".tagged", ".broken")
        assert [p.name for p in self.folder.rglob("*") if p.suffix in halves] == []
        for kind in ("takes", "grids", "cells"):
            for file in (self.folder / "media" / kind).glob("*/*.[mp][pn][4g]"):
                beside = json.loads(file.with_name(file.name + ".json").read_bytes())
                inside = comment_in(file)
                assert inside is not None, file
                assert json.loads(inside).items() <= {**beside, "software": "Starsend"}.items(), file
                assert beside["file"]["sha256"] == sha256_of(file), file


@pytest.fixture(params=[True, False], ids=["findable", "not-findable"])
def findable(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Whether the vendor can be asked for a lost call."""
    yield request.param


@pytest.mark.parametrize("part", range(STEPS))
def test_killed_at_every_boundary_and_run_again(tmp_path: Path, findable: bool, part: int) -> None:
    """Is nothing paid twice, nothing lost and nothing half-written, wherever the process dies?"""
    dry = Job(tmp_path / "dry", findable=findable)
    assert dry.run() == 0
    boundaries = dry.report
    dry.check_whole()
    # Where calls cannot be looked up, only what a lost answer comes to differs: every second boundary asks that.
    every = 1 if findable else 2
    for kill_at in range(1 + part * every, len(boundaries) + 1, STEPS * every):
        where = f"killed at {kill_at}: {boundaries[kill_at - 1]}"
        job = Job(tmp_path / str(kill_at), findable=findable)
        if job.run(kill_at) == 0:  # the last renders may be one: it was done before
            assert len(job.report) < kill_at, where
            continue
        put_aside, under_way = job.reserved()
        assert put_aside == under_way, where
        assert job.run() == 0, where
        assert job.reserved() == (Decimal(0), Decimal(0)), where
        billed = job.billed("image") * IMAGE + job.billed("video") * VIDEO
        if findable:
            job.check_whole()
            assert (job.billed("image"), job.billed("video")) == (1, 1), where
            assert (job.booked("actual"), job.booked("possible")) == (billed, Decimal(0)), where
        else:
            # What cannot be looked up may be billed unseen: it is booked then, and a video is not sent again.
            assert billed <= job.booked("actual", "possible"), where
            assert job.billed("video") <= 1, where
            if job.sequence().grid_state != "recovery":
                job.check_whole()


ONE_SHOT = {"provider": "animatic", "model": "*", "shots": 1, "as_of": "2026-11-01"}


@pytest.mark.parametrize("part", range(2))
def test_a_split_take_killed_on_its_way_and_run_again(tmp_path: Path, findable: bool, part: int) -> None:
    """From the landing of the first part on: is each part paid once, and the second one started on the very same frame?"""
    brief = {"sequences": {"SEQ01": {**BRIEF["sequences"]["SEQ01"], "split": True}}}
    dry = Job(tmp_path / "dry", findable=findable, brief=brief, shot_limits=[ONE_SHOT])
    assert dry.run() == 0
    wanted = dry.sequence().take
    assert wanted is not None
    boundaries = dry.report
    first = next(at for at, what in enumerate(boundaries, 1) if wanted.take in what)
    last = max(at for at, what in enumerate(boundaries, 1) if wanted.parts[1].take in what) + 1  # its commit
    assert any("_last.png" in what for what in boundaries[first:])
    for kill_at in range(
        first + part * 2, last + 1, 4
    ):  # every second boundary: the step's own are all asked above
        where = f"killed at {kill_at}: {boundaries[kill_at - 1]}"
        job = Job(tmp_path / str(kill_at), findable=findable, brief=brief, shot_limits=[ONE_SHOT])
        assert job.run(kill_at) == -9, where
        assert job.run() == 0, where
        sequence = job.sequence()
        assert job.billed("video") <= 2, where
        if findable or sequence.grid_state != "recovery":
            assert sequence.take is not None, where
            one, two = sequence.take.parts
            frame = (job.folder / one.path).with_name(f"{one.take}_last.png")
            assert two.start_frame == sha256_of(frame), where
            assert job.billed("video") == 2, where
