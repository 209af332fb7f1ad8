"""Omni and Veo: is a take paid for once, found again after a restart, and brought home, whatever Google's wire does?"""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from starsend import api_client as api
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.step_faults import StepUnknown
from starsend.providers.wire import NoKey
from tests.conftest import ManualClock
from tests.media import packets
from tests.standins.omni_wire import OmniWire
from tests.standins.veo_wire import VeoWire
from tests.standins.wire import Fault, Kind, Phase, closed_port
from tests.unit.google_video import OMNI, SECRET, VEO, Desk, google_error

CUT_OFF: list[Kind] = [
    "reset_before",
    "reset_after",
    "silent",
    "malformed",
    "wrong_type",
    "truncated",
    "no_bytes",
]
GARBLED = [Fault(kind) for kind in CUT_OFF] + [Fault("empty_object"), Fault("other_bytes", body=b"[1, 2]")]
REFUSED: list[tuple[Fault, type[api.ProviderError]]] = [
    (Fault("status", 400), api.BadRequest),
    (Fault("status", 401), api.Unauthorized),
    (Fault("status", 403), api.Unauthorized),
    (Fault("status", 409), api.BadRequest),
    (Fault("status", 429), api.RateLimited),
    (Fault("status", 503), api.RateLimited),
    (Fault("status", 500), api.Ambiguous),
    (Fault("status", 502, accepted=True), api.Ambiguous),
    (Fault("status", 302), api.Ambiguous),
]


def name_of(value: object) -> str:
    return f"{value.kind}-{value.status}" if isinstance(value, Fault) else ""


@pytest.fixture(params=["omni", "veo"])
def desk(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    monkeypatch.setenv("VEO_ACCESS_TOKEN", SECRET)
    with OmniWire() if request.param == "omni" else VeoWire() as vendor:
        assert isinstance(vendor, OmniWire | VeoWire)
        yield Desk(request.param, OMNI if request.param == "omni" else VEO, vendor, tmp_path, clock)


def patience_for(fault: Fault) -> float:
    return 0.7 if fault.kind == "silent" else 20.0


def billed_for(fault: Fault) -> int:
    return int(fault.kind not in ("reset_before", "status") or fault.accepted)


# ------------------------------------------------------------------------------------------------ submit


@pytest.mark.parametrize("fault", GARBLED, ids=name_of)
def test_a_submit_whose_answer_is_lost_is_ambiguous(desk: Desk, fault: Fault) -> None:
    """Is a call that may have been billed never called unbilled?"""
    desk.vendor.faults["submit"] = [fault]
    desk.patience = patience_for(fault)
    with pytest.raises(api.Ambiguous):
        desk.submit()
    assert len(desk.vendor.bill) == billed_for(fault)


@pytest.mark.parametrize(("fault", "error"), REFUSED, ids=name_of)
def test_a_submit_that_is_refused_says_how(desk: Desk, fault: Fault, error: type[api.ProviderError]) -> None:
    """Is each status told by what it does to the bill?"""
    desk.vendor.faults["submit"] = [fault]
    with pytest.raises(error) as raised:
        desk.submit()
    assert type(raised.value) is error
    assert len(desk.vendor.bill) == billed_for(fault)


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "silent", "status"])
def test_the_sdk_sends_a_submit_once(desk: Desk, kind: Kind) -> None:
    """Are the SDK's own five tries off, counted at the vendor?"""
    desk.vendor.faults["submit"] = [Fault(kind, 503, accepted=True)] * 5
    desk.patience = patience_for(Fault(kind))
    with pytest.raises(api.ProviderError):
        desk.submit()
    assert len(desk.vendor.faults["submit"]) == 4
    assert len(desk.vendor.bill) <= 1


def test_where_nobody_listens_nothing_was_sent(desk: Desk) -> None:
    """Is a refused connection safe to send again?"""
    with pytest.raises(api.NotSent):
        desk.submit(desk.open(base_url=closed_port()))


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
        with pytest.raises(api.RateLimited, match="quota") as raised:
            desk.submit()
        assert raised.value.delay == seconds


def test_a_bad_key_is_told_from_a_bad_request(desk: Desk) -> None:
    """Google answers a wrong key with 400: is it still said to be the key?"""
    said = google_error(400, "API key not valid", {"reason": "API_KEY_INVALID", "domain": "googleapis.com"})
    desk.vendor.faults["submit"] = [Fault("status", 400, body=said)]
    with pytest.raises(api.Unauthorized, match="API key not valid"):
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
    with pytest.raises(api.BadRequest):
        desk.submit(**changed)
    assert desk.vendor.calls == []


