"""The HTTP client under Google's SDK, and what the SDK's errors mean for the bill.

google-genai has two trees of errors (its own, and the Interactions API's), over one of three HTTP libraries. Given a
client of ours it has one: a connection that broke is an ``httpx`` error in either tree, and a refusal holds the
``httpx`` response. So both are told by status and class, never by words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import httpx
from google.auth.exceptions import GoogleAuthError
from google.genai import types

from starsend.providers import wire
from starsend.vendor_faults import Ambiguous, JobGone, NotSent, ProviderError, RateLimited, Unauthorized

_SECONDS: Final = re.compile(r"(\d+(?:\.\d+)?)s")


def http_client(timeout_seconds: float, *on_request: Callable[[httpx.Request], None]) -> httpx.Client:
    """For the SDK: follows no redirect by itself, which would take the key along, and never uses a connection twice.

    A kept connection may have been hung up on meanwhile; a submit on it ends like one whose answer is lost.

    Args:
        on_request: sees each request before it leaves, and each hop of a redirect where one is followed.
    """
    return httpx.Client(
        verify=wire.trusted(),
        timeout=timeout_seconds,
        limits=httpx.Limits(
            max_connections=None, max_keepalive_connections=0
        ),  # a hundred threads wait for no other
        event_hooks={"request": list(on_request)},
    )


def http_options(client: httpx.Client, base_url: str | None, version: str | None = None) -> types.HttpOptions:
    """How the SDK reaches the vendor: through ``client``, and each call once; its default of five tries is billed five times."""
    # The SDK reads the certificates twice for clients that are never used, 50 ms a provider, unless it is given some.
    trusted = {"verify": wire.trusted(), "ssl": wire.trusted()}
    return types.HttpOptions(
        base_url=base_url,
        api_version=version,
        timeout=max(1, round((client.timeout.read or 0) * 1000)),
        retry_options=types.HttpRetryOptions(attempts=1),
        httpx_client=client,
        client_args=trusted,
        async_client_args=trusted,
    )


@contextmanager
def speaking(provider: str, secret: Callable[[], str], handle: str | None = None) -> Iterator[None]:
    """Around one call of the SDK.

    Args:
        secret: the key or token of this moment; it is in no error, whatever the vendor says.
        handle: the job that is asked about; None around a submit.

    Raises:
        NotSent, RateLimited, BadRequest, Unauthorized: the call was certainly not billed.
        JobGone: the vendor does not know ``handle`` any more.
        Ambiguous: whatever else it was, also an answer that the SDK cannot read.
    """
    try:
        with wire.sending(provider):
            try:
                yield
            except Exception as error:
                if isinstance(error.__cause__, httpx.TransportError):
                    raise error.__cause__ from None
                raise
    except ProviderError:
        raise
    except GoogleAuthError as refused:
        # The token is fetched before anything is sent. The rest of such an error quotes the token's endpoint.
        said = wire.quotable(refused.args[0], secret()) if refused.args else type(refused).__name__
        raise NotSent(provider, f"no access token: {said}") from None
    except Exception as error:  # noqa: BLE001 - whatever it was, the call may have been billed
        # From None: the SDK's own error quotes the vendor's, which may quote the key.
        raise _meaning(provider, error, secret(), handle) from None


def said_in(provider: str, problem: object, secret: str) -> str:
    """The words of a problem that a vendor reports as ``{"message": ..}``, in one line and without the key."""
    message = problem.get("message") if isinstance(problem, Mapping) else problem
    return wire.quotable(message or "", secret) or f"{provider} gave no reason"


def refused(provider: str, response: httpx.Response, secret: str) -> ProviderError:
    """What an error status means: wire.refusal, with Google's own way to name a bad key, a delay and a quota.

    A delay may stand in the body (RetryInfo, the service's own) and in the header (which may be a proxy's): the longer counts.
    """
    problem = _problem(response)
    listed = problem.get("details")
    facts = [f for f in listed if isinstance(f, Mapping)] if isinstance(listed, list) else []
    said, status = (
        wire.quotable(problem.get("message") or problem.get("status") or "", secret),
        response.status_code,
    )
    if any(fact.get("reason") == "API_KEY_INVALID" for fact in facts):  # with status 400
        return Unauthorized(provider, f"{status}: {said}")
    refusal = wire.refusal(provider, status, said, response.headers, now=datetime.now(UTC))
    if not isinstance(refusal, RateLimited):
        return refusal
    named = [_SECONDS.fullmatch(str(fact.get("retryDelay"))) for fact in facts]
    delays = [float(delay[1]) for delay in named if delay]
    longest = max([*delays, *([] if refusal.delay is None else [refusal.delay])], default=None)
    why = f"{wire.quotable(_why(status, facts), secret)}: {said}"
    return RateLimited(provider, longest, why=why, cause=refusal.cause)


def _why(status: int, facts: list[Mapping[str, Any]]) -> str:
    """Quota, rate or capacity: all are worth waiting for, and a person wants to know which it was."""
    found = [fact["violations"] for fact in facts if isinstance(fact.get("violations"), list)]
    quotas = [
        str(v["quotaId"]) for listed in found for v in listed if isinstance(v, Mapping) and v.get("quotaId")
    ]
    if quotas:
        return f"{status}, quota used up, {', '.join(dict.fromkeys(quotas))}"
    return f"{status}, rate limit" if status == HTTPStatus.TOO_MANY_REQUESTS else f"{status}, no capacity"


def _meaning(provider: str, error: Exception, secret: str, handle: str | None) -> ProviderError:
    response = getattr(error, "response", None)
    if not isinstance(response, httpx.Response) or response.is_success:
        return Ambiguous(provider, f"its answer cannot be read ({type(error).__name__})")
    if handle and response.status_code in wire.GONE and "code" in _problem(response):
        return JobGone(provider, handle)  # Google's own word; a proxy's page says nothing of the job
    return refused(provider, response, secret)


def _problem(response: httpx.Response) -> dict[str, Any]:
    """``{"code", "message", "details"}`` of an error; a page that is no JSON is its own message."""
    try:
        body = response.json()
    except ValueError:
        return {"message": response.text}
    except httpx.ResponseNotRead:
        return {}
    body = body[0] if isinstance(body, list) and body else body
    found = body.get("error", body) if isinstance(body, dict) else {}
    return found if isinstance(found, dict) else {"message": str(found)}
