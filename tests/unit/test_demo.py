"""Does the sample job run as the README says: grids, dropped picks, keyframes, takes; and nothing at all the second time?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from starsend.tools.image_utils import open_picture
from tests.pictures import ssim

DEMO = Path(__file__).parents[2] / "projects" / "demo"


@dataclass
class Run:
    """A finished demo, and what it said."""

    root: Path
    said: str

    @property
    def folder(self) -> Path:
        return self.root / "projects" / "demo"

    def sequences(self) -> dict[str, dict[str, object]]:
        path = self.folder / "state" / "client" / "sequences.json"
        found: dict[str, dict[str, object]] = json.loads(path.read_text())["sequences"]
        return found

    def contents(self) -> dict[str, bytes]:
        """Every file that is not a lock or a database, with its bytes; but for old renders, which are swept."""
        skipped = (".db", ".db-wal", ".db-shm", ".lock", "-ours.json")
        files = [p for p in self.folder.rglob("*") if p.is_file() and not p.name.endswith(skipped)]
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in files}


def starsend(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command, as shipped but for the size of its pictures."""
    small = {"STARSEND_IMAGE__SIZE": "1K", "STARSEND_VIDEO__RESOLUTION": "360p"}
    command = [sys.executable, "-m", "client_async.client_generate", *words]
    return subprocess.run(
        command,
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "120", **small},
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo, in a folder of its own."""
    root = tmp_path_factory.mktemp("demo")
    shutil.copytree(
        DEMO, root / "projects" / "demo", ignore=shutil.ignore_patterns("state", "media", "dailies")
    )
    done = starsend(root, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(root, done.stdout)


def first_frame(path: Path) -> Image.Image:
    with av.open(path) as container:
        return Image.fromarray(next(container.decode(video=0)).to_ndarray(format="rgb24"))


def test_every_sequence_ends_with_a_take(run: Run) -> None:
    """Are all of them done, with the state, the cell, the take and the costs in the table?"""
    for name, sequence in run.sequences().items():
        assert sequence["grid_state"] == "done"
        take = sequence["take"]
        assert isinstance(take, dict)
        row = next(line for line in run.said.splitlines() if line.startswith(name) and "$" in line)
        assert take["take"] in row
        assert "done" in row
        assert f"{sequence['selected_cell']} of {sequence['grid_id']}" in row


def test_the_files_it_names_are_there(run: Run) -> None:
    """Can a person open every path that was printed?"""
    named = [line.split()[-1] for line in run.said.splitlines() if "projects/demo/" in line]
    assert len(named) >= 6
    assert all((run.root / path).is_file() for path in named)


def test_the_picks_were_files_dropped_by_a_person(run: Run) -> None:
    """Did each go through the drop folder into accepted/?"""
    picks = run.folder / "state" / "client" / "picks"
    assert len(list((picks / "accepted").glob("*.pick"))) == len(run.sequences())
    assert not (picks / "rejected").exists()


def test_the_rehearsal_has_bad_days(run: Run) -> None:
    """Are a retry and a composite part of what a new user sees?"""
    assert "retrying" in run.said
    assert "compositing" in run.said


def test_the_takes_last_exactly_as_long_as_their_shots(run: Run) -> None:
    """Do they decode to the end, to the frame?"""
    for sequence in run.sequences().values():
        take, shots = sequence["take"], sequence["shots"]
        assert isinstance(take, dict)
        assert isinstance(shots, list)
        seconds = sum(Fraction(shot["seconds"]) for shot in shots)
        with av.open(run.folder / take["path"]) as container:
            stream = container.streams.video[0]
            assert stream.average_rate == 24
            assert sum(1 for _ in container.decode(stream)) == round(seconds * 24)


def test_the_takes_start_on_the_locked_keyframe(run: Run) -> None:
    """Is the first frame the very picture that was picked (SSIM above 0.95)?"""
    for sequence in run.sequences().values():
        take, keyframe = sequence["take"], sequence["keyframe"]
        assert isinstance(take, dict)
        assert isinstance(keyframe, dict)
        first = first_frame(run.folder / take["path"])
        locked = (
            open_picture(run.folder / keyframe["path"])
            .convert("RGB")
            .resize(first.size, Image.Resampling.LANCZOS)
        )
        assert ssim(grey(first), grey(locked)) > 0.95


def test_a_second_run_costs_nothing_and_changes_nothing(run: Run) -> None:
    """Is every file byte for byte as it was, and the bill the same?"""
    before = run.contents()
    again = starsend(run.root, "demo")
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert run.contents() == before


def test_the_costs_add_up_and_show_a_vendors_price(run: Run) -> None:
    """Is the animatic free, and what the job would cost said?"""
    costs = json.loads(starsend(run.root, "costs", "--json").stdout)
    assert costs["total"]["actual"] == "0.000000"
    assert float(costs["total"]["estimated"]) == pytest.approx(
        sum(float(s["estimated"]) for s in costs["projects"][0]["by_sequence"])
    )
    assert costs["total"]["estimated"].rstrip("0") in run.said.replace("$", "")


def test_a_run_leaves_the_shipped_files_alone(run: Run) -> None:
    """Is the brief that git knows never written?"""
    for shipped in ("brief.json", "starsend_config.json", "shots.json"):
        assert (run.folder / shipped).read_bytes() == (DEMO / shipped).read_bytes()


def grey(picture: Image.Image) -> NDArray[np.float64]:
    return np.asarray(picture.convert("L"), np.float64)
