"""Who may do what: a token for everything that writes and, away from this machine, for reading too.

Whoever has shown the token once gets a signed session in a cookie that no script can read and no other site can send. A
program sends the token itself (``Authorization: Bearer``).
"""

from __future__ import annotations

import getpass
import hmac
import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import HTTPConnection

from starsend.errors import BadInput
from starsend.files import write_durably

COOKIE: Final = "starsend"
SESSION_SECONDS: Final = 30 * 86_400
VARIABLE: Final = "STARSEND_CONSOLE_TOKEN"
LONGEST_NAME: Final = 80
SHORTEST_TOKEN: Final = 16
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to
"""What stands for every address of this machine is the name of none; one that leads here."""
PASSED_ON: Final = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
)
"""What proxies add for whomever they ask."""


class WeakToken(BadInput):
    """A token that can be guessed."""

    def __init__(self) -> None:
        super().__init__(
            f"the console's token has fewer than {SHORTEST_TOKEN} characters",
            where=f"environment: {VARIABLE}",
            remedy="choose a longer one, or leave it out: one is made",
        )


def console_token(root: Path, environ: Mapping[str, str] = os.environ) -> str:
    """The token: from the environment, from the file named there, or kept in ``projects/console.token`` and made at first.

    Raises WeakToken, BadInput: the file named cannot be read. CannotWrite.
    """
    given = environ.get(VARIABLE, "").strip()
    file = environ.get(f"{VARIABLE}_FILE", "")
    kept = Path(file) if file else root / "projects" / "console.token"
    if not given and (file or kept.exists()):
        try:
            given = kept.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as refused:
            raise BadInput("it cannot be read", where=str(kept), remedy="check its permissions") from refused
    if not given:
        given = secrets.token_urlsafe(24)
        write_durably(kept, f"{given}\n".encode(), mode=0o600)
    if len(given) < SHORTEST_TOKEN:
        raise WeakToken
    return given


class Guard:
    """Tells who is asking.

    Args:
        token: what gives the right to write.
        host: the address that is listened on.
        hosts: names besides it under which pages may be asked for.
    """

    def __init__(self, token: str, host: str, hosts: tuple[str, ...] = ()) -> None:
        self.token = token
        self._is_local = is_loopback(host) and not hosts
        own = () if host in EVERYWHERE else (f"[{host}]" if ":" in host else host,)
        self._hosts = {name.lower() for name in ("localhost", "127.0.0.1", "[::1]", *own, *hosts)}
        self._sessions = URLSafeTimedSerializer(token, salt="session")

    def knows_host(self, connection: HTTPConnection) -> bool:
        """Whether the page is asked for under a name of ours: another site's name that leads here is none."""
        return re.sub(r":\d*\Z", "", connection.headers.get("host", "")).lower() in self._hosts

    def is_here(self, connection: HTTPConnection) -> bool:
        """Whether nobody but this machine's own people can be asking.

        A name besides our own is a proxy's, and a proxy asks for others; so does one that tells for whom, whom uvicorn may
        take for the client, and one that tells nothing, as nginx by itself: it speaks HTTP/1.0, as no browser does.
        """
        passed_on = connection.scope.get("http_version") == "1.0"
        passed_on |= any(header in connection.headers for header in PASSED_ON)
        client = connection.client
        return self._is_local and not passed_on and client is not None and is_loopback(client.host)

    def session(self, name: str) -> str:
        """A signed session for somebody who has shown the token."""
        return str(self._sessions.dumps(_in_one_line(name)))

    def is_token(self, given: str) -> bool:
        """Compared in a time that tells nothing."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def who(self, connection: HTTPConnection) -> str | None:
        """The name of whoever asks; None when they have shown no token."""
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return _in_one_line(_as_meant(connection.headers.get("x-starsend-name", "")))
        try:
            return str(self._sessions.loads(connection.cookies.get(COOKIE, ""), max_age=SESSION_SECONDS))
        except BadData:
            return None

    def is_own_page(self, connection: HTTPConnection) -> bool:
        """Whether a write comes from a page of ours or from a program: never from another site's page.

        A cookie may go along with what another site asks for, and so may a name and password that a proxy has asked for
        (``Authorization: Basic``); a bearer token and our own header cannot, for we allow no site to send them.
        """
        if connection.headers.get("authorization", "").lower().startswith("bearer "):
            return True
        origin = connection.headers.get("origin")
        site = connection.headers.get("sec-fetch-site", "same-origin")
        host = connection.headers.get("host", "")
        return (
            connection.headers.get("x-starsend") == "1"
            and site == "same-origin"
            and (origin is None or origin.partition("://")[2] == host)
        )


def _in_one_line(name: str) -> str:
    """A name as it stands beside a pick: nothing in it moves a cursor or turns a line; whose process it is, for none."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())
    return plain[:LONGEST_NAME] or getpass.getuser()


def _as_meant(header: str) -> str:
    """A header's value that was sent as UTF-8; it is read as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def is_loopback(host: str) -> bool:
    """Whether an address leads nowhere but to this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
