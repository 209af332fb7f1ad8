"""Dailies: the takes to watch, in order, and the player."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response

from client_async.console.board import Board
from client_async.console.pages import Pages
from starsend.errors import UnknownName

Order = Literal["newest", "brief"]


def dailies_routes(pages: Pages) -> APIRouter:
    """``/dailies`` and the player of a sequence's takes."""
    routes = APIRouter(include_in_schema=False)
    board = pages.board

    @routes.get("/dailies")
    def dailies(
        request: Request, project: Annotated[str, Query()] = "", order: Annotated[Order, Query()] = "newest"
    ) -> Response:
        """The takes to watch, of one project or of all."""
        return _shown(request, "dailies.html", project, order)

    @routes.get("/dailies/{project}/{name}")
    def player(
        request: Request, project: str, name: str, order: Annotated[Order, Query()] = "newest", of: str = ""
    ) -> Response:
        """The player; ``of``: the project whose takes are watched, all unless given."""
        try:
            row = board.row(project, name)
        except UnknownName as unknown:
            raise HTTPException(404, unknown.what) from None
        return _shown(request, "player.html", of, order, row=row)

    def _shown(request: Request, template: str, project: str, order: Order, **given: Any) -> Response:  # noqa: ANN401
        projects = [shown.place.name for shown in board.projects()]
        if project and project not in projects:
            raise HTTPException(404, f"unknown project {project!r}")
        reel = takes_to_watch(board, project, order)
        return pages.render(
            template, request, reel=reel, projects=projects, project=project, order=order, **given
        )

    return routes


def takes_to_watch(board: Board, project: str, order: Order) -> list[dict[str, Any]]:
    """The rows of all sequences that have a take: the newest take first, or as the briefs have them."""
    rows = [
        row
        for shown in board.projects()
        if project in ("", shown.place.name)
        for row in shown.rows.values()
        if row["takes"]
    ]
    return sorted(rows, key=lambda row: str(row["take_at"]), reverse=True) if order == "newest" else rows
