"""Frozen, past-tense facts. They carry ids, never objects: whoever cares reads the state again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SequenceMoved:
    """A sequence came into another state. ``status`` is one line for people."""

    project: str
    sequence: str
    state: str
    status: str


@dataclass(frozen=True, slots=True)
class PickDecided:
    """A pick file was accepted or refused, and why."""

    project: str
    file: str
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PickLocked:
    """A pick, by whatever road it came, was taken up: its cell is the start frame."""

    project: str
    sequence: str
    cell: int


@dataclass(frozen=True, slots=True)
class EditAnswered:
    """Something in a saved brief was not done as it stood there: ``kind`` and the words for people.

    ``sequence`` is empty when it is of the whole file.
    """

    project: str
    sequence: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ClientAnswered:
    """A client has approved a take, or left a note, by a link that was sent to them. ``text`` is one line for people."""

    project: str
    sequence: str
    text: str


@dataclass(frozen=True, slots=True)
class BriefRefused:
    """A brief cannot be read as it stands; work goes on by what was known before."""

    project: str
    error: str


@dataclass(frozen=True, slots=True)
class ProjectOpened:
    """The daemon drives a project now."""

    project: str


@dataclass(frozen=True, slots=True)
class ProjectClosed:
    """The daemon has let go of a project."""

    project: str


Event = (
    SequenceMoved
    | PickDecided
    | PickLocked
    | EditAnswered
    | ClientAnswered
    | BriefRefused
    | ProjectOpened
    | ProjectClosed
)
Listener = Callable[[Event], None]
