"""Kling through fal's queue: one plain POST to submit, fal-client for status, result and upload.

``fal_client.submit`` repeats its POST by itself, and each one that arrives is a job: two resets made three. So here
no call is repeated, not even a free one (`fal_calls`): who waits decides what to do next.
"""

from __future__ import annotations

import json
import mimetypes
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple
from urllib.parse import quote

import fal_client
import httpx
from fal_client.client import QUEUE_URL_FORMAT

from starsend import api_client as api
from starsend.clock import Clock, SystemClock
from starsend.provider_options import VendorOptions
from starsend.providers import wire
from starsend.providers.fal_calls import OneCall, Refused, Uploader
from starsend.providers.multi_shot import (
    bring,
    call_by_number,
    connect,
    elements_of,
    picture,
    whole_seconds,
)
from starsend.vendor_faults import (
    Ambiguous,
    BadRequest,
    BrokenDownload,
    JobFailed,
    JobGone,
    NotSent,
    ProviderError,
)

PROVIDER: Final = "fal"
UPLOAD_KEPT: Final = timedelta(days=1)
"""How long an upload is taken to be there (unproven): a daemon runs for weeks, and an order without its picture fails."""
NO_UPLOAD: Final = "a picture could not be uploaded"
REFUSED: Final = frozenset({400, 422})
"""How the address of a result says that the request itself was at fault."""


class Family(NamedTuple):
    """How one generation of models spells a start frame and a number of seconds."""

    start: str
    seconds: Callable[[int], str | int]


FAMILIES: Final = {
    "v3": Family("start_image_url", str),
    "o3": Family("image_url", str),
    "v4": Family("start_image_url", int),
}


