"""``/healthz``, ``/readyz`` and ``/metrics`` of the console."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from client_async.console.board import Board
from client_async.console.meters import Meters


class State(BaseModel):
    """``status``: ``ok``, ``stalled`` or ``not ready``."""

    status: str
    silent_seconds: float | None = None


ANSWERS: dict[int | str, dict[str, Any]] = {503: {"model": State, "description": "not possible for now"}}


def health_routes(board: Board, meters: Meters) -> APIRouter:
    """They are open to everybody but for ``/metrics``, which is read as pages are."""
    routes = APIRouter(tags=["ops"])

    @routes.get("/healthz", response_model=State, responses=ANSWERS, operation_id="healthz")
    async def healthz() -> Response:
        """Whether the projects have been looked at within the last 15 seconds."""
        status, words = board.health.answer(to_work=False)
        return JSONResponse(words, status)

    @routes.get("/readyz", response_model=State, responses=ANSWERS, operation_id="readyz")
    async def readyz() -> Response:
        """Whether every project has been read once, too."""
        status, words = board.health.answer(to_work=True)
        return JSONResponse(words, status)

    @routes.get(
        "/metrics",
        operation_id="metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """Requests by route, event streams, thumbnails and looks, as Prometheus scrapes them."""
        return Response(meters.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
