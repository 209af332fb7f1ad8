"""Kling's own API: what is sent, what each answer and each broken connection means, and what it costs."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from starsend import api_client as api
from starsend.orchestrator.step_faults import StepUnknown
from starsend.providers.kling import Kling, open_kling
from starsend.providers.wire import NoKey
from starsend.vendor_faults import (
    Ambiguous,
    BadRequest,
    BrokenDownload,
    JobFailed,
    JobGone,
    ProviderError,
    RateLimited,
    Unauthorized,
)
from tests.conftest import ManualClock
from tests.standins.kling_wire import ACCESS, SECRET, SIGNATURE, KlingWire, said
from tests.standins.wire import Fault
from tests.unit.orders import Shop, order, shown

MODEL = "kling-v3"
KEYS = {"KLING_ACCESS_KEY": ACCESS, "KLING_SECRET_KEY": SECRET}
BROKEN = ("malformed", "wrong_type", "truncated", "no_bytes", "empty_object")


@pytest.fixture
def vendor(clock: ManualClock) -> Iterator[KlingWire]:
    with KlingWire(clock.now) as stand_in:
        assert isinstance(stand_in, KlingWire)
        yield stand_in


def reach(url: str, clock: ManualClock, folder: Path, keys: dict[str, str] = KEYS) -> Kling:
    """A provider as a new process opens it."""
    options = {"base_url": url, "timeout_seconds": 1.0}
    return open_kling(options=options, folder=folder, environ=keys, clock=clock)


@pytest.fixture
def kling(vendor: KlingWire, clock: ManualClock, tmp_path: Path) -> Kling:
    return reach(vendor.url, clock, tmp_path)


@pytest.fixture
def shop(vendor: KlingWire, clock: ManualClock, project_dir: Path) -> Shop:
    return Shop(project_dir, reach(vendor.url, clock, project_dir), MODEL, clock)


def coded(status: int, code: int, message: str = "why", **more: Any) -> Fault:
    """An answer with the vendor's own code."""
    return Fault("status", status, body=said(status, code, message).body, **more)


def test_a_take_is_asked_for_in_the_vendors_words(kling: Kling, vendor: KlingWire, tmp_path: Path) -> None:
    """Are shots, start frame, elements and our own id sent as the documents say?"""
    mara = [shown(tmp_path, "Mara", 65), shown(tmp_path, "Mara", 66)]
    stone = shown(tmp_path, "Mara Stone", 67)
    request = order(
        tmp_path,
        MODEL,
        prompts=("Mara meets Mara Stone, not Maram", "boats leave"),
        references=(mara[0], stone, mara[1]),
    )
    assert kling.submit_video(request, step_key="S-a1-0") == api.Job("task-1")
    ((_, call),) = vendor.calls
    encoded = {
        picture: base64.b64encode(picture.path.read_bytes()).decode()
        for picture in (request.start_frame, *request.references)
    }
    assert call.json == {
        "model_name": "kling-v3",
        "mode": "pro",
        "duration": "5",
        "image": encoded[request.start_frame],
        "multi_shot": True,
        "shot_type": "customize",
        "multi_prompt": [
            {"index": 1, "prompt": "<<<element_1>>> meets <<<element_2>>>, not Maram", "duration": "2"},
            {"index": 2, "prompt": "boats leave", "duration": "3"},
        ],
        "elements": [
            {"frontal_image": encoded[mara[0]], "reference_images": [encoded[mara[1]]]},
            {"frontal_image": encoded[stone], "reference_images": [encoded[stone]]},
        ],
        "external_task_id": "S-a1-0",
    }


@pytest.mark.parametrize(
    "fields", [{"durations": (2.5, 2.5)}, {"resolution": "480p"}], ids=["part of a second", "480p"]
)
def test_what_cannot_be_said_is_not_sent(
    kling: Kling, vendor: KlingWire, tmp_path: Path, fields: dict[str, Any]
) -> None:
    """Is it refused, unbilled, before anything leaves?"""
    with pytest.raises(BadRequest):
        kling.submit_video(order(tmp_path, MODEL, **fields), step_key="S-a1-0")
    assert vendor.calls == []


def test_a_picture_that_has_changed_is_not_sent(kling: Kling, vendor: KlingWire, tmp_path: Path) -> None:
    """Could a take start on another frame than the one that its ledger row names?"""
    request = order(tmp_path, MODEL)
    request.start_frame.path.write_bytes(b"another")
    with pytest.raises(BadRequest, match="has changed"):
        kling.submit_video(request, step_key="S-a1-0")
    request.start_frame.path.unlink()
    with pytest.raises(BadRequest, match="cannot be read"):
        kling.submit_video(request, step_key="S-a1-0")
    assert vendor.calls == []


