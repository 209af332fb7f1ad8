"""The pages themselves: templates filled with what the board shows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

from client_async.console.board import Board
from client_async.console.guard import Guard
from client_async.console.onward import login_from
from client_async.console.rows import WORDS
from starsend.dollars import dollars
from starsend.errors import UnknownName

HERE = Path(__file__).parent
FIRST_ROWS = 100
"""Rows that come with the page; a thousand of them keep a browser from painting anything for a third of a second."""


def templates() -> Environment:
    """The templates; everything that is filled in is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["path"] = lambda path: quote(str(path))
    environment.filters["dollars"] = dollars
    environment.filters["html_time"] = lambda moment: moment.isoformat(timespec="seconds")
    return environment


class Pages:
    """Templates, and what all of them are given. Everything that is filled in is escaped."""

    def __init__(self, board: Board, guard: Guard) -> None:
        self.board = board
        self.guard = guard
        self._environment = templates()

    def render(self, name: str, request: Request, status: int = 200, **given: Any) -> HTMLResponse:  # noqa: ANN401
        """A page. ``who``: the name of whoever may write, else None, who finds the way in at ``log_in``."""
        html = self._environment.get_template(name).render(
            who=self.guard.who(request),
            words=WORDS,
            here=request.url.path,
            log_in=login_from(request),
            **given,
        )
        return HTMLResponse(html, status, headers={"cache-control": "no-store"})


def page_routes(pages: Pages) -> APIRouter:
    """``/``, and the rows of it that change."""
    routes = APIRouter(include_in_schema=False)
    board = pages.board

    @routes.get("/")
    def console(request: Request) -> Response:
        """Every project and its sequences by state; of many, those that fit a screen, and where the rest is."""
        projects, room = [], FIRST_ROWS
        for shown in board.projects():
            rows = list(shown.rows.values())
            projects.append(
                {
                    "name": shown.place.name,
                    "trouble": shown.trouble,
                    "number": len(rows),
                    "rows": rows[:room],
                    "counts": Counter(row["group"] for row in rows),
                }
            )
            room -= min(room, len(rows))
        return pages.render("console.html", request, projects=projects)

    @routes.get("/rows/{project}")
    def rest(request: Request, project: str, start: Annotated[int, Query(ge=0)] = 0) -> Response:
        """The rows of a project from the one at ``start`` on."""
        try:
            rows = list(board.project(project).rows.values())
        except UnknownName as unknown:
            raise HTTPException(404, unknown.what) from None
        return pages.render("rows.html", request, rows=rows[start:])

    @routes.get("/rows/{project}/{name}")
    def row(request: Request, project: str, name: str) -> Response:
        """One row of it, as it is now."""
        try:
            return pages.render("rows.html", request, rows=[board.row(project, name)])
        except UnknownName as unknown:
            raise HTTPException(404, unknown.what) from None

    return routes
