"""Kling through fal's queue, with the real fal-client: what is sent, how often, and what it costs."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import fal_client
import pytest

from starsend import api_client as api
from starsend.providers.fal import Fal, open_fal
from starsend.providers.wire import NoKey
from starsend.vendor_faults import (
    Ambiguous,
    BadRequest,
    BrokenDownload,
    JobFailed,
    JobGone,
    NotSent,
    ProviderError,
    RateLimited,
    Unauthorized,
)
from tests.conftest import ManualClock
from tests.standins.fal_wire import KEY, SIGNATURE, FalWire
from tests.standins.wire import Fault, Phase, Reply
from tests.unit.orders import Shop, order, shown

MODEL = "kling-video/v3/pro"
APP = "fal-ai/kling-video/v3/pro/image-to-video"
BROKEN = ("malformed", "wrong_type", "truncated", "no_bytes", "empty_object")


@pytest.fixture
def vendor() -> Iterator[FalWire]:
    with FalWire() as stand_in:
        assert isinstance(stand_in, FalWire)
        yield stand_in


def reach(url: str, clock: ManualClock, folder: Path) -> Fal:
    """A provider as a new process opens it."""
    options = {"base_url": url, "timeout_seconds": 1.0}
    return open_fal(options=options, folder=folder, environ={"FAL_KEY": KEY}, clock=clock)


@pytest.fixture
def fal(vendor: FalWire, clock: ManualClock, tmp_path: Path) -> Fal:
    return reach(vendor.url, clock, tmp_path)


@pytest.fixture
def shop(vendor: FalWire, clock: ManualClock, project_dir: Path) -> Shop:
    return Shop(project_dir, reach(vendor.url, clock, project_dir), MODEL, clock)


def detailed(status: int, detail: object, **more: Any) -> Fault:
    """An error in fal's own shape."""
    return Fault("status", status, body=Reply.of({"detail": detail}).body, **more)


def test_a_take_is_asked_for_in_the_vendors_words(fal: Fal, vendor: FalWire, tmp_path: Path) -> None:
    """Are pictures uploaded, elements numbered, seconds spelt as text, and repeats by the vendor switched off?"""
    mara = [shown(tmp_path, "Mara", 65), shown(tmp_path, "Mara", 66)]
    boat = shown(tmp_path, "Boat", 67)
    request = order(
        tmp_path,
        MODEL,
        prompts=("Mara waits by the Boat", "boats leave"),
        references=(mara[0], boat, mara[1]),
    )
    assert fal.submit_video(request, step_key="S-a1-0") == api.Job(f"{APP}#request-1")
    (call,) = [call for phase, call in vendor.calls if phase == "submit"]
    assert call.path == f"/{APP}"
    assert {name.lower(): value for name, value in call.headers.items()}["x-fal-no-retry"] == "1"
    assert call.json == {
        "start_image_url": "https://store.fal.example/0.png",
        "multi_prompt": [
            {"prompt": "@Element1 waits by the @Element2", "duration": "2"},
            {"prompt": "boats leave", "duration": "3"},
        ],
        "shot_type": "customize",
        "duration": "5",
        "generate_audio": True,
        "elements": [
            {
                "frontal_image_url": "https://store.fal.example/1.png",
                "reference_image_urls": ["https://store.fal.example/2.png"],
            },
            {
                "frontal_image_url": "https://store.fal.example/3.png",
                "reference_image_urls": ["https://store.fal.example/3.png"],
            },
        ],
    }
    sent = [request.start_frame, *mara, boat]
    assert vendor.uploads == [picture.path.read_bytes() for picture in sent]


@pytest.mark.parametrize("model", ["kling-video/v3/standard", "kling-video/o3/pro", "kling-video/v4"])
def test_each_family_of_models_is_asked_in_its_own_way(
    fal: Fal, vendor: FalWire, tmp_path: Path, model: str
) -> None:
    """Does the schema of each take what is sent, and can its job be followed?"""
    job = fal.submit_video(order(tmp_path, model), step_key="S-a1-0")
    assert job.handle.startswith(f"fal-ai/{model}/image-to-video#")
    assert fal.poll(job.handle).state == "ready"


@pytest.mark.parametrize(
    ("model", "fields"),
    [(MODEL, {"durations": (2.5, 2.5)}), ("kling-video/v9", {}), ("veo/v3/pro", {}), ("kling", {})],
)
def test_what_cannot_be_said_is_not_sent(
    fal: Fal, vendor: FalWire, tmp_path: Path, model: str, fields: dict[str, Any]
) -> None:
    """Is it refused, unbilled, before anything leaves?"""
    with pytest.raises(BadRequest):
        fal.submit_video(order(tmp_path, model, **fields), step_key="S-a1-0")
    assert vendor.calls == []


def test_a_picture_is_uploaded_once_a_day(
    fal: Fal, vendor: FalWire, clock: ManualClock, tmp_path: Path
) -> None:
    """Do later takes send the address of what is there already, while it surely is?"""
    for attempt in range(3):
        fal.submit_video(order(tmp_path, MODEL), step_key=f"S-a{attempt}-0")
    assert len(vendor.uploads) == 1
    clock.time += timedelta(days=1)
    fal.submit_video(order(tmp_path, MODEL), step_key="S-a4-0")
    assert len(vendor.uploads) == 2
    assert len(vendor.bill) == 4


