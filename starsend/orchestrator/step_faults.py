"""What can be wrong with a paid step that was begun before, in words for people."""

from __future__ import annotations

from decimal import Decimal

from starsend.dollars import dollars
from starsend.errors import StarsendError, WaitsForPerson
from starsend.orchestrator.records import Spending, Step, Take
from starsend.vendor_faults import AGAIN, BadRequest, NotSent, RateLimited, Unauthorized

UNBILLED = {e.kind for e in (NotSent, RateLimited, BadRequest, Unauthorized)}
"""A step that failed in one of these ways cost nothing, so the same step may be sent again."""


RETRY_ACCEPTED = "retry_accepted"
"""The ``error_kind`` of a lost step that a person wants sent again, though it may be paid twice."""
GIVEN_UP = "given_up"
"""The ``error_kind`` of a step whose end nobody waits for any more, by a person's decision."""
BROKEN_PICTURE = "broken_picture"
"""The ``error_kind`` of a step whose picture came broken; its bytes are kept."""
SENDABLE = UNBILLED | {RETRY_ACCEPTED}
"""The same step is sent again when it is asked for again."""


def may_come_late(step: Step) -> bool:
    """Whether a step was given up while its job was at the vendor: it may be paid, and its result is free to fetch."""
    return step.state == "failed" and step.error_kind == GIVEN_UP and step.handle is not None


class StepFailed(StarsendError):
    """The step has ended without a result and may have cost money; asking again needs a new attempt."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            f"this step has failed before: {step.error}",
            where=step.step_key,
            remedy=f"it is not sent again as it is: change what is asked, or pay for another attempt ({AGAIN})",
        )


class StepUnknown(WaitsForPerson):
    """A call may have been billed and its answer is lost; the policy says that a person decides."""

    def __init__(self, step: Step, why: str = "") -> None:
        told = f" ({why})" if why else ""
        super().__init__(
            f"this call to {step.provider} may have been billed and its answer is lost{told}",
            where=step.step_key,
            remedy=f"look at the vendor's account, then `starsend recover retry {step.step_key}` if you accept to pay again, else `recover give-up`",
        )


class StepBusy(StarsendError):
    """A run works on the step's shot, so nobody else may decide about it."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            "a run is at work on it at this moment",
            where=step.step_key,
            remedy="wait until it is done; `starsend recover list` shows what is open then",
        )


class BudgetExceeded(WaitsForPerson):
    """A call would cost more than a cap of the budget leaves. Nothing was sent and nothing is reserved for it.

    ``before``: what stood against the cap without it; ``limit`` and ``amount`` are dollars.
    """

    def __init__(self, sequence: str, before: Spending, limit: Decimal, amount: Decimal) -> None:
        self.before = before
        self.limit = limit
        whose = {"project": "the project", "sequence": "the sequence", "day": f"the day {before.of}"}
        wait = " or wait for the next day (UTC)," if before.cap == "day" else ","
        super().__init__(
            f"this call would cost {dollars(amount)}, and of the {dollars(limit)} that {whose[before.cap]} may cost "
            f"{dollars(before.spent)} is spent and {dollars(before.reserved)} reserved",
            where=sequence,
            remedy=f"raise budget.{before.cap} in starsend_config.json{wait} then `starsend resume`; a daemon goes on by itself",
        )


class TakeLost(StarsendError):
    """The ledger knows the take, but its file is gone and cannot be fetched again."""

    def __init__(self, take: Take) -> None:
        super().__init__(
            "the file of this take is missing or was changed",
            where=take.media.path,
            remedy="restore it from a backup",
        )


class OtherProvider(StarsendError):
    """A step was begun with a provider that is not the configured one any more; it is never swapped in silence."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            f"this step was begun with {step.provider}, which is not configured now",
            where=step.step_key,
            remedy=f"set the provider back to {step.provider} until it is finished",
        )
