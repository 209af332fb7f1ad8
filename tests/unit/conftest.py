"""A studio of one sequence, made and closed for each test that asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.conftest import ManualClock
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
