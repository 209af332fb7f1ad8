"""What the player asks and tells of takes: what there is to watch, and the circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import APIRouter
from pydantic import BaseModel

from client_async.console.answers import answering, refusals, refused
from client_async.console.board import Board
from client_async.console.takes_shown import ShownTakes, TakeBook
from client_async.console.threads import Threads
from client_async.draft import Draft
from client_async.review import CircledMeanwhile, circle, circled_take

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


def review_routes(board: Board) -> APIRouter:
    """Takes and the circle under ``/api/projects/{project}/sequences/{sequence}``."""
    routes = APIRouter(prefix="/api/projects/{project}/sequences/{sequence}", tags=["dailies"])
    threads, book = Threads(AT_ONCE), TakeBook()

    @routes.get(
        "/takes", summary="A sequence's takes, with frames, shots and notes", responses=refusals(404, 409)
    )
    async def takes(project: str, sequence: str) -> ShownTakes:
        with answering(BadDocument=409):
            model = board.sequence(project, sequence)
            place = board.project(project).place
            return await threads.run(book.takes, place, sequence, model)

    @routes.post("/circle", summary="Circle a take, or none", responses=refusals(404, 409, 422))
    async def circled(project: str, sequence: str, asked: Circle) -> Circled:
        def edit(draft: Draft) -> str | None:
            raw = draft[sequence]
            try:
                circle(raw, sequence, asked.take, seen=asked.seen)
            except CircledMeanwhile as other:
                raise refused(other, 409, {"circled": circled_take(raw)}) from other
            return circled_take(raw)

        return Circled(circled=await change(board, threads, project, sequence, edit))

    return routes


async def change(
    board: Board, threads: Threads, project: str, sequence: str, edit: Callable[[Draft], T], **statuses: int
) -> T:
    """Let ``edit`` change a sequence that there is, and show it at once. Errors of ours are answers, as ``answering`` has them."""
    with answering(**statuses):
        file = board.project(project).place.file
        board.row(project, sequence)
        done = await threads.run(file.change, edit)
        board.written(project, sequence)
        return done
