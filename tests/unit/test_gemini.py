"""Does Gemini's wire carry what was asked, once, to where it should go, and never the key into sight?

The SDK is the real one, the vendor a stand-in on loopback.
"""

from __future__ import annotations

import base64
import json
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from starsend import api_client as api
from starsend.providers import gemini, wire
from starsend.vendor_faults import Ambiguous, BadRequest, ProviderError, Unauthorized
from tests.standins.gemini_wire import KEY, GeminiWire, answered, drawn, refused
from tests.standins.vendor import png, write_png
from tests.standins.wire import Call, Fault, Phase, Reply
from tests.unit.gemini_house import MODEL, asked, draw, opened, reference


def test_the_wire_is_geminis(gemini_wire: GeminiWire, tmp_path: Path) -> None:
    """Do path, header and JSON carry prompt, pictures in their order, ratio and size, and nothing else?"""
    one = write_png(tmp_path / "one.png")
    two = tmp_path / "two.jpg"
    Image.new("RGB", (8, 8)).save(two)
    media = draw(gemini_wire.url, references=(reference(one), reference(two)))
    assert media == api.Media(png(), "image/png", tokens=1680)
    ((_, call),) = gemini_wire.calls
    assert (call.method, call.path, call.query) == ("POST", f"/v1/models/{MODEL}:generateContent", "")
    assert {name.lower(): value for name, value in call.headers.items()}["x-goog-api-key"] == KEY
    parts = call.json["contents"][0]["parts"]
    assert call.json == {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
        },
    }
    assert parts[0] == {"text": "a harbour"}
    sent = [(part["inlineData"]["mime_type"], part["inlineData"]["data"]) for part in parts[1:]]
    assert [mime for mime, _ in sent] == ["image/png", "image/jpeg"]
    assert [base64.urlsafe_b64decode(data) for _, data in sent] == [one.read_bytes(), two.read_bytes()]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"aspect_ratio": "5:7"}, f"5:7 is no aspect ratio of {MODEL}. Use one of 1:1, 2:3, "),
        ({"size": "2k"}, f"2k is no size of {MODEL}. Use one of 1K, 2K, 4K; nothing was sent"),
    ],
)
def test_what_the_model_does_not_draw_is_not_sent(
    gemini_wire: GeminiWire, changes: dict[str, Any], words: str
) -> None:
    """Is a wrong ratio or size told in words, with those that there are, free of charge?"""
    with pytest.raises(BadRequest, match=words) as raised:
        draw(gemini_wire.url, **changes)
    assert (raised.value.billed, raised.value.kind, gemini_wire.calls) == (False, "bad_request", [])


def test_pictures_that_cannot_go_along_are_not_sent(gemini_wire: GeminiWire, tmp_path: Path) -> None:
    """Is each reason why a reference cannot be sent one line that names the file?"""
    good = reference(write_png(tmp_path / "good.png"))
    gif = tmp_path / "a.gif"
    Image.new("RGB", (8, 8)).save(gif)
    large = tmp_path / "large.png"
    large.write_bytes(png() + bytes(15_000_000))
    changed = reference(write_png(tmp_path / "changed.png"))
    changed.path.write_bytes(png((9, 9)))
    wave = tmp_path / "wave.webp"
    wave.write_bytes(b"RIFF0000WAVE")
    for references, words in (
        ((reference(gif),), r"a\.gif is no PNG, JPEG or WebP picture"),
        ((reference(wave),), r"wave\.webp is no PNG, JPEG or WebP picture"),
        ((reference(large),), r"come to 20\.0 MB, more than 20 MB"),
        ((changed,), r"changed\.png has changed"),
        ((api.Reference("gone", tmp_path / "gone.png", "0"),), r"gone\.png cannot be read \(No such file"),
        ((good,) * 15, "15 reference pictures are more than 14"),
    ):
        with pytest.raises(BadRequest, match=words):
            draw(gemini_wire.url, references=references)
    assert gemini_wire.calls == []


