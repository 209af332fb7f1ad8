"""Opening a project's ledger: under the name it was begun with, and only where it is the one the documents cite."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from client_async.projects import Place, project_names
from client_async.sequences import Sequence
from starsend.clock import Clock, SystemClock
from starsend.config import Settings
from starsend.errors import BadInput, StarsendError
from starsend.files import CannotWrite, write_durably
from starsend.orchestrator.database import OtherLedger
from starsend.orchestrator.execution_store import ExecutionStore

USUAL = "sqlite:///state/execution.db"


class NameTaken(BadInput):
    """Two folders would book into the same rows of one database."""

    def __init__(self, place: Place, name: str, other: str) -> None:
        super().__init__(
            f"the ledger knows {other} by the name {name!r} already",
            where=place.shown(""),
            remedy="two projects cannot share their books: rename this folder if it is a new project, move it out if it is a copy",
        )


@contextmanager
def open_store(place: Place, settings: Settings, clock: Clock) -> Iterator[ExecutionStore]:
    """The project's ledger, closed when the block ends. Raises StoreUnusable, OtherLedger, NameTaken."""
    url, file = ledger_at(place, settings)
    cited = _cited_takes(place)
    if cited and file is not None and not file.exists():
        raise OtherLedger(str(file), "there is none, and the documents cite its takes")
    own = file is not None and file.is_relative_to(place.folder.resolve())
    name = _ledger_name(place, own=own)
    store = ExecutionStore(url, project=name, project_dir=place.folder, clock=clock)
    try:
        _check_known(cited, store, str(file or name))
        yield store
    finally:
        store.close()


@contextmanager
def look_at_store(place: Place, settings: Settings, cited: Set[str]) -> Iterator[ExecutionStore | None]:
    """As ``open_store``, for reading: needs no right to write, and changes nothing on disk. None where there is no ledger yet.

    Args:
        cited: ids of the takes that the documents cite: ``cited_by`` or ``cited_in``.
    """
    url, file = ledger_at(place, settings)
    if file is not None and not file.exists():
        if cited:
            raise OtherLedger(str(file), "there is none, and the documents cite its takes")
        yield None
        return
    own = file is not None and file.is_relative_to(place.folder.resolve())
    name = _ledger_name(place, own=own, keep=False)
    store = ExecutionStore(url, project=name, project_dir=place.folder, clock=SystemClock(), read_only=True)
    try:
        _check_known(cited, store, str(file or name))
        yield store
    finally:
        store.close()


def cited_by(sequences: Mapping[str, Sequence]) -> set[str]:
    """Ids of all takes that some sequences cite."""
    grids = {take for s in sequences.values() for grid in s.grid_history for take in grid.takes}
    return grids | {part for s in sequences.values() for take in s.take_history for part in take.takes}


def cited_in(documents: Iterable[Mapping[str, Any]]) -> set[str]:
    """The same of raw documents, of which no model is built. What somebody has mangled by hand is told by whoever works on it."""
    cited: set[str] = set()
    for raw in documents:
        with contextlib.suppress(AttributeError, TypeError, KeyError):
            cited.update(_takes_of(raw))
    return cited


def _check_known(cited: Set[str], store: ExecutionStore, where: str) -> None:
    if unknown := cited - store.take_ids():
        raise OtherLedger(where, f"it knows nothing of {min(unknown)}, which the documents cite")


def ledger_at(place: Place, settings: Settings) -> tuple[str, Path | None]:
    """The ledger's URL, and its file where it is one."""
    url = settings.store_url or USUAL
    if not url.startswith("sqlite:///"):
        return url, None
    # A relative path is the project's, whatever folder the command runs in.
    folder, path = place.folder.resolve(), url.removeprefix("sqlite:///")
    if Path(path).is_absolute():
        return url, Path(path)
    # In a URL, a folder called "%41" would be the one called "A", and "?" the end of the path.
    escaped = str(folder).replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{escaped}/{path}", folder / path


def _ledger_name(place: Place, *, own: bool, keep: bool = True) -> str:
    """What the project is called in its ledger: as its folder was when it was begun, whatever it is called by now."""
    kept = _kept_name(place)
    name = kept or place.name
    if not own and (kept is None or kept != place.name):
        for other in project_names(place.root):
            if other != place.name and _kept_name(Place(place.root, other)) == name:
                raise NameTaken(place, name, other)
    if kept is None and keep:
        try:
            write_durably(_name_file(place), f"{name}\n".encode())
        except CannotWrite:
            if _kept_name(place) is None:  # else another process was faster
                raise
    return name


def _kept_name(place: Place) -> str | None:
    try:
        return _name_file(place).read_text().strip() or None
    except FileNotFoundError:
        return None


def _name_file(place: Place) -> Path:
    return place.folder / "state" / "ledger-name"


def _cited_takes(place: Place) -> set[str]:
    """Ids of all takes that the documents of a project cite."""
    # A brief that cannot be read yet cites nothing, and says so elsewhere.
    with contextlib.suppress(StarsendError):
        place.file.check_known()
    return cited_in(orjson.loads(place.file.body(name)) for name in place.file.names())


def _takes_of(raw: Mapping[str, Any]) -> Iterator[str]:
    for grid in raw.get("grid_history") or ():
        yield from grid.get("takes") or ()
    for take in raw.get("take_history") or ():
        yield take["take"]
        yield from (part["take"] for part in take.get("parts") or ())
