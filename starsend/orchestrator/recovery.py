"""What a person may decide about a paid step whose end is unknown: ask the vendor again, send it again, or give it up.

Each looks first at what can be had for free. What a lost call may have cost stays booked, whatever is decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import structlog

from starsend.errors import BadInput, StarsendError, UnknownName
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.leftovers import Leftovers
from starsend.orchestrator.open_cases import CAN, Act, stand_of
from starsend.orchestrator.records import OPEN, Step, Take
from starsend.orchestrator.step_ends import NO_ANSWER, StepEnds, charge_of
from starsend.orchestrator.step_faults import GIVEN_UP, RETRY_ACCEPTED, StepBusy

log = structlog.get_logger()


class NotOpen(BadInput):
    """There is nothing to decide about this step any more."""

    def __init__(self, step: Step) -> None:
        words = {"to_send_again": "it is to be sent again already", "succeeded": "its take is there"}
        ended = words.get(stand_of(step), f"it has failed: {step.error}")
        super().__init__(f"this step is not open any more, {ended}", where=step.step_key)


class AtTheVendor(BadInput):
    """The vendor has confirmed the call: to send it again would be to pay for it again."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            f"{step.provider} has this call as {step.handle}, so it is not sent again",
            where=step.step_key,
            remedy=f"`starsend recover fetch {step.step_key}` brings it home for free",
        )


class SeveralOpen(BadInput):
    """One step was to be decided about, and the name fits more."""

    def __init__(self, target: str, found: Collection[Step]) -> None:
        keys = ", ".join(step.step_key for step in found)
        super().__init__(f"{len(found)} steps are open: {keys}", where=target, remedy="name one of them")


class Recovery:
    """Decisions about the open steps of one project. Each raises StepBusy where a run is at work on the step's shot."""

    def __init__(self, store: ExecutionStore, ends: StepEnds, leftovers: Leftovers) -> None:
        self._store = store
        self._ends = ends
        self._leftovers = leftovers

    def find(self, target: str, act: Act) -> list[Step]:
        """The steps that ``target``, a step or a sequence, names and that ``act`` is for, oldest first.

        Raises NotOpen, AtTheVendor, UnknownName.
        """
        known = self._known()
        named = [step for step in known if target in (step.step_key, step.sequence, step.shot_id)]
        fit = [step for step in named if act in CAN[stand_of(step)]]
        if fit:
            return fit
        for step in named:
            if step.state == "submitted":
                raise AtTheVendor(step)
        ended = self._store.step(target)
        if ended is not None:
            raise NotOpen(ended)
        names = {step.step_key for step in known} | {step.sequence for step in known}
        raise UnknownName("open step", target, names)

    def fetchable(self) -> list[Step]:
        """All that the vendor may be asked for, oldest first."""
        return [step for step in self._known() if "fetch" in CAN[stand_of(step)]]

    def find_one(self, target: str, act: Act) -> Step:
        """As ``find``, where one step must be meant. Raises SeveralOpen."""
        found = self.find(target, act)
        if len(found) > 1:
            raise SeveralOpen(target, found)
        return found[0]

    def fetch(self, step: Step) -> tuple[Step, Take | StarsendError | None]:
        """Ask the vendor, free and without waiting: the step as it is then, and its take or what kept it from that.

        None, where the step is ``failed``: the vendor does not know the call, and it cost nothing; else it cannot be asked.
        """
        came = self._leftovers.bring_home(step)
        return self._ends.known(step.step_key), came

    def retry(self, step: Step, by: str) -> Step:
        """Let a lost step be sent again when it is next asked for; somebody accepts that it may be paid twice.

        The step as it is then: ``succeeded`` where it could be had for free after all.

        Raises NotOpen, AtTheVendor, OtherProvider, StepBusy.
        """
        self._ends.provider(step)
        self._leftovers.bring_home(step)
        with self._decided(step) as now:
            if now.state == "submitted":
                raise AtTheVendor(now)
            if now.state in OPEN:
                self._ends.mark_unknown(now, NO_ANSWER)
                why = f"to be sent again, as {by} has decided"
                self._store.let_go(step.step_key, RETRY_ACCEPTED, why, leaving="unknown")
                log.warning("step_let_go", other=step.step_key, fault=RETRY_ACCEPTED)
        return self._ends.known(step.step_key)

    def give_up(self, step: Step, by: str) -> Step:
        """Wait no longer for a step: it ends as failed. The step as it is then: ``succeeded`` where it came home after all.

        Raises NotOpen, StepBusy.
        """
        self._leftovers.bring_home(step)
        with self._decided(step) as now:
            why = f"given up by {by}"
            if now.state == "unknown" or stand_of(now) == "to_send_again":
                self._store.let_go(step.step_key, GIVEN_UP, why, leaving=now.state)
            elif now.state in OPEN:
                self._store.give_up(now, GIVEN_UP, why, charge_of(now))
            else:
                return now
            log.warning("step_let_go", other=step.step_key, fault=GIVEN_UP)
        return self._ends.known(step.step_key)

    def _known(self) -> list[Step]:
        """Steps about which something can be done yet."""
        ended = self._store.failed_steps({RETRY_ACCEPTED, GIVEN_UP})
        return [*self._store.open_steps(), *(step for step in ended if CAN[stand_of(step)])]

    @contextmanager
    def _decided(self, seen: Step) -> Iterator[Step]:
        """The step as it is while nobody else may touch it. Raises NotOpen: somebody has decided otherwise meanwhile."""
        with self._store.try_hold(seen.shot_id) as held:
            now = self._ends.known(seen.step_key)
            if not held:
                raise StepBusy(now)
            decided = now.error_kind in (GIVEN_UP, RETRY_ACCEPTED)
            if decided and (now.state, now.error_kind) != (seen.state, seen.error_kind):
                raise NotOpen(now)
            yield now
