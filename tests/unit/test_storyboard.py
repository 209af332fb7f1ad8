"""Storyboard panels and grids: sizes, framings, gutters, captions, references, determinism."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from starsend.api_client import ImageRequest, Reference
from starsend.providers.storyboard.board import SINGLE, WRONG_GRIDS, caption, draw_board, pixel_size, png
from starsend.providers.storyboard.places import LIGHTS, PLACES
from starsend.providers.storyboard.scene import framing_of, read_prompt, read_scene
from starsend.tools.grid_layout import read_grid
from starsend.vendor_faults import BadRequest

Grey = NDArray[np.float64]
GRID = "Create a 2x2 contiguous grid of 4 distinct images of {}. Separate them by a thin solid {} gutter."
HARBOUR = "harbour at dawn, @mara waits by the boats"
SCENES = (
    HARBOUR,
    "night city street in rain, two men run",
    "desert noon, a lone rider",
    "kitchen interior, a woman at the window",
    "forest in fog, a girl and a dog walk",
    "snowy mountains, no people",
)


def ask(
    prompt: str,
    *,
    aspect_ratio: str = "16:9",
    references: tuple[Reference, ...] = (),
    attempt: int = 1,
    shot_id: str = "SEQ01_grid",
) -> ImageRequest:
    return ImageRequest(
        shot_id=shot_id,
        attempt=attempt,
        model="m",
        prompt=prompt,
        aspect_ratio=aspect_ratio,
        size="1K",
        references=references,
    )


def grid(scene: str = HARBOUR, gutter: str = "magenta") -> ImageRequest:
    return ask(GRID.format(scene, gutter))


def quarters(sheet: Image.Image) -> list[Grey]:
    grey = np.asarray(sheet.convert("L").resize((192, 108), Image.Resampling.BOX), np.float64)
    return [half for rows in np.split(grey, 2) for half in np.split(rows, 2, axis=1)]


def test_pixel_size_is_geminis_table() -> None:
    """Do pictures come in the sizes that the real vendor's do?"""
    assert [pixel_size("16:9", size) for size in ("1K", "2K", "4K")] == [
        (1376, 768),
        (2752, 1536),
        (5504, 3072),
    ]
    assert (pixel_size("1:1", "1K"), pixel_size("9:16", "1K"), pixel_size("21:9", "1K")) == ((1024, 1024), (768, 1376), (1584, 672))  # fmt: skip
    assert (pixel_size("3:4", "2K"), pixel_size("2:3", "1K"), pixel_size("4:5", "4K")) == ((1792, 2400), (848, 1264), (3712, 4608))  # fmt: skip


@pytest.mark.parametrize(("ratio", "size", "known"), [("7:5", "1K", "21:9"), ("16:9", "1k", "1K, 2K, 4K")])
def test_unknown_size_lists_the_known(ratio: str, size: str, known: str) -> None:
    """Does a wrong ratio or size say which ones there are?"""
    with pytest.raises(BadRequest, match=known):
        pixel_size(ratio, size)


@pytest.mark.parametrize("scene", SCENES)
def test_a_grid_has_four_different_framings(scene: str) -> None:
    """Are the four panels of a grid four pictures, by pairwise correlation, and does the house reader see the grid?"""
    sheet = draw_board(grid(scene))
    for one, other in itertools.combinations(quarters(sheet), 2):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] < 0.9
    assert read_grid(sheet, expected_gutter="magenta").ok


@pytest.mark.parametrize("scene", SCENES)
def test_one_frame_is_no_grid(scene: str) -> None:
    """Does a prompt that asks for no grid get one picture, with nothing drawn across its middle?"""
    pixels = np.asarray(draw_board(ask(f"{scene}, a magenta gutter runs by the road")))
    assert not (pixels == (255, 0, 255)).all(axis=2).any()


