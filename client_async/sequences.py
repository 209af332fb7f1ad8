"""The document's models: what people write of a sequence, and what the daemon reports into it.

Who owns which field is told in ``ownership``. The JSON Schema for editors comes from here.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from client_async.ownership import LONGEST_NOTE, is_reported
from client_async.sequence_parts import (
    BudgetPause,
    Cell,
    GridRecord,
    LockedKeyframe,
    Part,
    Pick,
    Review,
    SequenceNotice,
    Shot,
    TakeRecord,
)
from client_async.shot_ids import owner_of
from client_async.states import GridState
from starsend.documents import BadDocument, parse_document
from starsend.errors import BadInput
from starsend.orchestrator.step_key import check_name, request_digest

AspectRatio = Literal["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5", "21:9"]


SHOTS_IN_ONE = 6
"""The most that the table of limits has of any model (docs/guide.md)."""

LONGEST_NAME = 70
"""Characters: what is drawn for a sequence has up to ten more in its id."""


class Sequence(Part):
    """One client sequence: from prompt to take."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"split": {"const": True}}, "required": ["split"]},
            "else": {"properties": {"shots": {"maxItems": SHOTS_IN_ONE}}},
        }
    )

    title: str = ""
    prompt: str = Field(min_length=1, description="The scene of the start frame. May name elements: @mara.")
    aspect_ratio: AspectRatio = "16:9"
    elements: list[str] = Field(
        default_factory=list, description="Elements that go along whether a prompt names them or not."
    )
    split: StrictBool = Field(
        default=False,
        description="True makes several takes of shots that are too many or too long for one, each starting on the last "
        "frame of the one before.",
    )
    shots: list[Shot] = Field(min_length=1, max_length=36, description="What the take shows, in order.")
    selected_cell: Cell | None = Field(default=None, description="The picked cell, 1 to 4.")
    regrid: StrictBool = Field(default=False, description="True asks for a new grid; the old ones are kept.")
    regrid_note: str = Field(
        default="",
        max_length=LONGEST_NOTE,
        description="With `regrid`: what the new grid is to show, e.g. 'lower horizon, no crowd'.",
    )
    retake: StrictBool = Field(
        default=False, description="True asks for another take of the locked keyframe; the old ones are kept."
    )
    resume: StrictBool = Field(
        default=False, description="True goes on with a sequence that failed or waits for a decision."
    )
    adopt: str | None = Field(
        default=None, description="A picture made elsewhere, to be read and used as the grid. Costs nothing."
    )
    priority: StrictInt = Field(
        default=0, ge=-100, le=100, description="Higher goes first within the project."
    )
    deleted: StrictBool = Field(default=False, description="True takes the sequence out of the work.")

    review: Review = Field(default=Review(), description="The circled take, and notes on takes.")

    grid_state: GridState = "new"
    grid_id: str | None = None
    grid_path: str | None = None
    grid_history: list[GridRecord] = Field(default_factory=list)
    grid_fault: str = Field(default="", description="The kind of error that the sequence failed with.")
    grid_pause: BudgetPause | None = Field(default=None, description="The cap it ran into last.")
    grid_restarts: int = Field(default=0, ge=0)
    grid_wanted: StrictBool = Field(default=False, description="Another grid is being drawn.")
    grid_note: str = Field(default="", description="What somebody asked of the grids of this round.")
    pick: Pick | None = None
    keyframe: LockedKeyframe | None = None
    take: TakeRecord | None = None
    take_attempt: int = Field(default=1, ge=1)
    take_kept: list[str] = Field(
        default_factory=list,
        description="Videos of an attempt that was not finished, with which this attempt begins: they are paid for.",
    )
    take_history: list[TakeRecord] = Field(default_factory=list)
    status: str = ""
    notices: list[SequenceNotice] = Field(default_factory=list)

    @field_validator("shots")
    @classmethod
    def _one_take_or_split(cls, shots: list[Shot], info: ValidationInfo) -> list[Shot]:
        if len(shots) > SHOTS_IN_ONE and not info.data.get("split"):
            raise ValueError(
                f'{len(shots)} shots, at most {SHOTS_IN_ONE} in one take: "split": true makes several takes of them'
            )
        return shots

    @property
    def grid(self) -> GridRecord | None:
        """The grid that can be picked from."""
        return next((record for record in self.grid_history if record.grid == self.grid_id), None)

    @property
    def round(self) -> int:
        """Which round of exploring this is: 1 until a grid was accepted, or a hopeless one begun afresh."""
        return 1 + self.grid_restarts + sum(record.verdict.ok for record in self.grid_history)

    @property
    def grid_brief(self) -> str:
        """SHA-256 of what people say of the grid that is to be drawn."""
        asked = {"prompt": self.prompt, "elements": self.elements, "aspect_ratio": self.aspect_ratio}
        return request_digest(asked)

    @property
    def is_outdrawn(self) -> bool:
        """True when the grid that can be picked from was drawn for another brief than there is now."""
        drawn_for = self.grid.brief if self.grid else ""
        return bool(drawn_for) and drawn_for != self.grid_brief

    @property
    def stale(self) -> bool:
        """True when the video starts on another frame than the one that is locked."""
        return bool(self.take and self.keyframe and self.take.keyframe != self.keyframe.sha256)


