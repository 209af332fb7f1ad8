"""Can a person read what is drawn on a picture, whatever the picture's size and content?"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from starsend.tools.grid_layout import Cells, GridVerdict, read_grid
from starsend.tools.image_utils import composite_grid

GROUND, GREY = (0x10, 0x10, 0x10), (90, 90, 90)
ALL_ALIKE = ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4))


def where(image: Image.Image, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Which pixels have exactly this colour."""
    return np.asarray((np.asarray(image) == colour).all(axis=2))


def bounds(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is set; right and bottom outside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def four_boxes(size: tuple[int, int], gutter: int) -> Cells:
    return composite_grid([Image.new("RGB", (8, 8))] * 4, size=size, gutter=gutter)[1]


@pytest.mark.parametrize("size", [(2000, 8), (8, 2000), (50, 50), (1, 1), (90, 90), (2000, 30), (40, 700)])
def test_a_reason_without_room_stands_beneath(size: tuple[int, int]) -> None:
    """Are all words within the drawing, with ground around them, and every pixel of the picture unharmed above?"""
    picture = Image.new("RGB", size, GREY)
    drawn = read_grid(picture).overlay(picture)
    kept = where(drawn, GREY)
    left, top, right, bottom = bounds(kept)
    assert (right - left, bottom - top) == size and kept.sum() == size[0] * size[1]
    strip = drawn.crop((0, bottom + 2, *drawn.size))  # two pixels of frame
    words = bounds(~where(strip, GROUND))
    assert words[0] > 0 and words[1] > 0 and words[2] < strip.width and words[3] < strip.height
    assert words[3] - words[1] >= 12, "letters that can be read"
    assert strip.width >= 300, "a sentence, not a column of words"


@pytest.mark.parametrize("size", [(130, 130), (300, 140), (160, 900), (30_000, 130), (2752, 1536)])
def test_a_reason_with_room_stands_in_the_picture(size: tuple[int, int]) -> None:
    """Are the words on a ground within the upper half, which ends on all sides before the frame?"""
    picture = Image.new("RGB", size, GREY)
    drawn = GridVerdict(False, "single").overlay(picture)
    assert drawn.size == size
    left, top, right, bottom = bounds(where(drawn, GROUND))
    assert left >= 2 and top >= 2 and right <= size[0] - 2 and bottom <= size[1] // 2
    tab = ~where(drawn.crop((left, top, right, bottom)), GROUND)
    assert not (tab[0].any() or tab[-1].any() or tab[:, 0].any() or tab[:, -1].any())
    assert tab[1:-1, 1:-1].sum() > 300


@pytest.mark.parametrize("content", ["white", "black", "#ffb000", "#20e070"])
@pytest.mark.parametrize("alike", [(), ALL_ALIKE])
@pytest.mark.parametrize("size", [(132, 132), (132, 1000), (1000, 132), (2752, 1536)])
def test_a_number_stays_in_its_cell(
    size: tuple[int, int], alike: tuple[tuple[int, int], ...], content: str
) -> None:
    """From the smallest cells on, with all their likenesses: is each label whole, on dark ground, in its own cell?"""
    cells = four_boxes(size, 4)
    picture = Image.new("RGB", size, content)
    drawn = GridVerdict(True, "ok", cells=cells, near_duplicates=alike).overlay(picture)
    assert drawn.size == size
    for cell in cells:
        one = drawn.crop(cell)
        left, top, right, bottom = bounds(where(one, GROUND))
        assert left >= 2 and top >= 2 and right <= one.width - 2 and bottom <= one.height - 2
        tab = ~where(one.crop((left, top, right, bottom)), GROUND)
        assert not (tab[0].any() or tab[-1].any() or tab[:, 0].any() or tab[:, -1].any())
        assert tab.sum() > 15
        drawn.paste(content, cell)
    assert drawn.tobytes() == picture.tobytes(), "something was drawn between the cells"


@pytest.mark.parametrize("side", [0, 1, 2, 3, 9, 20])
def test_cells_of_hardly_a_pixel_are_only_framed(side: int) -> None:
    """Does a layout of somebody's own, down to nothing, draw nothing outside its boxes, and not fall over?"""
    picture = Image.new("RGB", (50, 50), GREY)
    boxes = tuple((x, y, x + side, y + side) for y in (1, 26) for x in (1, 26))
    assert len(boxes) == 4
    drawn = GridVerdict(True, "ok", cells=boxes, near_duplicates=ALL_ALIKE).overlay(picture)
    for box in boxes:
        drawn.paste(GREY, box)
    assert drawn.tobytes() == picture.tobytes()


@pytest.mark.parametrize("size", [(0, 0), (0, 7), (7, 0), (1, 300_000), (300_000, 1)])
def test_the_drawing_of_hardly_a_picture_can_be_shown(size: tuple[int, int]) -> None:
    """Is a picture of no pixels, or of one endless row, a drawing of a size that can be opened?"""
    picture = Image.new("RGB", size, GREY)
    drawn = GridVerdict(False, "too_small", detail="nothing to see").overlay(picture)
    assert 300 <= drawn.width <= 10_100 and 30 <= drawn.height <= 10_100
