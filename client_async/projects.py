"""Where projects lie: ``<root>/projects/<name>/``. Paths only, so that every command can afford it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from client_async.sequence_file import SequenceFile
from starsend.errors import BadInput, UnknownName
from starsend.files import NameNotText, is_text


@dataclass(frozen=True)
class Place:
    """One project on disk."""

    root: Path
    name: str

    @property
    def folder(self) -> Path:
        """The project's own folder."""
        return self.root / "projects" / self.name

    @property
    def client(self) -> Path:
        """Where the state of its client sequences lies."""
        return self.folder / "state" / "client"

    @cached_property
    def file(self) -> SequenceFile:
        """The face of the job; one object, for it remembers what it has read."""
        return SequenceFile(self.client / "sequences.json")

    @property
    def picks(self) -> Path:
        """The folder that picks are dropped into."""
        return self.client / "picks"

    def shown(self, path: str | Path) -> str:
        """A path in the project as a person in the root folder would type it."""
        return str(Path("projects") / self.name / path)


def project_names(root: Path) -> list[str]:
    """The projects under ``root``, by name."""
    folder = root / "projects"
    return (
        sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        if folder.is_dir()
        else []
    )


def find_project(root: Path, name: str | None) -> Place:
    """The project called ``name``, or the only one there is.

    Raises:
        UnknownName: no such project; names the nearest. BadInput: none there, or several and none named.
    """
    known = project_names(root)
    if not known:
        raise BadInput(
            "there are no projects here",
            where=str(root / "projects"),
            remedy="run `starsend init NAME`, or set --root",
        )
    if name is None and len(known) > 1:
        raise BadInput(
            f"there are {len(known)} projects: {', '.join(known)}", remedy="say which with --project NAME"
        )
    if name is not None and name not in known:
        raise UnknownName("project", name, known, where=str(root / "projects"))
    return place_of(root, name or known[0])


def place_of(root: Path, name: str) -> Place:
    """The project in one of the folders that ``project_names`` lists. Raises NameNotText."""
    place = Place(root, name)
    if not is_text(name):
        raise NameNotText(place.folder)
    return place
