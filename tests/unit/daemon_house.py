"""A root folder with projects, and real daemons over it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client_async.projects import Place
from client_async.sequence_file import SequenceFile
from tests.standins.warm import run_command, warm_processes

PROGRAM = (sys.executable, "-m", "client_async.client_generate")
BRIEF = {
    "prompt": "an empty desert under clouds",
    "aspect_ratio": "1:1",
    "shots": [{"prompt": "gulls", "seconds": 0.25}],
}
SMALL = {"image": {"size": "1K"}, "video": {"resolution": "360p"}, "retry": {"poll_seconds": 0.02}}


class DaemonHouse:
    """A root folder with projects, and daemons over it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "daemon.log"
        self.options: tuple[str, ...] = ()
        """Words before each command."""
        self.running: list[subprocess.Popen[bytes]] = []
        (root / "projects").mkdir()
        warm_processes()  # a command that comes within a vendor's seconds must not pay for the first one's start

    def project(self, name: str = "job", *sequences: str, **config: Any) -> Place:
        """A project that lies whole before it is seen: made elsewhere and moved in."""
        made = self.root / "making" / name
        (made / "state" / "client" / "picks").mkdir(parents=True)
        brief = dict.fromkeys(sequences or ("SEQ01",), BRIEF)
        (made / "state" / "client" / "sequences.json").write_text(json.dumps({"sequences": brief}))
        (made / "starsend_config.json").write_text(json.dumps({**SMALL, **config}))
        made.rename(self.root / "projects" / name)
        return Place(self.root, name)

    def start(self, *words: str, **environ: str) -> subprocess.Popen[bytes]:
        """A daemon, once it is ready."""
        before = self.events("daemon_ready")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*PROGRAM, *self.options, "daemon", *words],
                cwd=self.root,
                env={**os.environ, "STARSEND_DAEMON__PORT": "0", **environ},
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        until(lambda: len(self.events("daemon_ready")) > len(before) or process.poll() is not None)
        return process

    def allow_files(self, daemon: subprocess.Popen[bytes], files: int) -> None:
        """How many files a daemon that runs may have open from now on."""
        _, most = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (files, most))

    def command(self, *words: str) -> str:
        done = run_command(self.root, *self.options, *words)
        return f"{done.returncode} {done.stdout}{done.stderr}"

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [event for event in found if event["event"] == name]

    def ask(self, path: str) -> tuple[int, str]:
        address = self.events("daemon_ready")[-1]["address"]
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something to hold, as long as it may take on a busy machine."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.02)


def kept(place: Place, name: str = "SEQ01") -> dict[str, Any]:
    file = SequenceFile(place.file.path)
    try:
        return dict(file.read_kept()[0]["sequences"].get(name, {}))
    finally:
        file.close()


def is_in(place: Place, state: str, name: str = "SEQ01") -> Callable[[], bool]:
    return lambda: kept(place, name).get("grid_state") == state


def bill(place: Place) -> list[str]:
    book = place.folder / "state" / "providers" / "animatic" / "calls.jsonl"
    lines = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
    return [line["shot_id"] for line in lines if line["billed"]]
