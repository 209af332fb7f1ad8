"""What the player asks and tells: a sequence's takes, the circle, and notes at a frame."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from client_async.console.answers import answering, refusals, refused
from client_async.console.board import Board
from client_async.console.guard import Guard
from client_async.console.takes_shown import ShownTakes, TakeBook, frame_at
from client_async.draft import Draft
from client_async.review import LONGEST_TEXT, CircledMeanwhile, add_note, circle, circled_take, remove_note
from client_async.sequence_parts import ReviewNote, TakeRecord
from starsend.errors import BadInput, UnknownName
from starsend.tools.film_facts import NoFilm

AT_ONCE = 4
"""Requests that read or write files at the same time."""
T = TypeVar("T")


class Circle(BaseModel):
    """``take``: the one to circle, or null for none. ``seen``: the one that was circled when you looked."""

    take: str | None
    seen: str | None


class Circled(BaseModel):
    """The take that is circled now."""

    circled: str | None


class NewNote(BaseModel):
    """A note at a frame, from 0, counted through all parts of a divided take."""

    take: str
    frame: Annotated[int, Field(ge=0)]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT)]


def review_routes(board: Board, guard: Guard) -> APIRouter:
    """Takes, circle and notes under ``/api/projects/{project}/sequences/{sequence}``."""
    routes = APIRouter(prefix="/api/projects/{project}/sequences/{sequence}", tags=["dailies"])
    threads, book = anyio.CapacityLimiter(AT_ONCE), TakeBook()

    async def change(project: str, sequence: str, edit: Callable[[Draft], T], **statuses: int) -> T:
        with answering(**statuses):
            file = board.project(project).place.file
            board.row(project, sequence)
            done = await anyio.to_thread.run_sync(lambda: file.change(edit), limiter=threads)
            board.written(project, sequence)
            return done

    def record(project: str, sequence: str, take: str) -> TakeRecord:
        history = board.sequence(project, sequence).take_history
        found = next((one for one in history if one.take == take), None)
        if found is None:
            raise UnknownName("take", take, {one.take for one in history}, where=sequence)
        return found

    @routes.get(
        "/takes", summary="A sequence's takes, with frames, shots and notes", responses=refusals(404, 409)
    )
    async def takes(project: str, sequence: str) -> ShownTakes:
        with answering(BadDocument=409):
            model = board.sequence(project, sequence)
            place = board.project(project).place
            return await anyio.to_thread.run_sync(book.takes, place, sequence, model, limiter=threads)

    @routes.post("/circle", summary="Circle a take, or none", responses=refusals(404, 409, 422))
    async def circled(project: str, sequence: str, asked: Circle) -> Circled:
        def edit(draft: Draft) -> str | None:
            raw = draft[sequence]
            try:
                circle(raw, sequence, asked.take, seen=asked.seen)
            except CircledMeanwhile as other:
                raise refused(other, 409, {"circled": circled_take(raw)}) from other
            return circled_take(raw)

        return Circled(circled=await change(project, sequence, edit))

    @routes.post(
        "/notes", summary="Leave a note at a frame", status_code=201, responses=refusals(404, 409, 422)
    )
    async def note(request: Request, project: str, sequence: str, asked: NewNote) -> ReviewNote:
        with answering(BadDocument=409, NoFilm=409):
            taken = record(project, sequence, asked.take)
            place = board.project(project).place
            try:
                seconds = await anyio.to_thread.run_sync(frame_at, place, taken, asked.frame, limiter=threads)
            except FileNotFoundError as gone:
                raise NoFilm(place.folder / taken.path, "it is not there") from gone
            if seconds is None:
                raise BadInput(f"the take has no frame {asked.frame}", remedy="frames are counted from 0")
        by, at = guard.who(request) or "", datetime.now(UTC)

        def edit(draft: Draft) -> ReviewNote:
            made = add_note(
                draft[sequence],
                sequence,
                asked.take,
                frame=asked.frame,
                seconds=seconds,
                text=asked.text,
                by=by,
                at=at,
            )
            return ReviewNote.model_validate(made)

        return await change(project, sequence, edit, TooManyNotes=409)

    @routes.delete(
        "/notes/{note}",
        summary="Delete a note of your own",
        status_code=204,
        responses=refusals(403, 404, 422),
    )
    async def gone(request: Request, project: str, sequence: str, note: str) -> Response:
        by = guard.who(request) or ""
        await change(
            project, sequence, lambda draft: remove_note(draft[sequence], sequence, note, by=by), NotYours=403
        )
        return Response(status_code=204)

    return routes
