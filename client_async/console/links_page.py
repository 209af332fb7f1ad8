"""The page on which the studio makes links and handouts, and sees what came back."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response

from client_async.console.came_back import LiveLink, standing
from client_async.console.deliveries import Delivered, deliveries
from client_async.console.guard import is_loopback
from client_async.console.links import LONGEST_TITLE, MOST_DAYS, USUAL_DAYS
from client_async.console.pages import Pages
from client_async.console.plain_words import day
from client_async.console.showing import can_be_shown
from client_async.console.showroom import Showroom, raws
from client_async.console.threads import Threads
from client_async.projects import Place
from client_async.review import take_number, takes_in
from starsend.errors import StarsendError

AT_ONCE: Final = 2


def links_page(pages: Pages, room: Showroom) -> APIRouter:
    """``/links``."""
    routes = APIRouter(include_in_schema=False)
    board, run = room.board, Threads(AT_ONCE).run

    @routes.get("/links")
    async def page(
        request: Request, project: str = "", chosen: Annotated[list[str] | None, Query()] = None
    ) -> Response:
        """The form, the links that hold and what came back by them."""
        known = board.projects()  # as they are now: one may go while others are looked at
        shown = next((one for one in known if one.place.name == (project or one.place.name)), None)
        if shown is None and project:
            raise HTTPException(404, f"unknown project {project!r}")
        place = shown.place if shown else None
        live: list[LiveLink] = []
        made: list[Delivered] = []
        trouble = ""
        try:
            if place is not None:
                live = await run(standing, room, place)
                made = await run(deliveries, place)
        except (StarsendError, OSError) as refused:
            trouble = str(refused)
        return pages.render(
            "links.html",
            request,
            projects=[one.place.name for one in known],
            project=place.name if place else "",
            rows=_rows(shown.place, shown.rows) if shown else [],
            chosen=chosen or [],
            live=live,
            deliveries=made,
            trouble=trouble,
            day=day,
            days=USUAL_DAYS,
            most=MOST_DAYS,
            longest=LONGEST_TITLE,
            only_here=is_loopback(request.url.hostname or ""),
        )

    return routes


def _rows(place: Place, rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What of a project can be chosen: of each sequence what its name means, and its other takes."""
    found = []
    for name, row in rows.items():
        raw = raws(place, [name]).get(name, {})
        choice = can_be_shown(name, raw)
        if choice is None:
            continue
        others = [take for take in dict.fromkeys(takes_in(raw)) if take != choice.take]
        found.append(
            {
                "name": name,
                "title": row["title"],
                "shows": f"take {take_number(raw, choice.take)}" if choice.take else "start frame",
                "circled": bool(choice.take) and row["circled"] == choice.take,
                "others": [(take, take_number(raw, take)) for take in reversed(others)],
            }
        )
    return found
