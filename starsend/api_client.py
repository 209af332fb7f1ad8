"""The provider seam: what the pipeline asks of a vendor, and what it answers. How it fails is vendor_faults.py.

A provider speaks one vendor's wire and nothing else. It never retries a submit, never writes to the store
and never decides about money; ``StepRunner`` does. Both kinds of call have one shape:

    submit -> Media            the vendor answered with the bytes at once (most image models)
    submit -> Job -> poll* -> fetch     the vendor queued a job (most video models)

Poll and fetch cost nothing and may be repeated; submit may be billed however it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, runtime_checkable

from starsend.errors import UnknownName

# ---------------------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture sent along with a prompt: an element's reference, a start frame, a drawn template."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """One picture to draw. ``size`` is ``1K``, ``2K`` or ``4K``; ``aspect_ratio`` is e.g. ``16:9``."""

    shot_id: str
    attempt: int
    model: str
    prompt: str
    aspect_ratio: str
    size: str
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """One multi-shot take that starts on ``start_frame``. ``prompts`` and ``durations`` (seconds) pair up."""

    shot_id: str
    attempt: int
    model: str
    prompts: tuple[str, ...]
    durations: tuple[float, ...]
    start_frame: Reference
    resolution: str
    references: tuple[Reference, ...] = ()


# ----------------------------------------------------------------------------------------------- results


@dataclass(frozen=True, slots=True)
class Media:
    """The finished bytes, already here. ``mime`` is what the vendor claims; the bytes decide.

    ``tokens`` are the output tokens that the vendor says it bills for them, where its answer counts them.
    """

    data: bytes
    mime: str
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """The vendor accepted the work under this id."""

    handle: str


@dataclass(frozen=True, slots=True)
class JobStatus:
    """Where a job stands. ``progress`` runs 0..1 where the vendor tells; ``poll_after`` is in seconds."""

    state: Literal["queued", "running", "ready"]
    progress: float | None = None
    poll_after: float | None = None


# --------------------------------------------------------------------------------------------- protocols


class JobProvider(Protocol):
    """What image and video providers share: jobs can be looked up, polled and fetched, all for free."""

    name: str
    can_find: bool
    """True where a lost call can be found again by its step key (docs/measured.md: Kling)."""

    def find(self, step_key: str) -> Job | None:
        """The job a submit with ``step_key`` made, or None when the vendor says there is none.

        Only called where ``can_find``; None then means the call never arrived and may be sent.
        """

    def poll(self, handle: str) -> JobStatus:
        """Ask once, without waiting. Raises JobFailed or JobGone when no result will come."""

    def fetch(self, handle: str, into: BinaryIO) -> str:
        """Write the finished result to ``into`` and return its MIME type. Raises BrokenDownload."""


@runtime_checkable
class ImageProvider(JobProvider, Protocol):
    """Draws pictures."""

    def submit_image(self, request: ImageRequest, *, step_key: str) -> Media | Job:
        """Send once. Raises a ProviderError that says whether the call may have been billed."""


@runtime_checkable
class VideoProvider(JobProvider, Protocol):
    """Makes multi-shot takes."""

    def submit_video(self, request: VideoRequest, *, step_key: str) -> Media | Job:
        """Send once. Raises a ProviderError that says whether the call may have been billed."""


# --------------------------------------------------------------------------------------------- providers

GROUP = "starsend.providers"


def open_provider(
    name: str, *, options: Mapping[str, object], folder: Path, where: str = "starsend_config.json"
) -> JobProvider:
    """The provider registered as ``name`` (an entry point in the group ``starsend.providers``).

    Args:
        options: the provider's own section of ``starsend_config.json``.
        folder: a folder of the project that the provider may keep working files in.
        where: who names the provider, for the error.

    Raises:
        UnknownName: no such provider is installed; names the nearest one.
    """
    known = {point.name: point for point in entry_points(group=GROUP)}
    if name not in known:
        raise UnknownName("provider", name, known, where=where)
    provider: JobProvider = known[name].load()(options=options, folder=folder)
    return provider
