"""A stand-in for Gemini's image models: their path, header and JSON, their refusals, and a bill of what was drawn."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from tests.standins.vendor import png
from tests.standins.wire import Call, Fault, Phase, Reply, StandIn

KEY: Final = "AIza-stand-in-0123456789-abcdefghij"
TOKENS: Final = {"1K": 1120, "2K": 1680, "4K": 3780}
_PATH: Final = re.compile(r"/v1/models/([\w.-]+):generateContent")


class GeminiWire(StandIn):
    """``answers`` are the bodies of the next calls; past their end each call gets its picture.

    The bill holds a model for each call that put something out: a prompt that is blocked is not on it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[dict[str, Any]] = []
        self.picture = png()

    def refused(self, status: int, words: str) -> Fault:
        return google_fault(status, words)

    def phase(self, call: Call) -> Phase:
        return "submit"

    def answer(self, phase: Phase, call: Call) -> Reply:
        found = _PATH.fullmatch(call.path)
        headers = {name.lower(): value for name, value in call.headers.items()}
        if call.method != "POST" or not found:
            return refused(404, "NOT_FOUND", f"there is no {call.path}")
        if headers.get("x-goog-api-key") != KEY:
            info = {"reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            return refused(400, "INVALID_ARGUMENT", "API key not valid.", [info])
        made = self.bring(self.picture, "image/png")
        body = self.answers.pop(0) if self.answers else drawn(made.body, call.json, made.mime)
        if "promptFeedback" not in body:
            self.bill.append(found[1])
        return Reply.of(body)


def refused(status: int, name: str, message: str, details: list[dict[str, Any]] | None = None) -> Reply:
    """An error as Google's services give it."""
    return Reply.of(
        {"error": {"code": status, "message": message, "status": name, "details": details or []}}, status
    )


def google_fault(status: int, message: str, *details: dict[str, Any], **more: Any) -> Fault:
    """The same, as what goes wrong with a call."""
    return Fault("status", status, body=refused(status, "", message, list(details)).body, **more)


def inline(data: bytes, mime: str = "image/png", **more: object) -> dict[str, Any]:
    """A part that holds a picture."""
    return {"inlineData": {"mimeType": mime, "data": base64.b64encode(data).decode()}, **more}


def drawn(data: bytes, asked: dict[str, Any], mime: str = "image/png") -> dict[str, Any]:
    """The answer to a request: one picture and what it is billed by."""
    tokens = TOKENS[asked["generationConfig"]["imageConfig"]["imageSize"]]
    return answered([inline(data, mime)], tokens=tokens)


def answered(
    parts: list[dict[str, Any]] | None, finish: str = "STOP", *, tokens: int = 0, **more: object
) -> dict[str, Any]:
    """An answer of these parts; ``tokens`` are its image tokens."""
    content = {"role": "model"} if parts is None else {"role": "model", "parts": parts}
    usage: dict[str, Any] = {"promptTokenCount": 271, "totalTokenCount": 271 + tokens}
    if tokens:
        details = [{"modality": "IMAGE", "tokenCount": tokens}]
        usage |= {"candidatesTokenCount": tokens, "candidatesTokensDetails": details}
    candidate = {"content": content, "finishReason": finish, "index": 0, **more}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stand-in"}


def blocked(reason: str, **more: object) -> dict[str, Any]:
    """An answer to a prompt that never reached the model."""
    usage = {"promptTokenCount": 271, "totalTokenCount": 271}
    return {"promptFeedback": {"blockReason": reason, **more}, "usageMetadata": usage}
