"""The console's application: every room of it, behind one set of doors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import anyio
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from client_async.console.answers import say_what_is_wrong
from client_async.console.api import api_routes
from client_async.console.board import Board
from client_async.console.books import Books
from client_async.console.client_page import client_routes
from client_async.console.client_says import answer_routes
from client_async.console.costs_page import costs_page_routes
from client_async.console.dailies import dailies_routes
from client_async.console.deliveries import delivery_routes
from client_async.console.description import describe
from client_async.console.doors import Doors, Heads
from client_async.console.grid_review import review_api, review_page
from client_async.console.guard import Guard
from client_async.console.health import health_routes
from client_async.console.link_desk import link_routes
from client_async.console.links import Links, utc_now
from client_async.console.links_page import links_page
from client_async.console.live import live_routes
from client_async.console.login import login_routes
from client_async.console.media import media_routes
from client_async.console.meters import Metered, Meters
from client_async.console.notes_api import note_routes
from client_async.console.now import Watch
from client_async.console.now_page import now_page_routes
from client_async.console.pages import HERE, Pages, page_routes
from client_async.console.review_api import review_routes
from client_async.console.showroom import Showroom


def make_app(
    board: Board,
    guard: Guard,
    stopping: anyio.Event,
    watch: Watch | None = None,
    *,
    now: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """Everything that the console answers.

    Args:
        stopping: set when the server ends.
        watch: looks at what runs now; who serves runs it beside the board.
        now: the time, in UTC, by which links are made and over.
    """
    app = FastAPI(
        title="Starsend console",
        version="1",
        description="What the console's pages show and do, for programs.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    pages, meters, room = Pages(board, guard), Meters(board), Showroom(board, Links(guard.token, now))
    watch = watch or Watch(board, Books())
    app.include_router(page_routes(pages))
    app.include_router(login_routes(pages))
    app.include_router(now_page_routes(pages, watch))
    app.include_router(dailies_routes(pages))
    app.include_router(review_routes(board))
    app.include_router(note_routes(board, guard))
    app.include_router(review_page(pages))
    app.include_router(review_api(board, guard))
    app.include_router(links_page(pages, room))
    app.include_router(link_routes(room, guard))
    app.include_router(delivery_routes(room))
    app.include_router(client_routes(room))
    app.include_router(answer_routes(room))
    app.include_router(costs_page_routes(pages, watch.books))
    app.include_router(api_routes(pages, watch.books, watch))
    app.include_router(live_routes(board, stopping, meters))
    app.include_router(media_routes(board, meters))
    app.include_router(health_routes(board, meters))
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_middleware(Doors, guard=guard)
    app.add_middleware(Metered, meters=meters)
    app.add_middleware(Heads)
    say_what_is_wrong(app, pages.render)
    describe(app)
    return app
