"""The face and the journal kept alike, both ways: ``look`` takes in what people saved, ``show`` renders what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import orjson

from client_async.face import Face
from client_async.journal import Journal
from client_async.kept import Kept, number
from client_async.ownership import BESIDE, SCHEMA, News, brief_of, canonical
from client_async.whole_file import Contents, Identity, StillBeingWritten
from starsend.errors import BadInput, StarsendError
from starsend.json_file import BrokenJson, MissingFile

BROKEN_SECONDS = 60.0
"""How long a file that makes no sense is left to whoever is writing it."""
ABSENT_SECONDS = 2.0
"""How long no file under the name may be an editor at work; after that it was deleted, and is rendered again."""
RENDERS_IN_A_ROW = 5
"""Each render may displace a save that asks for another; somebody who saves faster than that waits for the next one."""


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


class Mirror:
    """Carries edits from the face to what is kept, and what is kept to the face. Its user holds the commit lock.

    Args:
        now: seconds since the epoch, as file times are told.
        monotonic: seconds, for how long something has been so.
    """

    def __init__(
        self, face: Face, kept: Kept, path: Path, *, now: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._face = face
        self._kept = kept
        self._path = path
        self._now = now
        self._monotonic = monotonic
        self._broken: tuple[Identity, float] | None = None
        self._absent_since: float | None = None
        self.taken = TakenIn()
        self.busy = False
        """Somebody had the file open for writing at the last look."""

    # ---------------------------------------------------------------------------------------------- looking

    def look(self) -> None:
        """Take in the displaced files and the face, where they differ from what was taken in before."""
        self.taken.waiting = False
        for path, identity in self._face.displaced():
            before, ours = _known(self._kept.journal.get("face_before"))
            if _spelt(identity) == before:  # what we took in before we put another in its place
                if self._face.is_let_go(path):
                    self._face.settle(path, identity, ours=ours)
                else:  # it may yet be written to, and nothing tells when
                    self.taken.waiting = True
                continue
            try:
                contents = self._face.read_displaced(path)
            except StillBeingWritten:
                self.taken.waiting = True
                continue
            self._ingest(contents, displaced=True)
            self._face.settle(path, contents.identity, ours=False)
        self._look_at_face()
        self._face.sweep()

    def judge(self) -> None:
        """Whether the face makes sense, for ``taken.trouble``; takes nothing in, which is left to whoever drives."""
        self.taken.waiting = False
        self._look_at_face(keep=False)

    def is_there(self) -> bool:
        """Whether anything lies under the name."""
        return self._face.look() is not None

    def _look_at_face(self, *, keep: bool = True) -> None:
        self.busy = False
        identity = self._face.look()
        if identity is None:
            self.taken.trouble = None
            if self._absent_since is None:
                self._absent_since = self._monotonic()
            self._kept.owed |= bool(self._kept.bodies)
            return
        self._absent_since = None
        if self._broken is not None and self._broken[0] == identity:
            return  # as broken as it was
        if _spelt(identity) == _known(self._kept.journal.get("face"))[0]:
            self.taken.trouble, self._broken = None, None
            return
        try:
            contents = self._face.read()
        except StillBeingWritten:
            self.busy = self.taken.waiting = True
            return
        except MissingFile:
            return
        except BadInput as wrong:
            self.taken.trouble = wrong
            return
        self._ingest(contents, displaced=False, keep=keep)

    def _ingest(self, contents: Contents, *, displaced: bool, keep: bool = True) -> None:
        from client_async.ingest import Ingest  # start-up: most commands find nothing that they do not know

        kept, journal = self._kept, self._kept.journal
        ingest = Ingest(
            journal, kept.bodies, kept.versions, shown=kept.shown, path=self._path, now=self._now()
        )
        try:
            found = ingest.take(contents, displaced=displaced)
        except (BrokenJson, BadInput) as wrong:
            self._tell_trouble(wrong, contents, displaced=displaced)
            return
        if not displaced:
            self.taken.trouble, self._broken = None, None
        if not keep:
            self.taken.waiting = True  # until whoever drives has taken it in, or drives no more
            return
        with journal.transaction():
            kept.put(found.changed)
            found.note(journal)
            if found.owed:
                journal.keep("owed", 1)
            if not displaced:
                journal.keep("face", f"theirs {_spelt(contents.identity)}")
        kept.keep(found.changed)
        kept.owed |= found.owed
        self.taken.changed |= found.changed.keys()
        self.taken.news += found.news

    def _tell_trouble(self, wrong: StarsendError, contents: Contents, *, displaced: bool) -> None:
        """A file that makes no sense: its writer gets a minute to mend it, then it goes to ``rejected/``, reason beside it."""
        if displaced:
            self._face.reject_displaced(contents, str(wrong))
            self.taken.news.append(News("", "brief_refused", str(wrong)))
            return
        self.taken.trouble = wrong
        self._broken = (contents.identity, self._monotonic())
        self._kept.owed |= bool(self._kept.bodies)

    # ---------------------------------------------------------------------------------------------- showing

    def show(self) -> bool:
        """Render until the face says what is kept. False when it must wait: broken, absent, or being replaced."""
        for _ in range(RENDERS_IN_A_ROW):
            if not self._kept.behind:
                return True
            if not self._may_show():
                return False
            self._render()
            self.look()
        return not self._kept.behind

    def _may_show(self) -> bool:
        if self._absent_since is not None:
            return self._monotonic() - self._absent_since >= ABSENT_SECONDS
        if self.taken.trouble is None:
            return True
        if self._broken is None or self._monotonic() - self._broken[1] < BROKEN_SECONDS:
            return False
        if moved := self._face.reject(str(self.taken.trouble)):
            text = f"{self._path.name} made no sense for a minute: it was moved to {moved.parent.name}/{moved.name}, its reason beside it"
            self.taken.news.append(News("", "brief_rejected", text))
        self.taken.trouble, self._broken = None, None
        return True

    def _render(self) -> None:
        kept, journal = self._kept, self._kept.journal
        kept.forget_old()
        revision = number(journal.get("revision")) + 1
        identity = self._face.prepare(partial(self._write, revision))
        with journal.transaction():  # before the file appears: an edit of it can then always be told
            journal.show(revision, self._now(), self._briefs_to_note(journal))
            journal.keep("revision", revision)
            journal.keep("shown", kept.version)
            journal.keep("face_before", journal.get("face"))
            journal.keep("face", f"ours {_spelt(identity)}")
            journal.keep("owed", 0)
        kept.shown, kept.owed = kept.version, False
        self._face.show()

    def _briefs_to_note(self, journal: Journal) -> Iterator[tuple[str, str | None, bytes]]:
        """What people wrote of each sequence, and beside them, where it is not as it was shown last."""
        for name, brief, grid in self._briefs():
            last = journal.last_shown(name)
            if last is None or (last.brief, last.grid) != (brief, grid):
                yield name, grid, brief

    def _briefs(self) -> Iterator[tuple[str, bytes, str | None]]:
        yield BESIDE, canonical(self._kept.top()), None
        for name, version in self._kept.versions.items():
            if version > self._kept.shown:
                raw = orjson.loads(self._kept.bodies[name])
                yield name, canonical(brief_of(raw)), raw.get("grid_id")

    def _write(self, revision: int, file: BinaryIO) -> None:
        """The whole document. Each sequence's JSON is kept as it will be shown, so this only joins."""
        head = {**self._kept.top(), "_starsend": {"schema": SCHEMA, "revision": revision}}
        file.write(orjson.dumps(head, option=orjson.OPT_INDENT_2)[:-2] + b',\n  "sequences": {')
        between = b"\n"
        for name, body in self._kept.bodies.items():
            file.write(b"%b    %b: %b" % (between, orjson.dumps(name), body))
            between = b",\n"
        file.write(b"\n  }\n}\n")


def _known(kept: object) -> tuple[str, bool]:
    """The identity of a file that was taken in, and whether it was a render of ours."""
    whose, _, identity = str(kept).partition(" ")
    return identity, whose == "ours"


def _spelt(identity: Identity) -> str:
    return f"{identity.inode}:{identity.mtime_ns}:{identity.size}"
