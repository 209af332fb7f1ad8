"""The drop folder ``state/client/picks/``: each file is a pick, and ends in ``accepted/`` or ``rejected/``, with its reason."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from client_async.draft import Draft
from client_async.file_lock import FileLock
from client_async.lease import OpenForWriting
from client_async.pick_file import Unfinished, Wish, read_wish, spelling
from client_async.picks import BadPick, grid_seen_by, record_pick
from client_async.sequence_file import PickVerdict, SequenceFile
from client_async.states import DRAWING
from starsend.errors import BadInput, StarsendError
from starsend.files import write_durably

TEMPORARY = re.compile(r"^\.|^~\$|^4913$|~$|\.(part|tmp|swp|crdownload)$|^#.*#$")
"""Names that editors, browsers and sync clients use while they are still writing."""
CLAIMED = ".claimed"
"""The folder in the drop folder of those that are being decided."""
PATIENCE = 30.0
"""Seconds that a file which makes no sense yet may take to be finished."""


class PicksUnreadable(StarsendError):
    """Dropped picks cannot be taken in; everything else goes on."""

    def __init__(self, folder: Path, why: Exception) -> None:
        super().__init__(
            f"dropped picks cannot be taken in ({why})",
            where=str(folder),
            remedy="check who may read and write that folder; nothing in it is lost",
        )


class PickFolder:
    """Takes the picks out of one project's drop folder.

    Args:
        now: seconds since the epoch, as file times are told.
        monotonic: seconds, for how long something has been waited for.
    """

    def __init__(
        self,
        folder: Path,
        file: SequenceFile,
        now: Callable[[], float] = time.time,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._claimed = folder / CLAIMED
        self._lock = FileLock(folder / ".lock")
        self._file = file
        self._now = now
        self._monotonic = monotonic
        self._stuck: set[tuple[str, int]] = set()
        self._unfinished: dict[tuple[int, int], float] = {}
        """Since when a file, by inode and time, is known to make no sense."""
        self.waiting = False
        """Somebody is still writing a file that was claimed already: look again soon, for nothing tells when they are done."""

    def take_picks(self) -> list[PickVerdict]:
        """Decide every pick that is ripe, oldest first, each exactly once; leaves the rest where it lies.

        A pick is not ripe while it is being written, and while the grid it is of is still being drawn.

        Raises BrokenJson, BadShape, MissingFile: nothing is known of any sequence yet; HeldUp: somebody else is at it, for too
        long. No pick has been touched.
        """
        self.waiting = False
        if not _holds_anything(self._folder) and not _holds_anything(self._claimed):
            self._unfinished.clear()
            return []
        self._file.check_known()  # without any brief picks lie where they are: it is not their fault
        self._claimed.mkdir(exist_ok=True)
        verdicts = []
        with self._alone():
            # What was claimed before comes first: a new file may bear the same name.
            for folder in (self._claimed, self._folder):
                for path in sorted(folder.iterdir(), key=_age_order):
                    if TEMPORARY.search(path.name) or (path.is_dir() and not path.is_symlink()):
                        continue
                    try:
                        verdicts += self._take(path)
                    except FileNotFoundError:
                        pass  # whoever dropped it has taken it back
                    except OSError as refused:  # it stays, and holds up no other
                        verdicts += self._tell_stuck(path, refused)
        return verdicts

    def _take(self, path: Path) -> list[PickVerdict]:
        """The verdict on one file, if it is ripe."""
        if path.parent != self._claimed:
            claimed = self._claimed / path.name
            if self._must_wait(path) or claimed.is_file():
                return []
            path = path.rename(claimed)
        try:
            return [self._decide(path)]
        except (OpenForWriting, Unfinished):
            # Somebody began to write it again just before it was claimed.
            self.waiting = True
            return []

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
        self._lock.open()
        try:
            self._lock.take(self._folder)
            yield
        finally:
            self._lock.close()

    def _must_wait(self, path: Path) -> bool:
        """Whether it is too early to decide a file."""
        try:
            wish = read_wish(path)
        except OpenForWriting:
            return True
        except Unfinished:
            return self._may_yet_be_finished(path)
        except BadInput:
            return False
        return self._is_being_drawn(wish)

    def _may_yet_be_finished(self, path: Path) -> bool:
        """Whether a file that makes no sense is as young as that, by its own time and by ours: its clock may be any."""
        found = path.lstat()
        since = self._unfinished.setdefault((found.st_ino, found.st_mtime_ns), self._monotonic())
        return self._now() - found.st_mtime <= PATIENCE and self._monotonic() - since <= PATIENCE

    def _is_being_drawn(self, wish: Wish) -> bool:
        """Whether the grid that a wish is of may still come."""
        names = self._file.names()
        name = spelling(wish.sequence, names)
        if name not in names:
            return False
        raw = self._file.peek(name)
        if raw.get("deleted") or raw.get("grid_state") not in DRAWING:
            return False
        if wish.grid is None:
            return raw.get("grid_id") is None
        return wish.grid == f"g{len(raw.get('grid_history', [])) + 1}"

    def _decide(self, path: Path) -> PickVerdict:
        """The verdict on a claimed file, kept in the journal before the file is put away. Raises OpenForWriting, Unfinished."""
        found = path.lstat()
        # A clock that is ahead says nothing about which grid was seen, nor about which pick is the later.
        dropped = min(found.st_mtime, self._now())
        # A renamed file's ctime is its claim's.
        claim = f"{found.st_ino}-{found.st_mtime_ns}-{found.st_ctime_ns}"

        def edit(draft: Draft) -> str:
            try:
                wish = read_wish(path)
            except Unfinished as never:
                if self._may_yet_be_finished(path):
                    raise
                raise BadPick(never.what, where=never.where, remedy=never.remedy) from never
            return _apply(draft, wish, dropped)

        verdict = self._file.decide(claim, os.fsencode(path.name).decode(errors="backslashreplace"), edit)
        self._put_away(path, verdict)
        return verdict

    def _put_away(self, path: Path, verdict: PickVerdict) -> None:
        folder = self._folder / ("accepted" if verdict.accepted else "rejected")
        folder.mkdir(exist_ok=True)
        # A name ends at 255 bytes, and .reason.txt.part follows.
        stem = os.fsdecode(os.fsencode(path.stem)[:200])
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
    name = spelling(wish.sequence, draft)
    raw = draft[name]
    if wish.grid is None and raw.get("grid_id") and grid_seen_by(raw, dropped) is None:
        raise BadPick(
            f"{raw['grid_id']} came at about the same time as this pick, which may mean the one before",
            where=name,
            remedy=f"look at it and name it: {name}@{raw['grid_id']}.pick",
        )
    at = datetime.fromtimestamp(dropped, UTC)
    pick = record_pick(
        raw,
        name,
        wish.cell,
        by=wish.by,
        via="pick file",
        at=at,
        grid=wish.grid,
        note=wish.note,
        by_clock=True,
    )
    if pick["cell"] != wish.cell:
        return f"cell {wish.cell} of {name} was picked earlier than cell {pick['cell']}, which holds"
    return f"cell {wish.cell} of {name} is picked"


def _holds_anything(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(
                not entry.name.startswith(".") and entry.name not in ("accepted", "rejected")
                for entry in entries
            )
    except FileNotFoundError:
        return False


def _age_order(path: Path) -> tuple[int, str]:
    try:
        return path.lstat().st_mtime_ns, path.name
    except FileNotFoundError:
        return 0, path.name
