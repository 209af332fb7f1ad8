"""What is spent and reserved against each cap of a project, for ``status``. Blocking; looks at the ledger and leaves no trace."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from client_async.ledger import cited_in, look_at_store
from client_async.projects import Place
from starsend.clock import Clock
from starsend.config import load_settings
from starsend.orchestrator.budget_rows import day_of
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Cap, Spending
from starsend.sections import BudgetSettings


def budget_rows(
    place: Place, sequences: Mapping[str, Mapping[str, Any]], clock: Clock
) -> list[dict[str, Any]]:
    """A row for the project and for today (UTC) where they are capped, and for each sequence that has cost something, the
    dearest first. Dollars as text with six decimals. Raises StarsendError: settings or ledger cannot be read.

    Args:
        sequences: raw, as they stand: the ledger must know what they cite.
    """
    settings = load_settings(place.root, place.folder)
    if not is_capped(settings.budget):
        return []
    with look_at_store(place, settings, cited_in(sequences.values())) as store:
        return rows_in(store, settings.budget, place, clock)


def is_capped(caps: BudgetSettings) -> bool:
    """Whether there is any cap."""
    return not (caps.project is None and caps.day is None and caps.sequence is None)


def rows_in(
    store: ExecutionStore | None, caps: BudgetSettings, place: Place, clock: Clock
) -> list[dict[str, Any]]:
    """As ``budget_rows``, from a ledger that is open already; None where there is none yet."""
    limits: dict[Cap, Decimal | None] = {
        "project": caps.project,
        "day": caps.day,
        "sequence": caps.sequence,
    }
    names = {"project": store.project if store else place.name, "day": day_of(clock.now())}
    found = {(spending.cap, spending.of): spending for spending in (store.spending() if store else ())}
    rows: list[dict[str, Any]] = []
    for cap, limit in limits.items():
        if limit is None:
            continue
        if cap == "sequence":
            stands = [spending for spending in found.values() if spending.cap == cap and spending.committed]
        else:
            none = Spending(cap=cap, of=names[cap], spent=Decimal(0), reserved=Decimal(0))
            stands = [found.get((cap, names[cap]), none)]
        stands.sort(key=lambda spending: spending.committed, reverse=True)
        rows += [budget_row(spending, limit, place) for spending in stands]
    return rows


def budget_row(stands: Spending, limit: Decimal, place: Place) -> dict[str, Any]:
    """One row: what stands against a cap of ``limit`` dollars."""
    return {
        "cap": stands.cap,
        "of": place.name if stands.cap == "project" else stands.of,  # a ledger keeps an older name
        "limit": f"{limit:.6f}",
        "spent": f"{stands.spent:.6f}",
        "reserved": f"{stands.reserved:.6f}",
    }
