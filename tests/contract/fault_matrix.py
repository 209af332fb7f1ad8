"""What each vendor's bad days come to: for every provider, phase and fault the outcome, the words and the bill.

    python -m tests.contract.fault_matrix docs/faults.md

runs the real providers through the real step runner against the vendors' stand-ins, and writes the table down.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import stamina
import structlog

from starsend import api_client as api
from starsend.config import Settings
from starsend.errors import StarsendError
from starsend.files import sha256_of
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_runner import StepRunner
from tests.conftest import ManualClock
from tests.standins.fal_wire import KEY as FAL_KEY
from tests.standins.fal_wire import FalWire
from tests.standins.gemini_wire import KEY as GEMINI_KEY
from tests.standins.gemini_wire import GeminiWire
from tests.standins.kling_wire import ACCESS, SECRET, KlingWire
from tests.standins.omni_wire import OmniWire
from tests.standins.vendor import Vendor, mp4, write_png
from tests.standins.veo_wire import VeoWire
from tests.standins.wire import Fault, Phase, StandIn, closed_port

PRICE: Final = Decimal("0.10")
RUNS: Final = 3  # as often as somebody runs it again before looking closer
KEYS: Final = {
    "GEMINI_API_KEY": GEMINI_KEY,
    "KLING_ACCESS_KEY": ACCESS,
    "KLING_SECRET_KEY": SECRET,
    "FAL_KEY": FAL_KEY,
    "VEO_ACCESS_TOKEN": "planted-token",
}
Name = Literal["gemini", "kling", "fal", "omni", "veo"]
_FILM: Final = mp4(96)

SUBMIT: Final[dict[str, Fault]] = {
    "reset before it is read": Fault("reset_before"),
    "reset after it is read": Fault("reset_after"),
    "never answered": Fault("silent"),
    **{str(status): Fault("status", status) for status in (400, 401, 403, 404, 409, 429)},
    "429 with a delay": Fault("status", 429, {"Retry-After": "17"}),
    **{str(status): Fault("status", status) for status in (500, 502, 503, 504)},
    "502 behind which it goes on": Fault("status", 502, accepted=True),
    "half a JSON document": Fault("malformed"),
    "a field is missing": Fault("empty_object"),
    "a page of HTML": Fault("wrong_type"),
    "body cut short": Fault("truncated"),
    "empty body": Fault("no_bytes"),
}
POLL: Final[dict[str, Fault]] = {
    "reset": Fault("reset_after"),
    "never answered": Fault("silent"),
    **{str(status): Fault("status", status) for status in (401, 429, 500, 503)},
    "half a JSON document": Fault("malformed"),
    "a page of HTML": Fault("wrong_type"),
}
FETCH: Final[dict[str, Fault]] = {
    "reset": Fault("reset_after"),
    "body cut short": Fault("truncated"),
    "0 bytes": Fault("no_bytes"),
    "no video": Fault("other_bytes", body=b"<html>gone</html>"),
    "half a video": Fault("other_bytes", body=_FILM[: len(_FILM) // 2]),
    "500": Fault("status", 500),
}


@dataclass(frozen=True)
class Cell:
    """One thing that goes wrong. ``phase`` is None where nobody listens at all."""

    provider: Name
    phase: Phase | None
    what: str
    fault: Fault | None

    @property
    def when(self) -> str:
        return "submit" if self.phase is None else self.phase


@dataclass(frozen=True)
class Outcome:
    """How it ended. Calls: billed by the vendor, booked as actual and as possible, and sent."""

    first: str
    said: str
    last: str
    billed: int
    actual: int
    possible: int
    sent: int

    def row(self, cell: Cell) -> str:
        """A line of the table."""
        return (
            f"| {cell.when} | {cell.what} | {self.first} | {self.last} | {self.sent} | {self.billed} "
            f"| {self.actual} | {self.possible} |"
        )


def cells(provider: Name) -> Iterator[Cell]:
    """Everything that is tried with a provider."""
    yield Cell(provider, None, "connection refused", None)
    for what, fault in SUBMIT.items():
        yield Cell(provider, "submit", what, fault)
    if provider != "gemini":  # which answers at once
        for what, fault in POLL.items():
            yield Cell(provider, "poll", what, fault)
        for what, fault in FETCH.items() if provider != "veo" else ():  # Veo's look brings the video
            yield Cell(provider, "fetch", what, fault)


def run(cell: Cell, folder: Path) -> Outcome:
    """One cell: run, and run again as a person would, until there is a take or a last word."""
    clock = ManualClock()
    with ExitStack() as opened:
        wire = opened.enter_context(_stand_in(cell.provider))
        if cell.phase and cell.fault:
            wire.faults[cell.phase].append(cell.fault)
        urls = [closed_port() if cell.phase is None else wire.url, wire.url, wire.url]
        ends: list[Take | StarsendError] = []
        for url in urls[:RUNS]:
            ends.append(_step(cell, url, folder, clock))
            if isinstance(ends[-1], Take):
                break
        store = _store(folder, clock)
        booked = {kind: int(amount / PRICE) for kind, amount in store.spent().items()}
        store.close()
    return Outcome(
        first=_name(ends[0]),
        said="" if isinstance(ends[0], Take) else str(ends[0]),
        last=_name(ends[-1]),
        billed=len(wire.bill),
        actual=booked.get("actual", 0),
        possible=booked.get("possible", 0),
        sent=wire.count("submit"),
    )


def _step(cell: Cell, url: str, folder: Path, clock: ManualClock) -> Take | StarsendError:
    """One run of the step, by a provider and over a ledger opened anew."""
    provider = cell.provider
    # Long enough for a busy machine to answer, but where no answer is what is asked about.
    patience = 1.0 if cell.fault and cell.fault.kind == "silent" else 30.0
    options: dict[str, Any] = {"base_url": url, "timeout_seconds": patience}
    if provider == "veo":
        options |= {"project": "studio", "location": "us-central1"}
    opened = api.open_provider(provider, options=options, folder=folder)
    unit = "image" if provider == "gemini" else "second"
    # A take of four seconds costs as much as a picture: every call is one price.
    price = PRICE if provider == "gemini" else PRICE / 4
    row = {"provider": provider, "model": MODELS[provider], "unit": unit, "as_of": "2026-11-01"}
    what = "image" if provider == "gemini" else "video"
    settings = Settings.model_validate(
        {
            what: {"provider": provider, "model": MODELS[provider], "on_unknown": "ask"},
            "prices": [{**row, "price": {"*": str(price)}}],
        }
    )
    store = _store(folder, clock)
    try:
        if isinstance(opened, api.ImageProvider):
            runner = StepRunner(store, images=opened, videos=Vendor(), settings=settings, clock=clock)
            return runner.execute_keyframe("S", "a harbour", aspect_ratio="16:9", size="1K")
        assert isinstance(opened, api.VideoProvider)
        runner = StepRunner(store, images=Vendor(), videos=opened, settings=settings, clock=clock)
        picture = write_png(folder / "start.png", (128, 72))
        start = api.Reference("start frame", picture, sha256_of(picture))
        return runner.execute_multi_shot("S", ["dawn", "noon"], start_frame=start, durations=[2, 2])
    except StarsendError as ended:
        return ended
    finally:
        store.close()


MODELS: Final[dict[Name, str]] = {
    "gemini": "gemini-nano-banana-2.1",
    "kling": "kling-v3",
    "fal": "kling-video/v3/pro",
    "omni": "gemini-omni-1.2-flash",
    "veo": "veo-3.1-lite-generate-001",
}


def _store(folder: Path, clock: ManualClock) -> ExecutionStore:
    url = f"sqlite:///{folder / 'ledger.db'}"
    return ExecutionStore(url, project="job", project_dir=folder, clock=clock)


def _stand_in(provider: Name) -> StandIn:
    makers: dict[Name, Callable[[], StandIn]] = {
        "gemini": GeminiWire,
        "kling": lambda: KlingWire(lambda: datetime.now(UTC)),  # its keys hold the time
        "fal": FalWire,
        "omni": OmniWire,
        "veo": VeoWire,
    }
    made = makers[provider]()
    if not isinstance(made, GeminiWire):
        made.video = _FILM  # type: ignore[attr-defined]
    return made


def _name(end: Take | StarsendError) -> str:
    return "take" if isinstance(end, Take) else str(getattr(end, "kind", type(end).__name__))


HEAD: Final = """# Bad days

