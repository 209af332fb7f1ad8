"""The deterministic name of a paid step: the same project, shot, kind, request and attempt give the same key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from starsend.errors import BadInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}")


class BadName(BadInput):
    """A shot, sequence or project that cannot name files and ledger rows."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"{name!r} cannot be a {kind}",
            remedy="use letters, digits, '_', '-' and '.', starting with a letter or digit, at most 80 of them",
        )


def check_name(name: str, kind: str = "shot id") -> str:
    """``name`` itself, once it is known to be safe in a path. Raises BadName."""
    if not _NAME.fullmatch(name):
        raise BadName(kind, name)
    return name


def request_digest(request: Mapping[str, Any]) -> str:
    """SHA-256 over what is sent. Pictures are named by their hash, so that moving a file changes nothing."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def step_key(*, project: str, shot_id: str, kind: str, digest: str, attempt: int) -> str:
    """E.g. ``SEQ01_grid-a2-9f86d081884c7d65``: readable, and unique by the 64 bits at its end."""
    whole = hashlib.sha256("\0".join([project, shot_id, kind, digest, str(attempt)]).encode()).hexdigest()
    return f"{shot_id}-a{attempt}-{whole[:16]}"
