"""What is spent and what is reserved, kept by project, sequence and day, over an open connection.

These are sums of what steps and cost events say, kept because adding those up before each call would take longer the more
there are. They move in the transaction that moves the step, as its last statement: on PostgreSQL the project's row is locked
from there to the commit, on SQLite the whole transaction is the only writer, so no two calls ever see the same room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from starsend.orchestrator.records import Spending
from starsend.orchestrator.step_faults import BudgetExceeded
from starsend.orchestrator.tables import spending
from starsend.sections import BudgetSettings

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Purse:
    """Whose money a step is paid from. ``day`` is that of its reservation, in UTC, whenever it ends."""

    project: str
    sequence: str
    day: str


def day_of(moment: datetime) -> str:
    """``2026-11-23``, in UTC."""
    return moment.astimezone(UTC).date().isoformat()


def shift(
    connection: Connection, purse: Purse, *, spent: Decimal = ZERO, reserved: Decimal = ZERO
) -> list[Spending]:
    """Add to what is spent and reserved; either may be below zero. What stands against each cap after it."""
    if not (spent or reserved):
        return []
    # Always in this order, so that no two writers wait for each other in a ring.
    names = (("project", purse.project), ("sequence", purse.sequence), ("day", purse.day))
    rows = [
        {"project": purse.project, "cap": cap, "of": of, "spent": spent, "reserved": reserved}
        for cap, of in names
    ]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(spending).values(rows)
    query = new.on_conflict_do_update(
        index_elements=["project", "cap", "of"],
        set_={
            "spent": spending.c.spent + new.excluded.spent,
            "reserved": spending.c.reserved + new.excluded.reserved,
        },
    ).returning(spending.c.cap, spending.c.of, spending.c.spent, spending.c.reserved)
    return [Spending(**row._mapping) for row in connection.execute(query)]


def reserve(connection: Connection, purse: Purse, amount: Decimal, caps: BudgetSettings) -> None:
    """Put ``amount`` aside for a call. Raises BudgetExceeded, upon which the transaction has to be undone."""
    for after in shift(connection, purse, reserved=amount):
        limit: Decimal | None = getattr(caps, after.cap)
        if limit is not None and after.committed > limit:
            before = Spending(cap=after.cap, of=after.of, spent=after.spent, reserved=after.reserved - amount)
            raise BudgetExceeded(purse.sequence, before, limit, amount)


def sums(connection: Connection, project: str) -> list[Spending]:
    """What a project has spent and reserved, by each cap there may be."""
    query = select(spending.c.cap, spending.c.of, spending.c.spent, spending.c.reserved).where(
        spending.c.project == project
    )
    return [Spending(**row._mapping) for row in connection.execute(query.order_by(spending.c.of))]
