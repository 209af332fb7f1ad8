"""A project's books as anybody may read them: no lock, no right to write, nothing on disk changes by it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Many
from datetime import date
from decimal import Decimal

import orjson

from client_async.cost_csv import Entry
from client_async.cost_report import Booked, Finished, ProjectCosts, Spend
from client_async.estimates import Basis, Estimate, Rates, estimate, record_of
from client_async.explorer import Deleted
from client_async.journal import bodies_in
from client_async.ledger import cited_by, look_at_store
from client_async.projects import Place
from client_async.sequences import Sequence, check_sequences
from client_async.work_classes import Work, WorkBook
from starsend.config import Settings, load_settings
from starsend.errors import BadInput, UnknownName
from starsend.json_file import read_json
from starsend.orchestrator.records import StepCosts, Take


def costs_of(place: Place, settings: Settings | None = None) -> ProjectCosts:
    """Everything that was booked for a project. Raises StoreUnusable, OtherLedger, JournalUnusable, BadDocument.

    Args:
        settings: the project's, where they are read already.
    """
    sequences = as_kept(place)
    settings = settings or load_settings(place.root, place.folder)
    with look_at_store(place, settings, cited_by(sequences)) as store:
        costs, takes = (store.step_costs(), store.takes()) if store else ([], [])
    booked, house = book_of(sequences, costs)
    return ProjectCosts(place.name, list(sequences), booked, _finished(sequences, takes, house))


def entries_of(place: Place, since: date | None, until: date | None) -> list[Entry]:
    """Every cost event from one day to another, both counted and in UTC; oldest first. Raises as ``costs_of``."""
    sequences = as_kept(place)
    with look_at_store(place, load_settings(place.root, place.folder), cited_by(sequences)) as store:
        events = store.costs() if store else []
    book = WorkBook(sequences, {event.shot_id for event in events})
    entries = (Entry(event, book.owner(event.shot_id), book.work(event)) for event in events)
    first, last = since or date.min, until or date.max
    return [entry for entry in entries if first <= entry.day <= last]


def book_of(sequences: Mapping[str, Sequence], costs: Many[StepCosts]) -> tuple[list[Booked], set[str]]:
    """Costs of steps by sequence, work, vendor and day; and the house line's shots."""
    book = WorkBook(sequences, {cost.shot_id for cost in costs})
    spends: dict[tuple[str, Work, str, str], Spend] = {}
    house = set()
    for cost in costs:
        owner, work = book.owner(cost.shot_id), book.work(cost)
        if work == "house":
            house.add(cost.shot_id)
        key = (owner, work, f"{cost.asked_provider}/{cost.asked_model}", cost.day)
        spends.setdefault(key, Spend()).add(cost)
    return [Booked(*key, spend) for key, spend in spends.items()], house


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
