"""The embedded default provider: offline storyboard panels and timed animatics. No key, no network, no cost.

It is also the rehearsal of a vendor: it keeps its own bill (`animatic_book`) and, where the options say so, has a
vendor's bad days, so that a studio can try its recovery before any money is at stake.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO

from starsend.api_client import ImageRequest, Job, JobStatus, Media, VideoRequest
from starsend.provider_options import AnimaticOptions, Behaviour
from starsend.providers.animatic_book import AcceptedJob, VendorBook, Verdict
from starsend.providers.motion import check_take, render_take
from starsend.providers.storyboard.board import (
    PROVIDER,
    SINGLE,
    WRONG_GRIDS,
    draw_board,
    open_picture,
    pixel_size,
    png,
    seed_of,
)
from starsend.vendor_faults import Ambiguous, JobFailed, NoPicture, NotSent, RateLimited

_QUEUED: frozenset[Behaviour] = frozenset({"late", "broken_download", "job_failed"})
"""Behaviours that need a job to show themselves; a picture is otherwise answered at once."""


class Animatic:
    """Implements `ImageProvider` and `VideoProvider`. One object serves many threads.

    Args:
        options: how it behaves.
        folder: where its books are; a new object on the same folder goes on where the last one stopped.
        wait: spends the seconds that a slow picture takes.
        clock: seconds since the epoch; decides when a slow job is ready, also after a restart.
    """

    name = PROVIDER

    def __init__(
        self,
        options: AnimaticOptions,
        folder: Path,
        *,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.can_find = options.findable
        self._options = options
        self._book = VendorBook(PROVIDER, folder)
        self._wait, self._clock = wait, clock
        self._polls: Counter[str] = Counter()

    def submit_image(self, request: ImageRequest, *, step_key: str) -> Media | Job:
        """Draw a picture (or a sheet of them), answered at once as PNG.

        Raises:
            BadRequest: an unknown size or ratio, or an unreadable reference; nothing is billed or counted.
            RateLimited, NotSent, NoPicture, Ambiguous: where `AnimaticOptions.misbehave` says so.
        """
        pixel_size(request.aspect_ratio, request.size)
        request = self._book.keep(request)
        for reference in request.references:
            open_picture(reference, within=64)
        behaviour, job = self._accept(request, step_key)
        if job is None:
            raise NoPicture(PROVIDER, "safety")
        if behaviour in _QUEUED:
            return Job(job.handle)
        if behaviour == "slow":
            self._wait(self._options.slow_seconds)
        data = _picture(request, behaviour)
        return Media(data[: len(data) // 2] if behaviour == "broken_picture" else data, "image/png")

    def submit_video(self, request: VideoRequest, *, step_key: str) -> Job:
        """Take an order for an animatic; it is rendered when it is fetched.

        Raises:
            BadRequest: see `check_take`; nothing is billed or counted.
            RateLimited, NotSent, Ambiguous: where `AnimaticOptions.misbehave` says so.
        """
        request = self._book.keep(request)
        check_take(request)
        _, job = self._accept(request, step_key)
        assert job is not None  # only a picture can be refused before it is a job
        return Job(job.handle)

    def find(self, step_key: str) -> Job | None:
        """The newest job accepted with this step key: also a picture whose answer was lost."""
        handle = self._book.find(step_key)
        return Job(handle) if handle else None

    def poll(self, handle: str) -> JobStatus:
        """Where a job stands. A late one counts its polls in this process; a slow one looks at the clock.

        Raises:
            JobFailed, JobGone: no result will come.
        """
        job = self._whole(handle)
        left = job.ready_at - self._clock() if job.ready_at else 0.0
        if left > 0:
            return JobStatus("running", poll_after=left)
        if job.behaviour == "late":
            self._polls[handle] += 1
            if self._polls[handle] < self._options.late_polls:
                return JobStatus("running", progress=self._polls[handle] / self._options.late_polls)
        return JobStatus("ready", progress=1.0)

    def fetch(self, handle: str, into: BinaryIO) -> str:
        """Write the result and return its MIME type. Every fetch of a handle gives the same bytes.

        Raises:
            JobFailed, JobGone: there is no result.
        """
        job = self._whole(handle)
        broken = job.behaviour == "broken_download" and self._book.first_fetch(handle)
        if isinstance(job.request, ImageRequest):
            _deliver(io.BytesIO(_picture(job.request, job.behaviour)), into, broken=broken)
            return "image/png"
        # The muxer goes back to move the index to the front, which it can only do in a file of its own.
        with tempfile.TemporaryDirectory(prefix="starsend-animatic-") as folder:
            path = Path(folder) / "take.mp4"
            render_take(job.request, path)
            with path.open("rb") as take:
                _deliver(take, into, broken=broken)
        return "video/mp4"

    def _accept(
        self, request: ImageRequest | VideoRequest, step_key: str
    ) -> tuple[Behaviour, AcceptedJob | None]:
        """Enter the call in the books and raise what ends it before there is an answer."""
        options = self._options
        patterns = (
            listed for pattern, listed in options.misbehave.items() if fnmatchcase(request.shot_id, pattern)
        )
        listed = next(patterns, [])

        def plan(before: int) -> Verdict:
            behaviour: Behaviour = listed[before] if before < len(listed) else "ok"
            refused = behaviour == "refuse" and isinstance(request, ImageRequest)
            slow = behaviour == "slow" and isinstance(request, VideoRequest)
            accepted = behaviour not in ("rate_limit", "not_sent") and not refused
            return Verdict(behaviour, accepted, self._clock() + options.slow_seconds if slow else 0.0)

        behaviour, job = self._book.enter(request, step_key, plan)
        if behaviour == "rate_limit":
            raise RateLimited(PROVIDER, options.rate_limit_seconds)
        if behaviour == "not_sent":
            raise NotSent(PROVIDER, "rehearsed: connection refused")
        if behaviour == "lost_answer":
            raise Ambiguous(PROVIDER, "rehearsed: connection reset")
        return behaviour, job

    def _whole(self, handle: str) -> AcceptedJob:
        job = self._book.job(handle)
        if job.behaviour in ("job_failed", "refuse"):
            why = "refused for safety" if job.behaviour == "refuse" else "rehearsed: internal error"
            raise JobFailed(PROVIDER, handle, why)
        return job


def open_animatic(*, options: Mapping[str, object], folder: Path) -> Animatic:
    """The provider for the entry point ``animatic``.

    Args:
        options: the fields of `AnimaticOptions`.
        folder: where its books go; made when missing.

    Raises:
        pydantic.ValidationError: an option is unknown or wrong.
    """
    return Animatic(AnimaticOptions.model_validate(dict(options)), folder)


def _picture(request: ImageRequest, behaviour: Behaviour) -> bytes:
    layout = None
    if behaviour == "single":
        layout = SINGLE
    elif behaviour == "wrong_grid":
        dice = seed_of(request.prompt, request.shot_id, request.attempt)
        layout = WRONG_GRIDS[dice[0] % len(WRONG_GRIDS)]
    return png(draw_board(request, layout))


def _deliver(result: BinaryIO, into: BinaryIO, *, broken: bool) -> None:
    """Copy a result; a broken download stops half way and looks like any other."""
    if broken:
        data = result.read()
        into.write(data[: len(data) // 2])
    else:
        shutil.copyfileobj(result, into)
