"""Putting one file in another's place without losing either: names change hands in one step, or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

NO_REPLACE, EXCHANGE = 1, 2
"""renameat2(2), Linux. macOS has the same as RENAME_EXCL (4) and RENAME_SWAP (2) of renamex_np(2); that is untested."""
NOT_HERE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EXDEV}
"""What a file system says that cannot do it: NFS, some FUSE mounts, old kernels."""
_AT_FDCWD = -100


class CannotExchange(Exception):
    """The file system cannot let two names change hands in one step."""


def exchange(one: Path, other: Path) -> None:
    """Let two files change names. Raises CannotExchange; FileNotFoundError and other OSErrors as rename does."""
    _rename(one, other, EXCHANGE)


def rename_if_free(source: Path, target: Path) -> None:
    """Rename, but never over an existing file. Raises CannotExchange, FileExistsError."""
    _rename(source, target, NO_REPLACE)


def _rename(source: Path, target: Path, how: int) -> None:
    call = _system_call()
    if call is None:
        raise CannotExchange
    if sys.platform == "darwin":
        failed = call(os.fsencode(source), os.fsencode(target), 4 if how == NO_REPLACE else how)
    else:
        failed = call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), how)
    if failed:
        number = ctypes.get_errno()
        if number in NOT_HERE:
            raise CannotExchange
        raise OSError(number, os.strerror(number), str(source), None, str(target))


@cache
def _system_call() -> Any:  # noqa: ANN401 - a C function, or None
    library = ctypes.CDLL(None, use_errno=True)
    return getattr(library, "renamex_np" if sys.platform == "darwin" else "renameat2", None)
