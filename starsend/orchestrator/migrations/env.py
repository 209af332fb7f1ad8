"""Run by Alembic: apply the versions over the connection that `Database._migrate` hands in."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