def test_a_token_is_signed_anew_when_time_has_passed(
    kling: Kling, vendor: KlingWire, clock: ManualClock, tmp_path: Path
) -> None:
    """Does a job that runs for hours outlive the half hour of one token?"""
    job = kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    clock.time += timedelta(hours=5)
    assert kling.poll(job.handle).state == "ready"
    vendor.now = lambda: clock.time + timedelta(hours=1)
    with pytest.raises(Unauthorized):
        kling.poll(job.handle)


def test_an_api_key_goes_along_as_it_is(vendor: KlingWire, clock: ManualClock, tmp_path: Path) -> None:
    """Is it used only where no access key is named, and is a missing half of a pair named?"""
    vendor.api_key = "planted-api-key"
    plain = reach(vendor.url, clock, tmp_path, {"KLING_API_KEY": vendor.api_key})
    assert plain.find("S-a1-0") is None
    with pytest.raises(Unauthorized):
        reach(vendor.url, clock, tmp_path, {**KEYS, "KLING_API_KEY": vendor.api_key}).find("S-a1-0")
    for keys, named in (({}, "KLING_ACCESS_KEY"), ({"KLING_ACCESS_KEY": ACCESS}, "KLING_SECRET_KEY")):
        with pytest.raises(NoKey, match=named):
            reach(vendor.url, clock, tmp_path, keys)


SUBMITS: list[tuple[Fault, type[ProviderError], int]] = [
    (coded(401, 1002), Unauthorized, 0),
    (coded(429, 1101), RateLimited, 0),
    (coded(429, 1102), RateLimited, 0),
    (coded(403, 1103), Unauthorized, 0),
    (coded(400, 1201), BadRequest, 0),
    (coded(404, 1203), BadRequest, 0),
    (coded(400, 1301), BadRequest, 0),
    (coded(200, 1301), BadRequest, 0),
    (coded(429, 1302), RateLimited, 0),
    (coded(200, 1303), RateLimited, 0),
    (coded(503, 5001), RateLimited, 0),
    (coded(500, 5000), Ambiguous, 0),
    (coded(504, 5002, accepted=True), Ambiguous, 1),
    (coded(502, 1302, accepted=True), Ambiguous, 1),
    (coded(200, 5000, accepted=True), Ambiguous, 1),
    (coded(400, 7777, accepted=True), Ambiguous, 1),
]


@pytest.mark.parametrize("case", SUBMITS)
def test_an_order_that_fails_is_no_cheaper_than_the_bill(
    kling: Kling, vendor: KlingWire, tmp_path: Path, case: tuple[Fault, type[ProviderError], int]
) -> None:
    """Is every bad answer the error that it should be, each call sent once, and none called free that was billed?"""
    fault, error, billed = case
    vendor.faults["submit"].append(fault)
    with pytest.raises(error) as raised:
        kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    assert len(vendor.bill) == billed
    assert not (billed and raised.value.billed is False)
    assert vendor.count("submit") == 1


@pytest.mark.parametrize(
    ("code", "words"), [(1102, "quota, top up"), (1302, "not now .1302"), (1301, "for safety"), (1201, "why")]
)
def test_quota_capacity_safety_and_bad_requests_are_told_apart(
    kling: Kling, vendor: KlingWire, tmp_path: Path, code: int, words: str
) -> None:
    """Does the line say which of them it was?"""
    vendor.faults["submit"].append(coded(400, code))
    with pytest.raises(ProviderError, match=words):
        kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")


@pytest.mark.parametrize(
    "case",
    [
        (Fault("reset_before"), Ambiguous),
        (Fault("reset_after"), Ambiguous),
        (Fault("silent"), Ambiguous),
        *((Fault(kind), Ambiguous) for kind in BROKEN),  # type: ignore[arg-type]
        (
            Fault("status", 404),
            BadRequest,
        ),  # a proxy's: the vendor has not said that it knows of no such task
        (Fault("status", 500), Ambiguous),
        (Fault("status", 503), RateLimited),
        (coded(401, 1004), Unauthorized),
        (coded(400, 1201), BadRequest),
        (coded(200, 0), Ambiguous),
    ],
)
def test_a_look_that_fails_never_says_that_there_is_nothing(
    kling: Kling, vendor: KlingWire, tmp_path: Path, case: tuple[Fault, type[ProviderError]]
) -> None:
    """Is "there is no such task", after which a call is sent again, believed only in the vendor's own code?"""
    fault, error = case
    job = kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    vendor.faults["find"].append(fault)
    with pytest.raises(error) as raised:
        kling.find("S-a1-0")
    assert not isinstance(raised.value, JobGone | JobFailed)
    assert kling.find("S-a1-0") == job
    assert kling.find("S-a2-0") is None


def test_a_task_is_followed_to_its_end(vendor: KlingWire, kling: Kling, tmp_path: Path) -> None:
    """Is each state told as it is, and the video the one that the vendor made?"""
    vendor.states = ["submitted", "processing", "resting", "succeed"]
    job = kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    assert [kling.poll(job.handle).state for _ in range(2)] == ["queued", "running"]
    with pytest.raises(Ambiguous, match="resting"):
        kling.poll(job.handle)
    assert kling.poll(job.handle).state == "ready"
    into = io.BytesIO()
    assert kling.fetch(job.handle, into) == "video/mp4"
    assert into.getvalue() == vendor.video
    (fetched,) = [call for phase, call in vendor.calls if phase == "fetch"]
    assert "Authorization" not in fetched.headers, "the key is nobody's business but the vendor's"


