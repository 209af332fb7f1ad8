"""``sequences.json``: a file that people and the daemon both write. The journal is the truth, the file is its face.

Nobody else takes a lock for us, so the file is never overwritten: it is exchanged, and whatever was displaced is read.
An edit is the file minus the render that it names. How that works, and why: docs/state.md.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import orjson

from client_async.draft import Draft
from client_async.face import Face, no_brief
from client_async.file_lock import FileLock
from client_async.journal import JournalUnusable
from client_async.kept import Change, Document, Kept, Outcome
from client_async.mirror import Mirror, TakenIn
from client_async.ownership import Raw
from client_async.whole_file import StillBeingWritten
from starsend.errors import BadInput, StarsendError
from starsend.files import CannotWrite

T = TypeVar("T")

BUSY_SECONDS, BUSY_LOOKS = 3.0, 60
"""How long a command bears with somebody who holds the file open, and how often it looks."""
LOCK_NAME = ".sequences.lock"


class Replaced(StarsendError):
    """Another project's folder lies under the name of the one that was opened: nothing of the old one goes into it."""

    def __init__(self, path: Path) -> None:
        super().__init__("another folder was put in this one's place", where=str(path), remedy="run it again")


@dataclass(frozen=True, slots=True)
class PickVerdict:
    """What became of one pick file."""

    file: str
    accepted: bool
    reason: str


