"""What a saved ``sequences.json`` says: its shape, the revision it names, and its sequences, one at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from client_async.ownership import SCHEMA, Raw, exact, spelt
from client_async.whole_file import Contents
from starsend.errors import BadInput
from starsend.json_file import MEND, parse_json
from starsend.json_lines import line_of


class BadShape(BadInput):
    """The document is JSON but not a document of sequences."""

    def __init__(self, path: Path, data: bytes, loc: tuple[str, ...], what: str) -> None:
        where = f"{path}:{line_of(data.decode('utf-8-sig'), loc)}" + (f": {'.'.join(loc)}" if loc else "")
        super().__init__(what, where=where, remedy=MEND)


@dataclass(slots=True)
class SavedFile:
    """A document of sequences as somebody saved it.

    ``named``: the revision that it says it was made from. ``sequences``: each as JSON; the very bytes that are kept, where
    it says the same. ``beside``: what lies beside the sequences. ``saved``: seconds since the epoch, by its writer's clock.
    """

    path: Path
    data: bytes
    owner: str
    saved: float
    named: int | None
    sequences: dict[str, bytes]
    beside: Raw

    @classmethod
    def read(cls, contents: Contents, path: Path, kept: Mapping[str, bytes]) -> SavedFile:
        """Read a file beside the sequences that are ``kept``; ten thousand are never there as objects all at once.

        Raises BrokenJson, BadShape.
        """

        def pack(name: str, raw: Any) -> Any:  # noqa: ANN401 - any JSON
            if not isinstance(raw, dict):
                return raw
            body, known = spelt(raw), kept.get(name)
            return known if body == known else exact(body)

        try:
            document = parse_json(contents.data, path, inside="sequences", pack=pack)
        except orjson.JSONEncodeError as wrong:
            raise unwritable(path, contents.data, wrong) from wrong
        named, sequences = _shape(document, contents.data, path)
        beside = {key: value for key, value in document.items() if key not in ("_starsend", "sequences")}
        saved = contents.identity.mtime_ns / 1e9
        return cls(path, contents.data, contents.owner, saved, named, sequences, beside)

    def bad_revision(self, what: str) -> BadShape:
        """The revision that it names is no good."""
        return BadShape(self.path, self.data, ("_starsend", "revision"), what)

    def check(self, sequences: Mapping[str, Raw]) -> None:
        """Whether each is a sequence. Raises BadDocument with line and JSON path."""
        # Models cost 150 ms of start-up; without an edit nobody needs them.
        from client_async.sequences import check_sequences

        try:
            check_sequences(sequences, self.path)
        except BadInput:  # told again, with the line: the text of a large file is made only for that
            check_sequences(sequences, self.path, self.data.decode("utf-8-sig"))
            raise

    def check_names(self, new: Collection[str], names: Collection[str]) -> None:
        """Whether ``new`` sequences may have their names among all ``names``. Raises BadDocument with line and JSON path."""
        from client_async.sequences import check_names
        from starsend.documents import BadDocument

        try:
            check_names(new, names, self.path)
        except BadDocument as wrong:
            name = wrong.faults[0][0].removeprefix("sequences.")
            line = line_of(self.data.decode("utf-8-sig"), ("sequences", name))
            raise BadDocument(self.path, wrong.faults, line=line) from wrong


def unwritable(path: Path, data: bytes, wrong: orjson.JSONEncodeError) -> BadShape:
    """JSON that can be read and not written: whole numbers past 64 bits, nesting past 250 levels."""
    return BadShape(path, data, (), f"it cannot be written again ({wrong})")


def _shape(document: Raw, data: bytes, path: Path) -> tuple[int | None, dict[str, bytes]]:
    """The revision that the document names, and its sequences, packed. Raises BadShape."""
    head = document.get("_starsend", {})
    if not isinstance(head, dict) or head.get("schema", SCHEMA) != SCHEMA:
        raise BadShape(path, data, ("_starsend", "schema"), f"this Starsend reads {SCHEMA!r}")
    named = head.get("revision")
    if named is not None and (isinstance(named, bool) or not isinstance(named, int) or named < 0):
        what = f"a whole number is needed, this is {named!r:.40}; take the line out if you do not know it"
        raise BadShape(path, data, ("_starsend", "revision"), what)
    sequences = document.get("sequences")
    if not isinstance(sequences, dict):
        raise BadShape(path, data, ("sequences",), 'an object {"SEQ01": {...}} is needed')
    for name, sequence in sequences.items():
        if not isinstance(sequence, bytes):
            what = f"an object is needed, this is {sequence!r:.40}"
            raise BadShape(path, data, ("sequences", name), what)
    return named, sequences
