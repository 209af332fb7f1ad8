"""Google's Omni through the Interactions API: a background interaction, resumed by its id (google-genai)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Final

import httpx
from google import genai
from google.genai import types
from google.genai.interactions import Interaction, VideoContent

from starsend import api_client as api
from starsend.provider_options import VendorOptions
from starsend.providers import google_take, google_wire, wire
from starsend.vendor_faults import Ambiguous, BadRequest, BrokenDownload, JobFailed, JobGone

PROVIDER: Final = "omni"
KEY: Final = "GEMINI_API_KEY"
VENDOR: Final = "https://generativelanguage.googleapis.com"
VERSION: Final = "v1"  # the SDK's own default; said here so that the environment cannot change it
RESOLUTIONS: Final = {"360p": "360p", "720p": "720p", "1080p": "1080p", "4K": "4k"}
SHORTEST, LONGEST = 3, 15
"""Whole seconds of a take."""

_ENDED: Final = {
    "failed": "it failed",
    "cancelled": "it was cancelled",
    "incomplete": "it ended half-way",
    "requires_action": "it asks for something that nobody can answer here",
    "requires_continuation": "it ended half-way",
    "budget_exceeded": "the budget at the vendor is used up",
}
_FILE: Final = re.compile(r"(?:.*/)?files/([A-Za-z0-9_-]+)(?::download)?")


class Omni:
    """Implements `VideoProvider`. One object serves many threads, and keeps nothing between two calls."""

    name = PROVIDER
    can_find = False

    def __init__(self, options: VendorOptions, key: str) -> None:
        self._key = key
        home = (options.base_url or VENDOR).rstrip("/")
        self._files = f"{home}/{VERSION}/files"
        self._homes = {_origin(httpx.URL(home)), _origin(httpx.URL(VENDOR))}
        # A hook sees each hop of a redirect; a header of the client would travel along to any host.
        self._http = google_wire.http_client(options.timeout_seconds, self._key_at_home)
        self._client = genai.Client(
            vertexai=False,
            api_key=key,
            http_options=google_wire.http_options(self._http, home, VERSION),
        )

    def submit_video(self, request: api.VideoRequest, *, step_key: str) -> api.Job:
        """Begin an interaction in the background. Sent once.

        Raises:
            BadRequest: the take is not one that Omni makes (nothing was sent), or the vendor says so.
            NotSent, RateLimited, Unauthorized, Ambiguous: see `google_wire.speaking`.
        """
        seconds = google_take.total_seconds(PROVIDER, request)
        if seconds % 1 or not SHORTEST <= seconds <= LONGEST:
            raise BadRequest(
                PROVIDER, f"a take has {SHORTEST} to {LONGEST} whole seconds, not {seconds.normalize():f}"
            )
        resolution = google_take.resolution_of(PROVIDER, request, RESOLUTIONS)
        frame = google_take.start_frame_of(PROVIDER, request)
        with self._speaking():
            begun = self._client.interactions.create(
                model=request.model,
                background=True,
                input=[
                    {"type": "text", "text": google_take.prompt_of(request)},
                    {"type": "image", "data": base64.b64encode(frame.data).decode(), "mime_type": frame.mime},
                ],
                response_format={
                    "type": "video",
                    "aspect_ratio": frame.aspect_ratio,
                    "resolution": resolution,
                    "duration": f"{seconds:.0f}s",
                    "delivery": "uri",
                },
                generation_config={"video_config": {"task": "image_to_video"}},
                labels={"starsend-step": google_take.label_of(step_key)},
            )
        if not isinstance(begun, Interaction) or not begun.id:
            raise Ambiguous(PROVIDER, "its answer names no interaction")
        return api.Job(begun.id)

    def find(self, step_key: str) -> None:
        """Never called: an interaction cannot be looked up by its labels."""
        raise NotImplementedError(step_key)

    def poll(self, handle: str) -> api.JobStatus:
        """Ask once. A take that is finished but not yet filed by the vendor is still running.

        Raises:
            JobFailed: it ended without a video; says the vendor's reason.
            JobGone: the interaction or its file was deleted.
            NotSent, RateLimited, BadRequest, Unauthorized, Ambiguous: worth another look.
        """
        with self._speaking(handle):
            found = self._interaction(handle)
            if found.status == "queued":
                return api.JobStatus("queued")
            if found.status == "in_progress":
                return api.JobStatus("running")
            if found.status in _ENDED:
                raise JobFailed(PROVIDER, handle, f"{_ENDED[found.status]}{self._reasons(found)}")
            if found.status != "completed":
                raise Ambiguous(PROVIDER, f"the state of {handle} is {found.status!r}, which is not known")
            if found.output_video:
                return self._filed(handle, found.output_video)
            if reasons := self._reasons(found):
                raise JobFailed(PROVIDER, handle, f"it ended without a video{reasons}")
            return api.JobStatus("ready")

    def fetch(self, handle: str, into: BinaryIO) -> str:
        """Write the take to ``into``; its MIME type. The key goes to the vendor's own host only.

        Raises:
            JobGone: the file is deleted.
            BrokenDownload: it did not come whole, or is not there yet, or lies in a bucket.
            and all that `poll` raises.
        """
        with self._speaking(handle):
            video = self._interaction(handle).output_video
        if video and video.data:
            try:
                into.write(base64.b64decode(video.data, validate=True))
            except binascii.Error:
                raise BrokenDownload(PROVIDER, "its base64 is broken") from None
            return str(video.mime_type or "video/mp4")
        if not video or not video.uri:
            raise BrokenDownload(PROVIDER, "it is said to be completed and shows no video")
        file = self._file(video.uri)
        return self._download(handle, f"{self._files}/{file}:download?alt=media" if file else video.uri, into)

    def _interaction(self, handle: str) -> Interaction:
        found = self._client.interactions.get(id=handle)
        if not getattr(found, "status", None):  # the SDK validates no answer: {} and [] come through
            raise Ambiguous(PROVIDER, "its answer names no state")
        return found

    def _filed(self, handle: str, video: VideoContent) -> api.JobStatus:
        file = self._file(video.uri)
        if file is None:
            return api.JobStatus("ready")
        state = self._client.files.get(name=f"files/{file}").state
        if state == types.FileState.FAILED:
            raise JobFailed(PROVIDER, handle, "the vendor could not file the finished video")
        return api.JobStatus("running" if state == types.FileState.PROCESSING else "ready")

    def _file(self, uri: str | None) -> str | None:
        """The id of a file of the vendor's own, where ``uri`` names one."""
        named = _FILE.fullmatch((uri or "").partition("?")[0])
        if named is None or not uri or ("://" in uri and not self._is_home(uri)):
            return None
        return named[1]

    def _is_home(self, uri: str) -> bool:
        try:
            return _origin(httpx.URL(uri)) in self._homes
        except httpx.InvalidURL:
            return False

    def _download(self, handle: str, url: str, into: BinaryIO) -> str:
        if not url.startswith(("https://", "http://")):
            raise BrokenDownload(
                PROVIDER,
                f"it lies at {wire.quotable(url, self._key)}, not on the vendor's own host; copy it from there",
            )
        try:
            return wire.download(self._http, PROVIDER, url, into)
        except httpx.InvalidURL:
            raise BrokenDownload(PROVIDER, "its address is none") from None
        except BrokenDownload as broken:
            status = wire.status_of(broken.__cause__)
            if status in wire.GONE:
                raise JobGone(PROVIDER, handle) from None
            if status in wire.NO_KEY | wire.NOT_NOW:
                assert isinstance(broken.__cause__, httpx.HTTPStatusError)
                raise google_wire.refused(PROVIDER, broken.__cause__.response, self._key) from None
            raise

    def _key_at_home(self, request: httpx.Request) -> None:
        request.headers.pop("x-goog-api-key", None)
        if _origin(request.url) in self._homes:
            request.headers["x-goog-api-key"] = self._key

    def _reasons(self, found: Interaction) -> str:
        """What an interaction says of itself: its errors, those of its steps, and its text."""
        said = [error.message for error in found.errors or []]
        said += [getattr(getattr(step, "error", None), "message", None) for step in found.steps or []]
        words = "; ".join(str(text) for text in [*said, found.output_text] if text)
        return f": {google_wire.said_in(PROVIDER, words, self._key)}" if words else ""

    def _speaking(self, handle: str | None = None) -> AbstractContextManager[None]:
        return google_wire.speaking(PROVIDER, lambda: self._key, handle)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def open_omni(*, options: Mapping[str, object], folder: Path) -> Omni:  # noqa: ARG001 - it keeps no files
    """The provider for the entry point ``omni``.

    Args:
        options: the fields of `VendorOptions`.

    Raises:
        NoKey: neither GEMINI_API_KEY nor GEMINI_API_KEY_FILE is set.
        pydantic.ValidationError: an option is unknown or wrong.
    """
    return Omni(VendorOptions.model_validate(dict(options)), wire.key_from(PROVIDER, KEY))
