"""Kling's own multi-shot API over httpx: the one vendor that takes an id of ours, so that a lost call can be found again.

The step key goes along as ``external_task_id``, unique per account. A call whose answer is lost is looked up by it before
anything else, and a second call with the same key would be refused.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal
from urllib.parse import quote

import httpx

from starsend import api_client as api
from starsend.clock import Clock, SystemClock
from starsend.provider_options import VendorOptions
from starsend.providers import wire
from starsend.providers.kling_key import Key
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
    ProviderError,
    RateLimited,
    Unauthorized,
)

PROVIDER: Final = "kling"
TASKS: Final = "/v1/videos/image2video"

# From the vendor's documents as quoted in public, November 2026, and unproven against the live vendor: this whole block.
BASE_URL: Final = "https://api-singapore.klingai.com"
MODES: Final = {"720p": "std", "1080p": "pro"}
ELEMENT: Final = "<<<element_{}>>>"
NO_TASK: Final = 1203
"""The requested resource does not exist: of a task, that there is none; of a submit, that there is no such model."""
STATES: Final[Mapping[str, Literal["queued", "running", "ready"]]] = {
    "submitted": "queued",
    "processing": "running",
    "succeed": "ready",
}
Meaning = Literal["key", "quota", "capacity", "safety", "request"]
MEANINGS: Final[Mapping[int, Meaning]] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), "key"),  # no, a wrong, an early or an expired token
    1100: "key",  # something is wrong with the account
    1101: "quota",  # in arrears
    1102: "quota",  # the resource pack is used up or has expired
    1103: "key",  # not allowed to use this model
    **dict.fromkeys((1200, 1201, 1202, NO_TASK), "request"),
    **dict.fromkeys((1300, 1301), "safety"),
    1302: "capacity",  # too many calls
    1303: "capacity",  # too many at once
    1304: "key",  # not from this address
    5001: "capacity",  # maintenance
}
"""What a code means for a call that it answers. One that is not here may mean anything: the call is ambiguous."""
# The end of what is unproven.


class NoSuch(BadRequest):
    """The vendor says clearly that it does not know what was asked for."""


class Kling:
    """Implements `VideoProvider`. One object serves many threads."""

    name = PROVIDER
    can_find = True

    def __init__(self, options: VendorOptions, key: Key, clock: Clock) -> None:
        self._options = options
        self._url = (options.base_url or BASE_URL).rstrip("/") + TASKS
        self._key = key
        self._clock = clock

    def submit_video(self, request: api.VideoRequest, *, step_key: str) -> api.Job:
        """Order a take, once.

        Raises:
            BadRequest: also, before anything is sent, for what the wire cannot say: parts of seconds, 480p.
            NotSent, RateLimited, Unauthorized, Ambiguous.
        """
        body = _body(request, step_key)
        with wire.sending(PROVIDER):
            response = self._call("POST", self._url, body)
        try:
            return _job(self._data(response))
        except BadRequest:
            # An earlier call of this step, which nobody has heard of since, may be why the id is not unique any more.
            if earlier := self._earlier(step_key):
                return earlier
            raise

    def find(self, step_key: str) -> api.Job | None:
        """The task that was ordered under this id; None only where the vendor says in its own code that there is none."""
        try:
            return _job(self._task(step_key))
        except NoSuch:
            return None

    def poll(self, handle: str) -> api.JobStatus:
        """Where a task stands. Raises JobFailed, JobGone; whether a failed one is billed, the vendor does not say."""
        return api.JobStatus(self._state(handle, self._known(handle)))

    def fetch(self, handle: str, into: BinaryIO) -> str:
        """Write the video, whose address is asked for anew each time. Raises JobFailed, JobGone, BrokenDownload."""
        task = self._known(handle)
        if self._state(handle, task) != "ready":
            raise BrokenDownload(PROVIDER, "it is not ready")
        try:
            url = task["task_result"]["videos"][0]["url"]
        except (KeyError, IndexError, TypeError):
            url = None
        return bring(PROVIDER, handle, url, into, self._options)

    def _earlier(self, step_key: str) -> api.Job | None:
        try:
            return self.find(step_key)
        except BadRequest:
            return None  # it has answered, and knows of none
        except ProviderError as unheard:
            raise Ambiguous(PROVIDER, f"refused, and whether for an earlier one: {unheard.what}") from unheard

    def _known(self, handle: str) -> dict[str, Any]:
        try:
            return self._task(handle)
        except NoSuch as gone:
            raise JobGone(PROVIDER, handle) from gone

    def _task(self, name: str) -> dict[str, Any]:
        """A task by the vendor's id or by ours. Raises NoSuch, and as a submit."""
        with wire.sending(PROVIDER):
            response = self._call("GET", f"{self._url}/{quote(name, safe='')}")
        return self._data(response)

    def _state(self, handle: str, task: Mapping[str, Any]) -> Literal["queued", "running", "ready"]:
        status = task.get("task_status")
        if status == "failed":
            said = task.get("task_status_msg") or "no reason is given"
            raise JobFailed(PROVIDER, handle, self._quotable(said))
        if not isinstance(status, str) or status not in STATES:
            raise Ambiguous(PROVIDER, f"unknown status {self._quotable(status)!r}")
        return STATES[status]

    def _call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self._key.token(self._clock.now())}"}
        with connect(self._options, httpx.Client, headers=bearer) as client:
            return client.request(method, url, json=body)

    def _data(self, response: httpx.Response) -> dict[str, Any]:
        """What an answer holds. Raises what it means when it is no plain yes."""
        try:
            answer = wire.answer_of(PROVIDER, response)
        except Ambiguous:
            if response.status_code >= 400:
                raise self._refused(response, None, response.text) from None
            raise
        code = answer.get("code")
        if response.is_success and code == 0:
            if isinstance(data := answer.get("data"), dict):
                return data
            raise Ambiguous(PROVIDER, "its answer holds no task")
        raise self._refused(response, code, answer.get("message") or "")

    def _refused(self, response: httpx.Response, code: object, words: object) -> ProviderError:
        status, said = response.status_code, self._quotable(words)
        coded = f"{code}: {said}"
        now = self._clock.now()
        delay = wire.retry_after(response.headers, now=now)
        # A gateway that gives up speaks for nobody, whatever it quotes.
        meaning = MEANINGS.get(code) if isinstance(code, int) and (status < 500 or status == 503) else None
        error: ProviderError
        match meaning:
            case "key":
                error = Unauthorized(PROVIDER, coded)
            case "quota":
                error = RateLimited(PROVIDER, delay, why=f"quota, top up the account: {coded}")
            case "capacity":
                error = RateLimited(PROVIDER, delay, why=coded, cause="capacity")
            case "safety":
                error = BadRequest(PROVIDER, f"for safety: {coded}")
            case "request":
                error = (NoSuch if code == NO_TASK else BadRequest)(PROVIDER, coded)
            case None if code or status < 400:  # a code that nobody knows, or neither a yes nor a no
                error = Ambiguous(
                    PROVIDER, f"status {status}" if code is None else f"{status} with code {coded}"
                )
            case None:
                error = wire.refusal(PROVIDER, status, said, response.headers, now=now)
        return error

    def _quotable(self, words: object) -> str:
        return wire.quotable(words, self._key.secret, self._key.access)


