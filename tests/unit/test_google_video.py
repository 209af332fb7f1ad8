"""Omni and Veo: is a take paid for once, found again after a restart, and brought home, whatever Google's wire does?"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from starsend.orchestrator.execution_store import ExecutionStore
from starsend.providers.wire import NoKey
from starsend.vendor_faults import BadRequest, NotSent, RateLimited, Unauthorized
from tests.conftest import ManualClock
from tests.media import packets
from tests.standins.omni_wire import OmniWire
from tests.standins.veo_wire import VeoWire
from tests.standins.wire import Fault, closed_port
from tests.unit.google_video import OMNI, SECRET, VEO, Desk, google_error


@pytest.fixture(params=["omni", "veo"])
def desk(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    monkeypatch.setenv("VEO_ACCESS_TOKEN", SECRET)
    with OmniWire() if request.param == "omni" else VeoWire() as vendor:
        assert isinstance(vendor, OmniWire | VeoWire)
        yield Desk(request.param, OMNI if request.param == "omni" else VEO, vendor, tmp_path, clock)


# ------------------------------------------------------------------------------------------------ submit


def test_the_vendors_own_delay_is_honoured(desk: Desk) -> None:
    """Are RetryInfo and Retry-After read, and the longer of both kept to?"""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.5s"}
    said = google_error(429, "quota", info)
    desk.vendor.faults["submit"] = [
        Fault("status", 429, body=said),
        Fault("status", 503, {"Retry-After": "9"}, body=said),
        Fault("status", 503, {"Retry-After": "30"}, body=said),
    ]
    for seconds in (17.5, 17.5, 30.0):
        with pytest.raises(RateLimited, match="quota") as raised:
            desk.submit()
        assert raised.value.delay == seconds


def test_a_bad_key_is_told_from_a_bad_request(desk: Desk) -> None:
    """Google answers a wrong key with 400: is it still said to be the key?"""
    said = google_error(400, "API key not valid", {"reason": "API_KEY_INVALID", "domain": "googleapis.com"})
    desk.vendor.faults["submit"] = [Fault("status", 400, body=said)]
    with pytest.raises(Unauthorized, match="API key not valid"):
        desk.submit()


@pytest.mark.parametrize(
    "changed",
    [
        {"durations": (1.5, 1.0)},
        {"durations": (2.25, 2.25)},
        {"durations": (10, 6)},
        {"durations": (4.0,)},
        {"resolution": "480p"},
        {"prompts": (), "durations": ()},
    ],
    ids=str,
)
def test_what_the_wire_cannot_say_is_never_sent(desk: Desk, changed: dict[str, Any]) -> None:
    """Is a take that the vendor does not make refused before a request leaves?"""
    with pytest.raises(BadRequest):
        desk.submit(**changed)
    assert desk.vendor.calls == []


def test_a_start_frame_that_is_no_picture_is_never_sent(desk: Desk) -> None:
    """Is a broken start frame found before it is paid for?"""
    request = desk.request()
    request.start_frame.path.write_bytes(b"not a picture")
    with pytest.raises(BadRequest, match="start frame"):
        desk.open().submit_video(request, step_key="k")
    assert desk.vendor.calls == []


def test_without_a_key_nothing_is_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Is a missing key one plain line that names the variable, before anything is begun?"""
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.delenv("VEO_ACCESS_TOKEN")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(Exception, match=r"GEMINI_API_KEY_FILE|GOOGLE_APPLICATION_CREDENTIALS") as raised:
        desk.open()
    assert "\n" not in str(raised.value)
    assert isinstance(raised.value, NoKey) == (desk.name == "omni")


# ------------------------------------------------------------------------------------------- poll and fetch


def test_a_poll_while_the_vendor_is_away_loses_nothing(desk: Desk) -> None:
    """Is a look that never left no word about the job?"""
    with pytest.raises(NotSent):
        desk.open(base_url=closed_port()).poll(desk.submit())


# --------------------------------------------------------------------------------------------- a whole step


def test_a_take_lands_and_is_booked(desk: Desk) -> None:
    """Is a step one submit, one take and the price of its seconds, and a replay free?"""
    take = desk.film()
    assert desk.film() == take
    assert packets((desk.folder / take.media.path).read_bytes()) == packets(desk.vendor.video)
    assert desk.vendor.count("submit") == len(desk.vendor.bill) == 1
    store = ExecutionStore(
        f"sqlite:///{desk.folder / 'execution.db'}", project="job", project_dir=desk.folder, clock=desk.clock
    )
    price = Decimal("0.28") if desk.name == "omni" else Decimal("0.20")
    assert [(cost.kind, cost.amount) for cost in store.costs() if cost.kind == "actual"] == [
        ("actual", price)
    ]
    store.close()


# ------------------------------------------------------------------------------------------------ secrets
