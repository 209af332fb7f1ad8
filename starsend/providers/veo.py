"""Google's Veo on Vertex: a long-running operation, resumed by its name (google-genai)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Final

import google.auth
from google import genai
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.genai import types
from google.oauth2.credentials import Credentials as AccessToken

from starsend import api_client as api
from starsend.errors import BadInput
from starsend.provider_options import VeoOptions
from starsend.providers import google_take, google_wire, wire
from starsend.vendor_faults import Ambiguous, BadRequest, BrokenDownload, JobFailed

PROVIDER: Final = "veo"
TOKEN: Final = "VEO_ACCESS_TOKEN"  # noqa: S105 - the name of a variable
RESOLUTIONS: Final = {"720p": "720p", "1080p": "1080p", "4K": "4k"}
SECONDS: Final = (4, 6, 8)
"""The lengths of a take."""
SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)


class NoProject(BadInput):
    """Vertex bills a project; none is named. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            "no Google Cloud project is named",
            where="starsend_config.json: veo.project",
            remedy="name the one that is billed",
        )


class NoCredentials(BadInput):
    """Nobody to call Vertex as. Nothing was sent."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"there are no usable credentials ({why})",
            where=PROVIDER,
            remedy=f"set GOOGLE_APPLICATION_CREDENTIALS to a service account's file, or {TOKEN} to an access token",
        )


class Veo:
    """Implements `VideoProvider`. One object serves many threads, and keeps nothing between two calls.

    Args:
        credentials: of google.auth; the SDK refreshes them where they can be.
    """

    name = PROVIDER
    can_find = False

    def __init__(self, options: VeoOptions, credentials: Credentials) -> None:
        self._credentials = credentials
        http = google_wire.http_client(options.timeout_seconds)
        self._client = genai.Client(
            vertexai=True,
            project=options.project,
            location=options.location,
            credentials=credentials,
            http_options=google_wire.http_options(http, options.base_url),
        )

    def submit_video(self, request: api.VideoRequest, *, step_key: str) -> api.Job:
        """Begin an operation. Sent once. References are not sent: Veo takes a start frame or references, never both.

        Raises:
            BadRequest: the take is not one that Veo makes (nothing was sent), or the vendor says so.
            NotSent, RateLimited, Unauthorized, Ambiguous: see `google_wire.speaking`.
        """
        seconds = google_take.total_seconds(PROVIDER, request)
        if seconds not in SECONDS:
            raise BadRequest(PROVIDER, f"a take has 4, 6 or 8 seconds, not {seconds.normalize():f}")
        resolution = google_take.resolution_of(PROVIDER, request, RESOLUTIONS)
        frame = google_take.start_frame_of(PROVIDER, request)
        with self._speaking():
            begun = self._client.models.generate_videos(
                model=request.model,
                source=types.GenerateVideosSource(
                    prompt=google_take.prompt_of(request),
                    image=types.Image(image_bytes=frame.data, mime_type=frame.mime),
                ),
                config=types.GenerateVideosConfig(
                    number_of_videos=1,
                    duration_seconds=int(seconds),
                    aspect_ratio=frame.aspect_ratio,
                    resolution=resolution,
                    generate_audio=True,  # the price table's figures are with sound
                    labels={"starsend-step": google_take.label_of(step_key)},
                ),
            )
        if not begun.name:
            raise Ambiguous(PROVIDER, "its answer names no operation")
        return api.Job(begun.name)

    def find(self, step_key: str) -> None:
        """Never called: an operation cannot be looked up by its labels."""
        raise NotImplementedError(step_key)

    def poll(self, handle: str) -> api.JobStatus:
        """Ask once. The answer to the last poll holds the whole video: Vertex has no smaller one.

        Raises:
            JobFailed: the operation ended in an error, or the video was withheld for safety.
            JobGone: the operation was deleted; results are, after two days.
            NotSent, RateLimited, BadRequest, Unauthorized, Ambiguous: worth another look.
        """
        return api.JobStatus("ready" if self._video(handle) else "running")

    def fetch(self, handle: str, into: BinaryIO) -> str:
        """Write the take to ``into``; its MIME type.

        Raises:
            BrokenDownload: it is not there, or lies in a bucket.
            and all that `poll` raises.
        """
        video = self._video(handle)
        if video is None:
            raise BrokenDownload(PROVIDER, "the operation is not finished")
        if not video.video_bytes:
            if not video.uri:
                raise BrokenDownload(PROVIDER, "it has no bytes")
            raise BrokenDownload(
                PROVIDER,
                f"it lies at {wire.clipped(video.uri)}; no bucket is configured here, so copy it from there",
            )
        into.write(video.video_bytes)
        return video.mime_type or "video/mp4"

    def _video(self, handle: str) -> types.Video | None:
        """The finished video; None while the operation runs."""
        with self._speaking(handle):
            found = self._client.operations.get(types.GenerateVideosOperation(name=handle))  # type: ignore[call-arg]
            if found.error:
                raise JobFailed(PROVIDER, handle, self._said(found.error))
            if not found.name:
                raise Ambiguous(PROVIDER, "its answer names no operation")
            if not found.done:
                return None
            result = found.response or types.GenerateVideosResponse()
            videos = [made.video for made in result.generated_videos or [] if made.video]
            if videos:
                return videos[0]
            if result.rai_media_filtered_count:
                reasons = self._said("; ".join(result.rai_media_filtered_reasons or []))
                raise JobFailed(PROVIDER, handle, f"it was withheld for safety: {reasons}")
            raise Ambiguous(PROVIDER, "the operation is done and shows neither a video nor an error")

    def _said(self, problem: object) -> str:
        return google_wire.said_in(PROVIDER, problem, self._secret())

    def _secret(self) -> str:
        return str(self._credentials.token or "")

    def _speaking(self, handle: str | None = None) -> AbstractContextManager[None]:
        return google_wire.speaking(PROVIDER, self._secret, handle)


def open_veo(*, options: Mapping[str, object], folder: Path) -> Veo:  # noqa: ARG001 - it keeps no files
    """The provider for the entry point ``veo``.

    Args:
        options: the fields of `VeoOptions`.

    Raises:
        NoProject, NoCredentials: Vertex would not know whom to bill, or who calls.
        pydantic.ValidationError: an option is unknown or wrong.
    """
    chosen = VeoOptions.model_validate(dict(options))
    if not chosen.project:
        raise NoProject
    return Veo(chosen, _credentials())


def _credentials() -> Credentials:
    """The token in VEO_ACCESS_TOKEN where there is one; else application default credentials."""
    try:
        return AccessToken(token=wire.key_from(PROVIDER, TOKEN))  # type: ignore[no-untyped-call]
    except wire.NoKey:
        pass
    try:
        found, _project = google.auth.default(scopes=SCOPES)
    except GoogleAuthError as none:
        raise NoCredentials(wire.words(none)) from none
    return found
