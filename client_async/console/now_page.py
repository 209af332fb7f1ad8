"""The top of the list page: what runs now, how much of each cap is taken, and what waits for whom."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from client_async.console.now import CapRow, Now, Watch, share
from client_async.console.pages import Pages
from starsend.dollars import dollars

FIRST_STEPS, FIRST_CAPS = 8, 6
BAR = 200
"""Units of a bar's drawing for the whole cap."""


def now_page_routes(pages: Pages, watch: Watch) -> APIRouter:
    """``/now``, which the page puts in the place of the one before."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/now")
    async def now(request: Request) -> Response:
        """The panel as it stands."""
        found = await watch.now()
        return pages.render("now.html", request, **panel(found))

    return routes


def panel(now: Now) -> dict[str, Any]:
    """What the template is given."""
    caps = [_cap(row) for row in _dearest(now.caps)]
    return {
        "now": now,
        "at": datetime.now(UTC).isoformat(),
        "running": sum(step.progress == "running" for step in now.steps),
        "names_projects": len({step.project for step in now.steps}) > 1,
        "steps": (now.steps[:FIRST_STEPS], now.steps[FIRST_STEPS:]),
        "caps": (caps[:FIRST_CAPS], caps[FIRST_CAPS:]),
        "bar": BAR,
    }


def _dearest(caps: Iterable[CapRow]) -> list[CapRow]:
    """Of each project's sequences the dearest alone; they come the fullest first."""
    first: dict[tuple[str, str], CapRow] = {}
    for row in caps:
        first.setdefault((row.project, row.cap), row)
    return list(first.values())


def _cap(row: CapRow) -> dict[str, Any]:
    of = {"project": "in all", "day": "today (UTC)", "sequence": f"for {row.of}"}[row.cap]
    limit, taken = float(row.limit), share(row)
    spent = min(float(row.spent) / limit, 1.0) if limit else 1.0
    return {
        "key": f"{row.project} {row.cap}",
        "project": row.project,
        "of": of,
        "spent": dollars(row.spent),
        "limit": dollars(row.limit),
        "reserved": dollars(row.reserved) if float(row.reserved) else "",
        "percent": f"{100 * taken:.0f} %",
        "is_full": taken >= 1,
        "bar_spent": round(BAR * spent, 1),
        "bar_reserved": round(BAR * (min(taken, 1.0) - spent), 1),
    }
