"""Every provider behind one door: the vendors with their stand-ins on loopback, and the animatic with its own books."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from starsend import api_client as api
from starsend.config import Settings
from starsend.files import sha256_of
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_runner import StepRunner
from starsend.provider_options import AnimaticOptions
from starsend.providers.animatic import Animatic
from starsend.providers.kling import open_kling
from tests.conftest import ManualClock
from tests.media import grain, large_film, large_picture
from tests.standins.fal_wire import KEY as FAL_KEY
from tests.standins.fal_wire import FalWire
from tests.standins.gemini_wire import KEY as GEMINI_KEY
from tests.standins.gemini_wire import GeminiWire
from tests.standins.kling_wire import ACCESS, SECRET, KlingWire
from tests.standins.omni_wire import OmniWire
from tests.standins.vendor import Vendor, mp4, png, write_png
from tests.standins.veo_wire import VeoWire
from tests.standins.wire import Fault, StandIn

Name = Literal["gemini", "kling", "fal", "omni", "veo", "animatic", "storyboard"]
MODELS: Final[dict[Name, str]] = {
    "gemini": "gemini-nano-banana-2.1",
    "kling": "kling-v3",
    "fal": "kling-video/v3/pro",
    "omni": "gemini-omni-1.2-flash",
    "veo": "veo-3.1-lite-generate-001",
    "animatic": "animatic",
    "storyboard": "storyboard",
}
DRAWS: Final = ("gemini", "storyboard")
"""Who makes pictures; the others make takes. The embedded provider does both: it is two of the names."""
HOME_MADE: Final = ("animatic", "storyboard")
KEYS: Final = {
    "GEMINI_API_KEY": GEMINI_KEY,
    "KLING_ACCESS_KEY": ACCESS,
    "KLING_SECRET_KEY": SECRET,
    "FAL_KEY": FAL_KEY,
    "VEO_ACCESS_TOKEN": "planted-token",
}
KEYS_OF: Final[dict[Name, tuple[str, ...]]] = {
    "gemini": (GEMINI_KEY,),
    "kling": (ACCESS, SECRET),
    "fal": (FAL_KEY,),
    "omni": (GEMINI_KEY,),
    "veo": ("planted-token",),
}
PRICE: Final = Decimal("0.10")
SIZE: Final = (1376, 768)
FILM: Final = mp4(96)
KEY: Final = "S-a1-0123456789abcdef"


class Door:
    """One vendor, and everything of ours that stands before it: provider, project folder, ledger.

    Args:
        folder: the project's, empty.
        clock: ours; Kling's own is ``skew`` behind it.
    """

    def __init__(self, name: Name, folder: Path, clock: ManualClock) -> None:
        self.name, self.model, self.folder, self.clock = name, MODELS[name], folder, clock
        self.provider = "animatic" if name in HOME_MADE else name
        self.skew = timedelta(0)
        self.patience = 30.0
        self.misbehave: list[str] = []
        self._then: Callable[[], object] = lambda: None
        self.size: Literal["1K", "4K"] = "1K"
        self.seconds = 0.5 if name == "animatic" else 4.0
        """How long a take is: what all vendors make, or as little as the animatic may render."""
        self.slow = 1e6
        """Seconds that the animatic takes where it is to be slow."""
        self._wire = self._stand_in()
        (folder / "ledger.db").write_bytes(_empty_ledger())
        write_png(folder / "start.png", (128, 72))

    @property
    def wire(self) -> StandIn:
        """The stand-in. The animatic has none."""
        assert self._wire
        return self._wire

    def __enter__(self) -> Self:
        if self._wire:
            self._wire.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._wire:
            self._wire.__exit__(kind, fault, trace)

    def open(self, url: str | None = None) -> Any:
        """The provider as a new process opens it."""
        if self._wire is None:
            return self._rehearsal()
        options = {"base_url": url or self._wire.url, "timeout_seconds": self.patience}
        if self.name == "veo":
            options |= {"project": "studio", "location": "us-central1"}
        if self.name == "kling":  # whose key holds the time
            return open_kling(options=options, folder=self.folder, clock=self.clock)
        return api.open_provider(self.provider, options=options, folder=self.folder)

    def submit(self, provider: Any, key: str = KEY) -> api.Media | api.Job:
        """One order, as ``step`` makes it."""
        if self.name in DRAWS:
            asked = api.ImageRequest(
                shot_id="S",
                attempt=1,
                model=self.model,
                prompt="a harbour",
                aspect_ratio="16:9",
                size=self.size,
            )
            drawn: api.Media | api.Job = provider.submit_image(asked, step_key=key)
            return drawn
        film = api.VideoRequest(
            shot_id="S",
            attempt=1,
            model=self.model,
            prompts=("dawn", "noon"),
            durations=(self.seconds / 2,) * 2,
            start_frame=self._start(),
            resolution=self.resolution,
        )
        accepted: api.Job = provider.submit_video(film, step_key=key)
        return accepted

    def step(self, url: str | None = None, **settings: object) -> Take:
        """The whole step, from wherever it is now; raises what it comes to."""
        with self.runner(url, **settings) as runner:
            if self.name in DRAWS:
                return runner.execute_keyframe("S", "a harbour", aspect_ratio="16:9", size=self.size)
            durations = [self.seconds / 2] * 2
            return runner.execute_multi_shot(
                "S", ["dawn", "noon"], start_frame=self._start(), durations=durations
            )

    @contextmanager
    def runner(self, url: str | None = None, **settings: object) -> Iterator[StepRunner]:
        """Who runs steps, with a provider and over a ledger opened anew."""
        what = "image" if self.name in DRAWS else "video"
        # A whole take costs as much as a picture: every call is one price.
        price = PRICE if what == "image" else PRICE / Decimal(str(self.seconds))
        unit = "image" if what == "image" else "second"
        row = {"provider": self.provider, "model": self.model, "unit": unit, "as_of": "2026-11-01"}
        model = {"provider": self.provider, "model": self.model, "on_unknown": "ask"}
        if what == "video":
            model["resolution"] = self.resolution
        prices = [{**row, "price": {"*": str(price)}}]
        made = Settings.model_validate({what: model, "prices": prices, **settings})
        provider = self.open(url)
        parts = {"images": provider, "videos": Vendor()}
        if what == "video":
            parts = {"images": Vendor(), "videos": provider}
        with self.ledger() as store:
            yield StepRunner(store, **parts, settings=made, clock=self.clock)

    def deliver_large(self) -> None:
        """Let the vendor's result be too large for a full disk, and otherwise the usual one."""
        if isinstance(self._wire, GeminiWire):
            self._wire.picture = large_picture(SIZE)
        elif self._wire:
            self._wire.results = [large_film(FILM)] * 2
        else:  # it draws what is asked for
            self.size, self.seconds = "4K", 1.0
            grain((320, 180)).save(self.folder / "start.png")

    def set_clock(self) -> None:
        """Let our clock be right again."""
        self.clock.time -= self.skew
        self.skew = timedelta(0)

    def when_accepted(self, then: Callable[[], object]) -> None:
        """Call something when a take's order has been accepted, before we hear of it."""
        if self._wire:
            self._wire.on_submit = then
        else:
            self._then = then

    def lose_an_answer(self) -> None:
        """Let the next paid call be taken, and its answer be lost."""
        if self._wire:
            self._wire.faults["submit"].append(Fault("reset_after"))
        else:
            self.misbehave = ["lost_answer"]

    def watch(self, process: int) -> None:
        """Name the process that the stand-in's faults may kill."""
        if self._wire:
            self._wire.victims.put(process)

    @contextmanager
    def ledger(self) -> Iterator[ExecutionStore]:
        url = f"sqlite:///{self.folder / 'ledger.db'}"
        store = ExecutionStore(url, project="job", project_dir=self.folder, clock=self.clock)
        try:
            yield store
        finally:
            store.close()

    @property
    def frame(self) -> tuple[int, int]:
        """Pixels of a take."""
        return (640, 360) if self.name == "animatic" else (64, 48)

    @property
    def resolution(self) -> str:
        """The same."""
        return "360p" if self.name == "animatic" else "720p"

    @property
    def billed(self) -> int:
        """Calls that the vendor has charged for, by its own book."""
        return len(self._wire.bill) if self._wire else sum(call["billed"] for call in self._book())

    @property
    def sent(self) -> int:
        """Paid calls that the vendor has read."""
        return self._wire.count("submit") if self._wire else len(self._book())

    def booked(self) -> dict[str, int]:
        """Calls in our ledger, by kind of cost."""
        with self.ledger() as store:
            return {kind: int(amount / PRICE) for kind, amount in store.spent().items()}

    def _book(self) -> list[dict[str, Any]]:
        book = self.folder / "books" / "calls.jsonl"
        lines = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
        return [line for line in lines if line["behaviour"] != "not_sent"]

    def _start(self) -> api.Reference:
        path = self.folder / "start.png"
        return api.Reference("start frame", path, sha256_of(path))

    def _rehearsal(self) -> Animatic:
        door = self

        class Rehearsal(Animatic):
            def submit_video(self, request: api.VideoRequest, *, step_key: str) -> api.Job:
                job = super().submit_video(request, step_key=step_key)
                door._then()
                return job

        rehearsed = {"misbehave": {"S*": self.misbehave}, "slow_seconds": self.slow}
        options = AnimaticOptions.model_validate(rehearsed)
        return Rehearsal(options, self.folder / "books", clock=lambda: self.clock.now().timestamp())

    def _stand_in(self) -> StandIn | None:
        made: StandIn
        match self.name:
            case "gemini":
                made = GeminiWire()
                made.picture = _picture()
            case "kling":
                made = KlingWire(lambda: self.clock.time - self.skew)
                made.video = FILM
            case "fal":
                made = FalWire()
                made.video = FILM
            case "omni":
                made = OmniWire()
                made.video = FILM
            case "veo":
                made = VeoWire()
                made.video = FILM
            case _:
                return None
        return made


@contextmanager
def at_the_vendors(keys: Mapping[str, str] = KEYS) -> Iterator[None]:
    """The keys in the environment, and no proxy before loopback."""
    before = dict(os.environ)
    os.environ.update(keys)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@cache
def _picture() -> bytes:
    return png(SIZE)


@cache
def _empty_ledger() -> bytes:
    """Made once: Alembic takes ten times as long as opening one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        url = f"sqlite:///{path}"
        ExecutionStore(url, project="job", project_dir=Path(folder), clock=ManualClock()).close()
        return path.read_bytes()
