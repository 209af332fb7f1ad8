"""Does a picture of Gemini's land whole, and is what it cost booked as the vendor counts it?"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
import structlog
from PIL import Image

from starsend.config import Settings
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.media_check import BrokenMedia
from starsend.orchestrator.step_faults import BudgetExceeded
from starsend.orchestrator.step_runner import StepRunner
from starsend.providers import gemini
from starsend.sections import BudgetSettings, ImageSettings
from tests.conftest import ManualClock
from tests.standins.gemini_wire import GeminiWire, answered, inline
from tests.standins.vendor import Vendor, png
from tests.unit.gemini_house import MODEL, opened


@pytest.fixture
def store(project_dir: Path, clock: ManualClock) -> Iterator[ExecutionStore]:
    url = f"sqlite:///{project_dir / 'state' / 'execution.db'}"
    made = ExecutionStore(url, project="job", project_dir=project_dir, clock=clock)
    yield made
    made.close()


def runner(store: ExecutionStore, url: str, clock: ManualClock, **caps: Decimal) -> StepRunner:
    settings = Settings(image=ImageSettings(provider="gemini", model=MODEL), budget=BudgetSettings(**caps))
    return StepRunner(store, images=opened(url), videos=Vendor(), settings=settings, clock=clock)


def test_a_keyframe_lands_and_costs_what_its_tokens_cost(
    gemini_wire: GeminiWire, store: ExecutionStore, clock: ManualClock
) -> None:
    """Are MIME type and size read from the bytes, and is the vendor's count booked in place of the quote?"""
    body = answered([inline(png((100, 60)), "image/jpeg")], tokens=1290)
    gemini_wire.answers.append(body)
    steps = runner(store, gemini_wire.url, clock)
    take = steps.execute_keyframe("S_grid", "a harbour", aspect_ratio="16:9", size="1K")
    assert (take.media.mime, take.media.width, take.media.height) == ("image/png", 100, 60)
    with (
        Image.open(store.project_dir / take.media.path) as landed,
        Image.open(io.BytesIO(png((100, 60)))) as sent,
    ):
        assert landed.tobytes() == sent.tobytes()
    actual = [event for event in store.costs() if event.kind == "actual"]
    assert [(e.unit, e.units, e.unit_price, e.amount) for e in actual] == [
        ("token", Decimal(1290), Decimal("0.00003"), Decimal("0.038700"))
    ]
    assert store.spent()["estimated"] == Decimal("0.033600")
    assert steps.execute_keyframe("S_grid", "a harbour", aspect_ratio="16:9", size="1K") == take
    assert len(gemini_wire.bill) == 1


@pytest.mark.parametrize("data", [png(), b"no picture"], ids=["whole", "broken"])
def test_a_count_that_passes_the_cap_is_booked_and_the_next_call_is_not_sent(
    gemini_wire: GeminiWire, store: ExecutionStore, clock: ManualClock, data: bytes
) -> None:
    """More tokens than were reserved for: are they booked whole and told with both figures, and is nothing sent after them?"""
    gemini_wire.answers.append(answered([inline(data)], tokens=3780))
    steps = runner(store, gemini_wire.url, clock, project=Decimal("0.10"))
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as logs, suppress(BrokenMedia):
        steps.execute_keyframe("S_grid", "a harbour", aspect_ratio="16:9", size="1K")
    [told] = [entry for entry in logs if entry["event"] == "cost_above_estimate"]
    assert (told["cost"], told["reserved"], told["log_level"]) == ("0.113400", "0.033600", "warning")
    assert store.spent()["actual"] == Decimal("0.1134")
    with pytest.raises(BudgetExceeded, match=r"\$0\.1134 is spent"):
        steps.execute_keyframe("S_grid", "a harbour", aspect_ratio="16:9", size="1K", attempt=2)
    assert len(gemini_wire.bill) == 1


def test_an_answer_that_counts_nothing_costs_the_quote(
    gemini_wire: GeminiWire, store: ExecutionStore, clock: ManualClock
) -> None:
    """Is the price of a picture booked where the vendor's count is missing or odd?"""
    gemini_wire.answers += [
        answered([inline(png())]),
        {**answered([inline(png())]), "usageMetadata": {"candidatesTokensDetails": "?"}},
    ]
    for attempt in (1, 2):
        runner(store, gemini_wire.url, clock).execute_keyframe(
            "S_grid", "p", aspect_ratio="16:9", size="2K", attempt=attempt
        )
    assert [(e.unit, e.amount) for e in store.costs() if e.kind == "actual"] == [
        ("image", Decimal("0.0504"))
    ] * 2


@pytest.mark.parametrize("data", ["%%% no base64 %%%", base64.b64encode(b"no picture").decode()])
def test_bytes_that_are_no_picture_are_kept_and_booked(
    gemini_wire: GeminiWire, store: ExecutionStore, clock: ManualClock, data: str
) -> None:
    """Is a broken picture paid for, said to be broken, and left for people to look at?"""
    body = answered([{"inlineData": {"mimeType": "image/png", "data": data}}], tokens=1120)
    gemini_wire.answers.append(body)
    with pytest.raises(BrokenMedia):
        runner(store, gemini_wire.url, clock).execute_keyframe("S_grid", "p", aspect_ratio="1:1", size="1K")
    (kept,) = store.project_dir.rglob("*.broken")
    assert kept.read_bytes() in (data.encode(), b"no picture")
    assert store.spent()["actual"] == Decimal("0.0336")


def test_what_is_not_sent_costs_nothing(
    gemini_wire: GeminiWire, store: ExecutionStore, clock: ManualClock
) -> None:
    """Is a ratio that Gemini does not draw refused without a charge that may be?"""
    with pytest.raises(gemini.NotAsked):
        runner(store, gemini_wire.url, clock).execute_keyframe("S_grid", "p", aspect_ratio="5:7", size="1K")
    assert store.spent().keys() == {"estimated"}
    assert gemini_wire.calls == []
