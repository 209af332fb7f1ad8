"""Steps that were begun and that nobody asks for any more: their shot was deleted, reworded or replaced meanwhile.

They are paid for all the same, so they are brought home: whoever owns a project asks for them again and again.
"""

from __future__ import annotations

import structlog

from starsend.errors import StarsendError
from starsend.files import CannotWrite
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.job_collector import StillRunning
from starsend.orchestrator.media_check import BrokenMedia
from starsend.orchestrator.records import OPEN, Step, Take
from starsend.orchestrator.step_ends import NO_ANSWER, StepEnds
from starsend.orchestrator.step_faults import OtherProvider, StepBusy, may_come_late
from starsend.vendor_faults import JobFailed, JobGone, NotSent, ProviderError

log = structlog.get_logger()


class Leftovers:
    """The open steps of one project that no run is at work on."""

    def __init__(self, store: ExecutionStore, ends: StepEnds) -> None:
        self._store = store
        self._ends = ends
        self._told: dict[str, type[StarsendError]] = {}

    def found(self) -> list[Step]:
        """Open steps that nobody is at work on, oldest first, but for lost ones that the vendor cannot be asked for."""
        return [
            step
            for step in self._store.open_steps()
            if self._can_move(step) and not self._store.is_held(step.shot_id)
        ]

    def bring_home(self, step: Step) -> Take | StarsendError | None:
        """Take a step to its end if that can be had now, without waiting; a shot that somebody is at work on is left alone.

        Its take, or what kept it from that; None where nobody can be asked, or the vendor does not know the call.
        """
        bound = {"shot": step.shot_id, "step": step.step_key, "provider": step.provider}
        with structlog.contextvars.bound_contextvars(**bound), self._store.try_hold(step.shot_id) as held:
            now = self._ends.known(step.step_key)
            if not held:
                return StepBusy(now)
            return self._try(now) if now.state in OPEN or may_come_late(now) else None

    def settle_others(self, shot_id: str, step_key: str) -> None:
        """Bring home what earlier requests of a held shot have paid for, before asking for something else."""
        for step in self._store.open_steps(shot_id):
            if step.step_key != step_key:
                self._try(step)

    def _try(self, step: Step) -> Take | StarsendError | None:
        try:
            take = self._settle(step)
        except (JobFailed, JobGone) as ended:
            return ended  # its last word is booked, and told
        except (ProviderError, BrokenMedia, StillRunning, OtherProvider, CannotWrite) as not_now:
            if self._told.get(step.step_key) is not type(not_now):
                self._told[step.step_key] = type(not_now)
                log.warning("step_left_open", other=step.step_key, error=str(not_now))
            return not_now
        self._told.pop(step.step_key, None)
        if take:
            log.info("step_brought_home", other=step.step_key, take=take.take_id)
        return take

    def _settle(self, step: Step) -> Take | None:
        """The take of a step that nobody asks for any more, if there is one now."""
        landed = self._ends.landing.left_behind(step) if step.state != "submitted" else None
        if landed:
            return self._ends.finish(step, landed)
        if step.state == "submitted" or may_come_late(step):
            return self._ends.collect(step, patience=0)
        if not self._ends.provider(step).can_find:
            self._ends.mark_unknown(step, NO_ANSWER)
            return None
        job = self._ends.find(step, NO_ANSWER)
        if job:
            return self._ends.collect(self._ends.accept(step, job), patience=0)
        never = "never sent, then asked for otherwise"
        self._store.never_arrived(step.step_key, NotSent.kind, never)
        return None

    def _can_move(self, step: Step) -> bool:
        try:
            return step.state != "unknown" or self._ends.provider(step).can_find
        except OtherProvider:
            return True  # which is told
