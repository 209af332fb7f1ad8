"""The document's models: what people write of a sequence, and what the runner reports into it.

People own the brief (prompt, shots, elements, ``selected_cell``, ``regrid``, ``deleted`` and any field we do not know);
the runner owns ``grid_*``, ``pick``, ``keyframe``, ``take*`` and ``status``. The JSON Schema for editors comes from here.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, field_validator

from client_async.sequence_file import Document, SequenceFile, sequence_in
from starsend.documents import parse_document
from starsend.errors import BadInput
from starsend.orchestrator.step_key import check_name

GridState = Literal[
    "new",
    "exploring",
    "retrying",
    "compositing",
    "waiting_for_pick",
    "locked",
    "generating",
    "done",
    "stale",
    "failed",
    "recovery",
]
Cell = Annotated[StrictInt, Field(ge=1, le=4)]
AspectRatio = Literal["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5", "21:9"]


LONGEST_NAME = 70
"""Characters: what is drawn for a sequence has up to ten more in its id."""


class Part(BaseModel):
    """A part of the document. Fields we do not know are somebody else's and are kept."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Shot(Part):
    """One shot of a take."""

    prompt: str = Field(min_length=1, description="What happens. May name elements: @mara.")
    seconds: float = Field(gt=0, le=60, description="How long it holds.")
    camera: str = Field(default="", description="E.g. 'push in', 'pan left', 'hold'.")


class Verdict(Part):
    """What the grid reader, or the vendor, said of one attempt."""

    ok: bool
    reason: str
    explanation: str
    confidence: float = 0.0


class GridRecord(Part):
    """One attempt at a grid, right or wrong. Its takes are the ledger's; a picture from elsewhere has none."""

    grid: str
    round: int = Field(ge=1, description="Goes up when a new grid is asked for after one was accepted.")
    via: Literal["model", "composite", "adopted"]
    verdict: Verdict
    takes: list[str] = []
    path: str | None = None
    cells: list[str] = []
    gutter: str = ""
    at: str


class Pick(Part):
    """Who picked what, of which grid."""

    cell: Cell
    grid: str
    by: str
    via: str
    at: str
    state: Literal["accepted"] = "accepted"


class LockedKeyframe(Part):
    """The start frame that holds now."""

    path: str
    sha256: str
    grid: str
    cell: Cell
    by: str
    at: str


class TakeRecord(Part):
    """A video that was made, and the start frame it was made from."""

    take: str
    path: str
    attempt: int = Field(ge=1)
    keyframe: str = Field(description="SHA-256 of the start frame.")
    brief: str = Field(description="SHA-256 of prompts, durations and references, as they were then.")
    at: str


class Sequence(Part):
    """One client sequence: from prompt to take."""

    title: str = ""
    prompt: str = Field(min_length=1, description="The scene of the start frame. May name elements: @mara.")
    aspect_ratio: AspectRatio = "16:9"
    elements: list[str] = Field(
        default=[], description="Elements that go along whether a prompt names them or not."
    )
    shots: list[Shot] = Field(min_length=1, max_length=6, description="What the take shows, in order.")
    selected_cell: Cell | None = Field(default=None, description="The picked cell, 1 to 4.")
    regrid: StrictBool = Field(default=False, description="True asks for a new grid; the old ones are kept.")
    deleted: StrictBool = Field(default=False, description="True takes the sequence out of the work.")

    grid_state: GridState = "new"
    grid_id: str | None = None
    grid_path: str | None = None
    grid_history: list[GridRecord] = []
    grid_restarts: int = Field(default=0, ge=0)
    pick: Pick | None = None
    keyframe: LockedKeyframe | None = None
    take: TakeRecord | None = None
    take_attempt: int = Field(default=1, ge=1)
    take_history: list[TakeRecord] = []
    status: str = ""

    @property
    def grid(self) -> GridRecord | None:
        """The grid that can be picked from."""
        return next((record for record in self.grid_history if record.grid == self.grid_id), None)

    @property
    def round(self) -> int:
        """Which round of exploring this is: 1 until a grid was accepted, or a hopeless one begun afresh."""
        return 1 + self.grid_restarts + sum(record.verdict.ok for record in self.grid_history)

    @property
    def stale(self) -> bool:
        """True when the video starts on another frame than the one that is locked."""
        return bool(self.take and self.keyframe and self.take.keyframe != self.keyframe.sha256)


def owner_of(shot_id: str, names: Container[str]) -> str | None:
    """Which of ``names`` books its frames under ids like ``shot_id`` (``SEQ01_grid_c2`` is SEQ01's), if any does."""
    prefixes = (shot_id[: at.start()] for at in re.finditer("_grid|_frame", shot_id))
    return next((prefix for prefix in prefixes if prefix in names), None)


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
            try:
                check_name(name, "sequence name")
            except BadInput as wrong:
                raise ValueError(str(wrong)) from wrong
            if len(name) > LONGEST_NAME:
                raise ValueError(f"{name!r} is longer than {LONGEST_NAME} characters")
            if owner := owner_of(name, sequences):
                raise ValueError(
                    f"{name!r} is a name that the frames of {owner!r} are booked under; choose another"
                )
        return sequences


REPORTED = {
    *(name for name in Sequence.model_fields if name.startswith(("grid_", "take"))),
    *("pick", "keyframe", "status", "selected_cell", "regrid"),
}
"""What a used brief says of its own project, and a new project begins without."""

Action = Literal["explore", "adopt_edit", "lock", "generate"]


def next_action(sequence: Sequence) -> Action | None:
    """What is to be done next, from the state alone; None when it is done or waits for a person."""
    pick, keyframe = sequence.pick, sequence.keyframe
    may_pay = sequence.grid_state != "recovery"  # a call may have been billed unseen: a person decides
    if sequence.deleted:
        return None
    if sequence.regrid or sequence.grid is None:
        return "explore" if may_pay else None
    if sequence.selected_cell is not None and (pick is None or pick.cell != sequence.selected_cell):
        return "adopt_edit"
    if pick is None or sequence.selected_cell is None or pick.grid != sequence.grid_id:
        return None  # nothing is picked, or the pick was withdrawn
    if keyframe is None or (keyframe.grid, keyframe.cell) != (pick.grid, pick.cell):
        return "lock"
    begun = sequence.grid_state in ("generating", "failed")  # a take that was asked for and has not come
    return "generate" if may_pay and (begun or sequence.take is None or sequence.stale) else None


def read_sequences(file: SequenceFile) -> dict[str, Sequence]:
    """Every sequence, checked. Raises BadDocument with the JSON path of each fault."""
    return checked_sequences(file.read(), file)


def checked_sequences(document: Document, file: SequenceFile) -> dict[str, Sequence]:
    """As ``read_sequences``, of a document that ``file`` has just given."""
    return parse_document(Sequences, document, file.path).sequences


def read_sequence(file: SequenceFile, name: str) -> Sequence:
    """One sequence, checked by itself: a fault elsewhere does not hold it up. Raises BadDocument, UnknownName."""
    document: Document = file.read()
    sequence_in(document, name, file.path)
    one: dict[str, Any] = {"sequences": {name: document["sequences"][name]}}
    return checked_sequences(one, file)[name]
