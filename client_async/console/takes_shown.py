"""Takes as the player needs them: files and frames, and shots and prompts as they were when each take was made."""

from __future__ import annotations

from collections.abc import Sequence as Many
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, Field

from client_async.console.media import media_file
from client_async.ledger import look_at_store
from client_async.projects import Place
from client_async.sequence_parts import ReviewNote, TakeRecord
from client_async.sequences import Sequence
from starsend.config import load_settings
from starsend.errors import StarsendError
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.tools.film_facts import FilmFacts, NoFilm, film_facts

REMEMBERED: Final = 5_000
"""Takes whose entry in the ledger is kept in mind; it never changes."""


class ShownPart(BaseModel):
    """One video of a take. ``first``: the frame of the take that it begins with."""

    url: str
    first: int
    frames: int
    rate: tuple[int, int] = Field(description="Frames a second, as a fraction.")
    begins: list[float] | None = Field(
        default=None, description="Seconds at which each frame begins, where the rate is not even."
    )
    width: int
    height: int


class ShownShot(BaseModel):
    """A shot on the timeline: ``prompt`` as it was written then, ``sent`` as the model was asked."""

    first: int
    frames: int
    seconds: float = Field(description="As it was asked for.")
    prompt: str
    sent: str


class Origin(BaseModel):
    """Where a take comes from. Its price is on another page."""

    provider: str
    model: str
    resolution: str = ""
    start_frame: str = Field(description="SHA-256 of the picture it starts on.")
    made_at: str


class ShownTake(BaseModel):
    """A take to watch. ``trouble``: why it cannot be, or why its shots are not known."""

    take: str
    number: int = Field(description="Counted from the sequence's first take, 1.")
    at: str
    holds: bool = Field(description="It is the take that the sequence has now.")
    on_locked: bool = Field(description="It was made from the keyframe that is locked now.")
    frames: int
    seconds: float
    parts: list[ShownPart]
    shots: list[ShownShot]
    origin: Origin | None
    trouble: str


class ShownTakes(BaseModel):
    """A sequence's takes, the one that holds first, then the newest first; and what people say of them."""

    project: str
    sequence: str
    title: str
    circled: str | None
    keyframe: str | None = Field(description="Where the locked keyframe's picture is.")
    takes: list[ShownTake]
    notes: list[ReviewNote]


class Entry(BaseModel):
    """What the ledger says of one video."""

    origin: Origin
    durations: list[float]
    written: list[str]
    sent: list[str]


class TakeBook:
    """Reads takes for the player; what cannot change is read once. Blocking; any thread may use it."""

    def __init__(self) -> None:
        self._entries: dict[tuple[Path, str], Entry] = {}
        self._lock = Lock()

    def takes(self, place: Place, name: str, sequence: Sequence) -> ShownTakes:
        """A sequence's takes. What is wrong with one is told in it."""
        records = list({record.take: record for record in sequence.take_history}.values())
        held = sequence.take.take if sequence.take else None
        numbers = {record.take: number for number, record in enumerate(records, start=1)}
        records.sort(key=lambda record: (record.take == held, numbers[record.take]), reverse=True)
        entries, trouble = self._looked_up(place, records)
        keyframe = sequence.keyframe
        known, circled = {record.take for record in records}, sequence.review.circled
        return ShownTakes(
            project=place.name,
            sequence=name,
            title=sequence.title,
            circled=circled if circled in known else None,
            keyframe=media_url(place, keyframe.path) if keyframe else None,
            takes=[
                shown_take(
                    place,
                    record,
                    entries,
                    trouble,
                    number=numbers[record.take],
                    holds=record.take == held,
                    on_locked=keyframe is not None and record.keyframe == keyframe.sha256,
                )
                for record in records
            ],
            notes=sorted(
                (note for note in sequence.review.notes if note.take in known),
                key=lambda note: (note.frame, note.at),
            ),
        )

    def _looked_up(self, place: Place, records: Many[TakeRecord]) -> tuple[dict[str, Entry], str]:
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


def shown_take(
    place: Place,
    record: TakeRecord,
    entries: dict[str, Entry],
    trouble: str,
    *,
    number: int,
    holds: bool,
    on_locked: bool,
) -> ShownTake:
    """One take, its parts as one after the other."""
    parts: list[ShownPart] = []
    shots: list[ShownShot] = []
    seconds = 0.0
    for take, path in [(part.take, part.path) for part in record.parts] or [(record.take, record.path)]:
        try:
            facts = facts_of(place, path)
        except (FileNotFoundError, NoFilm) as gone:
            trouble = gone.what if isinstance(gone, NoFilm) else f"{path} is not there"
            parts, shots, seconds = [], [], 0.0
            break
        first = parts[-1].first + parts[-1].frames if parts else 0
        parts.append(_part(place, path, facts, first))
        shots += _shots(entries.get(take), facts, first)
        seconds += facts.seconds
    origin = entries[record.take].origin if record.take in entries else None
    if origin is None and not trouble:
        trouble = "its shots are not known: the ledger has no entry of it"
    return ShownTake(
        take=record.take,
        number=number,
        at=record.at,
        holds=holds,
        on_locked=on_locked,
        frames=sum(part.frames for part in parts),
        seconds=round(seconds, 3),
        parts=parts,
        shots=shots,
        origin=origin,
        trouble=trouble,
    )


def frame_at(place: Place, record: TakeRecord, frame: int) -> float | None:
    """Seconds at which a frame of a take begins; None when it has no such frame. Raises FileNotFoundError, NoFilm."""
    before = 0.0
    for path in [part.path for part in record.parts] or [record.path]:
        facts = facts_of(place, path)
        if frame < facts.frames:
            return before + facts.begin_of(frame)
        frame, before = frame - facts.frames, before + facts.seconds
    return None


def facts_of(place: Place, path: str) -> FilmFacts:
    """A video's frames; read once for each content. Raises FileNotFoundError, NoFilm."""
    file = media_file(place.folder, path)
    found = file.stat()
    return _facts(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=5_000)
def _facts(path: Path, _changed: int, _size: int) -> FilmFacts:
    return film_facts(path)


def media_url(place: Place, path: str) -> str:
    """Where the console serves a file of a project."""
    return f"/media/{quote(place.name)}/{quote(path)}"


def _part(place: Place, path: str, facts: FilmFacts, first: int) -> ShownPart:
    return ShownPart(
        url=media_url(place, path),
        first=first,
        frames=facts.frames,
        rate=(facts.rate.numerator, facts.rate.denominator),
        begins=list(facts.begins) if facts.begins else None,
        width=facts.width,
        height=facts.height,
    )


def _shots(entry: Entry | None, facts: FilmFacts, first: int) -> list[ShownShot]:
    """A video's shots in whole frames: cut where they were asked to be, the last one as long as there are frames."""
    if entry is None or not entry.durations:
        return []
    cuts = [0, *(round(end * float(facts.rate)) for end in accumulate(entry.durations))]
    cuts = [*(min(cut, facts.frames) for cut in cuts[:-1]), facts.frames]
    told: Any = zip(pairwise(cuts), entry.durations, entry.written, entry.sent, strict=False)
    return [
        ShownShot(first=first + begin, frames=end - begin, seconds=seconds, prompt=written, sent=sent)
        for (begin, end), seconds, written, sent in told
    ]
