"""The reading API: what the pages show, for programs."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from client_async.console.answers import answering, refusals
from client_async.console.board import Shown
from client_async.console.books import Books
from client_async.console.costs_page import Day, Wanted, costs_found
from client_async.console.description import operations
from client_async.console.now import Now, Watch
from client_async.console.pages import Pages
from client_async.cost_report import as_json
from client_async.sequences import Sequence

Dollars = Annotated[str, Field(pattern=r"^-?\d+\.\d{6}$", examples=["0.050400"])]
Group = Literal[
    "exploring", "waiting", "locked", "generating", "done", "failed", "paused", "recovery", "cancelled"
]


class ProjectRow(BaseModel):
    """A project: how many sequences it has under each heading, and why its brief cannot be read, if so."""

    project: str
    sequences: int
    groups: dict[Group, int]
    trouble: str


class SequenceRow(BaseModel):
    """A sequence in a line. ``ready``: its keyframe is locked and no take of it is there or being made."""

    project: str
    sequence: str
    title: str
    state: str
    group: Group
    words: str
    ready: bool
    status: str
    grid: str | None
    cell: int | None
    by: str | None
    take: str | None
    picture: str | None
    aspect_ratio: str


class SequenceInFull(BaseModel):
    """A sequence's line, and all that is kept of it (docs/state.md)."""

    row: SequenceRow
    document: Sequence


class SpendRow(BaseModel):
    """Dollars as text with six decimals; ``difference``: actual and possible less estimated."""

    actual: Dollars
    possible: Dollars
    estimated: Dollars
    difference: Dollars
    calls: int


class BySequence(SpendRow):
    """Spend on one sequence or house shot."""

    sequence: str


class ByWork(SpendRow):
    """Spend on one kind of work."""

    work: str


class ByProvider(SpendRow):
    """Spend at one provider and model."""

    provider: str


class ByDay(SpendRow):
    """Spend of one day in UTC."""

    day: date


class FinishedVideo(BaseModel):
    """The video that the work stands on, and what a second of it has cost."""

    takes: int
    seconds: Dollars
    spent_per_second: Dollars | None
    estimated_per_second: Dollars | None


class ProjectSpend(BaseModel):
    """One project's. ``finished`` is null where only some days are asked for."""

    project: str
    total: SpendRow
    finished: FinishedVideo | None
    by_sequence: list[BySequence]
    by_work: list[ByWork]
    by_provider: list[ByProvider]
    by_day: list[ByDay]


class Costs(BaseModel):
    """As ``starsend costs --json`` prints it."""

    schema_: Annotated[str, Field(alias="schema")]
    currency: Literal["USD"]
    since: date | None
    until: date | None
    total: SpendRow
    projects: list[ProjectSpend]


def api_routes(pages: Pages, books: Books, watch: Watch) -> APIRouter:
    """Everything under ``/api`` that is read, and ``/api`` itself: a list of it for people."""
    routes = APIRouter()
    board = pages.board

    @routes.get("/api", include_in_schema=False)
    def listed(request: Request) -> Response:
        """Every operation, from the OpenAPI document."""
        return pages.render("api.html", request, tags=operations(request.app.openapi()))

    @routes.get("/api/projects", tags=["sequences"], operation_id="projects", summary="Every project")
    async def projects() -> list[ProjectRow]:
        """By name."""
        return [_project(shown) for shown in board.projects()]

    @routes.get(
        "/api/projects/{project}/sequences",
        tags=["sequences"],
        operation_id="sequences",
        summary="A project's sequences",
        responses=refusals(404),
    )
    async def sequences(project: str) -> list[SequenceRow]:
        """In the brief's order."""
        with answering():
            return [SequenceRow(**row) for row in board.project(project).rows.values()]

    @routes.get(
        "/api/projects/{project}/sequences/{sequence}",
        tags=["sequences"],
        operation_id="sequence",
        summary="A sequence in full",
        responses=refusals(404, 422, 503),
    )
    async def sequence(project: str, sequence: str) -> SequenceInFull:
        """Its line, and its document with grids, picks and takes."""
        with answering():
            row = board.row(project, sequence)
            return SequenceInFull(row=SequenceRow(**row), document=board.sequence(project, sequence))

    @routes.get("/api/now", tags=["now"], operation_id="now", summary="What runs now, caps and queues")
    async def now() -> Now:
        """Calls under way, spend against caps (the fullest first), and what waits for each provider."""
        return await watch.now()

    @routes.get(
        "/api/costs",
        tags=["costs"],
        operation_id="costs",
        summary="What was spent on what",
        response_model=Costs,
        responses=refusals(404, 422, 503),
    )
    def costs(
        project: Annotated[
            str, Query(description="One project; all that can be read if none is named.")
        ] = "",
        since: Annotated[Day | None, Query(description="The first day that counts, in UTC.")] = None,
        until: Annotated[Day | None, Query(description="The last day that counts, in UTC.")] = None,
    ) -> dict[str, Any]:
        """As ``starsend costs --json``."""
        with answering():
            found, _ = costs_found(board, books, Wanted(project, since, until))
        return as_json(found, since, until)

    return routes


def _project(shown: Shown) -> ProjectRow:
    groups = Counter(row["group"] for row in shown.rows.values())
    return ProjectRow(
        project=shown.place.name, sequences=len(shown.rows), groups=dict(groups), trouble=shown.trouble
    )
