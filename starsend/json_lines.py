"""Where a value stands in valid JSON: its line is what people look for who have to mend it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def line_of(text: str, path: Sequence[int | str]) -> int | None:
    """The line, counted from 1, on which the value at ``path`` begins in valid JSON; that of its nearest parent if it has none."""
    at = begin_of(text, 0)
    for part in path:
        inner = _member(text, at, part) if text[at] == "{" else _item(text, at, part)
        if inner is None:
            break
        at = inner
    return text.count("\n", 0, at) + 1


def begin_of(text: str, at: int) -> int:
    """Where the next sign stands from ``at`` on, past white space."""
    found = _SPACE.match(text, at)
    assert found is not None
    return found.end()


def _member(text: str, at: int, key: int | str) -> int | None:
    """Where the value of ``key`` begins in the object that begins at ``at``."""
    at = begin_of(text, at + 1)
    while text[at] != "}":
        name, end = _DECODER.raw_decode(text, at)
        value = begin_of(text, begin_of(text, end) + 1)  # past the colon
        if name == key:
            return value
        at = _past_comma(text, _DECODER.raw_decode(text, value)[1])
    return None


def _item(text: str, at: int, index: int | str) -> int | None:
    """Where item ``index`` begins in the array that begins at ``at``."""
    if text[at] != "[" or not isinstance(index, int):
        return None
    at = begin_of(text, at + 1)
    while text[at] != "]":
        if index == 0:
            return at
        index -= 1
        at = _past_comma(text, _DECODER.raw_decode(text, at)[1])
    return None


def _past_comma(text: str, at: int) -> int:
    at = begin_of(text, at)
    return begin_of(text, at + 1) if text[at] == "," else at
