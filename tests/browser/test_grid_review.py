"""The grid review in a real browser: is it picked by key and by mouse, once, and is every conflict shown?"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

import pytest
from playwright.sync_api import Page, Route, expect

from client_async.ownership import add_notice
from client_async.picks import record_pick
from client_async.projects import Place
from tests.browser.conftest import Console, log_in, serious
from tests.unit.daemon_house import kept

KEYS, MOUSE, CONFLICT, AGAIN, PAID, OFF, LAYOUT = (f"SEQ{number:02}" for number in range(1, 8))
"""A sequence for each test, so that they share a console and do not disturb each other."""


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Two projects whose sequences all wait for a pick."""
    made = Console(tmp_path_factory.mktemp("review"))
    made.project("autumn", "W1", "W2")
    made.project("spring", KEYS, MOUSE, CONFLICT, AGAIN, PAID, OFF, LAYOUT)
    for project in ("autumn", "spring"):
        assert made.command("grid", "-p", project).startswith("0")
    made.serve()
    yield made
    for process in made.running:
        process.kill()
        process.wait()


@pytest.fixture
def spring(console: Console) -> Place:
    return Place(console.root, "spring")


def review(page: Page, console: Console, of: str) -> None:
    log_in(page, console.url)
    page.goto(f"{console.url}/review/spring/{of}")
    expect(page.locator("#live")).to_have_text("live")


def test_picked_by_key_once_and_never_while_typing(console: Console, spring: Place, page: Page) -> None:
    """Keys typed into the note, a key held down, Enter held down: is one pick made, with the note, and taken back by key?"""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if "/api/" in request.url else None)
    review(page, console, KEYS)
    page.get_by_label("Note with the pick").press_sequentially("r1 z?u ")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open], #viewer:not([hidden]), [aria-pressed=true]")).to_have_count(0)
    page.locator("h1").click()
    for _ in range(3):
        page.keyboard.down("2")
    expect(page.get_by_role("button", name="Cell 2, top right", pressed=True)).to_be_visible()
    for _ in range(5):
        page.keyboard.down("Enter")
    expect(page.locator("#choice")).to_contain_text("Cell 2 of g1 picked by mara")
    page.keyboard.up("Enter")
    expect(page.locator("#standing .chip")).to_have_text("Picked · cell 2")
    pick = kept(spring, KEYS)["pick"]
    assert (pick["note"], pick["via"], asked) == ("r1 z?u ", "console", ["POST"])
    page.keyboard.press("u")
    expect(page.locator("#choice")).to_contain_text("No cell of g1 is picked yet")
    assert kept(spring, KEYS)["selected_cell"] is None


def test_picked_by_mouse(console: Console, spring: Place, page: Page) -> None:
    """A click on the cell as it was detected and the button; a double click: does each pick what lies there?"""
    review(page, console, MOUSE)
    box = page.locator("#picture").bounding_box()
    assert box is not None
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if "/api/" in request.url else None)
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.75)
    page.get_by_role("button", name="Pick cell 3").dblclick()
    expect(page.locator("#choice")).to_contain_text("Cell 3 of g1 picked by mara")
    assert asked == ["POST"], "a double click is one pick"
    page.mouse.dblclick(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.75)
    expect(page.locator("#choice")).to_contain_text("Cell 4 of g1 picked by mara")
    expect(page.locator("#revisions")).to_contain_text("cell 3 by mara was replaced by cell 4 by mara")
    assert kept(spring, MOUSE)["selected_cell"] == 4


def test_nothing_serious_stands_in_anybodys_way(console: Console, page: Page) -> None:
    """What axe says of page, dialogs and candidates at full size, in the dark; and does a phone's width hold all of it?"""
    page.emulate_media(color_scheme="dark")
    log_in(page, console.url)
    page.goto(f"{console.url}/review/autumn/W2")
    expect(page.locator("#live")).to_have_text("live")
    for key in ("3", "r", "?", " "):
        page.keyboard.press(key)
        assert serious(page) == [], key
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.keyboard.press("z")
    expect(page.get_by_role("button", name="Pixels 1:1", pressed=True)).to_be_visible()
    assert serious(page) == [], "a picture that scrolls"


