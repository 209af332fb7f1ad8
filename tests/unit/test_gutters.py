"""Is the gutter asked for in a colour that the scene does not hold?"""

from __future__ import annotations

import pytest
from PIL import Image

from client_async.gutters import gutter_for

COLOURS = ["magenta", "lime", "cyan", "white"]


@pytest.mark.parametrize(
    ("scene", "first"),
    [
        ("a harbour at dawn", "magenta"),
        ("neon signs over a wet street", "lime"),
        ("she wears a Fuchsia dress", "lime"),
        ("a magenta balloon over a meadow", "cyan"),
        ("pink blossoms in the park by the lake", "white"),
        ("a snow field", "magenta"),
    ],
)
def test_what_the_scene_names_is_not_its_gutter(scene: str, first: str) -> None:
    """Are colours avoided that the prompt names or brings with it?"""
    assert gutter_for(scene, COLOURS, 0) == first


def test_retries_take_turns() -> None:
    """Does each attempt of a round ask for another colour, and for none that the scene holds?"""
    assert [gutter_for("a forest", COLOURS, n) for n in range(4)] == ["magenta", "cyan", "white", "magenta"]


def test_a_scene_that_holds_everything_still_has_one() -> None:
    """Where no colour is free, are all of them tried in turn?"""
    scene = "magenta, lime, cyan and white lanterns"
    assert [gutter_for(scene, COLOURS, n) for n in range(2)] == ["magenta", "lime"]


def test_what_references_show_is_not_the_gutter() -> None:
    """Does a coat in a reference picture rule its colour out, and a grey one none?"""
    coat = Image.new("RGB", (640, 480), "#808080")
    assert gutter_for("she waits", COLOURS, 0, [coat]) == "magenta"
    coat.paste("#f010f0", (100, 100, 160, 200))
    assert gutter_for("she waits", COLOURS, 0, [coat]) == "lime"


def test_a_colour_of_the_houses_own_is_understood() -> None:
    """Are codes looked at as names are?"""
    assert gutter_for("a purple night", ["#cc22cc", "#ffee00"], 0) == "#ffee00"
