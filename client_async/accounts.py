"""A project's books as anybody may read them: no lock, no right to write, nothing on disk changes by it."""

from __future__ import annotations

from collections.abc import Sequence as Many
from decimal import Decimal

import orjson

from client_async.cost_report import Booked, Finished, ProjectCosts, Spend
from client_async.estimates import Basis, Estimate, Rates, estimate, record_of
from client_async.explorer import Deleted
from client_async.journal import bodies_in
from client_async.ledger import cited_by, look_at_store
from client_async.projects import Place
from client_async.sequences import Sequence, check_sequences
from client_async.work_classes import WorkBook
from starsend.config import Settings, load_settings
from starsend.errors import BadInput, UnknownName
from starsend.json_file import read_json
from starsend.orchestrator.records import Take


def costs_of(place: Place) -> ProjectCosts:
    """Everything that was booked for a project. Raises StoreUnusable, OtherLedger, JournalUnusable, BadDocument."""
    sequences = as_kept(place)
    with look_at_store(place, load_settings(place.root, place.folder), cited_by(sequences)) as store:
        events, takes = (store.costs(), store.takes()) if store else ([], [])
    book = WorkBook(sequences, {event.shot_id for event in events})
    booked = [Booked(event, book.owner(event.shot_id), book.work(event)) for event in events]
    house = {one.event.shot_id for one in booked if one.work == "house"}
    return ProjectCosts(place.name, list(sequences), booked, _finished(sequences, takes, house))


def estimates_of(
    place: Place, names: Many[str], rates: Rates, settings: Settings
) -> tuple[list[Estimate], Basis]:
    """What is to come for the named sequences, or all, as ``sequences.json`` is at this moment; and what that is reckoned with.

    Raises as ``costs_of``, and MissingFile, UnknownName, Deleted.
    """
    sequences = check_sequences(_raw(read_json(place.file.path, what="brief"), place), place.file.path)
    for name in names:
        if name not in sequences:
            raise UnknownName("sequence", name, sequences, where=str(place.file.path))
        if sequences[name].deleted:
            raise Deleted(name)
    spends = costs_of(place).by("sequence")
    basis = Basis(rates, record_of(sequences.values()), settings.grid.attempts)
    wanted = names or [name for name, sequence in sequences.items() if not sequence.deleted]
    found = []
    for name in dict.fromkeys(wanted):
        spend = spends.get(name, Spend())
        found.append(estimate(name, sequences[name], basis, spent=spend.actual + spend.possible))
    return found, basis


def as_kept(place: Place) -> dict[str, Sequence]:
    """The sequences as the journal has them, for nobody's typo hides what was spent; of a project that never ran, its brief."""
    path = place.file.path
    try:
        raw = {name: orjson.loads(body) for name, body in bodies_in(path.with_name("journal.db")).items()}
    except FileNotFoundError:
        raw = {}
    if not raw and path.exists():
        raw = _raw(read_json(path, what="brief"), place)
    return check_sequences(raw, path)


def _raw(document: dict[str, object], place: Place) -> dict[str, dict[str, object]]:
    sequences = document.get("sequences")
    if not isinstance(sequences, dict) or not all(isinstance(raw, dict) for raw in sequences.values()):
        raise BadInput("this is no brief", where=str(place.file.path), remedy="docs/guide.md shows one")
    return sequences


def _finished(sequences: dict[str, Sequence], takes: list[Take], house: set[str]) -> Finished:
    current = {take for s in sequences.values() if s.take and not s.deleted for take in s.take.takes}
    latest = {take.shot_id: take.take_id for take in takes if take.shot_id in house}  # oldest first
    wanted = current | set(latest.values())
    lengths = [take.media.seconds for take in takes if take.take_id in wanted and take.media.seconds]
    return Finished(len(lengths), sum(lengths, Decimal(0)))
