"""How the API says no: one shape for every refusal, in the words of the error itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from fastapi import FastAPI, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.responses import JSONResponse, Response

from starsend.errors import BadInput, StarsendError, UnknownName


class Refusal(BaseModel):
    """``now``: what is there instead, where that is what was wrong."""

    what: str
    remedy: str = ""
    now: dict[str, Any] | None = None


class Refused(BaseModel):
    """What an answer that is no success holds."""

    detail: Refusal


NO_PAGE: Final = "There is no such page"
SAID: Final = {
    403: "not yours to do",
    404: "no such thing",
    409: "not as it was",
    410: "over",
    422: "cannot be understood",
    503: "not possible for now",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's ``responses``."""
    return {status: {"model": Refused, "description": SAID[status]} for status in statuses}


def refused(error: StarsendError, status: int, now: Mapping[str, Any] | None = None) -> HTTPException:
    """An error of ours as an answer."""
    said = Refusal(what=error.what, remedy=error.remedy, now=None if now is None else dict(now))
    return HTTPException(status, said.model_dump())


@contextmanager
def answering(**statuses: int) -> Iterator[None]:
    """Turn errors of ours into answers: 404 for what is unknown, 422 for bad input, else 503.

    Args:
        statuses: by an error's class name, what else it is.
    """
    try:
        yield
    except StarsendError as error:
        usual = 404 if isinstance(error, UnknownName) else 422 if isinstance(error, BadInput) else 503
        raise refused(error, statuses.get(type(error).__name__, usual)) from error


def say_what_is_wrong(app: FastAPI, page: Callable[..., Response]) -> None:
    """Let everything that is wrong be answered in one shape; whoever looks for a page gets a ``page``, with a way back."""

    @app.exception_handler(RequestValidationError)
    async def told(request: Request, wrong: RequestValidationError) -> Response:
        if _is_for_people(request):
            return page("wrong.html", request, 404, what=NO_PAGE)
        words = [
            f"{'.'.join(str(part) for part in fault['loc'][1:]) or fault['loc'][0]}: {fault['msg']}"
            for fault in wrong.errors()
        ]
        said = Refusal(what="; ".join(words[:5]), remedy="see /api/openapi.json")
        return JSONResponse({"detail": said.model_dump()}, 422)

    @app.exception_handler(AnyHTTPException)
    async def shaped(request: Request, no: AnyHTTPException) -> Response:
        if _is_for_people(request):
            what = NO_PAGE if no.status_code == 404 and no.detail == "Not Found" else str(no.detail)
            return page("wrong.html", request, no.status_code, what=f"{what[:1].upper()}{what[1:]}")
        if not request.url.path.startswith(("/api/", "/c/")) or not isinstance(no.detail, str):
            return await http_exception_handler(request, no)
        # A body that is no text is told as 400, one that is no JSON as 422: to whoever sent it they are the same.
        status = 422 if no.status_code == 400 else no.status_code
        return JSONResponse({"detail": Refusal(what=no.detail).model_dump()}, status, no.headers)

    _no_more(app, shaped)


def _no_more(app: FastAPI, shaped: Callable[[Request, AnyHTTPException], Awaitable[Response]]) -> None:
    """A project may go away while a page about it is made, after it was found: 404, as if it had gone before."""

    @app.exception_handler(UnknownName)
    async def gone(request: Request, unknown: UnknownName) -> Response:
        return await shaped(request, AnyHTTPException(404, unknown.what))


def _is_for_people(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(
        ("/api/", "/c/")
    )
