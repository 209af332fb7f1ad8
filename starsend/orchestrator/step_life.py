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
from starsend.config import OnUnknown, Settings
from starsend.files import CannotWrite
from starsend.orchestrator.database import StoreUnusable
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.job_collector import JobCollector, StillRunning
from starsend.orchestrator.landing import Landing
from starsend.orchestrator.media_check import BrokenMedia
from starsend.orchestrator.records import Intent, Media, Step, Take
from starsend.orchestrator.step_faults import UNBILLED, OtherProvider, StepFailed, StepUnknown, TakeLost
from starsend.pricing import PriceTable, Quote
from starsend.vendor_patience import pause_before

log = structlog.get_logger()

Send = Callable[[str], api.Media | api.Job]
"""The one call that may be billed; takes the step key."""

NO_ANSWER = "a run died between sending and the answer"
ONE_FRAME = Decimal(1) / 24
"""Seconds by which a delivered take may differ from what was asked."""


class StepLife:
    """Takes paid steps of one project from wherever they are to their take."""

    def __init__(
        self,
        store: ExecutionStore,
        *,
        images: api.ImageProvider,
        videos: api.VideoProvider,
        settings: Settings,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._images = images
        self._videos = videos
        self._settings = settings
        self._prices = PriceTable(settings.prices)
        self._clock = clock
        self._stop = stop
        self._landing = Landing(store.project_dir)
        self._collector = JobCollector(self._landing, settings.retry, clock, stop)

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
            self._settle_others(intent)
            step = self._store.step(key)
            if step is None:
                return self._begin(intent, send)
            if step.state == "succeeded":
                return self._replay(step)
            if step.state == "submitted":
                log.info("step_resumed", handle=step.handle)
                return self._collect(step)
            if step.state == "failed":
                if step.error_kind not in UNBILLED:
                    raise StepFailed(step)
                self._landing.make_ready(step.shot_id)
                self._store.intend_again(key, leaving="failed")
                return self._send(key, send)
            return self._resolve(step, send)

    def _begin(self, intent: Intent, send: Send) -> Take:
        asked = intent.request
        priced = (intent.provider, intent.model, asked["variant"], Decimal(asked["units"]))
        charge, estimate = self._prices.charge(*priced), self._prices.estimate(*priced)  # no price, no call
        self._landing.make_ready(intent.shot_id)
        # The price is frozen with the intent: what was sent at it is booked at it, whatever the config says later.
        self._store.intend(replace(intent, request={**asked, "price": charge.frozen()}), estimate)
        log.info("step_intended", kind=intent.kind, model=intent.model)
        return self._send(intent.step_key, send)

    def _send(self, key: str, send: Send) -> Take:
        try:
            answer = send(key)
        except api.Ambiguous as lost:
            return self._lost(self._known(key), lost)
        except api.ProviderError as refused:
            self._fail(self._known(key), refused)
            raise
        if isinstance(answer, api.Job):
            return self._accepted(key, answer)
        return self._land(self._known(key), answer.data)

    def _accepted(self, key: str, job: api.Job) -> Take:
        self._store.submitted(key, job.handle)
        log.info("step_submitted", handle=job.handle)
        return self._collect(self._known(key))

    def _land(self, step: Step, data: bytes) -> Take:
        try:
            return self._finish(step, self._save(step, data))
        except CannotWrite as refused:
            return self._lost(step, api.Ambiguous(step.provider, str(refused)))
        except BrokenMedia as broken:
            # Paid, and broken on arrival. Where the vendor can be asked for it again it is whole there.
            job = self._find(step, str(broken)) if self._provider(step).can_find else None
            if job:
                return self._accepted(step.step_key, job)
            self._store.failed(step.step_key, "broken_picture", str(broken), self._charge(step), "actual")
            log.warning("step_failed", fault="broken_picture", error=str(broken))
            raise

    def _save(self, step: Step, data: bytes) -> Media:
        """Land what cannot be fetched again, and bear with the disk for as long as with a vendor: it is paid for.

        Raises BrokenMedia, CannotWrite.
        """
        tried = 0
        while True:
            try:
                return self._landing.land(step, data)
            except CannotWrite as refused:
                tried += 1
                log.error("step_unsaved", tried=tried, error=str(refused))
                if tried == self._settings.retry.submit_attempts:
                    raise
                if self._clock.wait(pause_before(tried, refused, jitter=0), self._stop):
                    raise

    def _collect(self, step: Step, *, patience: float | None = None) -> Take:
        try:
            return self._finish(step, self._collector.collect(step, self._provider(step), patience=patience))
        except (api.JobFailed, api.JobGone) as ended:
            self._fail(step, ended)
            raise

    def _finish(self, step: Step, media: Media) -> Take:
        charge = self._charge(step)
        if media.seconds is not None and abs(media.seconds - charge.units) > ONE_FRAME:
            # Paid for, so it is kept; but people and the next quote must know.
            log.warning("take_length_differs", asked=str(charge.units), got=str(media.seconds))
        prompts = step.request.get("shot_prompts")
        take = self._store.finish(
            step.step_key, media, charge, tuple(prompts) if prompts is not None else None
        )
        took = (take.created_at - step.created_at).total_seconds()
        log.info("step_finished", take=take.take_id, cost=str(charge.amount), duration=took, path=media.path)
        return take

    def _fail(self, step: Step, error: api.ProviderError) -> None:
        charge = None if error.billed is False else self._charge(step)
        self._store.failed(
            step.step_key, error.kind, str(error), charge, "actual" if error.billed else "possible"
        )
        if error.kind in UNBILLED:
            log.info("step_turned_away", fault=error.kind, error=error.what)
        else:
            log.warning("step_failed", fault=error.kind, error=error.what)

    def _replay(self, step: Step) -> Take:
        take = self._store.take(step.step_key)
        if not self._landing.holds(take.media):
            if step.handle is None:
                raise TakeLost(take)
            fetched = self._collector.collect(step, self._provider(step))
            if fetched.sha256 != take.media.sha256:
                raise TakeLost(take)
        log.info("step_replayed", take=take.take_id, cost="0")
        return take

    # ------------------------------------------------------------------- a call whose end nobody has seen

    def _resolve(self, step: Step, send: Send) -> Take:
        """The step was begun by a run that died, or its answer was lost: find out, and only then perhaps send."""
        landed = self._landing.left_behind(step)
        if landed:
            log.info("step_resumed", path=landed.path)
            return self._finish(step, landed)
        if self._provider(step).can_find:
            job = self._find(step, NO_ANSWER)
            if job:
                log.info("step_resumed", handle=job.handle)
                return self._accepted(step.step_key, job)
            self._landing.make_ready(step.shot_id)
            self._store.intend_again(step.step_key, leaving=step.state, never_arrived=True)
            return self._send(step.step_key, send)
        self._mark_unknown(step, NO_ANSWER)
        if self._on_unknown(step) == "ask":
            raise StepUnknown(step)
        self._landing.make_ready(step.shot_id)
        self._store.intend_again(step.step_key, leaving="unknown")
        return self._send(step.step_key, send)

    def _lost(self, step: Step, lost: api.Ambiguous) -> Take:
        """The request went out and no answer came: look it up where the vendor lets us, else book it as possible."""
        if self._provider(step).can_find:
            try:
                job = self._find(step, str(lost))
            except api.ProviderError:
                raise lost from None  # booked as possible; the next run looks again
            if job:
                return self._accepted(step.step_key, job)
        with contextlib.suppress(
            StoreUnusable
        ):  # the next run finds the intent, and books it before it sends
            self._mark_unknown(step, str(lost))
        if self._on_unknown(step) == "ask":
            raise StepUnknown(step) from lost
        raise lost

    def _find(self, step: Step, why: str) -> api.Job | None:
        """Ask the vendor for the call. When it does not answer that either, the charge is booked as possible."""
        try:
            return self._provider(step).find(step.step_key)
        except api.ProviderError:
            self._mark_unknown(step, why)
            raise

    def _settle_others(self, intent: Intent) -> None:
        """Bring home what earlier requests of this shot have paid for, before asking for something else."""
        for step in self._store.open_steps(intent.shot_id):
            if step.step_key == intent.step_key:
                continue
            try:
                self._settle(step)
            except (api.ProviderError, BrokenMedia, StillRunning, OtherProvider) as not_now:
                log.warning("step_left_open", other=step.step_key, error=str(not_now))

    def _settle(self, step: Step) -> None:
        landed = self._landing.left_behind(step) if step.state != "submitted" else None
        if landed:
            self._finish(step, landed)
        elif step.state == "submitted":
            self._collect(step, patience=0)
        elif self._provider(step).can_find:
            job = self._find(step, NO_ANSWER)
            if job:
                self._store.submitted(step.step_key, job.handle)
                self._collect(self._known(step.step_key), patience=0)
            else:
                # It never left; nobody asks for it any more.
                self._store.intend_again(step.step_key, leaving=step.state, never_arrived=True)
                self._store.failed(
                    step.step_key, api.NotSent.kind, "never sent, then asked for otherwise", None, "actual"
                )
        else:
            self._mark_unknown(step, NO_ANSWER)

    def _mark_unknown(self, step: Step, why: str) -> None:
        if step.state == "unknown":
            return  # booked already
        charge = self._charge(step)
        self._store.unknown(step.step_key, charge, why)
        log.error("step_unknown", other=step.step_key, cost=str(charge.amount), error=why)

    def _known(self, key: str) -> Step:
        step = self._store.step(key)
        assert step is not None, "only called for steps that have been intended"
        return step

    def _charge(self, step: Step) -> Quote:
        asked = step.request
        return Quote.thawed(asked["price"], step.provider, step.model, Decimal(asked["units"]))

    def _provider(self, step: Step) -> api.JobProvider:
        provider: api.JobProvider = self._images if step.kind == "keyframe" else self._videos
        if provider.name != step.provider:
            raise OtherProvider(step)
        return provider

    def _on_unknown(self, step: Step) -> OnUnknown:
        return (self._settings.image if step.kind == "keyframe" else self._settings.video).on_unknown
