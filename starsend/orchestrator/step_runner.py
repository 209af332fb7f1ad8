"""StepRunner: every paid call, from its intent to its take. Blocking and thread-safe.

The order is the promise: intent committed -> sent once -> handle committed -> polled -> file written, synced and
verified -> take and cost committed. All of it happens in the calling thread, so that a result that was paid for is
kept whatever became of whoever waited for it. Each ``execute_*`` sends at most once; whether to try again is the
caller's decision.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any, Required, TypedDict, Unpack

from starsend import api_client as api
from starsend.clock import Clock, SystemClock
from starsend.config import Settings
from starsend.errors import BadInput
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.leftovers import Leftovers
from starsend.orchestrator.records import Intent, Step, StepKind, Take
from starsend.orchestrator.recovery import Recovery
from starsend.orchestrator.step_ends import StepEnds
from starsend.orchestrator.step_key import check_name, request_digest, step_key
from starsend.orchestrator.step_life import StepLife
from starsend.shot_limits import LimitTable, ShotLimits
from starsend.shot_lint import RequestFacts, frame_size, refuse_faulty
from starsend.vendor_gates import VendorGates


class MultiShot(TypedDict, total=False):
    """What a take is asked for in, besides its prompts: ``durations`` in seconds, one for each of them.

    ``shot_prompts`` are the prompts as people wrote them, kept with the take from its first moment on; ``attempt`` counts from 1.
    """

    start_frame: Required[api.Reference]
    durations: Required[Sequence[float]]
    shot_prompts: Sequence[str]
    references: Sequence[api.Reference]
    attempt: int


class StepRunner:
    """Runs paid steps of one project.

    Args:
        store: the ledger; also says which project this is.
        images, videos: who is asked.
        gates: what each provider may be sent; without a limit unless given, and of this runner alone.
        stop: set it to make waiting steps return early with ``Stopped``; they go on at the next run.
    """

    def __init__(
        self,
        store: ExecutionStore,
        *,
        images: api.ImageProvider,
        videos: api.VideoProvider,
        settings: Settings,
        gates: VendorGates | None = None,
        clock: Clock | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._store = store
        self._project = store.project
        self._table = LimitTable(settings.shot_limits)
        self._images = images
        self._videos = videos
        self._settings = settings
        clock, stop = clock or SystemClock(), stop or threading.Event()
        ends = StepEnds(store, images=images, videos=videos, settings=settings, clock=clock, stop=stop)
        self._leftovers = Leftovers(store, ends)
        self.recovery = Recovery(store, ends, self._leftovers)
        self._life = StepLife(
            store,
            ends,
            self._leftovers,
            gates=gates or VendorGates(settings.per_minute()),
            settings=settings,
            clock=clock,
            stop=stop,
        )

    def execute_keyframe(
        self,
        shot_id: str,
        prompt: str,
        *,
        references: Sequence[api.Reference] = (),
        aspect_ratio: str,
        size: str,
        attempt: int = 1,
        sequence: str | None = None,
    ) -> Take:
        """Draw one picture: a start frame, or a grid of them. The take is not locked as anything.

        Calling again with the same arguments returns the same take for free, or goes on where a killed run was.

        Args:
            aspect_ratio: e.g. ``16:9``; ``size``: ``1K``, ``2K`` or ``4K``.
            attempt: counts from 1; another attempt is another paid call.
            sequence: whose budget it is paid from; ``shot_id`` itself unless given. A take's is always its ``shot_id``.

        Raises:
            ProviderError: the vendor did not deliver; says whether it may have been billed.
            StepFailed, StepUnknown: this very step has ended badly before.
            HeldBack: the provider's gate is closed for the moment; nothing was sent, nothing is begun.
            BudgetExceeded: it would cost more than a cap of ``budget`` leaves; nothing was sent.
            CannotWrite, StoreUnusable, NoPrice: before anything was sent.
            Stopped: while waiting for a job.
        """
        request = api.ImageRequest(
            shot_id=check_name(shot_id),
            attempt=attempt,
            model=self._settings.image.model,
            prompt=prompt,
            aspect_ratio=aspect_ratio,
            size=size,
            references=tuple(references),
        )
        intent = self._intent("keyframe", self._images, request, variant=size, units=Decimal(1))
        if sequence is not None:
            intent = replace(intent, sequence=check_name(sequence, "sequence name"))
        return self._life.run(intent, lambda key: self._images.submit_image(request, step_key=key))

    def execute_multi_shot(
        self,
        shot_id: str,
        prompts: Sequence[str],
        **asked: Unpack[MultiShot],
    ) -> Take:
        """Make one multi-shot take, one prompt and one duration a shot.

        Raises:
            BadInput: prompts and durations do not pair up, or a duration is not above zero.
            ShotsRefused: it breaks limits of the vendor's; nothing was sent.
            and all that ``execute_keyframe`` raises.
        """
        request, intent = self._multi_shot(shot_id, prompts, **asked)
        begun = self._store.step(intent.step_key)
        if (
            begun is None or begun.state == "failed"
        ):  # what may be paid for comes home, whatever the limits are by now
            self.lint_multi_shot(shot_id, _facts(request, asked.get("shot_prompts")))
        return self._life.run(intent, lambda key: self._videos.submit_video(request, step_key=key))

    @property
    def shot_limits(self) -> ShotLimits | None:
        """What the video model takes in one request; None where nobody has said."""
        return self._table.find(self._videos.name, self._settings.video.model)

    def lint_multi_shot(self, shot_id: str, facts: RequestFacts) -> None:
        """Raises ShotsRefused when such a take breaks limits of the vendor's: asked before its start frame is paid for. Free."""
        refuse_faulty(shot_id, facts, self._table, self._videos.name, self._settings.video.model)

    def find_multi_shot(
        self, shot_id: str, prompts: Sequence[str], **asked: Unpack[MultiShot]
    ) -> Take | None:
        """This very take where it is there, file and all; nobody is asked for it. Free.

        Raises StepFailed when it has failed for good before, as ``execute_multi_shot`` would.
        """
        return self._life.made(self._multi_shot(shot_id, prompts, **asked)[1].step_key)

    def left_behind(self) -> list[Step]:
        """Steps that were begun and that no run is at work on: paid for, perhaps, and wanted by nobody any more."""
        return self._leftovers.found()

    def bring_home(self, step: Step) -> None:
        """Take such a step to its end, if that can be had now: fetched, landed and booked. Free, never waits for a job."""
        self._leftovers.bring_home(step)

    def _multi_shot(
        self, shot_id: str, prompts: Sequence[str], **asked: Unpack[MultiShot]
    ) -> tuple[api.VideoRequest, Intent]:
        durations, shot_prompts = asked["durations"], asked.get("shot_prompts")
        usable = all(math.isfinite(seconds) and seconds > 0 for seconds in durations)
        if isinstance(prompts, str) or not prompts or len(prompts) != len(durations) or not usable:
            raise BadInput(f"prompts and durations {list(durations)} do not pair up", where=shot_id)
        if shot_prompts is not None and len(shot_prompts) != len(prompts):
            raise BadInput(
                f"{len(shot_prompts)} shot prompts do not pair up with {len(prompts)} prompts", where=shot_id
            )
        request = api.VideoRequest(
            shot_id=check_name(shot_id),
            attempt=asked.get("attempt", 1),
            model=self._settings.video.model,
            prompts=tuple(prompts),
            durations=tuple(float(seconds) for seconds in durations),
            start_frame=asked["start_frame"],
            resolution=self._settings.video.resolution,
            references=tuple(asked.get("references", ())),
        )
        seconds = sum((Decimal(str(d)) for d in request.durations), Decimal(0))
        extra = {"shot_prompts": list(shot_prompts)} if shot_prompts is not None else {}
        intent = self._intent(
            "multi_shot", self._videos, request, variant=request.resolution, units=seconds, **extra
        )
        return request, intent

    def _intent(
        self,
        kind: StepKind,
        provider: api.JobProvider,
        request: api.ImageRequest | api.VideoRequest,
        *,
        variant: str,
        units: Decimal,
        **extra: object,
    ) -> Intent:
        if request.attempt < 1:
            raise BadInput(f"attempt {request.attempt} is none, they count from 1", where=request.shot_id)
        asked = _as_json(request)
        digest = request_digest({"provider": provider.name, **asked})
        key = step_key(
            project=self._project,
            shot_id=request.shot_id,
            kind=kind,
            digest=digest,
            attempt=request.attempt,
        )
        return Intent(
            step_key=key,
            shot_id=request.shot_id,
            sequence=request.shot_id,
            kind=kind,
            attempt=request.attempt,
            provider=provider.name,
            model=request.model,
            request_digest=digest,
            request={**asked, **extra, "variant": variant, "units": str(units)},
        )


def _facts(request: api.VideoRequest, written: Sequence[str] | None) -> RequestFacts:
    return RequestFacts(
        prompts=request.prompts,
        written=None if written is None else tuple(written),
        seconds=request.durations,
        elements=tuple(reference.name for reference in request.references),
        frame=frame_size(request.start_frame.path),
    )


def _as_json(request: api.ImageRequest | api.VideoRequest) -> dict[str, Any]:
    """What is asked, without who asks: pictures by name and hash, so that neither path nor attempt changes it."""
    asked = asdict(request)
    del asked["shot_id"], asked["attempt"]
    asked["references"] = [[r.name, r.sha256] for r in request.references]
    if isinstance(request, api.VideoRequest):
        asked["start_frame"] = request.start_frame.sha256
    return asked
