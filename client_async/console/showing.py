"""What a client is shown of a project: chosen takes, and start frames of what has none yet. No prompt, no cost, no provider.

What is chosen is written down when it is chosen: a take that is made or circled later is not shown to anybody in its place,
and whoever approves has seen what they approve.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from client_async.review import circled_take, take_number
from client_async.sequence_parts import AnsweredFrame
from starsend.errors import BadInput, UnknownName

MOST_SHOWN: Final = 200
"""Entries of one link or handout."""


class Choice(BaseModel):
    """One entry: a take, or the start frame that was locked where there was no take. One of both is empty."""

    sequence: str
    take: str = ""
    picture: str = ""
    start_frame: AnsweredFrame | None = None
    """Which one the picture is; links of before this was written down have none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A choice as it stands now. ``videos``: more than one of a divided take; none of a still or of what is gone.
    ``start_frame``: which one it shows, if it is a still. ``name``: the sequence's, with the take's number where more than one
    of it are shown.
    """

    number: int
    sequence: str
    name: str
    title: str
    take: str
    picture: str
    videos: tuple[str, ...]
    start_frame: AnsweredFrame | None = None


class NothingToShow(BadInput):
    """There is neither a take nor a start frame."""

    def __init__(self, sequence: str) -> None:
        super().__init__(
            "there is nothing to show yet", where=sequence, remedy="lock a start frame or make a take first"
        )


def choose(sequences: Mapping[str, Mapping[str, Any]], wanted: Sequence[str]) -> list[Choice]:
    """What is meant by names of sequences and ids of takes; by none, everything that can be shown.

    A sequence's name means its circled take, else the one that holds, else its locked start frame.

    Raises UnknownName, NothingToShow, BadInput: too much, or nothing at all.
    """
    if wanted:
        # A sequence and the take that it means are one entry.
        found = list(
            {(c.sequence, c.take): c for c in (_chosen(sequences, name) for name in wanted)}.values()
        )
    else:
        found = [
            choice
            for name, raw in sequences.items()
            if raw.get("deleted") is not True and (choice := _of_sequence(name, raw))
        ]
    if not found:
        raise BadInput("no sequence has a take or a locked start frame yet", remedy="make one first")
    if len(found) > MOST_SHOWN:
        raise BadInput(
            f"{len(found)} are chosen, at most {MOST_SHOWN} are shown at once", remedy="choose fewer"
        )
    return found


def can_be_shown(name: str, raw: Mapping[str, Any]) -> Choice | None:
    """What a sequence's name would mean now, if anything."""
    return None if raw.get("deleted") is True else _of_sequence(name, raw)


def entries(sequences: Mapping[str, Mapping[str, Any]], chosen: Iterable[Choice]) -> list[Entry]:
    """Choices as they stand now, numbered from 1."""
    found, chosen = [], list(chosen)
    shown = Counter(choice.sequence for choice in chosen)
    for number, choice in enumerate(chosen, 1):
        raw = sequences.get(choice.sequence, {})
        nth = take_number(raw, choice.take) if shown[choice.sequence] > 1 else 0
        name = f"{choice.sequence} take {nth}" if nth else choice.sequence
        videos = _takes(raw).get(choice.take, ())
        title = str(raw.get("title") or "")
        found.append(
            Entry(
                number, choice.sequence, name, title, choice.take, choice.picture, videos, choice.start_frame
            )
        )
    return found


def _chosen(sequences: Mapping[str, Mapping[str, Any]], wanted: str) -> Choice:
    if wanted in sequences:
        choice = _of_sequence(wanted, sequences[wanted])
        if choice is None:
            raise NothingToShow(wanted)
        return choice
    owner = next((name for name, raw in sequences.items() if wanted in _takes(raw)), None)
    if owner is None:
        raise UnknownName("sequence or take", wanted, sequences)
    return Choice(sequence=owner, take=wanted)


def _of_sequence(name: str, raw: Mapping[str, Any]) -> Choice | None:
    take, keyframe = raw.get("take"), raw.get("keyframe")
    held = take.get("take") if isinstance(take, Mapping) else None
    if shown := circled_take(raw) or held:
        return Choice(sequence=name, take=shown)
    if isinstance(keyframe, Mapping) and keyframe.get("path"):
        frame = AnsweredFrame(grid=keyframe["grid"], cell=keyframe["cell"], keyframe=keyframe["sha256"])
        return Choice(sequence=name, picture=keyframe["path"], start_frame=frame)
    return None


def _takes(raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The files of each take of a sequence, in order."""
    found = {}
    for take in [*(raw.get("take_history") or ()), raw.get("take")]:
        if isinstance(take, Mapping) and take.get("take"):
            parts = take.get("parts") or [take]
            found[str(take["take"])] = tuple(str(part["path"]) for part in parts if part.get("path"))
    return found
