"""What clients read: days, lengths, and the captions of a contact sheet."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

Paper = Literal["a4", "letter"]


class Still(NamedTuple):
    """A JPEG and what is said below it. ``length`` is empty where there is no take."""

    picture: Path
    sequence: str
    title: str
    length: str


def day(when: date, *, hour: bool = False) -> str:
    """As people write it: 9 December 2026."""
    return f"{when.day} {when:%B %Y, %H:%M}" if hour else f"{when.day} {when:%B %Y}"


def clock(seconds: float) -> str:
    """Minutes and seconds, as players show them."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"
