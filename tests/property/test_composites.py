"""Four singles of any size, orientation, mode, profile and alpha: one sheet, undistorted, in order, in true colours, read back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from client_async.grid_pictures import GUTTER
from client_async.gutters import gutter_for
from starsend.tools.grid_layout import read_grid
from starsend.tools.grid_verdict import Box, Cells, parse_colour
from starsend.tools.image_utils import composite_grid, composited_cells, flattened, open_picture
from tests.singles import KINDS, PROFILES, Floats, Single, to_srgb

SOME = settings(
    max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.too_slow], deadline=None
)
COLOURS = ["magenta", "lime", "cyan", "white"]


def singles(kinds: tuple[str, ...] = KINDS) -> st.SearchStrategy[list[Single]]:
    """Four of them, each of another picture."""
    side = st.integers(120, 500)
    one = st.builds(
        Single,
        kind=st.sampled_from(kinds),
        size=st.tuples(side, side),
        space=st.sampled_from(sorted(PROFILES)),
        turn=st.integers(1, 8),
        seed=st.integers(0, 10**6),
    )
    return st.lists(one, min_size=4, max_size=4, unique_by=lambda single: single.seed)


# -------------------------------------------------------------------------------------------------- the sheet

# Levels: JPEG's rounding, which wide spaces multiply, and that of alpha, which weighs a gutter far from the picture.
WITHIN = {"JPEG": 9.0, "LA": 5.0, "RGBA": 5.0, "P clear": 5.0, "1": 8.0}
LOOKS = ("as it is", "dark", "light", "noisy")


def looking(picture: Image.Image, look: str) -> Image.Image:
    """The picture at night, in fog, or through grain."""
    levels = np.asarray(picture, np.float64)
    if look == "noisy":
        levels = levels + np.random.default_rng(2).normal(0, 30, levels.shape)
    levels = {"dark": levels / 3, "light": 255 - (255 - levels) / 3}.get(look, levels)
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def a_pixel_inside(cells: Cells, size: tuple[int, int]) -> tuple[Box, ...]:
    """The boxes that the reader is to give: a pixel inside every edge that is not the sheet's own."""
    return tuple(
        (left + (left > 0), top + (top > 0), right - (right < size[0]), bottom - (bottom < size[1]))
        for left, top, right, bottom in cells
    )


def misses(cell: Image.Image, single: Single, ground: Floats) -> float:
    """By how many levels a cell misses the single, scaled alike both ways until it covers it, about its centre."""
    width, height = single.size
    scale = max(cell.width / width, cell.height / height)
    x, y = np.meshgrid(
        width / 2 + (np.arange(cell.width) + 0.5 - cell.width / 2) / scale,
        height / 2 + (np.arange(cell.height) + 0.5 - cell.height / 2) / scale,
    )
    inner = (np.abs(x - width / 2) < width / 2 - 3) & (np.abs(y - height / 2) < height / 2 - 3)
    off = np.abs(np.asarray(cell) - single.seen(x / width, y / height, ground)).max(axis=-1)
    # A picture of black and white has steps that no resampling leaves where they are.
    return float(np.median(off) if single.kind == "1" else off[inner].max())


@SOME
@given(
    four=singles(),
    size=st.tuples(st.integers(150, 700), st.integers(150, 700)),
    colour=st.sampled_from(COLOURS),
)
def test_every_single_is_in_its_cell_undistorted_and_in_its_colours(
    four: list[Single], size: tuple[int, int], colour: str
) -> None:
    """Is each cell, in order, what arithmetic of our own makes of its single there, over the gutter's colour?"""
    pictures = [open_picture(one.file()) for one in four]
    sheet, cells = composite_grid(pictures, size=size, gutter=GUTTER, gutter_colour=colour)
    ground = np.array(parse_colour(colour), float)
    for one, box in zip(four, cells, strict=True):
        assert misses(sheet.crop(box), one, ground) <= WITHIN.get(one.kind, 3.0), one


@pytest.mark.parametrize("space", PROFILES)
def test_colours_are_converted_to_the_level(space: str) -> None:
    """For colours of all kinds, far outside of sRGB too: is every pixel within two levels of exact arithmetic?"""
    levels = np.random.default_rng(5).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    single = Image.fromarray(levels)
    single.info["icc_profile"] = PROFILES[space]
    sheet, cells = composite_grid([single] * 4, size=(320, 240))
    for box in cells:
        assert np.abs(np.asarray(sheet.crop(box)) - to_srgb(levels.astype(float), space)).max() <= 2


