"""The open steps of a project as whoever has to decide about them sees them. Looks only: nothing is asked of a vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from starsend.clock import Clock
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.landing import Landing
from starsend.orchestrator.records import OPEN, Step
from starsend.orchestrator.step_ends import charge_of
from starsend.orchestrator.step_faults import BROKEN_PICTURE, GIVEN_UP, RETRY_ACCEPTED, may_come_late

Act = Literal["fetch", "retry", "give-up"]
Stand = Literal["intended", "submitted", "unknown", "to_send_again", "given_up", "failed", "succeeded"]

KEEPS_RESULTS: Mapping[str, timedelta] = MappingProxyType(
    {"veo": timedelta(days=2), "kling": timedelta(days=30)}
)
"""How long a vendor keeps a result, by its own documents (docs/providers.md); of the others it is not documented."""

CAN: Mapping[Stand, tuple[Act, ...]] = MappingProxyType(
    {
        "intended": ("fetch", "retry", "give-up"),
        "submitted": ("fetch", "give-up"),
        "unknown": ("fetch", "retry", "give-up"),
        "to_send_again": ("retry", "give-up"),
        "given_up": ("fetch",),
        "failed": (),
        "succeeded": (),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One step and what stands open about it.

    ``may_cost``: dollars that it costs, or may have. ``until``: when the vendor deletes its result, where that is known.
    ``held``: a run is at work on its shot. ``broken``: bytes that came and do not decode.
    """

    step: Step
    may_cost: Decimal
    until: datetime | None
    held: bool
    broken: Path | None

    @property
    def can(self) -> tuple[Act, ...]:
        """What may be done about it now."""
        return () if self.held else CAN[stand_of(self.step)]


def stand_of(step: Step) -> Stand:
    """Its state; a lost step that somebody has decided to send again, and that was not sent yet, waits ``to_send_again``; one
    that was given up while its job was at the vendor is ``given_up``.
    """
    if may_come_late(step):
        return "given_up"
    return "to_send_again" if (step.state, step.error_kind) == ("failed", RETRY_ACCEPTED) else step.state


def open_cases(store: ExecutionStore, clock: Clock) -> list[Case]:
    """What is open in a project, what is deleted first at the top; also failed steps whose broken bytes are kept, and results
    that were given up and that the vendor may have yet.
    """
    landing, now = Landing(store.project_dir, clock), clock.now()
    found = [*store.open_steps(), *store.failed_steps({RETRY_ACCEPTED, BROKEN_PICTURE, GIVEN_UP})]
    cases = [_case(step, store, landing) for step in found]
    at_work = [case for case in cases if not (case.held and case.step.state == "intended")]
    kept = [case for case in at_work if not (may_come_late(case.step) and case.until and case.until < now)]
    shown = [case for case in kept if case.broken or stand_of(case.step) != "failed"]
    return sorted(shown, key=lambda case: (case.until is None, case.until or case.step.updated_at))


def _case(step: Step, store: ExecutionStore, landing: Landing) -> Case:
    late = may_come_late(step)
    keeps = KEEPS_RESULTS.get(step.provider) if late or step.state == "submitted" else None
    return Case(
        step=step,
        may_cost=charge_of(step).amount,
        # It was submitted when it came into that state; giving it up leaves that time as it is.
        until=step.updated_at + keeps if keeps else None,
        held=(late or step.state in OPEN) and store.is_held(step.shot_id),
        broken=landing.broken(step),
    )
