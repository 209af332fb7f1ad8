"""A project's document with a person at an editor and the daemon, for the tests of sequences.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from client_async.sequence_file import SequenceFile

BRIEF = {"prompt": "a harbour", "shots": [{"prompt": "gulls", "seconds": 3}], "selected_cell": None}


class Desk:
    """A project's document, a person at an editor, and the daemon. The clock stands until it is moved."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sequences.json"
        self.now = 1_800_000_000.0
        self.gone_by = 0.0
        self.path.write_text(
            json.dumps({"$schema": "s.json", "edl": {"fps": 23.976}, "sequences": self.brief()})
        )
        self.file = self.open()
        self.file.take_in()
        assert self.file.render()

    def brief(self) -> dict[str, Any]:
        return {f"SEQ{number:02}": dict(BRIEF) for number in range(1, 13)}

    def open(self) -> SequenceFile:
        return SequenceFile(self.path, now=lambda: self.now, monotonic=lambda: self.gone_by)

    def restart(self) -> None:
        self.file.close()
        self.file = self.open()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.gone_by += seconds

    # what people do

    def buffer(self) -> dict[str, Any]:
        """What an editor has loaded now."""
        loaded: dict[str, Any] = json.loads(self.path.read_text())
        return loaded

    def save(self, buffer: dict[str, Any] | str | bytes) -> None:
        raw = (
            buffer
            if isinstance(buffer, bytes)
            else (buffer if isinstance(buffer, str) else json.dumps(buffer, indent=1)).encode()
        )
        beside = self.path.with_name("external")
        beside.write_bytes(raw)
        beside.rename(self.path)

    def edit(self, name: str = "SEQ01", **fields: Any) -> None:
        buffer = self.buffer()
        buffer["sequences"][name].update(fields)
        self.save(buffer)

    # what the daemon does

    def report(self, name: str = "SEQ01", **fields: Any) -> None:
        self.file.change_all([lambda draft: draft[name].update(fields)])

    def grid(self, grid: str, name: str = "SEQ01") -> None:
        """A new grid waits for a pick."""
        history = self.kept(name).get("grid_history", [])
        record = {
            "grid": grid,
            "round": 1,
            "via": "model",
            "verdict": {"ok": True, "reason": "ok", "explanation": ""},
            "at": "2027-01-15T08:00:00+00:00",
        }
        self.report(
            name,
            grid_id=grid,
            grid_state="waiting_for_pick",
            grid_history=[*history, record],
            selected_cell=None,
            pick=None,
        )
        assert self.file.render()

    def kept(self, name: str = "SEQ01") -> dict[str, Any]:
        """What the journal holds, as another process sees it."""
        file = self.open()
        try:
            return dict(file.read_kept()[0]["sequences"].get(name, {}))
        finally:
            file.close()

    def shown(self, name: str = "SEQ01") -> dict[str, Any]:
        found: dict[str, Any] = self.buffer()["sequences"][name]
        return found

    def told(self, name: str = "SEQ01") -> str:
        return " ".join(notice["text"] for notice in self.kept(name).get("notices", []))
