"""The ledger's schema: steps, takes, keyframes, cost events, sums of spending. SQLAlchemy Core, for SQLite and PostgreSQL.

Types are strict in both: SQLite tables are STRICT, money is an integer of millionths of a dollar, an instant
is text in UTC that sorts as it reads, and every state has a CHECK.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)

from starsend.orchestrator.records import Cap, CostKind, StepKind, StepState
from starsend.pricing import MICRO

Big = BigInteger().with_variant(Integer, "sqlite")


class Money(TypeDecorator[Decimal]):
    """Dollars as Decimal outside, whole millionths inside. Refuses what does not fit a millionth."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:  # noqa: ANN401 - SQLAlchemy's own signature
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        micros = value / MICRO
        if micros != int(micros):
            raise ValueError(f"{value} is finer than a millionth of a dollar")
        return int(micros)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else value * MICRO


class Instant(TypeDecorator[datetime]):
    """A moment with its zone, kept as ``2026-11-23T09:38:00.123456+00:00``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Exact(TypeDecorator[Decimal]):
    """A Decimal of any fineness, as text: unit prices and units."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Json(TypeDecorator[Any]):
    """A small JSON value, as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ANN401 - any JSON
        return None if value is None else json.loads(value)


def _one_of(column: str, literal: Any) -> str:  # noqa: ANN401 - a Literal has no type of its own
    return f"{column} IN ({', '.join(repr(v) for v in get_args(literal))})"


metadata = MetaData()

steps = Table(
    "steps",
    metadata,
    Column("step_key", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("shot_id", Text, nullable=False),
    Column("sequence", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("request", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("handle", Text),
    Column("error_kind", Text),
    Column("error", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("reserved", Money, nullable=False),
    Column("reserved_on", Text, nullable=False),
    CheckConstraint(_one_of("state", StepState), name="step_state"),
    CheckConstraint(_one_of("kind", StepKind), name="step_kind"),
    CheckConstraint("attempt >= 1", name="step_attempt"),
    CheckConstraint("state != 'submitted' OR handle IS NOT NULL", name="step_submitted_has_handle"),
    Index("steps_by_shot", "project", "shot_id"),
    sqlite_strict=True,
)

takes = Table(
    "takes",
    metadata,
    Column("take_id", Text, ForeignKey("steps.step_key"), primary_key=True),
    Column("project", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", Big, nullable=False),
    Column("mime", Text, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("frames", Integer),
    Column("seconds", Exact),
    Column("shot_prompts", Json),
    Column("created_at", Instant, nullable=False),
    sqlite_strict=True,
)

keyframes = Table(
    "keyframes",
    metadata,
    Column("keyframe_id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("shot_id", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("take_id", Text, ForeignKey("takes.take_id")),
    Column("cell", Integer),
    Column("locked_by", Text, nullable=False),
    Column("locked_at", Instant, nullable=False),
    Column("superseded_at", Instant),
    CheckConstraint("cell IS NULL OR cell BETWEEN 1 AND 4", name="keyframe_cell"),
    Index(
        "one_keyframe_a_shot",
        "project",
        "shot_id",
        unique=True,
        sqlite_where=text("superseded_at IS NULL"),
        postgresql_where=text("superseded_at IS NULL"),
    ),
    sqlite_strict=True,
)

cost_events = Table(
    "cost_events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("step_key", Text, ForeignKey("steps.step_key"), nullable=False),
    Column("project", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("units", Exact, nullable=False),
    Column("unit_price", Exact, nullable=False),
    Column("price_as_of", Text, nullable=False),
    Column("amount", Money, nullable=False),
    Column("why", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint(_one_of("kind", CostKind), name="cost_kind"),
    CheckConstraint("kind = 'possible' OR amount >= 0", name="cost_amount"),
    Index("cost_events_by_project", "project", "step_key"),
    sqlite_strict=True,
)

spending = Table(
    "spending",
    metadata,
    Column("project", Text, primary_key=True),
    Column("cap", Text, primary_key=True),
    Column("of", Text, primary_key=True),
    Column("spent", Money, nullable=False),
    Column("reserved", Money, nullable=False),
    CheckConstraint(_one_of("cap", Cap), name="spending_cap"),
    sqlite_strict=True,
)
