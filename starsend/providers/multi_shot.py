"""What Kling takes and gives through either door: whole seconds, elements called by number, and a result at an address."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, TypeVar

import httpx

from starsend import api_client as api
from starsend.provider_options import VendorOptions
from starsend.providers import wire
from starsend.vendor_faults import BadRequest, BrokenDownload, JobGone

Client = TypeVar("Client", bound=httpx.Client)


def _unsign(record: logging.LogRecord) -> bool:
    """httpx logs each address that it asks, and what follows its question mark may be all that it takes to fetch a result."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg for arg in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_unsign)


def whole_seconds(provider: str, request: api.VideoRequest) -> list[int]:
    """The durations as Kling can be told them. Raises BadRequest for a part of a second; nothing has been sent."""
    for number, seconds in enumerate(request.durations, start=1):
        if seconds != int(seconds):
            said = f"shot {number} is {seconds:g} s long, and Kling takes whole seconds only"
            raise BadRequest(provider, said)
    return [int(seconds) for seconds in request.durations]


def elements_of(references: Iterable[api.Reference]) -> dict[str, list[api.Reference]]:
    """References by the element they show, in the order in which elements are counted: the first is element 1."""
    grouped: dict[str, list[api.Reference]] = {}
    for reference in references:
        grouped.setdefault(reference.name, []).append(reference)
    return grouped


def call_by_number(prompts: Iterable[str], names: Iterable[str], spelling: str) -> list[str]:
    """Prompts that name their elements as the vendor counts them: ``Mara waits`` -> ``@Element1 waits``.

    Args:
        names: the elements, the first is number 1.
        spelling: with ``{}`` for the number.
    """
    numbers = {name: spelling.format(number) for number, name in enumerate(names, start=1)}
    if not numbers:
        return list(prompts)
    longest_first = "|".join(re.escape(name) for name in sorted(numbers, key=len, reverse=True))
    named = re.compile(rf"(?<!\w)@?({longest_first})(?!\w)")
    return [named.sub(lambda found: numbers[found[1]], prompt) for prompt in prompts]


def picture(provider: str, reference: api.Reference) -> bytes:
    """The file of a reference. Raises BadRequest when it is not what was asked with; nothing has been sent."""
    try:
        data = reference.path.read_bytes()
    except OSError as unreadable:
        raise BadRequest(provider, f"{reference.path.name} cannot be read ({unreadable.strerror})") from None
    if hashlib.sha256(data).hexdigest() != reference.sha256:
        raise BadRequest(provider, f"{reference.path.name} has changed since it was asked with")
    return data


def connect(
    options: VendorOptions,
    kind: type[Client],
    *,
    headers: Mapping[str, str] | None = None,
    check: Callable[[httpx.Request], None] | None = None,
) -> Client:
    """A client for one call, which follows no redirect unless it is told to.

    A connection that is kept may be closed by the other side just as a submit leaves, and nobody could tell that from one
    that was lost after it had arrived.

    Args:
        kind: whose constructor is that of httpx's own client.
        check: looks at each request before it leaves, those of a redirect too.
    """
    hooks = {"request": [check]} if check else None
    return kind(timeout=options.timeout_seconds, verify=wire.trusted(), headers=headers, event_hooks=hooks)


def bring(provider: str, handle: str, url: object, into: BinaryIO, options: VendorOptions) -> str:
    """Write the result at ``url``, which the vendor has named, to ``into``; its MIME type. No key goes along.

    Raises:
        JobGone: it is not there any more.
        BrokenDownload: it did not come whole, or its address is none that is safe to ask.
    """

    def check(request: httpx.Request) -> None:
        safe = {"https"} if options.base_url is None else {"https", "http"}
        if request.url.scheme not in safe or not request.url.host:
            raise BrokenDownload(provider, f"its address is {request.url.scheme or 'no'}://, not https")

    if not isinstance(url, str) or not url:
        raise BrokenDownload(provider, "the vendor names no video")
    try:
        with connect(options, httpx.Client, check=check) as client:
            return wire.download(client, provider, url, into)
    except BrokenDownload as broken:
        if wire.status_of(broken.__cause__) in wire.GONE:
            raise JobGone(provider, handle) from broken
        raise
    except (httpx.InvalidURL, UnicodeError) as odd:
        raise BrokenDownload(provider, "its address cannot be read") from odd
