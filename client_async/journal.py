"""The journal: the truth that sequences.json is the face of. SQLite, private to SequenceFile and PickFolder.

It holds every sequence as it stands, the people's fields of every render (so that an edit of an old buffer can be told
from the buffer itself), every edit that was applied, and every verdict on a pick file. It knows nothing of money.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from starsend.errors import StarsendError
from starsend.sqlite_look import looked_at

KEPT_DAYS = 30
"""How long a buffer may lie in an editor and still be told from what has changed since."""
BUSY_SECONDS = 30.0
_LAYOUT = 1
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE sequences (name TEXT PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE revisions (revision INTEGER PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE briefs (
    name TEXT NOT NULL, revision INTEGER NOT NULL, grid TEXT, body BLOB NOT NULL, PRIMARY KEY (name, revision)
) WITHOUT ROWID;
CREATE TABLE applied (
    edit INTEGER PRIMARY KEY, revision INTEGER NOT NULL, name TEXT NOT NULL, field TEXT NOT NULL, value BLOB NOT NULL
);
CREATE INDEX applied_to ON applied (revision, name, field);
CREATE TABLE verdicts (
    claim TEXT PRIMARY KEY, file TEXT NOT NULL, accepted INTEGER NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
"""


class JournalUnusable(StarsendError):
    """The journal cannot be read or written."""

    def __init__(self, path: Path, why: Exception) -> None:
        super().__init__(
            f"the journal cannot be used ({why})",
            where=str(path),
            remedy="check the disk and its permissions; sequences.json has not been touched",
        )


def bodies_in(path: Path) -> dict[str, bytes]:
    """Every sequence's JSON in the journal at ``path``, read without a lock or a trace. Raises FileNotFoundError, JournalUnusable."""
    try:
        with looked_at(path) as uri, contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
            return dict(db.execute("SELECT name, body FROM sequences ORDER BY rowid").fetchall())
    except sqlite3.Error as broken:
        raise JournalUnusable(path, broken) from broken


@dataclass(frozen=True, slots=True)
class Rendered:
    """The people's part of one sequence as a revision showed it, and the grid it was shown with."""

    brief: bytes
    grid: str | None


