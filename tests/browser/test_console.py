"""The console's list: does it show every sequence as it is, within a second of any change?"""

from __future__ import annotations

import re
import signal

from playwright.sync_api import Page, expect

from tests.browser.conftest import TOKEN, Console, log_in, serious


def test_it_shows_what_is_there_and_what_changes(console: Console, page: Page) -> None:
    """Drawn by a command, edited in an editor: does the page say so by itself, of that row alone, and never call a grid ready?"""
    place = console.project("spring", "SEQ01", "SEQ02")
    console.project("autumn", "OPEN")
    console.project("a", "b-S1")
    alike = console.project("a-b", "S1")
    url = console.serve()
    page.goto(url)
    expect(page.locator(".row")).to_have_count(5)
    expect(page.locator("#live")).to_have_text("live")
    page.evaluate("window.kept = true")
    console.edit(place, "SEQ02", title="<b>Night</b> market")
    expect(page.locator("[id='row-spring/SEQ02'] .title")).to_have_text("<b>Night</b> market")
    console.edit(alike, "S1", title="Harbour")
    expect(page.locator("[data-project='a-b'] .title")).to_have_text("Harbour")
    expect(page.locator("[data-project='a'] .title")).to_have_text("")
    assert console.command("grid", "SEQ01", "-p", "spring").startswith("0")
    row = page.locator("[id='row-spring/SEQ01']")
    expect(row).to_contain_text("Waiting for a pick")
    expect(row).not_to_contain_text("Ready for video")
    expect(row.locator("img")).to_have_js_property("complete", True)
    assert row.locator("img").evaluate("picture => picture.naturalWidth") > 0
    page.get_by_role("button", name=re.compile("^Waiting for a pick")).click()
    expect(page.locator(".row:visible")).to_have_count(1)
    assert page.evaluate("window.kept"), "it was the same page all the time"


def test_whoever_has_the_token_is_let_in_by_name(console: Console, page: Page) -> None:
    """Is the token asked for, left out of the address, and in no line of the log; may they take another name, and leave?"""
    console.project("spring", "SEQ01")
    url = console.serve()
    log_in(page, url)
    page.locator(".bar .who", has_text="mara").click()
    assert serious(page) == []
    page.get_by_role("button", name="Log out").click()
    expect(page.locator(".bar .who")).to_have_text("Read only · log in")
    assert page.context.cookies() == []
    log_in(page, url, "jo")
    expect(page.locator(".bar .who")).to_have_text("jo")
    assert console.stop() == 0
    assert TOKEN not in console.log.read_text()


def test_many_changes_at_once_move_nothing(console: Console, page: Page) -> None:
    """Back on a row far down; then sixty of 150 rows, a new sequence and a new project: does one stand there still, and is all
    else left as it is?"""
    names = [f"SEQ{number:03}" for number in range(150)]
    place = console.project("spring", *names)
    page.goto(console.serve())
    expect(page.locator(".row")).to_have_count(150)
    stood = page.locator("[id='row-spring/SEQ120'] .open")
    stood.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/spring/SEQ120")
    page.go_back()
    expect(stood).to_be_focused()
    expect(stood).to_be_in_viewport()
    page.evaluate("document.querySelectorAll('.row').forEach((row) => { row.kept = true; })")
    at = page.evaluate("scrollY")
    assert at > 0
    place.file.change(lambda draft: [draft[name].update(title="Night market") for name in names[90:]])
    expect(page.locator(".title", has_text="Night market")).to_have_count(60)
    place.file.change(lambda draft: draft.add("NEW").update(draft[names[0]]))
    console.project("summer", "S1")
    expect(page.locator("[id='row-spring/NEW'], [id='row-summer/S1']")).to_have_count(2)
    expect(page.locator("#heard")).to_be_empty()  # other titles are no other states
    kept = page.evaluate("[...document.querySelectorAll('.row')].filter((row) => row.kept).length")
    assert kept == 90, "what had not changed was not touched"
    expect(stood).to_be_focused()
    assert page.evaluate("scrollY") == at
    place.file.change(lambda draft: draft["SEQ003"].update(grid_state="failed", status="it burnt"))
    expect(page.locator("#heard")).to_have_text("SEQ003: Failed")
    chip = page.get_by_role("button", name="Failed 1")
    chip.focus()
    page.keyboard.press("Enter")
    place.folder.rename(console.root / "gone")
    expect(page.locator("[data-project=spring]")).to_have_count(0)
    expect(page.get_by_role("button", name="Failed 0")).to_be_focused()
    expect(page.locator("[data-project=summer] .empty")).to_have_text(
        "None of its sequences is in a state that is shown."
    )


def test_a_page_that_was_cut_off_says_so_and_catches_up(console: Console, page: Page) -> None:
    """A line that has gone silent, and a page left and come back to: is neither taken for live, and is what changed shown?"""
    place = console.project("spring", "SEQ01")
    page.clock.install()
    page.goto(console.serve())
    expect(page.locator("#live")).to_have_text("live")
    assert console.process is not None
    console.process.send_signal(signal.SIGSTOP)
    try:
        page.clock.fast_forward("00:31")
        expect(page.locator("#live")).to_have_text("connection lost, trying again")
        console.edit(place, "SEQ01", title="Night market")
    finally:
        console.process.send_signal(signal.SIGCONT)
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator(".title")).to_have_text("Night market")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    console.edit(place, "SEQ01", title="Last ferry")
    page.clock.fast_forward("01:00")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator(".title")).to_have_text("Last ferry")
    page.errors.clear()  # type: ignore[attr-defined]  # the browser complains of what was cut off


def test_nobody_is_kept_out(console: Console, page: Page) -> None:
    """By axe, dark and light; on a phone and on a wall: is all of it there, and is there a way by the keyboard alone?"""
    console.project("spring", *(f"SEQ{number:03}" for number in range(150)))
    url = console.serve()
    page.emulate_media(reduced_motion="reduce")
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