def test_a_start_frame_that_is_no_picture_is_never_sent(desk: Desk) -> None:
    """Is a broken start frame found before it is paid for?"""
    request = desk.request()
    request.start_frame.path.write_bytes(b"not a picture")
    with pytest.raises(api.BadRequest, match="start frame"):
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


@pytest.mark.parametrize("fault", GARBLED, ids=name_of)
def test_a_poll_that_breaks_is_worth_another_look(desk: Desk, fault: Fault) -> None:
    """Does a broken look leave the job as it was, for a provider that never saw it begin?"""
    handle = desk.submit()
    desk.vendor.faults["poll"] = [fault]
    with pytest.raises(api.Ambiguous):
        desk.open(timeout_seconds=patience_for(fault)).poll(handle)
    assert desk.open().poll(handle) == api.JobStatus("ready")
    assert len(desk.vendor.bill) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [*REFUSED, (Fault("status", 404), api.JobGone), (Fault("status", 410), api.JobGone)],
    ids=name_of,
)
def test_a_poll_that_is_refused_says_how(desk: Desk, fault: Fault, error: type[api.ProviderError]) -> None:
    """Is a job that is gone told from one that cannot be seen just now?"""
    handle = desk.submit()
    desk.vendor.faults["poll"] = [fault]
    with pytest.raises(error) as raised:
        desk.open().poll(handle)
    assert type(raised.value) is error


def test_a_poll_while_the_vendor_is_away_loses_nothing(desk: Desk) -> None:
    """Is a look that never left no word about the job?"""
    with pytest.raises(api.NotSent):
        desk.open(base_url=closed_port()).poll(desk.submit())


def test_a_job_that_the_vendor_does_not_know_is_gone(desk: Desk) -> None:
    """Is an unknown handle JobGone, by poll and by fetch?"""
    known = desk.submit()
    unknown = known[:-1] + "9"
    with pytest.raises(api.JobGone):
        desk.open().poll(unknown)
    with pytest.raises(api.JobGone):
        desk.open().fetch(unknown, io.BytesIO())


@pytest.mark.parametrize("fault", [*GARBLED, *(f for f, _ in REFUSED[4:])], ids=name_of)
def test_a_download_that_breaks_is_fetched_again(desk: Desk, fault: Fault) -> None:
    """Does the take land whole after a broken download, and at the price of one?"""
    desk.vendor.faults["fetch"] = [fault]
    desk.patience = 2.0 if fault.kind == "silent" else desk.patience  # for every other call of the step too
    if isinstance(desk.vendor, VeoWire):
        desk.vendor.fetching = True
    take = desk.film()
    assert packets((desk.folder / take.media.path).read_bytes()) == packets(desk.vendor.video)
    assert desk.vendor.faults["fetch"] == []
    assert len(desk.vendor.bill) == 1


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


def test_a_run_that_was_stopped_goes_on_by_the_handle(desk: Desk) -> None:
    """Does a new provider, on the same ledger, poll the job that an earlier one began?"""
    desk.vendor.faults["poll"] = [Fault("status", 500)] * 5  # so many, and the job is left to the next run
    with pytest.raises(api.Ambiguous):
        desk.film()
    take = desk.film()
    assert (desk.folder / take.media.path).is_file()
    assert len(desk.vendor.bill) == desk.vendor.count("submit") == 1


def test_a_lost_submit_waits_for_a_person(desk: Desk) -> None:
    """Is a call that may have been billed asked about, and not sent again by itself?"""
    desk.vendor.faults["submit"] = [Fault("reset_after")]
    for _ in range(2):
        with pytest.raises(StepUnknown):
            desk.film()
    assert len(desk.vendor.bill) == desk.vendor.count("submit") == 1


# ------------------------------------------------------------------------------------------------ secrets


@pytest.mark.parametrize("phase", ["submit", "poll", "fetch"])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_an_echoed_key_is_told_to_nobody(
    desk: Desk, caplog: pytest.LogCaptureFixture, phase: Phase, status: int
) -> None:
    """Does a vendor that quotes the key put it neither into the line, nor into its traceback, nor into a log?"""
    caplog.set_level(logging.DEBUG)
    provider = desk.open()
    handle = desk.submit(provider)
    if isinstance(desk.vendor, VeoWire):
        desk.vendor.fetching = phase == "fetch"
    desk.vendor.faults[phase] = [Fault("status", status, body=google_error(status, f"key {SECRET} is odd"))]
    ask: dict[Phase, Callable[[], object]] = {
        "submit": lambda: desk.submit(provider),
        "poll": lambda: provider.poll(handle),
        "fetch": lambda: provider.fetch(handle, io.BytesIO()),
    }
    with pytest.raises(api.ProviderError) as raised:
        ask[phase]()
    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + raised.value.what
    assert SECRET not in told + caplog.text
    assert caplog.text
