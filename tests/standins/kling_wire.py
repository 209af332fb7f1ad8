"""Kling's own API on loopback: tasks by its id and by ours, which is unique; a bill of every task that it took."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.standins.vendor import mp4
from tests.standins.wire import Call, Fault, Phase, Reply, StandIn

TASKS = "/v1/videos/image2video"
ACCESS, SECRET = "planted-access-key", "planted-secret-key"
SIGNATURE = "planted-signature"


@dataclass
class Task:
    """One order. ``states`` are what successive looks at it answer before ``succeed``."""

    external: str
    body: dict[str, Any]
    states: list[str] = field(default_factory=list)


class KlingWire(StandIn):
    """``unseen`` counts the looks by our id that come too early to see a task; ``now`` is what time it takes it for."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.now = now
        self.tasks: dict[str, Task] = {}
        self.states: list[str] = []
        self.unseen = 0
        self.api_key = ""
        self.why = "content risk"
        self.video = mp4()
        self.address = f"{self.url}/video/%s.mp4?sig={SIGNATURE}"

    def fail_jobs(self) -> None:
        self.states = ["failed"] * 9

    def never_end(self) -> None:
        self.states = ["processing"] * 99

    def no_such(self, status: int) -> Fault:
        return Fault("status", status, body=said(status, 1203, "the requested resource does not exist").body)

    def refused(self, status: int, words: str) -> Fault:
        code = {400: 1201, 401: 1002, 429: 1302}.get(status, 5000)
        return Fault("status", status, body=said(status, code, words).body)

    def phase(self, call: Call) -> Phase:
        if call.method == "POST":
            return "submit"
        if call.path.startswith("/video/"):
            return "fetch"
        return "poll" if call.path.startswith(f"{TASKS}/task-") else "find"

    def answer(self, phase: Phase, call: Call) -> Reply:
        if phase == "fetch":
            return self.bring(self.video)
        if not self._knows(call.headers.get("Authorization", "")):
            return said(401, 1002, f"Authorization is invalid: {call.headers.get('Authorization')}")
        if phase == "submit":
            return self._take(call.json)
        return self._look(call.path.removeprefix(f"{TASKS}/"))

    def _take(self, body: dict[str, Any]) -> Reply:
        if wrong := _fault(body):
            return said(400, 1201, wrong)
        external = body["external_task_id"]
        if any(task.external == external for task in self.tasks.values()):
            return said(400, 1201, "external_task_id is not unique")
        name = f"task-{len(self.tasks) + 1}"
        self.tasks[name] = Task(external, body, list(self.states))
        self.bill.append(external)
        return self._told(name, "submitted")

    def _look(self, name: str) -> Reply:
        found = next((n for n, task in self.tasks.items() if name in (n, task.external)), None)
        if found != name and self.unseen:
            self.unseen -= 1
            found = None
        if found is None:
            return said(404, 1203, "the requested resource does not exist")
        states = self.tasks[found].states
        return self._told(found, states.pop(0) if states else "succeed")

    def _told(self, name: str, status: str) -> Reply:
        data: dict[str, Any] = {
            "task_id": name,
            "task_status": status,
            "task_status_msg": self.why if status == "failed" else "",
            "task_info": {"external_task_id": self.tasks[name].external},
        }
        if status == "succeed":
            data["task_result"] = {
                "videos": [{"id": "v1", "url": self.address.replace("%s", name), "duration": "5"}]
            }
        return Reply.of({"code": 0, "message": "SUCCEED", "request_id": "r1", "data": data})

    def _knows(self, header: str) -> bool:
        token = header.removeprefix("Bearer ")
        if self.api_key:
            return token == self.api_key
        if token.count(".") != 2:
            return False
        head, claims, signature = token.split(".")
        right = hmac.new(SECRET.encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
        held = json.loads(_decoded(claims))
        at = self.now().timestamp()
        return (
            hmac.compare_digest(right, _decoded(signature))
            and json.loads(_decoded(head)) == {"alg": "HS256", "typ": "JWT"}
            and held["iss"] == ACCESS
            and held["nbf"] <= at < held["exp"] <= at + 3600
        )


def said(status: int, code: int, message: str) -> Reply:
    """An answer that is no yes, as the vendor words it."""
    return Reply.of({"code": code, "message": message, "request_id": "r1", "data": None}, status)


def _fault(body: dict[str, Any]) -> str:
    """What the vendor's documents forbid."""
    shots = body["multi_prompt"]
    if [shot["index"] for shot in shots] != list(range(1, len(shots) + 1)):
        return "index must count from 1"
    if sum(int(shot["duration"]) for shot in shots) != int(body["duration"]):
        return "the durations of the shots must sum to duration"
    if (
        body["mode"] not in ("std", "pro")
        or body["multi_shot"] is not True
        or body["shot_type"] != "customize"
    ):
        return "unknown value"
    pictures = [body["image"]]
    for element in body.get("elements", []):
        pictures += [element["frontal_image"], *element["reference_images"]]
    if not all(base64.b64decode(picture, validate=True) for picture in pictures):
        return "image is empty"
    return ""


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
