"""What the tests of Omni and Veo share: a vendor on loopback, a provider that is opened anew, and a step runner."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starsend import api_client as api
from starsend.config import Settings
from starsend.files import sha256_of
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_runner import StepRunner
from starsend.sections import VideoSettings
from tests.conftest import ManualClock
from tests.standins.omni_wire import OmniWire
from tests.standins.vendor import Vendor, write_png
from tests.standins.veo_wire import VeoWire

SECRET = "sesame-planted-in-the-environment"
OMNI, VEO = "gemini-omni-1.2-flash", "veo-3.1-lite-generate-001"


def request_of(
    picture: Path,
    *,
    model: str = OMNI,
    prompts: tuple[str, ...] = ("a harbour", "a boat"),
    durations: tuple[float, ...] = (2.5, 1.5),
    resolution: str = "720p",
    references: tuple[api.Reference, ...] = (),
) -> api.VideoRequest:
    """A take of two shots in four seconds, which both models make."""
    return api.VideoRequest(
        shot_id="SEQ01",
        attempt=1,
        model=model,
        prompts=prompts,
        durations=durations,
        start_frame=api.Reference("start frame", picture, sha256_of(picture)),
        resolution=resolution,
        references=references,
    )


@dataclass
class Desk:
    """One vendor on loopback, and ways to ask it. ``folder`` is the project's."""

    name: str
    model: str
    vendor: OmniWire | VeoWire
    folder: Path
    clock: ManualClock
    patience: float = 20.0
    """Seconds for an answer: more than a busy machine takes, less where silence is the question."""

    def open(self, **options: Any) -> api.VideoProvider:
        """A new provider object, as after a restart."""
        chosen = {"base_url": self.vendor.url, "timeout_seconds": self.patience, **self.project, **options}
        provider = api.open_provider(self.name, options=chosen, folder=self.folder)
        assert isinstance(provider, api.VideoProvider)
        return provider

    @property
    def project(self) -> dict[str, str]:
        return {"project": "studio", "location": "us-central1"} if self.name == "veo" else {}

    def request(self, **changed: Any) -> api.VideoRequest:
        return request_of(write_png(self.folder / "start.png", (86, 48)), model=self.model, **changed)

    def submit(self, provider: api.VideoProvider | None = None, **changed: Any) -> str:
        """The handle of a job that the vendor has accepted."""
        job = (provider or self.open()).submit_video(
            self.request(**changed), step_key="SEQ01-a1-0123456789abcdef"
        )
        assert isinstance(job, api.Job)
        return job.handle

    def film(self) -> Take:
        """A take of four seconds, through the step runner and a ledger that outlives it."""
        settings = Settings(video=VideoSettings(provider=self.name, model=self.model))
        url = f"sqlite:///{self.folder / 'execution.db'}"
        store = ExecutionStore(url, project="job", project_dir=self.folder, clock=self.clock)
        try:
            request = self.request()
            runner = StepRunner(
                store, images=Vendor(), videos=self.open(), settings=settings, clock=self.clock
            )
            return runner.execute_multi_shot(
                "SEQ01", request.prompts, start_frame=request.start_frame, durations=request.durations
            )
        finally:
            store.close()


def google_error(status: int, message: str, *details: dict[str, Any]) -> bytes:
    """An error as Google's front end writes it."""
    return json.dumps({"error": {"code": status, "message": message, "details": details}}).encode()
