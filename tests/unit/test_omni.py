"""Omni: what goes over Google's Interactions wire, what each state means, and where the key goes."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from starsend import api_client as api
from starsend.vendor_faults import (
    Ambiguous,
    BrokenDownload,
    JobFailed,
    ProviderError,
    RateLimited,
    Unauthorized,
)
from tests.conftest import ManualClock
from tests.standins.omni_wire import FILES, INTERACTIONS, OmniWire
from tests.standins.vendor import png, write_png
from tests.standins.wire import Fault
from tests.unit.google_video import OMNI, SECRET, Desk

SAFE = {"type": "model_output", "content": [{"type": "text", "text": "I cannot show that."}]}


@pytest.fixture
def wire() -> Iterator[OmniWire]:
    with OmniWire() as stand_in:
        assert isinstance(stand_in, OmniWire)
        yield stand_in


@pytest.fixture
def desk(wire: OmniWire, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("GEMINI_API_KEY", SECRET)
    return Desk("omni", OMNI, wire, tmp_path, clock)


def fetched(desk: Desk, handle: str) -> bytes:
    into = io.BytesIO()
    assert desk.open().fetch(handle, into) == "video/mp4"
    return into.getvalue()


def test_the_wire_says_the_whole_take(desk: Desk, wire: OmniWire) -> None:
    """Is the interaction what the vendor's documents show, with the cuts in the prompt and the step in the labels?"""
    desk.submit(resolution="4K")
    ((_, call),) = wire.calls
    assert (call.method, call.path) == ("POST", INTERACTIONS)
    assert call.headers["x-goog-api-key"] == SECRET
    assert call.json == {
        "model": OMNI,
        "background": True,
        "input": [
            {
                "type": "user_input",
                "content": [
                    {
                        "type": "text",
                        "text": "A video of 2 shots with hard cuts between them, at exactly these times. "
                        "The given picture is the first frame of the first shot.\n"
                        "0:00-0:02.5 a harbour\n0:02.5-0:04 a boat",
                    },
                    {
                        "type": "image",
                        "data": base64.b64encode(png((86, 48))).decode(),
                        "mime_type": "image/png",
                    },
                ],
            }
        ],
        "response_format": {
            "type": "video",
            "aspect_ratio": "16:9",
            "resolution": "4k",
            "duration": "4s",
            "delivery": "uri",
        },
        "generation_config": {"video_config": {"task": "image_to_video"}},
        "labels": {"starsend-step": "seq01-a1-0123456789abcdef"},
    }


@pytest.mark.parametrize(
    ("size", "ratio"), [((1376, 768), "16:9"), ((768, 1376), "9:16"), ((64, 64), "16:9"), ((48, 64), "9:16")]
)
def test_the_ratio_is_the_start_frames(desk: Desk, wire: OmniWire, size: tuple[int, int], ratio: str) -> None:
    """Is the nearest ratio asked for that the vendor makes, by the frame's real pixels?"""
    request = desk.request()
    write_png(request.start_frame.path, size)
    desk.open().submit_video(request, step_key="k")
    assert wire.calls[-1][1].json["response_format"]["aspect_ratio"] == ratio


def test_a_label_is_one_that_google_takes(desk: Desk, wire: OmniWire) -> None:
    """Do a long shot id and its dots keep the part that is unique?"""
    key = f"{'Scene.' * 13}X-a12-0123456789abcdef"
    desk.open().submit_video(desk.request(), step_key=key)
    (label,) = wire.calls[-1][1].json["labels"].values()
    assert len(label) == 63
    assert label.endswith("scene-x-a12-0123456789abcdef")


def test_a_single_shot_is_its_prompt(desk: Desk, wire: OmniWire, tmp_path: Path) -> None:
    """Has a take without cuts no times in it, and is the model told of pictures it is not sent?"""
    mara = api.Reference("Mara", write_png(tmp_path / "mara.png"), "0")
    desk.submit(prompts=("Mara waits",), durations=(15.0,), references=(mara,))
    text, image = wire.calls[-1][1].json["input"][0]["content"]
    assert text["text"].splitlines() == [
        "Mara waits",
        "The given picture is the first frame.",
        "No other reference picture is given: what they show is drawn in the first frame.",
    ]
    assert image["type"] == "image"


# ------------------------------------------------------------------------------------------------- states


@pytest.mark.parametrize(("said", "state"), [("queued", "queued"), ("in_progress", "running")])
def test_a_job_under_way_is_waited_for(desk: Desk, wire: OmniWire, said: str, state: str) -> None:
    """Is a job that has not ended neither ready nor failed?"""
    handle = desk.submit()
    wire.said = {"status": said, "steps": []}
    assert desk.open().poll(handle).state == state


@pytest.mark.parametrize(
    "said",
    ["failed", "cancelled", "incomplete", "requires_action", "requires_continuation", "budget_exceeded"],
)
def test_a_job_that_ended_badly_says_why(desk: Desk, wire: OmniWire, said: str) -> None:
    """Is each bad end the last word, with the vendor's own reason and without the key?"""
    handle = desk.submit()
    wire.said = {"status": said, "steps": [SAFE], "errors": [{"code": "x", "message": f"no luck {SECRET}"}]}
    with pytest.raises(JobFailed, match=r"no luck \[key\]; I cannot show that"):
        desk.open().poll(handle)


