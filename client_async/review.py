"""What people say of takes: the one they circle, and notes at a frame. Plain JSON, kept in a sequence's ``review``.

It is the people's field, written by the console and by editors alike, so that an edit of it is merged note by note: what two
people add stays, an old buffer brings nothing back, and a note goes only when somebody says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from client_async.ownership import Raw, same
from starsend.errors import BadInput, UnknownName

LONGEST_TEXT: Final = 2_000
"""Characters."""
MOST_NOTES: Final = 500
"""Of one sequence; every render of sequences.json carries them all."""


class CircledMeanwhile(BadInput):
    """Another take is circled than whoever asks has seen."""

    def __init__(self, name: str, now: str | None) -> None:
        said = f"take {now} has been circled" if now else "the circle has been taken off"
        super().__init__(f"{said} meanwhile", where=name, remedy="look at it and circle again")


class NotYours(BadInput):
    """Somebody else's note."""

    def __init__(self, name: str, by: str) -> None:
        super().__init__(f"this note is {by}'s", where=name, remedy=f"only {by} can delete it")


class TooManyNotes(BadInput):
    """There is no room for another one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there are {MOST_NOTES} notes already, which is the most", where=name, remedy="delete some first"
        )


def review_of(raw: Mapping[str, Any]) -> Raw:
    """A sequence's review as it stands: ``circled`` and ``notes``, whatever else is in it."""
    review = raw.get("review")
    return {"circled": None, "notes": [], **(review if isinstance(review, dict) else {})}


def takes_in(raw: Mapping[str, Any]) -> list[str]:
    """The ids of a sequence's takes, oldest first."""
    history = raw.get("take_history")
    return [
        str(take["take"])
        for take in history or ()
        if isinstance(take, Mapping) and take.get("take") is not None
    ]


def take_number(raw: Mapping[str, Any], take: object) -> int:
    """Which of a sequence's takes one is, counted from its first, 1; 0 when it is none of them."""
    known = list(dict.fromkeys(takes_in(raw)))
    return known.index(str(take)) + 1 if take in known else 0


def circled_take(raw: Mapping[str, Any]) -> str | None:
    """The circled take, if it is one of the sequence's: a copied brief may name another's."""
    circled = review_of(raw)["circled"]
    return circled if isinstance(circled, str) and circled in takes_in(raw) else None


def circle(raw: Raw, name: str, take: str | None, *, seen: str | None) -> None:
    """Circle a take of a raw sequence, or none.

    Args:
        seen: the one that was circled when the person looked.

    Raises UnknownName: there is no such take. CircledMeanwhile: somebody else was faster.
    """
    if take is not None:
        _check_take(raw, name, take)
    review, now = review_of(raw), circled_take(raw)
    if now == take:
        return
    if now != seen:
        raise CircledMeanwhile(name, now)
    raw["review"] = review | {"circled": take}


def add_note(
    raw: Raw, name: str, take: str, *, frame: int, seconds: float, text: str, by: str, at: datetime
) -> Raw:
    """Add a note at a frame (from 0) of a take and return it. Raises UnknownName, TooManyNotes."""
    _check_take(raw, name, take)
    review = review_of(raw)
    if len(review["notes"]) >= MOST_NOTES:
        raise TooManyNotes(name)
    note = {
        "id": secrets.token_hex(6),
        "take": take,
        "frame": frame,
        "seconds": round(seconds, 3),
        "text": text,
        "by": by,
        "at": at.isoformat(timespec="seconds"),
    }
    raw["review"] = review | {"notes": [*review["notes"], note]}
    return note


def remove_note(raw: Raw, name: str, note: str, *, by: str) -> None:
    """Take one's own note out. Raises UnknownName, NotYours."""
    review = review_of(raw)
    found = next((one for one in review["notes"] if one["id"] == note), None)
    if found is None:
        raise UnknownName("note", note, (), where=name)
    if found["by"] != by:
        raise NotYours(name, found["by"])
    raw["review"] = review | {"notes": [one for one in review["notes"] if one["id"] != note]}


def _check_take(raw: Mapping[str, Any], name: str, take: str) -> None:
    known = takes_in(raw)
    if take not in known:
        raise UnknownName("take", take, known, where=name)


# -------------------------------------------------------------------------------------------------- merging


def merged_review(
    value: object, before: object, now: object, earlier: Sequence[object] = ()
) -> tuple[object, list[str]]:
    """A review that somebody has saved, brought into the one that stands; and what its owner should hear.

    Args:
        value: as it was saved.
        before: as they saw it.
        now: as it stands.
        earlier: what was saved of the same render before, in order.

    What is no review at all is handed back as it is: checking it is the caller's.
    """
    if not _is_review(value) or not _is_review(now or {}):
        return value, []
    assert isinstance(value, dict)
    base, stands = _whole(before), _whole(now)
    for saved in earlier:
        # Whoever saves what an earlier save has added goes on from that save, and not from the render.
        added = _ids(_whole(saved)) - _ids(base)
        if same(value, before) or added & _ids(value):
            base = _whole(saved)
    words: list[str] = []
    merged = dict(stands)
    for key in value.keys() - {"notes"}:
        said, seen, there = value[key], base.get(key), stands.get(key)
        if same(said, seen):
            continue
        if not same(there, seen) and not same(there, said):
            words.append(
                f"review.{key} was {there or 'empty'} by then; {said or 'none'} came later and holds"
            )
        merged[key] = said
    said_notes = value["notes"] if "notes" in value else base["notes"]
    known = _ids(base).union(*(_ids(_whole(saved)) for saved in earlier))
    merged["notes"] = _merged_notes(said_notes, base["notes"], stands["notes"], known, words)
    return merged, words


def _merged_notes(
    saved: list[Raw], base: list[Raw], stands: list[Raw], known: set[str], words: list[str]
) -> list[Raw]:
    mine, seen = {note["id"]: note for note in saved}, {note["id"]: note for note in base}
    there = {note["id"]: note for note in stands}
    kept = []
    for name, note in there.items():
        said = mine.get(name, note)
        if name in seen and name not in mine:
            words.append(f'note {name} was left out: it stays; write "deleted": true in it to delete it')
        if said.get("deleted") is not True:
            kept.append(note if same(said, seen.get(name)) else said)
    for name, note in mine.items():
        if name in there or note.get("deleted") is True:
            continue
        if name not in known:
            kept.append(note)
        elif not same(note, seen.get(name)):
            words.append(f"note {name} has been deleted meanwhile: what was changed in it is lost")
    return kept


def _whole(review: object) -> Raw:
    known = review if isinstance(review, dict) and _is_review(review) else {}
    return {"circled": None, **known, "notes": known.get("notes") or []}


def _is_review(review: object) -> bool:
    if not isinstance(review, dict):
        return False
    notes = review.get("notes", [])
    return isinstance(notes, list) and all(
        isinstance(note, dict) and isinstance(note.get("id"), str) for note in notes
    )


def _ids(review: Mapping[str, Any]) -> set[str]:
    notes: Iterable[Raw] = review.get("notes") or ()
    return {note["id"] for note in notes}
