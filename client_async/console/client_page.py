"""What a client sees and does under ``/c/<signed>/``. The signature is the right; no session counts here, and none is given.

Nothing in these answers tells of prompts, costs, providers or steps: entries are numbered, and so are their files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import anyio
import anyio.to_thread
import structlog
from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field
from starlette.responses import FileResponse, HTMLResponse, Response

from client_async import client_answers
from client_async.client_answers import (
    BadAnswer,
    TooManyAnswers,
    check_room,
    plain_name,
    plain_text,
)
from client_async.console.answers import refusals, refused
from client_async.console.links import LinkOver, NotALink
from client_async.console.pages import templates
from client_async.console.plain_media import NAME
from client_async.console.plain_words import day
from client_async.console.showing import Entry
from client_async.console.showroom import Opened, Showroom, card, maker
from client_async.draft import Draft
from starsend.errors import BadInput, StarsendError, UnknownName

log = structlog.get_logger()

ANSWERS_AT_ONCE: Final = 4
MEDIA_AT_ONCE: Final = 16
"""For all clients together. Copies are made one at a time; who asks for one that is there must not stand behind those who wait."""
PRIVATE: Final = {"cache-control": "private, no-cache", "x-robots-tag": "noindex, nofollow"}
UNKEPT: Final = {"cache-control": "no-store", "x-robots-tag": "noindex, nofollow"}


class Said(BaseModel):
    """Who speaks, and what they say."""

    name: str
    text: str = ""


class Approves(Said):
    """Yes or no to a take."""

    approved: bool = True


class Notes(Said):
    """A note. ``seconds``: where the take stood."""

    seconds: float = Field(default=0, ge=0, le=86_400, allow_inf_nan=False)


S = TypeVar("S", bound=Said)


class Answer(BaseModel):
    """An answer as it is kept: ``approved`` of an approval, ``seconds`` of a note. ``at`` is UTC."""

    by: str
    at: str
    text: str
    approved: bool | None = None
    seconds: float | None = None


def client_routes(room: Showroom) -> APIRouter:
    """``/c/<signed>/``, its media and its answers."""
    routes = APIRouter(prefix="/c/{signed}", tags=["client"])
    answering, fetching = anyio.CapacityLimiter(ANSWERS_AT_ONCE), anyio.CapacityLimiter(MEDIA_AT_ONCE)
    page = templates().get_template("client.html")

    @routes.get("/", include_in_schema=False)
    def shown(signed: str) -> Response:
        """The client's page."""
        try:
            opened = room.open(signed)
        except StarsendError as error:
            return _closed(error)
        cards = [card(room.media(opened.place), entry, opened) for entry in opened.entries]
        return HTMLResponse(
            page.render(link=opened.link, cards=cards, until=day(opened.link.expires_at, hour=True)),
            headers=UNKEPT,
        )

    @routes.api_route("/media/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    async def media(signed: str, name: str) -> FileResponse:
        """A take or a still; a part of it where a Range is asked for."""
        found = NAME.fullmatch(name)
        try:
            opened = await anyio.to_thread.run_sync(room.open, signed)
            if found is None:
                raise UnknownName("file", name, ())
            entry = opened.entry(int(found[1]))
            make = maker(room.media(opened.place), entry, int(found[2] or 1), found[3])
            file = await anyio.to_thread.run_sync(make, limiter=fetching)
        except LinkOver as over:
            raise HTTPException(410, over.what) from None
        except (NotALink, UnknownName):
            raise HTTPException(404, "there is no such file") from None
        except (StarsendError, OSError) as wrong:
            log.error(
                "client_media_missing", project=opened.place.name, sequence=entry.sequence, error=str(wrong)
            )
            raise HTTPException(404, "there is no such file") from None
        kind = "video/mp4" if found[3] == "mp4" else "image/jpeg"
        return FileResponse(file, media_type=kind, headers=PRIVATE)

    async def answer(
        signed: str, number: int, said: S, keep: Callable[[Showroom, Opened, Entry, S], Answer]
    ) -> Answer:
        with _in_words():
            opened = await anyio.to_thread.run_sync(room.open, signed)
            entry = opened.entry(number)
            if not entry.videos:
                raise NoTake(entry.sequence)
            plain = said.model_copy(update={"name": plain_name(said.name), "text": plain_text(said.text)})
            made = await anyio.to_thread.run_sync(keep, room, opened, entry, plain, limiter=answering)
        room.board.written(opened.place.name, entry.sequence)
        return made

    @routes.post(
        "/takes/{number}/approve",
        summary="Approve a take, or say that it is not approved",
        status_code=201,
        responses=refusals(404, 409, 410, 422),
    )
    async def approve(signed: str, number: int, said: Approves) -> Answer:
        return await answer(signed, number, said, _approve)

    @routes.post(
        "/takes/{number}/note",
        summary="Leave a note on a take",
        status_code=201,
        responses=refusals(404, 409, 410, 422),
    )
    async def note(signed: str, number: int, said: Notes) -> Answer:
        return await answer(signed, number, said, _note)

    return routes


@contextmanager
def _in_words() -> Iterator[None]:
    """Errors as answers to a client. What others say of files, takes and disks is for the log, not for them."""
    try:
        yield
    except NotALink as error:
        raise refused(error, 404) from None
    except LinkOver as error:
        raise refused(error, 410) from None
    except BadAnswer as error:
        raise refused(error, 422) from None
    except (TooManyAnswers, NoTake) as error:
        raise refused(error, 409) from None
    except UnknownName:
        raise refused(BadInput("there is no such take", remedy="load the page again"), 404) from None
    except (StarsendError, OSError) as error:
        log.error("client_answer_lost", error=str(error))
        raise refused(
            BadInput("this cannot be kept just now", remedy="try again in a minute"), 503
        ) from error


class NoTake(BadInput):
    """A still is no take."""

    def __init__(self, sequence: str) -> None:
        super().__init__("there is no take of it to answer yet", where=sequence)


def _approve(room: Showroom, opened: Opened, entry: Entry, said: Approves) -> Answer:
    at, link = room.links.now(), opened.link.id

    def edit(draft: Draft) -> None:
        _check_room(draft, opened)
        client_answers.approve(
            draft[entry.sequence],
            entry.sequence,
            entry.take,
            name=said.name,
            text=said.text,
            approved=said.approved,
            link=link,
            at=at,
        )

    opened.place.file.change(edit)
    return Answer(by=said.name, at=at.isoformat(timespec="seconds"), text=said.text, approved=said.approved)


def _note(room: Showroom, opened: Opened, entry: Entry, said: Notes) -> Answer:
    at, link = room.links.now(), opened.link.id
    frame, begins = room.media(opened.place).frame_at(entry, said.seconds)

    def edit(draft: Draft) -> None:
        _check_room(draft, opened)
        client_answers.leave_note(
            draft[entry.sequence],
            entry.sequence,
            entry.take,
            name=said.name,
            text=said.text,
            frame=frame,
            seconds=begins,
            link=link,
            at=at,
        )

    opened.place.file.change(edit)
    return Answer(by=said.name, at=at.isoformat(timespec="seconds"), text=said.text, seconds=begins)


def _check_room(draft: Draft, opened: Opened) -> None:
    shown = {entry.sequence for entry in opened.entries}
    check_room([draft[name] for name in shown if name in draft], opened.link.id)


def _closed(error: StarsendError) -> HTMLResponse:
    """A page in words: what the link opens no more, or never did."""
    if isinstance(error, LinkOver):
        status, words = 410, f"{error.what[0].upper()}{error.what[1:]}."
    elif isinstance(error, NotALink):
        status, words = 404, "There is nothing under this address."
    else:
        log.error("client_page_failed", error=str(error))
        status, words = 503, "This cannot be shown just now. Please try again later."
    remedy = "" if status == 503 else f"{error.remedy[0].upper()}{error.remedy[1:]}."
    html = templates().get_template("client_closed.html").render(words=words, remedy=remedy)
    return HTMLResponse(html, status, headers=UNKEPT)
