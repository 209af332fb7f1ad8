"""A draft of the sequences: what one commit reads and changes, before anything is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from client_async.ownership import Raw, spelt
from starsend.errors import BadInput, UnknownName


class Draft:
    """The sequences as they stand. One that is looked at may be changed in place.

    Args:
        bodies: each sequence's JSON by name.
        path: named in errors.
    """

    def __init__(self, bodies: Mapping[str, bytes], path: Path) -> None:
        self._bodies = bodies
        self._opened: dict[str, Raw] = {}
        self.path = path

    def __contains__(self, name: object) -> bool:
        return name in self._bodies or name in self._opened

    def __iter__(self) -> Iterator[str]:
        yield from self._bodies
        yield from (name for name in self._opened if name not in self._bodies)

    def __getitem__(self, name: str) -> Raw:
        """The sequence called ``name``, to be changed in place. Raises UnknownName, with the nearest one."""
        if name not in self._opened:
            if name not in self._bodies:
                raise UnknownName("sequence", name, self, where=str(self.path))
            self._opened[name] = orjson.loads(self._bodies[name])
        return self._opened[name]

    def add(self, name: str) -> Raw:
        """A new, empty sequence."""
        return self._opened.setdefault(name, {})

    def changed(self) -> dict[str, bytes]:
        """What differs from before, as JSON. Raises BadInput for a value that JSON cannot hold."""
        found = {}
        for name, raw in self._opened.items():
            try:
                body = spelt(raw)
            except orjson.JSONEncodeError as wrong:  # whole numbers past 64 bits, nesting past 250 levels
                where = f"{self.path}: sequences.{name}"
                raise BadInput(
                    f"it cannot be written again ({wrong})", where=where, remedy="mend it and save it again"
                ) from wrong
            if body != self._bodies.get(name):
                found[name] = body
        return found
