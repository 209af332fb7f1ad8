"""Opening the ledger's database: SQLite or PostgreSQL by URL, at the newest schema, with one writer at a time.

SQLite runs in WAL with ``synchronous=FULL`` (a committed intent must survive a power cut), foreign keys on, and
every writing transaction starts with BEGIN IMMEDIATE: it waits for its turn at the start instead of failing at
the end.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Engine,
    QueuePool,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from starsend.clock import Clock, Stopped
from starsend.errors import StarsendError
from starsend.sqlite_look import looked_at

HEAD = "0002"
"""The newest version under ``migrations/versions``."""

_MIGRATING = threading.Lock()
"""Alembic keeps what it works on in module globals: two ledgers at once in one process would mix."""

READ_ONLY = {"starsend_read_only": True}
_COMPILED: dict[Any, Any] = {}
"""Statements as SQLite takes them, by the one dialect with which files are read: to compile them anew for each of five hundred
ledgers, and to find out for each what SQLite can do, takes longer than to read them."""
BUSY_SECONDS = 60.0
"""How long a writer waits for another; transactions here last milliseconds."""


class StoreUnusable(StarsendError):
    """The ledger cannot be opened or written; without it nothing may be paid."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"the ledger cannot be used ({why})",
            where=url,
            remedy="check disk, rights and the URL, and run it again; nothing that was paid for is lost",
        )


