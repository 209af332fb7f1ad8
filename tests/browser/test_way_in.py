"""The way in, in a real browser: from a chat on another site, and through a proxy that speaks TLS before the whole network."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE_MS, TOKEN, Console, Errors
from tests.standins.tls_proxy import tls_before
from tests.unit.daemon_house import kept

NAME = "console.localhost"  # which a browser looks for on this machine


def test_a_link_in_a_chat_leads_to_its_page_and_finds_the_session(console: Console, page: Page) -> None:
    """Without a session to its form and back, with one straight there, with its name: also from another site's page?"""
    console.project("spring", "SEQ01")
    url = console.serve()
    wanted = f"{url}/review/spring/SEQ01"
    page.goto(wanted)
    page.get_by_role("link", name="Read only · log in").click()
    page.get_by_label("Token").fill("not the token at all")
    page.get_by_label("Your name").fill("mara")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    page.errors.clear()  # type: ignore[attr-defined]  # the browser complains of the 401
    page.get_by_label("Token").fill(TOKEN)
    expect(page.get_by_label("Your name")).to_have_value("mara")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(wanted)
    page.goto(url.replace("127.0.0.1", "localhost"))  # to a browser another site
    page.evaluate("address => { location.href = address; }", wanted)
    page.wait_for_url(wanted)
    expect(page.locator(".bar .who")).to_have_text("mara")


def test_through_a_proxy_with_tls_all_of_it_works(console: Console, browser: Browser, tmp_path: Path) -> None:
    """Bound to every address, asked for by its name over https: the wall, log-in, cookie, a pick, what changes, the host?"""
    place = console.project("spring", "SEQ01")
    assert console.command("grid").startswith("0")
    served = console.serve(STARSEND_CONSOLE__HOST="0.0.0.0", STARSEND_CONSOLE__HOSTS=f'["{NAME}"]')
    assert served.startswith("http://127.0.0.1:"), "what is printed leads there from here"
    with tls_before(int(served.rpartition(":")[2]), NAME, tmp_path) as port:
        url = f"https://{NAME}:{port}"
        context = browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(PATIENCE_MS)
        page, errors = context.new_page(), Errors()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(f"{url}/review/spring/SEQ01")
        expect(page).to_have_url(f"{url}/login?next=/review/spring/SEQ01")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_label("Your name").fill("mara")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{url}/review/spring/SEQ01")
        [cookie] = context.cookies()
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
        expect(page.locator("#live")).to_have_text("live")
        page.keyboard.press("2")
        page.keyboard.press("Enter")
        expect(page.locator("#choice")).to_contain_text("Cell 2 of g1 picked by mara")
        assert kept(place)["pick"]["by"] == "mara"
        page.goto(url)
        expect(page.locator("#live")).to_have_text("live")
        console.edit(place, "SEQ01", title="Harbour at dawn")
        expect(page.locator("[id='row-spring/SEQ01'] .title")).to_have_text("Harbour at dawn")
        for host, status in ((f"{NAME}:{port}", 401), ("127.0.0.1", 401), ("evil.example", 421)):
            answer = context.request.get(f"https://127.0.0.1:{port}/api/projects", headers={"host": host})
            assert answer.status == status, host
        assert errors == []
        context.close()
