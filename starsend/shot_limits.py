"""What a vendor takes in one multi-shot request: a dated table, which the config may add to or override."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from starsend.documents import Section, parse_document
from starsend.json_file import read_json

Many = Annotated[int, Field(ge=1)]
NO_END = 86_400
"""Seconds; where no limit is named."""


class Seconds(Section):
    """Lengths that there are, in whole seconds: ``least``, ``least + step``, ... up to ``most``."""

    least: int = Field(ge=1)
    most: int = Field(ge=1, le=NO_END)
    step: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> Seconds:
        if self.most < self.least:
            raise ValueError("most is below least")
        return self

    @property
    def lengths(self) -> range:
        """All of them."""
        return range(self.least, self.most + 1, self.step)

    def words(self) -> str:
        """``1 to 15 s, whole seconds``, or ``4, 6 or 8 s``."""
        if self.step == 1:
            return f"{self.least} to {self.most} s, whole seconds"
        *some, last = map(str, self.lengths)
        return f"{', '.join(some)} or {last} s" if some else f"{last} s"


class ShotLimits(Section):
    """One row of the table: what one request for a take may ask of a model. What is left out is not limited."""

    provider: str
    model: str = Field(description="The model, or a pattern: *kling-video/v3/*")
    shots: Many | None = Field(default=None, description="Shots in a take, at most.")
    characters: Many | None = Field(
        default=None, description="Characters of one shot's prompt as it is sent, at most."
    )
    shot_seconds: Seconds | None = Field(default=None, description="How long one shot may be.")
    total_seconds: Seconds | None = Field(default=None, description="How long all shots together may be.")
    references: Many | None = Field(default=None, description="Reference pictures, at most.")
    elements: Many | None = Field(default=None, description="Elements that have pictures, at most.")
    aspect_ratios: list[Annotated[str, Field(pattern=r"^[1-9]\d*:[1-9]\d*$")]] = Field(
        default=[], description="Shapes of the start frame; any if none is named."
    )
    widest: float | None = Field(
        default=None, ge=1, description="How many times its short side the start frame's long side may be."
    )
    as_of: date
    source: str = ""

    @model_validator(mode="after")
    def _can_be_kept(self) -> ShotLimits:
        if not fitting_seconds([1.0], self):
            raise ValueError("no take of one shot keeps shot_seconds and total_seconds")
        return self


class LimitFile(Section):
    """``shot_limits.json``."""

    limits: list[ShotLimits]


class LimitTable:
    """Limits by provider and model; later rows win, and each stands for itself."""

    def __init__(self, extra: Iterable[ShotLimits] = ()) -> None:
        self._rows = (*_shipped(), *extra)

    def find(self, provider: str, model: str) -> ShotLimits | None:
        """The limits of a model, None when nobody has said what they are."""
        rows = [row for row in self._rows if row.provider == provider and fnmatchcase(model, row.model)]
        return rows[-1] if rows else None


def fitting_seconds(asked: Sequence[float], limits: ShotLimits) -> tuple[int, ...]:
    """Lengths near the asked ones that keep the limits, for as many of the shots from the first on as can be kept; or none."""
    one = limits.shot_seconds.lengths if limits.shot_seconds else range(1, NO_END + 1)
    for count in range(min(len(asked), limits.shots or len(asked)), 0, -1):
        near = [_nearest(seconds, one) for seconds in asked[:count]]
        if limits.total_seconds is None:
            return tuple(near)
        goals = [
            total
            for total in limits.total_seconds.lengths
            if count * one[0] <= total <= count * one[-1] and (total - count * one[0]) % one.step == 0
        ]
        if goals:
            return _stretched(near, min(goals, key=lambda total: abs(total - sum(near))), one.step)
    return ()


def _nearest(seconds: float, lengths: range) -> int:
    at = round((seconds - lengths[0]) / lengths.step)
    return lengths[max(0, min(at, len(lengths) - 1))]


def _stretched(lengths: list[int], total: int, step: int) -> tuple[int, ...]:
    """Make the shortest longer, or the longest shorter, until they come to ``total``, which they can."""
    while (now := sum(lengths)) != total:
        at = lengths.index(min(lengths) if now < total else max(lengths))
        lengths[at] += step if now < total else -step
    return tuple(lengths)


@cache
def _shipped() -> tuple[ShotLimits, ...]:
    path = Path(__file__).with_name("shot_limits.json")
    return tuple(parse_document(LimitFile, read_json(path), path).limits)
