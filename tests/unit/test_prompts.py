"""Do prompts say all of what is wanted, and does a retry say what was wrong, in words not used before?"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_async.prompts import _WRONG as SAID_OF
from client_async.prompts import FRAMINGS, frame_prompt, grid_prompt, shot_prompt
from client_async.sequence_parts import GridRecord, Shot, Verdict

REASONS = [*SAID_OF, "no_picture", "something_new"]


def wrong(reason: str, explanation: str = "the vendor said so") -> GridRecord:
    verdict = Verdict(ok=False, reason=reason, explanation=explanation)
    return GridRecord(grid="g1", round=1, via="model", verdict=verdict, at="")


@pytest.mark.parametrize("gutter", ["magenta", "lime", "cyan", "white", "#12ab9f"])
@pytest.mark.parametrize("attempts", [0, 1, 5])
def test_a_grid_prompt_names_scene_gutter_and_framings(gutter: str, attempts: int) -> None:
    """Does every attempt ask for the scene, the four framings in cell order, and its own gutter colour, twice?"""
    prompt = grid_prompt("a harbour at dawn", gutter=gutter, wrong=[wrong("single")] * attempts)
    assert prompt.startswith("Create a 2x2 contiguous grid of 4 distinct images of ")
    assert "a harbour at dawn" in prompt
    assert f"thin solid {gutter} gutter" in prompt
    assert f"{gutter} appears nowhere else" in prompt
    spots = [prompt.index(f"{place}: {framing}.") for place, framing in FRAMINGS]
    assert spots == sorted(spots)


def test_the_first_attempt_reproaches_nobody() -> None:
    """Is nothing said of earlier attempts when there are none?"""
    prompt = grid_prompt("a harbour", gutter="lime")
    assert "attempt" not in prompt
    assert "Before" not in prompt


def test_a_note_is_said_on_one_line_of_grid_and_single_alike() -> None:
    """Is what somebody asks of the next grid in both prompts, and nothing of it where nobody asked?"""
    for asked in (
        grid_prompt("a harbour", gutter="lime", note="no\ncrowd. "),
        frame_prompt("a harbour", 2, "no\ncrowd. "),
    ):
        assert re.search(
            r"Art direction.*above the scene where the two differ: no crowd[.;]\n", asked, re.IGNORECASE
        )
    for plain in (grid_prompt("a harbour", gutter="lime"), frame_prompt("a harbour", 2)):
        assert "direction" not in plain.lower()


@pytest.mark.parametrize("reason", SAID_OF)
def test_a_retry_says_what_was_wrong(reason: str) -> None:
    """Is each reason of the grid reader put into words for the model?"""
    prompt = grid_prompt("a harbour", gutter="lime", wrong=[wrong(reason)])
    assert SAID_OF[reason] in prompt
    assert "attempt 2" in prompt
    assert "do not repeat that" in prompt.lower()


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        (1, 2, "you drew two panels side by side instead of four"),
        (2, 1, "you drew two panels one above the other instead of four"),
        (3, 1, "you drew three rows and one column of panels instead of two rows of two"),
        (3, 3, "you drew three rows and three columns of panels instead of two rows of two"),
        (2, 2, "the panels were not two rows of two"),
        (9, 9, "the panels were not two rows of two"),
        (None, None, "the panels were not two rows of two"),
    ],
)
def test_a_wrong_layout_is_counted(rows: int | None, columns: int | None, said: str) -> None:
    """Is the model told how many rows and columns it drew, where the reader could count them?"""
    record = wrong("wrong_layout")
    seen = record.verdict.model_copy(update={"rows": rows, "columns": columns})
    assert said in grid_prompt("x", gutter="lime", wrong=[record.model_copy(update={"verdict": seen})])


def test_a_template_is_explained() -> None:
    """Is the last reference spoken of when it is a template, and only then?"""
    assert "empty template" in grid_prompt("x", gutter="lime", template=True)
    assert "template" not in grid_prompt("x", gutter="lime")


@pytest.mark.parametrize("reason", ["no_picture", "something_new"])
def test_a_reason_without_words_is_explained(reason: str) -> None:
    """Is what the vendor said passed on where we have no words of our own?"""
    assert "safety" in grid_prompt("a harbour", gutter="lime", wrong=[wrong(reason, "refused for safety")])


def test_every_mistake_is_named_once() -> None:
    """Are all mistakes of the round named in order, a repeated one once?"""
    prompt = grid_prompt("x", gutter="lime", wrong=[wrong("single"), wrong("blank"), wrong("single")])
    assert f"efore, {SAID_OF['single']}; {SAID_OF['blank']}" in prompt
    assert prompt.count(SAID_OF["single"]) == 1
    assert "attempt 4" in prompt


@given(
    st.lists(st.sampled_from(REASONS), min_size=1, max_size=10),
    st.lists(st.sampled_from(["lime", "cyan"]), min_size=1),
)
def test_no_two_prompts_of_a_round_are_the_same(reasons: list[str], gutters: list[str]) -> None:
    """Whatever went wrong, and with however few colours: is every retry's prompt a new one?"""
    records = [wrong(reason) for reason in reasons]
    prompts = [
        grid_prompt("a harbour", gutter=gutters[done % len(gutters)], wrong=records[:done])
        for done in range(len(records) + 1)
    ]
    assert len(set(prompts)) == len(prompts)


@pytest.mark.parametrize("cell", [1, 2, 3, 4])
def test_a_single_frame_has_its_cells_framing_and_no_other(cell: int) -> None:
    """Is each of the four singles asked for as its cell would be, and as one picture?"""
    prompt = frame_prompt("a harbour", cell)
    assert [framing in prompt for _, framing in FRAMINGS] == [number == cell for number in (1, 2, 3, 4)]
    assert prompt.startswith("Create one single full-frame image of ")
    assert "a harbour" in prompt
    assert "grid" not in prompt


def test_the_four_framings_differ() -> None:
    """Is there something to choose between?"""
    assert len(set(FRAMINGS)) == len({framing for _, framing in FRAMINGS}) == 4


@pytest.mark.parametrize(
    ("prompt", "camera", "said"),
    [
        ("gulls rise", "push in", "gulls rise. Camera: push in."),
        ("gulls rise.", "push in", "gulls rise. Camera: push in."),
        ("gulls rise. ", "hold", "gulls rise. Camera: hold."),
        ("gulls rise.", "", "gulls rise."),
    ],
)
def test_a_shot_is_said_with_its_camera(prompt: str, camera: str, said: str) -> None:
    """Is the camera move joined to the prompt with one full stop, and left out where there is none?"""
    assert shot_prompt(Shot(prompt=prompt, seconds=3, camera=camera)) == said
