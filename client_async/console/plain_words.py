"""Days and lengths as clients read them."""

from __future__ import annotations

from datetime import date


def day(when: date, *, hour: bool = False) -> str:
    """As people write it: 9 December 2026."""
    return f"{when.day} {when:%B %Y, %H:%M}" if hour else f"{when.day} {when:%B %Y}"


def clock(seconds: float) -> str:
    """Minutes and seconds, as players show them."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"
