"""``sequences.json``: read, change, commit. The only writer of that file.

Plain JSON here, no models: the command line's ``pick`` and ``status`` go through this door in milliseconds, and a
change of one field must not be held up by a fault somewhere else in the document. Unknown fields are kept as they are.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import orjson

from starsend.errors import BadInput, UnknownName
from starsend.files import rename_durably, write_durably
from starsend.json_file import read_json

SCHEMA = "starsend.sequences/1"
T = TypeVar("T")
Document = dict[str, Any]


class BadShape(BadInput):
    """The document is JSON but not a document of sequences."""

    def __init__(self, path: Path, field: str, what: str) -> None:
        super().__init__(what, where=f"{path}: {field}", remedy="mend it and run again; nothing was changed")


class SequenceFile:
    """One project's ``state/client/sequences.json``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Document:
        """The whole document as it stands. Raises MissingFile, BrokenJson, BadShape."""
        document = read_json(
            self.path, what="brief", remedy="run `starsend init` or put a sequences.json here"
        )
        schema = document.get("_starsend", {})
        if not isinstance(schema, dict) or schema.get("schema", SCHEMA) != SCHEMA:
            raise BadShape(self.path, "_starsend.schema", f"this Starsend reads {SCHEMA!r}")
        revision = schema.get("revision", 0)
        if isinstance(revision, bool) or not isinstance(revision, int):
            raise BadShape(
                self.path, "_starsend.revision", f"a whole number is needed, this is {revision!r:.40}"
            )
        sequences = document.get("sequences")
        if not isinstance(sequences, dict):
            raise BadShape(self.path, "sequences", 'an object {"SEQ01": {...}} is needed')
        for name, sequence in sequences.items():
            if not isinstance(sequence, dict):
                raise BadShape(
                    self.path, f"sequences.{name}", f"an object is needed, this is {sequence!r:.40}"
                )
        return document

    def change(self, edit: Callable[[Document], T]) -> T:
        """Read, let ``edit`` change the document in place, write it durably if it differs, and return edit's answer.

        Our own processes and threads take turns. Should somebody else save the file between our reading and our
        writing, it is read again and ``edit`` is asked again, so it must depend on the document alone.
        """
        with self._alone():
            while True:
                seen = _identity(self.path)
                document = self.read()
                before = self._encoded(document)
                answer = edit(document)
                if self._encoded(document) == before:
                    return answer
                head = document.setdefault("_starsend", {})
                head["schema"] = SCHEMA
                head["revision"] = head.get("revision", 0) + 1
                encoded = self._encoded(document, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
                if self._replaced(seen, encoded):
                    return answer

    def _replaced(self, seen: tuple[int, int, int], encoded: bytes) -> bool:
        """Put ``encoded`` in the file's place, unless somebody has saved it since it was ``seen``."""
        target = Path(os.path.realpath(self.path))  # a link stays one
        ready = target.with_name(f".{target.name}.new")
        try:
            mode = stat.S_IMODE(target.stat().st_mode)
        except FileNotFoundError:
            return False
        try:
            write_durably(ready, encoded, mode=mode)
            # Looked at last: syncing takes milliseconds in which people save, renaming takes microseconds.
            if _identity(self.path) != seen:
                return False
            rename_durably(ready, target)
            return True
        finally:
            ready.unlink(missing_ok=True)

    def _encoded(self, document: Document, option: int = 0) -> bytes:
        try:
            return orjson.dumps(document, option=option)
        except orjson.JSONEncodeError as wrong:  # whole numbers past 64 bits, nesting past 250 levels
            raise BadShape(self.path, "somewhere", f"it cannot be written again ({wrong})") from wrong

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Beside the file, not on it: the file itself is replaced on every write.
        try:
            lock = self.path.with_name(".sequences.lock").open("wb")
        except OSError as refused:
            raise BadInput(
                f"cannot be locked ({refused.strerror})", where=str(self.path), remedy="check the folder"
            ) from refused
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def sequence_in(document: Document, name: str, path: Path) -> dict[str, Any]:
    """The raw sequence called ``name``. Raises UnknownName, with the nearest one."""
    sequences: dict[str, dict[str, Any]] = document["sequences"]
    if name not in sequences:
        raise UnknownName("sequence", name, sequences, where=str(path))
    return sequences[name]


def _identity(path: Path) -> tuple[int, int, int]:
    """What tells one save from the next: a rename changes the inode, an edit in place the time or the size."""
    try:
        found = os.stat(path)  # noqa: PTH116 - one system call, no object
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
