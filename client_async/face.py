"""The face: a file that people write without asking us, replaced by exchange and never overwritten.

Whoever uses it holds the commit lock, so it has one user at a time; editors and scripts write the file at any moment. At
every instant what a person saved is reachable under some name: the file itself, the swap name, or ``.displaced/``.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from client_async import displaced
from client_async.exchange import CannotExchange, exchange, rename_if_free
from client_async.whole_file import Contents, Identity, StillBeingWritten, read_whole, unreadable
from starsend.files import CannotWrite, sync_folder, write_durably
from starsend.json_file import MissingFile

TRIES = 20
"""So often may somebody put a file under the name between two of our steps before we give way until the next time."""


def no_brief(path: Path) -> MissingFile:
    """There is no ``sequences.json``, and nothing is known of one."""
    return MissingFile(path, "brief", "run `starsend init` or put a sequences.json here")


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
            raise unreadable(self.path, refused) from refused
        return Identity.of(found)

    def read(self) -> Contents:
        """The file as it stands. Raises MissingFile, StillBeingWritten, BadInput."""
        return self._read(self._real())

    def _read(self, path: Path) -> Contents:
        try:
            return read_whole(path, now=self._now, can_lease=self._can_lease)
        except FileNotFoundError as gone:
            raise no_brief(path) from gone

    # ---------------------------------------------------------------------------------------------- writing

    def prepare(self, data: bytes | Callable[[BinaryIO], object]) -> Identity:
        """Write and sync the next face beside this one; the identity it will have. Raises CannotWrite."""
        real = self._real()
        part = real.with_name(f"{real.name}.next")
        present = None
        with suppress(FileNotFoundError):
            present = real.stat()
        write_durably(part, data, mode=stat.S_IMODE(present.st_mode) if present else None)
        made = part.stat()
        if present and (present.st_uid, present.st_gid) != (made.st_uid, made.st_gid):
            with suppress(OSError):  # members may give it to their group
                os.chown(part, -1, present.st_gid)
            with suppress(OSError):  # only root may give it away
                os.chown(part, present.st_uid, -1)
        return Identity.of(part.stat())

    def show(self) -> None:
        """Put what was prepared under the name; what was there is displaced, never overwritten. Raises CannotWrite."""
        real = self._real()
        part, swap = real.with_name(f"{real.name}.next"), self._swap(real)
        try:
            displaced.put_aside(swap, _aside(real))
            part.rename(swap)
            for _ in range(TRIES):
                if self._take_place(swap, real):
                    sync_folder(real.parent)
                    displaced.put_aside(swap, _aside(real))
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
                displaced.put_aside(real, _aside(real))
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
        with suppress(FileNotFoundError):  # a killed run left it: a render not yet shown, or a person's file
            displaced.put_aside(self._swap(real), _aside(real))
        return displaced.unsettled(_aside(real))

    def read_displaced(self, path: Path) -> Contents:
        """As ``read``, of a displaced file."""
        return self._read(path)

    def is_let_go(self, path: Path) -> bool:
        """Whether a displaced file is open for writing nowhere, as far as can be told."""
        return displaced.is_let_go(path, can_lease=self._can_lease)

    def settle(self, path: Path, identity: Identity, *, ours: bool) -> None:
        """What a displaced file held has been taken in. ``ours``: it is a render of ours, nothing of a person's."""
        displaced.settle(path, identity, ours=ours)

    def sweep(self) -> None:
        """Remove displaced files that nobody needs any more."""
        displaced.sweep(_aside(self._real()), now=self._now(), can_lease=self._can_lease)

    def reject(self, reason: str) -> Path | None:
        """Move the file out of the way, with the reason beside it; where to, or None when it is gone."""
        real = self._real()
        folder = real.parent / "rejected"
        try:
            folder.mkdir(exist_ok=True)
            target = _free(folder, self.path)
            write_durably(target.with_name(f"{target.name}.reason.txt"), f"{reason}\n".encode())
            real.rename(target)
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise CannotWrite(real, refused) from refused
        return target

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


def _aside(real: Path) -> Path:
    return real.parent / ".displaced"


def _free(folder: Path, path: Path) -> Path:
    folder.mkdir(exist_ok=True)
    count = 1
    while (target := folder / f"{path.stem}-{count}{path.suffix}").exists():
        count += 1
    return target
