"""One project with one sequence, driven in this process over the real animatic."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from anyio.abc import TaskGroup

from client_async.client_sequence_runner import ClientSequenceRunner
from client_async.desk import Desk
from client_async.events import Event, SequenceMoved
from client_async.projects import Place
from client_async.wiring import make_executor, make_workshop, open_parts
from client_async.workshop import Workshop
from starsend.config import load_settings
from starsend.errors import StarsendError
from tests.conftest import ManualClock

PRICES = [
    {
        "provider": "animatic",
        "model": "storyboard",
        "unit": "image",
        "price": {"*": "0.05"},
        "as_of": "2026-11-01",
    },
    {
        "provider": "animatic",
        "model": "animatic",
        "unit": "second",
        "price": {"*": "0.1"},
        "as_of": "2026-11-01",
    },
]


class Studio:
    """One project with one sequence, driven over the real animatic. Waiting takes no time: ``time`` is moved on."""

    def __init__(self, root: Path, clock: ManualClock, group: TaskGroup) -> None:
        self.place = Place(root, "job")
        self.clock = clock
        self.time = 0.0
        self.moves: list[Event] = []
        self._group = group
        self._open = ExitStack()
        self._shop: Workshop | None = None
        self.write_brief()

    async def advance(self, name: str = "SEQ01") -> StarsendError | None:
        """Take in what people did and go as far as it goes without them; the error that stopped it, if any."""
        self.place.file.take_in()
        desk = Desk(self.shop, monotonic=lambda: self.time, jitter=lambda: 0.0)
        while due := desk.due(name):
            self.time += due.after
            if due.after == 0:
                await desk.work(name)
        assert await self.shop.scribe.render()
        return desk.errors.get(name)

    async def wish(self, **fields: Any) -> StarsendError | None:
        """Ask for something in the document, and go as far as that goes."""
        self.edit(**fields)
        return await self.advance()

    def write_brief(self, **fields: Any) -> None:
        shots = [
            {"prompt": "she waits", "seconds": 0.5, "camera": "hold"},
            {"prompt": "boats leave", "seconds": 0.25},
        ]
        brief = {
            "prompt": "an empty desert under clouds",
            "aspect_ratio": "1:1",
            "shots": shots,
            **fields,
        }
        self.place.file.path.parent.mkdir(parents=True, exist_ok=True)
        self.place.file.path.write_text(json.dumps({"sequences": {"SEQ01": brief}}))

    def edit(self, **fields: Any) -> None:
        """Change the document as a person with an editor would."""
        document = json.loads(self.place.file.path.read_text())
        document["sequences"]["SEQ01"].update(fields)
        self.place.file.path.write_text(json.dumps(document))

    def misbehave(self, **animatic: Any) -> None:
        config = {
            "image": {"size": "1K"},
            "video": {"resolution": "360p"},
            "retry": {"poll_seconds": 0.01},
            "animatic": animatic,
            "prices": PRICES,
        }
        (self.place.folder / "starsend_config.json").write_text(json.dumps(config))

    @property
    def shop(self) -> Workshop:
        if self._shop is None:
            executor = make_executor(
                load_settings(self.place.root, self.place.folder), monotonic=lambda: self.time
            )
            opened = open_parts(self.place, stop=threading.Event(), clock=self.clock, gates=executor.gates)
            parts = self._open.enter_context(opened)
            self.place.file.take_in()
            self._shop = make_workshop(
                self.place,
                parts,
                executor=executor,
                group=self._group,
                listener=self.moves.append,
            )
        return self._shop

    @property
    def runner(self) -> ClientSequenceRunner:
        return ClientSequenceRunner(self.shop, "SEQ01")

    @property
    def bill(self) -> list[str]:
        """The shots that the vendor has billed, in order."""
        book = self.place.folder / "state" / "providers" / "animatic" / "calls.jsonl"
        lines = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
        return [line["shot_id"] for line in lines if line["billed"]]

    @property
    def states(self) -> list[str]:
        """Every state it came into, in order."""
        states = [move.state for move in self.moves if isinstance(move, SequenceMoved)]
        return [state for state, before in zip(states, ["", *states], strict=False) if state != before]

    def close(self) -> None:
        """As when the process ends."""
        self._open.close()
        self._shop = None
        self.place.file.close()
