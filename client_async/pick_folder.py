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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from json import JSONDecodeError
from pathlib import Path

from client_async.draft import Draft
from client_async.lease import NoLease, nobody_writes
from client_async.picks import BadPick, grid_seen_by, record_pick
from client_async.sequence_file import PickVerdict, SequenceFile
from client_async.states import DRAWING
from starsend.errors import BadInput, StarsendError
from starsend.files import write_durably
from starsend.json_file import parse_json

TEMPORARY = re.compile(r"^\.|^~\$|^4913$|~$|\.(part|tmp|swp|crdownload)$|^#.*#$")
"""Names that editors, browsers and sync clients use while they are still writing."""
COPY = re.compile(
    r"(?: \([^()]*\)| - (?:copy|kopie)| (?:copy|kopie)(?: \d+)?|\.sync-conflict-\d{8}-\d{6}-\w+)+$",
    re.IGNORECASE,
)
"""What file managers and sync clients (Dropbox, Syncthing) put behind the name of a copy."""
NAMED = re.compile(r"^(?P<sequence>[^@]+?)(?:@(?P<grid>g\d+))?$", re.IGNORECASE)
PATIENCE = 30.0
"""Seconds that a file which makes no sense yet may take to be finished."""
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


class PickFolder:
    """Takes the picks out of one project's drop folder.

    Args:
        now: seconds since the epoch, as file times are told.
    """

    def __init__(self, folder: Path, file: SequenceFile, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._file = file
        self._now = now
        self._stuck: set[tuple[str, int]] = set()

    def take_picks(self) -> list[PickVerdict]:
        """Decide every pick that is ripe, oldest first, each exactly once; leaves the rest where it lies.

        A pick is not ripe while it is being written, and while the grid it is of is still being drawn.

        Raises BrokenJson, BadShape, MissingFile: nothing is known of any sequence yet; no pick has been touched.
        """
        claimed = self._folder / ".claimed"
        if not _holds_anything(self._folder) and not _holds_anything(claimed):
            return []
        self._file.check_known()  # without any brief picks lie where they are: it is not their fault
        claimed.mkdir(exist_ok=True)
        with self._alone():
            # A run died while it decided these; put away first, for a new file may bear the same name.
            verdicts = [self._decide(path) for path in sorted(claimed.iterdir(), key=_age_order)]
            for path in sorted(self._folder.iterdir(), key=_age_order):
                if TEMPORARY.search(path.name) or (path.is_dir() and not path.is_symlink()):
                    continue
                try:
                    if not self._must_wait(path):
                        verdicts.append(self._decide(path.rename(claimed / path.name)))
                except FileNotFoundError:
                    pass  # whoever dropped it has taken it back
                except OSError as refused:  # it stays, and holds up no other
                    verdicts += self._tell_stuck(path, refused)
            return verdicts

    def _tell_stuck(self, path: Path, refused: OSError) -> list[PickVerdict]:
        """Say once of a file that it cannot be taken: it is looked at again and again."""
        with suppress(OSError):
            claim = path.name, path.lstat().st_ino
            if claim not in self._stuck:
                self._stuck.add(claim)
                why = f"{path.name}: it cannot be taken ({refused.strerror}). Drop it so that others may move it"
                return [PickVerdict(path.name, False, why)]
        return []

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time: what lies in ``.claimed/`` is then nobody else's."""
        with (self._folder / ".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _must_wait(self, path: Path) -> bool:
        """Whether it is too early to decide a file."""
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return False
        with suppress(NoLease, PermissionError):
            if not nobody_writes(path):
                return True
        try:
            wish = _read(path, path.name)
        except Unfinished:
            return self._now() - found.st_mtime <= PATIENCE
        except BadInput:
            return False
        return self._is_being_drawn(wish)

    def _is_being_drawn(self, wish: Wish) -> bool:
        """Whether the grid that a wish is of may still come."""
        names = self._file.names()
        name = _spelt(names, wish.sequence)
        if name not in names:
            return False
        raw = self._file.peek(name)
        if raw.get("deleted") or raw.get("grid_state") not in DRAWING:
            return False
        if wish.grid is None:
            return raw.get("grid_id") is None
        return wish.grid == f"g{len(raw.get('grid_history', [])) + 1}"

    def _decide(self, path: Path) -> PickVerdict:
        """The verdict on a claimed file, kept in the journal before the file is put away."""
        found = path.lstat()
        # A clock that is ahead says nothing about which grid was seen.
        dropped = min(found.st_mtime, self._now())
        claim = (
            f"{found.st_ino}-{found.st_mtime_ns}-{found.st_ctime_ns}"  # a renamed file's ctime is its claim's
        )

        def edit(draft: Draft) -> str:
            try:
                wish = _read(path, path.name)
            except Unfinished as never:
                raise BadPick(never.what, where=never.where, remedy=never.remedy) from never
            return _apply(draft, wish, dropped)

        verdict = self._file.decide(claim, os.fsencode(path.name).decode(errors="backslashreplace"), edit)
        self._put_away(path, verdict)
        return verdict

    def _put_away(self, path: Path, verdict: PickVerdict) -> None:
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


def _apply(draft: Draft, wish: Wish, dropped: float) -> str:
    name = _spelt(draft, wish.sequence)
    raw = draft[name]
    if wish.grid is None and raw.get("grid_id") and grid_seen_by(raw, dropped) is None:
        raise BadPick(
            f"{raw['grid_id']} came at about the same time as this pick, which may mean the one before",
            where=name,
            remedy=f"look at it and name it: {name}@{raw['grid_id']}.pick",
        )
    at = datetime.fromtimestamp(dropped, UTC)
    record_pick(raw, name, wish.cell, by=wish.by, via="pick file", at=at, grid=wish.grid, note=wish.note)
    return f"cell {wish.cell} of {name} is picked"


def _spelt(names: Iterable[str], said: str) -> str:
    """``SEQ01`` for ``seq01``, ``SEQ01 copy`` or ``SEQ01-MARASPC`` (OneDrive), where only one sequence can be meant."""
    known = names if isinstance(names, list) else list(names)
    for spelling in (said, COPY.sub("", said), said.rpartition("-")[0]):
        same = [spelling] if spelling in known else [n for n in known if n.casefold() == spelling.casefold()]
        if len(same) == 1:
            return same[0]
    return said


def _holds_anything(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(
                not entry.name.startswith(".") and entry.name not in ("accepted", "rejected")
                for entry in entries
            )
    except FileNotFoundError:
        return False


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
    whole = named["sequence"] if grid else name[:-5]  # a sequence may be called like a copy
    return Wish(whole, int(text), grid and grid.lower(), _owner(path), "")


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
