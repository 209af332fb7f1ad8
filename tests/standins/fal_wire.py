"""fal's queue and its store of uploads on loopback; a bill of every request that it took."""

from __future__ import annotations

import re
from typing import Any

from tests.standins.vendor import mp4
from tests.standins.wire import Call, Fault, Phase, Reply, StandIn

KEY = "planted-id:planted-fal-key"
SIGNATURE = "planted-signature"
SPELLINGS = {"v3": ("start_image_url", str), "o3": ("image_url", str), "v4": ("start_image_url", int)}


class FalWire(StandIn):
    """``states`` are what successive looks answer before COMPLETED; ``error`` is what a COMPLETED carries.

    The phase ``find`` is the look at a finished request's result, which names the video's address.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requests: dict[str, dict[str, Any]] = {}
        self.uploads: list[bytes] = []
        self.states: list[str] = []
        self.error = ""
        self.video = mp4()
        self.address = f"{self.url}/video/%s.mp4?sig={SIGNATURE}"

    def fail_jobs(self) -> None:
        self.error = "the runner died"

    def never_end(self) -> None:
        self.states = ["IN_PROGRESS"] * 99

    def no_such(self, status: int) -> Fault:
        return self.refused(status, "Request not found")

    def refused(self, status: int, words: str) -> Fault:
        return Fault("status", status, body=Reply.of({"detail": words}).body)

    def phase(self, call: Call) -> Phase:
        if call.path.startswith("/video/"):
            return "fetch"
        if call.path.startswith(("/storage/", "/store/")):
            return "upload"
        if call.method == "POST":
            return "submit"
        return "poll" if call.path.endswith("/status") else "find"

    def answer(self, phase: Phase, call: Call) -> Reply:
        if phase == "fetch":
            return self.bring(self.video)
        if call.method == "PUT":
            assert "Authorization" not in call.headers, "a signed address needs no key"
            self.uploads.append(call.body)
            return Reply()
        if call.headers.get("Authorization") != f"Key {KEY}":
            return Reply.of({"detail": f"no such key: {call.headers.get('Authorization')}"}, 401)
        if phase == "upload":
            number = len(self.uploads)
            signed = f"{self.url}/store/{number}?sig={SIGNATURE}"
            return Reply.of({"upload_url": signed, "file_url": f"https://store.fal.example/{number}.png"})
        if phase == "submit":
            return self._take(call)
        return self._look(phase, call.path)

    def _take(self, call: Call) -> Reply:
        body, app = call.json, call.path.removeprefix("/")
        if wrong := _fault(app, body):
            return Reply.of({"detail": [{"loc": ["body", wrong], "msg": "is wrong", "type": "value"}]}, 422)
        name = f"request-{len(self.requests) + 1}"
        self.requests[name] = body
        self.bill.append(name)
        base = f"{self.url}/fal-ai/kling-video/requests/{name}"
        urls = {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}
        return Reply.of({"request_id": name, "queue_position": 0, **urls})

    def _look(self, phase: Phase, path: str) -> Reply:
        found = re.fullmatch(r"/fal-ai/kling-video/requests/([\w-]+)(/status)?", path)
        if not found or found[1] not in self.requests:
            return Reply.of({"detail": "Request not found"}, 404)
        if phase == "find":
            address = self.address.replace("%s", found[1])
            return Reply.of({"video": {"url": address, "content_type": "video/mp4"}})
        status = self.states.pop(0) if self.states else "COMPLETED"
        answer: dict[str, Any] = {"status": status, "logs": None, "queue_position": 3, "metrics": {}}
        if status == "COMPLETED" and self.error:
            answer |= {"error": self.error, "error_type": "runner_error"}
        return Reply.of(answer)


def _fault(app: str, body: dict[str, Any]) -> str:
    """The field that the model's schema refuses, if any."""
    found = re.fullmatch(r"fal-ai/kling-video/(v3|o3|v4)(?:/(?:standard|pro))?/image-to-video", app)
    if not found:
        return "app"
    start, kind = SPELLINGS[found[1]]
    if body.keys() - {"elements"} != {start, "multi_prompt", "shot_type", "duration", "generate_audio"}:
        return "keys"
    lengths = [shot["duration"] for shot in body["multi_prompt"]]
    if any(type(length) is not kind for length in (*lengths, body["duration"])):
        return "duration"
    if sum(map(int, lengths)) != int(body["duration"]):
        return "multi_prompt"
    shown = [element["frontal_image_url"] for element in body.get("elements", [])]
    shown += [url for element in body.get("elements", []) for url in element["reference_image_urls"]]
    return "" if all(url.startswith("https://") for url in (body[start], *shown)) else "url"
