"""The only file that names concrete parts: which store, which providers, which executor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from anyio.abc import TaskGroup

from client_async.events import Listener
from client_async.ledger import open_store
from client_async.projects import Place
from client_async.scribe import Scribe
from client_async.step_executor import StepExecutor, StepMeter, ThreadExecutor
from client_async.workshop import Workshop
from starsend.api_client import ImageProvider, JobProvider, VideoProvider, open_provider
from starsend.clock import Clock, SystemClock
from starsend.config import Settings, load_settings, said_by
from starsend.errors import BadInput
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.step_runner import StepRunner
from starsend.sections import LimitSettings
from starsend.vendor_gates import VendorGates


def make_steps(
    place: Place,
    settings: Settings,
    store: ExecutionStore,
    *,
    stop: threading.Event,
    clock: Clock,
    gates: VendorGates | None = None,
) -> StepRunner:
    """Who makes the paid calls of a project. Raises BadDocument, UnknownName, BadInput.

    Args:
        gates: shared with the other projects of this process; a project that is alone has its own.
    """
    opened: dict[str, JobProvider] = {}
    books = place.folder / "state" / "providers"
    images = image_provider(place, settings, opened, books)
    videos = video_provider(place, settings, opened, books)
    return StepRunner(
        store, images=images, videos=videos, settings=settings, gates=gates, clock=clock, stop=stop
    )


def image_provider(
    place: Place, settings: Settings, opened: dict[str, JobProvider], books: Path
) -> ImageProvider:
    """Who draws for a project. Nothing is sent.

    Args:
        opened: what is open already, by name; added to.
        books: the folder of providers' working files.

    Raises:
        UnknownName: no such provider. BadInput: it does not draw, or its key is missing (NoKey).
    """
    images = _provider(place, settings, "image", opened, books)
    if not isinstance(images, ImageProvider):
        raise BadInput(
            f"{images.name} draws no pictures", where="image.provider", remedy="name a provider that does"
        )
    return images


def video_provider(
    place: Place, settings: Settings, opened: dict[str, JobProvider], books: Path
) -> VideoProvider:
    """Who films for a project; as ``image_provider``."""
    videos = _provider(place, settings, "video", opened, books)
    if not isinstance(videos, VideoProvider):
        raise BadInput(
            f"{videos.name} makes no videos", where="video.provider", remedy="name a provider that does"
        )
    return videos


@dataclass(frozen=True, slots=True)
class Parts:
    """What is opened for a project before anything can run in it."""

    settings: Settings
    store: ExecutionStore
    steps: StepRunner
    clock: Clock


@contextmanager
def open_parts(
    place: Place,
    *,
    stop: threading.Event,
    clock: Clock | None = None,
    gates: VendorGates | None = None,
) -> Iterator[Parts]:
    """Settings, ledger and paid steps of a project; blocking. Raises BadDocument, UnknownName, and as ``open_store``."""
    settings = load_settings(place.root, place.folder)
    clock = clock or SystemClock()
    with open_store(place, settings, clock) as store:
        steps = make_steps(place, settings, store, stop=stop, clock=clock, gates=gates)
        yield Parts(settings, store, steps, clock)


def make_workshop(
    place: Place, parts: Parts, *, executor: StepExecutor, group: TaskGroup, listener: Listener
) -> Workshop:
    """Everything a project's runners need, in one hand. ``group`` is where its documents are rendered."""
    return Workshop(
        project=place.name,
        project_dir=place.folder,
        file=place.file,
        scribe=Scribe(place.file, executor, group),
        store=parts.store,
        steps=parts.steps,
        executor=executor,
        settings=parts.settings,
        clock=parts.clock,
        listener=listener,
    )


def make_executor(
    settings: Settings,
    meter: StepMeter | None = None,
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> ThreadExecutor:
    """Threads for blocking work, and a gate for each provider, as the settings say. ``monotonic``: seconds, for the gates."""
    gates = VendorGates(settings.per_minute(), monotonic=monotonic)
    return ThreadExecutor(settings.at_once(), usual=LimitSettings().at_once, gates=gates, meter=meter)


def _provider(
    place: Place,
    settings: Settings,
    what: Literal["image", "video"],
    opened: dict[str, JobProvider],
    books: Path,
) -> JobProvider:
    name = getattr(settings, what).provider
    if name not in opened:
        opened[name] = open_provider(
            name,
            options=settings.options_of(name),
            folder=books / name,
            where=said_by(place.root, place.folder, what, "provider"),
        )
    return opened[name]
