"""What the player tells of notes: left at a frame, and taken back by whoever left them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response

from client_async.console.answers import answering, refusals
from client_async.console.board import Board
from client_async.console.guard import Guard
from client_async.console.review_api import AT_ONCE, change
from client_async.console.take_frames import frame_at
from client_async.console.threads import Threads
from client_async.draft import Draft
from client_async.review import LONGEST_TEXT, add_note, remove_note
from client_async.sequence_parts import ReviewNote, TakeRecord
from starsend.errors import BadInput, UnknownName
from starsend.tools.film_facts import NoFilm


class NewNote(BaseModel):
    """A note at a frame, from 0, counted through all parts of a divided take."""

    take: str
    frame: Annotated[int, Field(ge=0)]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT)]


def note_routes(board: Board, guard: Guard) -> APIRouter:
    """Notes under ``/api/projects/{project}/sequences/{sequence}``."""
    routes = APIRouter(prefix="/api/projects/{project}/sequences/{sequence}", tags=["dailies"])
    threads = Threads(AT_ONCE)

    @routes.post(
        "/notes", summary="Leave a note at a frame", status_code=201, responses=refusals(404, 409, 422)
    )
    async def note(request: Request, project: str, sequence: str, asked: NewNote) -> ReviewNote:
        with answering(BadDocument=409, NoFilm=409):
            taken = _record(board, project, sequence, asked.take)
            place = board.project(project).place
            try:
                seconds = await threads.run(frame_at, place, taken, asked.frame)
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

        return await change(board, threads, project, sequence, edit, TooManyNotes=409)

    @routes.delete(
        "/notes/{note}",
        summary="Delete a note of your own",
        status_code=204,
        responses=refusals(403, 404, 422),
    )
    async def gone(request: Request, project: str, sequence: str, note: str) -> Response:
        by = guard.who(request) or ""
        await change(
            board,
            threads,
            project,
            sequence,
            lambda draft: remove_note(draft[sequence], sequence, note, by=by),
            NotYours=403,
        )
        return Response(status_code=204)

    return routes


def _record(board: Board, project: str, sequence: str, take: str) -> TakeRecord:
    history = board.sequence(project, sequence).take_history
    found = next((one for one in history if one.take == take), None)
    if found is None:
        raise UnknownName("take", take, {one.take for one in history}, where=sequence)
    return found
