"""``sequences.json``: a file that people and the daemon both write. The journal is the truth, the file is its face.

Nobody else takes a lock for us, so the file is never overwritten: it is exchanged, and whatever was displaced is read.
An edit is the file minus the render that it names. How that works, and why: docs/state.md.
"""

from __future__ import annotations

import fcntl
import threading
import time
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar

import orjson

from client_async.draft import Draft
from client_async.face import Contents, Face, Identity, StillBeingWritten
from client_async.ingest import Ingest, News
from client_async.journal import KEPT_DAYS, Journal
from client_async.ownership import SCHEMA, Raw, brief_of, canonical
from starsend.errors import BadInput, StarsendError
from starsend.files import CannotWrite
from starsend.json_file import BrokenJson, MissingFile

Document = dict[str, Any]
T = TypeVar("T")
Change = Callable[[Draft], T]

BROKEN_SECONDS = 60.0
"""How long a file that makes no sense is left to whoever is writing it."""
ABSENT_SECONDS = 2.0
"""How long no file under the name may be an editor at work; after that it was deleted, and is rendered again."""
BUSY_SECONDS, BUSY_LOOKS = 3.0, 60
"""How long a command bears with somebody who holds the file open, and how often it looks."""
RENDERS_IN_A_ROW = 5
"""Each render may displace a save that asks for another; somebody who saves faster than that waits for the next one."""


@dataclass(slots=True)
class Outcome(Generic[T]):
    """What became of one change: its answer, or the error that kept it from being made."""

    value: T | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class PickVerdict:
    """What became of one pick file."""

    file: str
    accepted: bool
    reason: str


@dataclass(slots=True)
class TakenIn:
    """What came from outside since the last look.

    ``changed``: sequences that are not as they were. ``news``: what people should hear. ``trouble``: why the file cannot
    be read. ``waiting``: somebody is still writing it, so look again soon.
    """

    changed: set[str] = field(default_factory=set)
    news: list[News] = field(default_factory=list)
    trouble: StarsendError | None = None
    waiting: bool = False