def test_nothing_in_the_environment_leads_a_call_elsewhere(
    gemini_wire: GeminiWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Do the SDK's own variables change neither address nor version, service, key or answer?"""
    with GeminiWire() as other:
        for name, value in {
            "GOOGLE_GEMINI_BASE_URL": other.url,
            "GOOGLE_GENAI_API_VERSION": "v1alpha",
            "GOOGLE_GENAI_USE_VERTEXAI": "true",
            "GOOGLE_GENAI_USE_ENTERPRISE": "true",
            "GOOGLE_GENAI_CLIENT_MODE": "replay",
            "GOOGLE_GENAI_HTTP_CLIENT": "httpx2",
            "GOOGLE_CLOUD_PROJECT": "p",
            "GOOGLE_API_KEY": "another",
        }.items():
            monkeypatch.setenv(name, value)
        assert draw(gemini_wire.url).data == png()
        assert (len(gemini_wire.bill), other.calls) == (1, [])


def test_a_redirect_carries_neither_call_nor_key(gemini_wire: GeminiWire) -> None:
    """Is a 307 an answer, and not a second call to wherever it points?"""
    with GeminiWire() as other:
        gemini_wire.faults["submit"].append(Fault("status", 307, headers={"location": f"{other.url}/v1/x"}))
        with pytest.raises(Ambiguous, match="307"):
            draw(gemini_wire.url)
        assert (gemini_wire.bill, other.calls) == ([], [])


def test_the_studios_proxy_is_used(gemini_wire: GeminiWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does a call leave by the proxy that the environment names?"""
    monkeypatch.setenv("HTTP_PROXY", gemini_wire.url)
    with pytest.raises(BadRequest):  # the stand-in is none, and knows no such address
        draw("http://gemini.invalid")
    ((_, call),) = gemini_wire.calls
    assert call.path == f"http://gemini.invalid/v1/models/{MODEL}:generateContent"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "nonsense://x"), ("ALL_PROXY", "socks5://u:secret@x"), ("SSL_CERT_FILE", "/nowhere")],
)
@pytest.mark.usefixtures("gemini_wire")
def test_a_way_out_that_cannot_be_used_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Is it one plain line before anything is intended, without the proxy's password?"""
    monkeypatch.setenv(variable, value)
    with pytest.raises(gemini.NoWayOut, match="HTTPS_PROXY") as raised:
        opened("http://127.0.0.1:9/proxy", 7)
    assert "secret" not in str(raised.value)


class Numbered(GeminiWire):
    """Draws a picture as wide as the number in its prompt."""

    def answer(self, phase: Phase, call: Call) -> Reply:
        number = int(call.json["contents"][0]["parts"][0]["text"])
        return Reply.of(drawn(png((number, 8)), call.json))


@pytest.mark.usefixtures("gemini_wire")
def test_forty_threads_share_one_client() -> None:
    """Does each of forty calls at once bring its own picture?"""
    with Numbered() as vendor:
        provider = opened(vendor.url, 30)

        def one(number: int) -> api.Media | api.Job:
            return provider.submit_image(asked(prompt=f"{number}"), step_key=f"step-{number}")

        with ThreadPoolExecutor(40) as pool:
            drew = list(pool.map(one, range(1, 41)))
        assert drew == [api.Media(png((number, 8)), "image/png", 1680) for number in range(1, 41)]
        assert vendor.count("submit") == 40


def test_a_wrong_key_is_told_by_its_reason(gemini_wire: GeminiWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google answers 400 to a wrong key: is it told as one, and not as a bad request?"""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-wrong")
    with pytest.raises(Unauthorized, match="API key not valid"):
        draw(gemini_wire.url)


@pytest.mark.parametrize(
    "echo",
    [
        lambda body: Fault("status", 429, body=body),
        lambda body: Fault("status", 400, body=b"no JSON, " + body),
        lambda _: Fault("other_bytes", body=json.dumps(answered([{"text": f"I saw {KEY}"}])).encode()),
        lambda _: Fault("other_bytes", body=json.dumps({KEY: 1, "candidates": KEY}).encode()),
    ],
)
def test_a_key_that_is_echoed_stays_out_of_errors_and_logs(
    gemini_wire: GeminiWire, echo: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the vendor says, is the planted key in no message, no traceback and no log line?"""
    caplog.set_level(logging.DEBUG)
    said = f"{'x' * 270} the key {KEY} and again {KEY}"
    gemini_wire.faults["submit"].append(
        echo(refused(400, KEY, said, [{"reason": KEY, "violations": [{"quotaId": KEY}]}]).body)
    )
    with pytest.raises(ProviderError) as raised:
        draw(gemini_wire.url)
    seen = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(raised.value)
    assert KEY[:8] not in seen


def test_a_key_that_cannot_be_sent_is_found_before_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a key of two lines, or none, told when the provider is opened?"""
    monkeypatch.setenv("GEMINI_API_KEY", "AIza\nsecond")
    with pytest.raises(wire.BadKey, match="line break") as raised:
        opened("http://127.0.0.1:9")
    assert "AIza" not in str(raised.value)
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(wire.NoKey, match="neither GEMINI_API_KEY nor GEMINI_API_KEY_FILE is set"):
        opened("http://127.0.0.1:9")
