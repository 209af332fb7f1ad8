"""The parts of a sequence in the document: its shots, and what the daemon reports of grids, picks, keyframes and takes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from client_async.review import LONGEST_TEXT, MOST_NOTES

Cell = Annotated[StrictInt, Field(ge=1, le=4)]


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
    rows: int | None = Field(
        default=None, description="As many as were seen in a picture that is no 2x2 grid."
    )
    columns: int | None = Field(default=None, description="Likewise.")


class GridRecord(Part):
    """One attempt at a grid, right or wrong. Its takes are the ledger's; a picture from elsewhere has none."""

    grid: str
    round: int = Field(ge=1, description="Goes up when a new grid is asked for after one was accepted.")
    via: Literal["model", "composite", "adopted"]
    verdict: Verdict
    takes: list[str] = Field(default_factory=list)
    cost: str = Field(default="0", description="Dollars that this attempt has cost, or may have.")
    path: str | None = None
    cells: list[str] = Field(default_factory=list)
    gutter: str = ""
    brief: str = Field(
        default="",
        description="SHA-256 of prompt, elements and aspect ratio, as they were when it was drawn.",
    )
    note: str = Field(default="", description="What somebody had asked of it (`regrid_note`).")
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


class TakePart(Part):
    """One of the videos that a take was divided into. It starts on the last frame of the one before."""

    take: str
    path: str
    shots: int = Field(ge=1, description="How many shots it shows.")
    start_frame: str = Field(description="SHA-256 of the frame it starts on.")


class TakeRecord(Part):
    """A video that was made, and the start frame it was made from."""

    take: str
    path: str
    attempt: int = Field(ge=1)
    keyframe: str = Field(description="SHA-256 of the start frame.")
    brief: str = Field(description="SHA-256 of prompts, durations and references, as they were then.")
    parts: list[TakePart] = Field(
        default_factory=list,
        description="All videos of a take that was divided, in order; the first is `take`.",
    )
    at: str

    @property
    def takes(self) -> set[str]:
        """The ids of all its videos."""
        return {self.take, *(part.take for part in self.parts)}


class ReviewNote(Part):
    """What somebody says of a take at one of its frames."""

    id: str = Field(min_length=1, max_length=80)
    take: str
    frame: int = Field(ge=0, description="From 0, counted through all parts of a divided take.")
    seconds: float = Field(ge=0, description="When that frame begins.")
    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    by: str
    at: str


class AnsweredFrame(Part):
    """The start frame that a client was shown, and answered, where there was no take yet."""

    grid: str
    cell: Cell
    keyframe: str = Field(description="SHA-256 of the picture.")


class Approval(Part):
    """A client's yes or no to a take, or to a start frame, by a link that was sent to them; of several by one person the
    last holds."""

    id: str = ""
    take: str = Field(description="Empty of a start frame.")
    start_frame: AnsweredFrame | None = None
    by: str
    at: str
    link: str = ""
    approved: StrictBool
    note: str = Field(default="", max_length=LONGEST_TEXT)


class Review(Part):
    """What people say of a sequence's takes. An edit of it is merged note by note."""

    circled: str | None = Field(default=None, description="The take that is chosen.")
    notes: list[ReviewNote] = Field(
        default_factory=list,
        max_length=MOST_NOTES,
        description='One that is left out stays; `"deleted": true` in it deletes it.',
    )
    approvals: list[Approval] = Field(default_factory=list, description="What clients answered.")


class BudgetPause(Part):
    """The cap of the budget that a sequence ran into."""

    cap: Literal["project", "sequence", "day"]
    of: str = Field(description="The project, the sequence, or the day (UTC).")
    limit: str = Field(description="Dollars, as the cap was then.")


class SequenceNotice(Part):
    """Something people should know of their sequence."""

    at: str
    text: str