def test_a_refusal_in_words_is_a_failure(desk: Desk, wire: OmniWire) -> None:
    """Is an interaction that completes with a text instead of a video told apart from one still being filed?"""
    handle = desk.submit()
    wire.said = {"steps": [SAFE]}
    with pytest.raises(JobFailed, match="I cannot show that"):
        desk.open().poll(handle)


def test_completed_without_a_word_is_not_given_up(desk: Desk, wire: OmniWire) -> None:
    """The vendor is known to say completed before it shows the video: is the paid job kept?"""
    handle = desk.submit()
    wire.said = {"steps": []}
    assert desk.open().poll(handle).state == "ready"
    with pytest.raises(BrokenDownload):
        fetched(desk, handle)
    wire.said = {}
    assert fetched(desk, handle) == wire.video


@pytest.mark.parametrize(
    "said", [{"status": "resting"}, {"status": None}, {"errors": [3], "status": "failed"}]
)
def test_an_answer_nobody_knows_is_asked_again(desk: Desk, wire: OmniWire, said: dict[str, Any]) -> None:
    """Is a state or shape that the vendor may add one day neither a failure nor a crash?"""
    handle = desk.submit()
    wire.said = said
    with pytest.raises(ProviderError) as raised:
        desk.open().poll(handle)
    assert isinstance(raised.value, Ambiguous | JobFailed)
    assert isinstance(raised.value, Ambiguous) or said.get("status") == "failed"


def test_a_file_that_is_not_ready_is_waited_for(desk: Desk, wire: OmniWire) -> None:
    """Is the vendor's own filing of the video part of the job?"""
    handle = desk.submit()
    wire.states = ["PROCESSING", "ACTIVE", "FAILED"]
    assert [desk.open().poll(handle).state for _ in range(2)] == ["running", "ready"]
    with pytest.raises(JobFailed, match="file"):
        desk.open().poll(handle)


# ------------------------------------------------------------------------------------------------ download


@pytest.mark.parametrize(
    "shape", ["files/{id}", "{url}/v1/files/{id}", "{url}/v1beta/files/{id}:download?alt=media"]
)
def test_a_file_is_found_however_it_is_named(desk: Desk, wire: OmniWire, shape: str) -> None:
    """Does each way the vendor names a file lead to one download, with the key?"""
    handle = desk.submit()
    wire.uri = shape.format(id="abc-12", url=wire.url)
    assert fetched(desk, handle) == wire.video
    call = wire.calls[-1][1]
    assert (call.path, call.query) == (f"{FILES}abc-12:download", "alt=media")
    assert call.headers["x-goog-api-key"] == SECRET


def test_the_key_goes_to_no_other_host(desk: Desk, wire: OmniWire) -> None:
    """Is the key left out where the video lies elsewhere, and where the vendor redirects there?"""
    with OmniWire() as other:
        assert isinstance(other, OmniWire)
        handle = desk.submit()
        wire.elsewhere = f"{other.url}/cdn/a?signature=1"
        assert fetched(desk, handle) == other.video
        wire.elsewhere, wire.uri = None, f"{other.url}/cdn/b"
        assert fetched(desk, handle) == other.video
        assert other.count("fetch") == 2
        assert SECRET not in json.dumps([dict(call.headers) for _, call in other.calls])


def test_a_video_in_the_answer_is_taken_too(desk: Desk, wire: OmniWire) -> None:
    """Does a vendor that delivers inline, though a file was asked for, deliver?"""
    handle = desk.submit()
    video = {"type": "video", "mime_type": "video/mp4", "data": base64.b64encode(wire.video).decode()}
    wire.said = {"steps": [{"type": "model_output", "content": [video]}]}
    assert desk.open().poll(handle).state == "ready"
    assert fetched(desk, handle) == wire.video
    assert wire.count("fetch") == 0


@pytest.mark.parametrize("uri", ["gs://bucket/take.mp4", "http://[", "ftp://host/take.mp4"])
def test_a_video_that_cannot_be_fetched_says_where_it_is(desk: Desk, wire: OmniWire, uri: str) -> None:
    """Is the paid job kept, and the address told in words?"""
    handle = desk.submit()
    wire.uri = uri
    with pytest.raises(BrokenDownload):
        fetched(desk, handle)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("status", 400), BrokenDownload),
        (Fault("status", 401), Unauthorized),
        (Fault("status", 429), RateLimited),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else "",
)
def test_a_download_says_what_became_of_it(
    desk: Desk, wire: OmniWire, fault: Fault, error: type[ProviderError]
) -> None:
    """Is a result that is gone told from one that did not come whole?"""
    handle = desk.submit()
    wire.faults["fetch"] = [fault]
    with pytest.raises(error) as raised:
        fetched(desk, handle)
    assert type(raised.value) is error
    assert fetched(desk, handle) == wire.video


def test_the_sdk_is_loaded_with_the_provider_only() -> None:
    """Does a command that opens no Google provider pay nothing for the SDK's start-up?"""
    said = "import sys, starsend.api_client, client_async.wiring; print('google.genai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
