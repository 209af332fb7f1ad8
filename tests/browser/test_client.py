"""What goes to a client, in a real browser: the link, and the same as files."""

from __future__ import annotations

import re
import zipfile

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, Console, Errors, log_in, serious
from tests.unit.client_house import brief, give_keyframe, give_take


def shown_project(console: Console) -> None:
    place = console.project("spring", "SEQ01", "SEQ02", "SEQ03")
    brief(place, "SEQ01", "SEQ02", "SEQ03")
    give_take(place, "SEQ01")
    give_keyframe(place, "SEQ02")
    place.file.close()


def test_a_link_goes_out_and_answers_come_back(console: Console, browser: Browser, page: Page) -> None:
    """Made in the form, opened by somebody without a session: do they watch, approve and note, and does it show by itself?"""
    shown_project(console)
    url = console.serve()
    log_in(page, url)
    page.goto(f"{url}/links?project=spring&chosen=SEQ01")
    expect(page.locator(".choices li")).to_have_count(2)
    page.get_by_label("SEQ02").check()
    page.get_by_label("Title").fill("First look")
    page.get_by_role("button", name="Make the link").click()
    expect(page.locator("#url")).to_have_value(re.compile(rf"^{url}/c/"))
    expect(page.locator(".link h3")).to_have_text("First look")
    assert serious(page) == []
    link = page.locator("#url").input_value()

    theirs = browser.new_context(color_scheme="dark", viewport={"width": 360, "height": 740})
    theirs.set_default_timeout(PATIENCE_MS)
    client = theirs.new_page()
    asked: list[str] = []
    errors = Errors()
    client.on("request", lambda request: asked.append(request.url))
    client.on("pageerror", lambda error: errors.append(str(error)))
    client.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    client.goto(link)
    expect(client.locator("h1")).to_have_text("First look")
    expect(client.locator(".card h2").first).to_contain_text("<b>Übersee</b> SEQ01")
    client.locator(".card img").scroll_into_view_if_needed()
    expect(client.locator(".card img")).to_have_js_property("naturalWidth", 60)
    film = client.locator("video")
    film.evaluate("film => { film.muted = true; film.currentTime = 0.25; return film.play(); }")
    expect(film).to_have_js_property("ended", True)
    client.get_by_label("Your name").fill("Ana Lima")
    client.get_by_label("Note on SEQ01").fill("<i>slower</i>, please")
    client.get_by_role("button", name="Leave the note SEQ01").click()
    expect(client.locator(".said-of li")).to_contain_text("<i>slower</i>, please")
    client.get_by_role("button", name="Approve SEQ01").click()
    expect(client.locator("#take-1 .said-of li").nth(1)).to_contain_text("Approved Ana Lima")
    client.get_by_label("Words on SEQ02").fill("more rain")
    client.get_by_role("button", name="Not approved SEQ02").click()
    expect(client.locator("#take-2 .said-of li")).to_contain_text("Not approved Ana Limamore rain")
    client.locator("h1").click()
    client.evaluate("scrollTo(0, 0)")
    client.keyboard.press("n")
    expect(client.locator("#take-2")).to_be_focused()
    assert serious(client) == []
    assert client.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [where for where in asked if not where.startswith((link, f"{url}/static/"))] == []
    assert theirs.cookies() == []

    expect(page.locator(".came li")).to_have_count(3)
    expect(page.locator(".came")).to_contain_text("SEQ01 take 1: approved · Ana Lima (client)")
    expect(page.locator(".came")).to_contain_text("SEQ02 start frame, cell 2 of g1: not approved")
    page.get_by_role("button", name="Withdraw First look").click()
    page.get_by_role("button", name="Withdraw for good?").click()
    expect(page.locator(".link")).to_have_count(0)
    assert errors == []
    assert client.goto(link).status == 410  # type: ignore[union-attr]
    expect(client.locator("h1")).to_have_text("This link has been withdrawn.")
    theirs.close()


def test_a_handout_opens_from_a_disk(console: Console, page: Page) -> None:
    """Made by the console, fetched as a ZIP, and its page opened without any server: does all of it show and play?"""
    shown_project(console)
    url = console.serve()
    log_in(page, url)
    page.goto(f"{url}/links?project=spring")
    page.get_by_role("button", name="All").click()
    page.get_by_role("button", name="Make a handout").click()
    expect(page.locator(".deliveries li")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="ZIP").click()
    [made] = (console.root / "projects/spring/deliveries").iterdir()
    assert download.value.suggested_filename == f"{made.name}.zip"
    with zipfile.ZipFile(download.value.path()) as packed:
        assert packed.testzip() is None
        assert f"{made.name}/media/1.mp4" in packed.namelist()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"file://{made}/index.html")
    expect(page.locator("section")).to_have_count(2)
    page.locator("video").evaluate("film => { film.muted = true; return film.play(); }")
    expect(page.locator("video")).to_have_js_property("ended", True)
    page.locator("section img").scroll_into_view_if_needed()
    expect(page.locator("section img")).to_have_js_property("naturalWidth", 60)
    assert serious(page) == []
    assert [where for where in asked if not where.startswith("file://")] == []
