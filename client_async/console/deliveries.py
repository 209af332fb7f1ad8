"""Handouts that the console makes: into the project's ``deliveries/``, fetched from there as one file."""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from client_async.console.answers import answering, refusals
from client_async.console.handout import is_finished, make_handout, zipped
from client_async.console.links import LONGEST_TITLE
from client_async.console.media import ASK_AGAIN, OpenFile
from client_async.console.plain_words import Paper
from client_async.console.showing import MOST_SHOWN
from client_async.console.showroom import Showroom, raws
from client_async.console.threads import Threads
from client_async.projects import Place
from starsend.errors import StarsendError
from starsend.files import CannotWrite

AT_ONCE: Final = 2
DELIVERIES: Final = "deliveries"


class Chosen(BaseModel):
    """What a client is to see: names of sequences (their circled take, else the one that holds), ids of takes."""

    project: str
    chosen: Annotated[list[str], Field(min_length=1, max_length=MOST_SHOWN)]
    title: Annotated[str, Field(max_length=LONGEST_TITLE)] = ""


class NewHandout(Chosen):
    """``pdf``: with a contact sheet."""

    pdf: bool = True
    paper: Paper = "a4"


class Delivered(BaseModel):
    """A handout in the project's ``deliveries/``."""

    folder: str
    zip: str


def delivery_routes(room: Showroom) -> APIRouter:
    """``/api/handouts``, and ``/handouts/...zip``."""
    routes = APIRouter()
    board = room.board
    run = Threads(AT_ONCE).run

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
            return await run(_hand_out, room, place, asked)

    @routes.get("/handouts/{project}/{name}.zip", include_in_schema=False)
    async def packed(project: str, name: str) -> OpenFile:
        """A handout as one file."""
        try:
            there = await run(_finished, board.project(project).place)
            file = await run(zipped, there[name])
        except (StarsendError, OSError, KeyError):
            raise HTTPException(404, "there is no such handout") from None
        saved_as = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}.zip"}
        return OpenFile(file, "application/zip", {**ASK_AGAIN, **saved_as})

    return routes


def deliveries(place: Place) -> list[Delivered]:
    """A project's finished handouts, newest first. Blocking."""
    return [_delivered(place, folder) for _, folder in sorted(_finished(place).items(), reverse=True)]


def sequences_of(place: Place) -> dict[str, dict[str, Any]]:
    """All of a project's sequences, as they were seen last."""
    return raws(place, place.file.names())


def title_of(asked: Chosen) -> str:
    """What stands above the page: in one line; the project's name where nothing is given."""
    return (
        " ".join("".join(sign if sign.isprintable() else " " for sign in asked.title).split())
        or asked.project
    )


def _hand_out(room: Showroom, place: Place, asked: NewHandout) -> Delivered:
    made, title = room.links.now().date(), title_of(asked)
    folder = _free(place.folder / DELIVERIES, f"{made:%Y-%m-%d}-{_slug(title)}")
    try:
        make_handout(
            sequences_of(place),
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
    return _delivered(place, folder)


def _delivered(place: Place, folder: Path) -> Delivered:
    shown = place.shown(folder.relative_to(place.folder))
    return Delivered(folder=shown, zip=f"/handouts/{quote(place.name)}/{quote(folder.name)}.zip")


def _finished(place: Place) -> dict[str, Path]:
    folder = place.folder / DELIVERIES
    there = folder.iterdir() if folder.is_dir() else ()
    return {one.name: one for one in there if not one.is_symlink() and is_finished(one)}


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
