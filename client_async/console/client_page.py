"""What a client sees under ``/c/<signed>/``. The signature is the right; no session counts here, and none is given.

Nothing in these answers tells of prompts, costs, providers or steps: entries are numbered, and so are their files.
"""

from __future__ import annotations

from typing import Final

import structlog
from fastapi import APIRouter, HTTPException
from starlette.responses import HTMLResponse, Response

from client_async.console.links import LinkOver, NotALink
from client_async.console.media import OpenFile
from client_async.console.pages import templates
from client_async.console.plain_media import NAME
from client_async.console.plain_words import day
from client_async.console.showroom import Showroom, card, maker
from client_async.console.threads import Threads
from starsend.errors import StarsendError, UnknownName

log = structlog.get_logger()

MEDIA_AT_ONCE: Final = 16
"""For all clients together. Copies are made one at a time; who asks for one that is there must not stand behind those who wait."""
PRIVATE: Final = {"cache-control": "private, no-cache", "x-robots-tag": "noindex, nofollow"}
UNKEPT: Final = {"cache-control": "no-store", "x-robots-tag": "noindex, nofollow"}


def client_routes(room: Showroom) -> APIRouter:
    """``/c/<signed>/`` and its media."""
    routes = APIRouter(prefix="/c/{signed}", include_in_schema=False)
    run = Threads(MEDIA_AT_ONCE).run
    page = templates().get_template("client.html")

    @routes.get("/")
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

    @routes.get("/media/{name}")
    async def media(signed: str, name: str) -> OpenFile:
        """A take or a still; a part of it where a Range is asked for."""
        found, of = NAME.fullmatch(name), dict[str, str]()
        try:
            opened = await run(room.open, signed)
            if found is None:
                raise UnknownName("file", name, ())
            entry = opened.entry(int(found[1]))
            of = {"project": opened.place.name, "sequence": entry.sequence}
            make = maker(room.media(opened.place), entry, int(found[2] or 1), found[3])
            file = await run(lambda: make().open("rb"))
        except LinkOver as over:
            raise HTTPException(410, over.what) from None
        except (NotALink, UnknownName):
            raise HTTPException(404, "there is no such file") from None
        except (StarsendError, OSError) as wrong:
            log.error("client_media_missing", **of, error=str(wrong))
            raise HTTPException(404, "there is no such file") from None
        kind = "video/mp4" if found[3] == "mp4" else "image/jpeg"
        return OpenFile(file, kind, PRIVATE)

    return routes


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
