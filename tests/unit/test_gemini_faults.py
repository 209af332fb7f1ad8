"""Whatever breaks, is a call to Gemini sent once, and told for what it does to the bill?"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from starsend.vendor_faults import Ambiguous, BadRequest, NoPicture, ProviderError, RateLimited
from tests.standins.gemini_wire import GeminiWire, answered, refused
from tests.standins.wire import Fault
from tests.unit.gemini_house import draw


@pytest.mark.parametrize(
    ("fault", "error", "billed"),
    [
        (Fault("other_bytes", body=b'{"candidates": 5}'), Ambiguous, 1),
        (Fault("other_bytes", body=b"\xff\xfe[]"), Ambiguous, 1),
        (Fault("status", 202, accepted=True), Ambiguous, 1),
        (Fault("status", 400, body=b"\xff not JSON"), Ambiguous, 0),
        (Fault("status", 400, body=b'["what", {"error": "text"}]'), BadRequest, 0),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else "",
)
def test_a_call_that_breaks_is_sent_once_and_told_no_cheaper_than_it_was(
    gemini_wire: GeminiWire, fault: Fault, error: type[ProviderError], billed: int
) -> None:
    """Is nothing called unbilled that was charged, and does the SDK repeat nothing by itself?"""
    gemini_wire.faults["submit"].append(fault)
    with pytest.raises(error) as raised:
        draw(gemini_wire.url)
    assert type(raised.value) is error
    assert len(gemini_wire.bill) == billed
    assert not (billed and raised.value.billed is False)
    assert gemini_wire.count("submit") <= 1
    assert gemini_wire.faults["submit"] == []


def test_an_answer_that_asks_to_be_continued_is_not_continued(gemini_wire: GeminiWire) -> None:
    """The SDK follows such an answer by further paid calls, unless told not to: was it told?"""
    token = base64.b64encode(b"more").decode()
    gemini_wire.answers.append(answered(None, "CONTINUATION", continuationToken=token))
    with pytest.raises(NoPicture, match="CONTINUATION"):
        draw(gemini_wire.url)
    assert len(gemini_wire.bill) == 1


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}
QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDay"}, {"quotaId": "PerMinute"}, "?"],
}


@pytest.mark.parametrize(
    ("status", "details", "headers", "expected"),
    [
        (
            429,
            [RETRY, QUOTA],
            {"retry-after": "5"},
            (17.0, "quota used up, GenerateRequestsPerDay, PerMinute: b"),
        ),
        (429, [RETRY], {"retry-after": "30"}, (30.0, "429, rate limit: busy")),
        (429, [{"retryDelay": "0.25s"}], {}, (0.25, "429, rate limit: busy")),
        (429, [{"retryDelay": "soon"}, None], {"retry-after": "5"}, (5.0, "429, rate limit: busy")),
        (503, [], {"retry-after": "9"}, (9.0, "503, no capacity: busy")),
        (503, "odd", {}, (None, "503, no capacity: busy")),
    ],
)
def test_not_now_says_how_long_and_why(
    gemini_wire: GeminiWire,
    status: int,
    details: Any,
    headers: dict[str, str],
    expected: tuple[float | None, str],
) -> None:
    """Is the vendor's own delay honoured, and are quota, rate and capacity told apart?"""
    body = refused(status, "RESOURCE_EXHAUSTED", "busy", details).body
    gemini_wire.faults["submit"].append(Fault("status", status, headers=headers, body=body))
    delay, why = expected
    with pytest.raises(RateLimited, match=why) as raised:
        draw(gemini_wire.url)
    assert (raised.value.delay, raised.value.billed) == (delay, False)
    assert raised.value.cause == ("capacity" if status == 503 else "quota")
