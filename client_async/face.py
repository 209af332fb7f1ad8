"""The face: a file that people write without asking us, replaced by exchange and never overwritten.

Whoever uses it holds the commit lock, so it has one user at a time; editors and scripts write the file at any moment. At
every instant what a person saved is reachable under some name: the file itself, the swap name, or ``.displaced/``.
"""

from __future__ import annotations

import os
import pwd
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from client_async.exchange import CannotExchange, exchange, rename_if_free
from client_async.lease import NoLease, OpenForWriting, nobody_writes, read_lease
from starsend.errors import BadInput, StarsendError
from starsend.files import CannotWrite, sync_folder, write_durably
from starsend.json_file import MissingFile

QUIET_SECONDS = 0.5
"""Without leases: a file that has not been written for so long is taken for whole."""
KEPT_SECONDS = 86_400.0
OURS_KEPT_SECONDS = 10.0
"""A displaced render of ours: somebody who was just opening it has shown up by then."""
OURS_KEPT_WITHOUT_LEASES = 600.0
LARGEST = 512 * 1024 * 1024
TRIES = 20
"""So often may somebody put a file under the name between two of our steps before we give way until the next time."""


class StillBeingWritten(StarsendError):
    """Somebody has the file open for writing, or has only just let go of it."""

    def __init__(self, path: Path) -> None:
        super().__init__("somebody is still writing it", where=str(path), remedy="wait until it is closed")


