"""The soak: a daemon over misbehaving vendors, picks by all roads at once, killed with -9 at random and started again.

    python -m tests.crash.soak --sequences 200 --minutes 60 --seed 7

At the end every sequence is done, the vendor's bill is what the ledger has booked, no pick is lost and no file is torn.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from client_async.projects import Place
from starsend.clock import SystemClock
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.media_check import check_media

IMAGE, VIDEO = Decimal("0.05"), Decimal("0.10")
CONFIG = {
    "image": {"size": "1K"},
    "video": {"resolution": "360p"},
    "retry": {"poll_seconds": 0.05, "submit_attempts": 20},
    "limits": {"animatic": {"at_once": 6}},
    "animatic": {
        "rate_limit_seconds": 0.2,
        "slow_seconds": 0.3,
        "late_polls": 3,
        # The first pattern that fits counts; a third of all grids goes wrong at first.
        "misbehave": {
            "S??[036]_grid": ["wrong_grid", "rate_limit"],
            "S??1_grid": ["lost_answer"],
            "S??4_grid": ["late"],
            "S??7_grid": ["rate_limit", "single"],
            "S??2": ["late"],
            "S??3": ["broken_download"],
            "S??5": ["rate_limit", "rate_limit"],
            "S??6": ["lost_answer"],
            "S??8": ["slow"],
        },
    },
    "prices": [
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
            "price": {"*": str(VIDEO)},
            "as_of": "2026-11-01",
        },
    ],
}
SECONDS = 0.125
ROADS = ("edit in place", "edit by rename", "pick file", "pick json", "command line")


@dataclass
class Soak:
    """One project under a daemon that is killed again and again."""

    root: Path
    dice: random.Random
    sequences: int
    kill_every: tuple[float, float] = (10.0, 25.0)
    """Moves of sequences from one kill to the next: each makes two, to its pick and to its end. A slow machine makes
    as many kills as a fast one, and they fall on every phase of the work."""
    picked: dict[str, int] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    torn: int = 0

    def __post_init__(self) -> None:
        self.place = Place(self.root, "soak")
        self.place.picks.mkdir(parents=True)
        brief = {
            "prompt": "an empty desert under clouds",  # drawn in a third of a harbour's time
            "aspect_ratio": "1:1",
            "shots": [{"prompt": "nobody comes", "seconds": SECONDS}],
        }
        names = [f"S{number:03}" for number in range(self.sequences)]
        self.place.file.path.write_text(json.dumps({"sequences": dict.fromkeys(names, brief)}))
        (self.place.folder / "starsend_config.json").write_text(json.dumps(CONFIG))

    def daemon(self) -> subprocess.Popen[bytes]:
        """Start it; its log goes into one file."""
        with (self.root / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "client_async.client_generate", "--root", str(self.root), "daemon"],
                env={**os.environ, "STARSEND_DAEMON__PORT": "0"},
                stdout=log,
                stderr=log,
            )

    def run(self, deadline: float) -> None:
        """Until every sequence is done, or ``deadline`` seconds are over."""
        begun = time.monotonic()
        daemon = self.daemon()
        kill_at = self.dice.uniform(*self.kill_every)
        try:
            while (left := self.unfinished()) and time.monotonic() - begun < deadline:
                self.pick_some(left)
                if len(self.picked) + self.sequences - len(left) > kill_at:
                    time.sleep(self.dice.uniform(0, 0.5))  # else it would always fall just behind a move
                    daemon.send_signal(signal.SIGKILL)
                    daemon.wait()
                    self.kills += 1
                    daemon = self.daemon()
                    kill_at += self.dice.uniform(*self.kill_every)
                time.sleep(0.05)
        finally:
            daemon.send_signal(signal.SIGTERM)
            self.left_with = daemon.wait(40)

    def document(self) -> dict[str, Any]:
        """The face as any program reads it. It is replaced whole, so it parses unless one of our own scripts is at it."""
        while True:
            try:
                found: dict[str, Any] = json.loads(self.place.file.path.read_text())["sequences"]
            except (json.JSONDecodeError, FileNotFoundError):
                self.torn += 1
                continue
            return found

    def unfinished(self) -> dict[str, Any]:
        return {n: s for n, s in self.document().items() if s.get("grid_state") != "done"}

    def pick_some(self, left: dict[str, Any]) -> None:
        """Pick for a few that wait, each by some road, and once: a pick that is lost leaves its sequence waiting for ever."""
        waiting = [
            n for n, s in left.items() if s.get("grid_state") == "waiting_for_pick" and n not in self.picked
        ]
        for name in waiting[:3]:
            cell = self.dice.randint(1, 4)
            getattr(self, "_" + self.dice.choice(ROADS).replace(" ", "_"))(name, cell, left[name]["grid_id"])
            self.picked[name] = cell

    def _edited(self, name: str, cell: int) -> str:
        document = json.loads(self.place.file.path.read_text())
        document["sequences"][name]["selected_cell"] = cell
        return json.dumps(document, indent=2)

    def _edit_in_place(self, name: str, cell: int, _grid: str) -> None:
        self.place.file.path.write_text(self._edited(name, cell))

    def _edit_by_rename(self, name: str, cell: int, _grid: str) -> None:
        beside = self.place.file.path.with_name("mine.tmp")
        beside.write_text(self._edited(name, cell))
        beside.rename(self.place.file.path)

    def _pick_file(self, name: str, cell: int, grid: str) -> None:
        (self.place.picks / f"{name}@{grid}.pick").write_text(str(cell))

    def _pick_json(self, name: str, cell: int, grid: str) -> None:
        text = json.dumps({"sequence": name, "cell": cell, "grid": grid, "by": "mara"})
        (self.place.picks / f"{name}.json").write_text(text)

    def _command_line(self, name: str, cell: int, grid: str) -> None:
        words = ["--root", str(self.root), "pick", name, str(cell), "--grid", grid]
        subprocess.run(
            [sys.executable, "-m", "client_async.client_generate", *words], check=True, capture_output=True
        )

    # ------------------------------------------------------------------------------------------ the questions

    def check(self) -> None:
        """Raises AssertionError with what does not hold."""
        sequences = self.document()
        states = {
            name: (s.get("grid_state"), s.get("status"))
            for name, s in sequences.items()
            if s.get("grid_state") != "done"
        }
        assert not states, f"not done: {states}"
        wrong = {
            n: (cell, sequences[n]["keyframe"]["cell"])
            for n, cell in self.picked.items()
            if sequences[n]["keyframe"]["cell"] != cell
        }
        assert not wrong, f"another cell than was picked: {wrong}"
        assert len(self.picked) == self.sequences
        for sequence in sequences.values():
            check_media(self.place.folder / sequence["keyframe"]["path"], "keyframe")
            check_media(self.place.folder / sequence["take"]["path"], "multi_shot")
        assert not list(self.place.file.path.parent.glob("rejected/*")), "a file was refused"
        assert not list(self.place.picks.glob("rejected/*")), "a pick was refused"
        assert self.billed() == self.booked()
        assert self.left_with == 0

    def billed(self) -> Decimal:
        """What the vendor's own book says."""
        book = self.place.folder / "state" / "providers" / "animatic" / "calls.jsonl"
        lines = [json.loads(line) for line in book.read_text().splitlines()]
        self.calls = [line for line in lines if line["billed"]]
        return sum(
            (IMAGE if c["kind"] == "image" else VIDEO * Decimal(str(SECONDS)) for c in self.calls), Decimal(0)
        )

    def booked(self) -> Decimal:
        """What our ledger says was, or may have been, charged."""
        store = ExecutionStore(
            f"sqlite:///{self.place.folder / 'state' / 'execution.db'}",
            project="soak",
            project_dir=self.place.folder,
            clock=SystemClock(),
        )
        spent = store.spent()
        store.close()
        assert spent.get("possible", Decimal(0)) == 0, "every call could be looked up"
        return spent["actual"]


def main() -> None:
    """Print what held, or raise."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sequences", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    ends, rounds = time.monotonic() + asked.minutes * 60, 0
    while rounds == 0 or time.monotonic() < ends:
        with tempfile.TemporaryDirectory() as folder:
            begun = time.monotonic()
            soak = Soak(Path(folder), random.Random(asked.seed + rounds), asked.sequences)
            soak.run(deadline=1800)
            soak.check()
            took = time.monotonic() - begun
            rounds += 1
            print(
                f"round {rounds}: {asked.sequences} sequences done in {took:.0f} s, killed {soak.kills} times, "
                f"{len(soak.calls)} calls billed and booked (${soak.billed()})",
                flush=True,
            )


if __name__ == "__main__":
    main()
