"""The house line, for shots that need no client pick: ``shots.json`` -> keyframe -> lock -> video, for each shot."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import stamina
import structlog
from pydantic import Field, field_validator

from starsend.api_client import Reference
from starsend.clock import Clock, Stopped
from starsend.config import Settings
from starsend.documents import Section, parse_document
from starsend.elements import Cast, Elements
from starsend.errors import StarsendError
from starsend.json_file import read_json
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Keyframe, Take
from starsend.orchestrator.step_key import check_name
from starsend.orchestrator.step_runner import StepRunner
from starsend.shot_lint import RequestFacts, shape_of
from starsend.vendor_gates import HeldBack
from starsend.vendor_patience import patience, submitting, worth_waiting

log = structlog.get_logger()


class HouseShot(Section):
    """One shot of the house line."""

    id: str
    prompt: str = Field(min_length=1)
    seconds: float = Field(gt=0, le=60)
    camera: str = ""
    aspect_ratio: str = "16:9"
    elements: list[str] = Field(default=[])

    @field_validator("id")
    @classmethod
    def _usable_id(cls, shot_id: str) -> str:
        try:
            return check_name(shot_id)
        except StarsendError as wrong:
            raise ValueError(str(wrong)) from wrong


class ShotList(Section):
    """``shots.json``."""

    schema_: str | None = Field(default=None, alias="$schema")
    format: Literal["starsend.shots/1"] = "starsend.shots/1"
    shots: list[HouseShot] = Field(min_length=1)

    @field_validator("shots")
    @classmethod
    def _each_once(cls, shots: list[HouseShot]) -> list[HouseShot]:
        ids = [shot.id for shot in shots]
        twice = {shot_id for shot_id in ids if ids.count(shot_id) > 1}
        if twice:
            raise ValueError(f"the id {min(twice)!r} stands twice")
        if both := next((i for i in ids if f"{i}_frame" in ids), None):
            raise ValueError(f"the frame of {both!r} is booked under '{both}_frame', which is a shot too")
        return shots


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotOutcome:
    """What became of one shot: its keyframe and take, or the error that stopped it."""

    shot_id: str
    keyframe: Keyframe | None = None
    take: Take | None = None
    error: StarsendError | None = None


def read_shots(path: Path) -> list[HouseShot]:
    """The shots of a ``shots.json``. Raises MissingFile, BrokenJson, BadDocument."""
    data = read_json(path, what="shot list", remedy="write a shots.json (docs/guide.md shows one)")
    return parse_document(ShotList, data, path).shots


class Pipeline:
    """Runs shots one after the other; a shot that fails holds up no other. Running it again costs nothing."""

    def __init__(
        self,
        *,
        store: ExecutionStore,
        steps: StepRunner,
        elements: Elements,
        settings: Settings,
        clock: Clock,
        stop: threading.Event,
        by: str,
    ) -> None:
        self._store = store
        self._steps = steps
        self._elements = elements
        self._settings = settings
        self._clock = clock
        self._stop = stop
        self._by = by

    def run(self, shots: list[HouseShot], *, again: bool = False) -> Iterator[ShotOutcome]:
        """Take each shot to its video, yielding each as it ends.

        Args:
            again: pay for another attempt of what a shot still lacks, or for another video when it lacks nothing.
        """
        for shot in shots:
            try:
                yield self._run_shot(shot, again=again)
            except StarsendError as error:
                yield ShotOutcome(shot_id=shot.id, error=error)

    def _run_shot(self, shot: HouseShot, *, again: bool) -> ShotOutcome:
        frame_id = f"{shot.id}_frame"
        new_frame = again and not self._has_take(frame_id)
        cast = self._elements.cast([shot.prompt], shot.elements, where=shot.id)
        moves = f"{cast.prompts[0]}\nCamera: {shot.camera}." if shot.camera else cast.prompts[0]
        self._steps.lint_multi_shot(shot.id, _facts(shot, moves, cast))  # no frame is paid for in vain
        drawn = self._paid(
            partial(
                self._steps.execute_keyframe,
                frame_id,
                cast.prompts[0],
                references=cast.references,
                aspect_ratio=shot.aspect_ratio,
                size=self._settings.image.size,
                attempt=self._attempt(frame_id, new=new_frame),
                sequence=shot.id,
            )
        )
        keyframe = self._store.lock_keyframe(shot.id, drawn, by=self._by)
        take = self._paid(
            partial(
                self._steps.execute_multi_shot,
                shot.id,
                [moves],
                start_frame=Reference(
                    "start frame", self._store.project_dir / keyframe.path, keyframe.sha256
                ),
                durations=[shot.seconds],
                shot_prompts=[shot.prompt],
                references=cast.references,
                attempt=self._attempt(shot.id, new=again and not new_frame),
            )
        )
        return ShotOutcome(shot_id=shot.id, keyframe=keyframe, take=take)

    def _has_take(self, shot_id: str) -> bool:
        last = self._store.last_attempt(shot_id)
        return last == 0 or any(take.attempt == last for take in self._store.takes(shot_id))

    def _attempt(self, shot_id: str, *, new: bool) -> int:
        return max(1, self._store.last_attempt(shot_id) + new)

    def _paid(self, step: Callable[[], Take]) -> Take:
        def send() -> Take:  # a function of a name, for stamina logs what it calls and prompts are long
            while True:
                try:
                    return step()
                except HeldBack as held:  # nothing was tried, so it costs none of the tries
                    log.info(
                        "step_held", provider=held.provider, wait=round(held.seconds, 1), error=str(held)
                    )
                    if self._clock.wait(held.seconds, self._stop):
                        raise Stopped(f"{held.provider} to take calls again") from held

        return stamina.RetryingCaller(**patience(submitting(self._settings.retry)))(worth_waiting(), send)


def _facts(shot: HouseShot, moves: str, cast: Cast) -> RequestFacts:
    return RequestFacts(
        prompts=(moves,),
        written=(shot.prompt,),
        seconds=(shot.seconds,),
        elements=tuple(reference.name for reference in cast.references),
        frame=shape_of(shot.aspect_ratio),
    )