class Head(Part):
    """Whose file it is."""

    schema_: Literal["starsend.sequences/1"] = Field(default="starsend.sequences/1", alias="schema")
    revision: int = 0


class Sequences(Part):
    """``sequences.json``."""

    head: Head = Field(default=Head(), alias="_starsend")
    sequences: dict[str, Sequence]

    @field_validator("sequences")
    @classmethod
    def _usable_names(cls, sequences: dict[str, Sequence]) -> dict[str, Sequence]:
        for name in sequences:
            if fault := name_fault(name, sequences):
                raise ValueError(fault)
        return sequences


def name_fault(name: str, names: Collection[str]) -> str | None:
    """Why a sequence among ``names`` may not be called ``name``, if it may not."""
    try:
        check_name(name, "sequence name")
    except BadInput as wrong:
        return str(wrong)
    if len(name) > LONGEST_NAME:
        return f"{name!r} is longer than {LONGEST_NAME} characters"
    if owner := owner_of(name, names):
        return f"{name!r} is a name that the frames of {owner!r} are booked under; choose another"
    return None


def check_sequences(
    sequences: Mapping[str, Mapping[str, Any]], path: Path, text: str = ""
) -> dict[str, Sequence]:
    """Raw sequences as models. Raises BadDocument, which names line (of ``text``) and JSON path."""
    return parse_document(_Some, {"sequences": sequences}, path, text=text).sequences


@lru_cache(maxsize=256)
def parsed(name: str, body: bytes, path: Path) -> Sequence:
    """One sequence from its JSON; what was asked for lately is not checked again. Raises BadDocument."""
    try:
        return Sequence.model_validate_json(body)
    except ValidationError:  # told again, in words for people
        return check_sequences({name: orjson.loads(body)}, path)[name]


class _Some(Part):
    """Some of a document's sequences; their names are checked against all the others by whoever adds one."""

    sequences: dict[str, Sequence]


def check_names(new: Collection[str], names: Collection[str], path: Path) -> None:
    """Whether ``new`` sequences may have their names among all ``names``. Raises BadDocument."""
    for name in new:
        if fault := name_fault(name, names):
            raise BadDocument(path, [(f"sequences.{name}", fault)])
    for other in names:
        if owner := owner_of(other, new):
            fault = f"frames of {owner!r} would be booked under the name of {other!r}; choose another"
            raise BadDocument(path, [(f"sequences.{owner}", fault)])


def misspelt(brief: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Fields that we do not know, in a brief or in its shots, each with the one of ours that was probably meant."""
    known = frozenset(field for field in Sequence.model_fields if not is_reported(field))
    shots = [shot for shot in brief.get("shots") or () if isinstance(shot, dict)]
    pairs = [(field, _nearest(field, known)) for field in brief]
    pairs += [(field, _nearest(field, frozenset(Shot.model_fields))) for shot in shots for field in shot]
    return [(field, meant) for field, meant in dict.fromkeys(pairs) if meant]


@lru_cache(maxsize=1000)
def _nearest(field: str, known: frozenset[str]) -> str | None:
    if field in known:
        return None
    # 0.8 finds one letter missing, doubled, swapped or wrong in seven, and leaves "notes" and "scene" alone.
    return next(iter(difflib.get_close_matches(field.lower(), known, n=1, cutoff=0.8)), None)
