"""A stand-in for Veo on Vertex: long-running operations that answer with the video's bytes."""

from __future__ import annotations

import base64
from typing import Any

from tests.standins.gemini_wire import google_fault
from tests.standins.vendor import mp4
from tests.standins.wire import Call, Fault, Phase, Reply, StandIn


class VeoWire(StandIn):
    """Bills each operation under its name.

    ``running`` is how many looks an operation takes; ``ended`` is laid over its answer after that. A look and a download
    are one call on this wire: ``fetching`` says which one a test means.
    """

    def __init__(self) -> None:
        super().__init__()
        self.video = mp4(frames=96)
        self.running = 0
        self.ended: dict[str, Any] | None = None
        self.fetching = False

    def fail_jobs(self) -> None:
        self.ended = {"error": {"code": 13, "message": "internal"}}

    def never_end(self) -> None:
        self.running = 99

    def no_such(self, status: int) -> Fault:
        return self.refused(status, "no such operation")

    def refused(self, status: int, words: str) -> Fault:
        return google_fault(status, words)

    def phase(self, call: Call) -> Phase:
        if call.path.endswith(":predictLongRunning"):
            return "submit"
        if call.path == "/token":
            return "find"
        return "fetch" if self.fetching else "poll"

    def answer(self, phase: Phase, call: Call) -> Reply:
        if phase == "find":  # a service account's token, which costs nothing
            return Reply.of({"access_token": "from-the-account", "expires_in": 3600, "token_type": "Bearer"})
        if phase == "submit":
            model = call.path.partition("/v1beta1/")[2].partition(":")[0]
            name = f"{model}/operations/op{len(self.bill) + 1}"
            self.bill.append(name)
            return Reply.of({"name": name})
        name = call.json["operationName"]
        if name not in self.bill:
            return Reply.of({"error": {"code": 404, "message": "no such operation"}}, 404)
        if self.running:
            self.running -= 1
            return Reply.of({"name": name, "done": False})
        made = self.bring(self.video)
        video = {"bytesBase64Encoded": base64.b64encode(made.body).decode(), "mimeType": made.mime}
        ended = {"response": {"videos": [video]}} if self.ended is None else self.ended
        return Reply.of({"name": name, "done": True, **ended})
