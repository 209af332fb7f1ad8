"""What a client answers under ``/c/<signed>/``: yes or no, and notes. The signature is the right; no session counts here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import structlog
from fastapi import APIRouter
from pydantic import BaseModel, Field

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
from client_async.console.plain_media import Missing
from client_async.console.showing import Entry
from client_async.console.showroom import Opened, Showroom
from client_async.console.threads import Threads
from client_async.draft import Draft
from starsend.errors import BadInput, StarsendError, UnknownName

log = structlog.get_logger()

AT_ONCE: Final = 4


class Said(BaseModel):
    """Who speaks, and what they say."""

    name: str
    text: str = ""


class Approves(Said):
    """Yes or no to a take, or to a start frame."""

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


def answer_routes(room: Showroom) -> APIRouter:
    """``/c/<signed>/takes/...``."""
    routes = APIRouter(prefix="/c/{signed}/takes/{number}", tags=["client"])
    run = Threads(AT_ONCE).run

    async def answer(
        signed: str, number: int, said: S, keep: Callable[[Showroom, Opened, Entry, S], Answer]
    ) -> Answer:
        with _in_words():
            opened = await run(room.open, signed)
            entry = opened.entry(number)
            plain = said.model_copy(update={"name": plain_name(said.name), "text": plain_text(said.text)})
            made = await run(keep, room, opened, entry, plain)
        room.board.written(opened.place.name, entry.sequence)
        return made

    @routes.post(
        "/approve",
        summary="Approve a take or a start frame, or say that it is not approved",
        status_code=201,
        responses=refusals(404, 409, 410, 422),
    )
    async def approve(signed: str, number: int, said: Approves) -> Answer:
        return await answer(signed, number, said, _approve)

    @routes.post(
        "/note",
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
    except Missing:
        raise refused(BadInput("this is not available any more", remedy="load the page again"), 409) from None
    except UnknownName:
        raise refused(BadInput("there is no such take", remedy="load the page again"), 404) from None
    except (StarsendError, OSError) as error:
        log.error("client_answer_lost", error=str(error))
        raise refused(
            BadInput("this cannot be kept just now", remedy="try again in a minute"), 503
        ) from error


class NoTake(BadInput):
    """A note is left at a moment of a take, and there is none."""

    def __init__(self, sequence: str) -> None:
        super().__init__(
            "there is no take of it yet", where=sequence, remedy="write your words with your answer"
        )


def _approve(room: Showroom, opened: Opened, entry: Entry, said: Approves) -> Answer:
    at, link, frame = room.links.now(), opened.link.id, entry.start_frame
    if not entry.videos and frame is None:
        raise Missing(entry.sequence)
    if frame is not None:
        room.media(opened.place).check(entry)  # they have seen what they answer

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
            start_frame=None if frame is None else frame.model_dump(),
        )

    opened.place.file.change(edit)
    return Answer(by=said.name, at=at.isoformat(timespec="seconds"), text=said.text, approved=said.approved)


def _note(room: Showroom, opened: Opened, entry: Entry, said: Notes) -> Answer:
    if not entry.videos:
        raise NoTake(entry.sequence)
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
