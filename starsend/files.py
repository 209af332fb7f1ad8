"""The one way a file is written: whole and on the disk, or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from starsend.errors import BadInput, StarsendError

_NO_SPACE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_RIGHT: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
# What a file system answers that cannot sync a folder (SMB, some FUSE mounts); the replace itself was done.
_NO_FOLDER_SYNC: Final = {errno.EINVAL, errno.ENOTSUP}


class CannotWrite(StarsendError):
    """The disk refused a write; what was there before is still there, unless the message says otherwise.

    Args:
        path: the file that was to be written.
        error: what the system said; kept as ``error`` so that a caller can tell a full disk by its errno.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        self.error = error
        if error.errno in _NO_SPACE:
            remedy = "free some space on that disk or raise its quota, then try again"
        elif error.errno in _NO_RIGHT:
            remedy = f"give this user the right to write in {path.parent}, or choose another folder"
        else:
            remedy = f"check that {path.parent} is a folder on a working disk, then try again"
        super().__init__(f"cannot be written: {error.strerror or error}", where=str(path), remedy=remedy)


class NameNotText(BadInput):
    """The name of a file or folder is no UTF-8: the system's watch, JSON and a metric's label take no other."""

    def __init__(self, path: Path) -> None:
        super().__init__("this name is not UTF-8", where=str(path), remedy="rename it")


def is_text(name: str) -> bool:
    """Whether the name of a file is UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def write_durably(path: Path, data: bytes | Callable[[BinaryIO], object], *, mode: int | None = None) -> None:
    """Put ``data`` at ``path`` so that a reader, or a power cut, sees the old file or the new one, never less.

    ``path.part`` is written in the same folder, synced, and renamed over ``path``; then the folder is synced.
    Missing parent folders are made. A symbolic link stays one: the file it points at is replaced. The name of
    the temporary file is fixed (a watcher sees one stray name, a crash leaves one stray file, which the next
    write removes), so a path has one writer at a time: the caller sees to that.

    Args:
        path: where the file belongs.
        data: the bytes, or a function that writes them into the open file it is given.
        mode: permission bits such as ``0o600``; None keeps an existing file's, else follows the umask.

    Raises:
        CannotWrite: the system refused. No temporary file is left, and the old file is as it was (a folder
            that fails to sync is the one exception: by then the new file is in place).
        Exception: whatever ``data`` raises itself goes through unchanged, after the same cleaning up.
    """
    try:
        target = Path(os.path.realpath(path))
        _make_folder(target.parent)
        part = target.with_name(f"{target.name}.part")
        part.unlink(missing_ok=True)
        try:
            _write_part(part, data, _mode_of(target) if mode is None else mode)
            part.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):  # the first error is the one worth telling
                part.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
    except OSError as error:
        raise CannotWrite(path, error) from error


def rename_durably(source: Path, target: Path) -> None:
    """Give a whole, synced file its final name in the same folder, so that a power cut cannot take it back.

    Raises:
        CannotWrite: the system refused; ``source`` is still there.
    """
    try:
        source.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise CannotWrite(target, error) from error


def sha256_of(path: Path) -> str:
    """The file's SHA-256 as 64 lower-case hexadecimal digits, read in pieces.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_part(part: Path, data: bytes | Callable[[BinaryIO], object], mode: int | None) -> None:
    # Exclusive, so a link planted under this name is never followed; narrow from the first byte, so a secret
    # is never readable in passing; fchmod because the umask may have taken bits the caller asked for.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode & 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if mode is not None:
            os.fchmod(descriptor, mode)
        if isinstance(data, bytes):
            file.write(data)
        else:
            data(file)
        file.flush()
        os.fsync(descriptor)


def _mode_of(target: Path) -> int | None:
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return None


def _make_folder(folder: Path) -> None:
    """``mkdir -p`` whose new entries survive a power cut: each is synced in the folder that holds it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder survive a power cut; some file systems cannot, and do without. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)