class SequenceFile:
    """One project's ``state/client/sequences.json``. Blocking; any number of threads and processes may use it.

    Args:
        now: seconds since the epoch, as file times are told.
        face: how the file is read and replaced; found out unless given.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time, face: Face | None = None) -> None:
        self.path = path
        self._now = now
        self._face = face or Face(path, now=now)
        self._mutex = threading.RLock()
        self._journal: Journal | None = None
        self._data_version = -1
        self._bodies: dict[str, bytes] = {}
        self._versions: dict[str, int] = {}
        self._version = 0
        self._shown = 0
        self._owed = False
        self._busy = False
        self._taken = TakenIn()
        self._broken: tuple[Identity, float] | None = None
        self._absent_since: float | None = None

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
            sequences = {name: orjson.loads(body) for name, body in self._bodies.items()}
            document = {**self._top(), "_starsend": self._head(), "sequences": sequences}
            return document, self._taken.trouble

    def peek(self, name: str) -> Raw:
        """One sequence as this object saw it last; no disk, no lock. Raises KeyError."""
        raw: Raw = orjson.loads(self._bodies[name])
        return raw

    def body(self, name: str) -> bytes:
        """As ``peek``, the JSON as it is kept."""
        return self._bodies[name]

    def __len__(self) -> int:
        """How many sequences there are, as far as this object has seen."""
        return len(self._bodies)

    def names(self) -> list[str]:
        """The sequences as this object saw them last; no disk, no lock."""
        return list(self._bodies)

    def take_in(self) -> TakenIn:
        """Take in whatever was saved since, by whomever, and tell what came. Never raises for what people wrote."""
        with self._alone():
            self._look()
            taken = self._taken
            self._taken = TakenIn(trouble=taken.trouble, waiting=taken.waiting)
            return taken

    # ---------------------------------------------------------------------------------------------- changing

    def change(self, edit: Change[T]) -> T:
        """Take in what people saved, let ``edit`` change the draft, keep it and show it; returns edit's answer.

        What ``edit`` raises goes through, and nothing is kept. While the file cannot be read, the change is kept all the
        same, and shown when it can.
        """
        with self._alone():
            self._look_patiently()
            outcome = self._commit([edit])[0]
            if outcome.error:
                raise outcome.error
            self._show()
            return outcome.value  # type: ignore[return-value]

    def change_all(self, edits: Sequence[Change[Any]]) -> list[Outcome[Any]]:
        """Make many changes in one commit; each succeeds or fails by itself. The face follows at ``render``."""
        with self._alone():
            return self._commit(edits)

    def decide(self, claim: str, file: str, edit: Change[str]) -> PickVerdict:
        """Decide a claimed pick file exactly once: verdict and pick are kept in one transaction.

        Args:
            claim: tells this file from every other; the same claim gets the same verdict.
            edit: makes the pick and says what was picked, or raises BadInput, which is the reason for refusing it.
        """
        with self._alone():
            journal = self._opened()
            if known := journal.verdict(claim):
                return PickVerdict(*known)
            draft = Draft(self._bodies, self.path)
            try:
                verdict = PickVerdict(file, True, edit(draft))
                changed = draft.changed()
            except BadInput as wrong:
                verdict, changed = PickVerdict(file, False, _text(str(wrong))), {}
            with journal.transaction():
                self._put(changed)
                journal.decide(claim, file, verdict.accepted, verdict.reason, self._now())
            self._keep(changed)
            self._taken.changed |= changed.keys()
            return verdict

    def render(self) -> bool:
        """Bring the face up to date, if it is behind. False when it must wait: broken, absent, or being replaced."""
        with self._alone():
            self._look()
            return self._show()

    @property
    def trouble(self) -> StarsendError | None:
        """Why the file could not be read when it was last looked at."""
        return self._taken.trouble

    @property
    def behind(self) -> bool:
        """Whether the face lacks something that the journal holds. No disk, no lock."""
        return self._owed or self._version > self._shown

    def close(self) -> None:
        """Give the files back; the next call opens them again."""
        with self._mutex:
            if self._journal is not None:
                self._journal.close()
                self._journal, self._data_version = None, -1

    # ---------------------------------------------------------------------------------------------- the lock

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Renders and journal share one lock: without it a prototype lost a rotation. It lies beside the file, which is
        # itself replaced at every render.
        with self._mutex:
            try:
                lock = self.path.with_name(".sequences.lock").open("wb")
            except FileNotFoundError:
                raise MissingFile(
                    self.path, "brief", "run `starsend init` or put a sequences.json here"
                ) from None
            except OSError as refused:
                raise CannotWrite(self.path, refused) from refused
            with lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._refresh()
                yield

    def _opened(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(self.path.with_name("journal.db"))
            self._journal.forget(self._now() - KEPT_DAYS * 86_400)
        return self._journal

    def _refresh(self) -> None:
        """Take over what other processes have committed."""
        journal = self._opened()
        version = journal.data_version()
        if version == self._data_version:
            return
        self._data_version = version
        self._shown, self._owed = _number(journal.get("shown")), bool(journal.get("owed"))
        for name, at, body in journal.sequences(after=self._version):
            self._taken.changed.add(name)
            self._bodies[name], self._versions[name] = body, at
            self._version = max(self._version, at)

    # ---------------------------------------------------------------------------------------------- looking

    def _look_patiently(self) -> None:
        """Look, and bear with somebody who is saving the file at this moment. Raises when nothing is known at all."""
        for _ in range(BUSY_LOOKS):
            self._look()
            if not self._busy:
                break
            time.sleep(BUSY_SECONDS / BUSY_LOOKS)
        if self._bodies:
            return
        if self._taken.trouble is not None:
            raise self._taken.trouble
        if self._busy:
            raise StillBeingWritten(self.path)
        if self._face.look() is None:
            raise MissingFile(self.path, "brief", "run `starsend init` or put a sequences.json here")

    def _look(self) -> None:
        """Take in the displaced files and the face, where they differ from what was taken in before."""
        self._taken.waiting = False
        for path, identity in self._face.displaced():
            before, ours = _known(self._opened().get("face_before"))
            if _spelt(identity) == before:  # what we took in before we put another in its place
                self._face.settle(path, identity, ours=ours)
                continue
            try:
                contents = self._face.read_displaced(path)
            except StillBeingWritten:
                self._taken.waiting = True
                continue
            self._ingest(contents, displaced=True)
            self._face.settle(path, contents.identity, ours=False)
        self._look_at_face()
        self._face.sweep()

    def _look_at_face(self) -> None:
        self._busy = False
        identity = self._face.look()
        if identity is None:
            self._taken.trouble = None
            self._absent_since = self._absent_since or self._now()
            self._owed |= bool(self._bodies)
            return
        self._absent_since = None
        if self._broken is not None and self._broken[0] == identity:
            return  # as broken as it was
        if _spelt(identity) == _known(self._opened().get("face"))[0]:
            self._taken.trouble, self._broken = None, None
            return
        try:
            contents = self._face.read()
        except StillBeingWritten:
            self._busy = self._taken.waiting = True
            return
        except MissingFile:
            return
        except BadInput as wrong:
            self._taken.trouble = wrong
            return
        self._ingest(contents, displaced=False)

    def _ingest(self, contents: Contents, *, displaced: bool) -> None:
        journal = self._opened()
        ingest = Ingest(
            journal, self._bodies, self._versions, shown=self._shown, path=self.path, now=self._now()
        )
        try:
            found = ingest.take(contents, displaced=displaced)
        except (BrokenJson, BadInput) as wrong:
            self._tell_trouble(wrong, contents, displaced=displaced)
            return
        with journal.transaction():
            self._put(found.changed)
            found.note(journal)
            if found.owed:
                journal.keep("owed", 1)
            if not displaced:
                journal.keep("face", f"theirs {_spelt(contents.identity)}")
        self._keep(found.changed)
        self._owed |= found.owed
        self._taken.changed |= found.changed.keys()
        self._taken.news += found.news
        if not displaced:
            self._taken.trouble, self._broken = None, None

    def _tell_trouble(self, wrong: StarsendError, contents: Contents, *, displaced: bool) -> None:
        """A file that makes no sense: its writer gets a minute to mend it, then it goes to ``rejected/``, reason beside it."""
        if displaced:
            self._face.reject_displaced(contents, str(wrong))
            self._taken.news.append(News("", "brief_refused", str(wrong)))
            return
        self._taken.trouble = wrong
        self._broken = (contents.identity, self._now())
        self._owed |= bool(self._bodies)

    # ---------------------------------------------------------------------------------------------- keeping

    def _commit(self, edits: Sequence[Change[Any]]) -> list[Outcome[Any]]:
        pending: dict[str, bytes] = {}
        outcomes: list[Outcome[Any]] = []
        for edit in edits:
            draft = Draft(ChainMap(pending, self._bodies) if pending else self._bodies, self.path)
            try:
                outcomes.append(Outcome(edit(draft)))
                pending.update(draft.changed())
            except Exception as wrong:  # noqa: BLE001 - whatever it is, it is this change's alone
                outcomes.append(Outcome(error=wrong))
        if pending:
            with self._opened().transaction():
                self._put(pending)
            self._keep(pending)
        return outcomes

    def _put(self, changed: Mapping[str, bytes]) -> None:
        for number, (name, body) in enumerate(changed.items(), start=1):
            self._opened().put(name, self._version + number, body)

    def _keep(self, changed: Mapping[str, bytes]) -> None:
        """What the journal holds now, this object holds too."""
        for name, body in changed.items():
            self._version += 1
            self._bodies[name], self._versions[name] = body, self._version

    # ---------------------------------------------------------------------------------------------- showing

    def _show(self) -> bool:
        for _ in range(RENDERS_IN_A_ROW):
            if not self.behind:
                return True
            if not self._may_show():
                return False
            self._render_once()
            self._look()
        return not self.behind

    def _may_show(self) -> bool:
        if self._absent_since is not None:
            return self._now() - self._absent_since >= ABSENT_SECONDS
        if self._taken.trouble is None:
            return True
        if self._broken is None or self._now() - self._broken[1] < BROKEN_SECONDS:
            return False
        self._face.reject(str(self._taken.trouble))
        self._taken.trouble, self._broken = None, None
        return True

    def _render_once(self) -> None:
        journal = self._opened()
        revision = _number(journal.get("revision")) + 1
        identity = self._face.prepare(partial(self._write, revision))
        with journal.transaction():  # before the file appears: an edit of it can then always be told
            journal.show(revision, self._now(), self._briefs_to_note(journal))
            journal.keep("revision", revision)
            journal.keep("shown", self._version)
            journal.keep("face_before", journal.get("face"))
            journal.keep("face", f"ours {_spelt(identity)}")
            journal.keep("owed", 0)
        self._shown, self._owed = self._version, False
        self._face.show()

    def _briefs_to_note(self, journal: Journal) -> Iterator[tuple[str, str | None, bytes]]:
        for name, version in self._versions.items():
            if version <= self._shown:
                continue
            raw = orjson.loads(self._bodies[name])
            brief, grid = canonical(brief_of(raw)), raw.get("grid_id")
            last = journal.last_shown(name)
            if last is None or (last.brief, last.grid) != (brief, grid):
                yield name, grid, brief

    def _write(self, revision: int, file: BinaryIO) -> None:
        """The whole document. Each sequence's JSON is kept as it will be shown, so this only joins."""
        head = {**self._top(), "_starsend": {"schema": SCHEMA, "revision": revision}}
        file.write(orjson.dumps(head, option=orjson.OPT_INDENT_2)[:-2] + b',\n  "sequences": {')
        between = b"\n"
        for name, body in self._bodies.items():
            file.write(b"%b    %b: %b" % (between, orjson.dumps(name), body))
            between = b",\n"
        file.write(b"\n  }\n}\n")

    def _top(self) -> Document:
        """What people have put beside the sequences, ``$schema`` for one."""
        kept = self._opened().get("top")
        top: Document = orjson.loads(kept) if isinstance(kept, bytes) else {}
        return top

    def _head(self) -> Document:
        return {"schema": SCHEMA, "revision": _number(self._opened().get("revision"))}


def _text(said: str) -> str:
    """A name that is no UTF-8 can be quoted, but not kept as it is."""
    return said.encode(errors="backslashreplace").decode()


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _known(kept: object) -> tuple[str, bool]:
    """The identity of a file that was taken in, and whether it was a render of ours."""
    whose, _, identity = str(kept).partition(" ")
    return identity, whose == "ours"


def _spelt(identity: Identity) -> str:
    return f"{identity.inode}:{identity.mtime_ns}:{identity.size}"
