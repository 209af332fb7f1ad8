"""Making takes: the multi-shot video that starts on the locked keyframe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from client_async.next_action import check_still_asked
from client_async.prompts import shot_prompt
from client_async.sequences import Sequence, TakeRecord
from client_async.states import PARKED
from client_async.workshop import Workshop
from starsend.api_client import Reference
from starsend.config import VideoSettings
from starsend.elements import Cast, Elements
from starsend.errors import BadInput
from starsend.files import sha256_of
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_key import request_digest
from starsend.orchestrator.step_runner import MultiShot


class KeyframeGone(BadInput):
    """The file of the locked keyframe is not what was locked."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "the locked start frame is missing or was changed",
            where=str(path),
            remedy="put it back or pick another cell",
        )


class TakeMaker:
    """Makes the takes of one sequence called ``name``."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._shop = workshop
        self._name = name

    async def make(
        self, sequence: Sequence, *, again: bool, beginning: Callable[[int], Awaitable[None]]
    ) -> TakeRecord:
        """The take of the locked keyframe and the brief as it stands; one that exists already is returned for free.

        Args:
            again: make another one though there is one.
            beginning: told the attempt, before anything is sent, when the take does not exist yet.

        Raises StepFailed before that, when the vendor has refused this very take for good: it needs other words, or ``again``.
        """
        keyframe = sequence.keyframe
        assert keyframe is not None, "the caller has seen that a keyframe is locked"
        start = Reference("start frame", self._shop.path(keyframe.path), keyframe.sha256)
        attempt = await self._attempt(sequence, again=again)
        if sequence.grid_state == "failed":
            await self._shop.state(partial(self._check_not_final, sequence, start, attempt))
        if again or not await self._is_made(sequence, start, attempt):
            await beginning(attempt)
        take, brief = await self._shop.video(partial(self._ask, sequence, start, attempt))
        return TakeRecord(
            take=take.take_id,
            path=take.media.path,
            attempt=take.attempt,
            keyframe=keyframe.sha256,
            brief=brief,
            at=take.created_at.isoformat(timespec="seconds"),
        )

    def _ask(self, sequence: Sequence, start: Reference, attempt: int) -> tuple[Take, str]:
        """In a vendor's thread: the take, and the digest of the brief that it was made from. Raises CalledOff."""
        # It may have waited for its turn for long.
        check_still_asked(self._name, sequence, self._shop.sequence(self._name))
        cast = self._cast_shots(sequence, start)
        asked = _asked(sequence, start, attempt, cast)
        take = self._shop.steps.execute_multi_shot(self._name, cast.prompts, **asked)
        return take, brief_digest(sequence, cast, self._shop.settings.video)

    def _check_not_final(self, sequence: Sequence, start: Reference, attempt: int) -> None:
        cast = self._cast_shots(sequence, start)
        asked = _asked(sequence, start, attempt, cast)
        self._shop.steps.check_multi_shot(self._name, cast.prompts, **asked)

    async def _is_made(self, sequence: Sequence, start: Reference, attempt: int) -> bool:
        """Whether the take that the sequence has is the one that would be made."""
        have = sequence.take
        if have is None or (have.keyframe, have.attempt) != (start.sha256, attempt):
            return False
        cast = await self._shop.state(partial(self._cast_shots, sequence, start))
        return have.brief == brief_digest(sequence, cast, self._shop.settings.video)

    async def _attempt(self, sequence: Sequence, *, again: bool) -> int:
        """Which attempt at a take this is: a new one, the one that was begun, or the one this keyframe has had."""
        if again:
            last: int = await self._shop.state(partial(self._shop.store.last_attempt, self._name))
            return last + 1
        if sequence.grid_state == "generating" or sequence.grid_state in PARKED:
            return sequence.take_attempt
        assert sequence.keyframe is not None
        before = [t.attempt for t in sequence.take_history if t.keyframe == sequence.keyframe.sha256]
        return before[-1] if before else 1

    def _cast_shots(self, sequence: Sequence, start: Reference) -> Cast:
        if not start.path.is_file() or sha256_of(start.path) != start.sha256:
            raise KeyframeGone(start.path)
        return cast_shots(sequence, self._name, self._shop.elements())


def _asked(sequence: Sequence, start: Reference, attempt: int, cast: Cast) -> MultiShot:
    return {
        "start_frame": start,
        "durations": [shot.seconds for shot in sequence.shots],
        "shot_prompts": [shot.prompt for shot in sequence.shots],
        "references": cast.references,
        "attempt": attempt,
    }


def cast_shots(sequence: Sequence, name: str, elements: Elements) -> Cast:
    """What the take of a sequence is asked for in: prompts with elements spelt out, and their pictures."""
    prompts = [shot_prompt(shot) for shot in sequence.shots]
    return elements.cast(prompts, sequence.elements, where=name)


def brief_digest(sequence: Sequence, cast: Cast, video: VideoSettings) -> str:
    """SHA-256 of all that decides what a take will show, but for its start frame."""
    return request_digest(
        {
            "by": [video.provider, video.model, video.resolution],
            "prompts": cast.prompts,
            "durations": [shot.seconds for shot in sequence.shots],
            "references": [r.sha256 for r in cast.references],
        }
    )
