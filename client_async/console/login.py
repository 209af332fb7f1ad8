"""``/login``: whoever shows the token gets a session, and goes on to where they wanted; there it is ended, too."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from client_async.console.guard import COOKIE, SESSION_SECONDS
from client_async.console.onward import local
from client_async.console.pages import Pages


def login_routes(pages: Pages) -> APIRouter:
    """``/login``, as a form and as a link that holds the token. ``next``: the page to go on to."""
    routes = APIRouter(include_in_schema=False)

    def enter(request: Request, token: str, name: str, onward: str) -> Response:
        if not pages.guard.is_token(token):
            return pages.render("login.html", request, 401, wrong=True, onward=local(onward), given=name)
        answer = RedirectResponse(local(onward), 303)
        answer.set_cookie(
            COOKIE,
            pages.guard.session(name),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="lax",  # strict would leave out whoever follows a link in a chat; writes ask for more than a cookie
            secure=request.url.scheme == "https",
        )
        return answer

    @routes.get("/login")
    def ask(request: Request, token: str = "", onward: Annotated[str, Query(alias="next")] = "/") -> Response:
        """Asks for the token; a link that holds it logs in at once, and leaves it out of the address."""
        if token:
            return enter(request, token, "", onward)
        return pages.render("login.html", request, wrong=False, onward=local(onward), given="")

    @routes.post("/login")
    async def log_in(request: Request) -> Response:
        """The form's answer."""
        form = parse_qs((await request.body()).decode(errors="replace"))
        if "leave" in form:
            left = RedirectResponse("/login", 303)
            left.delete_cookie(COOKIE)
            return left
        token, name, onward = (form.get(field, [""])[0].strip() for field in ("token", "name", "next"))
        return enter(request, token, name, onward)

    return routes
