"""What each provider of ours needs before it can be called, told without loading a vendor's SDK: for `starsend doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Needs:
    """``keys``: environment variables that hold a key, or with ``_FILE`` name its file; ``files``: further ones that name a file.

    ``address``: where calls go when no ``base_url`` is set; names options in braces. Empty: it works offline.
    """

    keys: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    address: str = ""

    def key_files(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The files that keys are read from, by the variable that names them; a key in the environment itself comes first."""
        names = [f"{key}_FILE" for key in self.keys if not environ.get(key, "").strip()]
        return {name: environ[name] for name in (*names, *self.files) if environ.get(name)}

    def address_with(self, options: Mapping[str, Any]) -> str:
        """Where calls go, with the provider's section of the settings."""
        given = str(options.get("base_url") or self.address.format_map(options))
        return given.replace("//global-", "//")  # Vertex: the one location whose host has no prefix


NEEDS: Final[Mapping[str, Needs]] = {
    "animatic": Needs(),
    "fal": Needs(("FAL_KEY",), address="https://queue.fal.run"),
    "gemini": Needs(("GEMINI_API_KEY",), address="https://generativelanguage.googleapis.com"),
    "kling": Needs(
        ("KLING_ACCESS_KEY", "KLING_SECRET_KEY", "KLING_API_KEY"), address="https://api-singapore.klingai.com"
    ),
    "omni": Needs(("GEMINI_API_KEY",), address="https://generativelanguage.googleapis.com"),
    "veo": Needs(
        ("VEO_ACCESS_TOKEN",),
        files=("GOOGLE_APPLICATION_CREDENTIALS",),
        address="https://{location}-aiplatform.googleapis.com",
    ),
}
