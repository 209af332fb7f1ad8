"""Asking the real SDK for pictures, at a stand-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starsend import api_client as api
from starsend.files import sha256_of
from starsend.providers import gemini

MODEL = "gemini-nano-banana-2.1"


def opened(url: str, timeout: float = 5) -> api.ImageProvider:
    """The provider, as the entry point opens it."""
    provider = gemini.open_gemini(
        options={"base_url": url, "timeout_seconds": timeout}, folder=Path("/nowhere")
    )
    assert isinstance(provider, api.ImageProvider)
    return provider


def asked(**changes: Any) -> api.ImageRequest:
    """A request for a harbour, 16:9 at 2K, but for ``changes``."""
    usual: dict[str, Any] = {"shot_id": "S_grid", "attempt": 1, "model": MODEL, "prompt": "a harbour"}
    return api.ImageRequest(**usual | {"aspect_ratio": "16:9", "size": "2K"} | changes)


def reference(path: Path) -> api.Reference:
    """A picture to send along."""
    return api.Reference(path.stem, path, sha256_of(path))


def draw(url: str, timeout: float = 5, **changes: Any) -> api.Media:
    """One call."""
    media = opened(url, timeout).submit_image(asked(**changes), step_key="step-1")
    assert isinstance(media, api.Media)
    return media
