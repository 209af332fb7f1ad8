"""What every test may ask for: a clock moved by hand, a project on disk, and patience that takes no time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stamina
import structlog
from hypothesis import settings

# How long a test takes says something of the machine; hypothesis calls one that waits for a busy disk broken.
settings.register_profile("starsend", deadline=None)
settings.load_profile("starsend")


class ManualClock:
    """A clock that stands still until somebody waits; waiting moves it and takes no time."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        self.waits: list[float] = []

    def now(self) -> datetime:
        """The time it was moved to, a microsecond later at each look, so that order can be told."""
        self.time += timedelta(microseconds=1)
        return self.time

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Move on by ``seconds`` at once."""
        self.waits.append(seconds)
        self.time += timedelta(seconds=seconds)
        return stop.is_set()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def project_dir(tmp_path: Path) -> Path:
    """``projects/job`` under a root of its own."""
    folder = tmp_path / "projects" / "job"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(autouse=True)
def _patience_takes_no_time() -> Iterator[None]:
    """Retries keep their number and lose their waits."""
    stamina.set_testing(True, attempts=4, cap=True)
    yield
    stamina.set_testing(False)


@pytest.fixture(autouse=True)
def _quiet_logs() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