@pytest.mark.parametrize(
    "case",
    [
        (detailed(400, "no"), BadRequest, 0),
        (detailed(404, "no such app"), BadRequest, 0),
        (detailed(422, [{"loc": ["body", "duration"], "msg": "too long"}]), BadRequest, 0),
        (detailed(401, "no"), Unauthorized, 0),
        (detailed(403, "User is locked. Reason: Exhausted balance"), Unauthorized, 0),
    ],
)
def test_an_order_that_fails_is_no_cheaper_than_the_bill(
    fal: Fal, vendor: FalWire, tmp_path: Path, case: tuple[Fault, type[ProviderError], int]
) -> None:
    """Is every bad answer the error that it should be, and none called free that was billed?"""
    fault, error, billed = case
    vendor.faults["submit"].append(fault)
    with pytest.raises(error) as raised:
        fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    assert len(vendor.bill) == billed
    assert not (billed and raised.value.billed is False)
    assert vendor.count("submit") == 1


def test_fal_clients_own_submit_would_have_made_three(
    fal: Fal, vendor: FalWire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is there a danger at all: does the vendor's client still repeat what it is paid for?"""
    fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    (body,) = vendor.requests.values()
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{vendor.url}/")
    vendor.faults["submit"] += [Fault("reset_after"), Fault("reset_after")]
    client = fal_client.SyncClient(key=KEY)
    client.submit(APP, body)
    client._client.close()
    assert vendor.bill == ["request-1", "request-2", "request-3", "request-4"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("reset_before"), NotSent),
        (Fault("reset_after"), NotSent),
        (Fault("silent"), NotSent),
        *((Fault(kind), NotSent) for kind in BROKEN),  # type: ignore[arg-type]
        (Fault("status", 500), NotSent),
        (Fault("status", 503), RateLimited),
        (Fault("status", 429), RateLimited),
        (Fault("status", 401), Unauthorized),
        (Fault("status", 413), BadRequest),
    ],
)
def test_an_upload_that_fails_has_cost_nothing(
    fal: Fal, vendor: FalWire, tmp_path: Path, fault: Fault, error: type[ProviderError]
) -> None:
    """Is it told as free, and made once a try, while no job has been ordered?"""
    vendor.faults["upload"].append(fault)
    with pytest.raises(error) as raised:
        fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    assert raised.value.billed is False
    assert vendor.count("submit") == 0
    assert vendor.count("upload") <= 1
    fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    assert len(vendor.bill) == 1


def test_a_store_that_never_answers_is_not_waited_for(fal: Fal, vendor: FalWire, tmp_path: Path) -> None:
    """fal-client would wait for ever for a picture to be stored: is it our time-out that counts?"""
    place = {"upload_url": f"{vendor.url}/store/1", "file_url": "https://store.fal.example/1.png"}
    vendor.faults["upload"] += [Fault("other_bytes", body=Reply.of(place).body), Fault("silent")]
    began = time.monotonic()
    with pytest.raises(NotSent, match="could not be uploaded"):
        fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    assert time.monotonic() - began < 15, "the stand-in hangs up after 30 s"
    assert vendor.count("submit") == 0


@pytest.mark.parametrize(
    "case",
    [
        (Fault("reset_after"), Ambiguous),
        *((Fault(kind), Ambiguous) for kind in ("malformed", "wrong_type", "truncated", "no_bytes")),
        # A proxy's: fal has not said that it knows of no such request.
        (Fault("status", 404), BadRequest),
        (detailed(404, "Request not found"), JobGone),
        (Fault("status", 429, headers={"Retry-After": "17"}), RateLimited),
    ],
)
@pytest.mark.parametrize("phase", ["poll", "find"])
def test_a_look_that_fails_is_made_once(
    fal: Fal, vendor: FalWire, tmp_path: Path, phase: Phase, case: tuple[Fault, type[ProviderError]]
) -> None:
    """Does fal-client leave it to us when to look again, at a status and at a result?"""
    fault, error = case
    job = fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    vendor.faults[phase].append(fault)
    with pytest.raises(error) as raised:
        _ = fal.poll(job.handle) if phase == "poll" else fal.fetch(job.handle, io.BytesIO())
    assert vendor.count(phase) <= 1
    if isinstance(raised.value, RateLimited) and fault.headers:
        assert raised.value.delay == 17
    fal.fetch(job.handle, io.BytesIO())


def test_a_status_that_is_none_is_looked_at_again(fal: Fal, vendor: FalWire, tmp_path: Path) -> None:
    """Are an empty answer, an unknown state and a handle of somebody else's no end of a job?"""
    job = fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    vendor.states = ["IN_QUEUE", "IN_QUEUE", "RESTING"]
    vendor.faults["poll"] += [Fault("empty_object"), Fault("other_bytes", body=b"[]")]
    for handle in (job.handle, job.handle, job.handle, "request-1"):
        with pytest.raises(Ambiguous):
            fal.poll(handle)
    vendor.faults["poll"].append(detailed(422, "odd id"))
    with pytest.raises(BadRequest):
        fal.poll(job.handle)
    vendor.faults["find"].append(Fault("empty_object"))
    with pytest.raises(BrokenDownload, match="names no video"):
        fal.fetch(job.handle, io.BytesIO())


