"""One error tree. Every message is one readable line: where, what was wrong, what to do.

The class writes the message from the facts it is given, so a caller never formats prose and two places
never describe one fault differently. ``exit_code`` is what the command line returns for it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class StarsendError(Exception):
    """Base of every error Starsend raises on purpose.

    Args:
        what: what was wrong, no full stop.
        where: the file, JSON path, sequence or step it is about; may be empty.
        remedy: what the reader does next; may be empty.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        line = f"{where}: {what}" if where else what
        if remedy:
            stop = "" if line.endswith(("?", ".", "!")) else "."
            line = f"{line}{stop} {remedy[0].upper()}{remedy[1:]}"
        super().__init__(" ".join(line.split()))


class BadInput(StarsendError):
    """Something a person wrote or named is wrong; nothing was changed and nothing was paid."""

    exit_code = 2


class UnknownName(BadInput):
    """A name that is not among the known ones; says which are, and which is nearest."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "") -> None:
        names = sorted(known)
        near = nearest(name, names)
        listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        hint = f"did you mean {near}? " if near else ""
        super().__init__(
            f"unknown {kind} {name!r}",
            where=where,
            remedy=f"{hint}known: {listed}" if names else f"there is no {kind} here yet",
        )


class WaitsForPerson(StarsendError):
    """The work cannot go on until somebody decides something."""

    exit_code = 3


def innermost(error: BaseException) -> BaseException:
    """The error itself, or the first one that a group of a task group holds: its words are what a person can use."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` was most likely meant to be, or None when nothing is close."""
    by_fold = {k.casefold(): k for k in known}
    match = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[match[0]] if match else None
