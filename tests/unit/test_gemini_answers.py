"""Is every way of getting no picture told apart, in the vendor's words, and is the right picture taken where there are more?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from starsend import api_client as api
from starsend.providers.gemini_answer import picture_of, read_answer
from starsend.vendor_faults import Ambiguous, NoPicture
from tests.standins.gemini_wire import KEY, answered, blocked, inline
from tests.standins.vendor import png

ONE, TWO, DRAFT = png((10, 10)), png((20, 10)), png((30, 10))


def read(body: object) -> api.Media:
    return picture_of(read_answer(json.dumps(body)), key=KEY)


@pytest.mark.parametrize(
    ("body", "why", "words", "billed"),
    [
        (answered(None, "NO_IMAGE"), "empty", "the answer was empty: NO_IMAGE", None),
        (answered(None, "IMAGE_OTHER"), "empty", "the answer was empty: IMAGE_OTHER", None),
        (answered(None, "IMAGE_SAFETY"), "safety", "refused for safety: IMAGE_SAFETY", None),
        (answered(None, "IMAGE_SAFETY", tokens=1120), "safety", "refused for safety: IMAGE_SAFETY", True),
        (
            answered(None, "IMAGE_PROHIBITED_CONTENT", finishMessage="Sensitive words.\nSee the policy."),
            "safety",
            "refused for safety: IMAGE_PROHIBITED_CONTENT: Sensitive words. See the policy",
            None,
        ),
        (answered([], "SAFETY"), "safety", "refused for safety: SAFETY", None),
        (answered([{"text": "No."}], "PROHIBITED_CONTENT"), "safety", "PROHIBITED_CONTENT: No", None),
        (answered(None, "BLOCKLIST"), "safety", "BLOCKLIST", None),
        (answered(None, "IMAGE_RECITATION"), "recitation", "an existing picture: IMAGE_RECITATION", None),
        (answered(None, "RECITATION"), "recitation", "an existing picture: RECITATION", None),
        (answered(None, "MAX_TOKENS"), "empty", "the answer was empty: MAX_TOKENS", None),
        (answered(None, "SOMETHING_NEW"), "empty", "the answer was empty: SOMETHING_NEW", None),
        (
            answered([{"text": "Which harbour"}, {"text": "do you mean?"}]),
            "text_answer",
            r"answered in text: Which harbour do you mean\?",
            None,
        ),
        (answered([{"text": "hm", "thought": True}]), "empty", "the answer was empty. Reword", None),
        (answered([inline(DRAFT, thought=True)], tokens=9), "empty", "the answer was empty. Reword", True),
        (answered([{"inlineData": {"mimeType": "image/png"}}]), "empty", "the answer was empty", None),
        ({"candidates": [], "usageMetadata": {"promptTokenCount": 3}}, "empty", "the answer was empty", None),
        ({"candidates": [{}]}, "empty", "the answer was empty", None),
        (
            blocked("PROHIBITED_CONTENT", blockReasonMessage="It is prohibited."),
            "prompt_blocked",
            "the prompt was blocked: PROHIBITED_CONTENT: It is prohibited",
            False,
        ),
        ({"promptFeedback": {"blockReason": "OTHER"}}, "prompt_blocked", "blocked: OTHER", False),
        (
            {"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": {"thoughtsTokenCount": 240}},
            "prompt_blocked",
            "blocked: OTHER",
            None,
        ),
    ],
)
def test_no_picture_says_why(body: dict[str, Any], why: str, words: str, billed: bool | None) -> None:
    """Is it one line with the reason, and is it called billed or unbilled only where the answer says so?"""
    with pytest.raises(NoPicture, match=words) as raised:
        read(body)
    assert (raised.value.why, raised.value.billed) == (why, billed)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("parts", "data"),
    [
        ([inline(ONE), inline(TWO)], TWO),
        ([{"text": "Here it is:"}, inline(ONE), {"text": "Well?"}], ONE),
        ([inline(DRAFT, thought=True), inline(ONE), inline(DRAFT, thought=True)], ONE),
    ],
)
def test_the_last_picture_that_is_no_thought_is_taken(parts: list[dict[str, Any]], data: bytes) -> None:
    """Is a draft never taken for the picture?"""
    assert read(answered(parts)).data == data


def test_a_picture_is_taken_whatever_is_said_beside_it() -> None:
    """Is nothing that was paid for lost to an odd reason, count or MIME type?"""
    part = {"inlineData": {"mimeType": 7, "data": inline(ONE)["inlineData"]["data"]}, "text": 5, "new": []}
    body = {"candidates": [{"content": {"parts": [part]}, "finishReason": 3}], "usageMetadata": [1]}
    assert read(body) == api.Media(ONE, "7")


def test_both_alphabets_of_base64_are_read() -> None:
    """Is a picture whole that came in the alphabet for addresses?"""
    part = inline(b"\xff\xd8\xff\xfb\xef\xbe")
    plain = part["inlineData"]["data"]
    part["inlineData"]["data"] = plain.replace("+", "-").replace("/", "_")
    assert part["inlineData"]["data"] != plain
    assert read(answered([part])).data == b"\xff\xd8\xff\xfb\xef\xbe"


@pytest.mark.parametrize(
    ("tokens", "counted"),
    [
        ([("IMAGE", 1120)], 1120),
        ([("TEXT", 12), ("IMAGE", 1120), ("IMAGE", 1120)], 2240),
        ([("TEXT", 12)], None),
        ([("IMAGE", 0)], None),
        ([("IMAGE", -5)], None),
    ],
)
def test_only_the_tokens_of_pictures_are_counted(tokens: list[tuple[str, int]], counted: int | None) -> None:
    """Is a count without pictures none, so that the quote holds?"""
    details = [{"modality": kind, "tokenCount": count} for kind, count in tokens]
    body = {**answered([inline(ONE)]), "usageMetadata": {"candidatesTokensDetails": details}}
    assert read(body).tokens == counted


@pytest.mark.parametrize(
    "body", ["", "null", "[]", '"text"', "{}", '{"candidates": null}', "<html>", '{"candid']
)
def test_what_is_no_answer_is_ambiguous(body: str) -> None:
    """Is it never called free, since somebody has had the call?"""
    with pytest.raises(Ambiguous):
        read_answer(body)
