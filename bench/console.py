"""What a producer waits for on a page of a thousand sequences, beside a page of nothing and a pick by the command line's own door.

    python -m bench.console

A real chromium on a real console. First paint is the browser's own word, of a browser that is warm; frames are counted while
the whole list scrolls by, and while it stands and a hundred rows change in a second; a pick is timed from its request to its answer, beside the same change made to the same document
in this process; an edit is timed from the rename of the saved file to the changed row.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import Page, expect, sync_playwright
from rich.console import Console
from rich.table import Table

from bench.cells import sheet
from client_async.projects import Place
from tests.browser.conftest import CHROMIUM, QUIET, TOKEN
from tests.browser.conftest import Console as Served

SEQUENCES, TIMES = 1000, 15
PAINT: Final = """() => new Promise((done) => new PerformanceObserver((seen) => {
  const paint = seen.getEntriesByName("first-contentful-paint")[0];
  if (paint) done(paint.startTime);
}).observe({ type: "paint", buffered: true }))"""
FRAMES: Final = """(scroll) => new Promise((done) => {
  const begun = performance.now(); let last = begun, frames = 0, late = 0;
  const step = (now) => {
    frames += 1; late += now - last > 34; last = now;
    scrollBy(0, scroll);
    now - begun < 3000 ? requestAnimationFrame(step) : done([frames, late]);
  };
  requestAnimationFrame(step);
})"""


def prepare(house: Served) -> Place:
    """A project whose sequences all wait for a pick of one and the same picture."""
    place = house.project("big")
    grid = "media/grids/g1.png"
    (place.folder / grid).parent.mkdir(parents=True)
    sheet(place.folder / grid, (1376, 768))
    record = {"grid": "g1", "round": 1, "via": "adopted", "path": grid, "at": "2026-11-01T09:00:00+00:00"}
    record["verdict"] = {"ok": True, "reason": "ok", "explanation": "a 2x2 grid"}
    waits = {"grid_state": "waiting_for_pick", "grid_id": "g1", "grid_path": grid, "grid_history": [record]}
    brief = {"prompt": "a harbour", "shots": [{"prompt": "gulls", "seconds": 2}], **waits}
    names = [f"SEQ{number:04}" for number in range(1, SEQUENCES + 1)]
    place.file.path.write_text(json.dumps({"sequences": {name: {**brief, "title": name} for name in names}}))
    return place


def paints(page: Page, url: str) -> float:
    """Milliseconds to the first paint, the median of a warm browser."""
    took = []
    for _ in range(TIMES):
        page.goto(url)
        page.wait_for_load_state("load")
        took.append(float(page.evaluate(PAINT)))
    return statistics.median(took)


def picks(url: str) -> float:
    """Milliseconds from a pick's request to its answer."""
    took = []
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False) as client:
        for number in range(1, TIMES + 1):
            body: dict[str, Any] = {"cell": 2, "grid": "g1", "seen": None}
            begun = time.perf_counter()
            client.post(f"/api/projects/big/sequences/SEQ{number:04}/pick", json=body).raise_for_status()
            took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


def changes(place: Place) -> float:
    """Milliseconds of a bare change of one sequence, kept and shown."""
    took = []
    for number in range(1, TIMES + 1):
        begun = time.perf_counter()
        place.file.change(lambda draft, number=number: draft["SEQ0999"].update(title=f"{number}"))  # type: ignore[misc]
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


def edits(page: Page, url: str, house: Served, place: Place) -> float:
    """Milliseconds from an editor's save to the row on the page, where no daemon runs."""
    page.goto(url)
    expect(page.locator(".row")).to_have_count(SEQUENCES)
    title = page.locator("[id='row-big/SEQ0050'] .title")
    took = []
    for number in range(TIMES):
        house.edit(place, "SEQ0050", title=f"edit {number}")
        begun = time.perf_counter()
        expect(title).to_have_text(f"edit {number}")
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


def busy(page: Page, place: Place) -> tuple[int, int]:
    """Frames within three seconds in which ten rows change every tenth of a second, and how many of them were late."""
    done = threading.Event()

    def edit(round_: int) -> None:
        rows = [f"SEQ{(round_ * 97 + number * 13) % SEQUENCES + 1:04}" for number in range(10)]
        place.file.change(lambda draft: [draft[row].update(title=f"round {round_}") for row in rows])

    def change() -> None:
        round_ = 0
        while not done.wait(0.1):
            edit(round_ := round_ + 1)

    writer = threading.Thread(target=change)
    writer.start()
    frames, late = page.evaluate(FRAMES, 0)
    done.set()
    writer.join()
    return frames, late


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as root, sync_playwright() as playwright:
        house = Served(Path(root))
        place = prepare(house)
        url = house.serve()
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *QUIET]
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        empty, full = paints(page, f"{url}/login"), paints(page, url)
        expect(page.locator(".row")).to_have_count(SEQUENCES)
        frames, late = page.evaluate(FRAMES, 500)
        page.evaluate("scrollTo(0, 0)")
        busy_frames, busy_late = busy(page, place)
        pick, bare, edit = picks(url), changes(place), edits(page, url, house, place)
        chromium.close()
        house.stop()
    table = Table(title=f"{SEQUENCES} sequences on one page")
    for head in ("what", "asked", "ms", "to the floor"):
        table.add_column(head, justify="left" if head == "what" else "right")
    table.add_row("first paint of an empty page", "", f"{empty:.0f}", "1")
    table.add_row("first paint of the list", "300", f"{full:.0f}", f"{full / empty:.1f}")
    table.add_row("a bare change of one sequence", "", f"{bare:.1f}", "1")
    table.add_row("a pick, request to answer", "100", f"{pick:.1f}", f"{pick / bare:.1f}")
    table.add_row("an editor's save, to the row", "1000", f"{edit:.0f}", "")
    table.add_row(f"frames in 3 s of scrolling: {frames}, late: {late}", "", "", "")
    table.add_row(f"and of 100 changes a second: {busy_frames}, late: {busy_late}", "", "", "")
    Console().print(table)


if __name__ == "__main__":
    main()