@pytest.mark.parametrize("size", [(1000, 600), (600, 1000), (333, 777)])
def test_a_square_stays_a_square(size: tuple[int, int]) -> None:
    """Is it as wide as high and about the middle, to the pixel, from panoramas, towers and stamps, in any cell?"""
    shapes = [(5000, 400), (400, 5000), (301, 300), (701, 333)]
    width, height = size[0] // 2, size[1] // 2
    squares, sides = [], []
    for across, down in shapes:
        scale = max(width / across, height / down)
        sides.append(0.6 * min(width, height))
        x, y = np.meshgrid(np.arange(across) + 0.5 - across / 2, np.arange(down) + 0.5 - down / 2)
        cover = (sides[-1] / 2 / scale - np.maximum(abs(x), abs(y)) + 0.5).clip(0, 1)
        squares.append(Image.fromarray((255 * cover).astype(np.uint8)))
    sheet, cells = composite_grid(squares, size=size)
    for side, box in zip(sides, cells, strict=True):
        seen = np.asarray(sheet.crop(box))[..., 0] > 127
        left, right = np.flatnonzero(seen.any(axis=0))[[0, -1]]
        top, bottom = np.flatnonzero(seen.any(axis=1))[[0, -1]]
        assert abs((right - left) - (bottom - top)) <= 1, "no wider than high"
        assert abs(right - left + 1 - side) <= 1.5, "nor larger"
        assert abs((left + right + 1) - seen.shape[1]) <= 2, "about the middle"
        assert abs((top + bottom + 1) - seen.shape[0]) <= 2


def test_a_pixel_and_a_strip_fill_their_cells() -> None:
    """Does one pixel fill its cell, and do three columns of 2000 rows divide theirs in three?"""
    pixel = Image.new("RGB", (1, 1), "#123456")
    columns = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]], np.uint8)
    strip = Image.fromarray(np.broadcast_to(columns, (2000, 3, 3)).copy())
    sheet, cells = composite_grid(
        [pixel, strip, strip.rotate(90, expand=True), pixel], size=(612, 612), gutter=12
    )
    for number in (0, 3):
        assert sheet.crop(cells[number]).getcolors(1) == [(300 * 300, (0x12, 0x34, 0x56))]
    for place, level in zip((50, 150, 250), columns, strict=True):
        assert np.abs(np.asarray(sheet.crop(cells[1]))[:, place].astype(int) - level).max() <= 6
        assert np.abs(np.asarray(sheet.crop(cells[2]))[299 - place].astype(int) - level).max() <= 6


# ----------------------------------------------------------------------------------------------- read back


# Four pictures in pure black and white go on across a thin gutter by chance, as behind a window (docs/grids.md).
@SOME
@given(
    four=singles(KINDS[1:]),
    looks=st.lists(st.sampled_from(LOOKS), min_size=4, max_size=4),
    cell=st.tuples(st.integers(90, 350), st.integers(90, 350)),
)
def test_the_sheet_reads_back_as_it_was_laid_out(
    four: list[Single], looks: list[str], cell: tuple[int, int]
) -> None:
    """With the gutter that the runner chooses: is it a grid, every crop of one cell alone and all but a pixel of it?"""
    pictures = [
        looking(flattened(open_picture(one.file())), look) for one, look in zip(four, looks, strict=True)
    ]
    colour = gutter_for("", COLOURS, 0, pictures)
    size = 2 * cell[0] + GUTTER, 2 * cell[1] + GUTTER
    sheet, cells = composite_grid(pictures, size=size, gutter=GUTTER, gutter_colour=colour)
    assert composited_cells(sheet, gutter=GUTTER) == cells
    verdict = read_grid(sheet, expected_gutter=colour)
    assert (verdict.reason, verdict.as_asked) == ("ok", True), verdict
    assert verdict.cells == a_pixel_inside(cells, size)


@pytest.mark.parametrize("noise", [0, 1, 4])
def test_four_of_nearly_the_same_are_told_and_read(noise: int) -> None:
    """Is a sheet of one frame four times a grid all the same, with every pair of cells named?"""
    frame = np.asarray(flattened(open_picture(Single("RGB", (320, 200), "none", 1, 3).file())), np.int16)
    dice = np.random.default_rng(1)
    four = [
        Image.fromarray((frame + dice.integers(-noise, noise + 1, frame.shape)).clip(0, 255).astype(np.uint8))
        for _ in range(4)
    ]
    size = 640 + GUTTER, 400 + GUTTER
    sheet, cells = composite_grid(four, size=size, gutter=GUTTER, gutter_colour="magenta")
    verdict = read_grid(sheet, expected_gutter="magenta")
    assert verdict.cells == a_pixel_inside(cells, size)
    assert len(verdict.near_duplicates) == 6
