"""Making takes: the multi-shot video that starts on the locked keyframe, or several that go on from each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from collections.abc import Sequence as Many
from contextlib import suppress
from functools import partial
from pathlib import Path

from client_async.next_action import check_still_asked
from client_async.sequence_parts import TakePart, TakeRecord
from client_async.sequences import Sequence
from client_async.states import PARKED
from client_async.take_request import brief_digest, cast_shots, parts_of
from client_async.workshop import Workshop
from starsend.api_client import Reference
from starsend.elements import Cast
from starsend.errors import BadInput
from starsend.files import sha256_of
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_faults import StepFailed
from starsend.orchestrator.step_runner import MultiShot
from starsend.shot_lint import frame_size


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
        self, sequence: Sequence, *, again: bool, beginning: Callable[[int, Many[str]], Awaitable[None]]
    ) -> TakeRecord:
        """The take of the locked keyframe and the brief as it stands; one that exists already is returned for free.

        Args:
            again: make another one though there is one; of one that was not finished, what is missing.
            beginning: told the attempt, and the parts that it begins with, before anything is sent, when the take does not
                exist yet.

        Raises StepFailed before that, when the vendor has refused this very take for good: it needs other words, or ``again``.
        """
        keyframe = sequence.keyframe
        assert keyframe is not None, "the caller has seen that a keyframe is locked"
        start = Reference("start frame", self._shop.path(keyframe.path), keyframe.sha256)
        attempt = await self._attempt(sequence, again=again)
        kept = _parts_of(sequence, attempt)
        if again:
            before = await self._attempt(sequence, again=False)
            kept = await self._shop.state(partial(self._left_over, sequence, start, before))
        elif sequence.grid_state == "failed":
            await self._shop.state(partial(self._check_not_final, sequence, start, attempt, kept))
        if again or not await self._is_made(sequence, start, attempt):
            await beginning(attempt, kept)
        parts, last, brief = await self._shop.video(partial(self._ask, sequence, start, attempt, kept))
        return TakeRecord(
            take=parts[0].take,
            path=parts[0].path,
            attempt=attempt,
            keyframe=keyframe.sha256,
            brief=brief,
            parts=parts if len(parts) > 1 else [],
            at=last.created_at.isoformat(timespec="seconds"),
        )

    def _ask(
        self, sequence: Sequence, start: Reference, attempt: int, kept: Many[str]
    ) -> tuple[list[TakePart], Take, str]:
        """In a vendor's thread: the take part by part, and the digest of the brief that it was made from. Raises CalledOff.

        The parts are made in order, for each starts on the last frame of the one before. What a killed run has made of
        them is found again by its key, which hangs on that frame.
        """
        # It may have waited for its turn for long.
        check_still_asked(self._name, sequence, self._shop.sequence_now(self._name))
        brief = brief_digest(sequence, self._cast_shots(sequence, start), self._shop.settings.video)
        made: list[TakePart] = []
        takes: list[Take] = []
        for part in self._parts(sequence, start):
            if takes:  # the part before took minutes
                check_still_asked(self._name, sequence, self._shop.sequence_now(self._name))
                start = self._last_frame(takes[-1])
            cast = self._cast_shots(part, start)
            asked = _asked(part, start, self._attempt_of(kept, len(takes), attempt), cast)
            take = self._shop.steps.execute_multi_shot(self._name, cast.prompts, **asked)
            takes.append(take)
            made.append(
                TakePart(
                    take=take.take_id, path=take.media.path, shots=len(part.shots), start_frame=start.sha256
                )
            )
        return made, takes[-1], brief

    def _found(self, sequence: Sequence, start: Reference, attempt: int, kept: Many[str]) -> Iterator[str]:
        """The parts that are there already, up to the first that is not. Raises StepFailed when that one has failed for good."""
        for number, part in enumerate(self._parts(sequence, start)):
            cast = self._cast_shots(part, start)
            asked = _asked(part, start, self._attempt_of(kept, number, attempt), cast)
            take = self._shop.steps.find_multi_shot(self._name, cast.prompts, **asked)
            if take is None:
                return
            yield take.take_id
            start = self._last_frame(take)

    def _check_not_final(self, sequence: Sequence, start: Reference, attempt: int, kept: Many[str]) -> None:
        for _part in self._found(sequence, start, attempt, kept):
            pass

    def _left_over(self, sequence: Sequence, start: Reference, attempt: int) -> list[str]:
        """The parts that another attempt begins with: none, but where ``attempt`` was not finished, or has lost a file."""
        known, found = _parts_of(sequence, attempt), list[str]()
        with suppress(StepFailed):
            for part in self._found(sequence, start, attempt, known):
                found.append(part)
        return [] if _record_of(sequence, attempt) and found == known else found

    def _attempt_of(self, kept: Many[str], number: int, attempt: int) -> int:
        """Which attempt a part is of."""
        step = self._shop.store.step(kept[number]) if number < len(kept) else None
        return step.attempt if step else attempt

    def _last_frame(self, take: Take) -> Reference:
        """What the next part starts on. Raises NoLastFrame, CannotWrite."""
        from starsend.tools.last_frame import keep_last_frame

        video = self._shop.path(take.media.path)
        picture = video.with_name(f"{take.take_id}_last.png")
        keep_last_frame(video, picture)
        return Reference("start frame", picture, sha256_of(picture))

    def _parts(self, sequence: Sequence, start: Reference) -> list[Sequence]:
        return parts_of(
            sequence,
            self._name,
            self._shop.elements(),
            limits=self._shop.steps.shot_limits,
            frame=frame_size(start.path),
            model=f"{self._shop.settings.video.provider}/{self._shop.settings.video.model}",
        )

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


def _record_of(sequence: Sequence, attempt: int) -> TakeRecord | None:
    """The finished take of the locked keyframe that an attempt has led to."""
    frame = sequence.keyframe.sha256 if sequence.keyframe else ""
    made = [t for t in sequence.take_history if (t.keyframe, t.attempt) == (frame, attempt)]
    return made[-1] if made else None


def _parts_of(sequence: Sequence, attempt: int) -> list[str]:
    """The ids of the videos that an attempt is known to consist of, in order: all of a finished one, else what it began with."""
    if record := _record_of(sequence, attempt):
        return [part.take for part in record.parts] or [record.take]
    return sequence.take_kept if attempt == sequence.take_attempt else []


def _asked(sequence: Sequence, start: Reference, attempt: int, cast: Cast) -> MultiShot:
    return {
        "start_frame": start,
        "durations": [shot.seconds for shot in sequence.shots],
        "shot_prompts": [shot.prompt for shot in sequence.shots],
        "references": cast.references,
        "attempt": attempt,
    }