What each vendor's faults come to, as `python -m tests.contract.fault_matrix` has seen them: the real SDKs and providers, through
the step runner, against stand-ins on loopback that keep a bill. A step is run, and run again twice at most where it has not
made its take; lost answers are asked about (`on_unknown: ask`). Calls are counted: **sent** ones that the vendor read, **billed** by the vendor,
and booked in the ledger as *actual* or *possible*. What was billed is booked in every line; a line that has more booked than
billed is an answer that was lost, of which nobody can know.
"""


def table(provider: Name, rows: list[tuple[Cell, Outcome]]) -> str:
    """A provider's section."""
    lines = [
        f"## {provider}",
        "",
        "| phase | fault | first run | last run | sent | billed | actual | possible |",
        "|---|---|---|---|---|---|---|---|",
        *(outcome.row(cell) for cell, outcome in rows),
    ]
    return "\n".join(lines) + "\n"


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


def matrix(provider: Name, folder: Path) -> list[tuple[Cell, Outcome]]:
    """Every cell of a provider, each in a folder of its own."""
    seen = []
    with at_the_vendors():
        for number, cell in enumerate(cells(provider)):
            (room := folder / str(number)).mkdir()
            seen.append((cell, run(cell, room)))
    return seen


if __name__ == "__main__":
    stamina.set_testing(True, attempts=4, cap=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    sections = [HEAD]
    for vendor in MODELS:
        with tempfile.TemporaryDirectory() as scratch:
            sections.append(table(vendor, matrix(vendor, Path(scratch))))
    Path(sys.argv[1]).write_text("\n".join(sections))
