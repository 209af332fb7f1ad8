"""How each provider is reached: its own section of ``starsend_config.json``. Keys come from the environment, never from there."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from starsend.documents import Section

Behaviour = Literal[
    "ok",
    "wrong_grid",
    "single",
    "refuse",
    "rate_limit",
    "not_sent",
    "lost_answer",
    "slow",
    "late",
    "broken_download",
    "broken_picture",
    "job_failed",
]


class AnimaticOptions(Section):
    """The embedded animatic provider, and how it rehearses a vendor's bad days."""

    misbehave: dict[str, list[Behaviour]] = Field(
        default={},
        description="Shot id or pattern ('SEQ02_grid' is the grid of SEQ02, 'SEQ02' its video, '*' any) to what its "
        "first, second, ... call does. Calls past the end of the list behave.",
    )
    slow_seconds: float = Field(default=2.0, ge=0, description="How long a 'slow' call takes.")
    late_polls: int = Field(default=3, ge=1, description="After how many polls a 'late' result is ready.")
    rate_limit_seconds: float = Field(
        default=1.0, ge=0, description="The delay a 'rate_limit' answer asks for."
    )
    findable: bool = Field(default=True, description="Whether a lost call can be looked up by its step key.")


class VendorOptions(Section):
    """How a vendor is reached. Its key comes from the environment, never from here."""

    base_url: str | None = Field(
        default=None,
        description="Another address of the vendor's API: a proxy of the studio's, or a stand-in.",
        json_schema_extra={"pattern": "^https?://[^/]"},
    )
    timeout_seconds: float = Field(
        default=300, gt=0, description="For an answer to one call; after that it may be lost, and billed."
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("must be an address that begins with https:// (or http://)")
        return url


class VeoOptions(VendorOptions):
    """Veo is reached through Vertex only, which knows a project and a region instead of a key."""

    project: str = Field(default="", description="The Google Cloud project that is billed.")
    location: str = Field(default="us-central1", description="Its region.")
