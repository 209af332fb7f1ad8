"""The console's application: every room of it, behind one set of doors."""

from __future__ import annotations

import anyio
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from client_async.console.answers import say_what_is_wrong
from client_async.console.board import Board
from client_async.console.dailies import dailies_routes
from client_async.console.doors import Doors
from client_async.console.grid_review import review_api, review_page
from client_async.console.guard import Guard
from client_async.console.live import live_routes
from client_async.console.media import media_routes
from client_async.console.pages import HERE, Pages, page_routes
from client_async.console.review_api import review_routes


def make_app(board: Board, guard: Guard, stopping: anyio.Event) -> FastAPI:
    """Everything that the console answers.

    Args:
        stopping: set when the server ends.
    """
    app = FastAPI(
        title="Starsend console", version="1", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    pages = Pages(board, guard)
    app.include_router(page_routes(pages))
    app.include_router(dailies_routes(pages))
    app.include_router(review_routes(board, guard))
    app.include_router(review_page(pages))
    app.include_router(review_api(board, guard))
    app.include_router(live_routes(board, stopping))
    app.include_router(media_routes(board))
    say_what_is_wrong(app)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_middleware(Doors, guard=guard)
    return app
