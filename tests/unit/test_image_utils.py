"""Are cells cut, sheets composed and contact sheets laid out as they say?"""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageCms

from starsend.tools.grid_verdict import BadColour, Cells
from starsend.tools.image_utils import (
    BadCell,
    BadSheet,
    SheetEntry,
    composite_grid,
    contact_sheet,
    extract_grid_cell,
    save_picture,
)

QUARTERS: Cells = ((0, 0, 4, 3), (4, 0, 8, 3), (0, 3, 4, 6), (4, 3, 8, 6))


def picture(width: int = 8, height: int = 6, seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode and one.size == other.size and one.tobytes() == other.tobytes()


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """An sRGB profile whose red and blue primaries are exchanged: what it says is easy to tell from silence."""
    data = bytearray(srgb_profile())
    count = struct.unpack(">I", data[128:132])[0]
    places = {bytes(data[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, blue = places[b"rXYZ"], places[b"bXYZ"]
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data)


def test_cells_are_cut_losslessly() -> None:
    """Is each cell exactly its own pixels, in the grid's mode and with its profile?"""
    grid = picture().convert("RGBA")
    grid.info["icc_profile"] = b"kept"
    for number, box in enumerate(QUARTERS, start=1):
        cell = extract_grid_cell(grid, number, QUARTERS)
        assert same(cell, grid.crop(box))
        assert cell.info["icc_profile"] == b"kept"


@pytest.mark.parametrize("cell", [0, 5, -1, True, "x", None, 1.0])
def test_a_cell_that_is_not_there(cell: object) -> None:
    """Is anything but 1 to 4 refused with a line that says what may be picked?"""
    with pytest.raises(BadCell, match=r"there is no cell .* Pick 1 \(top left\), 2"):
        extract_grid_cell(picture(), cell, QUARTERS)  # type: ignore[arg-type]


def test_a_layout_of_another_picture() -> None:
    """Is a box outside the picture refused rather than filled with black?"""
    with pytest.raises(BadCell, match="not inside a picture of 7 x 6"):
        extract_grid_cell(picture(7, 6), 2, QUARTERS)


def test_four_pictures_fill_their_cells() -> None:
    """Does the sheet hold four covered cells at the boxes it names, and only gutter between them?"""
    colours = ["red", "lime", "blue", "yellow"]
    sizes = [(40, 10), (10, 40), (200, 100), (3, 3)]
    images = [Image.new("RGB", size, colour) for size, colour in zip(sizes, colours, strict=True)]
    sheet, cells = composite_grid(images, size=(101, 61), gutter=5, gutter_colour="#ff00ff")
    assert cells == ((0, 0, 48, 28), (53, 0, 101, 28), (0, 33, 48, 61), (53, 33, 101, 61))
    for colour, box in zip(colours, cells, strict=True):
        assert same(sheet.crop(box), Image.new("RGB", (48, 28), colour))
    assert same(sheet.crop((48, 0, 53, 61)), Image.new("RGB", (5, 61), "#ff00ff"))


def test_a_picture_is_cropped_about_its_centre_without_distortion() -> None:
    """Does a circle stay a circle, and the middle the middle, when the aspect differs?"""
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste(Image.new("RGB", (100, 100), "blue"), (100, 0))
    sheet, cells = composite_grid([wide] * 4, size=(200, 200))
    assert same(sheet.crop(cells[0]), Image.new("RGB", (100, 100), "blue"))


def test_colours_are_taken_through_their_profiles() -> None:
    """Does a picture whose profile exchanges red and blue come out exchanged, and an untagged one not?"""
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    tagged = red.copy()
    tagged.info["icc_profile"] = swapped_profile()
    broken = red.copy()
    broken.info["icc_profile"] = b"not a profile"
    sheet, _ = composite_grid([red, tagged, broken, red], size=(16, 16))
    values = [np.array(sheet.getpixel(at)) for at in ((2, 2), (12, 2), (2, 12))]
    assert np.abs(values[0] - (255, 0, 0)).max() == 0
    assert np.abs(values[1] - (0, 0, 255)).max() <= 3
    assert np.abs(values[2] - (255, 0, 0)).max() == 0
    assert "icc_profile" not in sheet.info


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_can_be_composed(mode: str) -> None:
    """Does white stay white in every mode, the sixteen-bit one included?"""
    white = Image.new(mode, (8, 8), 65535 if mode == "I;16" else {"CMYK": 0}.get(mode, "white"))
    if mode == "P":
        white = Image.new("RGB", (8, 8), "white").convert("P")
    sheet, _ = composite_grid([white] * 4, size=(16, 16), gutter_colour="black")
    assert sheet.getextrema() == ((255, 255),) * 3


def test_what_is_transparent_shows_the_gutters_colour() -> None:
    """Is alpha blended over the sheet instead of being dropped?"""
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    sheet, _ = composite_grid([clear] * 4, size=(16, 16), gutter_colour="lime")
    assert same(sheet, Image.new("RGB", (16, 16), "lime"))


def test_sheets_that_cannot_be() -> None:
    """Are three pictures, no room, and an unknown colour refused in words?"""
    with pytest.raises(BadSheet, match="takes four pictures, not 3"):
        composite_grid([picture()] * 3, size=(16, 16))
    with pytest.raises(BadSheet, match="cannot hold four cells"):
        composite_grid([picture()] * 4, size=(16, 16), gutter=15)
    with pytest.raises(BadColour, match="unknown colour 'blurple'"):
        composite_grid([picture()] * 4, size=(16, 16), gutter_colour="blurple")
    with pytest.raises(BadSheet, match="a picture and a column"):
        contact_sheet([])


def test_a_contact_sheet_shows_every_entry(tmp_path: Path) -> None:
    """Are paths, pictures and broken files each given a frame, in as many rows as needed?"""
    (tmp_path / "broken.png").write_bytes(b"")
    save_picture(Image.new("RGB", (640, 480), "red"), tmp_path / "red.png")
    blue = Image.new("RGB", (640, 480), "blue")
    entries = [
        SheetEntry(tmp_path / "red.png", "SEQ01"),
        SheetEntry(blue, "SEQ02", "waits for a pick", highlight=True),
        SheetEntry(tmp_path / "broken.png", "SEQ03"),
    ]
    sheet = contact_sheet(entries, columns=2)
    one_row = contact_sheet(entries[:2], columns=2)
    assert (sheet.width, sheet.height) == (one_row.width, one_row.height * 2 - 16)
    assert sheet.getpixel((150, 100)) == (255, 0, 0)
    assert sheet.getpixel((480, 100)) == (0, 0, 255)
    assert blue.size == (640, 480)


@pytest.mark.parametrize(
    "text", ["", "日本語の題名", "😀 \ud83d \0 \n tab\t", "w" * 100_000, "many words " * 9999, "ab…"]
)
def test_no_title_breaks_a_sheet(text: str) -> None:
    """Do missing glyphs, broken surrogates, control characters and endless titles just get drawn?"""
    plain = contact_sheet([SheetEntry(picture(), "")])
    assert contact_sheet([SheetEntry(picture(), text, text)]).size == plain.size


def test_a_long_title_stays_under_its_picture() -> None:
    """Is text wrapped and ellipsised so that it never runs into the next frame?"""
    one = contact_sheet([SheetEntry(picture(), "W" * 300, "W " * 300)])
    bare = contact_sheet([SheetEntry(picture(), "")])
    box = ImageChops.difference(one, bare).getbbox()
    assert box is not None
    assert box[2] <= 16 + 320
