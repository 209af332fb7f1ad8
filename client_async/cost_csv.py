"""The ledger for a spreadsheet: one row a cost event, with all that is known of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC

from client_async.cost_report import Booked, ProjectCosts

COLUMNS = (
    "at_utc",
    "project",
    "sequence",
    "work",
    "shot",
    "attempt",
    "step",
    "step_state",
    "kind",
    "asked_provider",
    "asked_model",
    "priced_provider",
    "priced_model",
    "unit",
    "units",
    "unit_price_usd",
    "price_as_of",
    "amount_usd",
    "why",
)
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula, or passes over before it looks for one."""


def as_csv(projects: Iterable[ProjectCosts]) -> str:
    """RFC 4180, a header first, oldest events first. A text that a spreadsheet would calculate begins with ``'``."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for costs in projects:
        writer.writerows(_row(costs.project, one) for one in costs.booked)
    return out.getvalue()


def _row(project: str, one: Booked) -> list[str]:
    event = one.event
    return [
        event.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        *map(_text, (project, one.owner, one.work, event.shot_id)),
        str(event.attempt),
        *map(_text, (event.step_key, event.step_state, event.kind)),
        *map(_text, (event.asked_provider, event.asked_model, event.provider, event.model, event.unit)),
        f"{event.units:f}",  # a number, and negative where a possible charge is taken back
        f"{event.unit_price:f}",
        _text(event.price_as_of),
        f"{event.amount:.6f}",
        _text(event.why),
    ]


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(FORMULA_SIGNS) else value
