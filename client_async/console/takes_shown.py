"""Takes as the player needs them: files and frames, and shots and prompts as they were when each take was made."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

from pydantic import BaseModel, Field

from client_async.console.take_entries import Entry, Origin, TakeEntries
from client_async.console.take_frames import facts_of, media_url
from client_async.console.verdicts import ClientVerdict, verdicts_of
from client_async.projects import Place
from client_async.sequence_parts import ReviewNote, TakeRecord
from client_async.sequences import Sequence
from starsend.tools.film_facts import FilmFacts, NoFilm


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


class ShownTake(BaseModel):
    """A take to watch. ``trouble``: why it cannot be, or why its shots are not known."""

    take: str
    number: int = Field(description="Counted from the sequence's first take, 1.")
    at: str
    holds: bool = Field(description="It is the take that the sequence has now.")
    keyframe: str = Field(description="SHA-256 of the keyframe that it was made from.")
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
    verdicts: list[ClientVerdict] = Field(description="What clients have answered, the newest first.")


class TakeBook:
    """Reads takes for the player; what cannot change is read once. Blocking; any thread may use it."""

    def __init__(self) -> None:
        self._ledger = TakeEntries()

    def takes(self, place: Place, name: str, sequence: Sequence) -> ShownTakes:
        """A sequence's takes. What is wrong with one is told in it."""
        records = list({record.take: record for record in sequence.take_history}.values())
        held = sequence.take.take if sequence.take else None
        numbers = {record.take: number for number, record in enumerate(records, start=1)}
        records.sort(key=lambda record: (record.take == held, numbers[record.take]), reverse=True)
        entries, trouble = self._ledger.entries(place, records)
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
            verdicts=verdicts_of(sequence.model_dump(mode="json")),
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
        keyframe=record.keyframe,
        on_locked=on_locked,
        frames=sum(part.frames for part in parts),
        seconds=round(seconds, 3),
        parts=parts,
        shots=shots,
        origin=origin,
        trouble=trouble,
    )


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
