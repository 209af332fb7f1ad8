"""Are four single frames of any content a grid whose cells come back the same, pixel for pixel?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from client_async.grid_pictures import GUTTER, GridPictures, GridRefused
from client_async.sequence_parts import GridRecord, Verdict
from starsend.tools.grid_layout import read_grid
from starsend.tools.image_utils import composite_grid, open_picture, save_picture
from tests.singles import PROFILES

SIZE = (240, 160)
COLOURS = ["magenta", "lime", "cyan", "white"]
COMPOSITE = GridRecord(
    grid="g4", round=1, via="composite", verdict=Verdict(ok=True, reason="ok", explanation=""), at=""
)


def frame(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Grey blobs: none of the gutter's colours is in them."""
    small = np.random.default_rng(seed).integers(40, 190, (5, 7), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).convert("RGB")


def framed(seed: int, colour: str) -> Image.Image:
    """A drawing on paper, or a print: the edge of the picture is plain."""
    sheet = Image.new("RGB", SIZE, colour)
    sheet.paste(frame(seed, (SIZE[0] - 40, SIZE[1] - 40)), (20, 20))
    return sheet


def sketch(seed: int) -> Image.Image:
    """A few black lines on white."""
    paper = Image.new("RGB", SIZE, "white")
    ends = np.random.default_rng(seed).integers(0, min(SIZE), (20, 4)).tolist()
    for line in ends:
        ImageDraw.Draw(paper).line(line, fill="black", width=2)
    return paper


def cut_out(seed: int) -> Image.Image:
    """A figure on nothing."""
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).ellipse((0, 20, 150, 300), fill=255)
    picture = frame(seed)
    picture.putalpha(mask)
    return picture


def dark(seed: int) -> Image.Image:
    return frame(seed).point([level // 10 for level in range(256)] * 3)


READ = {
    "grey": [frame(n) for n in range(4)],
    "dark": [dark(n) for n in range(4)],
    "light": [frame(n).point([255 - level // 8 for level in range(256)] * 3) for n in range(4)],
    "transparent": [cut_out(n) for n in range(4)],
    "the same": [frame(0)] * 4,
    "mixed": [dark(0), sketch(1), frame(2, (160, 240)), cut_out(3)],
}
# What no reader can tell from other things, or ought to refuse.
KNOWN = {
    "one blank": [Image.new("RGB", SIZE, "white"), frame(1), frame(2), frame(3)],
    "all blank": [Image.new("RGB", SIZE, "black")] * 4,
    "all clear": [Image.new("RGBA", SIZE)] * 4,
    "sketches": [sketch(n) for n in range(4)],
    "on paper": [framed(n, "white") for n in range(4)],
    "of gutter": [Image.new("RGB", SIZE, colour) for colour in COLOURS],
    "a speck first": [frame(0, (1, 1)), frame(1), frame(2), frame(3)],
    "specks": [frame(n, (1, 1)) for n in range(4)],
    "strips": [frame(n, (3, 2000)) for n in range(4)],
}


def composed(folder: Path, frames: list[Image.Image]) -> tuple[GridPictures, GridRecord]:
    names = [f"{number}.png" for number in range(4)]
    for name, single in zip(names, frames, strict=True):
        save_picture(single, folder / name)
    pictures = GridPictures(folder, "SEQ01")
    return pictures, pictures.compose(COMPOSITE, names, colours=COLOURS)


@pytest.mark.parametrize("case", [*READ, *KNOWN])
def test_cells_of_a_composite_come_back_as_they_were(tmp_path: Path, case: str) -> None:
    """Whatever the frames show: is a cell that was removed the same file again, hence the same start frame?"""
    pictures, record = composed(tmp_path, (READ | KNOWN)[case])
    for number, name in enumerate(record.cells, start=1):
        first = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        assert pictures.cut_again(record, number) == tmp_path / name
        assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("case", READ)
def test_a_composite_is_a_grid_to_the_reader_too(tmp_path: Path, case: str) -> None:
    """Is the gutter of a colour by which the sheet reads back, each crop a pixel inside its cell at most?"""
    _, record = composed(tmp_path, READ[case])
    verdict = read_grid(tmp_path / str(record.path), expected_gutter=record.gutter)
    assert verdict.as_asked and verdict.cells is not None, verdict
    width, height = SIZE
    x, y = width + GUTTER, height + GUTTER
    inset = (0, 0, width - 1, height - 1), (x + 1, 0, x + width, height - 1)
    assert verdict.cells[:2] == inset
    assert verdict.cells[2:] == ((0, y + 1, width - 1, y + height), (x + 1, y + 1, x + width, y + height))


def test_a_frame_is_its_cell_pixel_for_pixel(tmp_path: Path) -> None:
    """Is nothing resized where four frames are of one size, and nothing shrunk to the smallest where they are not?"""
    for frames in (READ["grey"], KNOWN["a speck first"]):
        _, record = composed(tmp_path, frames)
        for single, name in zip(frames[1:], record.cells[1:], strict=True):
            assert open_picture(tmp_path / name).tobytes() == single.tobytes()


def test_what_is_transparent_is_white_paper(tmp_path: Path) -> None:
    """Does no start frame show the gutter's colour where its picture was transparent?"""
    _, record = composed(tmp_path, READ["transparent"])
    assert record.gutter == "magenta"
    assert open_picture(tmp_path / record.cells[0]).getpixel((230, 5)) == (255, 255, 255)


def test_a_composite_that_somebody_has_changed_is_read(tmp_path: Path) -> None:
    """Is a sheet that is no longer what was composed read like any other, and refused when it is no grid?"""
    pictures, record = composed(tmp_path, READ["grey"])
    sheet = tmp_path / str(record.path)
    smaller = open_picture(sheet).resize((390, 262), Image.Resampling.LANCZOS)
    save_picture(smaller, sheet)
    cut = open_picture(pictures.cut_again(record, 1))
    assert max(abs(cut.width - 188), abs(cut.height - 126)) <= 3
    save_picture(frame(1, (390, 262)), sheet)
    with pytest.raises(GridRefused, match="cell 1 of g4 can no longer be cut out"):
        pictures.cut_again(record, 1)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_cells_keep_depth_and_profile_without_a_loss(tmp_path: Path, mode: str) -> None:
    """Of a grid from elsewhere, in any mode that is kept: do its cells' files hold the very levels, and its profile?"""
    sheet, _ = composite_grid([frame(n) for n in range(4)], size=(492, 332), gutter=GUTTER)
    if mode == "I;16":
        low = np.random.default_rng(1).integers(0, 256, (332, 492), dtype=np.uint16)
        sheet = Image.fromarray((np.asarray(sheet.convert("L")).astype(np.uint16) << 8) | low)
    elif mode in ("LA", "RGBA"):
        sheet.putalpha(frame(9, (492, 332)).convert("L"))
    sheet = sheet if mode == "I;16" else sheet.convert(mode)
    icc = PROFILES["p3"]
    sheet.save(tmp_path / "elsewhere.png", icc_profile=icc)
    record = GridPictures(tmp_path, "SEQ01").adopt(COMPOSITE, tmp_path / "elsewhere.png")
    cells = read_grid(tmp_path / "elsewhere.png").cells
    assert cells is not None
    for name, box in zip(record.cells, cells, strict=True):
        with Image.open(tmp_path / name) as cell:
            assert (cell.mode, cell.info["icc_profile"]) == (mode, icc)
            assert cell.tobytes() == sheet.crop(box).tobytes()
