"""A real chromium on a real console: pages served on loopback by a process of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from client_async.projects import Place
from tests.unit.daemon_house import DaemonHouse, until

CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), "")
TOKEN = "a-token-that-no-line-may-show-42"
PATIENCE_MS = 30_000
"""A busy machine is no fault of a page's; how fast pages are is measured in bench/console.py."""
expect.set_options(timeout=PATIENCE_MS)
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One chromium for a module's tests; no longer, for while its driver lives no event loop can be run in this thread."""
    if not CHROMIUM:
        if os.environ.get("CI"):
            pytest.fail("chromium is missing: apt-get install chromium")
        pytest.skip("the browser's tests need chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        # Without a sandbox of its own: CI runs as root, and the pages are ours.
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic", *QUIET]
        )
        yield chromium
        chromium.close()


class Console(DaemonHouse):
    """A root folder with projects, and a console over it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    def serve(self, *words: str, **environ: str) -> str:
        """Start it; ``words`` are the command, ``console`` unless given. Its address."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "client_async.client_generate", *(words or ("console",))],
                cwd=self.root,
                env={
                    **os.environ,
                    "STARSEND_CONSOLE__PORT": "0",
                    "STARSEND_DAEMON__PORT": "0",
                    "STARSEND_CONSOLE_TOKEN": TOKEN,
                    **environ,
                },
                stdout=log,
                stderr=log,
            )
        self.running.append(self.process)
        until(lambda: self.events("console_ready") or self.process is None or self.process.poll() is not None)
        self.url = str(self.events("console_ready")[-1]["address"])
        return self.url

    def stop(self) -> int:
        """End it as an operator does; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def edit(self, place: Place, name: str, **fields: Any) -> None:
        """What a person with an editor does: another file under the name."""
        document = json.loads(place.file.path.read_text())
        document["sequences"][name].update(fields)
        beside = place.file.path.with_name("edited")
        beside.write_text(json.dumps(document))
        beside.rename(place.file.path)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """Whatever is still running at the end is killed."""
    made = Console(tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


class Errors(list[str]):
    """What a page complained of: script errors, refused content, answers that are errors."""


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser with nothing in it."""
    opened = browser.new_context(viewport={"width": 1280, "height": 800})
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; at the end it must have had nothing to complain of (``page.errors`` may be cleared by a test)."""
    made = context.new_page()
    errors = Errors()
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    made.errors = errors  # type: ignore[attr-defined]
    yield made
    assert errors == []


def serious(page: Page) -> list[str]:
    """What axe finds on a page that keeps somebody out, dark or light."""
    found = []
    schemes: tuple[Literal["dark", "light"], ...] = ("dark", "light")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        found += [
            f"{one['id']} ({scheme}): {one['nodes'][0]['html']}"
            for one in Axe().run(page).response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
    return found


def log_in(page: Page, url: str, name: str = "mara") -> None:
    """As a person who has the token."""
    page.goto(f"{url}/login")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{url}/")
