"""What every vendor's wire has in common: what a broken connection or a status code does to the bill.

The rules are MONEY's, in one place: only a call that certainly never left, or to which the vendor said "not now", may be
sent again; whatever happens after a request has left is ambiguous. Providers speak with httpx, or map their SDK's errors
to these by class and status, never by words.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from ssl import SSLContext
from typing import Any, BinaryIO, Final, Literal

import httpx

from starsend.errors import BadInput
from starsend.redaction import Redaction
from starsend.vendor_faults import (
    Ambiguous,
    BadRequest,
    BrokenDownload,
    NotSent,
    ProviderError,
    RateLimited,
    Unauthorized,
)

NOT_NOW: Final = frozenset({429, 503})
"""The vendor has turned the call away: not accepted, not billed."""

NO_KEY: Final = frozenset({401, 403})
GONE: Final = frozenset({404, 410})
"""Asked about a job or its result: the vendor does not have it any more."""

_QUOTED: Final = 300  # letters of a vendor's own words that fit a line
_TOKEN: Final = re.compile(r"eyJ[\w-]{8,}[\w.-]*")  # a JWT, or the beginning of one: they all begin like this
_SIGNED: Final = re.compile(r"(https?://[^\s?#]+)[?#][^\s\"'<>]+")


class NoKey(BadInput):
    """A provider without its key. Nothing was sent."""

    def __init__(self, provider: str, variable: str) -> None:
        super().__init__(
            f"the key is missing: neither {variable} nor {variable}_FILE is set",
            where=provider,
            remedy=f"set {variable}, or name a file that holds the key in {variable}_FILE",
        )


class BadKey(BadInput):
    """A key that cannot be sent in a header. Nothing was sent."""

    def __init__(self, provider: str, variable: str) -> None:
        super().__init__(
            "the key holds a line break, a space or a letter that no key has",
            where=provider,
            remedy=f"copy it again into {variable} or its file",
        )


def key_from(provider: str, variable: str, environ: Mapping[str, str] = os.environ) -> str:
    """A vendor's key, from the environment or from the file named there; never from a document or the config.

    Raises:
        NoKey: neither is set, the file cannot be read, or it is empty.
        BadKey: it is no key, e.g. two lines. Only found when it is sent, it would look like a lost call.
    """
    key = environ.get(variable, "").strip() or _from_file(environ.get(f"{variable}_FILE", ""))
    if not key:
        raise NoKey(provider, variable)
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise BadKey(provider, variable)
    return key


def _from_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip() if path else ""
    except (OSError, ValueError):
        return ""


def trusted() -> SSLContext:
    """What vendors' certificates are checked against, read once: it costs 30 ms, and Google's SDK would read it three times.

    Raises:
        OSError: SSL_CERT_FILE or SSL_CERT_DIR names none.
    """
    return _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _trusted(_file: str | None, _folder: str | None) -> SSLContext:
    return httpx.create_ssl_context()  # by the same two variables


@contextmanager
def sending(provider: str) -> Iterator[None]:
    """Around one call: what breaks before it has left is NotSent, all later is Ambiguous.

    A submit may have been billed then; a look-up or a poll is free, and worth another one.
    """
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as never:
        raise NotSent(provider, words(never)) from never
    except httpx.RequestError as lost:
        # Also an answer whose encoding is broken, and one that only leads elsewhere.
        raise Ambiguous(provider, words(lost)) from lost


@contextmanager
def fetching(provider: str) -> Iterator[None]:
    """Around a download, which is free: what breaks is BrokenDownload; "not now" is RateLimited, with the time it names."""
    try:
        yield
    except httpx.HTTPStatusError as refused:
        if refused.response.status_code in NOT_NOW:
            # No words of a body: a stream's is not read, and a storage quotes the signed address.
            answer = refused.response
            raise refusal(
                provider, answer.status_code, "", answer.headers, now=datetime.now(UTC)
            ) from refused
        raise BrokenDownload(provider, f"status {refused.response.status_code}") from refused
    except httpx.HTTPError as broken:
        raise BrokenDownload(provider, words(broken)) from broken


def refusal(
    provider: str, status: int, said: str, headers: Mapping[str, str], *, now: datetime
) -> ProviderError:
    """What an error status means for a submit, and for looks and polls too.

    Anything from 500 up but 503 is ambiguous: a gateway gives up on work that goes on behind it. So is what leads
    elsewhere, as 303 does to what was made of the call, and a success of another kind than the vendor's own.
    """
    said = clipped(said) or f"status {status}"
    if status in NOT_NOW:
        cause: Literal["quota", "capacity"] = (
            "capacity" if status == HTTPStatus.SERVICE_UNAVAILABLE else "quota"
        )
        return RateLimited(provider, retry_after(headers, now=now), why=f"{status}: {said}", cause=cause)
    if status in NO_KEY:
        return Unauthorized(provider, f"{status}: {said}")
    if status >= 500 or status < 400:
        return Ambiguous(provider, f"{status}: {said}")
    return BadRequest(provider, f"{status}: {said}")


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date; None without one that can be read."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), "").strip()
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return seconds if math.isfinite(seconds) and seconds >= 0 else None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, IndexError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())


def answer_of(provider: str, response: httpx.Response) -> dict[str, Any]:
    """The JSON object that a call was answered with.

    Raises:
        Ambiguous: it is none. The vendor has had the call, and what it made of it is not known.
    """
    try:
        answer = response.json()
    except ValueError as broken:
        raise Ambiguous(provider, "its answer is not JSON") from broken
    if not isinstance(answer, dict):
        raise Ambiguous(provider, "its answer is not a JSON object")
    return answer


def download(client: httpx.Client, provider: str, url: str, into: BinaryIO) -> str:
    """Write what is at ``url`` to ``into``; its MIME type. Free, so it may be repeated.

    Raises:
        BrokenDownload: it did not come whole. JobGone is the caller's to tell from a 404 or 410: see ``status_of``.
    """
    with fetching(provider), client.stream("GET", url, follow_redirects=True) as response:
        response.raise_for_status()
        promised = response.headers.get("content-length", "")
        got = 0
        for block in response.iter_bytes(1 << 16):
            got += len(block)
            into.write(block)
        # httpx itself tells a body cut short of its length; a proxy that has unpacked it leaves none.
        if not got or (
            promised.isdigit() and not response.headers.get("content-encoding") and int(promised) != got
        ):
            raise BrokenDownload(provider, f"{got} of {promised or 'some'} bytes came")
        return str(response.headers.get("content-type", "application/octet-stream")).partition(";")[0]


def status_of(error: BaseException | None) -> int | None:
    """The status code behind an error, where there is one."""
    return error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None


def words(error: BaseException) -> str:
    """An error in a few words, without addresses: they may hold a signature."""
    return type(error).__name__ if "://" in str(error) else clipped(str(error)) or type(error).__name__


def clipped(said: str) -> str:
    """A vendor's own words in one line of a readable length."""
    line = " ".join(said.split())
    return line if len(line) <= _QUOTED else f"{line[:_QUOTED]}..."


def quotable(words: object, *secrets: str) -> str:
    """A vendor's words in one line for an error or a log: without our keys, tokens, and what signs an address.

    Clipped last: half a key would not be known for one.
    """
    text = Redaction(secrets, "[key]", shortest=4)(str(words))
    return clipped(_SIGNED.sub(r"\1", _TOKEN.sub("[token]", text)))
