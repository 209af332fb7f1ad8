"""The ledger for a spreadsheet: one row a cost event, with all that is known of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date

from client_async.work_classes import Work
from starsend.orchestrator.records import CostEvent

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


@dataclass(frozen=True, slots=True)
class Entry:
    """A cost event, the sequence or house shot it was spent on, and the work it was for."""

    event: CostEvent
    owner: str
    work: Work

    @property
    def day(self) -> date:
        """The day in UTC on which it was booked."""
        return self.event.created_at.astimezone(UTC).date()


def as_csv(projects: Mapping[str, Iterable[Entry]]) -> str:
    """RFC 4180, a header first, oldest events first. A text that a spreadsheet would calculate begins with ``'``."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for project, entries in projects.items():
        writer.writerows(_row(project, one) for one in entries)
    return out.getvalue()


def _row(project: str, one: Entry) -> list[str]:
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