class OtherLedger(StarsendError):
    """The ledger is not the one that the project's work is booked in: what was paid for would be paid again."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"this is not the ledger that the project was made with ({why})",
            where=where,
            remedy="put that one back, from a backup or by store_url; nothing is sent meanwhile",
        )


class Database:
    """An engine at the newest schema. ``folder`` holds SQLite's lock files.

    ``read_only``: for whoever has no right to write, and leaves no trace: no lock, no folder, no migration.
    """

    def __init__(self, url: str, *, folder: Path, read_only: bool = False) -> None:
        self._shown_url = make_url(url).render_as_string(hide_password=True)
        self._locks = folder
        self._kept = ExitStack()
        try:
            self.engine = _open_engine(url, self._kept if read_only else None)
            self._kept.callback(self.engine.dispose)
            if read_only:
                self._open_to_read()
            else:
                self._make_ready()
            self._identity = self._file_identity()
        except StoreUnusable:
            self.close()
            raise
        except (DBAPIError, OSError, sqlite3.Error) as refused:
            self.close()
            why = getattr(refused, "orig", None) or refused
            raise StoreUnusable(self._shown_url, str(why)) from refused

    def _make_ready(self) -> None:
        self._locks.mkdir(parents=True, exist_ok=True)
        if self.engine.dialect.name == "sqlite":
            Path(self.engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
        # Two connections that turn one new SQLite file to WAL at the same time fail at once, whatever the timeout.
        with (self._locks / "open.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._bring_up_to_date()

    def _open_to_read(self) -> None:
        version = _version(self.engine)
        if version is None or version < HEAD:
            why = f"it is of {version or 'no'} schema, this Starsend reads {HEAD}; a run by somebody who may write brings it up to date"
            raise StoreUnusable(self._shown_url, why)
        self._refuse_newer(version)

    def close(self) -> None:
        """Give the connections back; safe to call twice."""
        self._kept.close()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, committed when the block ends, undone when it raises.

        Raises StoreUnusable: the disk is full, or the file was removed or replaced since it was opened.
        """
        if self._file_identity() != self._identity:
            raise StoreUnusable(self._shown_url, "it was removed or replaced while it was in use")
        with self._told(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look; holds up no writer."""
        with self._told(), self.engine.connect().execution_options(**READ_ONLY) as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as refused:
            raise StoreUnusable(self._shown_url, str(refused.orig)) from refused
        except IntegrityError as stranger:
            raise OtherLedger(self._shown_url, str(stranger.orig)) from stranger

    def _file_identity(self) -> tuple[int, int] | None:
        """Tells SQLite's file from another that is put in its place: what is written into a removed one is lost."""
        if self.engine.dialect.name != "sqlite":
            return None
        try:
            found = Path(self.engine.url.database or "").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @contextmanager
    def hold(self, name: str, *, clock: Clock, stop: threading.Event) -> Iterator[None]:
        """Be the only one, of all threads and processes, inside ``name``; freed by the system when killed.

        Raises Stopped when ``stop`` is set while another one is inside.
        """
        with self._lock(name) as try_lock:
            while not try_lock():
                if clock.wait(0.05, stop):
                    raise Stopped(f"{name}, which another run holds")
            yield

    @contextmanager
    def try_hold(self, name: str) -> Iterator[bool]:
        """As ``hold``, but when another one is inside the block runs all the same, with False."""
        with self._lock(name) as try_lock:
            yield try_lock()

    def is_held(self, name: str) -> bool:
        """Whether one is inside at this moment; a look that leaves nothing behind."""
        if self.engine.dialect.name == "postgresql":
            with self._advisory_lock(name) as try_lock:
                return not try_lock()
        try:
            with (self._locks / f"{name}.lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:  # nobody ever was
            return False
        except OSError as refused:
            raise StoreUnusable(self._shown_url, refused.strerror or str(refused)) from refused
        return False

    def _lock(self, name: str) -> AbstractContextManager[Callable[[], bool]]:
        return (self._advisory_lock if self.engine.dialect.name == "postgresql" else self._file_lock)(name)

    @contextmanager
    def _file_lock(self, name: str) -> Iterator[Callable[[], bool]]:
        # flock belongs to the open file, so two threads of one process exclude each other as two processes do.
        # The file stays: to delete a lock file that another one waits on would let two inside.
        path = self._locks / f"{name}.lock"
        try:
            opened = path.open("wb")
        except OSError as refused:
            raise StoreUnusable(str(path), refused.strerror or str(refused)) from refused
        with opened as file:

            def try_lock() -> bool:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return False
                return True

            yield try_lock

    @contextmanager
    def _advisory_lock(self, name: str) -> Iterator[Callable[[], bool]]:
        # Session locks live as long as their connection, which therefore is not given back to the pool.
        with (
            self._told(),
            closing(self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")) as connection,
        ):
            try:
                lock = text("SELECT pg_try_advisory_lock(hashtextextended(:n, 7))")
                yield lambda: bool(connection.scalar(lock, {"n": name}))
            finally:
                connection.invalidate()

    def _bring_up_to_date(self) -> None:
        version = _version(self.engine)
        self._refuse_newer(version)
        if version != HEAD:
            self._migrate()

    def _refuse_newer(self, version: str | None) -> None:
        if version is not None and version > HEAD:
            why = f"a newer Starsend made it, at schema {version}; this one knows {HEAD}"
            raise StoreUnusable(self._shown_url, why)

    def _migrate(self) -> None:
        # Alembic costs 0.4 s of start-up (measured), so it is loaded only when there is something to do.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", "starsend.orchestrator:migrations")
        with _MIGRATING, self.engine.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(7)"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _version(engine: Engine) -> str | None:
    with engine.connect().execution_options(**READ_ONLY) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version


def _open_engine(url: str, reading: ExitStack | None) -> Engine:
    """``reading``: keeps what a SQLite file that is only read needs meanwhile."""
    if not url.startswith("sqlite"):
        # Threads may be hundreds, and each holds a lock on a connection of its own besides; the server sets the limit.
        return create_engine(url, max_overflow=-1)
    if reading is None:
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        # The URL says which file it is, whatever copy is read.
        shown = make_url(url)
        uri = reading.enter_context(looked_at(Path(shown.database or "")))
        pool = QueuePool(partial(sqlite3.connect, uri, uri=True, isolation_level=None))
        engine = Engine(pool, _dialect_to_read(), shown, execution_options={"compiled_cache": _COMPILED})
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@cache
def _dialect_to_read() -> Dialect:
    engine = create_engine("sqlite://")
    engine.connect().close()  # it asks SQLite what it can do
    engine.dispose()
    return engine.dialect


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("starsend_read_only")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