def open_kling(
    *,
    options: Mapping[str, object],
    folder: Path,  # noqa: ARG001 - the seam's
    environ: Mapping[str, str] = os.environ,
    clock: Clock | None = None,
) -> Kling:
    """The provider for the entry point ``kling``.

    Args:
        options: the fields of `VendorOptions`.
        environ: holds KLING_ACCESS_KEY and KLING_SECRET_KEY, or KLING_API_KEY; or, with ``_FILE``, names files that do.

    Raises:
        NoKey: a key is missing.
        pydantic.ValidationError: an option is unknown or wrong.
    """
    return Kling(VendorOptions.model_validate(dict(options)), Key.read(environ), clock or SystemClock())


def _body(request: api.VideoRequest, step_key: str) -> dict[str, Any]:
    seconds = whole_seconds(PROVIDER, request)
    if request.resolution not in MODES:
        raise BadRequest(PROVIDER, f"{request.resolution} cannot be asked for; {' and '.join(MODES)} can")
    elements = elements_of(request.references)
    prompts = call_by_number(request.prompts, elements, ELEMENT)
    body: dict[str, Any] = {
        "model_name": request.model,
        "mode": MODES[request.resolution],
        "duration": str(sum(seconds)),
        "image": _encoded(request.start_frame),
        "multi_shot": True,
        "shot_type": "customize",
        "multi_prompt": [
            {"index": index, "prompt": prompt, "duration": str(length)}
            for index, (prompt, length) in enumerate(zip(prompts, seconds, strict=True), start=1)
        ],
        "external_task_id": step_key,
    }
    if elements:
        body["elements"] = [
            {"frontal_image": front, "reference_images": others or [front]}
            for front, *others in ([_encoded(shown) for shown in group] for group in elements.values())
        ]
    return body


def _encoded(reference: api.Reference) -> str:
    """Bare base64: the vendor takes no ``data:`` prefix."""
    return base64.b64encode(picture(PROVIDER, reference)).decode()


def _job(task: Mapping[str, Any]) -> api.Job:
    name = task.get("task_id")
    if not isinstance(name, str) or not name:
        raise Ambiguous(PROVIDER, "its answer names no task")
    return api.Job(name)