class Journal:
    """One project's ``journal.db``. Every method must be called by whoever holds the commit lock.

    Raises sqlite3.Error, which ``SequenceFile`` tells as JournalUnusable. A file that is no database is put aside as ``journal.db.broken``: the face is adopted again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._inode = 0
        try:
            self._db = self._open()
        except sqlite3.OperationalError:  # locked, no rights, no room: not its contents
            raise
        except sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{path}{suffix}").replace(f"{path}{suffix}.broken")
            self._db = self._open()
        with contextlib.suppress(FileNotFoundError):
            self._inode = path.stat().st_ino

    def is_in_place(self) -> bool:
        """Whether what lies under the name is what is open here, and not another folder's."""
        try:
            return self.path.stat().st_ino == self._inode
        except OSError:
            return False

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a power cut
            if db.execute("PRAGMA user_version").fetchone()[0] == 0:
                db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version={_LAYOUT}; COMMIT;")
        except sqlite3.Error:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Give the files back."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in the block, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")
            raise

    # ------------------------------------------------------------------------------------------ what is now

    def data_version(self) -> int:
        """Changes when another process has written."""
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return version

    def get(self, key: str) -> int | str | bytes | None:
        """A single value by its name."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def keep(self, key: str, value: int | str | bytes | None) -> None:
        """Keep a single value under a name."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def sequences(self, after: int = 0) -> list[tuple[str, int, bytes]]:
        """Name, version and JSON of every sequence changed after a version, in the order they came in."""
        query = "SELECT name, version, body FROM sequences WHERE version > ? ORDER BY rowid"
        return self._db.execute(query, (after,)).fetchall()

    def put(self, name: str, version: int, body: bytes) -> None:
        """Keep a sequence as it stands now."""
        self._db.execute(
            "INSERT INTO sequences VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET version = excluded.version, body = excluded.body",
            (name, version, body),
        )

    # ------------------------------------------------------------------------------------------ what was shown

    def shown(self, revision: int) -> dict[str, Rendered]:
        """Every sequence's people's part as that revision showed it."""
        # SQLite fills bare columns from the row that holds the maximum.
        query = "SELECT name, max(revision), body, grid FROM briefs WHERE revision <= ? GROUP BY name"
        return {name: Rendered(body, grid) for name, _, body, grid in self._db.execute(query, (revision,))}

    def last_shown(self, name: str) -> Rendered | None:
        """One sequence's people's part as it was shown last."""
        query = "SELECT body, grid FROM briefs WHERE name = ? ORDER BY revision DESC LIMIT 1"
        row = self._db.execute(query, (name,)).fetchone()
        return Rendered(*row) if row else None

    def show(self, revision: int, at: float, briefs: Iterable[tuple[str, str | None, bytes]]) -> None:
        """Note that a revision is about to appear, with the people's parts that differ from the one before."""
        self._db.execute("INSERT OR REPLACE INTO revisions VALUES (?, ?)", (revision, at))
        self._db.executemany(
            "INSERT OR REPLACE INTO briefs VALUES (?, ?, ?, ?)",
            ((name, revision, grid, body) for name, grid, body in briefs),
        )

    def oldest_revision(self) -> int:
        """The oldest revision whose buffers can still be told."""
        found: int | None = self._db.execute("SELECT min(revision) FROM revisions").fetchone()[0]
        return found or 0

    def forget(self, before: float) -> None:
        """Drop what was rendered, applied and decided before a moment; a sequence's last brief of then is kept."""
        first = self._db.execute("SELECT max(revision) FROM revisions WHERE at < ?", (before,)).fetchone()[0]
        if first is None:
            return
        self._db.execute("DELETE FROM revisions WHERE revision < ?", (first,))
        self._db.execute("DELETE FROM applied WHERE revision < ?", (first,))
        self._db.execute("DELETE FROM verdicts WHERE at < ?", (before,))
        self._db.execute(
            "DELETE FROM briefs WHERE EXISTS (SELECT 1 FROM briefs AS later WHERE later.name = briefs.name"
            " AND later.revision > briefs.revision AND later.revision <= ?)",
            (first,),
        )

    # ------------------------------------------------------------------------------------------ what was asked

    def applied(self, revision: int, name: str, field: str) -> list[bytes]:
        """The values that edits of one revision have given a field, in order."""
        query = "SELECT value FROM applied WHERE revision = ? AND name = ? AND field = ? ORDER BY edit"
        return [value for (value,) in self._db.execute(query, (revision, name, field))]

    def edited(self, revision: int) -> set[str]:
        """The sequences that edits of one revision have touched."""
        query = "SELECT DISTINCT name FROM applied WHERE revision = ?"
        return {name for (name,) in self._db.execute(query, (revision,))}

    def apply(self, revision: int, name: str, field: str, value: bytes) -> None:
        """Note that an edit has been taken in."""
        row = (revision, name, field, value)
        self._db.execute("INSERT INTO applied (revision, name, field, value) VALUES (?, ?, ?, ?)", row)

    def verdict(self, claim: str) -> tuple[str, bool, str] | None:
        """What was decided of a claimed pick file: its name, accepted or not, and why."""
        query = "SELECT file, accepted, reason FROM verdicts WHERE claim = ?"
        row = self._db.execute(query, (claim,)).fetchone()
        return (row[0], bool(row[1]), row[2]) if row else None

    def decide(self, claim: str, file: str, accepted: bool, reason: str, at: float) -> None:
        """Keep a verdict on a claimed pick file."""
        self._db.execute("INSERT INTO verdicts VALUES (?, ?, ?, ?, ?)", (claim, file, accepted, reason, at))
