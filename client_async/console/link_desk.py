"""Where the studio makes links for clients, sees what came back, and withdraws a link."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import anyio
import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from client_async.client_answers import answers
from client_async.console.answers import answering, refusals
from client_async.console.deliveries import Chosen, Delivered, deliveries, sequences_of, title_of
from client_async.console.guard import is_loopback
from client_async.console.links import LONGEST_TITLE, MOST_DAYS, USUAL_DAYS, Link
from client_async.console.pages import Pages
from client_async.console.plain_words import clock, day
from client_async.console.showing import can_be_shown, choose, entries
from client_async.console.showroom import Showroom, raws
from client_async.projects import Place
from starsend.errors import StarsendError

T = TypeVar("T")
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


class CameBack(BaseModel):
    """What a client answered on a sequence: ``approved`` of an approval, ``frame_at`` of a note."""

    sequence: str
    by: str
    at: str
    text: str
    approved: bool | None = None
    frame_at: str = ""


class LiveLink(BaseModel):
    """A link that holds. Times are UTC."""

    id: str
    project: str
    title: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    shows: list[str]
    came_back: list[CameBack]


def link_routes(pages: Pages, room: Showroom) -> APIRouter:
    """``/links`` and ``/api/links``."""
    routes = APIRouter()
    board, guard, links = room.board, pages.guard, room.links
    threads = anyio.CapacityLimiter(AT_ONCE)

    async def run(work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=threads)

    @routes.get("/links", include_in_schema=False)
    async def page(
        request: Request, project: str = "", chosen: Annotated[list[str] | None, Query()] = None
    ) -> Response:
        """The form, the links that hold and what came back by them."""
        known = [shown.place for shown in board.projects()]
        place = next((one for one in known if one.name == project), known[0] if known else None)
        live: list[LiveLink] = []
        made: list[Delivered] = []
        trouble = ""
        try:
            if place is not None:
                live = await run(partial(_standing, room, place))
                made = await run(partial(deliveries, place))
        except (StarsendError, OSError) as refused:
            trouble = str(refused)
        return pages.render(
            "links.html",
            request,
            projects=[one.name for one in known],
            project=place.name if place else "",
            rows=_rows(place, board.project(place.name).rows, chosen or []) if place else [],
            live=live,
            deliveries=made,
            trouble=trouble,
            day=day,
            days=USUAL_DAYS,
            most=MOST_DAYS,
            longest=LONGEST_TITLE,
            only_here=is_loopback(request.url.hostname or ""),
        )

    @routes.get(
        "/api/links", tags=["links"], summary="A project's links that hold", responses=refusals(404, 422)
    )
    async def live(project: str) -> list[LiveLink]:
        with answering():
            place = board.project(project).place
            return await run(partial(_standing, room, place))

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
            link, signed = await run(partial(_make, room, place, asked, by))
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
            await run(partial(links.withdraw, place, link, guard.who(request) or ""))
        return Response(status_code=204)

    return routes


def _make(room: Showroom, place: Place, asked: NewLink, by: str) -> tuple[Link, str]:
    chosen = choose(sequences_of(place), asked.chosen)
    for entry in entries(sequences_of(place), chosen):
        room.media(place).check(entry)
    return room.links.make(place, chosen, title=title_of(asked), days=asked.days, by=by)


def _standing(room: Showroom, place: Place) -> list[LiveLink]:
    """The links that hold and what came back, newest first."""
    now = room.links.now()
    live = []
    for link in room.links.all(place):
        if link.over(now):
            continue
        names = list(dict.fromkeys(choice.sequence for choice in link.chosen))
        came = [
            _came_back(name, answer)
            for name, raw in raws(place, names).items()
            for answer in answers(raw, link.id)
        ]
        facts = link.model_dump(include={"id", "title", "made_by", "made_at"})
        live.append(
            LiveLink(
                **facts,
                project=place.name,
                expires_at=link.expires_at,
                shows=names,
                came_back=sorted(came, key=lambda one: one.at),
            )
        )
    return live


def _came_back(sequence: str, answer: dict[str, Any]) -> CameBack:
    at = answer.get("seconds")
    return CameBack(
        sequence=sequence,
        by=str(answer.get("by", "")),
        at=str(answer.get("at", "")),
        text=str(answer.get("text") or answer.get("note") or ""),
        approved=answer.get("approved"),
        frame_at=clock(at) if at else "",
    )


def _rows(place: Place, rows: dict[str, dict[str, Any]], chosen: list[str]) -> list[dict[str, Any]]:
    """What of a project can be chosen."""
    found = []
    for name, row in rows.items():
        choice = can_be_shown(name, raws(place, [name]).get(name, {}))
        if choice is not None:
            shows = "take" if choice.take else "still"
            found.append({"name": name, "title": row["title"], "shows": shows, "chosen": name in chosen})
    return found
