"""A drop folder beside a document, for the tests of picks."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client_async.pick_folder import PickFolder
from client_async.sequence_file import PickVerdict, SequenceFile

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW = NOON.timestamp()


def waiting(**fields: object) -> dict[str, Any]:
    return {"grid_state": "waiting_for_pick", "grid_id": "g2", "selected_cell": None, "pick": None, **fields}


class Drop:
    """A drop folder beside a document of two sequences; its clock stands at noon until moved."""

    def __init__(self, project: Path) -> None:
        state = project / "state" / "client"
        self.folder = state / "picks"
        self.folder.mkdir(parents=True)
        self.now = NOW
        self.gone_by = 0.0
        self.file = SequenceFile(state / "sequences.json", now=lambda: self.now)
        self.picks = self.open()
        record = {
            "grid": "g2",
            "round": 1,
            "via": "model",
            "verdict": {"ok": True, "reason": "ok", "explanation": ""},
            "at": "2026-11-23T11:00:00+00:00",
        }
        wrong = {**record, "grid": "g1", "verdict": {"ok": False, "reason": "single", "explanation": ""}}
        shots = [{"prompt": "p", "seconds": 1}]
        brief = {
            name: waiting(prompt="p", shots=shots, grid_history=[wrong, record])
            for name in ("SEQ01", "SEQ02")
        }
        self.file.path.write_text(json.dumps({"sequences": brief}), encoding="utf-8")

    def put(self, name: str, content: str | bytes, *, age: float = 1.0) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (NOW - age, NOW - age))
        return path

    def open(self) -> PickFolder:
        return PickFolder(self.folder, self.file, lambda: self.now, monotonic=lambda: self.gone_by)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.gone_by += seconds

    def take(self) -> list[PickVerdict]:
        return self.picks.take_picks()

    def only(self) -> PickVerdict:
        (verdict,) = self.take()
        return verdict

    def pick(self, name: str = "SEQ01") -> dict[str, Any] | None:
        pick: dict[str, Any] | None = self.file.read()["sequences"][name]["pick"]
        return pick

    def cell(self, name: str = "SEQ01") -> object:
        return (self.pick(name) or {}).get("cell")

    def names(self, folder: str = "") -> list[str]:
        """What lies in a folder, but for the house's own."""
        where = self.folder / folder
        own = {"accepted", "rejected", ".claimed", ".lock"}
        return sorted({path.name for path in where.iterdir()} - own) if where.is_dir() else []

    def reason(self, name: str) -> str:
        return (self.folder / "rejected" / f"{name}.reason.txt").read_text(encoding="utf-8")
