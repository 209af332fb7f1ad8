"""Dailies: does a frame stay a frame, do two takes stay in step, and does what others say arrive without getting in the way?"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from client_async.client_answers import approve
from client_async.console.guard import COOKIE, Guard
from client_async.draft import Draft
from client_async.picks import record_pick
from client_async.projects import Place
from tests.browser.conftest import TOKEN, Console, serious
from tests.unit.daemon_house import until

SHOTS = [{"prompt": "she waits", "seconds": 0.5, "camera": "hold"}, {"prompt": "boats leave", "seconds": 0.5}]
FRAMES = 24
LONG = [{"prompt": f"rain {number}", "seconds": 0.5} for number in (1, 2, 3)]
TWO_SHOTS = {"provider": "animatic", "model": "*", "shots": 2, "as_of": "2026-11-01"}


def picked(draft: Draft, name: str) -> None:
    record_pick(draft[name], name, 1, by="mara", via="test", at=datetime.now(UTC))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Console, Place]]:
    """Served: SEQ01 with two takes, SEQ02 with one in parts of 24 and 12 frames, SEQ03 with none."""
    console = Console(tmp_path_factory.mktemp("dailies"))
    place = console.project("spring", "SEQ01", "SEQ02", "SEQ03", shot_limits=[TWO_SHOTS])
    for name, shots in (("SEQ01", SHOTS), ("SEQ02", LONG), ("SEQ03", SHOTS)):
        console.edit(place, name, shots=shots, split=shots is LONG, title=f"Harbour <{name}>")

    assert console.command("grid", "SEQ01", "SEQ02").startswith("0")
    for name in ("SEQ01", "SEQ02"):
        place.file.change(partial(picked, name=name))
    assert console.command("generate", "SEQ01", "SEQ02").startswith("0")
    assert console.command("generate", "SEQ01", "--again").startswith("0")
    console.serve()
    yield console, place
    for process in console.running:
        process.kill()
        process.wait()


def enter(page: Page, url: str, name: str) -> None:
    """With the cookie that whoever has logged in has."""
    session = Guard(TOKEN, "127.0.0.1").session(name)
    page.context.add_cookies([{"name": COOKIE, "value": session, "url": url}])


@pytest.fixture
def player(place: tuple[Console, Place], page: Page) -> Page:
    """SEQ01 in the player, by somebody who is logged in."""
    enter(page, place[0].url, "mara")
    page.goto(f"{place[0].url}/dailies/spring/SEQ01?order=brief")
    at_frame(page, 0)
    expect(page.locator("#live")).to_have_text("live")
    return page


def at_frame(page: Page, frame: int, film: str = "#film-a") -> None:
    """What is on the screen, by the decoder's own word, and what the counter says."""
    expect(page.locator(film)).to_have_attribute("data-shown", str(frame))
    if film == "#film-a":
        expect(page.locator("#frame")).to_have_text(f"{frame + 1} / {FRAMES}")


def nearest_frame(page: Page, place: Place, film: str = "#film-a") -> int:
    """Which of the file's frames the picture in the browser is, by its pixels: each has its timecode burnt in."""
    video = page.locator(f"{film} video")
    url = video.get_attribute("src") or ""
    with av.open(place.folder / url.removeprefix("/media/spring/")) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    high = frames[0].shape[0] // 10
    pixels = video.evaluate(
        """(video) => {
          const canvas = document.createElement("canvas");
          canvas.width = video.videoWidth;
          canvas.height = video.videoHeight;
          canvas.getContext("2d").drawImage(video, 0, 0);
          return canvas.toDataURL("image/png");
        }"""
    )
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(pixels.partition(",")[2]))).convert("RGB"))
    apart_by = [np.abs(frame[:high].astype(int) - shown[:high].astype(int)).mean() for frame in frames]
    return int(np.argmin(apart_by))


def is_seen(page: Page, place: Place, frame: int, film: str = "#film-a") -> None:
    """It comes to be this picture: a busy browser may tell of a frame before it gives its pixels out."""
    until(lambda: nearest_frame(page, place, film) == frame)


def stopped_at(page: Page, place: Place, *films: str) -> None:
    """Paused while it played: are these pictures the frame that is counted? By their pixels, for a browser does not always
    call back for the last one."""
    expect(page.locator("#play")).to_have_text("Play")
    counted = int(page.locator("#frame").inner_text().partition(" ")[0]) - 1
    for film in films:
        page.wait_for_function(
            "film => document.querySelectorAll(`${film} video`)[0].seeking === false", arg=film
        )
        is_seen(page, place, counted, film)