def test_a_conflict_is_shown_and_nothing_overwritten(console: Console, spring: Place, page: Page) -> None:
    """Somebody picks while the page hears of nothing: is ours refused with what is there, and is another then a decision?"""

    def deaf(route: Route) -> None:
        route.fulfill(content_type="text/event-stream", body="retry: 600000\nevent: hello\ndata: {}\n\n")

    page.route("**/events", deaf)
    log_in(page, console.url)
    page.goto(f"{console.url}/review/spring/{CONFLICT}")
    page.keyboard.press("1")
    at = datetime.now(UTC)
    spring.file.change(lambda d: record_pick(d[CONFLICT], CONFLICT, 3, by="tomas", via="t", at=at))
    page.keyboard.press("Enter")
    expect(page.locator("#conflict")).to_contain_text("Cell 3 has been picked meanwhile, by tomas")
    expect(page.locator("#choice")).to_contain_text("Cell 3 of g1 picked by tomas")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Choose a cell first")
    assert kept(spring, CONFLICT)["selected_cell"] == 3
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("#choice")).to_contain_text("Cell 1 of g1 picked by mara")
    expect(page.locator("#conflict")).to_be_hidden()
    assert "409" in page.errors.pop()  # type: ignore[attr-defined]


def test_a_new_grid_is_asked_for_in_words_that_reach_the_model(
    console: Console, spring: Place, page: Page
) -> None:
    """Is a half-typed note kept while the page changes, said to the model, and the new grid shown when it comes?"""
    review(page, console, AGAIN)
    page.get_by_label("Note with the pick").fill("half")
    page.locator("h1").click()
    page.keyboard.press("r")
    page.keyboard.type("lower hor")
    console.edit(spring, AGAIN, prompt="a harbour, later")
    expect(page.locator("#brief")).to_contain_text("a harbour, later")
    page.keyboard.type("izon, no crowd")
    expect(page.locator("#grid-price")).to_contain_text(re.compile(r"A new grid costs \$0\.0\d+ to \$0\.\d+"))
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("#choice")).to_contain_text("Another grid is asked for: “lower horizon, no crowd”")
    assert console.command("grid", AGAIN, "-p", "spring").startswith("0")
    expect(page.get_by_role("group", name="Candidates of g2")).to_be_visible()
    expect(page.locator("#revisions")).to_contain_text("Asked for: “lower horizon, no crowd”")
    expect(page.get_by_label("Note with the pick")).to_have_value("half")
    with closing(sqlite3.connect(spring.folder / "state" / "execution.db")) as ledger:
        asked = ledger.execute("SELECT request FROM steps WHERE shot_id = ?", [f"{AGAIN}_grid"]).fetchall()
    assert ["lower horizon, no crowd;" in request for (request,) in asked].count(True) == 1


def test_a_new_grid_that_nobody_has_drawn_yet_is_called_off(
    console: Console, spring: Place, page: Page
) -> None:
    """Asked for, called off by key, asked again with the words that were kept, and called off by another: does each page say so?"""
    review(page, console, OFF)
    page.keyboard.press("r")
    page.keyboard.type("lower horizon")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("#choice")).to_contain_text("Another grid is asked for: “lower horizon”")
    expect(page.get_by_role("button", name="New grid…")).to_be_hidden()
    page.keyboard.press("x")
    expect(page.locator("#choice")).not_to_contain_text("Another grid")
    expect(page.locator("#revisions")).to_contain_text(
        'another grid ("lower horizon") was called off by mara'
    )
    page.keyboard.press("r")
    expect(page.get_by_label("What it is to show")).to_have_value("lower horizon")
    page.get_by_role("button", name="Ask for it").click()
    off = page.get_by_role("button", name="Call the new grid off")
    expect(off).to_be_visible()
    console.edit(spring, OFF, regrid=False)
    expect(off).to_be_hidden()
    page.keyboard.press("x")
    expect(page.locator("#said")).to_contain_text("No new grid is asked for")
    assert not kept(spring, OFF)["regrid"]


