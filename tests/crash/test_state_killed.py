"""Is the state layer whole after kill -9 between any two of its steps? A real process for each, from the first step to the last."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from client_async.pick_folder import PickFolder
from client_async.sequence_file import SequenceFile
from tests.standins.killing import STATE_MODULES, run_killed
from tests.standins.warm import ask_in_small_process

STRIDE = 8
"""The steps are dealt out to so many tests, so that they run side by side."""
GRID = {"grid": "g1", "round": 1, "via": "model", "at": "2026-11-24T10:00:00+00:00", "path": "g1.png"}
READY = {
    "prompt": "a harbour",
    "shots": [{"prompt": "boats", "seconds": 3}],
    "grid_state": "waiting_for_pick",
    "grid_id": "g1",
    "grid_history": [{**GRID, "verdict": {"ok": True, "reason": "ok", "explanation": "a grid"}}],
}


class Studio:
    """A folder in the middle of things: a grid to pick from, an edit not seen yet, and a report not shown yet."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.path = folder / "sequences.json"
        self.picks = folder / "picks"
        self.picks.mkdir()
        self.path.write_text(json.dumps({"sequences": {"SEQ01": READY, "SEQ02": READY}}))
        file = SequenceFile(self.path)
        file.take_in()
        file.render()
        document = json.loads(self.path.read_text())
        file.change_all([lambda draft: draft["SEQ02"].update(status="reported")])
        file.close()
        document["sequences"]["SEQ01"] |= {"title": "edited", "selected_cell": 2}
        self.path.write_text(json.dumps(document))
        (self.picks / "SEQ02.pick").write_text("3")

    def render(self) -> None:
        """Take in what is there and show everything."""
        SequenceFile(self.path).render()

    def take_picks(self) -> None:
        """Decide what was dropped."""
        PickFolder(self.picks, SequenceFile(self.path)).take_picks()

    def change(self) -> None:
        """A command of ours."""
        SequenceFile(self.path).change(lambda draft: draft["SEQ01"].update(x_note="commanded"))

    def start_again(self) -> dict[str, dict[str, object]]:
        """What is kept, and shown, once the daemon has been started again and has looked."""
        file = SequenceFile(self.path)
        picks = PickFolder(self.picks, file)
        file.take_in()
        picks.take_picks()
        assert file.render()
        shown: dict[str, dict[str, object]] = json.loads(self.path.read_text())["sequences"]
        assert shown == file.read()["sequences"]
        file.close()
        return shown


@pytest.mark.parametrize(
    "work", [Studio.render, Studio.take_picks, Studio.change], ids=lambda work: work.__name__
)
@pytest.mark.parametrize("first", range(1, STRIDE + 1))
def test_killed_between_any_two_steps(tmp_path: Path, first: int, work: Callable[[Studio], None]) -> None:
    """Does every edit, pick and report survive, each exactly once, with no file torn at any moment?"""
    assert ask_in_small_process(kill_between_steps, tmp_path, first, work) > 10


def kill_between_steps(folder: Path, first: int, work: Callable[[Studio], None]) -> int:
    """How many times it was killed before it came to its end. Raises AssertionError."""
    for killed, at in enumerate(count(first, STRIDE)):
        studio = Studio(folder / str(at))
        came_back, was_killed = run_killed(lambda studio=studio: work(studio), STATE_MODULES, at)  # type: ignore[misc]
        if not was_killed:
            assert came_back
            return killed
        json.loads(studio.path.read_text())
        one, two = studio.start_again().values()
        assert (one["title"], one["selected_cell"], two["selected_cell"]) == ("edited", 2, 3), at
        assert two["status"].startswith("cell 3") or two["status"] == "reported", at  # type: ignore[attr-defined]
        assert one.get("x_note") in ({"commanded"} if came_back else {"commanded", None}), at
        assert [path.name for path in (studio.picks / "accepted").iterdir()] == ["SEQ02.pick"], at
        assert not [
            path for path in studio.picks.rglob("*") if "rejected" in path.parts and path.is_file()
        ], at
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("first", range(1, STRIDE + 1))
def test_killed_while_somebody_else_writes(tmp_path: Path, first: int) -> None:
    """A program has the file open while it is displaced and the daemon killed: is what it writes then taken in?"""
    ask_in_small_process(kill_while_writing, tmp_path, first)


def kill_while_writing(folder: Path, first: int) -> None:
    """From the first step to the last. Raises AssertionError."""
    for at in count(first, STRIDE):
        studio = Studio(folder / str(at))
        document = json.loads(studio.path.read_text())
        document["sequences"]["SEQ01"]["title"] = "written late"
        with studio.path.open("r+") as file:
            _, was_killed = run_killed(studio.render, STATE_MODULES, at)
            file.write(json.dumps(document))
            file.truncate()
        assert studio.start_again()["SEQ01"]["title"] == "written late", at
        if not was_killed:
            break