def test_a_frame_is_a_frame(player: Page, place: tuple[Console, Place]) -> None:
    """Stepped, sought and played: is it the very frame that is counted, pixel for pixel, and no key pressed while typing?"""
    for key, frame in (
        *(("ArrowRight", n) for n in (1, 2, 3)),
        (",", 2),
        ("ArrowLeft", 1),
        (".", 2),
        ("End", FRAMES - 1),
        ("ArrowRight", FRAMES - 1),
        ("ArrowLeft", FRAMES - 2),
    ):
        player.keyboard.press(key)
        at_frame(player, frame)
    is_seen(player, place[1], FRAMES - 2)
    expect(player.locator("#timecode")).to_have_text("00:00:00:22")
    expect(player.get_by_role("slider", name="Frame")).to_have_attribute(
        "aria-valuetext", "00:00:00:22, frame 23 of 24, shot 2"
    )
    player.keyboard.press("Home")
    at_frame(player, 0)
    player.get_by_role("button", name="2 boats leave").click()
    at_frame(player, 12)
    is_seen(player, place[1], 12)
    expect(player.locator("#prompt")).to_have_text("boats leave")
    expect(player.locator("#shots [aria-current]")).to_have_text("2boats leave")
    player.keyboard.press("m")
    player.keyboard.type("k .,nlcd")
    at_frame(player, 12)
    expect(player.locator("#note")).to_have_value("k .,nlcd")
    expect(player.locator("#loop")).to_have_attribute("aria-pressed", "false")
    player.keyboard.press("Escape")
    player.keyboard.press("k")
    at_frame(player, FRAMES - 1)  # it has played to its end
    expect(player.locator("#play")).to_have_text("Play")
    player.keyboard.press("l")
    player.evaluate(
        """() => {
          const film = document.getElementById("film-a");
          let last = 0, laps = 0;
          new MutationObserver(() => {
            if (Number(film.dataset.shown) < last) document.body.dataset.laps = laps += 1;
            last = Number(film.dataset.shown);
          }).observe(film, { attributeFilter: ["data-shown"] });
        }"""
    )
    player.locator("#speed").select_option("2")
    player.locator("#scrub").focus()
    player.keyboard.press("Space")
    expect(player.locator("body")).to_have_attribute("data-laps", re.compile("[3-9]"))
    player.keyboard.press("k")
    stopped_at(player, place[1], "#film-a")


def test_two_takes_in_step(player: Page, place: tuple[Console, Place]) -> None:
    """Beside each other and in one place: after each step, seek and pause, do both show the same frame?"""
    player.locator("#versus").select_option(label="take 1")
    at_frame(player, 0, "#film-b")
    player.locator("#scrub").focus()
    for key, frame in (("End", 23), ("ArrowLeft", 22), ("Home", 0), ("ArrowRight", 1)):
        player.keyboard.press(key)
        at_frame(player, frame)
        at_frame(player, frame, "#film-b")
    player.keyboard.press("k")
    at_frame(player, 23)
    at_frame(player, 23, "#film-b")
    expect(player.locator("#play")).to_have_text(
        "Play"
    )  # the last frame is shown a moment before the end is told
    player.keyboard.press("l")
    player.keyboard.press("k")
    expect(player.locator("#frame")).to_have_text(re.compile("^([5-9]|1.) "))
    player.keyboard.press("k")
    stopped_at(player, place[1], "#film-a", "#film-b")
    expect(player.locator("#film-b")).to_be_visible()
    player.keyboard.press("b")
    expect(player.locator("#theatre")).to_have_attribute("data-versus", "b")
    expect(player.locator("#film-a")).not_to_be_visible()
    player.keyboard.press("b")
    expect(player.locator("#film-a")).to_be_visible()
    expect(player.locator("#film-b")).not_to_be_visible()
    player.keyboard.press("n")
    expect(player.locator("#name")).to_have_text("SEQ02")
    assert player.locator("#versus optgroup").nth(1).locator("option").all_inner_texts() == [
        "SEQ01 · take 2, holds",
        "SEQ01 · take 1",
    ]
    player.locator("#versus").select_option(label="SEQ01 · take 1")
    expect(player.locator("#name-b")).to_have_text("B · SEQ01, take 1")
    player.keyboard.press("d")
    player.locator("#scrub").focus()
    player.keyboard.press("d")
    expect(player.locator("#theatre")).to_have_attribute("data-versus", "off")
    expect(player.locator("#film-a")).to_have_attribute("data-shown", "0")


