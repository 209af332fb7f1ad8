"""The house line, for shots that need no client pick: ``shots.json`` -> keyframe -> lock -> video, for each shot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import stamina
from pydantic import Field, field_validator

from starsend.api_client import Reference
from starsend.config import Settings
from starsend.documents import Section, parse_document
from starsend.elements import Elements
from starsend.errors import StarsendError
from starsend.json_file import read_json
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Keyframe, Take
from starsend.orchestrator.step_key import check_name
from starsend.orchestrator.step_runner import StepRunner
from starsend.vendor_patience import patience, worth_waiting


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
        self, *, store: ExecutionStore, steps: StepRunner, elements: Elements, settings: Settings, by: str
    ) -> None:
        self._store = store
        self._steps = steps
        self._elements = elements
        self._settings = settings
        self._by = by

    def run(self, shots: list[HouseShot]) -> Iterator[ShotOutcome]:
        """Take each shot to its video, yielding each as it ends."""
        for shot in shots:
            try:
                yield self._run_shot(shot)
            except StarsendError as error:
                yield ShotOutcome(shot_id=shot.id, error=error)

    def _run_shot(self, shot: HouseShot) -> ShotOutcome:
        cast = self._elements.cast([shot.prompt], shot.elements, where=shot.id)
        drawn = self._paid(
            partial(
                self._steps.execute_keyframe,
                f"{shot.id}_frame",
                cast.prompts[0],
                references=cast.references,
                aspect_ratio=shot.aspect_ratio,
                size=self._settings.image.size,
            )
        )
        keyframe = self._store.lock_keyframe(shot.id, drawn, by=self._by)
        moves = f"{cast.prompts[0]}\nCamera: {shot.camera}." if shot.camera else cast.prompts[0]
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
            )
        )
        return ShotOutcome(shot_id=shot.id, keyframe=keyframe, take=take)

    def _paid(self, step: Callable[[], Take]) -> Take:
        def send() -> Take:  # a function of a name, for stamina logs what it calls and prompts are long
            return step()

        return stamina.RetryingCaller(**patience(self._settings.retry))(worth_waiting, send)
