"""The console over both databases: is what it keeps of a ledger never older than it may be?"""

from __future__ import annotations

import json
from pathlib import Path

from client_async.console.books import UNSIGNED_SECONDS, Books
from client_async.projects import Place
from starsend.clock import SystemClock
from starsend.orchestrator.execution_store import ExecutionStore
from tests.contract.test_execution_store import QUOTE, intent


def test_what_is_kept_of_a_ledger_is_as_young_as_it_may_be(store_url: str, tmp_path: Path) -> None:
    """A call begins: is it seen at once where a file tells of it, and two seconds later where there is none?"""
    place = Place(tmp_path, "job")
    place.client.mkdir(parents=True)
    place.file.path.write_text(
        '{"sequences": {"S": {"prompt": "p", "shots": [{"prompt": "s", "seconds": 1}]}}}'
    )
    (place.folder / "starsend_config.json").write_text(json.dumps({"store_url": store_url}))
    place.file.take_in()
    store = ExecutionStore(store_url, project="job", project_dir=place.folder, clock=SystemClock())
    try:
        seconds = [0.0]
        books = Books(monotonic=lambda: seconds[0])
        first = books.standing(place)
        assert (first.steps, first.trouble) == ((), "")
        assert books.standing(place) is first
        store.intend(intent(), QUOTE, QUOTE)
        told_by_file = store_url.startswith("sqlite")
        assert len(books.standing(place).steps) == int(told_by_file)
        seconds[0] += UNSIGNED_SECONDS
        assert len(books.standing(place).steps) == 1
        assert books.costs(place).total.calls == 1
    finally:
        store.close()
        place.file.close()