def test_a_compared_take_finds_its_place_again(player: Page) -> None:
    """Pushed off by less than a frame while both play: does it come back to where the other is, and stay there?"""
    player.locator("#versus").select_option(label="take 1")
    at_frame(player, 0, "#film-b")
    player.locator("#speed").select_option("0.25")
    player.locator("#loop").click()
    player.locator("#scrub").focus()
    player.keyboard.press("Space")
    player.evaluate(
        """() => {
          const [a, b] = ["a", "b"].map((film) => document.querySelector(`#film-${film} video`));
          let pushed = false, last = 0, together = 0;
          (function look() {
            const still = a.seeking || b.seeking, apart = Math.abs(b.currentTime - a.currentTime);
            if (a.currentTime < last) pushed = false;  // a new lap begins together
            last = a.currentTime;
            together = pushed && !still && apart < 0.008 ? together + 1 : 0;
            if (!pushed && !still && last > 0.1) {
              b.currentTime = last + 0.03;
              pushed = true;
            }
            if (together < 15) requestAnimationFrame(look);
            else document.body.dataset.together = apart;
          })();
        }"""
    )
    expect(player.locator("body")).to_have_attribute("data-together", re.compile("."))


def test_the_start_frame_against_the_keyframe(player: Page) -> None:
    """Beside, wiped and as a difference, all by keys: is it the locked picture, at its place?"""
    player.keyboard.press("ArrowRight")
    player.keyboard.press("d")
    at_frame(player, 0)
    key = player.get_by_alt_text("The locked keyframe")
    film = player.locator("#film-a video")
    expect(key).to_be_visible()
    assert key.evaluate("picture => picture.naturalWidth") > 0
    box, other = key.bounding_box(), film.bounding_box()
    assert box
    assert other
    assert box["x"] >= other["x"] + other["width"]
    player.keyboard.press("d")
    assert key.bounding_box() == film.bounding_box()
    wipe = player.get_by_role("slider", name="Wipe")
    wipe.focus()
    player.keyboard.press("End")
    expect(wipe).to_have_value("100")
    at_frame(player, 0)  # the arrows of a slider are the slider's
    player.keyboard.press("d")
    expect(player.locator("#theatre")).to_have_attribute("data-start", "difference")
    player.keyboard.press("d")
    expect(key).not_to_be_visible()


def test_what_others_say_arrives(player: Page, place: tuple[Console, Place], browser: Browser) -> None:
    """A circle, notes and a new take of somebody else's: shown within a second, and neither film nor typing disturbed?"""
    console = place[0]
    with browser.new_context() as context:
        jo = context.new_page()
        enter(jo, console.url, "jo")
        jo.goto(f"{console.url}/dailies/spring/SEQ01")
        at_frame(jo, 0)
        expect(jo.locator("#live")).to_have_text("live")
        jo.keyboard.press("m")
        jo.keyboard.type("half a th")
        for _ in range(5):
            player.keyboard.press("ArrowRight")
        at_frame(player, 5)
        player.keyboard.press("m")
        player.keyboard.type("lower the <b>horizon</b>")
        player.keyboard.press("Enter")
        note = jo.locator("#notes li")
        expect(note).to_contain_text("lower the <b>horizon</b>")
        expect(note).to_contain_text("00:00:00:05mara")
        expect(jo.locator("#marks span")).to_have_count(1)
        expect(note.get_by_role("button", name="Delete")).to_have_count(0)
        expect(jo.locator("#note")).to_be_focused()
        jo.keyboard.type("ought")
        expect(jo.locator("#note")).to_have_value("half a thought")
        jo.keyboard.press("Escape")
        note.get_by_role("button", name="Go to").click()
        at_frame(jo, 5)
        jo.keyboard.press("c")
        expect(player.locator("#circle")).to_have_attribute("aria-pressed", "true")
        expect(player.locator("#takes .circled")).to_have_text("Take 2 · holds · circled")
        jo.keyboard.press("ArrowDown")
        expect(jo.locator("#takes [aria-current]")).to_have_text("Take 1")
        expect(jo.locator("#notes li")).to_contain_text("take 2")
        assert console.command("generate", "SEQ01", "--again").startswith("0")
        expect(player.locator("#takes li")).to_have_count(3)
        expect(player.locator("#takes [aria-current]")).to_have_text("Take 2 · circled")
        at_frame(player, 5)
        player.locator("#notes").get_by_role("button", name="Delete").click()
        expect(jo.locator("#notes li")).to_have_count(0)
        expect(player.locator("#notes")).to_be_focused()  # where no key is typed


