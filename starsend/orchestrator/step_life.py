"""The life of one paid step: intend, send once, record the handle, collect, land, finish; and what to do with a
step that an earlier run left half-way. ``StepRunner`` says what is asked; here it is only a call that may be billed.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import structlog

from starsend import api_client as api
from starsend.clock import Clock, Stopped
from starsend.config import Settings
from starsend.files import CannotWrite
from starsend.orchestrator.database import StoreUnusable
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.leftovers import Leftovers
from starsend.orchestrator.media_check import BrokenMedia
from starsend.orchestrator.records import Intent, Media, Step, StepState, Take
from starsend.orchestrator.step_ends import NO_ANSWER, StepEnds, charge_of
from starsend.orchestrator.step_faults import BROKEN_PICTURE, SENDABLE, StepFailed, StepUnknown, TakeLost
from starsend.pricing import PriceTable
from starsend.sections import OnUnknown
from starsend.vendor_faults import Ambiguous, NotSent, ProviderError
from starsend.vendor_gates import Turn, VendorGates
from starsend.vendor_patience import submitting

log = structlog.get_logger()

Send = Callable[[str], api.Media | api.Job]
"""The one call that may be billed; takes the step key."""


class StepLife:
    """Takes paid steps of one project from wherever they are to their take."""

    def __init__(
        self,
        store: ExecutionStore,
        ends: StepEnds,
        leftovers: Leftovers,
        *,
        gates: VendorGates,
        settings: Settings,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._gates = gates
        self._settings = settings
        self._prices = PriceTable(settings.prices)
        self._clock = clock
        self._stop = stop
        self._ends = ends
        self._landing = ends.landing
        self._leftovers = leftovers

    def run(self, intent: Intent, send: Send) -> Take:
        """The take of ``intent``: replayed, resumed, or asked for by calling ``send`` once."""
        key = intent.step_key
        with (
            structlog.contextvars.bound_contextvars(
                shot=intent.shot_id, step=key, attempt=intent.attempt, provider=intent.provider
            ),
            self._store.hold(intent.shot_id, self._stop),
        ):
            if self._stop.is_set():  # before the intent: nothing is begun that nobody will wait for
                raise Stopped(f"{key} to begin")
            self._leftovers.settle_others(intent.shot_id, key)
            try:
                return self._go_on(intent, send)
            except ProviderError as error:
                error.step_key = key
                raise

    def _go_on(self, intent: Intent, send: Send) -> Take:
        """From wherever the step is now."""
        key = intent.step_key
        step = self._store.step(key)
        if step is None:
            return self._begin(intent, send)
        if step.state == "succeeded":
            return self._replay(step)
        if step.state == "submitted":
            log.info("step_resumed", handle=step.handle)
            return self._ends.collect(step)
        if step.state == "failed":
            _check_not_final(step)
            self._landing.make_ready(step.shot_id)
            return self._send_again(step, "failed", send)
        return self._resolve(step, send)

    def made(self, step_key: str) -> Take | None:
        """The take of a step where it is there, file and all. Raises StepFailed when the step has failed for good."""
        step = self._store.step(step_key)
        if step and step.state == "failed":
            _check_not_final(step)
        take = self._store.take(step_key) if step and step.state == "succeeded" else None
        return take if take and self._landing.holds(take.media) else None

    def _begin(self, intent: Intent, send: Send) -> Take:
        asked = intent.request
        priced = (intent.provider, intent.model, asked["variant"], Decimal(asked["units"]))
        charge, estimate = self._prices.charge(*priced), self._prices.estimate(*priced)  # no price, no call
        self._landing.make_ready(intent.shot_id)
        # The price is frozen with the intent: what was sent at it is booked at it, whatever the config says later.
        priced_intent = replace(intent, request={**asked, "price": charge.frozen()})
        with self._gates.of(intent.provider).turn() as turn:
            self._store.intend(priced_intent, estimate, charge, self._settings.budget)
            log.info("step_intended", kind=intent.kind, model=intent.model)
            return self._send(intent.step_key, send, turn)

    def _send_again(self, step: Step, leaving: StepState, send: Send) -> Take:
        """Send a step once more, at the price it was begun at. Raises HeldBack, BudgetExceeded: it stays as it is."""
        with self._gates.of(step.provider).turn() as turn:
            self._store.intend_again(step.step_key, charge_of(step), self._settings.budget, leaving=leaving)
            return self._send(step.step_key, send, turn)

    def _send(self, key: str, send: Send, turn: Turn) -> Take:
        try:
            answer = send(key)
        except Ambiguous as lost:
            turn.answered(lost)
            return self._lost(self._ends.known(key), lost)
        except ProviderError as refused:
            turn.answered(refused)
            self._ends.fail(self._ends.known(key), refused)
            raise
        turn.answered()
        if isinstance(answer, api.Job):
            return self._accepted(self._ends.known(key), answer)
        return self._land(self._ends.known(key), answer)

    def _accepted(self, step: Step, job: api.Job) -> Take:
        step = self._ends.accept(step, job)
        log.info("step_submitted", handle=job.handle)
        return self._ends.collect(step)

    def _land(self, step: Step, answer: api.Media) -> Take:
        try:
            return self._ends.finish(step, self._save(step, answer.data), answer.tokens)
        except CannotWrite as refused:
            return self._lost(step, Ambiguous(step.provider, str(refused)))
        except BrokenMedia as broken:
            # Paid, and broken on arrival. Where the vendor can be asked for it again it is whole there.
            job = self._ends.find(step, str(broken)) if self._ends.provider(step).can_find else None
            if job:
                return self._accepted(step, job)
            charge = self._ends.charged(step, answer.tokens)
            self._store.failed(step.step_key, BROKEN_PICTURE, str(broken), charge, "actual")
            log.warning("step_failed", fault="broken_picture", error=str(broken))
            raise

    def _save(self, step: Step, data: bytes) -> Media:
        """Land what cannot be fetched again, and bear with the disk for as long as with a vendor: it is paid for.

        Raises BrokenMedia, CannotWrite.
        """
        policy, tried = submitting(self._settings.retry), 0
        while True:
            try:
                return self._landing.land(step, data)
            except CannotWrite as refused:
                tried += 1
                log.error("step_unsaved", tried=tried, error=str(refused))
                if tried == policy.attempts:
                    raise
                if self._clock.wait(policy.pause(tried, refused), self._stop):
                    raise

    def _replay(self, step: Step) -> Take:
        take = self._store.take(step.step_key)
        if not self._landing.holds(take.media):
            if step.handle is None:
                raise TakeLost(take)
            known_as, provider = take.media.sha256, self._ends.provider(step)
            if self._ends.collector.collect(step, provider, known_as=known_as).sha256 != known_as:
                raise TakeLost(take)
        log.info("step_replayed", take=take.take_id, cost="0")
        return take

    # ------------------------------------------------------------------- a call whose end nobody has seen

    def _resolve(self, step: Step, send: Send) -> Take:
        """The step was begun by a run that died, or its answer was lost: find out, and only then perhaps send."""
        landed = self._landing.left_behind(step)
        if landed:
            log.info("step_resumed", path=landed.path)
            return self._ends.finish(step, landed)
        if self._ends.provider(step).can_find:
            job = self._ends.find(step, NO_ANSWER)
            if job:
                log.info("step_resumed", handle=job.handle)
                return self._accepted(step, job)
            self._landing.make_ready(step.shot_id)
            self._store.never_arrived(step.step_key, NotSent.kind, "the vendor does not know the call")
            return self._send_again(step, "failed", send)
        self._ends.mark_unknown(step, NO_ANSWER)
        if self._on_unknown(step) == "ask":
            raise StepUnknown(step)
        self._landing.make_ready(step.shot_id)
        return self._send_again(step, "unknown", send)

    def _lost(self, step: Step, lost: Ambiguous) -> Take:
        """The request went out and no answer came: look it up where the vendor lets us, else book it as possible."""
        if self._ends.provider(step).can_find:
            try:
                job = self._ends.find(step, str(lost))
            except ProviderError:
                raise lost from None  # booked as possible; the next run looks again
            if job:
                return self._accepted(step, job)
        # Where the ledger is full too, the next run finds the intent, and books it before it sends.
        with contextlib.suppress(StoreUnusable):
            self._ends.mark_unknown(step, str(lost))
        if self._on_unknown(step) == "ask":
            raise StepUnknown(step, lost.why) from lost
        raise lost

    def _on_unknown(self, step: Step) -> OnUnknown:
        return (self._settings.image if step.kind == "keyframe" else self._settings.video).on_unknown


def _check_not_final(failed: Step) -> None:
    if failed.error_kind not in SENDABLE:
        raise StepFailed(failed)
