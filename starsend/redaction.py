"""Keeping secrets out of a text, in whichever of the usual spellings somebody else has put them there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote


class Redaction:
    """Puts ``mark`` in place of each secret: as it is, as JSON writes it, and as an address writes it.

    Args:
        shortest: letters; a shorter secret stays, for it would be found by chance everywhere.
    """

    def __init__(self, secrets: Iterable[str], mark: str, *, shortest: int) -> None:
        forms = {form for secret in secrets if len(secret) >= shortest for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)  # one may begin with another
        self._mark = mark

    def __call__(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, self._mark)
        return text


def _forms(secret: str) -> tuple[str, ...]:
    first, *escaped = quote(secret, safe="").split("%")
    lower = "%".join(
        [first, *(f"{part[:2].lower()}{part[2:]}" for part in escaped)]
    )  # some write %3a for %3A
    return secret, json.dumps(secret)[1:-1], quote(secret, safe=""), lower
