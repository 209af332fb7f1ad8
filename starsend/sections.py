"""The sections of ``starsend_config.json``, with their defaults and what they mean."""

from __future__ import annotations

from typing import Literal

from PIL import ImageColor
from pydantic import Field, SecretStr, field_validator

from starsend.documents import Section
from starsend.pricing import Dollars

OnUnknown = Literal["retry", "ask"]


class ImageSettings(Section):
    """Who draws grids and start frames, and how large."""

    provider: str = "animatic"
    model: str = "storyboard"
    size: Literal["1K", "2K", "4K"] = Field(
        default="2K", description="A 2x2 grid at 2K has cells of 1376x768."
    )
    on_unknown: OnUnknown = Field(
        default="retry",
        description="When a call may have been billed and its answer is lost: send again, or ask a person.",
    )


class VideoSettings(Section):
    """Who makes takes."""

    provider: str = "animatic"
    model: str = "animatic"
    resolution: Literal["360p", "480p", "720p", "1080p", "4K"] = Field(
        default="720p", description="What the provider does not make it refuses before anything is sent."
    )
    on_unknown: OnUnknown = Field(
        default="ask", description="As for images; a video is dear, so a person decides."
    )


class LimitSettings(Section):
    """How hard one provider may be worked, by all projects together."""

    at_once: int = Field(default=4, ge=1, le=1024, description="Calls in flight at once.")
    per_minute: int | None = Field(
        default=None, ge=1, le=100_000, description="Paid calls sent within any minute. None: no limit."
    )


class DaemonSettings(Section):
    """The long-lived process. Only the studio's own file counts, for it serves all projects."""

    host: str = Field(default="127.0.0.1", description="Where /metrics and /healthz are served.")
    port: int = Field(default=9464, ge=0, le=65535, description="The same; 0 takes any free port.")
    grace_seconds: float = Field(
        default=20.0,
        gt=0,
        description="From a stop that is asked for to the end: what runs may finish, and all is saved.",
    )


class ConsoleSettings(Section):
    """The web page. Only the studio's own file counts. Its token comes from the environment (docs/operations.md)."""

    host: str = Field(
        default="127.0.0.1",
        description="Where it is served; for any other address a token is needed to read.",
    )
    port: int = Field(default=8620, ge=0, le=65535, description="The same; 0 takes any free port.")
    hosts: list[str] = Field(
        default=[],
        description="Other names that it is asked for by, e.g. that of a proxy before it; then a token is needed to read.",
    )


class NoticeSettings(Section):
    """Who is told that a grid is ready, a pick was refused or a decision is needed. Only the studio's file counts."""

    urls: list[SecretStr] = Field(
        default=[], description="Where to: apprise URLs (mailto://, slack://, ...). They may hold passwords."
    )
    webhook: SecretStr | None = Field(
        default=None, description="A URL that gets each message as a POST of JSON."
    )
    gather_seconds: float = Field(
        default=60.0, ge=0, description="Notices within so many seconds of the first become one message."
    )


class GridSettings(Section):
    """How a grid is asked for."""

    attempts: int = Field(
        default=3, ge=1, le=10, description="Wrong grids before four single frames are made instead."
    )
    gutter: list[str] = Field(
        default=["magenta", "lime", "cyan", "white"],
        min_length=1,
        description="Gutter colours to ask for, in order, one an attempt.",
    )

    @field_validator("gutter")
    @classmethod
    def _known_colours(cls, gutter: list[str]) -> list[str]:
        for colour in gutter:
            try:
                ImageColor.getrgb(colour)
            except ValueError:
                raise ValueError(
                    f"{colour!r} is no colour; name one, e.g. magenta, or write #ff00ff"
                ) from None
        return gutter


class RetrySettings(Section):
    """How long to bear with a vendor. Seconds."""

    submit_attempts: int = Field(
        default=8,
        ge=1,
        le=20,
        description="Times that one step is tried while the vendor says not now; then a person decides.",
    )
    poll_seconds: float = Field(
        default=2.0, gt=0, description="Between two looks at a job, where the vendor names no time."
    )
    poll_limit_seconds: float = Field(
        default=3600, gt=0, description="After that a job is left to the next run."
    )
    fetch_attempts: int = Field(
        default=4, ge=1, le=20, description="Downloads of one result before giving up for now."
    )


class BudgetSettings(Section):
    """What may be spent at most, in dollars. A call that would go over a cap is not sent; one that costs nothing always is."""

    project: Dollars | None = Field(
        default=None, description="All that the project ever spends. None: no cap."
    )
    sequence: Dollars | None = Field(
        default=None, description="Each sequence of it: its grids, its takes; or each shot of the house line."
    )
    day: Dollars | None = Field(
        default=None, description="What the project spends on calls that are begun within one day, in UTC."
    )
