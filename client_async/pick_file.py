"""One pick file: what it asks for, whatever tool has written it, and under whatever name that left behind.

A pick file is ``SEQ01.pick`` or ``SEQ01@g5.pick`` holding a cell number, or JSON under any name::

    {"sequence": "SEQ01", "grid": "g5", "cell": 3, "by": "mara", "note": "the light"}
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path

from client_async.lease import NoLease, read_lease
from client_async.picks import BadPick
from starsend.errors import BadInput, StarsendError
from starsend.json_file import parse_json

COPY = re.compile(
    r"(?: \([^()]*\)| \[[^\[\]]*\]|_conf\(\d+\)| - (?:copy|kopie)| (?:copy|kopie)(?: \d+)?| \d+|\.sync-conflict-\d{8}-\d{6}-\w+)+$",
    re.IGNORECASE,
)
"""What file managers and sync clients (Dropbox, Seafile, Syncthing) put behind the name of a copy."""
NAMED = re.compile(r"^(?P<sequence>[^@]+?)(?:@(?P<grid>g\d+)(?:-[^@]+)?)?$", re.IGNORECASE)
"""``SEQ01@g5``, and ``SEQ01@g5-MARASPC`` (OneDrive)."""
LARGEST = 64 * 1024
KEYS = {"sequence", "grid", "cell", "by", "note"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a pick file asks for."""

    sequence: str
    cell: object
    grid: str | None
    by: str
    note: str


class Unfinished(StarsendError):
    """The file is empty or does not parse: it may still be on its way."""


def read_wish(path: Path) -> Wish:
    """What a pick file asks for. Raises OpenForWriting, Unfinished, BadPick and other BadInput; OSError when it goes meanwhile."""
    name = path.name
    raw = _bytes(path)
    text = _decode(raw, name)
    if not text:
        raise Unfinished("the file is empty", where=name, remedy="put the cell number into it")
    if text.startswith("{"):
        return _from_json(text, path)
    named = NAMED.match(COPY.sub("", name[:-5])) if name.casefold().endswith(".pick") else None
    if not named:
        raise BadPick(
            "neither JSON nor a file named SEQ01.pick",
            where=name,
            remedy='name it SEQ01.pick, or write {"sequence": ..., "cell": ...}',
        )
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise BadPick(f"{text!r:.40} is no cell", where=name, remedy="put one number from 1 to 4 into it")
    grid = named["grid"]
    # A sequence may be called like a copy.
    whole = named["sequence"] if grid else name[:-5]
    return Wish(whole, int(text), grid and grid.lower(), _owner(path), "")


def spelling(said: str, names: Iterable[str]) -> str:
    """``SEQ01`` for ``seq01``, ``SEQ01 copy`` or ``SEQ01-MARASPC`` (OneDrive), where only one sequence can be meant."""
    known = names if isinstance(names, list) else list(names)
    for one in (said, COPY.sub("", said), said.rpartition("-")[0]):
        same = [one] if one in known else [n for n in known if n.casefold() == one.casefold()]
        if len(same) == 1:
            return same[0]
    return said


def _bytes(path: Path) -> bytes:
    """What the file holds, read while nobody can write it."""
    if not stat.S_ISREG(path.lstat().st_mode):
        remedy = "drop a copy of the file"
        raise BadPick("a pick must be a plain file, not a link or a pipe", where=path.name, remedy=remedy)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError as refused:
        remedy = "drop it so that others may read it"
        raise BadPick("it may not be read", where=path.name, remedy=remedy) from refused
    with open(descriptor, "rb") as file:  # noqa: PTH123 - opened as no name could be
        try:
            with read_lease(descriptor):
                raw = file.read(LARGEST + 1)
        except NoLease:
            raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        remedy = "drop a file that holds the cell number"
        raise BadPick("a pick is a small file", where=path.name, remedy=remedy)
    return raw


def _from_json(text: str, path: Path) -> Wish:
    try:
        wish = parse_json(text.encode(), Path(path.name))
    except BadInput as wrong:
        raise (Unfinished if isinstance(wrong.__cause__, JSONDecodeError) else BadPick)(
            wrong.what, where=wrong.where, remedy=wrong.remedy
        ) from wrong
    unknown, missing = wish.keys() - KEYS, {"sequence", "cell"} - wish.keys()
    if unknown or missing:
        fault = f"unknown key {min(unknown)!r}" if unknown else f"{min(missing)!r} is missing"
        raise BadPick(fault, where=path.name, remedy='write {"sequence": "SEQ01", "cell": 3}')
    for key in KEYS - {"cell"}:
        if not isinstance(wish.get(key, ""), str):
            raise BadPick(
                f"{key!r} must be text", where=path.name, remedy='write {"sequence": "SEQ01", "cell": 3}'
            )
    return Wish(
        wish["sequence"], wish["cell"], wish.get("grid"), wish.get("by") or _owner(path), wish.get("note", "")
    )


def _decode(raw: bytes, name: str) -> str:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    if b"\0" in raw and encoding != "utf-16":  # digits and braces hold no zeros
        encoding = "utf-16-le" if raw[1::2].count(0) > raw[::2].count(0) else "utf-16-be"
    try:
        return raw.decode(encoding).strip()
    except UnicodeDecodeError as wrong:
        # The rest of its last character may be on its way.
        half = wrong.end >= len(raw)
        raise (Unfinished if half else BadPick)(
            "it is not text", where=name, remedy="put one number from 1 to 4 into it"
        ) from wrong


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError):
        return "somebody"
