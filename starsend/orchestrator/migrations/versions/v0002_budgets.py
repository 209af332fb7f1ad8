"""Budgets: whose money a step is paid from, what is reserved for it, and sums of both by project, sequence and day."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from decimal import ROUND_UP, Decimal

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

FRAMES = re.compile(r"(_grid(_c[1-4])?|_frame)$")
"""What a sequence's pictures were booked under until now, after its name."""


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("steps", sa.Column("sequence", sa.Text, nullable=False, server_default=""))
    op.add_column("steps", sa.Column("reserved", big, nullable=False, server_default=sa.text("0")))
    op.add_column("steps", sa.Column("reserved_on", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "spending",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("cap", sa.Text, primary_key=True),
        sa.Column("of", sa.Text, primary_key=True),
        sa.Column("spent", big, nullable=False),
        sa.Column("reserved", big, nullable=False),
        sa.CheckConstraint("cap IN ('project', 'sequence', 'day')", name="spending_cap"),
        sqlite_strict=True,
    )
    connection = op.get_bind()
    _say_whose(connection)
    _reserve_what_is_open(connection)
    _add_up(connection)


def _say_whose(connection: sa.Connection) -> None:
    connection.execute(sa.text("UPDATE steps SET reserved_on = substr(created_at, 1, 10)"))
    for project, shot in connection.execute(sa.text("SELECT DISTINCT project, shot_id FROM steps")).all():
        connection.execute(
            sa.text("UPDATE steps SET sequence = :sequence WHERE project = :project AND shot_id = :shot"),
            {"sequence": FRAMES.sub("", shot), "project": project, "shot": shot},
        )


def _reserve_what_is_open(connection: sa.Connection) -> None:
    """A step that is ``unknown`` is booked as possible already."""
    query = "SELECT step_key, request FROM steps WHERE state IN ('intended', 'submitted')"
    for key, request in connection.execute(sa.text(query)).all():
        asked = json.loads(request)
        if "price" in asked:
            dollars = Decimal(asked["units"]) * Decimal(asked["price"]["unit_price"])
            millionths = int((dollars * 1_000_000).to_integral_value(ROUND_UP))
            connection.execute(
                sa.text("UPDATE steps SET reserved = :amount WHERE step_key = :key"),
                {"amount": millionths, "key": key},
            )


def _add_up(connection: sa.Connection) -> None:
    spent: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    reserved: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    charged = (
        "SELECT s.project, s.sequence, s.reserved_on, SUM(e.amount) FROM cost_events e"
        " JOIN steps s ON s.step_key = e.step_key WHERE e.kind != 'estimated' GROUP BY 1, 2, 3"
    )
    put_aside = (
        "SELECT project, sequence, reserved_on, SUM(reserved) FROM steps WHERE reserved > 0 GROUP BY 1, 2, 3"
    )
    for sums, query in ((spent, charged), (reserved, put_aside)):
        for project, sequence, day, amount in connection.execute(sa.text(query)).all():
            for cap, of in (("project", project), ("sequence", sequence), ("day", day)):
                sums[project, cap, of] += int(amount)
    for project, cap, of in spent.keys() | reserved.keys():
        row = {"project": project, "cap": cap, "of": of}
        amounts = {"spent": spent[project, cap, of], "reserved": reserved[project, cap, of]}
        connection.execute(
            sa.text("INSERT INTO spending VALUES (:project, :cap, :of, :spent, :reserved)"), row | amounts
        )


def downgrade() -> None:
    raise RuntimeError("the ledger of money is never taken back a version; restore a backup instead")
