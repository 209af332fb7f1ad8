"""Does what was paid for come home, though nobody asks for it any more?"""

from __future__ import annotations

import json
import sys
import threading
from decimal import Decimal
from typing import Any

import anyio
import pytest

from client_async import leftover_rounds
from client_async.accounts import costs_of
from client_async.dispatcher import Dispatcher
from client_async.project_at_work import ProjectAtWork
from client_async.wiring import make_executor
from tests.unit.studio import PRICES, Studio

pytestmark = pytest.mark.anyio

CHANGES: list[dict[str, Any]] = [
    {"deleted": True},
    {"regrid": True},
    {"shots": [{"prompt": "gulls rise", "seconds": 0.25}]},
]


@pytest.fixture
async def left(explored: Studio) -> Studio:
    """A studio whose paid take was left at the vendor: it was not ready within the patience of the run."""
    explored.close()
    config = {
        "image": {"size": "1K"},
        "video": {"resolution": "360p"},
        "retry": {"poll_seconds": 0.01, "poll_limit_seconds": 0.001},
        "animatic": {"misbehave": {"SEQ01": ["late"]}, "late_polls": 2},
        "prices": PRICES,
    }
    file = explored.place.folder / "starsend_config.json"
    file.write_text(json.dumps(config))
    await explored.wish(selected_cell=2)
    assert [step.state for step in explored.shop.store.open_steps()] == ["submitted"]
    # Ready, for a run that comes later.
    file.write_text(json.dumps({**config, "animatic": {"late_polls": 1}}))
    return explored


def is_settled(studio: Studio) -> bool:
    """Whether nothing is open and every billed call is booked."""
    report = costs_of(studio.place)
    takes = studio.shop.store.takes()
    billed = sum(Decimal(take.media.seconds or 0) * Decimal("0.1") or Decimal("0.05") for take in takes)
    return (
        not studio.shop.store.open_steps()
        and len(takes) == len(studio.bill)
        and report.total.actual == billed
        and all((studio.place.folder / take.media.path).is_file() for take in takes)
    )


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
async def test_a_command_brings_home_what_the_brief_does_not_want_any_more(
    left: Studio, change: dict[str, Any]
) -> None:
    """Deleted, redrawn or reworded: does a take that was paid for end in the ledger and among the takes?"""
    left.edit(**change)
    command = [
        sys.executable,
        "-m",
        "client_async.client_generate",
        "--root",
        str(left.place.root),
        "generate",
    ]
    said = await anyio.run_process(command, check=False)
    assert is_settled(left), said


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
async def test_a_daemon_brings_it_home_too(
    left: Studio, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of its own accord, once it drives the project?"""
    monkeypatch.setattr(leftover_rounds, "COLLECT_SECONDS", 0.01)
    left.edit(**change)
    executor = make_executor(left.shop.settings)
    async with anyio.create_task_group() as group:
        project = await ProjectAtWork.open(
            left.place,
            address="",
            executor=executor,
            dispatcher=Dispatcher(group, executor.slots),
            group=group,
            emit=lambda _event: None,
            stop=threading.Event(),
        )
        await project.look()
        with anyio.fail_after(60):
            while not is_settled(left):
                await anyio.sleep(0.01)
        await project.close()
        group.cancel_scope.cancel()


async def test_a_step_that_somebody_works_on_is_left_alone(left: Studio) -> None:
    """Do two workers never meet on one step?"""
    store, steps = left.shop.store, left.shop.steps
    [step] = store.open_steps()
    with store.hold("SEQ01", threading.Event()):
        assert steps.left_behind() == []
        steps.bring_home(step)
        assert store.open_steps() == [step]
    steps.bring_home(step)
    steps.bring_home(step)
    assert is_settled(left)
