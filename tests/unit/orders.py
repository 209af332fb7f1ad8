"""Takes to order from a vendor, by itself or through a StepRunner with a ledger of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starsend import api_client as api
from starsend.config import Settings
from starsend.files import sha256_of
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_runner import StepRunner
from tests.conftest import ManualClock
from tests.standins.vendor import write_png


def shown(folder: Path, name: str, width: int = 64) -> api.Reference:
    """A picture of its own width."""
    path = write_png(folder / f"{name}-{width}.png", (width, 48))
    return api.Reference(name, path, sha256_of(path))


def order(folder: Path, model: str, **fields: Any) -> api.VideoRequest:
    """Two shots of 2 and 3 seconds."""
    asked: dict[str, Any] = {
        "shot_id": "S",
        "attempt": 1,
        "model": model,
        "prompts": ("a harbour", "boats leave"),
        "durations": (2.0, 3.0),
        "start_frame": shown(folder, "start frame"),
        "resolution": "1080p",
        **fields,
    }
    return api.VideoRequest(**asked)


@dataclass
class Shop:
    """One project's paid steps with one vendor. ``again`` is the same project after a restart."""

    folder: Path
    provider: api.VideoProvider
    model: str
    clock: ManualClock

    def take(self) -> Take:
        """A take of two shots, from wherever it is now."""
        with_price = {
            "provider": self.provider.name,
            "model": self.model,
            "unit": "second",
            "price": {"*": "0.1"},
            "as_of": "2026-11-01",
        }
        video = {"provider": self.provider.name, "model": self.model, "resolution": "1080p"}
        settings = Settings.model_validate({"video": video, "prices": [with_price]})
        with_store = self.store()
        try:
            steps = StepRunner(
                with_store, images=_Nobody(), videos=self.provider, settings=settings, clock=self.clock
            )
            start = shown(self.folder / "media", "start frame")
            return steps.execute_multi_shot(
                "S", ["a harbour", "boats leave"], start_frame=start, durations=[2.0, 3.0]
            )
        finally:
            with_store.close()

    def store(self) -> ExecutionStore:
        url = f"sqlite:///{self.folder / 'state' / 'execution.db'}"
        return ExecutionStore(url, project="job", project_dir=self.folder, clock=self.clock)

    def ledger(self) -> tuple[Sequence[str], dict[str, str]]:
        """How the steps stand that are still open, and what was booked, by kind."""
        store = self.store()
        try:
            return [step.state for step in store.open_steps()], {k: str(v) for k, v in store.spent().items()}
        finally:
            store.close()


class _Nobody:
    """Draws nothing: these steps are takes."""

    name = "nobody"
    can_find = False

    def submit_image(self, request: api.ImageRequest, *, step_key: str) -> api.Media | api.Job:
        raise NotImplementedError

    def find(self, step_key: str) -> api.Job | None:
        raise NotImplementedError

    def poll(self, handle: str) -> api.JobStatus:
        raise NotImplementedError

    def fetch(self, handle: str, into: object) -> str:
        raise NotImplementedError
