"""What tests ask for: a studio, a document at a desk, a drop folder, a house of daemons; closed after each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest

from tests.conftest import ManualClock
from tests.standins.gemini_wire import KEY, GeminiWire
from tests.unit.daemon_house import DaemonHouse
from tests.unit.desk import Desk
from tests.unit.drop import Drop
from tests.unit.studio import Studio


@pytest.fixture
async def studio(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Studio]:
    async with anyio.create_task_group() as group:
        made = Studio(tmp_path, clock, group)
        made.misbehave()
        yield made
        group.cancel_scope.cancel()
        made.close()


@pytest.fixture
async def explored(studio: Studio) -> AsyncIterator[Studio]:
    """A studio whose sequence waits for a pick."""
    assert await studio.advance() is None
    yield studio


@pytest.fixture
def house(tmp_path: Path) -> Iterator[DaemonHouse]:
    """A root folder; whatever daemons are still running over it at the end are killed."""
    made = DaemonHouse(tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


@pytest.fixture
def drop(project_dir: Path) -> Drop:
    return Drop(project_dir)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.file.close()


@pytest.fixture
def gemini_wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[GeminiWire]:
    """A stand-in for Gemini, and its key in the environment, where no proxy stands between."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    with GeminiWire() as stand_in:
        assert isinstance(stand_in, GeminiWire)
        yield stand_in
