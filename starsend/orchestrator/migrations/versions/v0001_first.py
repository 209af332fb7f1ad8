"""The first schema: steps, takes, keyframes, cost events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "steps",
        sa.Column("step_key", sa.Text, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("shot_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("request_digest", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("handle", sa.Text),
        sa.Column("error_kind", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.CheckConstraint(
            "state IN ('intended', 'submitted', 'succeeded', 'failed', 'unknown')", name="step_state"
        ),
        sa.CheckConstraint("kind IN ('keyframe', 'multi_shot')", name="step_kind"),
        sa.CheckConstraint("attempt >= 1", name="step_attempt"),
        sa.CheckConstraint("state != 'submitted' OR handle IS NOT NULL", name="step_submitted_has_handle"),
        sqlite_strict=True,
    )
    op.create_index("steps_by_shot", "steps", ["project", "shot_id"])
    op.create_table(
        "takes",
        sa.Column("take_id", sa.Text, sa.ForeignKey("steps.step_key"), primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("size_bytes", big, nullable=False),
        sa.Column("mime", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("frames", sa.Integer),
        sa.Column("seconds", sa.Text),
        sa.Column("shot_prompts", sa.Text),
        sa.Column("created_at", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "keyframes",
        sa.Column("keyframe_id", sa.Integer, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("shot_id", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("take_id", sa.Text, sa.ForeignKey("takes.take_id")),
        sa.Column("cell", sa.Integer),
        sa.Column("locked_by", sa.Text, nullable=False),
        sa.Column("locked_at", sa.Text, nullable=False),
        sa.Column("superseded_at", sa.Text),
        sa.CheckConstraint("cell IS NULL OR cell BETWEEN 1 AND 4", name="keyframe_cell"),
        sqlite_strict=True,
    )
    current = sa.text("superseded_at IS NULL")
    op.create_index(
        "one_keyframe_a_shot",
        "keyframes",
        ["project", "shot_id"],
        unique=True,
        sqlite_where=current,
        postgresql_where=current,
    )
    op.create_table(
        "cost_events",
        sa.Column("event_id", sa.Integer, primary_key=True),
        sa.Column("step_key", sa.Text, sa.ForeignKey("steps.step_key"), nullable=False),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("units", sa.Text, nullable=False),
        sa.Column("unit_price", sa.Text, nullable=False),
        sa.Column("price_as_of", sa.Text, nullable=False),
        sa.Column("amount", big, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.CheckConstraint("kind IN ('estimated', 'actual', 'possible')", name="cost_kind"),
        sa.CheckConstraint("kind = 'possible' OR amount >= 0", name="cost_amount"),
        sqlite_strict=True,
    )
    op.create_index("cost_events_by_project", "cost_events", ["project", "step_key"])


def downgrade() -> None:
    raise RuntimeError("the ledger of money is never taken back a version; restore a backup instead")