def test_keys_are_those_of_the_board_and_never_the_browsers(console: Console, page: Page) -> None:
    """Cyrillic, a board whose digits want Shift, Caps Lock; with Ctrl, Alt, Cmd, Shift, and while a word is composed: which act?"""
    review(page, console, LAYOUT)
    pressed = """([key, code, more]) => {
      const event = new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...more });
      document.body.dispatchEvent(event);
      const open = document.querySelector("dialog[open]")?.id ?? "";
      document.querySelector("dialog[open]")?.close();
      const chosen = document.querySelector("[aria-pressed=true][data-cell]")?.dataset.cell ?? "";
      return [event.defaultPrevented, open, chosen];
    }"""
    for key, code, more, does in (
        ("к", "KeyR", {}, [True, "asking", ""]),
        ("R", "KeyR", {"modifierCapsLock": True}, [True, "asking", ""]),
        ("?", "KeyM", {"shiftKey": True}, [True, "help", ""]),
        ("é", "Digit2", {}, [True, "", "2"]),
        ("1", "Digit1", {"shiftKey": True}, [True, "", "1"]),
        ("@", "Digit2", {"shiftKey": True}, [False, "", "1"]),
        ("r", "KeyR", {"ctrlKey": True}, [False, "", "1"]),
        ("r", "KeyR", {"metaKey": True}, [False, "", "1"]),
        ("ArrowLeft", "ArrowLeft", {"altKey": True}, [False, "", "1"]),
        ("R", "KeyR", {"shiftKey": True}, [False, "", "1"]),
        ("2", "Digit2", {"isComposing": True}, [False, "", "1"]),
        ("ArrowDown", "ArrowDown", {}, [False, "", "1"]),
        ("2", "Numpad2", {}, [True, "", "2"]),
    ):
        assert page.evaluate(pressed, [key, code, more]) == does, (key, code, more)
    page.keyboard.press("z")
    assert page.evaluate(pressed, ["ArrowLeft", "ArrowLeft", {"altKey": True}])[0] is False
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Cell 4").focus()
    for key in ("Space", "Enter"):  # choose what has the focus, then do what they always do
        page.keyboard.press(key)
        expect(page.get_by_role("button", name="Pick cell 4")).to_be_enabled()
        page.keyboard.press("1")
        expect(page.get_by_role("button", name="Cell 1, top left")).to_be_focused()
        page.get_by_role("button", name="Cell 4").focus()
    page.get_by_label("Note with the pick").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page.get_by_role("button", name="Cell 3", pressed=True)).to_be_visible()


def test_where_somebody_stands_outlives_what_changes(console: Console, spring: Place, page: Page) -> None:
    """On a picture in the history, on the shots, in full size: is the focus there after a change, and is what lies behind not read?"""
    review(page, console, LAYOUT)
    for number, stood in enumerate(
        (page.get_by_role("link", name="The picture of g1"), page.locator("summary"))
    ):
        stood.focus()
        console.edit(spring, LAYOUT, prompt=f"a harbour, take {number}", title=f"Take {number}")
        expect(page.locator("#brief")).to_contain_text(f"a harbour, take {number}")
        news = partial(add_notice, at="2026-11-25T09:00:00+00:00", text=f"news {number}")
        spring.file.change(lambda draft, tell=news: tell(draft[LAYOUT]))  # type: ignore[misc]
        expect(page.locator("#revisions")).to_contain_text(f"news {number}")
        expect(stood).to_be_focused()
    page.keyboard.press("Space")  # folds the shots out: a focused summary is pressed by it
    page.locator("h1").click()
    page.keyboard.press("Space")
    expect(page.get_by_role("region", name="Candidate at full size")).to_be_focused()
    expect(page.locator("#review")).to_have_js_property("inert", True)
    page.keyboard.press("Escape")
    expect(page.locator("#review")).to_have_js_property("inert", False)
    spring.file.change(lambda draft: draft[LAYOUT].update(grid_state="failed", status="it burnt"))
    expect(page.locator("#heard")).to_have_text(f"{LAYOUT}: Failed")


