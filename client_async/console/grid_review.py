"""The grid review: its page, and what people do on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from fastapi import Path as PathParam
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from client_async.console import picking, regridding
from client_async.console.answers import answering, refusals, refused
from client_async.console.board import Board
from client_async.console.grid_shown import references_of, shown
from client_async.console.guard import Guard
from client_async.console.media import ASK_AGAIN, ELEMENTS, OpenFile, open_media, thumbnail
from client_async.console.pages import Pages
from client_async.console.picking import Conflict, Seen
from client_async.console.threads import Threads
from client_async.driver_lock import daemon_drives
from client_async.ownership import LONGEST_NOTE
from client_async.projects import Place
from client_async.sequence_parts import Cell, Pick
from starsend.errors import StarsendError, UnknownName

AT_ONCE = 4
"""Requests that read or write files at the same time."""
REFERENCE_WIDTH = 320
T = TypeVar("T")
Note = Annotated[str, Field(max_length=LONGEST_NOTE)]
Accept = Annotated[
    str | None,
    Field(max_length=40, description="What another take may cost: the amount that a 409 has named."),
]
SeenPick = Annotated[Seen | None, Field(description="The pick that holds as far as you know; null for none.")]


class NewPick(BaseModel):
    """A pick of a cell of the grid that you looked at."""

    cell: Cell
    grid: str
    seen: SeenPick
    note: Note = ""
    accept: Accept = None


class TakeBack(BaseModel):
    """The pick that you want undone."""

    grid: str
    seen: SeenPick
    accept: Accept = None


class NewGrid(BaseModel):
    """A wish for another grid than the one that you looked at (null: there was none)."""

    grid: str | None
    seen: SeenPick = None
    note: Note = ""


class CallOff(BaseModel):
    """The wish for another grid that you want withdrawn: beside which grid it stood, and in which words."""

    grid: str | None
    note: Note


class AsItIs(BaseModel):
    """What there is to pick from, and the pick that holds."""

    state: str
    status: str
    grid: str | None
    pick: Pick | None
    regrid: bool = Field(description="Another grid is asked for, or being drawn.")
    regrid_note: str
    driven: bool = Field(description="A daemon goes on by itself; otherwise commands do.")


def review_page(pages: Pages) -> APIRouter:
    """``/review/<project>/<sequence>``, and the ways to the next that waits."""
    routes = APIRouter(include_in_schema=False)
    board, threads = pages.board, Threads(AT_ONCE)

    @routes.get("/review/{project}/{name}")
    async def review(request: Request, project: str, name: str) -> Response:
        """The grid large, and all that is known of it."""
        try:
            row, sequence = board.row(project, name), board.sequence(project, name)
        except UnknownName as unknown:
            raise HTTPException(404, unknown.what) from None
        except StarsendError as broken:
            raise HTTPException(409, str(broken)) from None
        place = board.project(project).place
        given = await threads.run(shown, place, name, sequence)
        waiting = sum(r["group"] == "waiting" for p in board.projects() for r in p.rows.values())
        driven = daemon_drives(place)
        return pages.render("review.html", request, row=row, waiting=waiting, driven=driven, **given)

    @routes.get("/review/{project}/{name}/reference/{number}")
    def reference(project: str, name: str, number: Annotated[int, PathParam(ge=0)]) -> OpenFile:
        """A picture that goes along with the prompt, made smaller; counted from 0. No other file of an element is served."""
        try:
            place, sequence = board.project(project).place, board.sequence(project, name)
            path = references_of(place, name, sequence)[number].path.relative_to(place.folder)
            with open_media(place.folder, path.as_posix(), shelf=ELEMENTS) as picture:
                made = thumbnail(place.folder, picture, REFERENCE_WIDTH).open("rb")
        except (StarsendError, OSError, IndexError):
            raise HTTPException(404, "there is no such picture") from None
        return OpenFile(made, "image/webp", ASK_AGAIN)

    @routes.get("/review/{project}/{name}/{way}")
    def other(project: str, name: str, way: Literal["next", "previous"]) -> Response:
        """Off to the sequence that waits for a pick next; back here, when no other does."""
        try:
            board.row(project, name)
        except UnknownName as unknown:
            raise HTTPException(404, unknown.what) from None
        found = _waits(board, project, name, back=way == "previous")
        path, end = (found, "") if found else ((project, name), "#none")
        return RedirectResponse(f"/review/{quote(path[0])}/{quote(path[1])}{end}", 303)

    return routes


def review_api(board: Board, guard: Guard) -> APIRouter:
    """Picks and new grids under ``/api/projects/{project}/sequences/{sequence}``."""
    routes = APIRouter(prefix="/api/projects/{project}/sequences/{sequence}", tags=["review"])
    threads = Threads(AT_ONCE)

    async def change(project: str, sequence: str, act: Callable[[Place, str], T]) -> AsItIs:
        with answering(BadDocument=409):
            place = board.project(project).place
            board.row(project, sequence)
            try:
                await threads.run(act, place, sequence)
            except Conflict as conflict:
                raise refused(conflict, 409, conflict.now) from conflict
            finally:
                board.written(project, sequence)
            return now(project, sequence)

    def now(project: str, sequence: str) -> AsItIs:
        place = board.project(project).place
        there: dict[str, Any] = picking.as_it_is(place.file.peek(sequence))
        return AsItIs(**there, driven=daemon_drives(place))

    @routes.get("/pick", summary="The grid that can be picked from, and its pick", responses=refusals(404))
    async def picked(project: str, sequence: str) -> AsItIs:
        with answering():
            board.row(project, sequence)
            return now(project, sequence)

    @routes.post("/pick", summary="Pick a cell of a grid", responses=refusals(404, 409, 422))
    async def pick(request: Request, project: str, sequence: str, asked: NewPick) -> AsItIs:
        """Refused with 409, and what is there now, when the grid has been replaced, when somebody else has picked or taken
        back meanwhile, or when a video has been paid for and ``accept`` does not name what another one costs."""
        by, at = guard.who(request) or "", datetime.now(UTC)
        given = {**asked.model_dump(exclude={"cell", "seen"}), "seen": asked.seen, "by": by, "at": at}
        return await change(project, sequence, lambda p, name: picking.pick(p, name, asked.cell, **given))

    @routes.delete("/pick", summary="Take a pick back", responses=refusals(404, 409, 422))
    async def take_back(request: Request, project: str, sequence: str, asked: TakeBack) -> AsItIs:
        """Free while no video has been made or begun; refused as a pick is."""
        act = partial(picking.take_back, grid=asked.grid, seen=asked.seen, accept=asked.accept)
        by, at = guard.who(request) or "", datetime.now(UTC)
        return await change(project, sequence, lambda place, name: act(place, name, by=by, at=at))

    @routes.post("/regrid", summary="Ask for another grid", responses=refusals(404, 409, 422))
    async def regrid(request: Request, project: str, sequence: str, asked: NewGrid) -> AsItIs:
        """The note goes into the next prompts. What is there is kept; refused as a pick is, and when one is asked for."""
        act = partial(regridding.ask_again, grid=asked.grid, seen=asked.seen, note=asked.note)
        by = guard.who(request) or ""
        return await change(project, sequence, lambda place, name: act(place, name, by=by))

    @routes.delete("/regrid", summary="Call another grid off", responses=refusals(404, 409, 422))
    async def call_off(request: Request, project: str, sequence: str, asked: CallOff) -> AsItIs:
        """Free while nothing has been sent for it; refused after that, and when it is asked for in other words by now."""
        act = partial(regridding.take_wish_back, grid=asked.grid, note=asked.note)
        by, at = guard.who(request) or "", datetime.now(UTC)
        return await change(project, sequence, lambda place, name: act(place, name, by=by, at=at))

    return routes


def _waits(board: Board, project: str, name: str, *, back: bool) -> tuple[str, str] | None:
    """The sequence after this one, or before it, that waits for a pick, in the briefs' order over all projects; from the end
    it goes on at the beginning."""
    rows = [row for shown in board.projects() for row in shown.rows.values()]
    keys = [(row["project"], row["sequence"]) for row in rows]
    at = keys.index((project, name))
    around = [*range(at + 1, len(rows)), *range(at)]
    found = (keys[i] for i in (reversed(around) if back else around) if rows[i]["group"] == "waiting")
    return next(found, None)
