"""A stand-in vendor behind the seam: does what its script says, and keeps a bill of every call that it accepted."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from PIL import Image

from starsend import api_client as api
from starsend.vendor_faults import Ambiguous, ProviderError

Script = ProviderError | str
"""What one submit does: raise an error, or one of ``media``, ``job``, ``broken``, ``lost`` (accepted, answer lost)."""


@cache
def png(size: tuple[int, int] = (64, 48), colour: tuple[int, int, int] = (90, 120, 150)) -> bytes:
    """A small whole PNG."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


@cache
def mp4(frames: int = 12) -> bytes:
    """A small whole MP4 of ``frames`` frames at 24 a second."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            picture = np.full((48, 64, 3), number * 5 % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()


@dataclass
class Vendor:
    """Draws pictures and makes videos.

    ``script`` is what successive submits do; past its end they answer with a job. ``on_submit`` and ``on_poll`` let a
    test look at the world at that very moment. ``polls`` are what successive polls answer before ``ready``,
    ``finds`` how successive look-ups fail, ``fetches`` what successive downloads bring.
    """

    name: str = "animatic"
    can_find: bool = False
    script: list[Script] = field(default_factory=list)
    polls: list[api.JobStatus | ProviderError] = field(default_factory=list)
    finds: list[ProviderError] = field(default_factory=list)
    fetches: list[bytes | ProviderError] = field(default_factory=list)
    on_submit: Callable[[str], None] = lambda _key: None
    on_poll: Callable[[str], None] = lambda _handle: None
    bill: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    jobs: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def submit_image(self, request: api.ImageRequest, *, step_key: str) -> api.Media | api.Job:
        return self._submit(step_key, png(), "image/png")

    def submit_video(self, request: api.VideoRequest, *, step_key: str) -> api.Media | api.Job:
        return self._submit(step_key, mp4(), "video/mp4")

    def _submit(self, step_key: str, data: bytes, mime: str) -> api.Media | api.Job:
        self.on_submit(step_key)
        with self.lock:
            self.sent.append(step_key)
            act = self.script.pop(0) if self.script else "job"
            if isinstance(act, ProviderError):
                if act.billed is not False and not isinstance(act, Ambiguous):
                    self.bill.append(step_key)
                raise act
            self.bill.append(step_key)
            handle = f"job-{len(self.jobs) + 1}"
            self.jobs[handle] = (step_key, data)
        if act == "media":
            return api.Media(data, mime)
        if act == "broken":
            return api.Media(data[: len(data) // 2], mime)
        if act == "lost":
            raise Ambiguous(self.name, "reset after sending")
        return api.Job(handle)

    def find(self, step_key: str) -> api.Job | None:
        assert self.can_find, "only asked where the vendor lets us"
        if self.finds:
            raise self.finds.pop(0)
        mine = [handle for handle, (key, _) in self.jobs.items() if key == step_key]
        return api.Job(mine[-1]) if mine else None

    def poll(self, handle: str) -> api.JobStatus:
        self.on_poll(handle)
        answer = self.polls.pop(0) if self.polls else api.JobStatus("ready")
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    def fetch(self, handle: str, into: BinaryIO) -> str:
        answer = self.fetches.pop(0) if self.fetches else self.jobs[handle][1]
        if isinstance(answer, ProviderError):
            raise answer
        into.write(answer)
        return "application/octet-stream"


def write_png(path: Path, size: tuple[int, int] = (64, 48)) -> Path:
    """A whole PNG at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(size))
    return path
