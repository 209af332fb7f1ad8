"""The pictures of the console in the README: `make screenshots`.

    python -m tests.browser.screenshots docs/images

runs the sample job in a folder of its own, serves it, and takes a picture of each main page in a real chromium.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from client_async.projects import Place
from tests.browser.conftest import CHROMIUM, QUIET, Console, log_in

WIDTH, HEIGHT = 1280, 760
SAMPLE: Final = Path(__file__).parents[2] / "projects" / "demo"


def main(folder: Path) -> None:
    """Write ``console_*.webp`` into ``folder``: 1280 pixels wide, well under 100 kB each."""
    with tempfile.TemporaryDirectory() as root:
        house = Console(Path(root))
        ignored = shutil.ignore_patterns("state", "media", "dailies", "pipeline")
        shutil.copytree(SAMPLE, Path(root) / "projects" / "demo", ignore=ignored)
        assert house.command("demo").startswith("0"), "the sample job must run"
        house.command("grid", "SEQ03", "--again", "-p", "demo", "--note", "lower horizon")
        url = house.serve()
        try:
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *QUIET]
                )
                page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark")
                log_in(page, url)
                for name, go in PAGES.items():
                    go(page, url, Place(house.root, "demo"))
                    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                    shot.save(folder / f"console_{name}.webp", quality=80, method=6)
                chromium.close()
        finally:
            house.stop()


def _list(page: Page, url: str, _place: Place) -> None:
    page.goto(url)
    page.wait_for_selector("#now-body :not(.now-wait)")


def _review(page: Page, url: str, place: Place) -> None:
    page.goto(f"{url}/review/{place.name}/SEQ03")
    page.wait_for_load_state("load")
    page.keyboard.press("2")


def _dailies(page: Page, url: str, place: Place) -> None:
    page.goto(f"{url}/dailies/{place.name}/SEQ01")
    page.wait_for_load_state("load")
    film = page.locator("#film-a")
    expect(film).to_have_attribute("data-shown", "0")
    for frame in range(1, 31):
        page.keyboard.press("ArrowRight")
        expect(film).to_have_attribute("data-shown", str(frame))


def _costs(page: Page, url: str, _place: Place) -> None:
    page.goto(f"{url}/costs")


PAGES: Final[dict[str, Callable[[Page, str, Place], None]]] = {
    "list": _list,
    "review": _review,
    "dailies": _dailies,
    "costs": _costs,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
