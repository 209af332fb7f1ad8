"""Reporting on a sequence: the daemon's fields are kept, the move is checked, and whoever listens is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from client_async.budget_pause import pause_of
from client_async.draft import Draft
from client_async.events import SequenceMoved
from client_async.ownership import Raw
from client_async.states import PARKED, RESTING, GridState, check_move
from client_async.workshop import Workshop
from starsend.errors import StarsendError
from starsend.orchestrator.step_faults import BudgetExceeded, StepFailed, StepUnknown

log = structlog.get_logger()
Moment = tuple[str, str]
"""State and status."""


class Reporter:
    """Writes down what becomes of the sequence called ``name``."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._shop = workshop
        self._name = name

    async def report(self, **fields: Any) -> None:  # noqa: ANN401 - JSON values
        """Keep daemon-owned fields, and wishes that were taken over, and tell whoever listens."""
        await self.change(lambda _raw: fields, at_once=fields.get("grid_state") in RESTING | PARKED)

    async def change(self, edit: Callable[[Raw], Raw], *, at_once: bool = True) -> None:
        """Let ``edit`` look at the sequence as it is by then, and keep the fields it gives. ``at_once``: a person waits."""

        def change(draft: Draft) -> tuple[Moment, Moment]:
            raw = draft[self._name]
            before = _moment(raw)
            fields = edit(raw)
            if "grid_state" in fields:
                check_move(self._name, before[0], fields["grid_state"])
            # A wish that was never made need not be written down as not made.
            raw.update(
                {key: value for key, value in fields.items() if value or key in raw or key == "grid_state"}
            )
            return before, _moment(raw)

        before, now = await self._shop.scribe.change(change, at_once=at_once)
        if now != before:
            state, status = now
            if state != before[0]:
                log.info("sequence_moved", state=state, status=status)
            self._shop.listener(SequenceMoved(self._shop.project, self._name, state, status))

    async def park(self, error: StarsendError) -> None:
        """Write down why the sequence cannot go on, and leave it to a person."""
        told: Raw = {"grid_state": _parked(error), "status": str(error), "grid_fault": type(error).__name__}
        if isinstance(error, BudgetExceeded):
            told["grid_pause"] = pause_of(error)

        def edit(raw: Raw) -> Raw:
            # What has failed for good says why already; that it was asked for again is no news.
            known = isinstance(error, StepFailed) and raw.get("grid_state") == "failed"
            return {**({} if known else told), "resume": False, "retake": False, "adopt": None}

        await self.change(edit)


def _parked(error: StarsendError) -> GridState:
    if isinstance(error, BudgetExceeded):
        return "paused_budget"
    return "recovery" if isinstance(error, StepUnknown) else "failed"


def _moment(raw: Raw) -> Moment:
    return raw.get("grid_state", "new"), raw.get("status", "")
