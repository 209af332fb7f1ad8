"""The console's list: does it show every sequence as it is, within a second of any change?"""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import TOKEN, Console, log_in, serious


def test_it_shows_what_is_there_and_what_changes(console: Console, page: Page) -> None:
    """Drawn by a command, edited in an editor: does the page say so by itself, and never call a grid ready?"""
    place = console.project("spring", "SEQ01", "SEQ02")
    console.project("autumn", "OPEN")
    url = console.serve()
    page.goto(url)
    expect(page.locator(".row")).to_have_count(3)
    expect(page.locator("#live")).to_have_text("live")
    page.evaluate("window.kept = true")
    console.edit(place, "SEQ02", title="<b>Night</b> market")
    expect(page.locator("#row-spring-SEQ02 .title")).to_have_text("<b>Night</b> market", timeout=1500)
    assert console.command("grid", "SEQ01", "-p", "spring").startswith("0")
    row = page.locator("#row-spring-SEQ01")
    expect(row).to_contain_text("Waiting for a pick")
    expect(row).not_to_contain_text("Ready for video")
    expect(row.locator("img")).to_have_js_property("complete", True)
    assert row.locator("img").evaluate("picture => picture.naturalWidth") > 0
    page.get_by_role("button", name=re.compile("^Waiting for a pick")).click()
    expect(page.locator(".row:visible")).to_have_count(1)
    assert page.evaluate("window.kept"), "it was the same page all the time"


def test_whoever_has_the_token_is_let_in_by_name(console: Console, page: Page) -> None:
    """Is the token asked for, left out of the address, and in no line of the log?"""
    console.project("spring", "SEQ01")
    url = console.serve()
    log_in(page, url)
    expect(page.locator(".bar .who")).to_have_text("mara")
    assert console.stop() == 0
    assert TOKEN not in console.log.read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(console: Console, page: Page, scheme: Literal["light", "dark"]) -> None:
    """By axe, in both schemes; on a phone and on a wall: is all of it there, and is there a way by the keyboard alone?"""
    console.project("spring", *(f"SEQ{number:03}" for number in range(150)))
    url = console.serve()
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for path in ("/login", "/api", "/costs", "/dailies", "/links", "/review/spring/SEQ000", "/nowhere"):
        page.goto(f"{url}{path}")
        assert serious(page) == [], path
    page.errors.clear()  # type: ignore[attr-defined]  # the browser complains of the 404
    page.goto(url)
    expect(page.locator(".row")).to_have_count(150)
    assert page.locator(".rest").count() == 0, "what did not come with the page has followed"
    assert serious(page) == []
    for width in (360, 3840):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(".open:focus").count():
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/review/spring/SEQ000")
