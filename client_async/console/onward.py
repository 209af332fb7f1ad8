"""The page that somebody wanted when they were asked to log in: carried along, and never another host's."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import HTTPConnection

MOST_DECODED: Final = 10
"""What is wrapped more often is nobody's page: to unwrap it took two seconds of anybody who sent 64 KB of it."""


def login_from(connection: HTTPConnection) -> str:
    """The address of ``/login`` that leads back to what is asked for."""
    path, query = connection.scope["path"], connection.scope["query_string"].decode("latin-1")
    if path in ("/", "/login"):
        return "/login"
    return f"/login?next={quote(f'{quote(path)}?{query}' if query else quote(path), safe='/')}"


def local(address: str) -> str:
    """The address where it is a path of this host, else ``/``; also as often as a browser or a proxy may decode it."""
    plain = address
    for _ in range(MOST_DECODED):
        if (decoded := unquote(plain)) == plain:
            is_path = address.startswith("/") and "//" not in plain and "\\" not in plain
            return address if is_path and plain.isprintable() else "/"
        plain = decoded
    return "/"
