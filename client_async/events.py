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


Listener = Callable[[SequenceMoved], None]
