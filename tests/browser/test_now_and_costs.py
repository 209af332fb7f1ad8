"""What runs now and what it cost: does the page show it as it happens, and count as the command line does?"""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Console, log_in, serious

SLOW = {"slow_seconds": 600.0, "misbehave": {"SEQ01_grid": ["slow"]}}
SOON_OVER = {"slow_seconds": 2.0, "misbehave": {"SEQ02_grid": ["slow"]}}


def test_a_running_step_is_shown_while_it_runs(console: Console, page: Page) -> None:
    """A slow grid of the daemon's, and a shorter one: does the panel count the seconds, and keep the focus as they come and go?"""
    console.project("spring", "SEQ01", budget={"project": "5"}, animatic=SLOW)
    url = console.serve("daemon", "--console")
    page.goto(url)
    running = page.locator("#now .step")
    expect(running).to_contain_text("drawing a grid · animatic")
    expect(page.locator("#now")).to_contain_text("$0.00 of $5.00")
    expect(page.locator("#now .queue")).to_contain_text("1 of 4 calls in flight")
    since = page.locator("#now .step[data-progress=running] .since").first
    expect(since).to_have_text(re.compile(r"^\d+ s$"))
    before = since.inner_text()
    expect(since).not_to_have_text(before)
    link = page.get_by_role("link", name="SEQ01", exact=True)
    link.focus()
    console.project("autumn", "SEQ02", animatic=SOON_OVER)
    expect(running).to_have_count(2)
    expect(link).to_be_focused()
    expect(running).to_have_count(1)
    expect(link).to_be_focused()
    assert serious(page) == []


def test_costs_are_those_of_the_command_line(console: Console, page: Page) -> None:
    """Drawn, refused, drawn again: do charts, tables, JSON and CSV hold what ``starsend costs`` says, and nothing of another day?"""
    console.project("spring", "SEQ01", "SEQ02", animatic={"misbehave": {"SEQ01_grid": ["wrong_grid"]}})
    assert console.command("grid").startswith("0")
    told = json.loads(console.command("costs", "--json").removeprefix("0 "))
    csv = console.command("costs", "--csv").removeprefix("0 ")
    url = console.serve()
    log_in(page, url)
    page.get_by_role("link", name="Costs").click()
    for by, rows in (
        ("work", told["projects"][0]["by_work"]),
        ("sequence", told["projects"][0]["by_sequence"]),
    ):
        section = page.locator(f"section[data-by={by}]")
        cells = {
            row.locator("th").inner_text(): row.locator("td").all_inner_texts()
            for row in section.locator("tbody tr").all()
        }
        assert len(cells) == len(rows)
        estimated = [float(row[2].removeprefix("$")) for row in cells.values()]
        assert estimated == [float(row["estimated"]) for row in rows]
        drawn = section.get_by_role("img").locator("rect.estimated")
        expect(drawn).to_have_count(sum(row["calls"] > 0 for row in rows))
    expect(page.locator("section[data-by=day] svg[role=img]")).to_have_accessible_name(
        "By day (UTC), US dollars"
    )
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    assert saved.value.path().read_text().splitlines() == csv.splitlines()
    assert page.request.get(f"{url}/api/costs?project=spring").json() == told
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert serious(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("To").fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("section[data-by=day]")).to_contain_text("Nothing was booked in these days.")
    page.goto(f"{url}/costs?since=2026-02-01&until=2026-01-01")
    expect(page.get_by_role("alert")).to_contain_text("since is after until")
    page.errors.clear()  # type: ignore[attr-defined]  # the browser complains of the 422
