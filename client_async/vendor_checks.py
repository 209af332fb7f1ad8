"""Could each configured provider be called? Its key, its model, its host and our clock, looked at without calling it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import httpx

from client_async.estimates import rates_of
from client_async.findings import Finding
from client_async.projects import Place
from client_async.wiring import image_provider, video_provider
from starsend.clock import Clock
from starsend.config import Settings
from starsend.errors import StarsendError
from starsend.providers import wire
from starsend.providers.needs import NEEDS
from starsend.shot_limits import LimitTable

SECONDS: Final = 5.0
"""How long a host may take to connect, and again to answer."""
SKEW_SECONDS: Final = 60.0
"""More than vendors bear with: Kling refuses a token that is valid only 5 s from now."""
_AWAY: Final = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


def check_opens(place: Place, settings: Settings, what: Literal["image", "video"]) -> Finding:
    """Is the provider known, does it do what it is named for, and has it its key? It is opened as for work, which sends nothing."""
    name = getattr(settings, what).provider
    of = f"provider {name}"
    opens = image_provider if what == "image" else video_provider
    try:
        with TemporaryDirectory(
            prefix="starsend-"
        ) as books:  # the animatic makes its books when it is opened
            opens(place, settings, {}, Path(books))
    except StarsendError as refused:
        return Finding.of_error(of, "key", refused)
    except Exception as fault:  # noqa: BLE001 - somebody else's provider may raise anything, and quote its key
        why = f"it cannot be opened ({type(fault).__name__})"
        return Finding("fail", of, "key", why, f"look at the section {name} of the config, and at proxies")
    needs = NEEDS.get(name)
    return Finding("ok", of, "key", "none is needed" if needs and not needs.keys else "it is there")


def check_key_files(name: str) -> Iterator[Finding]:
    """Can anybody on this machine read a key?"""
    needs = NEEDS.get(name)
    for variable, path in (needs.key_files(os.environ) if needs else {}).items():
        try:
            mode = Path(path).stat().st_mode
        except (OSError, ValueError):
            continue  # check_opens says so; the path is not shown, it may be a key that was put into the wrong variable
        if mode & stat.S_IROTH:
            what = f"everybody on this machine may read the file that {variable} names"
            yield Finding("warn", f"provider {name}", "key file", what, f'run `chmod 600 "${variable}"`')


def check_host(name: str, settings: Settings, clock: Clock) -> list[Finding]:
    """Does the vendor's host answer, and does its clock agree with ours? A HEAD of ``/`` without a key, by the usual proxies."""
    of, needs, options = f"provider {name}", NEEDS.get(name), settings.options_of(name)
    if needs is None:
        return [
            Finding("warn", of, "host", "it is not known where this provider calls, so that was not tried")
        ]
    if not needs.address:
        return [Finding("ok", of, "host", "works offline")]
    try:
        url = httpx.URL(needs.address_with(options))
        with httpx.Client(timeout=SECONDS) as client:
            answer = client.head(f"{url.scheme}://{url.netloc.decode()}/")
    except httpx.HTTPError as gone:
        return [_unreachable(name, f"{url.host} does not answer ({wire.words(gone)})")]
    except Exception as wrong:  # noqa: BLE001 - proxies and certificates that no client takes; may quote a password
        return [_unreachable(name, f"no connection can be made ({type(wrong).__name__})")]
    clock_finding = _clock_finding(of, answer.headers, clock.now())
    return [_host_finding(name, url.host, answer.status_code), clock_finding]


def check_prices(of: str, settings: Settings) -> list[Finding]:
    """Has everything that would be asked for a price? Without one no call is made."""
    rates, missing = rates_of(settings)
    if rates is None:
        return [Finding.of_error(of, "prices", none) for none in missing]
    oldest = min(rate.quote.as_of for rate in rates)
    return [Finding("ok", of, "prices", f"pictures and takes have a price, as of {oldest}")]


def check_limits(of: str, settings: Settings) -> Finding:
    """Is it known what the video model takes in one request?"""
    video = settings.video
    limits = LimitTable(settings.shot_limits).find(video.provider, video.model)
    model = f"{video.provider}/{video.model}"
    if limits is None:
        what = f"no multi-shot limits are known of {model}"
        return Finding("warn", of, "limits", what, "add them under shot_limits in the config")
    return Finding("ok", of, "limits", f"what {model} takes is known, as of {limits.as_of}")


def _unreachable(name: str, what: str) -> Finding:
    remedy = (
        f"look at the network, the firewall, HTTPS_PROXY, SSL_CERT_FILE, and {name}.base_url in the config"
    )
    return Finding("fail", f"provider {name}", "host", what, remedy)


def _host_finding(name: str, host: str, status: int) -> Finding:
    """Any status but a proxy's and a gateway's own is an answer: what there is at ``/`` does not matter."""
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return _unreachable(name, "the proxy wants a user and a password")
    if status in _AWAY:
        what = f"{host}, or a proxy before it, answers {status}"
        return Finding("warn", f"provider {name}", "host", what, "try again in a while")
    return Finding("ok", f"provider {name}", "host", f"{host} answers")


def _clock_finding(of: str, headers: httpx.Headers, now: datetime) -> Finding:
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
        ahead = (now - theirs).total_seconds() - float(
            headers.get("age", 0)
        )  # a cache tells the date of before
    except (ValueError, IndexError, TypeError):
        return Finding("warn", of, "clock", "the host told no date, so our clock was not compared with it")
    if abs(ahead) <= SKEW_SECONDS:
        return Finding("ok", of, "clock", f"agrees with the host's within {SKEW_SECONDS:.0f} s")
    what = f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the host's"
    return Finding("warn", of, "clock", what, "set it by NTP: signed keys and certificates hold by the clock")
