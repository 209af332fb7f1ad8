"""Gemini's pictures through google-genai: one POST a picture, answered at once with its bytes.

A call that is lost can never be found again, so it is sent exactly once: the SDK's retries, its continuations and the
following of redirects are off. What is billed when, and what could not be tried without the vendor: docs/providers.md.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import httpx
import structlog
from google import genai
from google.genai import types
from google.genai.client import DebugConfig

from starsend import api_client as api
from starsend.errors import BadInput
from starsend.provider_options import VendorOptions
from starsend.providers import google_wire, wire
from starsend.providers.gemini_answer import NAME, picture_of, read_answer
from starsend.vendor_faults import BadRequest, JobGone, ProviderError

log = structlog.get_logger()

KEY: Final = "GEMINI_API_KEY"
ADDRESS: Final = "https://generativelanguage.googleapis.com"
VERSION: Final = "v1"

# The vendor's pages on its image models, November 2026; every model of the price table draws these.
RATIOS: Final = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
SIZES: Final = ("1K", "2K", "4K")
MOST_REFERENCES: Final = 14
MOST_BYTES: Final = 20_000_000
"""Of a whole request with its pictures inline; they grow by a third on the way."""

_KINDS: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


class NotAsked(BadRequest):
    """A request that Gemini would refuse, held back before it left."""

    def __init__(self, what: str, remedy: str) -> None:
        ProviderError.__init__(self, what, where=NAME, remedy=f"{remedy}; nothing was sent")


class NoWayOut(BadInput):
    """The environment names a proxy or certificates that no client can be made with."""

    def __init__(self, why: Exception) -> None:
        super().__init__(
            f"no connection can be made ({wire.words(why)})",
            where=NAME,
            remedy="look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR in the environment",
        )


class Gemini:
    """Implements `ImageProvider`. One object, and one client, serves many threads.

    Args:
        client: kept here: one that nobody refers to closes itself, in the middle of a call.
        key: what the client sends with every call, so that it can be kept out of errors.
    """

    name = NAME
    can_find = False

    def __init__(self, client: genai.Client, key: str) -> None:
        self._client, self._key = client, key

    def submit_image(self, request: api.ImageRequest, *, step_key: str) -> api.Media:  # noqa: ARG002 - the vendor takes no key of ours
        """Draw a picture. Its MIME type is what the vendor says, its tokens are what the vendor counts.

        Raises:
            NotAsked: an unknown ratio or size, a picture that cannot be sent, or too much of it. Nothing was sent.
            NoPicture: an answer without one; says why.
            NotSent, RateLimited, BadRequest, Unauthorized: nothing was billed.
            Ambiguous: the answer was lost, or cannot be understood.
        """
        contents: list[types.PartUnionDict] = [*_parts(request)]
        config = _config(request)
        with google_wire.speaking(NAME, lambda: self._key):
            reply = self._client.models.generate_content(
                model=request.model, contents=contents, config=config
            )
        answer = read_answer(reply.sdk_http_response.body if reply.sdk_http_response else None)
        if usage := answer.usage:
            log.info("tokens_counted", prompt=usage.prompt_token_count, thoughts=usage.thoughts_token_count, image=usage.image)  # fmt: skip
        return picture_of(answer, key=self._key)

    def find(self, step_key: str) -> NoReturn:
        """Never called: ``can_find`` is False."""
        raise NotImplementedError(f"Gemini cannot be asked for {step_key}")

    def poll(self, handle: str) -> NoReturn:
        """There are no jobs. Raises JobGone."""
        raise JobGone(NAME, handle)

    def fetch(self, handle: str, into: BinaryIO) -> NoReturn:  # noqa: ARG002 - the seam's
        """There are no jobs. Raises JobGone."""
        raise JobGone(NAME, handle)


def open_gemini(*, options: Mapping[str, object], folder: Path) -> Gemini:  # noqa: ARG001 - the entry point's
    """The provider for the entry point ``gemini``.

    Args:
        options: the fields of `VendorOptions`.
        folder: not used; Gemini has nothing to keep.

    Raises:
        NoKey, BadKey: neither GEMINI_API_KEY nor GEMINI_API_KEY_FILE gives one that can be sent.
        NoWayOut: the environment names a proxy or certificates that cannot be used.
        pydantic.ValidationError: an option is unknown or wrong.
    """
    chosen, key = VendorOptions.model_validate(dict(options)), wire.key_from(NAME, KEY)
    try:
        client = _client(chosen.base_url or ADDRESS, chosen.timeout_seconds, key)
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as wrong:
        raise NoWayOut(wrong) from None  # a proxy's address may hold a password
    return Gemini(client, key)


@lru_cache(maxsize=8)
def _client(base_url: str, timeout_seconds: float, key: str) -> genai.Client:
    """A client that nothing but its arguments, and the environment's proxies, can lead anywhere.

    What is named here, the SDK would else read from GOOGLE_* variables: another address, version or service, or a replay.
    A house of many projects shares one, and its 2.5 MB.
    """
    http = google_wire.http_client(timeout_seconds)
    client = genai.Client(
        enterprise=False,
        api_key=key,
        debug_config=DebugConfig(client_mode=None, replays_directory=None, replay_id=None),
        http_options=google_wire.http_options(http, base_url, VERSION),
    )
    weakref.finalize(client, http.close)  # the SDK leaves a client that it was given open
    return client


def _config(request: api.ImageRequest) -> types.GenerateContentConfig:
    if request.aspect_ratio not in RATIOS:
        raise NotAsked(
            f"{request.aspect_ratio} is no aspect ratio of {request.model}", f"use one of {', '.join(RATIOS)}"
        )
    if request.size not in SIZES:
        raise NotAsked(f"{request.size} is no size of {request.model}", f"use one of {', '.join(SIZES)}")
    return types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio=request.aspect_ratio, image_size=request.size),
        # The SDK follows an answer that asks to be continued by further calls, and each is billed.
        automatic_continuation=False,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        should_return_http_response=True,
    )


def _parts(request: api.ImageRequest) -> list[types.Part]:
    """The prompt, then the references in their order: the prompt calls them by number."""
    if len(request.references) > MOST_REFERENCES:
        raise NotAsked(
            f"{len(request.references)} reference pictures are more than {MOST_REFERENCES}",
            "send fewer of them",
        )
    pictures = [_picture(reference) for reference in request.references]
    total = len(request.prompt.encode()) + sum(-(-len(data) // 3) * 4 for data, _ in pictures)
    if total > MOST_BYTES:
        raise NotAsked(
            f"prompt and reference pictures come to {total / 1e6:.1f} MB, more than {MOST_BYTES // 10**6} MB",
            "send fewer or smaller pictures",
        )
    inline = [types.Part.from_bytes(data=data, mime_type=mime) for data, mime in pictures]
    return [types.Part.from_text(text=request.prompt), *inline]


def _picture(reference: api.Reference) -> tuple[bytes, str]:
    """A reference's bytes, and the MIME type that they show."""
    try:
        data = reference.path.read_bytes()
    except OSError as gone:
        raise NotAsked(f"{reference.path} cannot be read ({gone.strerror})", "put it back") from gone
    if sha256(data).hexdigest() != reference.sha256:  # the step says which pictures it was made from
        raise NotAsked(f"{reference.path} has changed since it was asked for", "run it again")
    mime = next((mime for magic, mime in _KINDS.items() if data.startswith(magic)), None)
    if mime is None or (mime == "image/webp" and data[8:12] != b"WEBP"):
        raise NotAsked(f"{reference.path} is no PNG, JPEG or WebP picture", "save it as one of these")
    return data, mime