@dataclass(frozen=True, slots=True)
class Identity:
    """Tells one save from the next: a rename keeps it, a save changes the inode, or the time or the size."""

    inode: int
    mtime_ns: int
    size: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file held at one moment, whole. ``owner``: a login name, or ``uid 1234``."""

    data: bytes
    identity: Identity
    owner: str


class Face:
    """One file, such as ``state/client/sequences.json``.

    Args:
        now: seconds since the epoch, as file times are told.
        can_exchange, can_lease: False where the file system is known to lack it; found out otherwise.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float] = time.time,
        can_exchange: bool = True,
        can_lease: bool = True,
    ) -> None:
        self.path = path
        self._now = now
        self._can_exchange = can_exchange
        self._can_lease = can_lease

    # ---------------------------------------------------------------------------------------------- reading

    def look(self) -> Identity | None:
        """What lies under the name, by one look at it; None when nothing does."""
        try:
            found = os.stat(self.path)  # noqa: PTH116 - one system call, no object
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise BadInput(
                f"cannot be read ({refused.strerror})", where=str(self.path), remedy="check its permissions"
            ) from refused
        return _identity(found)

    def read(self) -> Contents:
        """The file as it stands. Raises MissingFile, StillBeingWritten, BadInput."""
        return self._read(self._real())

    def _read(self, path: Path) -> Contents:
        for _ in range(TRIES):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except FileNotFoundError as gone:
                raise MissingFile(path, "brief", "run `starsend init` or put a sequences.json here") from gone
            except OSError as refused:
                raise BadInput(
                    f"cannot be read ({refused.strerror})", where=str(path), remedy="check its permissions"
                ) from refused
            try:
                contents = self._read_whole(descriptor, path)
            finally:
                os.close(descriptor)
            with suppress(FileNotFoundError):
                if _identity(path.stat()) == contents.identity:
                    return contents
        raise StillBeingWritten(path)

    def _read_whole(self, descriptor: int, path: Path) -> Contents:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode) or before.st_size > LARGEST:
            raise BadInput(
                "a plain file of text is needed here", where=str(path), remedy="put one in its place"
            )
        try:
            if not self._can_lease:
                raise NoLease
            with read_lease(descriptor):
                return _contents(descriptor)
        except OpenForWriting:
            raise StillBeingWritten(path) from None
        except NoLease:
            if (
                0 <= self._now() - before.st_mtime < QUIET_SECONDS
            ):  # a time in the future is another machine's clock
                raise StillBeingWritten(path) from None
            contents = _contents(descriptor)
            if contents.identity != _identity(before):
                raise StillBeingWritten(path) from None
            return contents

    # ---------------------------------------------------------------------------------------------- writing

    def prepare(self, data: bytes | Callable[[BinaryIO], object]) -> Identity:
        """Write and sync the next face beside this one; the identity it will have. Raises CannotWrite."""
        real = self._real()
        part = real.with_name(f"{real.name}.next")
        present = None
        with suppress(FileNotFoundError):
            present = real.stat()
        write_durably(part, data, mode=stat.S_IMODE(present.st_mode) if present else None)
        if present and present.st_uid != os.geteuid():
            with suppress(OSError):  # only root may give files away
                os.chown(part, present.st_uid, present.st_gid)
        return _identity(part.stat())

    def show(self) -> None:
        """Put what was prepared under the name; what was there is displaced, never overwritten. Raises CannotWrite."""
        real = self._real()
        part, swap = real.with_name(f"{real.name}.next"), self._swap(real)
        try:
            self._put_aside(swap, real)
            part.rename(swap)
            for _ in range(TRIES):
                if self._take_place(swap, real):
                    sync_folder(real.parent)
                    self._put_aside(swap, real)
                    return
            raise StillBeingWritten(real)
        except OSError as refused:
            raise CannotWrite(self.path, refused) from refused

    def _take_place(self, swap: Path, real: Path) -> bool:
        try:
            if not self._can_exchange:
                raise CannotExchange
            exchange(swap, real)
        except FileNotFoundError:
            return self._take_free_place(swap, real)
        except CannotExchange:
            self._can_exchange = False
            with suppress(FileNotFoundError):
                self._put_aside(real, real)
            return self._take_free_place(swap, real)
        return True

    def _take_free_place(self, swap: Path, real: Path) -> bool:
        """Nothing is under the name; False when somebody was quicker, whose file is not touched."""
        try:
            rename_if_free(swap, real)
        except FileExistsError:
            return False
        except CannotExchange:
            try:
                os.link(swap, real)
            except FileExistsError:
                return False
            swap.unlink()
        return True

    # ---------------------------------------------------------------------------------------------- displaced

    def displaced(self) -> list[tuple[Path, Identity]]:
        """Displaced files whose content, as it is now, has not been settled; oldest first."""
        real = self._real()
        with suppress(FileNotFoundError):
            self._put_aside(
                self._swap(real), real
            )  # a killed run left it: a render not yet shown, or a person's file
        found = []
        for path in self._kept(real):
            with suppress(FileNotFoundError):
                identity = _identity(path.stat())
                if _settled(path) != identity:
                    found.append((path, identity))
        return found

    def read_displaced(self, path: Path) -> Contents:
        """As ``read``, of a displaced file."""
        return self._read(path)

    def settle(self, path: Path, identity: Identity, *, ours: bool) -> None:
        """What the file held has been taken in. ``ours``: it is a render of ours, with nothing of a person's in it."""
        number = path.name.split("-")[0]
        name = f"{number}-{identity.inode}-{identity.mtime_ns}-{identity.size}-{'ours' if ours else 'theirs'}.json"
        path.rename(path.with_name(name))

    def sweep(self) -> None:
        """Remove displaced files that are settled, old enough, and open for writing nowhere."""
        real = self._real()
        for path in self._kept(real):
            with suppress(OSError):
                found = path.stat()
                ours_kept = OURS_KEPT_SECONDS if self._can_lease else OURS_KEPT_WITHOUT_LEASES
                kept = ours_kept if path.name.endswith("-ours.json") else KEPT_SECONDS
                if (
                    _settled(path) == _identity(found)
                    and self._now() - found.st_ctime >= kept
                    and self._is_let_go(path)
                ):
                    path.unlink()

    def _is_let_go(self, path: Path) -> bool:
        try:
            return not self._can_lease or nobody_writes(path)
        except NoLease:
            return True

    def reject(self, reason: str) -> Path | None:
        """Move the file out of the way, with the reason beside it; where to, or None when it is gone."""
        real = self._real()
        return self._move_to_rejected(real, real, reason)

    def reject_displaced(self, contents: Contents, reason: str) -> Path:
        """Keep a copy of what a displaced file held, with the reason beside it."""
        folder = self._real().parent / "rejected"
        target = _free(folder, self.path)
        write_durably(target, contents.data)
        write_durably(target.with_name(f"{target.name}.reason.txt"), f"{reason}\n".encode())
        return target

    # ---------------------------------------------------------------------------------------------- inside

    def _real(self) -> Path:
        """The file itself, where the name is a link to it."""
        return Path(os.path.realpath(self.path))

    def _swap(self, real: Path) -> Path:
        return real.with_name(f".{real.name}.swap")

    def _kept(self, real: Path) -> list[Path]:
        try:
            return sorted(path for path in (real.parent / ".displaced").iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return []

    def _put_aside(self, path: Path, real: Path) -> None:
        """Move a file into ``.displaced/``, where whoever still writes it may go on."""
        if not path.exists():
            return
        folder = real.parent / ".displaced"
        folder.mkdir(exist_ok=True)
        kept = self._kept(real)
        number = int(kept[-1].name.split("-")[0].removesuffix(".json")) + 1 if kept else 1
        path.rename(folder / f"{number:09}-new.json")

    def _move_to_rejected(self, path: Path, real: Path, reason: str) -> Path | None:
        folder = real.parent / "rejected"
        try:
            folder.mkdir(exist_ok=True)
            target = _free(folder, self.path)
            write_durably(target.with_name(f"{target.name}.reason.txt"), f"{reason}\n".encode())
            path.rename(target)
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise CannotWrite(path, refused) from refused
        return target


def _free(folder: Path, path: Path) -> Path:
    folder.mkdir(exist_ok=True)
    count = 1
    while (target := folder / f"{path.stem}-{count}{path.suffix}").exists():
        count += 1
    return target


def _contents(descriptor: int) -> Contents:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        data = file.read()
    found = os.fstat(descriptor)
    return Contents(data, _identity(found), _login(found.st_uid))


def _identity(found: os.stat_result) -> Identity:
    return Identity(found.st_ino, found.st_mtime_ns, found.st_size)


def _settled(path: Path) -> Identity | None:
    """The identity that a settled file bears in its name."""
    parts = path.name.split("-")
    return Identity(*(int(part) for part in parts[1:4])) if len(parts) == 5 else None


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
