"""Reading a JSON file that a person may have written: strict, and every fault named by line and column.

The reader is the standard library's, not orjson: only it can refuse a key that stands twice, which in a
hand-edited file means that one of two edits would vanish without a word.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from starsend.errors import BadInput
from starsend.json_lines import begin_of

MEND = "mend it and save it again; nothing was changed"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


Pack = Callable[[str, Any], Any]


def _as_it_is(_name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    return value


class MissingFile(BadInput):
    """A file that should be there is not."""

    def __init__(self, path: Path, what: str, remedy: str) -> None:
        super().__init__(f"there is no {what} here", where=str(path), remedy=remedy)


class BrokenJson(BadInput):
    """The file is not JSON as it stands; it is left as it is."""

    def __init__(self, path: Path, what: str, *, line: int = 0, column: int = 0) -> None:
        spot = f"{path}:{line}:{column}" if line else str(path)
        super().__init__(f"not valid JSON, {what}", where=spot, remedy=MEND)


def read_json(path: Path, *, what: str = "file", remedy: str = "check the path") -> dict[str, Any]:
    """The JSON object in ``path``.

    Takes a UTF-8 byte order mark; refuses duplicate keys, NaN and Infinity, half surrogate pairs, anything but an
    object at the top.

    Raises:
        MissingFile: no such file.
        BrokenJson: unreadable, with line and column where there are any.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError as gone:
        raise MissingFile(path, what, remedy) from gone
    except OSError as refused:
        raise BadInput(
            f"cannot be read ({refused.strerror})", where=str(path), remedy="check its permissions"
        ) from refused
    return parse_json(raw, path)


def parse_json(raw: bytes, path: Path, *, inside: str = "", pack: Pack = _as_it_is) -> dict[str, Any]:
    """The JSON object in ``raw``; ``path`` is only named in errors.

    Args:
        inside, pack: each member of the object under the key ``inside`` becomes what ``pack(name, value)`` makes of it as
            soon as it is read: ten thousand sequences are never there as objects all at once.

    Raises BrokenJson, and what ``pack`` raises.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line, column = _spot(raw[: wrong.start].decode("utf-8-sig"))
        raise BrokenJson(path, f"byte {wrong.start} is not UTF-8", line=line, column=column) from wrong
    if not text.strip():
        raise BrokenJson(path, "the file is empty")
    try:
        value = _member_by_member(text, inside, pack) if inside else None
        if value is None:
            value = _whole(text, inside, pack)
    except json.JSONDecodeError as wrong:
        raise BrokenJson(path, wrong.msg.lower(), line=wrong.lineno, column=wrong.colno) from wrong
    except _Refused as wrong:
        line, column = _spot(text[: _offset_of(text, wrong)])
        raise BrokenJson(path, str(wrong), line=line, column=column) from wrong
    except UnicodeEncodeError as wrong:
        raise BrokenJson(path, "half of a surrogate pair is no character") from wrong
    except ValueError as wrong:  # Python reads no number of more than 4,300 digits
        raise BrokenJson(path, "a number in it is too long") from wrong
    except RecursionError as deep:
        raise BrokenJson(path, "it is nested too deeply") from deep
    if not isinstance(value, dict):
        raise BrokenJson(
            path, f"an object {{...}} is needed at the top, this is {type(value).__name__}", line=1, column=1
        )
    return value


def _whole(text: str, inside: str, pack: Pack) -> Any:  # noqa: ANN401 - any JSON
    value = _STRICT.decode(text)
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    if isinstance(value, dict) and isinstance(value.get(inside), dict):
        value[inside] = {name: pack(name, member) for name, member in value[inside].items()}
    return value


def _member_by_member(text: str, inside: str, pack: Pack) -> dict[str, Any] | None:
    """As ``_whole``, holding one member at a time. None on anything unusual: ``_whole`` then reads it again and names the fault."""
    if _SURROGATE.search(text):
        return None

    def packed(name: str, at: int) -> tuple[Any, int]:
        value, end = _STRICT.raw_decode(text, at)
        return pack(name, value), end

    def value_of(key: str, at: int) -> tuple[Any, int]:
        if key == inside and text[at] == "{":
            return _object(text, at, packed)
        return _STRICT.raw_decode(text, at)

    try:
        found, end = _object(text, begin_of(text, 0), value_of)
    except (ValueError, IndexError, RecursionError):
        return None
    return found if begin_of(text, end) == len(text) else None


def _object(
    text: str, at: int, value_of: Callable[[str, int], tuple[Any, int]]
) -> tuple[dict[str, Any], int]:
    """The object that begins at ``at`` and where it ends. Raises ValueError, IndexError: it is none, or a key stands twice."""
    found: dict[str, Any] = {}
    at = begin_of(text, _past(text, at, "{"))
    while text[at] != "}":
        key, end = _STRICT.raw_decode(text, at)
        if not isinstance(key, str) or key in found:
            raise ValueError
        at = begin_of(text, _past(text, begin_of(text, end), ":"))
        found[key], at = value_of(key, at)
        at = begin_of(text, at)
        if text[at] != "}":
            at = begin_of(text, _past(text, at, ","))
            if text[at] == "}":
                raise ValueError
    return found, at + 1


def _past(text: str, at: int, sign: str) -> int:
    if text[at] != sign:
        raise ValueError
    return at + 1


class _Refused(ValueError):
    """JSON that Python would read and we will not, for what stands in it: a number as it is spelt, or a key that came before."""

    def __init__(self, what: str, *, number: str = "", key: str | None = None) -> None:
        super().__init__(what)
        self.number, self.key = number, key


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def _offset_of(text: str, refused: _Refused) -> int:
    """Where what was refused begins: Python's reader does not tell."""
    seen: list[set[str]] = []
    last = None
    for found in _TOKEN.finditer(text):
        sign = found[0]
        if sign in "{[":
            seen.append(set())
        elif sign in "}]":
            seen.pop()
        elif sign == ":" and last is not None:
            key = json.loads(last[0])
            if key == refused.key and key in seen[-1]:
                return last.start()
            seen[-1].add(key)
        elif sign == refused.number:
            return found.start()
        last = found
    return 0


def _spot(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what comes after ``before``."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Refused(f"the key {twice!r} stands twice in one object", key=twice)
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):  # it would be written back as null
        raise _Refused(f"{digits:.40} is too large a number", number=digits)
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a JSON number", number=name)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