def test_a_request_is_followed_to_its_end(fal: Fal, vendor: FalWire, tmp_path: Path) -> None:
    """Is each state told as it is, nothing fetched before its time, and the video the one that the vendor made?"""
    vendor.states = ["IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS"]
    job = fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    assert [fal.poll(job.handle).state for _ in range(2)] == ["queued", "running"]
    with pytest.raises(BrokenDownload, match="not ready"):
        fal.fetch(job.handle, io.BytesIO())
    into = io.BytesIO()
    assert fal.fetch(job.handle, into) == "video/mp4"
    assert into.getvalue() == vendor.video
    (fetched,) = [call for phase, call in vendor.calls if phase == "fetch"]
    assert "Authorization" not in fetched.headers, "the key is nobody's business but the vendor's"


def test_a_request_that_failed_says_so(fal: Fal, vendor: FalWire, tmp_path: Path) -> None:
    """Is a COMPLETED with an error none, and is a result that is refused told field by field?"""
    job = fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    faults = [{"loc": ["body", "elements"], "msg": "too many"}, {"loc": ["body", "prompt"], "msg": "unsafe"}]
    vendor.faults["find"].append(detailed(422, faults))
    with pytest.raises(JobFailed, match=r"body\.elements: too many; body\.prompt: unsafe") as raised:
        fal.fetch(job.handle, io.BytesIO())
    assert raised.value.billed is None, "fal bills some of these, and does not say which"
    vendor.error = "the runner died"
    for look in (lambda: fal.poll(job.handle), lambda: fal.fetch(job.handle, io.BytesIO())):
        with pytest.raises(JobFailed, match="runner_error: the runner died"):
            look()


def test_trouble_on_the_way_costs_nothing(shop: Shop, vendor: FalWire) -> None:
    """Does a take land through lost polls and broken downloads, for one charge?"""
    vendor.states = ["IN_QUEUE", "IN_PROGRESS"]
    vendor.faults["poll"] += [Fault("reset_after"), Fault("status", 503), Fault("malformed")]
    vendor.faults["find"] += [Fault("status", 500)]
    vendor.faults["fetch"] += [Fault("truncated"), Fault("other_bytes", body=b"not a video")]
    assert shop.take().media.mime == "video/mp4"
    assert len(vendor.bill) == vendor.count("submit") == 1


def test_two_addresses_serve_side_by_side(
    vendor: FalWire, fal: Fal, clock: ManualClock, tmp_path: Path
) -> None:
    """Does a provider with an address of its own change nothing for another, in many threads?"""
    with FalWire() as second:
        assert isinstance(second, FalWire)
        other = reach(second.url, clock, tmp_path)
        request = order(tmp_path, MODEL)

        def ask(number: int) -> None:
            job = (fal, other)[number % 2].submit_video(request, step_key=f"S-a{number}-0")
            (fal, other)[number % 2].fetch(job.handle, io.BytesIO())

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(16)))
        assert (len(vendor.bill), len(second.bill)) == (8, 8)


def test_no_secret_is_told(
    fal: Fal, vendor: FalWire, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Does neither key nor signed address stand in an error or a log, whatever the vendor echoes?"""
    told: list[str] = []
    job = fal.submit_video(order(tmp_path, MODEL), step_key="S-a1-0")
    echo = f"{KEY} at https://cdn.example/v.mp4?sig={SIGNATURE}"
    vendor.faults["submit"] += [detailed(status, echo) for status in (401, 422, 429, 500)]
    vendor.faults["find"].append(detailed(422, [{"loc": ["body"], "msg": echo}]))
    vendor.faults["fetch"] += [Fault("status", 403), Fault("status", 404), Fault("reset_after")]
    with caplog.at_level(logging.INFO):
        for _ in range(4):
            with pytest.raises(ProviderError) as raised:
                fal.submit_video(order(tmp_path, MODEL), step_key="S-a3-0")
            told += [str(raised.value), repr(raised.value)]
        for _ in range(4):
            with pytest.raises(ProviderError) as raised:
                fal.fetch(job.handle, io.BytesIO())
            told.append(str(raised.value))
        fal.fetch(job.handle, io.BytesIO())
        fal.submit_video(order(tmp_path, MODEL, references=(shown(tmp_path, "Mara"),)), step_key="S-a4-0")
    told += [repr(fal), caplog.text]
    assert "[key]" in told[0]
    for secret in (KEY, SIGNATURE):
        assert not any(secret in line for line in told), secret


def test_a_missing_key_is_told_before_anything(tmp_path: Path) -> None:
    """Is it one line that names the variable?"""
    with pytest.raises(NoKey, match="FAL_KEY"):
        open_fal(options={}, folder=tmp_path, environ={})
