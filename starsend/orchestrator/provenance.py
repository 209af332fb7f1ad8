"""Where a media file comes from: told inside it, and beside it in ``<file>.json``. No cost, no secret, no folder.

Inside stands what the ledger alone says, so that the same delivery fetched again becomes the same file, whatever the
time and whichever Starsend; when it landed, by which version and as what are told beside it. So what stands inside must not
change: a take of today that is fetched again next year would be another file, hence lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final

from starsend.files import sha256_of, write_durably
from starsend.orchestrator.records import Media, Step

SCHEMA: Final = "starsend.provenance/1"
SOFTWARE: Final = "Starsend"
BESIDE: Final = ".json"
"""Added to a file's whole name (``KEY.png.json``), so that a folder shows one behind the other."""

_ASKED: Final = ("prompt", "prompts", "durations", "shot_prompts", "aspect_ratio", "size", "resolution")


def provenance(step: Step) -> dict[str, Any]:
    """What a step's file says of itself: only fields that are named here, of which none is a price or a handle.

    ``prompt`` is a picture's; ``prompts`` with ``durations`` (seconds) and ``shot_prompts`` (as people wrote them) are a
    video's. Pictures that were sent along are named with their SHA-256. ``asked_at`` is UTC.
    """
    asked = step.request
    made = {
        "schema": SCHEMA,
        "kind": step.kind,
        "step": step.step_key,
        "shot": step.shot_id,
        "attempt": step.attempt,
        "provider": step.provider,
        "model": step.model,
        **{name: asked[name] for name in _ASKED if name in asked},
    }
    if "start_frame" in asked:
        made["start_frame"] = {"name": "start frame", "sha256": asked["start_frame"]}
    made["references"] = [{"name": _bare(name), "sha256": sha} for name, sha in asked.get("references", [])]
    return {**made, "asked_at": _utc(step.created_at), "software": SOFTWARE}


def as_comment(made: Mapping[str, Any]) -> bytes:
    """One line of JSON in UTF-8. Half a surrogate pair, which UTF-8 does not take, stays JSON's own escape."""
    return _bytes(json.dumps(made, ensure_ascii=False, separators=(",", ":")))


def write_beside_take(path: Path, step: Step, media: Media, landed_at: datetime, *, inside: bool) -> None:
    """Write what is known of a take beside it. ``inside``: whether the file says so itself. Raises CannotWrite."""
    file = {
        "name": path.name,
        "sha256": media.sha256,
        "size_bytes": media.size_bytes,
        "mime": media.mime,
        "width": media.width,
        "height": media.height,
    }
    if media.seconds is not None:
        file |= {"frames": media.frames, "seconds": float(media.seconds)}
    _write(path, {**provenance(step), "landed_at": _utc(landed_at), "inside": inside, "file": file})


def write_beside_picture(path: Path, made: Mapping[str, Any], at: str) -> None:
    """Write what is known of a picture that we have made ourselves beside it. Raises CannotWrite, OSError."""
    file = {"name": path.name, "sha256": sha256_of(path), "size_bytes": path.stat().st_size}
    _write(path, {**made, "made_at": at, "inside": True, "file": file})


def _write(path: Path, made: Mapping[str, Any]) -> None:
    try:
        software = f"{SOFTWARE} {version('starsend')}"
    except PackageNotFoundError:  # a script beside a plain checkout
        software = SOFTWARE
    told = {**made, "software": software}
    write_durably(path.with_name(path.name + BESIDE), _bytes(json.dumps(told, ensure_ascii=False, indent=2)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _bare(name: str) -> str:
    """The name of a picture that was sent along, without the folder where a script has named it by its path."""
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(name).is_absolute():
            return kind(name).name
    return name
