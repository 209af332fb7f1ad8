"""Where the studio makes links and handouts for clients, sees what came back, and withdraws a link."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, Final, TypeVar
from urllib.parse import quote

import anyio
import anyio.to_thread
from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from client_async.client_answers import answers
from client_async.console.answers import answering, refusals
from client_async.console.client_page import Showroom, raws
from client_async.console.guard import is_loopback
from client_async.console.handout import SHEET, is_finished, make_handout, zipped
from client_async.console.links import LONGEST_TITLE, MOST_DAYS, USUAL_DAYS, Link
from client_async.console.pages import Pages
from client_async.console.plain_words import Paper, clock, day
from client_async.console.showing import MOST_SHOWN, can_be_shown, choose, entries
from client_async.projects import Place
from starsend.errors import StarsendError, UnknownName
from starsend.files import CannotWrite

T = TypeVar("T")
AT_ONCE: Final = 2
DELIVERIES: Final = "deliveries"
_BLOCK: Final = 1 << 20


class Chosen(BaseModel):
    """What a client is to see: names of sequences (their circled take, else the one that holds), ids of takes."""

    project: str
    chosen: Annotated[list[str], Field(min_length=1, max_length=MOST_SHOWN)]
    title: Annotated[str, Field(max_length=LONGEST_TITLE)] = ""


class NewLink(Chosen):
    """A link is over after ``days``."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = USUAL_DAYS


class NewHandout(Chosen):
    """``pdf``: with a contact sheet."""

    pdf: bool = True
    paper: Paper = "a4"


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


class Delivered(BaseModel):
    """A handout in the project's ``deliveries/``."""

    folder: str
    zip: str
    entries: int


def link_routes(pages: Pages, room: Showroom) -> APIRouter:
    """``/links``, ``/api/links`` and ``/api/handouts``."""
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
        deliveries: list[dict[str, Any]] = []
        trouble = ""
        try:
            if place is not None:
                live, deliveries = await run(partial(_standing, room, place))
        except (StarsendError, OSError) as refused:
            trouble = str(refused)
        return pages.render(
            "links.html",
            request,
            projects=[one.name for one in known],
            project=place.name if place else "",
            rows=_rows(place, board.project(place.name).rows, chosen or []) if place else [],
            live=live,
            deliveries=deliveries,
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
            return (await run(partial(_standing, room, place)))[0]

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

    @routes.post(
        "/api/handouts",
        tags=["links"],
        summary="Write a handout into the project's deliveries",
        status_code=201,
        responses=refusals(404, 422),
    )
    async def hand_out(asked: NewHandout) -> Delivered:
        with answering(NotPlain=422, Missing=422):
            place = board.project(asked.project).place
            return await run(partial(_hand_out, room, place, asked))

    @routes.get("/handouts/{project}/{name}.zip", include_in_schema=False)
    async def packed(project: str, name: str) -> StreamingResponse:
        """A handout as one file."""
        try:
            folder = _delivery(board.project(project).place, name)
            file = await run(partial(zipped, folder))
        except (StarsendError, OSError):
            raise HTTPException(404, "there is no such handout") from None
        size = await run(lambda: file.seek(0, os.SEEK_END))
        headers = {
            "content-length": str(size),
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}.zip",
        }
        return StreamingResponse(_blocks(file), media_type="application/zip", headers=headers)

    return routes


def _make(room: Showroom, place: Place, asked: NewLink, by: str) -> tuple[Link, str]:
    chosen = choose(_sequences(place), asked.chosen)
    for entry in entries(_sequences(place), chosen):
        room.media(place).check(entry)
    return room.links.make(place, chosen, title=_title(asked), days=asked.days, by=by)


def _hand_out(room: Showroom, place: Place, asked: NewHandout) -> Delivered:
    made, title = room.links.now().date(), _title(asked)
    folder = _free(place.folder / DELIVERIES, f"{made:%Y-%m-%d}-{_slug(title)}")
    try:
        cards = make_handout(
            _sequences(place),
            asked.chosen,
            folder,
            room.media(place),
            title=title,
            project=place.name,
            made=made,
            pdf=asked.pdf,
            paper=asked.paper,
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return _delivered(place, folder, len(cards))


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while block := file.read(_BLOCK):
            yield block


def _delivered(place: Place, folder: Path, shown: int) -> Delivered:
    shown_as = place.shown(folder.relative_to(place.folder))
    return Delivered(folder=shown_as, zip=f"/handouts/{place.name}/{folder.name}.zip", entries=shown)


def _standing(room: Showroom, place: Place) -> tuple[list[LiveLink], list[dict[str, Any]]]:
    """The links that hold and what came back, newest first; and the deliveries that are there."""
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
    folder = place.folder / DELIVERIES
    there = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []
    deliveries = [
        {"name": one.name, "sheet": (one / SHEET).is_file(), **_delivered(place, one, 0).model_dump()}
        for one in there
        if is_finished(one)
    ]
    return live, deliveries


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


def _delivery(place: Place, name: str) -> Path:
    """A finished handout of that name. Raises UnknownName."""
    folder = place.folder / DELIVERIES / name
    if name != Path(name).name or folder.is_symlink() or not is_finished(folder):
        raise UnknownName("handout", name, ())
    return folder


def _sequences(place: Place) -> dict[str, dict[str, Any]]:
    return raws(place, place.file.names())


def _title(asked: Chosen) -> str:
    return (
        " ".join("".join(sign if sign.isprintable() else " " for sign in asked.title).split())
        or asked.project
    )


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "handout"


def _free(folder: Path, name: str) -> Path:
    """A new folder of that name, or with the next number behind it. Raises CannotWrite."""
    for number in itertools.count(1):
        free = folder / (f"{name}-{number}" if number > 1 else name)
        try:
            free.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as refused:
            raise CannotWrite(free, refused) from refused
        return free
    raise AssertionError