def test_what_went_away_is_said_to_be_gone(console: Console, page: Page) -> None:
    """The project is renamed while its page is open: does it say so and let no key act, and show it again when it is back?"""
    place = console.project("winter", "W1")
    log_in(page, console.url)
    page.goto(f"{console.url}/review/winter/W1")
    expect(page.locator("#live")).to_have_text("live")
    page.keyboard.press("r")
    place.folder.rename(console.root / "away")
    expect(page.get_by_role("alert")).to_contain_text("W1 of winter is not here any more")
    expect(page.get_by_role("link", name="Back to all projects")).to_be_visible()
    expect(page.locator("#review, dialog[open]").filter(visible=True)).to_have_count(0)
    page.keyboard.press("r")
    expect(page.locator("dialog[open]")).to_have_count(0)
    (console.root / "away").rename(place.folder)
    expect(page.get_by_role("heading", name="W1")).to_be_visible()
    page.errors.clear()  # type: ignore[attr-defined]  # the browser complains of the 404


def test_after_a_paid_video_taking_back_asks_first(console: Console, spring: Place, page: Page) -> None:
    """Is it said what another take costs, is Escape a no and a held Enter no yes, and does the take stay?"""
    assert console.command("pick", PAID, "2", "-p", "spring").startswith("0")
    assert console.command("generate", PAID, "-p", "spring").startswith("0")
    review(page, console, PAID)
    page.keyboard.press("3")
    page.keyboard.down("Enter")
    expect(page.locator("#cost")).to_contain_text(re.compile(r"another one costs \$0\.\d+"))
    for _ in range(3):
        page.keyboard.down("Enter")
    page.get_by_role("button", name=re.compile(r"Go on for")).focus()
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(page.locator("#cost")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#cost")).to_be_hidden()
    for answer in ("no", "yes"):
        page.keyboard.press("u")
        expect(page.locator("#cost")).to_be_visible()
        expect(page.locator("#cost")).to_contain_text(re.compile(r"another one costs \$0\.\d+"))
        if answer == "no":
            page.keyboard.press("Escape")
            expect(page.locator("#cost")).to_be_hidden()
            assert kept(spring, PAID)["selected_cell"] == 2
    page.get_by_role("button", name=re.compile(r"Go on for \$0\.084")).click()
    expect(page.locator("#choice")).to_contain_text("No cell of g1 is picked yet")
    expect(page.locator("#choice")).to_contain_text("A take is there")
    assert all("409" in error for error in page.errors)  # type: ignore[attr-defined]
    page.errors.clear()  # type: ignore[attr-defined]


def test_whoever_only_looks_flips_zooms_reads_the_help_and_goes_on(console: Console, page: Page) -> None:
    """Without a token, in a small window: are the keys as the help says, and is a pick refused in words?"""
    page.set_viewport_size({"width": 420, "height": 340})
    page.goto(f"{console.url}/review/autumn/W1")
    expect(page.locator("#live")).to_have_text("live")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text(
        "flip through the candidates at full size"
    )
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open], [aria-pressed=true]")).to_have_count(0)
    shown = page.locator("#shown")
    for key, cell in ((" ", "Cell 1"), (" ", "Cell 2"), ("ArrowLeft", "Cell 1"), ("4", "Cell 4")):
        page.keyboard.press(key)
        expect(shown).to_contain_text(cell)
    page.keyboard.press("z")
    pane = page.locator(".pane.pixels")
    picture = pane.locator("img:not([hidden])")
    assert picture.evaluate("one => one.getBoundingClientRect().width === one.naturalWidth")
    before = pane.evaluate("pane => [pane.scrollLeft, pane.scrollTop]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert [
        a - b for a, b in zip(pane.evaluate("p => [p.scrollLeft, p.scrollTop]"), before, strict=True)
    ] != [0, 0]
    expect(shown).to_contain_text("Cell 4")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Log in to pick")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/review/autumn/W2")
    page.keyboard.press("j")
    page.wait_for_url("**/review/autumn/W1")
