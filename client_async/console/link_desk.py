"""Where links for clients are made, listed and withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from client_async.console.answers import answering, refusals
from client_async.console.came_back import LiveLink, standing
from client_async.console.deliveries import Chosen, sequences_of, title_of
from client_async.console.guard import Guard
from client_async.console.links import MOST_DAYS, USUAL_DAYS, Link
from client_async.console.showing import choose, entries
from client_async.console.showroom import Showroom
from client_async.console.threads import Threads
from client_async.projects import Place

AT_ONCE: Final = 2


class NewLink(Chosen):
    """A link is over after ``days``."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = USUAL_DAYS


class Made(BaseModel):
    """A link that was made. ``url`` is told this once."""

    id: str
    url: str
    title: str
    expires_at: datetime
    shows: int


def link_routes(room: Showroom, guard: Guard) -> APIRouter:
    """``/api/links``."""
    routes = APIRouter()
    board, links, run = room.board, room.links, Threads(AT_ONCE).run

    @routes.get(
        "/api/links", tags=["links"], summary="A project's links that hold", responses=refusals(404, 422)
    )
    async def live(project: str) -> list[LiveLink]:
        with answering():
            place = board.project(project).place
            return await run(standing, room, place)

    @routes.post(
        "/api/links",
        tags=["links"],
        summary="Make a link for a client",
        status_code=201,
        responses=refusals(404, 422),
    )
    async def make(request: Request, asked: NewLink) -> Made:
        with answering(NotPlain=422, Missing=422):
            place = board.project(asked.project).place
            by = guard.who(request) or ""
            link, signed = await run(_make, room, place, asked, by)
        url = f"{str(request.base_url).rstrip('/')}/c/{signed}/"
        return Made(id=link.id, url=url, title=link.title, expires_at=link.expires_at, shows=len(link.chosen))

    @routes.delete(
        "/api/links/{link}",
        tags=["links"],
        summary="Withdraw a link",
        status_code=204,
        responses=refusals(404, 422),
    )
    async def withdraw(request: Request, link: str, project: str) -> Response:
        with answering():
            place = board.project(project).place
            await run(links.withdraw, place, link, guard.who(request) or "")
        return Response(status_code=204)

    return routes


def _make(room: Showroom, place: Place, asked: NewLink, by: str) -> tuple[Link, str]:
    chosen = choose(sequences_of(place), asked.chosen)
    for entry in entries(sequences_of(place), chosen):
        room.media(place).check(entry)
    return room.links.make(place, chosen, title=title_of(asked), days=asked.days, by=by)
