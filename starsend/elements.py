"""Elements: characters, props and locations, each with its reference pictures. Prompts name them: ``@mara``.

An element is a folder ``projects/<p>/elements/<name>/`` with ``element.json`` and its pictures beside it::

    {"kind": "character", "name": "Mara", "description": "a fisher in her sixties, yellow oilskin"}

``references`` may list the pictures and their order; without it every picture in the folder is taken, by name.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from starsend.api_client import Reference
from starsend.documents import Section, parse_document
from starsend.errors import BadInput, UnknownName
from starsend.files import sha256_of
from starsend.json_file import read_json
from starsend.tools.image_utils import open_picture

PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
MENTION = re.compile(r"(?<![\w@.])@([^\W\d_][\w-]*)")
"""``@mara`` or ``@Élodie``, but not the ``@`` of a mail address."""
_ONE_AT_A_TIME = threading.Lock()


class ElementFile(Section):
    """``element.json``."""

    schema_: str | None = Field(default=None, alias="$schema")
    kind: Literal["character", "prop", "location"]
    name: str = Field(default="", description="As it is called in prompts; the folder's name otherwise.")
    description: str = Field(
        min_length=1, description="What the model must know to draw it the same every time."
    )
    references: list[str] | None = Field(default=None, description="Picture files beside this one, in order.")


@dataclass(frozen=True, slots=True)
class Element:
    """A character, prop or location. ``key`` is what prompts call it, without the ``@``."""

    key: str
    kind: str
    name: str
    description: str
    references: tuple[Path, ...]


class SameName(BadInput):
    """Two elements cannot be told apart in a prompt."""

    def __init__(self, one: Path, other: Path) -> None:
        super().__init__(
            f"@{one.name} and @{other.name} are one name in a prompt",
            where=str(other),
            remedy="rename one of the folders",
        )


class MissingReference(BadInput):
    """An element lists a picture that is not there."""

    def __init__(self, where: Path, picture: str) -> None:
        super().__init__(
            f"the reference picture {picture!r} is missing",
            where=str(where),
            remedy="put the file there or take it off the list",
        )


@dataclass(frozen=True, slots=True)
class Cast:
    """Prompts with their mentions spelt out and described, and the reference pictures to send with them."""

    prompts: tuple[str, ...]
    references: tuple[Reference, ...]


class Elements:
    """The elements of one project, by key (case does not matter)."""

    def __init__(self, by_key: Mapping[str, Element], folder: Path) -> None:
        self._by_key = dict(by_key)
        self._folder = folder

    @classmethod
    def load(cls, folder: Path) -> Elements:
        """Read every element under ``folder``; an absent folder holds none.

        Raises:
            BadDocument, MissingReference: an element is not as it should be.
            SameName: two folders differ in case alone.
        """
        found: dict[str, Path] = {}
        for path in sorted(folder.glob("*/element.json")) if folder.is_dir() else []:
            key = _key(path.parent.name)
            if key in found:
                raise SameName(found[key].parent, path.parent)
            found[key] = path
        return cls({key: _read(path) for key, path in found.items()}, folder)

    def __iter__(self) -> Iterator[Element]:
        return iter(self._by_key.values())

    def get(self, key: str, *, where: str = "") -> Element:
        """The element called ``key``. Raises UnknownName, which lists the known ones and the nearest."""
        try:
            return self._by_key[_key(key)]
        except KeyError:
            place = where or str(self._folder)
            if where and not self._by_key:
                place = f"{where} ({self._folder})"
            raise UnknownName("element", f"@{key}", [f"@{k}" for k in self._by_key], where=place) from None

    def cast(self, prompts: Iterable[str], listed: Iterable[str] = (), *, where: str = "") -> Cast:
        """``prompts`` for a model: each element is described once, where it is first called on.

        Args:
            listed: keys that go along from the first prompt on, whether it mentions them or not.
            where: named in errors, e.g. ``SEQ01``.

        Raises:
            UnknownName: a mention that is no element.
            BadPicture, MissingReference: a reference that cannot be sent; nothing has been.
        """
        described: dict[str, Element] = {}
        references: list[Reference] = []
        spelt = []
        for prompt in (unicodedata.normalize("NFC", written) for written in prompts):
            lines = [MENTION.sub(lambda m: self.get(m[1], where=where).name, prompt)]
            for key in [*listed, *MENTION.findall(prompt)]:
                element = self.get(key, where=where)
                if element.key not in described:
                    described[element.key] = element
                    lines.append(_describe(element, len(references)))
                    references += [reference_to(path, element.name) for path in element.references]
            spelt.append("\n".join(lines))
        return Cast(tuple(spelt), tuple(references))


def _key(name: str) -> str:
    """As names are compared: whatever their case, and however a file system composes their accents."""
    return unicodedata.normalize("NFC", name).casefold()


def _describe(element: Element, before: int) -> str:
    numbers = ", ".join(str(before + 1 + i) for i in range(len(element.references)))
    shown = f" (reference picture {numbers})" if numbers else ""
    return f"{element.name} is a {element.kind}{shown}: {element.description}."


def reference_to(path: Path, name: str) -> Reference:
    """A picture to send along, checked to be one. Raises BadPicture, or MissingReference when it is not there."""
    if not path.is_file():
        raise MissingReference(path.parent, path.name)
    found = path.stat()
    # A hundred sequences that begin at once decode what they share once, not a hundred times.
    with _ONE_AT_A_TIME:
        digest = _checked(path, (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size))
    return Reference(name=name, path=path, sha256=digest)


@lru_cache(maxsize=1024)
def _checked(path: Path, _identity: tuple[int, ...]) -> str:
    """The SHA-256 of a picture that can be opened; remembered until the file changes. Raises BadPicture."""
    open_picture(path)
    return sha256_of(path)


def _read(path: Path) -> Element:
    described = parse_document(ElementFile, read_json(path), path)
    folder = path.parent
    listed = described.references
    if listed is None:
        # A Mac leaves ._mara.png beside mara.png on a foreign disk; it is no picture.
        pictures = sorted(
            p for p in folder.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith(".")
        )
    else:
        pictures = [folder / name for name in listed]
        for picture in pictures:
            if not picture.is_file():
                raise MissingReference(path, picture.name)
    key = _key(folder.name)
    return Element(
        key, described.kind, described.name or folder.name, described.description.rstrip("."), tuple(pictures)
    )
