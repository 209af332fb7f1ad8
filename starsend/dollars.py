"""How an amount is written for people, everywhere. Loads nothing: ``status`` has to start at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


def dollars(amount: Decimal | str, *, places: int = 2) -> str:
    """``$0.0504``, ``$12.00``, ``-$3.00``: exact, with no more decimals than it needs and ``places`` at least.

    Args:
        amount: dollars, as a Decimal or as its plain text.
    """
    text = amount if isinstance(amount, str) else f"{amount:f}"
    whole, _, part = text.removeprefix("-").partition(".")
    part = part.rstrip("0").ljust(places, "0")
    sign = "-" if text.startswith("-") and (whole + part).strip("0") else ""
    return f"{sign}${whole}.{part}"
