"""The ledger's takes, over an open connection: looking them up and keeping them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select

from starsend.orchestrator.records import Media, Take, record_of
from starsend.orchestrator.tables import steps, takes


def take(connection: Connection, project: str, take_id: str) -> Take | None:
    """The take with this id, if there is one."""
    found = _oldest_first(connection, project, takes.c.take_id == take_id)
    return found[0] if found else None


def finished(connection: Connection, project: str, shot_id: str | None) -> list[Take]:
    """Finished takes of one shot or of all, oldest first."""
    of = steps.c.project == project if shot_id is None else steps.c.shot_id == shot_id
    return _oldest_first(connection, project, of)


def ids(connection: Connection, project: str) -> set[str]:
    """The ids of all takes."""
    return set(connection.scalars(select(takes.c.take_id).where(takes.c.project == project)))


def keep(
    connection: Connection,
    project: str,
    step_key: str,
    media: Media,
    shot_prompts: tuple[str, ...] | None,
    *,
    at: datetime,
) -> None:
    """Write down what a step has made; its key is the take's id."""
    prompts = None if shot_prompts is None else list(shot_prompts)
    row = {**asdict(media), "shot_prompts": prompts, "created_at": at}
    connection.execute(insert(takes).values(take_id=step_key, project=project, **row))


def _oldest_first(connection: Connection, project: str, condition: ColumnElement[bool]) -> list[Take]:
    query = (
        select(takes, steps.c.shot_id, steps.c.kind, steps.c.attempt, steps.c.provider, steps.c.model)
        .join(steps, steps.c.step_key == takes.c.take_id)
        .where(takes.c.project == project, condition)
        .order_by(takes.c.created_at, takes.c.take_id)
    )
    return [_take(row) for row in connection.execute(query)]


def _take(row: Row[Any]) -> Take:
    same = {
        n: getattr(row, n)
        for n in ("take_id", "shot_id", "kind", "attempt", "provider", "model", "created_at")
    }
    prompts = tuple(row.shot_prompts) if row.shot_prompts is not None else None
    return Take(media=record_of(Media, row), shot_prompts=prompts, **same)
