"""Waiting for a vendor's job and bringing its result home. All of it is free, so all of it may be repeated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import structlog

from starsend import api_client as api
from starsend.clock import Clock, Stopped
from starsend.errors import StarsendError
from starsend.orchestrator.landing import Landing
from starsend.orchestrator.media_check import BrokenMedia
from starsend.orchestrator.records import Media, Step
from starsend.sections import RetrySettings
from starsend.vendor_faults import (
    Ambiguous,
    BrokenDownload,
    JobFailed,
    JobGone,
    NotSent,
    ProviderError,
    RateLimited,
)
from starsend.vendor_patience import downloading, polling

log = structlog.get_logger()

FREE_TO_ASK_AGAIN = (NotSent, RateLimited, Ambiguous)


class StillRunning(StarsendError):
    """The vendor has not finished within the time we wait at a stretch."""

    def __init__(self, step: Step) -> None:
        super().__init__(
            f"job {step.handle} is still running at {step.provider}",
            where=step.step_key,
            remedy="run it again to go on waiting, nothing is paid again",
        )


class JobCollector:
    """Polls a submitted step and lands its result."""

    def __init__(self, landing: Landing, retry: RetrySettings, clock: Clock, stop: threading.Event) -> None:
        self._landing = landing
        self._retry = retry
        self._clock = clock
        self._stop = stop

    def collect(
        self,
        step: Step,
        provider: api.JobProvider,
        *,
        patience: float | None = None,
        known_as: str | None = None,
    ) -> Media:
        """The result of ``step``, which has a handle.

        Args:
            patience: seconds to wait for the job; the configured limit unless given.
            known_as: the SHA-256 of a take that is fetched again.

        Raises:
            JobFailed, JobGone: there will be no result.
            StillRunning, Stopped, BrokenDownload: not now; the step stays submitted and can be collected again.
        """
        self._wait_until_ready(
            step, provider, self._retry.poll_limit_seconds if patience is None else patience
        )
        return self._fetch(step, provider, known_as)

    def _wait_until_ready(self, step: Step, provider: api.JobProvider, patience: float) -> None:
        assert step.handle is not None
        policy, waited, lost = polling(self._retry), 0.0, 0
        while True:
            try:
                with _looking(step.handle):
                    status = provider.poll(step.handle)
            except FREE_TO_ASK_AGAIN as trouble:
                lost += 1
                if lost == policy.attempts:
                    raise
                pause = policy.pause(lost, trouble)
                log.info("step_poll_failed", failed=lost, wait=round(pause, 1), error=str(trouble))
            else:
                lost = 0
                log.debug("step_polled", state=status.state, progress=status.progress)
                if status.state == "ready":
                    return
                pause = self._retry.poll_seconds if status.poll_after is None else status.poll_after
            waited += pause
            if waited > patience:
                raise StillRunning(step)
            self._pause(pause, step)

    def _fetch(self, step: Step, provider: api.JobProvider, known_as: str | None) -> Media:
        assert step.handle is not None
        fetch = partial(provider.fetch, step.handle)
        policy = downloading(self._retry)
        for attempt in range(1, policy.attempts + 1):
            try:
                with _looking(step.handle):
                    return self._landing.land(step, fetch, known_as=known_as)
            except (BrokenMedia, BrokenDownload, *FREE_TO_ASK_AGAIN) as broken:
                log.warning("step_fetch_broken", fetch=attempt, error=str(broken))
                if attempt == policy.attempts:
                    if isinstance(broken, BrokenDownload):
                        raise
                    raise BrokenDownload(step.provider, broken.what) from broken
                self._pause(policy.pause(attempt, broken), step)
        raise AssertionError("fetch_attempts is at least 1")

    def _pause(self, seconds: float, step: Step) -> None:
        if self._clock.wait(seconds, self._stop):
            raise Stopped(f"job {step.handle} of {step.step_key}")


@contextmanager
def _looking(handle: str) -> Iterator[None]:
    try:
        yield
    except (JobFailed, JobGone, BrokenDownload):
        raise
    except ProviderError as trouble:
        trouble.at_a_look(f"job {handle} is paid for and cannot be seen")
        raise
