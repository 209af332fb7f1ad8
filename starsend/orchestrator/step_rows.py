"""The ledger's steps, over an open connection: looking them up, beginning them, and moving them from states that are named."""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from starsend.clock import Clock
from starsend.errors import StarsendError
from starsend.orchestrator.budget_rows import Purse
from starsend.orchestrator.records import OPEN, Intent, Step, StepState, record_of
from starsend.orchestrator.tables import steps


class StaleMove(StarsendError):
    """Somebody else moved the step first. Nothing was written."""

    def __init__(self, step_key: str, wanted: str, found: str | None) -> None:
        super().__init__(
            f"cannot become {wanted}, it is {found or 'not there'}", where=step_key, remedy="read it again"
        )


@dataclass(frozen=True, slots=True)
class Left:
    """What a step was before it moved: its state, who pays for it, and the dollars that were put aside for it."""

    state: StepState
    purse: Purse
    reserved: Decimal


def step(connection: Connection, step_key: str) -> Step | None:
    """The step with this key, of any project."""
    row = connection.execute(select(steps).where(steps.c.step_key == step_key)).one_or_none()
    return record_of(Step, row) if row else None


def open_steps(connection: Connection, project: str, shot_id: str | None) -> list[Step]:
    """Steps whose end is not known yet, of one shot or of all, oldest first."""
    of_shot = [] if shot_id is None else [steps.c.shot_id == shot_id]
    return _oldest_first(connection, steps.c.project == project, steps.c.state.in_(OPEN), *of_shot)


def failed_steps(connection: Connection, project: str, error_kinds: Collection[str]) -> list[Step]:
    """Steps that have failed in one of some ways, oldest first."""
    failed = steps.c.state == "failed", steps.c.error_kind.in_(error_kinds)
    return _oldest_first(connection, steps.c.project == project, *failed)


def last_attempt(connection: Connection, project: str, shot_id: str) -> int:
    """The highest attempt ever begun for a shot, 0 when there was none."""
    query = select(func.max(steps.c.attempt)).where(steps.c.project == project, steps.c.shot_id == shot_id)
    return connection.scalar(query) or 0


def begin(connection: Connection, intent: Intent, purse: Purse, *, reserved: Decimal, at: datetime) -> None:
    """Write down that a call is about to be made, and what is put aside for it in ``purse``."""
    row = {
        **asdict(intent),
        "project": purse.project,
        "state": "intended",
        "created_at": at,
        "updated_at": at,
        "reserved": reserved,
        "reserved_on": purse.day,
    }
    connection.execute(insert(steps).values(**row))


def move(
    connection: Connection,
    step_key: str,
    leaving: Set[StepState],
    to: StepState,
    *,
    clock: Clock,
    **values: object,
) -> Left:
    """Move a step from one of the states ``leaving``. Raises StaleMove, upon which the transaction has to be undone."""
    # FOR UPDATE holds the row on PostgreSQL; on SQLite the whole transaction is the only writer already.
    columns = (steps.c.state, steps.c.project, steps.c.sequence, steps.c.reserved, steps.c.reserved_on)
    query = select(*columns).where(steps.c.step_key == step_key).with_for_update()
    found = connection.execute(query).one_or_none()
    moved = connection.execute(
        update(steps)
        .where(steps.c.step_key == step_key, steps.c.state.in_(leaving))
        .values({"state": to, "updated_at": clock.now(), **values})
    )
    if moved.rowcount != 1 or found is None:
        raise StaleMove(step_key, to, found.state if found else None)
    return Left(found.state, Purse(found.project, found.sequence, found.reserved_on), found.reserved)


def put_aside(connection: Connection, step_key: str, dollars: Decimal) -> None:
    """Write down how much is reserved for a step."""
    connection.execute(update(steps).where(steps.c.step_key == step_key).values(reserved=dollars))


def _oldest_first(connection: Connection, *conditions: ColumnElement[bool]) -> list[Step]:
    query = select(steps).where(*conditions).order_by(steps.c.created_at, steps.c.step_key)
    return [record_of(Step, row) for row in connection.execute(query)]