def test_a_clients_answer_arrives(player: Page, place: tuple[Console, Place]) -> None:
    """A yes and a no by a link, while somebody watches: shown at once with who, when and their words, as words?"""
    takes = place[1].file.read()["sequences"]["SEQ01"]["take_history"]
    held = len(takes)
    given: dict[str, Any] = {"link": "x", "at": datetime(2026, 11, 25, 12, tzinfo=UTC)}

    def answer(take: int, name: str, approved: bool, text: str) -> None:
        place[1].file.change(
            lambda draft: approve(
                draft["SEQ01"],
                "SEQ01",
                takes[take - 1]["take"],
                name=name,
                approved=approved,
                text=text,
                **given,
            )
        )

    expect(player.locator("#no-verdicts")).to_be_visible()
    answer(1, "Bo", False, "too <b>dark</b>")
    answer(held, "Ana", True, "")
    said = player.locator("#verdicts li")
    expect(said).to_have_count(2)
    expect(said.nth(0)).to_contain_text(re.compile(rf"^Approvedtake {held} · Ana \(client\) · .*2026"))
    expect(said.nth(1)).to_contain_text("Not approvedtake 1 · Bo (client)")
    expect(said.nth(1).locator("p")).to_have_text("too <b>dark</b>")
    expect(player.locator("#takes [aria-current]")).to_have_text(f"Take {held} · holds · approved")
    expect(player.locator("#takes li").last).to_have_text("Take 1 · not approved")
    answer(held, "Ana", False, "on second thoughts")
    expect(player.locator("#takes [aria-current]")).to_have_text(f"Take {held} · holds · not approved")
    expect(player.locator("#verdicts .past")).to_contain_text("answered again since")
    assert serious(player) == []
    player.goto(f"{place[0].url}/dailies?project=spring&order=brief")
    card = player.locator(".card").first
    expect(card.locator(".verdict")).to_have_count(2)
    expect(card).to_contain_text("take 1 not approved Bo (client), 2026-11-25 12:00 UTC too <b>dark</b>")
    expect(player.locator("#live")).to_have_text("live")
    answer(1, "Bo", True, "")
    expect(card).to_contain_text("take 1 approved Bo (client)")
    assert serious(player) == []


def test_a_project_is_watched_in_order(player: Page, place: tuple[Console, Place]) -> None:
    """From take to take by key, all by themselves, and back by the browser: always what the address says?"""
    player.keyboard.press("p")
    expect(player.locator("#said")).to_contain_text("This is the first take")
    player.keyboard.press("n")
    expect(player.locator("#slate")).to_have_text("SEQ02 Harbour <SEQ02>")
    assert "/dailies/spring/SEQ02" in player.url
    player.keyboard.press("End")
    expect(player.locator("#frame")).to_have_text("36 / 36")
    for _ in range(13):
        player.keyboard.press("ArrowLeft")
    expect(player.locator("#film-a")).to_have_attribute("data-shown", "22")  # in the first part again
    expect(player.locator("#prompt")).to_have_text("rain 2")
    player.go_back()
    expect(player.locator("#name")).to_have_text("SEQ01")
    player.get_by_role("button", name="Play all").click()
    expect(player.locator("#name")).to_have_text("SEQ02")
    expect(player.locator("#film-a")).to_have_attribute("data-shown", "35")  # through both parts, to the end
    expect(player.locator("#strip [aria-current]")).to_have_attribute("data-sequence", "SEQ02")
    assert serious(player) == []
    player.goto(f"{place[0].url}/dailies?project=spring")
    expect(player.locator(".card")).to_have_count(2)
    player.goto(f"{place[0].url}/dailies/spring/SEQ03")
    expect(player.locator("#no-takes")).to_be_visible()
    expect(player.locator("#note-form, #circle").filter(visible=True)).to_have_count(0)
    player.keyboard.press("m")
    expect(player.locator("#said")).to_contain_text("No take of this sequence has been made yet")
    player.set_viewport_size({"width": 360, "height": 740})
    assert player.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_project_that_goes_away_is_missed(player: Page, place: tuple[Console, Place]) -> None:
    """Moved away under the list and under the player: is that said, with the way on, and does all go on when it is back?"""
    folder = place[1].folder
    aside = place[0].root / "aside"
    gone = player.get_by_text("The project spring is not here any more")
    for path in ("/dailies/spring/SEQ01", "/links?project=spring", "/dailies?project=spring"):
        player.goto(f"{place[0].url}{path}")
        expect(player.locator("#live")).to_have_text("live")
        expect(gone).not_to_be_visible()
        folder.rename(aside)
        expect(gone).to_be_visible()
        expect(player.locator("#strip .card, .choices + .link")).to_have_count(0)
        aside.rename(folder)
        expect(gone).not_to_be_visible()
    expect(player.locator("#strip .card")).to_have_count(2)
    errors: list[str] = player.errors  # type: ignore[attr-defined]
    assert [error for error in errors if "404" not in error] == []
    errors.clear()
