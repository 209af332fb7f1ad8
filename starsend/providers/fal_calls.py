"""fal-client as we use it: each call made once, and to wherever the options say."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

import fal_client
import httpx
from fal_client.client import QUEUE_URL_FORMAT, REST_URL

from starsend.providers import wire

HOSTS: Final = frozenset(httpx.URL(url).host for url in (QUEUE_URL_FORMAT, REST_URL))


class Refused(Exception):
    """An error status, on its way past fal-client to whoever knows what was asked."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(str(response.status_code))
        self.response = response


class OneCall(httpx.Client):
    """What fal-client sends with. It repeats what fails with an error of httpx; from here come only errors of ours.

    Also the way to another address: fal-client has its hosts in constants, which all threads share.
    """

    base: str | None = None
    key: str = ""

    def request(self, method: str, url: httpx.URL | str, **more: Any) -> httpx.Response:  # noqa: ANN401 - as its base
        """Send once, with the key to nobody but fal, and with this client's own time-out.

        fal-client sends the key along to the store that an upload goes to, and waits for that one for ever.
        """
        asked = httpx.URL(url)
        if asked.host in HOSTS:
            more["headers"] = {**(more.get("headers") or {}), "Authorization": f"Key {self.key}"}
            if self.base:
                asked = httpx.URL(self.base.rstrip("/") + asked.raw_path.decode())
        more.pop("timeout", None)
        with wire.sending("fal"):
            response = super().request(method, asked, **more)
        if not response.is_success:
            raise Refused(response)
        return response


class Uploader(fal_client.SyncClient):
    """fal-client, sending with a client of ours."""

    def __init__(self, client: httpx.Client, key: str) -> None:
        super().__init__(key=key)
        self._ours = client

    @cached_property
    def _client(self) -> httpx.Client:
        return self._ours
