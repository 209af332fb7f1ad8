"""What the ledger hands out: frozen rows, and the intent a step begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypeVar

StepKind = Literal["keyframe", "multi_shot"]
StepState = Literal["intended", "submitted", "succeeded", "failed", "unknown"]
OPEN: frozenset[StepState] = frozenset({"intended", "submitted", "unknown"})
"""The end of such a step is not known yet, and it may have cost money."""
CostKind = Literal["estimated", "actual", "possible"]
Cap = Literal["project", "sequence", "day"]
"""What a budget may cap: all of a project, each sequence of it, each day (UTC) of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A paid call about to be made. ``request`` is what is asked, as JSON, for people to read later.

    ``sequence`` is whose budget it is paid from.
    """

    step_key: str
    shot_id: str
    sequence: str
    kind: StepKind
    attempt: int
    provider: str
    model: str
    request_digest: str
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A paid call and how far it got. ``handle`` is the vendor's job id once there is one."""

    step_key: str
    shot_id: str
    sequence: str
    kind: StepKind
    attempt: int
    provider: str
    model: str
    state: StepState
    request: Mapping[str, Any]
    handle: str | None
    error_kind: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A finished file: ``path`` is relative to the project's folder, ``seconds`` and ``frames`` are a video's."""

    path: str
    sha256: str
    size_bytes: int
    mime: str
    width: int
    height: int
    frames: int | None = None
    seconds: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One finished paid step: a drawn picture or a multi-shot video. Its id is its step key."""

    take_id: str
    shot_id: str
    kind: StepKind
    attempt: int
    provider: str
    model: str
    media: Media
    shot_prompts: tuple[str, ...] | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyframe:
    """A locked start frame: who locked it, when, and which take and cell it was cut from."""

    shot_id: str
    path: str
    sha256: str
    take_id: str | None
    cell: int | None
    locked_by: str
    locked_at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEvent:
    """Money, once written never changed. A ``possible`` charge that is cleared up is taken back by a negative one.

    ``provider`` and ``model`` say whose price it is: of an estimate for a free stand-in, the vendor's it stands for.
    ``asked_provider`` and ``asked_model`` are who was asked; ``step_state`` is how far the step is by now.
    """

    step_key: str
    shot_id: str
    attempt: int
    step_state: StepState
    asked_provider: str
    asked_model: str
    kind: CostKind
    provider: str
    model: str
    unit: str
    units: Decimal
    unit_price: Decimal
    price_as_of: str
    amount: Decimal
    why: str
    created_at: datetime


class StepCosts(NamedTuple):
    """What one step has cost on one day (UTC, ``2026-11-23``), in dollars by kind of cost event; other fields as theirs.

    A tuple, for there may be a hundred thousand of them.
    """

    step_key: str
    shot_id: str
    attempt: int
    step_state: StepState
    asked_provider: str
    asked_model: str
    day: str
    actual: Decimal
    possible: Decimal
    estimated: Decimal
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What one cap speaks of: ``of`` is the project, a sequence or a day (``2026-11-23``); all amounts in dollars.

    ``spent`` was charged or may have been; ``reserved`` are calls whose end is not known yet.
    """

    cap: Cap
    of: str
    spent: Decimal
    reserved: Decimal

    @property
    def committed(self) -> Decimal:
        """What counts against the cap."""
        return self.spent + self.reserved


R = TypeVar("R", Step, Media, Keyframe, CostEvent)


def record_of(kind: type[R], row: object) -> R:
    """A record from the columns of the same names of a row, which may have others."""
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
