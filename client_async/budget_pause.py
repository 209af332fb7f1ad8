"""Waiting for money: what is kept of the cap that a sequence ran into, and when it goes on by itself."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from client_async.ownership import Raw
from starsend.orchestrator.budget_rows import day_of
from starsend.orchestrator.step_faults import BudgetExceeded
from starsend.sections import BudgetSettings


def pause_of(error: BudgetExceeded) -> dict[str, Any]:
    """The cap that refused a call, and how high it was; JSON, as ``sequences.BudgetPause``."""
    return {"cap": error.before.cap, "of": error.before.of, "limit": f"{error.limit:f}"}


def may_go_on(raw: Raw, caps: BudgetSettings, now: datetime) -> bool:
    """Whether a sequence that waits for money should be tried again: its cap was raised or taken away, or its day is over."""
    pause = raw.get("grid_pause")
    if raw.get("grid_state") != "paused_budget" or raw.get("deleted") or pause is None:
        return False
    limit: Decimal | None = getattr(caps, pause["cap"])
    if limit is None or limit > Decimal(pause["limit"]):
        return True
    return bool(pause["cap"] == "day" and pause["of"] < day_of(now))