class SequenceFile:
    """One project's ``state/client/sequences.json``. Blocking; any number of threads and processes may use it.

    Args:
        now: seconds since the epoch, as file times are told.
        monotonic: seconds, for how long something has been so.
        face: how the file is read and replaced; found out unless given.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        face: Face | None = None,
    ) -> None:
        self.path = path
        self._now = now
        self._lock = FileLock(path.with_name(LOCK_NAME))
        self._mutex = threading.Lock()
        self._kept = Kept(path, now=now)
        self._mirror = Mirror(face or Face(path, now=now), self._kept, path, now=now, monotonic=monotonic)

    # ---------------------------------------------------------------------------------------------- reading

    def read(self) -> Document:
        """Everything as it stands, what people have just saved included.

        Raises MissingFile, BrokenJson, BadShape, BadDocument: the file says something that cannot be; nothing was changed.
        """
        document, trouble = self.read_kept()
        if trouble:
            raise trouble
        return document

    def read_kept(self) -> tuple[Document, StarsendError | None]:
        """As ``read``, but where the file cannot be read: what is kept of before, and why.

        Raises as ``read`` does when nothing is kept.
        """
        with self._alone():
            self._look_patiently()
            sequences = {name: orjson.loads(body) for name, body in self._kept.bodies.items()}
            document = {**self._kept.top(), "_starsend": self._kept.head(), "sequences": sequences}
            return document, self._mirror.taken.trouble

    def check_known(self) -> None:
        """Raises as ``read_kept`` does, when nothing is known of any sequence yet; the cost is the same for ten thousand."""
        with self._alone():
            if not self._kept.bodies:
                self._look_patiently()

    def peek(self, name: str) -> Raw:
        """One sequence as this object saw it last; no disk, no lock. Raises KeyError."""
        raw: Raw = orjson.loads(self._kept.bodies[name])
        return raw

    def body(self, name: str) -> bytes:
        """As ``peek``, the JSON as it is kept."""
        return self._kept.bodies[name]

    def fresh(self, name: str) -> bytes:
        """As ``body``, what others have kept since included. Raises KeyError."""
        with self._alone():
            return self._kept.bodies[name]

    def __len__(self) -> int:
        """How many sequences there are, as far as this object has seen."""
        return len(self._kept.bodies)

    def names(self) -> list[str]:
        """The sequences as this object saw them last; no disk, no lock."""
        return list(self._kept.bodies)

    def take_in(self) -> TakenIn:
        """Take in whatever was saved since, by whomever, and tell what came. Never raises for what people wrote."""
        with self._alone():
            self._mirror.look()
            taken = self._mirror.taken
            self._mirror.taken = TakenIn(trouble=taken.trouble, waiting=taken.waiting)
            return taken

    def catch_up(self) -> set[str]:
        """Read what others have kept since, and say which sequences that are. What people have saved is left to them;
        whether it makes sense, ``trouble`` says."""
        with self._alone():
            self._mirror.judge()
            taken = self._mirror.taken
            changed, taken.changed = taken.changed, set()
            return changed

    # ---------------------------------------------------------------------------------------------- changing

    def change(self, edit: Change[T]) -> T:
        """Take in what people saved, let ``edit`` change the draft, keep it and show it; returns edit's answer.

        What ``edit`` raises goes through, and nothing is kept. While the file cannot be read or written, the change is kept
        all the same, and shown when it can; ``trouble`` says why.
        """
        with self._alone():
            self._look_patiently()
            outcome = self._kept.commit([edit])[0]
            if outcome.error:
                raise outcome.error
            try:
                self._mirror.show()
            except CannotWrite as refused:  # it is kept: whoever asked for it has got it
                self._mirror.taken.trouble = refused
            return outcome.value  # type: ignore[return-value]

    def change_all(self, edits: Sequence[Change[Any]]) -> list[Outcome[Any]]:
        """Make many changes in one commit; each succeeds or fails by itself. The face follows at ``render``."""
        with self._alone():
            return self._kept.commit(edits)

    def decide(self, claim: str, file: str, edit: Change[str]) -> PickVerdict:
        """Decide a claimed pick file exactly once: verdict and pick are kept in one transaction.

        Args:
            claim: tells this file from every other; the same claim gets the same verdict.
            edit: makes the pick and says what was picked, or raises BadInput, which is the reason for refusing it.
        """
        with self._alone():
            journal = self._kept.journal
            if known := journal.verdict(claim):
                return PickVerdict(*known)
            draft = Draft(self._kept.bodies, self.path)
            try:
                verdict = PickVerdict(file, True, edit(draft))
                changed = draft.changed()
            except BadInput as wrong:
                verdict, changed = PickVerdict(file, False, _text(str(wrong))), {}
            with journal.transaction():
                self._kept.put(changed)
                journal.decide(claim, file, verdict.accepted, verdict.reason, self._now())
            self._kept.keep(changed)
            self._mirror.taken.changed |= changed.keys()
            return verdict

    def first_seen(self, marks: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
        """By key, which marks were not there at the last call for that key, by this process or any before it.

        Args:
            marks: by key, all that there are now. No blank is in one.
        """
        with self._alone():
            journal = self._kept.journal
            before = {key: set(str(journal.get(f"seen {key}") or "").split()) for key in marks}
            with journal.transaction():  # all or none: who asks has it told
                for key, now in marks.items():
                    if before[key] != set(now):
                        journal.keep(f"seen {key}", " ".join(sorted(now)))
            return {key: set(now) - before[key] for key, now in marks.items()}

    def render(self) -> bool:
        """Bring the face up to date, if it is behind. False when it must wait: broken, absent, or being replaced."""
        with self._alone():
            self._mirror.look()
            return self._mirror.show()

    @property
    def trouble(self) -> StarsendError | None:
        """Why the file could not be read when it was last looked at."""
        return self._mirror.taken.trouble

    @property
    def waiting(self) -> bool:
        """Whether somebody was still writing it when it was last looked at."""
        return self._mirror.taken.waiting

    @property
    def behind(self) -> bool:
        """Whether the face lacks something that the journal holds. No disk, no lock."""
        return self._kept.behind

    def close(self) -> None:
        """Give the files back; the next call opens them again."""
        with self._mutex:
            self._kept.close()
            self._lock.close()

    # ---------------------------------------------------------------------------------------------- the lock

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Renders and journal share one lock: without it a prototype lost a rotation. It lies beside the file, which is
        # itself replaced at every render.
        with self._mutex:
            try:
                self._take_lock()
                try:
                    self._mirror.taken.changed |= self._kept.refresh()
                    yield
                finally:
                    self._lock.release()
            except sqlite3.Error as broken:
                if not isinstance(broken, sqlite3.OperationalError):
                    self._kept.close()  # what was a journal is none: the next call puts it aside and adopts the face
                raise JournalUnusable(self._kept.journal_path, broken) from broken
            except OSError as refused:
                raise CannotWrite(self.path, refused) from refused

    def _take_lock(self) -> None:
        while True:
            try:
                if not self._lock.is_open:
                    self._lock.open()
                    if not self._kept.is_in_place():
                        self._lock.close()
                        raise Replaced(self.path)
            except FileNotFoundError:
                raise no_brief(self.path) from None
            self._lock.take(self.path)
            if self._lock.is_in_place():
                return
            self._lock.close()  # it was swept away, or lies in another folder: others will lock a new one

    def __del__(self) -> None:
        self._lock.close()  # commands do not close what the end of their process closes

    def _look_patiently(self) -> None:
        """Look, and bear with somebody who is saving the file at this moment. Raises when nothing is known at all."""
        for _ in range(BUSY_LOOKS):
            self._mirror.look()
            if not self._mirror.busy:
                break
            time.sleep(BUSY_SECONDS / BUSY_LOOKS)
        if self._kept.bodies:
            return
        if self._mirror.taken.trouble is not None:
            raise self._mirror.taken.trouble
        if self._mirror.busy:
            raise StillBeingWritten(self.path)
        if not self._mirror.is_there():
            raise no_brief(self.path)


def _text(said: str) -> str:
    """A name that is no UTF-8 can be quoted, but not kept as it is."""
    return said.encode(errors="backslashreplace").decode()
