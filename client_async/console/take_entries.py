"""What the ledger says of takes: where each video comes from, and its shots and prompts as they were when it was made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Final

from pydantic import BaseModel, Field

from client_async.ledger import look_at_store
from client_async.projects import Place
from client_async.sequence_parts import TakeRecord
from starsend.config import load_settings
from starsend.errors import StarsendError
from starsend.orchestrator.execution_store import ExecutionStore

REMEMBERED: Final = 5_000
"""Takes whose entry in the ledger is kept in mind; it never changes."""


class Origin(BaseModel):
    """Where a take comes from. Its price is on another page."""

    provider: str
    model: str
    resolution: str = ""
    start_frame: str = Field(description="SHA-256 of the picture it starts on.")
    made_at: str


class Entry(BaseModel):
    """What the ledger says of one video."""

    origin: Origin
    durations: list[float]
    written: list[str]
    sent: list[str]


class TakeEntries:
    """Reads entries of the ledger, each once: it never changes. Blocking; any thread may use it."""

    def __init__(self) -> None:
        self._entries: dict[tuple[Path, str], Entry] = {}
        self._lock = Lock()

    def entries(self, place: Place, records: Iterable[TakeRecord]) -> tuple[dict[str, Entry], str]:
        """By video, and why some are not known, if so."""
        wanted = sorted({take for record in records for take in record.takes})
        folder = place.folder
        with self._lock:
            found = {take: self._entries[folder, take] for take in wanted if (folder, take) in self._entries}
        missing = [take for take in wanted if take not in found]
        trouble = ""
        if missing:
            try:
                with look_at_store(place, load_settings(place.root, folder), set()) as store:
                    new = {take: entry for take in missing if store and (entry := _entry(store, take))}
            except StarsendError as refused:
                new, trouble = {}, f"its shots are not known: {refused}"
            found |= new
            with self._lock:
                if len(self._entries) > REMEMBERED:
                    self._entries.clear()
                self._entries.update({(folder, take): entry for take, entry in new.items()})
        return found, trouble


def _entry(store: ExecutionStore, take_id: str) -> Entry | None:
    step = store.step(take_id)
    if step is None:
        return None
    take, asked = store.take(take_id), step.request
    sent = [str(prompt) for prompt in asked.get("prompts", ())]
    return Entry(
        origin=Origin(
            provider=take.provider,
            model=take.model,
            resolution=str(asked.get("resolution") or ""),
            start_frame=str(asked.get("start_frame") or ""),
            made_at=take.created_at.isoformat(timespec="seconds"),
        ),
        durations=[float(seconds) for seconds in asked.get("durations", ())],
        written=list(take.shot_prompts or sent),
        sent=sent,
    )
