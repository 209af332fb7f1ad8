"""For every picture: what is composed is read back, what is cut is the cell, what is broken is refused."""

import io
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from starsend.tools.grid_layout import read_grid
from starsend.tools.image_utils import BadPicture, composite_grid, extract_grid_cell, open_picture

FEW = settings(max_examples=40, derandomize=True)
MANY = settings(FEW, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
MODES = ["L", "LA", "RGB", "RGBA", "P", "CMYK", "I;16"]
COLOURS = [(230, 40, 60), (40, 200, 70), (50, 90, 230), (220, 210, 60)]


def panel(number: int, size: tuple[int, int], mode: str) -> Image.Image:
    """A coarse pattern in a colour of its own, so that no cell could be taken for another."""
    dice = np.random.default_rng(number)
    share = dice.uniform(0.5, 1, (7, 9, 1))
    image = Image.fromarray((share * COLOURS[number]).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image.convert(mode)


@FEW
@given(
    size=st.tuples(st.integers(200, 1400), st.integers(200, 1400)),
    sources=st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), min_size=4, max_size=4),
    modes=st.lists(st.sampled_from(MODES), min_size=4, max_size=4),
    gutter=st.integers(0, 8),
    colour=st.sampled_from(["black", "white", "magenta", "#102030"]),
)
def test_composing_says_where_every_pixel_is(
    size: tuple[int, int], sources: list[tuple[int, int]], modes: list[str], gutter: int, colour: str
) -> None:
    """Do four boxes and the gutter cover the sheet exactly, whatever went in?"""
    images = [panel(n, sources[n], modes[n]) for n in range(4)]
    sheet, cells = composite_grid(images, size=size, gutter=gutter, gutter_colour=colour)
    ground = np.ones((size[1], size[0]), bool)
    for number, box in enumerate(cells, start=1):
        cell = extract_grid_cell(sheet, number, cells)
        assert cell.size == (box[2] - box[0], box[3] - box[1])
        assert ground[box[1] : box[3], box[0] : box[2]].all()
        ground[box[1] : box[3], box[0] : box[2]] = False
    assert (sheet.mode, sheet.size) == ("RGB", size)
    assert ground.sum() == gutter * (size[0] + size[1] - gutter)
    assert (np.asarray(sheet)[ground] == Image.new("RGB", (1, 1), colour).getpixel((0, 0))).all()


@FEW
@given(
    size=st.tuples(st.integers(200, 1400), st.integers(200, 1400)),
    modes=st.lists(st.sampled_from(["RGB", "RGBA", "CMYK"]), min_size=4, max_size=4),
    gutter=st.integers(0, 16),
    colour=st.sampled_from(["black", "white", "magenta", "#102030"]),
)
def test_what_was_composed_is_read_back(
    size: tuple[int, int], modes: list[str], gutter: int, colour: str
) -> None:
    """Does the reader find the composer's cells, within the inset, and is each crop pixels of its cell alone?"""
    gutter = min(gutter, max(size) // 50)
    images = [panel(n, (400, 300), modes[n]) for n in range(4)]
    sheet, truth = composite_grid(images, size=size, gutter=gutter, gutter_colour=colour)
    verdict = read_grid(sheet, expected_gutter=colour)
    assert verdict.cells is not None, verdict
    for number, (box, cell) in enumerate(zip(verdict.cells, truth, strict=True), start=1):
        assert box[0] >= cell[0] and box[1] >= cell[1] and box[2] <= cell[2] and box[3] <= cell[3]
        assert max(abs(a - b) for a, b in zip(box, cell, strict=True)) <= max(2, round(0.002 * max(size))) + 2
        alone = sheet.crop(cell).crop(
            (box[0] - cell[0], box[1] - cell[1], box[2] - cell[0], box[3] - cell[1])
        )
        assert extract_grid_cell(sheet, number, verdict.cells).tobytes() == alone.tobytes()


def _encoded() -> list[bytes]:
    image = panel(0, (40, 30), "RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    variants: list[tuple[str, str, dict[str, Any]]] = [
        ("PNG", "RGB", {"exif": exif}),
        ("PNG", "P", {"transparency": 0}),
        ("PNG", "L", {"icc_profile": b"x" * 200}),
        ("JPEG", "RGB", {"exif": exif}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "L", {"progressive": True}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("WEBP", "RGBA", {}),
        ("TIFF", "RGB", {}),
        ("TIFF", "L", {"compression": "tiff_lzw"}),
        ("AVIF", "RGB", {}),
    ]
    files = []
    for kind, mode, options in variants:
        file = io.BytesIO()
        image.convert(mode).save(file, kind, **options)
        files.append(file.getvalue())
    return files


FILES = _encoded()


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real file of some kind with bytes changed, a piece cut out, or its end missing."""
    data = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(0, 4))):
        data[draw(st.integers(0, min(len(data) - 1, draw(st.sampled_from([40, 400, 9999])))))] = draw(
            st.integers(0, 255)
        )
    if draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    if data and draw(st.booleans()):
        start = draw(st.integers(0, len(data) - 1))
        del data[start : start + draw(st.integers(1, 20))]
    return bytes(data)


@MANY
@given(data=st.one_of(damaged(), st.binary(max_size=200)))
def test_broken_bytes_are_refused_in_words(data: bytes) -> None:
    """Does any damage give a whole picture or BadPicture, never another exception, and a verdict either way?"""
    try:
        image = open_picture(data)
    except BadPicture as error:
        assert str(error).startswith("picture: ")
        assert read_grid(data).reason == "corrupt"
    else:
        assert image.mode in {"L", "LA", "RGB", "RGBA", "I;16"}
        assert not read_grid(data).ok


@MANY
@given(cut=st.floats(0, 0.97), file=st.sampled_from(FILES[:10]))
def test_a_truncated_file_is_never_a_picture(cut: float, file: bytes) -> None:
    """Is a file without its end refused, wherever it was cut?"""
    try:
        open_picture(file[: int(len(file) * cut)])
    except BadPicture:
        return
    raise AssertionError("accepted")
