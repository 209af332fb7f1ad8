"""A stand-in for Google's Interactions API with Omni, its files, and another host that a file may be redirected to."""

from __future__ import annotations

from typing import Any

from tests.standins.gemini_wire import google_fault
from tests.standins.vendor import mp4
from tests.standins.wire import Call, Fault, Phase, Reply, StandIn

INTERACTIONS, FILES = "/v1/interactions", "/v1/files/"


class OmniWire(StandIn):
    """Bills each interaction under its id.

    ``said`` is laid over what a GET of an interaction answers; ``uri`` is where its video is (an id of a file unless
    given); ``states`` are what the file is in successive looks, before ACTIVE; ``elsewhere`` redirects the download.
    """

    def __init__(self) -> None:
        super().__init__()
        self.video = mp4(frames=96)
        self.said: dict[str, Any] = {}
        self.uri: str | None = None
        self.states: list[str] = []
        self.elsewhere: str | None = None

    def fail_jobs(self) -> None:
        self.said = {"status": "failed", "steps": [], "errors": [{"message": "internal"}]}

    def never_end(self) -> None:
        self.said = {"status": "in_progress", "steps": []}

    def no_such(self, status: int) -> Fault:
        return self.refused(status, "no such interaction")

    def refused(self, status: int, words: str) -> Fault:
        return google_fault(status, words)

    def phase(self, call: Call) -> Phase:
        if call.method == "POST":
            return "submit"
        return "fetch" if call.path.endswith(":download") or call.path.startswith("/cdn/") else "poll"

    def answer(self, phase: Phase, call: Call) -> Reply:
        if phase == "submit":
            handle = f"v1_job{len(self.bill) + 1}"
            self.bill.append(handle)
            return Reply.of({"id": handle, "status": "in_progress", "object": "interaction"})
        if phase == "fetch":
            if self.elsewhere and call.path.startswith(FILES):
                return Reply(302, headers={"location": self.elsewhere})
            return self.bring(self.video)
        if call.path.startswith(FILES):
            state = self.states.pop(0) if self.states else "ACTIVE"
            return Reply.of({"name": call.path.removeprefix("/v1/"), "state": state})
        handle = call.path.rpartition("/")[2]
        if handle not in self.bill:
            return Reply.of({"error": {"code": 404, "message": "no such interaction"}}, 404)
        return Reply.of({**self._completed(handle), **self.said})

    def _completed(self, handle: str) -> dict[str, Any]:
        video = {"type": "video", "mime_type": "video/mp4", "uri": self.uri or f"files/{handle}"}
        steps = [
            {"type": "user_input", "content": [{"type": "text", "text": "a take"}]},
            {"type": "thought", "signature": "s"},
            {"type": "model_output", "content": [video]},
        ]
        return {"id": handle, "status": "completed", "steps": steps}
