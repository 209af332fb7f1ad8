"""Who owns which field of a sequence. Plain JSON, no models: every command goes through here.

People own the brief: prompts, shots, elements, ``selected_cell``, their wishes, and any field we do not know. The daemon
owns what it reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

SCHEMA = "starsend.sequences/1"
REPORTED = {"pick", "keyframe", "take", "take_attempt", "take_kept", "take_history", "status", "notices"}
WISHES = ("regrid", "regrid_note", "retake", "resume", "adopt")
"""Asked for once, and taken back by the daemon when it has begun."""
BESIDE = ""
"""The name under which what lies beside the sequences is noted: no sequence can be called so."""
KEPT_NOTICES = 20
LONGEST_NOTE = 500
"""Characters of what somebody asks of the next grid; the prompt says the rest."""

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """Something people should hear. ``sequence`` is empty when it is of the whole file."""

    sequence: str
    kind: str
    text: str


def is_reported(field: str) -> bool:
    """True for a field that the daemon writes and nobody else."""
    return field in REPORTED or field.startswith("grid_")


def brief_of(raw: Mapping[str, Any]) -> Raw:
    """The people's part of a sequence."""
    return {name: value for name, value in raw.items() if not is_reported(name)}


def report_of(raw: Mapping[str, Any]) -> Raw:
    """The daemon's part of a sequence."""
    return {name: value for name, value in raw.items() if is_reported(name)}


def canonical(value: object) -> bytes:
    """One spelling for each JSON value, whatever the order of keys. Raises orjson.JSONEncodeError."""
    return exact(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def spelt(raw: Raw) -> bytes:
    """A sequence as sequences.json shows it, indented to its place there. Raises orjson.JSONEncodeError."""
    return orjson.dumps(raw, option=orjson.OPT_INDENT_2).replace(b"\n", b"\n    ")


def exact(encoded: bytes) -> bytes:
    """A copy with no room to spare: what orjson hands back takes up to four times its length."""
    return bytes(memoryview(encoded))


def same(one: object, other: object) -> bool:
    """Whether two JSON values say the same: 3 is 3.0 (tools rewrite numbers), but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def add_notice(raw: Raw, at: str, text: str) -> None:
    """Tell people something about their sequence; the newest few are kept."""
    raw["notices"] = [*raw.get("notices", []), {"at": at, "text": text}][-KEPT_NOTICES:]
