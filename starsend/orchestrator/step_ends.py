"""Every end that a paid step comes to: its take is committed, its failure booked, or its charge booked as possible."""

from __future__ import annotations

import threading
from decimal import Decimal

import structlog

from starsend import api_client as api
from starsend.clock import Clock
from starsend.config import Settings
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.job_collector import JobCollector
from starsend.orchestrator.landing import Landing
from starsend.orchestrator.media_check import is_of_size
from starsend.orchestrator.records import OPEN, Media, Step, Take
from starsend.orchestrator.step_faults import UNBILLED, OtherProvider, may_come_late
from starsend.pricing import Quote
from starsend.vendor_faults import JobFailed, JobGone, ProviderError

log = structlog.get_logger()

NO_ANSWER = "a run died between sending and the answer"
ONE_FRAME = Decimal(1) / 24
"""Seconds by which a delivered take may differ from what was asked."""


class StepEnds:
    """Takes steps that have been sent to their end. Sends nothing, so all of it is free."""

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
        self.landing = Landing(store.project_dir, clock)
        self.collector = JobCollector(self.landing, settings.retry, clock, stop)

    def accept(self, step: Step, job: api.Job) -> Step:
        """Commit the vendor's job id; the step as it is then."""
        self._store.submitted(step.step_key, job.handle)
        return self.known(step.step_key)

    def collect(self, step: Step, *, patience: float | None = None) -> Take:
        """The take of a submitted step, or of one that was given up; raises as ``JobCollector.collect``.

        What is the vendor's last word is booked. Of a step that was given up its possible charge is, and stays.
        """
        try:
            return self.finish(step, self.collector.collect(step, self.provider(step), patience=patience))
        except (JobFailed, JobGone) as ended:
            if may_come_late(step):
                self._store.let_go(step.step_key, ended.kind, str(ended), leaving="failed")
            else:
                self.fail(step, ended)
            raise

    def finish(self, step: Step, media: Media, tokens: int | None = None) -> Take:
        """Commit take and cost: the vendor's own count of ``tokens`` where it gave one, else the quoted price."""
        charge, asked = self.charged(step, tokens), Decimal(step.request["units"])
        if media.seconds is not None and abs(media.seconds - asked) > ONE_FRAME:
            # Paid for, so it is kept; but people and the next quote must know.
            log.warning("take_length_differs", asked=str(asked), got=str(media.seconds))
        if step.kind == "keyframe":
            ratio, size = step.request["aspect_ratio"], step.request["size"]
            if not is_of_size(media.width, media.height, ratio, size):
                log.warning(
                    "picture_size_differs", asked=f"{ratio} at {size}", got=f"{media.width}x{media.height}"
                )
        prompts = step.request.get("shot_prompts")
        take = self._store.finish(
            step.step_key,
            media,
            charge,
            tuple(prompts) if prompts is not None else None,
            leaving={"failed"} if may_come_late(step) else OPEN,
        )
        took = (take.created_at - step.created_at).total_seconds()
        log.info("step_finished", take=take.take_id, cost=str(charge.amount), duration=took, path=media.path)
        return take

    def charged(self, step: Step, tokens: int | None) -> Quote:
        """What a call has cost. Told where the vendor has counted more than was reserved: only the next call is held to the cap."""
        charge, reserved = charge_of(step, tokens), charge_of(step).amount
        if charge.amount > reserved:
            log.warning(
                "cost_above_estimate", other=step.step_key, cost=str(charge.amount), reserved=str(reserved)
            )
        return charge

    def fail(self, step: Step, error: ProviderError) -> None:
        """Commit the vendor's last word, and what it may have cost."""
        charge = None if error.billed is False else charge_of(step)
        self._store.failed(
            step.step_key, error.kind, str(error), charge, "actual" if error.billed else "possible"
        )
        if error.kind in UNBILLED:
            log.info("step_turned_away", fault=error.kind, error=error.what)
        else:
            log.warning("step_failed", fault=error.kind, error=error.what)

    def find(self, step: Step, why: str) -> api.Job | None:
        """Ask the vendor for the call. When it does not answer that either, the charge is booked as possible."""
        try:
            return self.provider(step).find(step.step_key)
        except ProviderError as trouble:
            trouble.at_a_look("a call that may be paid for cannot be looked up")
            self.mark_unknown(step, why)
            raise

    def mark_unknown(self, step: Step, why: str) -> None:
        """Book what a call may have cost whose answer is lost; once."""
        if step.state == "unknown":
            return
        charge = charge_of(step)
        self._store.unknown(step.step_key, charge, why)
        log.error("step_unknown", other=step.step_key, cost=str(charge.amount), error=why)

    def known(self, key: str) -> Step:
        """A step that has been intended, as it is now."""
        step = self._store.step(key)
        assert step is not None, "only called for steps that have been intended"
        return step

    def provider(self, step: Step) -> api.JobProvider:
        """Who was asked. Raises OtherProvider."""
        provider: api.JobProvider = self._images if step.kind == "keyframe" else self._videos
        if provider.name != step.provider:
            raise OtherProvider(step)
        return provider


def charge_of(step: Step, tokens: int | None = None) -> Quote:
    """What a step costs, at the price that was frozen with its intent."""
    asked = step.request
    return Quote.thawed(asked["price"], step.provider, step.model, Decimal(asked["units"]), tokens)