def test_a_task_that_failed_or_is_gone_says_so(vendor: KlingWire, kling: Kling, tmp_path: Path) -> None:
    """Are both told for what they are, in the vendor's words, on either look?"""
    vendor.states = ["failed"] * 2
    job = kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    for look in (lambda: kling.poll(job.handle), lambda: kling.fetch(job.handle, io.BytesIO())):
        with pytest.raises(JobFailed, match="content risk") as raised:
            look()
        assert raised.value.billed is None, "nobody says whether a failed task is charged"
    with pytest.raises(JobGone):
        kling.poll("task-9")


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "gopher://x/", "http://", "/video", "", "http://[::"]
)
def test_no_odd_address_is_asked(kling: Kling, vendor: KlingWire, tmp_path: Path, address: str) -> None:
    """Is a result's address one of the web, or a broken download and nothing worse?"""
    vendor.address = address
    job = kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    with pytest.raises(BrokenDownload):
        kling.fetch(job.handle, io.BytesIO())


@pytest.mark.parametrize(
    ("fault", "runs"), [(Fault("reset_before"), 2), (coded(200, 7777, accepted=True), 1)], ids=["lost", "odd"]
)
def test_a_lost_reply_is_asked_for_by_our_id(shop: Shop, vendor: KlingWire, fault: Fault, runs: int) -> None:
    """Is each lost reply looked up once, before anything else, and what was feared taken back?"""
    vendor.faults["submit"].append(fault)
    for _ in range(runs - 1):
        with pytest.raises(StepUnknown):
            shop.take()
    shop.take()
    assert [phase for phase, _ in vendor.calls].count("find") == runs
    assert len(vendor.bill) == vendor.count("submit") == 1
    open_steps, spent = shop.ledger()
    assert (open_steps, spent["actual"], spent.get("possible", "0.000000")) == ([], "0.500000", "0.000000")


def test_a_call_that_arrives_late_is_not_paid_twice(shop: Shop, vendor: KlingWire) -> None:
    """Where the vendor takes a call after it has said that there is none: is the next one refused, and the first found?"""
    vendor.faults["submit"].append(Fault("silent"))
    vendor.unseen = 2
    with pytest.raises(StepUnknown):
        shop.take()
    assert shop.take().media.mime == "video/mp4"
    assert vendor.count("submit") == 2
    assert len(vendor.bill) == 1


def test_a_refusal_that_cannot_be_checked_is_no_refusal(
    kling: Kling, vendor: KlingWire, tmp_path: Path
) -> None:
    """When it cannot be told whether an earlier call of the step has arrived, is that said?"""
    vendor.faults["submit"].append(coded(400, 1201))
    vendor.faults["find"].append(Fault("reset_after"))
    with pytest.raises(Ambiguous):
        kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")


def test_no_secret_is_told(
    kling: Kling, vendor: KlingWire, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Does no key, token or signed address stand in an error or a log, whatever the vendor echoes?"""
    told: list[str] = []
    job = kling.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    token = vendor.calls[0][1].headers["Authorization"].removeprefix("Bearer ")
    echo = f"{ACCESS} {SECRET} Bearer {token} at https://cdn.example/v.mp4?sig={SIGNATURE}"
    vendor.states, vendor.why = ["failed"], echo
    failing = kling.submit_video(order(tmp_path, MODEL), step_key="S-a2-0")
    vendor.faults["submit"] += [
        coded(s, c, echo) for s, c in ((400, 1201), (401, 1002), (429, 1302), (200, 9))
    ]
    vendor.faults["submit"].append(Fault("status", 500, body=echo.encode()))
    vendor.faults["fetch"] += [Fault("status", 403), Fault("status", 404), Fault("reset_after")]
    with caplog.at_level(logging.INFO):
        for _ in range(5):
            with pytest.raises(ProviderError) as raised:
                kling.submit_video(order(tmp_path, MODEL), step_key="S-a3-0")
            told += [str(raised.value), repr(raised.value)]
        with pytest.raises(JobFailed) as failed:
            kling.poll(failing.handle)
        told.append(str(failed.value))
        for _ in range(3):
            with pytest.raises(ProviderError) as raised:
                kling.fetch(job.handle, io.BytesIO())
            told.append(str(raised.value))
        kling.fetch(job.handle, io.BytesIO())
    told += [repr(kling), repr(kling._key), caplog.text]
    assert all(part in told[0] for part in ("[key]", "[token]", "cdn.example"))
    for secret in (ACCESS, SECRET, token, SIGNATURE):
        assert not any(secret in line for line in told), secret
