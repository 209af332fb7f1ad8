"""What clients have said of takes and start frames, yes or no, as the studio's pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from client_async.client_answers import subject, verdicts


class ClientVerdict(BaseModel):
    """A client's yes or no. ``take`` is empty where they answered a start frame; ``start_frame`` is then its SHA-256."""

    take: str
    start_frame: str
    of: str = Field(description="In words: which take, or which start frame.")
    approved: bool
    holds: bool = Field(description="They have said nothing else of it since.")
    by: str
    at: str
    text: str


def verdicts_of(raw: Mapping[str, Any]) -> list[ClientVerdict]:
    """All that were given of a raw sequence, the newest first."""
    return [
        ClientVerdict(
            take=str(one.get("take") or ""),
            start_frame=str((one.get("start_frame") or {}).get("keyframe") or ""),
            of=subject(raw, one),
            approved=one.get("approved") is True,
            holds=one["holds"],
            by=str(one.get("by") or ""),
            at=str(one.get("at") or ""),
            text=str(one.get("note") or ""),
        )
        for one in reversed(verdicts(raw))
    ]
