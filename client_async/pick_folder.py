"""The drop folder ``state/client/picks/``: each file is a pick, and ends in ``accepted/`` or ``rejected/``, with its reason.

A pick file is ``SEQ01.pick`` or ``SEQ01@g5.pick`` holding a cell number, or JSON under any name::

    {"sequence": "SEQ01", "grid": "g5", "cell": 3, "by": "mara", "note": "the light"}
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from json import JSONDecodeError
from pathlib import Path

from client_async.picks import BadPick, record_pick
from client_async.sequence_file import BadShape, Document, SequenceFile, sequence_in
from starsend.errors import BadInput, StarsendError
from starsend.files import write_durably
from starsend.json_file import BrokenJson, parse_json

TEMPORARY = re.compile(r"^\.|^~\$|^4913$|~$|\.(part|tmp|swp|crdownload)$|^#.*#$")
"""Names that editors, browsers and sync clients use while they are still writing."""
NAMED = re.compile(
    r"^(?P<sequence>[^@]+?)(?:@(?P<grid>g\d+))?(?: \(\d+\)| copy| - copy)?\.pick$", re.IGNORECASE
)
PATIENCE = 30.0
"""Seconds that a file which makes no sense yet may take to be finished."""
LARGEST = 64 * 1024
KEYS = {"sequence", "grid", "cell", "by", "note"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one pick file."""

    file: str
    accepted: bool
    reason: str


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


class PickFolder:
    """Takes the picks out of one project's drop folder.

    Args:
        now: seconds since the epoch, as file times are told.
    """

    def __init__(self, folder: Path, file: SequenceFile, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._file = file
        self._now = now

    def take_picks(self) -> list[Verdict]:
        """Decide every pick that lies there, oldest first, each exactly once; leaves what is still being written.

        Raises BrokenJson, BadShape, MissingFile: the document cannot be read; no pick has been touched.
        """
        if not self._folder.is_dir():
            return []
        self._file.read()  # while the brief is broken, picks lie where they are: it is not their fault
        claimed = self._folder / ".claimed"
        claimed.mkdir(exist_ok=True)
        with self._alone():
            # A run died while it decided these; put away first, for a new file may bear the same name.
            verdicts = [self._decide(path) for path in sorted(claimed.iterdir(), key=_age_order)]
            mine = []
            for path in sorted(self._folder.iterdir(), key=_age_order):
                if TEMPORARY.search(path.name) or (path.is_dir() and not path.is_symlink()):
                    continue
                with suppress(FileNotFoundError):  # whoever dropped it has taken it back
                    if not self._is_unfinished(path):
                        mine.append(path.rename(claimed / path.name))
            return verdicts + [self._decide(path) for path in mine]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time: what lies in ``.claimed/`` is then nobody else's."""
        with (self._folder / ".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _is_unfinished(self, path: Path) -> bool:
        if not stat.S_ISREG(path.lstat().st_mode) or self._now() - path.stat().st_mtime > PATIENCE:
            return False
        try:
            _read(path, path.name)
        except Unfinished:
            return True
        except BadInput:
            return False
        return False

    def _decide(self, path: Path) -> Verdict:
        try:
            wish = _read(path, path.name)
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            self._file.change(lambda document: _apply(document, wish, at, self._file.path))
            verdict = Verdict(path.name, True, f"cell {wish.cell} of {wish.sequence} is picked")
        except (BrokenJson, BadShape):
            raise  # the brief's fault, not the pick's: it stays claimed and is decided when the brief is mended
        except (BadInput, Unfinished) as wrong:
            verdict = Verdict(path.name, False, str(wrong))
        return self._put_away(path, verdict)

    def _put_away(self, path: Path, verdict: Verdict) -> Verdict:
        folder = self._folder / ("accepted" if verdict.accepted else "rejected")
        folder.mkdir(exist_ok=True)
        stem = os.fsdecode(
            os.fsencode(path.stem)[:200]
        )  # a name ends at 255 bytes, and .reason.txt.part follows
        suffix = path.suffix[:12]
        target, count = folder / f"{stem}{suffix}", 1
        while target.exists() or target.is_symlink():
            count += 1
            target = folder / f"{stem}-{count}{suffix}"
        if not verdict.accepted:
            reason = f"{verdict.reason}\n".encode(errors="backslashreplace")  # a name may be no text
            write_durably(target.with_name(f"{target.name}.reason.txt"), reason)
        path.rename(target)
        return verdict


def _apply(document: Document, wish: Wish, at: datetime, path: Path) -> None:
    name = _spelt(document, wish.sequence)
    sequence = sequence_in(document, name, path)
    record_pick(sequence, name, wish.cell, by=wish.by, via="pick file", at=at, grid=wish.grid, note=wish.note)


def _spelt(document: Document, name: str) -> str:
    """``seq01`` for ``SEQ01``, where only one sequence can be meant."""
    same = [known for known in document["sequences"] if known.casefold() == name.casefold()]
    return same[0] if len(same) == 1 else name


def _read(path: Path, name: str) -> Wish:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise BadPick(
            "a pick must be a plain file, not a link or a pipe", where=name, remedy="drop a copy of the file"
        )
    if path.stat().st_size > LARGEST:
        raise BadPick("a pick is a small file", where=name, remedy="drop a file that holds the cell number")
    try:
        raw = path.read_bytes()
    except PermissionError as refused:
        raise BadPick(
            "it may not be read", where=name, remedy="drop it so that others may read it"
        ) from refused
    text = _decode(raw, name)
    if not text:
        raise Unfinished("the file is empty", where=name, remedy="put the cell number into it")
    if text.startswith("{"):
        return _from_json(text, path)
    named = NAMED.match(name)
    if not named:
        raise BadPick(
            "neither JSON nor a file named SEQ01.pick",
            where=name,
            remedy='name it SEQ01.pick, or write {"sequence": ..., "cell": ...}',
        )
    if not re.fullmatch(r"[0-9]{1,3}", text):
        raise BadPick(f"{text!r:.40} is no cell", where=name, remedy="put one number from 1 to 4 into it")
    grid = named["grid"]
    return Wish(named["sequence"], int(text), grid and grid.lower(), _owner(path), "")


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
    try:
        return raw.decode(encoding).strip()
    except UnicodeDecodeError as wrong:
        half = wrong.end >= len(raw)  # the rest of its last character may be on its way
        raise (Unfinished if half else BadPick)(
            "it is not text", where=name, remedy="put one number from 1 to 4 into it"
        ) from wrong


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError):
        return "somebody"


def _age_order(path: Path) -> tuple[int, str]:
    try:
        return path.lstat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name
