"""Settings: ``starsend_config.json`` of the studio, then the project's own, then the environment.

A later source overrides an earlier one key by key. In the environment a key is spelt ``STARSEND_IMAGE__SIZE=4K``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator
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
from starsend.pricing import Price
from starsend.provider_options import AnimaticOptions, VendorOptions, VeoOptions
from starsend.sections import (
    BudgetSettings,
    ConsoleSettings,
    DaemonSettings,
    GridSettings,
    ImageSettings,
    LimitSettings,
    NoticeSettings,
    RetrySettings,
    VideoSettings,
)
from starsend.shot_limits import ShotLimits

CONFIG_NAME = "starsend_config.json"
ENV_PREFIX = "STARSEND_"
NOT_SETTINGS = {"STARSEND_ROOT", "STARSEND_CONSOLE_TOKEN", "STARSEND_CONSOLE_TOKEN_FILE"}
"""Environment variables of ours that are not settings."""


class BadVariable(BadInput):
    """An environment variable must hold JSON and does not."""

    def __init__(self, names: list[str], why: str) -> None:
        super().__init__(
            f"not valid JSON, {why}",
            where=f"environment: {' or '.join(names)}",
            remedy="""write JSON, e.g. '["magenta", "lime"]', or set one key, e.g. STARSEND_IMAGE__SIZE=4K""",
        )


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
    console: ConsoleSettings = ConsoleSettings()
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