@pytest.mark.parametrize(
    ("named", "colour"),
    [("magenta", (255, 0, 255)), ("black", (0, 0, 0)), ("#00ff80", (0, 255, 128)), ("", (255, 255, 255))],
)
def test_the_gutter_is_centred_in_the_colour_asked_for(named: str, colour: tuple[int, int, int]) -> None:
    """Is the gutter thin, even, exactly centred on the halves, and of the colour that the prompt names?"""
    pixels = np.asarray(draw_board(grid(gutter=named)))
    height, width = pixels.shape[:2]
    columns = np.flatnonzero((pixels == colour).all(axis=(0, 2)))
    rows = np.flatnonzero((pixels == colour).all(axis=(1, 2)))
    assert columns.tolist() == list(range(width // 2 - 4, width // 2 + 4))
    assert rows.tolist() == list(range(height // 2 - 4, height // 2 + 4))


def test_wrong_sheets_are_wrong() -> None:
    """Do the rehearsed wrong layouts differ from the grid and from each other?"""
    sheets = [draw_board(grid(), layout).tobytes() for layout in (*WRONG_GRIDS, SINGLE, None)]
    assert len(set(sheets)) == len(sheets)


def test_the_same_request_is_the_same_picture_in_another_process() -> None:
    """Do equal requests give equal bytes whatever Python's hash seed is?"""
    code = (
        "import sys; from tests.unit.test_storyboard import grid, png, draw_board;"
        "sys.stdout.buffer.write(png(draw_board(grid())))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=Path(__file__).parents[2], env={"PYTHONHASHSEED": "7"})  # fmt: skip
    assert run.stdout == png(draw_board(grid()))


@pytest.mark.parametrize(
    "other",
    [
        replace(grid(), attempt=2),
        replace(grid(), shot_id="SEQ02_grid"),
    ],
)
def test_another_attempt_is_another_drawing(other: ImageRequest) -> None:
    """Can a person see that a second attempt is not the first?"""
    first, second = (np.asarray(draw_board(one).convert("L"), np.float64) for one in (grid(), other))
    assert np.abs(first - second).mean() > 8


def test_references_are_pinned_to_the_panel(tmp_path: Path) -> None:
    """Can one see that the reference pictures were received, clear of the gutter?"""
    pictures = []
    for name, colour in (("red", (250, 10, 10)), ("green", (10, 250, 10))):
        path = tmp_path / f"{name}.png"
        Image.new("RGB", (300, 200), colour).save(path)
        pictures.append(Reference(name, path, sha256(path.read_bytes()).hexdigest()))
    pixels = np.asarray(draw_board(replace(grid(), references=tuple(pictures)))).astype(int)
    for channel in (0, 1):
        other = pixels[..., 1 - channel]
        shown = np.argwhere((pixels[..., channel] > 235) & (other < 25) & (pixels[..., 2] < 25))
        assert len(shown) > 1500
        assert shown[:, 0].max() < 768 // 4
        assert shown[:, 1].max() < 1376 // 2 - 8


@pytest.mark.parametrize("content", [None, b"", b"not a picture", "cut"])
def test_a_bad_reference_is_a_bad_request(tmp_path: Path, content: bytes | str | None) -> None:
    """Is a missing, empty, foreign or truncated reference refused by name?"""
    path = tmp_path / "mara.png"
    if content == "cut":
        Image.effect_noise((200, 200), 80).save(path)
        path.write_bytes(path.read_bytes()[:9000])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(BadRequest, match=r"mara\.png"):
        draw_board(ask(HARBOUR, references=(Reference("mara", path, ""),)))


def test_every_light_and_every_place_can_be_drawn() -> None:
    """Does each place draw, and each light, in one ratio of every shape?"""
    ratios = itertools.cycle(("1:1", "9:16", "4:3", "21:9", "4:5"))
    for place, light in zip(PLACES, itertools.cycle(LIGHTS), strict=False):
        request = ask(f"{place.name} at {light.name}, two women and a dog", aspect_ratio=next(ratios))
        read = read_scene(request.prompt)
        assert (read.place.name, read.light.name) == (place.name, light.name)
        assert draw_board(request).size == pixel_size(request.aspect_ratio, "1K")


@settings(max_examples=12)
@given(st.text(max_size=200))
def test_any_prompt_draws(prompt: str) -> None:
    """Does a picture come out whatever a person types?"""
    assert draw_board(ask(prompt)).size == (1376, 768)


@settings(max_examples=200)
@given(st.text())
def test_captions_are_letters_the_font_has(text: str) -> None:
    """Is every caption printable ASCII, a dot or an ellipsis?"""
    assert all(c in "·…" or " " <= c <= "~" for c in caption(text))


def test_captions_keep_what_can_be_kept() -> None:
    """Are accents folded and other scripts cut short, not spelled as boxes?"""
    assert (
        caption("Ærø, straße, Łódź: “café” – 港の夜明け boat 🚢") == 'AEro, strasse, Lodz: "cafe" - … boat …'
    )


def test_a_prompt_is_read_for_what_it_shows() -> None:
    """Are the four panels' own words used, and the rules about the grid left out?"""
    reading = read_prompt(
        "Create a 2x2 contiguous grid of 4 distinct images of @mara in the forest. You MUST obey ALL of the following "
        "rules for these subimages: same city, no people missing; a thin solid cyan gutter. Bottom-left: low angle. "
        "Top-right: close on @mara. Top-left: wide view. Bottom-right: over the shoulder of @mara."
    )
    assert (reading.grid, reading.gutter, reading.subject) == (True, (0, 255, 255), "@mara in the forest")
    assert [framing_of(panel) for panel in reading.panels] == ["wide", "close", "low", "shoulder"]


@pytest.mark.parametrize(
    ("text", "place", "light", "cast"),
    [
        (HARBOUR, "harbour", "dawn", ["person"]),
        ("night city street in rain, two men run", "city", "night", ["person"] * 2),
        ("desert noon, a lone rider", "desert", "noon", ["rider"]),
        ("a couple in the kitchen at dusk", "room", "dusk", ["person"] * 2),
        ("snowy mountains, no people", "mountains", "overcast", []),
        ("a dog on the beach at sunset", "sea", "dusk", ["dog"]),
        ("@mara and @jon and a horse in a field by day", "fields", "noon", ["person", "person", "horse"]),
    ],
)
def test_a_scene_is_read(text: str, place: str, light: str, cast: list[str]) -> None:
    """Where, when and who: does the drawing follow the words?"""
    scene = read_scene(text)
    assert (scene.place.name, scene.light.name, [figure.kind for figure in scene.cast]) == (
        place,
        light,
        cast,
    )


def test_a_named_person_keeps_her_looks() -> None:
    """Is @mara the same figure in two different prompts?"""
    first, second = (
        read_scene(text).cast[0] for text in (HARBOUR, "a city at night, @mara stands and waits")
    )
    assert first == second
