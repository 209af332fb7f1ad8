"""The services that take notices: whatever apprise knows, and a webhook. Their addresses hold secrets and are never quoted."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from client_async.outbox import Notice, as_json
from starsend.errors import BadInput

SCHEMA = "starsend.notices/1"
SEND_SECONDS = 10.0

Sender = Callable[[str, str, list[Notice]], None]
"""Takes a message: its title, its text, and the notices in it. Raises whatever it likes when it has not taken it. Blocking."""


class BadTarget(BadInput):
    """An address for notices makes no sense. It is not quoted: it may hold a password."""

    def __init__(self, setting: str, scheme: str) -> None:
        super().__init__(
            f"an address that begins with {scheme or 'nothing'}:// is not understood",
            where=setting,
            remedy="see apprise's list of services for how it is spelt",
        )


def apprise_sender(setting: str, url: str) -> Sender:
    """A service of apprise's. Raises BadTarget."""
    import apprise  # noqa: PLC0415 - 150 services; loaded where one is configured

    # It quotes addresses; we say what is to be said.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    service = apprise.Apprise()
    if not service.add(url):
        raise BadTarget(setting, url.partition("://")[0] if "://" in url else "")

    def send(title: str, body: str, _notices: list[Notice]) -> None:
        if not service.notify(title=title, body=body):
            raise ConnectionError("the service did not take the message")

    return send


def webhook_sender(setting: str, url: str) -> Sender:
    """A webhook that gets each message as JSON. Raises BadTarget."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise BadTarget(setting, urlsplit(url).scheme)
    return lambda title, _body, notices: _post(url, title, notices)


def _post(url: str, title: str, notices: list[Notice]) -> None:
    body = json.dumps({"schema": SCHEMA, "title": title, "notices": [as_json(n) for n in notices]}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - http(s), checked
    try:
        with urllib.request.urlopen(request, timeout=SEND_SECONDS) as answer:  # noqa: S310
            answer.read(1)
    except urllib.error.HTTPError as refused:
        refused.close()
        raise ConnectionError(f"the webhook answered {refused.code}") from None  # the error holds the address
