"""Veo: what goes over Vertex's wire, how an operation ends, and who calls."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from starsend import api_client as api
from starsend.errors import BadInput
from starsend.vendor_faults import Ambiguous, BadRequest, BrokenDownload, JobFailed, NotSent, ProviderError
from tests.conftest import ManualClock
from tests.standins.vendor import png, write_png
from tests.standins.veo_wire import VeoWire
from tests.standins.wire import closed_port
from tests.unit.google_video import SECRET, VEO, Desk

MODEL = f"projects/studio/locations/us-central1/publishers/google/models/{VEO}"


@pytest.fixture
def wire() -> Iterator[VeoWire]:
    with VeoWire() as stand_in:
        assert isinstance(stand_in, VeoWire)
        yield stand_in


@pytest.fixture
def desk(wire: VeoWire, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("VEO_ACCESS_TOKEN", SECRET)
    return Desk("veo", VEO, wire, tmp_path, clock)


def account(folder: Path, token_uri: str) -> Path:
    """A service account's file, whose tokens come from ``token_uri``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "account.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "studio",
                "client_email": "starsend@studio.example",
                "private_key": pem.decode(),
                "token_uri": f"{token_uri}/token",
            }
        )
    )
    return path


def test_the_wire_says_the_whole_take(desk: Desk, wire: VeoWire, tmp_path: Path) -> None:
    """Is the operation what the vendor's documents show, and does a picture that excludes the start frame stay home?"""
    mara = api.Reference("Mara", write_png(tmp_path / "mara.png"), "0")
    assert desk.submit(resolution="4K", references=(mara,)) == f"{MODEL}/operations/op1"
    ((_, call),) = wire.calls
    assert (call.method, call.path) == ("POST", f"/v1beta1/{MODEL}:predictLongRunning")
    assert call.headers["Authorization"] == f"Bearer {SECRET}"
    assert call.json == {
        "instances": [
            {
                "prompt": "A video of 2 shots with hard cuts between them, at exactly these times. "
                "The given picture is the first frame of the first shot.\n"
                "0:00-0:02.5 a harbour\n0:02.5-0:04 a boat\n"
                "No other reference picture is given: what they show is drawn in the first frame.",
                "image": {
                    "bytesBase64Encoded": base64.b64encode(png((86, 48))).decode(),
                    "mimeType": "image/png",
                },
            }
        ],
        "parameters": {
            "sampleCount": 1,
            "durationSeconds": 4,
            "aspectRatio": "16:9",
            "resolution": "4k",
            "generateAudio": True,
        },
        "labels": {"starsend-step": "seq01-a1-0123456789abcdef"},
    }


@pytest.mark.parametrize(
    ("seconds", "made"), [(4, True), (5, False), (6, True), (7, False), (8, True), (10, False)]
)
def test_a_take_has_one_of_three_lengths(desk: Desk, wire: VeoWire, seconds: int, made: bool) -> None:
    """Is a length that Veo does not make refused before it is sent?"""
    if made:
        desk.submit(durations=(1.0, seconds - 1.0))
    else:
        with pytest.raises(BadRequest, match=f"4, 6 or 8 seconds, not {seconds}"):
            desk.submit(durations=(1.0, seconds - 1.0))
    assert len(wire.bill) == made


def test_an_operation_is_looked_up_by_its_name(desk: Desk, wire: VeoWire) -> None:
    """Does a new provider wait for the operation, by the vendor's own call?"""
    handle = desk.submit()
    wire.running = 1
    assert [desk.open().poll(handle).state for _ in range(2)] == ["running", "ready"]
    call = wire.calls[-1][1]
    assert (call.method, call.path) == ("POST", f"/v1beta1/{MODEL}:fetchPredictOperation")
    assert call.json == {"operationName": handle}


@pytest.mark.parametrize(
    ("ended", "error", "words"),
    [
        ({"error": {"code": 3, "message": f"odd prompt {SECRET}"}}, JobFailed, r"odd prompt \[key\]"),
        ({"error": {"code": 13}}, JobFailed, "no reason"),
        (
            {
                "response": {
                    "raiMediaFilteredCount": 1,
                    "raiMediaFilteredReasons": [f"code 58061214 {SECRET}"],
                }
            },
            JobFailed,
            r"withheld for safety: code 58061214 \[key\]",
        ),
        ({"response": {}}, Ambiguous, "neither"),
        ({}, Ambiguous, "neither"),
    ],
)
def test_an_operation_that_ended_badly_says_why(
    desk: Desk, wire: VeoWire, ended: dict[str, object], error: type[ProviderError], words: str
) -> None:
    """Is a failure told from a video withheld for safety, and both from an answer that shows nothing?"""
    handle = desk.submit()
    wire.ended = ended
    with pytest.raises(error, match=words):
        desk.open().poll(handle)


@pytest.mark.parametrize("video", [{"gcsUri": "gs://studio/take.mp4"}, {"bytesBase64Encoded": ""}])
def test_a_video_in_a_bucket_says_where_it_is(desk: Desk, wire: VeoWire, video: dict[str, str]) -> None:
    """Is a paid result that cannot be fetched kept, and its place told?"""
    handle = desk.submit()
    wire.ended = {"response": {"videos": [{**video, "mimeType": "video/mp4"}]}}
    with pytest.raises(BrokenDownload, match=r"gs://studio/take.mp4|no bytes"):
        desk.open().fetch(handle, io.BytesIO())


def test_a_fetch_before_the_end_is_no_result(desk: Desk, wire: VeoWire) -> None:
    """Is nothing written of an operation that still runs?"""
    handle, into = desk.submit(), io.BytesIO()
    wire.running = 1
    with pytest.raises(BrokenDownload):
        desk.open().fetch(handle, into)
    assert into.getvalue() == b""


# ---------------------------------------------------------------------------------------------- who calls


def test_a_service_account_calls(desk: Desk, wire: VeoWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do application default credentials fetch a token, and the take go out with it?"""
    monkeypatch.delenv("VEO_ACCESS_TOKEN")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account(desk.folder, wire.url)))
    desk.submit()
    assert [phase for phase, _ in wire.calls] == ["find", "submit"]
    assert wire.calls[-1][1].headers["Authorization"] == "Bearer from-the-account"


def test_without_a_token_nothing_is_sent(desk: Desk, wire: VeoWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a submit whose token could not be had certainly unbilled, and a poll worth another look?"""
    handle = desk.submit()
    monkeypatch.delenv("VEO_ACCESS_TOKEN")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account(desk.folder, closed_port())))
    with pytest.raises(NotSent, match="no access token"):
        desk.submit()
    with pytest.raises(NotSent):
        desk.open().poll(handle)
    assert len(wire.bill) == 1


def test_a_token_comes_from_a_file(desk: Desk, wire: VeoWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the file named in the environment read?"""
    monkeypatch.delenv("VEO_ACCESS_TOKEN")
    (desk.folder / "token").write_text("from-a-file\n")
    monkeypatch.setenv("VEO_ACCESS_TOKEN_FILE", str(desk.folder / "token"))
    desk.submit()
    assert wire.calls[-1][1].headers["Authorization"] == "Bearer from-a-file"


def test_without_a_project_nothing_is_opened(desk: Desk) -> None:
    """Is it said where the project is named that Vertex bills?"""
    with pytest.raises(BadInput, match=r"veo\.project"):
        desk.open(project="")