class Fal:
    """Implements `VideoProvider`. One object serves many threads.

    A lost call cannot be found again: fal gives out its id only in the answer, and takes none of ours.
    """

    name = PROVIDER
    can_find = False

    def __init__(self, options: VendorOptions, key: str, clock: Clock) -> None:
        self._options = options
        self._key = key
        self._clock = clock
        self._uploaded: dict[str, tuple[str, datetime]] = {}  # by SHA-256, for this process

    def submit_video(self, request: api.VideoRequest, *, step_key: str) -> api.Job:
        """Upload the pictures, which is free, and order a take, once.

        Raises:
            BadRequest: also, before anything is sent, for what the wire cannot say: parts of seconds, an unknown model.
            NotSent: also when a picture could not be uploaded.
            RateLimited, Unauthorized, Ambiguous.
        """
        family, seconds = _family(request.model), whole_seconds(PROVIDER, request)
        body = self._body(request, family, seconds)
        app = f"fal-ai/{request.model}/image-to-video"
        try:
            with self._connected() as client:
                headers = {"x-fal-no-retry": "1"}
                answer = client.request("POST", QUEUE_URL_FORMAT + app, json=body, headers=headers)
        except Refused as no:
            raise self._refusal(no.response) from None
        name = wire.answer_of(PROVIDER, answer).get("request_id")
        if not isinstance(name, str) or not name:
            raise Ambiguous(PROVIDER, f"its answer to {step_key} names no request")
        return api.Job(f"{app}#{name}")

    def find(self, step_key: str) -> api.Job | None:
        """Never asked: see ``can_find``."""
        raise Ambiguous(PROVIDER, f"it cannot be asked for {step_key}")

    def poll(self, handle: str) -> api.JobStatus:
        """Where a request stands. Raises JobFailed, JobGone; whether a failed one is billed, its answer does not say."""
        with self._handled(handle) as request:
            status = request.status()
        match status:
            case fal_client.Completed(error=None | ""):
                return api.JobStatus("ready")
            case fal_client.Completed():
                said = ": ".join(str(part) for part in (status.error_type, status.error) if part)
                raise JobFailed(PROVIDER, handle, self._quotable(said))
            case fal_client.InProgress():
                return api.JobStatus("running")
        return api.JobStatus("queued")

    def fetch(self, handle: str, into: BinaryIO) -> str:
        """Write the video. Raises JobFailed, JobGone, BrokenDownload."""
        # fal-client would look again every 0.1 s, without an end, at what is not ready.
        if self.poll(handle).state != "ready":
            raise BrokenDownload(PROVIDER, "it is not ready")
        with self._handled(handle, result=True) as request:
            result: object = request.get()
        video = result.get("video") if isinstance(result, dict) else None
        url = video.get("url") if isinstance(video, dict) else None
        return bring(PROVIDER, handle, url, into, self._options)

    def _body(self, request: api.VideoRequest, family: Family, seconds: list[int]) -> dict[str, Any]:
        elements = elements_of(request.references)
        prompts = call_by_number(request.prompts, elements, "@Element{}")
        body: dict[str, Any] = {
            family.start: self._upload(request.start_frame),
            "multi_prompt": [
                {"prompt": prompt, "duration": family.seconds(length)}
                for prompt, length in zip(prompts, seconds, strict=True)
            ],
            "shot_type": "customize",
            "duration": family.seconds(sum(seconds)),
            "generate_audio": True,
        }
        if elements:
            body["elements"] = [
                {"frontal_image_url": front, "reference_image_urls": others or [front]}
                for front, *others in (
                    [self._upload(shown) for shown in group] for group in elements.values()
                )
            ]
        return body

    def _upload(self, reference: api.Reference) -> str:
        """The address of a picture at the vendor's. Whatever goes wrong, no job has been ordered yet."""
        data = picture(PROVIDER, reference)
        now = self._clock.now()
        known = self._uploaded.get(reference.sha256)
        if known and now - known[1] < UPLOAD_KEPT:
            return known[0]
        mime = mimetypes.guess_type(reference.path.name)[0] or "image/png"
        try:
            with self._connected() as client:
                url: object = Uploader(client, self._key).upload(
                    data, mime, reference.path.name, repository="fal", fallback_repository=[]
                )
        except Refused as no:
            refusal = self._refusal(no.response)
            if isinstance(refusal, Ambiguous):
                raise NotSent(PROVIDER, f"{NO_UPLOAD}: status {no.response.status_code}") from None
            raise refusal from None
        except Ambiguous as lost:
            raise NotSent(PROVIDER, f"{NO_UPLOAD}: {wire.words(lost.__cause__ or lost)}") from lost
        except (KeyError, TypeError, ValueError, httpx.InvalidURL) as odd:
            raise NotSent(PROVIDER, f"{NO_UPLOAD}: its answer cannot be read") from odd
        if not isinstance(url, str) or not url:
            raise NotSent(PROVIDER, f"{NO_UPLOAD}: its answer names no address")
        self._uploaded[reference.sha256] = url, now
        return url

    @contextmanager
    def _connected(self) -> Iterator[OneCall]:
        with connect(self._options, OneCall) as client:
            client.base, client.key = self._options.base_url, self._key
            yield client

    @contextmanager
    def _handled(self, handle: str, *, result: bool = False) -> Iterator[fal_client.SyncRequestHandle]:
        """fal-client's own handle of a request; around one look at it, or at its result."""
        app, _, name = handle.rpartition("#")
        try:
            with self._connected() as client:
                yield Uploader(client, self._key).get_handle(app, quote(name, safe=""))
        except Refused as no:
            raise self._ended(handle, no.response, result=result) from None
        except (KeyError, TypeError, AttributeError, ValueError) as odd:
            raise Ambiguous(PROVIDER, "its answer cannot be read") from odd

    def _ended(self, handle: str, response: httpx.Response, *, result: bool) -> ProviderError:
        """What an error status says of a request, when its status or its result was asked for."""
        detail = _detail(response)
        if detail is not None and response.status_code in wire.GONE:
            return JobGone(PROVIDER, handle)
        if detail is not None and response.status_code in REFUSED and result:
            return JobFailed(PROVIDER, handle, self._quotable(detail))
        return self._refusal(response)

    def _refusal(self, response: httpx.Response) -> ProviderError:
        said = self._quotable(_detail(response) or response.text)
        if response.status_code < 400:
            return Ambiguous(PROVIDER, f"it answers elsewhere ({response.status_code})")
        return wire.refusal(PROVIDER, response.status_code, said, response.headers, now=self._clock.now())

    def _quotable(self, words: object) -> str:
        return wire.quotable(words, self._key)


def open_fal(
    *,
    options: Mapping[str, object],
    folder: Path,  # noqa: ARG001 - the seam's
    environ: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
) -> Fal:
    """The provider for the entry point ``fal``.

    Args:
        options: the fields of `VendorOptions`.
        environ: holds FAL_KEY, or names a file that does in FAL_KEY_FILE.

    Raises:
        NoKey: the key is missing.
        pydantic.ValidationError: an option is unknown or wrong.
    """
    key = wire.key_from(PROVIDER, "FAL_KEY", environ)
    return Fal(VendorOptions.model_validate(dict(options)), key, clock or SystemClock())


def _family(model: str) -> Family:
    """By the second part of the model's name, e.g. ``kling-video/v3/pro``. Raises BadRequest; nothing has been sent."""
    parts = model.split("/")
    if len(parts) < 2 or parts[0] != "kling-video" or parts[1] not in FAMILIES:
        known = ", ".join(f"kling-video/{family}/..." for family in FAMILIES)
        raise BadRequest(PROVIDER, f"how to ask {model} is not known; known: {known}")
    return FAMILIES[parts[1]]


def _detail(response: httpx.Response) -> str | None:
    """fal's own words in an error: a text, or what was wrong with which field; None when the answer is not fal's."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return None
    if isinstance(detail, list):
        return "; ".join(
            f"{'.'.join(map(str, fault.get('loc', ())))}: {fault.get('msg', '')}"
            for fault in detail
            if isinstance(fault, dict)
        )
    return detail if isinstance(detail, str) else json.dumps(detail)
