"""What Gemini answered to one call, read from its JSON: a picture, or the way in which it is none.

The body is read here and not by the SDK, whose types refuse a whole answer for one base64 letter and warn of every reason
that is younger than they are. What is told here was paid for, so everything beside the picture may be odd or missing.
"""

from __future__ import annotations

import base64
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from starsend import api_client as api
from starsend.providers import wire
from starsend.vendor_faults import Ambiguous, NoPicture, NoPictureReason

NAME: Final = "gemini"

_SAFETY: Final = frozenset(
    {"SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "BLOCKLIST", "SPII"}
    | {"ESCALATION", "MODEL_ARMOR", "PUP_LIMITED_DISABLED"}
)
_RECITATION: Final = frozenset({"RECITATION", "IMAGE_RECITATION"})
_STANDARD: Final = str.maketrans("-_", "+/")  # protobuf's JSON may hold either alphabet of base64


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


class _Blob(_Wire):
    data: str = ""
    mime_type: object = None


class _Part(_Wire):
    text: object = None
    thought: object = None
    inline_data: _Blob | None = None


class _Content(_Wire):
    parts: list[_Part] | None = None


class _Candidate(_Wire):
    content: _Content | None = None
    finish_reason: object = None
    finish_message: object = None


class _Count(_Wire):
    modality: str
    token_count: int = 0


class Usage(_Wire):
    """Tokens as the vendor counted them; zero where it says nothing."""

    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    candidates_tokens_details: list[_Count] = []

    @property
    def image(self) -> int:
        """Output tokens that are pictures: what a picture is billed by."""
        counts = self.candidates_tokens_details
        return sum(max(count.token_count, 0) for count in counts if count.modality.upper() == "IMAGE")


class Answer(_Wire):
    """The body of a reply with status 200."""

    candidates: list[_Candidate] | None = None
    prompt_feedback: dict[str, Any] | None = None
    usage_metadata: object = None

    @property
    def usage(self) -> Usage | None:
        """None where the answer counts nothing, or in a way that cannot be read."""
        try:
            return Usage.model_validate(self.usage_metadata) if self.usage_metadata else None
        except ValidationError:
            return None


def read_answer(body: str | None) -> Answer:
    """The answer as far as it is understood.

    Raises:
        Ambiguous: it is not one of Gemini's. The call was answered, so it may have been billed.
    """
    try:
        answer = Answer.model_validate_json(body or "")
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        at = ".".join(str(step) for step in first["loc"])
        why = (
            "its answer is not JSON"
            if first["type"] == "json_invalid"
            else f"its answer is odd at {at or 'its top'}"
        )
        raise Ambiguous(NAME, why) from None
    if answer.candidates is None and not answer.prompt_feedback and not answer.usage_metadata:
        raise Ambiguous(NAME, "its answer has neither candidates nor a reason for having none")
    return answer


def picture_of(answer: Answer, *, key: str) -> api.Media:
    """The last picture that is no thought: a model that thinks shows drafts first, and ends on what it settled for.

    Bytes that are no base64 are handed on as they came: the landing says that they are broken, and keeps them.

    Raises:
        NoPicture: says why there is none, in the vendor's words without ``key``, and whether it was billed.
    """
    blobs = [part.inline_data for part in _said(answer) if part.inline_data and part.inline_data.data]
    if not blobs:
        raise _no_picture(answer, key)
    usage = answer.usage
    return api.Media(
        _decoded(blobs[-1].data), str(blobs[-1].mime_type or ""), (usage.image or None) if usage else None
    )


def _said(answer: Answer) -> list[_Part]:
    """All parts of all candidates but the thoughts."""
    contents = [candidate.content for candidate in answer.candidates or []]
    return [part for content in contents if content for part in content.parts or [] if not part.thought]


def _no_picture(answer: Answer, key: str) -> NoPicture:
    feedback, usage = answer.prompt_feedback or {}, answer.usage
    billed = True if usage and usage.image else None
    if feedback.get("blockReason"):
        # Blocked before the model saw it (docs/providers.md), unless the count says that it did put something out.
        worked = usage and (usage.candidates_token_count or usage.thoughts_token_count)
        said = _words(key, feedback["blockReason"], feedback.get("blockReasonMessage"))
        return NoPicture(NAME, "prompt_blocked", said, billed=billed if worked else False)
    candidate = answer.candidates[0] if answer.candidates else _Candidate()
    finish = str(candidate.finish_reason or "")
    text = " ".join(str(part.text) for part in _said(answer) if part.text)
    why: NoPictureReason = "text_answer" if text else "empty"
    if finish in _SAFETY:
        why = "safety"
    elif finish in _RECITATION:
        why = "recitation"
    reason = "" if finish == "STOP" else finish
    return NoPicture(NAME, why, _words(key, reason, candidate.finish_message or text), billed=billed)


def _words(key: str, *said: object) -> str:
    return wire.quotable(": ".join(str(word) for word in said if word), key)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data.translate(_STANDARD), validate=True)
    except ValueError:
        return data.encode(errors="replace")
