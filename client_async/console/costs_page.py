"""``/costs``: what was spent on what, as pictures and as numbers, and the same as CSV and JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from pydantic import BeforeValidator, TypeAdapter, ValidationError
from starlette.responses import Response

from client_async.accounts import entries_of
from client_async.console.answers import answering, refusals
from client_async.console.board import Board
from client_async.console.books import Books
from client_async.console.charts import HEIGHT, LABEL, ROW, WIDTH, bars_of, columns_of, shown
from client_async.console.pages import Pages
from client_async.cost_csv import as_csv
from client_async.cost_report import Booked, By, Finished, ProjectCosts, Spend
from client_async.projects import Place
from client_async.work_classes import WORDS
from starsend.errors import BadInput, StarsendError, UnknownName

HEADS: Final[Mapping[By, str]] = {
    "day": "By day (UTC)",
    "work": "By work",
    "provider": "By provider and model",
    "project": "By project",
    "sequence": "By sequence",
}
FIRST_ROWS = 25
"""Of a long table; the others are a click away."""


def _as_written(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("write a day as 2026-11-23")
    return value


Day = Annotated[date, BeforeValidator(_as_written)]
"""A day in UTC; a bare number, which pydantic would take for seconds since 1970, is none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which books are asked for. Raises BadInput: the days are the wrong way round."""

    project: str
    since: date | None
    until: date | None

    def __post_init__(self) -> None:
        if self.since and self.until and self.since > self.until:
            raise BadInput("since is after until", remedy="change one of them")

    def query(self) -> str:
        """For a link to the same elsewhere."""
        said = {"project": self.project, "since": self.since or "", "until": self.until or ""}
        return urlencode({key: value for key, value in said.items() if value})


def costs_page_routes(pages: Pages, books: Books) -> APIRouter:
    """``/costs`` and ``/costs.csv``."""
    routes = APIRouter()
    board = pages.board

    @routes.get("/costs", include_in_schema=False)
    def costs(request: Request, project: str = "", since: str = "", until: str = "") -> Response:
        """The page; what makes no sense in its address is said on it."""
        said: dict[str, Any] = {"names": [one.place.name for one in board.projects()]}
        try:
            wanted = Wanted(project, _day("since", since), _day("until", until))
            found, troubles = costs_found(board, books, wanted)
        except StarsendError as wrong:
            empty = {"asked": (project, since, until), "trouble": str(wrong), "found": None}
            status = 404 if isinstance(wrong, UnknownName) else 422
            return pages.render("costs.html", request, status, **said, **empty)
        asked = (project, since, until)
        return pages.render(
            "costs.html",
            request,
            **said,
            asked=asked,
            trouble=" ".join(troubles),
            query=wanted.query(),
            found=_shown(found),
            caps=[row for one in found for row in books.standing(board.project(one.project).place).caps],
        )

    @routes.get(
        "/costs.csv",
        tags=["costs"],
        operation_id="costs_csv",
        summary="Every cost event, for a spreadsheet",
        response_class=Response,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **refusals(404, 422, 503)},
    )
    def csv(project: str = "", since: Day | None = None, until: Day | None = None) -> Response:
        """The same rows as ``starsend costs --csv``."""
        with answering():
            wanted = Wanted(project, since, until)
            places = _places(board, wanted.project)
            text = as_csv({place.name: entries_of(place, since, until) for place in places})
        name = f'attachment; filename="starsend-costs{f"-{until or since}" if until or since else ""}.csv"'
        return Response(text, media_type="text/csv; charset=utf-8", headers={"content-disposition": name})

    return routes


def costs_found(board: Board, books: Books, wanted: Wanted) -> tuple[list[ProjectCosts], list[str]]:
    """The books of one project, or of all that can be read; and why others cannot.

    Raises UnknownName; StarsendError where the one asked for cannot be read.
    """
    found, troubles = [], []
    for place in _places(board, wanted.project):
        try:
            found.append(books.costs(place).between(wanted.since, wanted.until))
        except StarsendError as refused:
            if wanted.project:
                raise
            troubles.append(str(refused))
    return found, troubles


def _places(board: Board, project: str) -> list[Place]:
    return [board.project(project).place] if project else [one.place for one in board.projects()]


def _day(name: str, text: str) -> date | None:
    try:
        return TypeAdapter(Day).validate_python(text) if text else None
    except ValidationError:
        raise BadInput(f"{name} is no day: {text!r}", remedy="write it as 2026-11-23") from None


def _shown(found: Sequence[ProjectCosts]) -> dict[str, Any]:
    """What the template draws."""
    many = len(found) > 1
    costs = _together(found) if many else found[0] if found else ProjectCosts("", [], [])
    by_project = {one.project: one.total for one in found}
    groups = []
    for grouping, head in HEADS.items():
        if grouping == "project" and not many:
            continue
        rows = by_project if grouping == "project" else costs.by(grouping)
        words: Mapping[str, str] = (
            {str(work): said for work, said in WORDS.items()} if grouping == "work" else {}
        )
        columns, width = columns_of(rows) if grouping == "day" else ([], 0.0)
        groups.append(
            {
                "by": grouping,
                "head": head,
                "rows": [(words.get(name, name), _row(spend)) for name, spend in rows.items()],
                "bars": bars_of(rows, words) if grouping != "day" else [],
                "columns": columns,
                "width": width,
            }
        )
    return {
        "total": _row(costs.total),
        "groups": groups,
        "finished": _finished(costs.finished, costs.total),
        "first_rows": FIRST_ROWS,
        "sizes": {"width": WIDTH, "label": LABEL, "row": ROW, "height": HEIGHT},
    }


def _together(found: Sequence[ProjectCosts]) -> ProjectCosts:
    """Several projects as one, each sequence by its project's name too."""
    booked = [
        Booked(f"{one.project}/{cell.owner}", cell.work, cell.vendor, cell.day, cell.spend)
        for one in found
        for cell in one.booked
    ]
    parts = [one.finished for one in found if one.finished]
    finished = None
    if len(parts) == len(found):
        finished = Finished(
            sum(part.takes for part in parts), sum((part.seconds for part in parts), Decimal(0))
        )
    return ProjectCosts("", [], booked, finished)


def _row(spend: Spend) -> dict[str, str]:
    """Amounts as people read them."""
    names = ("actual", "possible", "estimated", "difference")
    return {**{name: shown(getattr(spend, name)) for name in names}, "calls": str(spend.calls)}


def _finished(finished: Finished | None, spend: Spend) -> dict[str, str] | None:
    if finished is None or not finished.seconds:
        return None
    charged = finished.per_second(spend.actual + spend.possible) or Decimal(0)
    expected = finished.per_second(spend.estimated) or Decimal(0)
    return {
        "takes": str(finished.takes),
        "seconds": f"{finished.seconds.normalize():f}",
        "charged": shown(charged),
        "expected": shown(expected),
    }
