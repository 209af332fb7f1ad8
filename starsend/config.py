"""Settings: ``starsend_config.json`` of the studio, then the project's own, then the environment.

A later source overrides an earlier one key by key. In the environment a key is spelt ``STARSEND_IMAGE__SIZE=4K``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from PIL import ImageColor
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from starsend.documents import Section, parse_document
from starsend.errors import BadInput, UnknownName
from starsend.json_file import read_json
from starsend.pricing import Dollars, Price
from starsend.shot_limits import ShotLimits

CONFIG_NAME = "starsend_config.json"
ENV_PREFIX = "STARSEND_"
NOT_SETTINGS = {"STARSEND_ROOT"}
"""Environment variables of ours that are not settings."""

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
OnUnknown = Literal["retry", "ask"]


class BadVariable(BadInput):
    """An environment variable must hold JSON and does not."""

    def __init__(self, names: list[str], why: str) -> None:
        super().__init__(
            f"not valid JSON, {why}",
            where=f"environment: {' or '.join(names)}",
            remedy="""write JSON, e.g. '["magenta", "lime"]', or set one key, e.g. STARSEND_IMAGE__SIZE=4K""",
        )


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


class Settings(BaseSettings, Section):
    """Everything that can be set. Frozen; an unknown key is an error that names the nearest."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    schema_: str | None = Field(default=None, alias="$schema")
    image: ImageSettings = ImageSettings()
    video: VideoSettings = VideoSettings()
    grid: GridSettings = GridSettings()
    retry: RetrySettings = RetrySettings()
    budget: BudgetSettings = BudgetSettings()
    store_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the ledger; by default sqlite:///state/execution.db, relative to the project.",
    )
    limits: dict[str, LimitSettings] = Field(
        default={},
        description="By provider; one that is not named gets 4 calls at once, as many a minute as it takes.",
    )
    share: int = Field(
        default=1, ge=1, le=100, description="Turns that this project gets for one turn of another."
    )
    daemon: DaemonSettings = DaemonSettings()
    notices: NoticeSettings = NoticeSettings()
    prices: list[Price] = Field(
        default=[], description="Prices that add to the shipped table or override it."
    )
    shot_limits: list[ShotLimits] = Field(
        default=[], description="Limits of video models that add to the shipped table or override it."
    )
    animatic: AnimaticOptions = AnimaticOptions()
    gemini: VendorOptions = VendorOptions()
    kling: VendorOptions = VendorOptions()
    fal: VendorOptions = VendorOptions()
    omni: VendorOptions = VendorOptions()
    veo: VeoOptions = VeoOptions()

    @field_validator("store_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("must start with sqlite:/// or postgresql+psycopg://")
        if url in ("sqlite:///", "sqlite:///:memory:"):
            raise ValueError("a ledger in memory would be lost; name a file")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings passes it
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: load_settings merges the files and the environment itself, to name each in errors."""
        return (init_settings,)

    def options_of(self, provider: str) -> dict[str, Any]:
        """A provider's own section; empty for one of somebody else's making."""
        section = getattr(self, provider, None)
        return section.model_dump() if isinstance(section, AnimaticOptions | VendorOptions) else {}

    def at_once(self) -> dict[str, int]:
        """Calls in flight by provider, for those that are named."""
        return {provider: limit.at_once for provider, limit in self.limits.items()}

    def per_minute(self) -> dict[str, int]:
        """Calls a minute by provider, for those that have such a limit."""
        return {name: limit.per_minute for name, limit in self.limits.items() if limit.per_minute is not None}


def load_settings(root: Path, project_dir: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of one project.

    Args:
        root: the folder that holds ``projects/``.
        project_dir: the project's own folder; None for the studio's settings alone.
        environ: ``os.environ`` unless given.

    Raises:
        BadDocument, BrokenJson, UnknownName, BadVariable: names the file or variable, the key and the nearest known one.
    """
    merged: dict[str, Any] = {}
    folders = (root,) if project_dir is None else (root, project_dir)
    for path in (folder / CONFIG_NAME for folder in folders):
        if path.is_file():
            layer = read_json(path)
            parse_document(Settings, layer, path)  # each file answers for its own faults
            merged = _merge(merged, layer)
    merged = _merge(merged, _from_environment(os.environ if environ is None else environ))
    return parse_document(Settings, merged, "environment (STARSEND_...)")


def said_by(root: Path, project_dir: Path, section: str, key: str) -> str:
    """The file, or the environment's variable, that has the last word on a setting. For errors."""
    variable = f"{ENV_PREFIX}{section}__{key}".upper()
    if variable in os.environ:
        return f"environment: {variable}"
    for path in (project_dir / CONFIG_NAME, root / CONFIG_NAME):
        if path.is_file() and key in read_json(path).get(section, {}):
            return str(path)
    return CONFIG_NAME


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields if name != "schema_"}
    for name in environ:
        if name.startswith(ENV_PREFIX) and name not in NOT_SETTINGS and name.split("__")[0] not in known:
            raise UnknownName("setting", name, known, where="environment")
    source = EnvSettingsSource(Settings, env_prefix=ENV_PREFIX, env_nested_delimiter="__")
    source.env_vars = {name.lower(): value for name, value in environ.items()}
    try:
        found = source()
    except SettingsError as wrong:
        fault = wrong.__cause__
        text = fault.doc if isinstance(fault, JSONDecodeError) else None
        names = [name for name in environ if name.startswith(ENV_PREFIX) and environ[name] == text]
        raise BadVariable(
            names, fault.msg.lower() if isinstance(fault, JSONDecodeError) else str(fault)
        ) from wrong
    return {key: value for key, value in found.items() if value is not None}


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {**under, **over}
    for key in under.keys() & over.keys():
        if isinstance(under[key], dict) and isinstance(over[key], dict):
            both[key] = _merge(under[key], over[key])
    return both
