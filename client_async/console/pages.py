"""The pages themselves: templates filled with what the board shows."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from client_async.console.board import Board
from client_async.console.guard import Guard
from client_async.console.onward import login_from
from client_async.console.rows import WORDS
from starsend.dollars import dollars
from starsend.errors import UnknownName

HERE = Path(__file__).parent
From = Annotated[int, Query(ge=0)]
Only = Annotated[list[str] | None, Query()]
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
    environment.filters["in_code"] = in_code
    environment.filters["html_time"] = lambda moment: moment.isoformat(timespec="seconds")
    return environment


def in_code(words: str) -> Markup:
    """A line for people, escaped; what stands between two backticks is what they may type, and looks like it."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(words))))  # noqa: S704 - escaped already


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
    def some(request: Request, project: str, start: From = 0, only: Only = None) -> Response:
        """The rows of a project from the one at ``start`` on, or those that are named; one that is not there is left out."""
        try:
            rows = board.project(project).rows
        except UnknownName as unknown:
            raise HTTPException(404, unknown.what) from None
        shown = list(rows.values())[start:] if only is None else [rows[name] for name in only if name in rows]
        return pages.render("rows.html", request, rows=shown)

    return routes
