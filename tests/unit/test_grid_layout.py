"""Does the reader tell a 2x2 grid from everything else, and cut it where its seams are?"""

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from starsend.tools.grid_layout import BadColour, GridVerdict, parse_colour, read_grid
from starsend.tools.image_utils import composite_grid, extract_grid_cell

SIZE = (1024, 768)


@cache  # drawn once: drawing costs more than reading
def scene(seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """A picture with light, shapes and grain: smooth enough that only a real seam is a straight jump."""
    dice = np.random.default_rng(seed)
    width, height = size
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    pixels = np.zeros((height, width, 3))
    for _ in range(12):
        cx, cy, radius = dice.uniform(0, 1), dice.uniform(0, 1), dice.uniform(0.05, 0.3)
        blob = np.exp(-(((x - cx) ** 2 + (y - cy) ** 2) / radius**2))
        pixels += blob[..., None] * dice.uniform(-140, 140, 3)
    pixels += dice.uniform(80, 170, 3) + dice.normal(0, 4, (height, width, 1))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def sheet(
    rows: list[int], *, gutter: int = 8, colour: str = "white", size: tuple[int, int] = SIZE
) -> Image.Image:
    """Rows of equal panels: ``[2, 2]`` is a grid, ``[1, 2]`` a T, ``[3, 3, 3]`` three by three."""
    picture = Image.new("RGB", size, colour)
    heights = np.linspace(0, size[1] + gutter, len(rows) + 1).round().astype(int).tolist()
    for row, count in enumerate(rows):
        edges = np.linspace(0, size[0] + gutter, count + 1).round().astype(int).tolist()
        for column in range(count):
            box = (edges[column], heights[row], edges[column + 1] - gutter, heights[row + 1] - gutter)
            picture.paste(scene(10 * row + column, (box[2] - box[0], box[3] - box[1])), box[:2])
    return picture


def as_jpeg(image: Image.Image, quality: int = 80) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.mark.parametrize("colour", ["white", "black", "#7f7f7f", "magenta"])
@pytest.mark.parametrize("gutter", [0, 1, 2, 4, 9, 20])
def test_a_clean_grid_is_cut_inside_its_cells(gutter: int, colour: str) -> None:
    """For any gutter up to 2 % and any colour: is every crop free of gutter and neighbour, and nearly whole?"""
    grid, truth = composite_grid([scene(n) for n in range(4)], size=SIZE, gutter=gutter, gutter_colour=colour)
    verdict = read_grid(grid)
    assert (verdict.ok, verdict.reason, verdict.rows, verdict.columns) == (True, "ok", 2, 2), verdict
    assert verdict.cells is not None
    for box, cell in zip(verdict.cells, truth, strict=True):
        assert box[0] >= cell[0] and box[1] >= cell[1] and box[2] <= cell[2] and box[3] <= cell[3]
        assert max(abs(a - b) for a, b in zip(box, cell, strict=True)) <= 6


@pytest.mark.parametrize("size", [(768, 1344), (2752, 1536), (893, 890), (256, 256)])
def test_any_size_and_a_jpeg_between(size: tuple[int, int]) -> None:
    """Is a grid still one at other sizes, after JPEG, and after the blur of a resize?"""
    grid, truth = composite_grid([scene(n) for n in range(4)], size=size, gutter=size[0] // 100)
    for source in (as_jpeg(grid), grid.filter(ImageFilter.GaussianBlur(0.8))):
        verdict = read_grid(source)
        assert verdict.cells is not None, verdict
        for box, cell in zip(verdict.cells, truth, strict=True):
            assert max(abs(a - b) for a, b in zip(box, cell, strict=True)) <= 2 + max(size) // 250


def test_what_the_gutter_is() -> None:
    """Are the gutter's width and colour told, per axis?"""
    grid, _ = composite_grid([scene(n) for n in range(4)], size=SIZE, gutter=10, gutter_colour="#20c040")
    gutter = read_grid(grid).gutter
    assert gutter is not None
    assert (gutter.vertical, gutter.horizontal) == (10, 10)
    assert (gutter.vertical_colour, gutter.horizontal_colour) == ((32, 192, 64), (32, 192, 64))


def test_an_outer_margin_belongs_to_no_cell() -> None:
    """Is a frame of the gutter's colour around the grid left out of the crops?"""
    grid, _ = composite_grid([scene(n) for n in range(4)], size=SIZE, gutter=12)
    framed = Image.new("RGB", (SIZE[0] + 40, SIZE[1] + 40), "white")
    framed.paste(grid, (20, 20))
    cells = read_grid(framed).cells
    assert cells is not None
    for number in range(1, 5):
        pixels = np.asarray(extract_grid_cell(framed, number, cells))
        assert not (pixels[0] == 255).all() and not (pixels[:, 0] == 255).all()
        assert not (pixels[-1] == 255).all() and not (pixels[:, -1] == 255).all()


@pytest.mark.parametrize("seed", range(6))
def test_one_picture_is_single(seed: int) -> None:
    """Is a single picture refused as one, as it is and after JPEG?"""
    assert read_grid(scene(seed)).reason == "single"
    assert read_grid(as_jpeg(scene(seed), 60)).reason == "single"


@pytest.mark.parametrize("gutter", [0, 8])
@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        ([3, 3, 3], (3, 3)),
        ([3, 3], (2, 3)),
        ([2, 2, 2], (3, 2)),
        ([4], (1, 4)),
        ([1, 1, 1, 1], (4, 1)),
        ([4, 4, 4, 4], (4, 4)),
        ([2], (1, 2)),
        ([1, 1], (2, 1)),
        ([1, 2], None),
        ([2, 1], None),
    ],
)
def test_other_layouts_are_not_grids(rows: list[int], gutter: int, seen: tuple[int, int] | None) -> None:
    """Are strips, diptychs, T-shapes and finer grids refused as such, with what was counted?"""
    verdict = read_grid(sheet(rows, gutter=gutter))
    assert (verdict.ok, verdict.reason, verdict.cells) == (False, "wrong_layout", None), verdict
    if seen:
        assert (verdict.rows, verdict.columns) == seen


def crossed(image: Image.Image, width: int, *, at: tuple[float, float] = (0.5, 0.5)) -> Image.Image:
    """A picture with the bars of a window painted over it."""
    picture = image.copy()
    x, y = round(picture.width * at[0]) - width // 2, round(picture.height * at[1]) - width // 2
    picture.paste("#202020", (x, 0, x + width, picture.height))
    picture.paste("#202020", (0, y, picture.width, y + width))
    return picture


@pytest.mark.parametrize("width", [6, 16, 32])
@pytest.mark.parametrize("seed", range(4))
def test_one_picture_behind_a_window_is_single(seed: int, width: int) -> None:
    """Does the reader see that the picture goes on behind the bars, and that it does not behind a gutter as wide?"""
    verdict = read_grid(crossed(scene(seed), width, at=(0.49, 0.52)))
    assert (verdict.reason, verdict.ok) == ("single", False)
    assert "behind a cross of bars" in verdict.explain()
    assert read_grid(crossed(composite_grid([scene(n) for n in range(4)], size=SIZE)[0], width)).ok


@pytest.mark.parametrize("upright", [True, False])
def test_a_pole_or_a_beam_makes_no_panels(upright: bool) -> None:
    """Is one picture behind a single bar one picture, and are two panels two?"""
    picture = scene(2).copy()
    middle = (500, 0, 520, 768) if upright else (0, 380, 1024, 400)
    picture.paste("#303030", middle)
    assert read_grid(picture).reason == "single"


@pytest.mark.parametrize("gutter", [0, 10])
@pytest.mark.parametrize(("across", "down"), [(0.3, 0.5), (0.5, 0.72), (0.33, 0.7)])
def test_cells_of_different_sizes_are_unequal(across: float, down: float, gutter: int) -> None:
    """Is a cross far from the middle told from a grid and from a single picture?"""
    x, y = round(SIZE[0] * across), round(SIZE[1] * down)
    picture = Image.new("RGB", SIZE, "white")
    for number, (left, right) in enumerate(((0, x), (x + gutter, SIZE[0]))):
        picture.paste(scene(number, (right - left, y)), (left, 0))
        picture.paste(scene(number + 2, (right - left, SIZE[1] - y - gutter)), (left, y + gutter))
    verdict = read_grid(picture)
    assert (verdict.reason, verdict.rows, verdict.columns) == ("unequal", 2, 2), verdict


@pytest.mark.parametrize("thick", [1, 3, 5])
@pytest.mark.parametrize("colour", ["#e03020", "white"])
def test_a_frame_round_each_panel_is_no_picture(thick: int, colour: str) -> None:
    """Are drawn frames left out of the crops, whatever lies outside them?"""
    panels = []
    for number in range(4):
        panel = scene(number, (500, 370)).copy()
        ImageDraw.Draw(panel).rectangle((0, 0, 499, 369), outline=colour, width=thick)
        panels.append(panel)
    grid, boxes = composite_grid(panels, size=(1012, 752), gutter=12, gutter_colour="black")
    cells = read_grid(grid).cells
    assert cells is not None
    for cell, box in zip(cells, boxes, strict=True):
        inner = (box[0] + thick, box[1] + thick, box[2] - thick, box[3] - thick)
        # The sheet's outer frames have no margin beside them, so two sides of each cell are asked about.
        near = [side for side in range(4) if 20 < cell[side] < grid.size[side % 2] - 20]
        for side in near:
            outside = inner[side] - cell[side] if side < 2 else cell[side] - inner[side]
            assert -5 <= outside <= 0, (cell, inner)


def test_a_caption_on_the_gutters_ground_is_no_picture() -> None:
    """Are words under a panel kept out of the cell below them, and out of its own?"""
    grid = Image.new("RGB", (1024, 900), "white")
    draw = ImageDraw.Draw(grid)
    for number in range(4):
        left, top = 12 + number % 2 * 506, 12 + number // 2 * 440
        grid.paste(scene(number, (494, 390)), (left, top))
        draw.text(
            (left + 10, top + 396), f"{number + 1}. The corridor at night", fill="#202020", font_size=24
        )
    cells = read_grid(grid).cells
    assert cells is not None
    assert [cell[1] for cell in cells] == [13, 13, 453, 453]
    assert {cell[3] for cell in cells[:2]} == {401}
    assert all(840 <= cell[3] <= 842 for cell in cells[2:])


def test_a_sign_in_every_panels_corner_is_no_margin() -> None:
    """Is a plate that stands a few pixels from the border not taken for the margin of the sheet?"""
    grid, truth = composite_grid([scene(n) for n in range(4)], size=SIZE, gutter=8, gutter_colour="lime")
    for left, _, _, bottom in truth:
        ImageDraw.Draw(grid).rectangle((left + 9, bottom - 60, left + 120, bottom - 9), fill="white")
    assert read_grid(grid).cells == tuple(
        (left + (left > 0), top + (top > 0), right - (right < SIZE[0]), bottom - (bottom < SIZE[1]))
        for left, top, right, bottom in truth
    )


def test_a_dark_sheet_is_developed_before_it_is_read() -> None:
    """Are four panels at night, on a black gutter, still four panels?"""
    night = [scene(n).point([level // 5 for level in range(256)] * 3) for n in range(4)]
    grid, truth = composite_grid(night, size=SIZE, gutter=8, gutter_colour="black")
    verdict = read_grid(as_jpeg(grid, 85))
    assert verdict.ok and verdict.cells is not None
    for cell, box in zip(verdict.cells, truth, strict=True):
        assert box[0] <= cell[0] and box[1] <= cell[1] and cell[2] <= box[2] and cell[3] <= box[3]


def test_a_colour_that_did_not_come_is_told() -> None:
    """Does the verdict say whether the gutter is the one that was asked for?"""
    grid, _ = composite_grid([scene(n) for n in range(4)], size=SIZE, gutter=12, gutter_colour="magenta")
    assert read_grid(grid).as_asked is None
    assert read_grid(grid, expected_gutter="magenta").as_asked is True
    other = read_grid(grid, expected_gutter="cyan")
    assert (other.ok, other.as_asked) == (True, False)
    assert "not of the colour that was asked for" in other.explain()


def test_posts_in_the_panels_are_no_gutters_where_one_was_asked_for() -> None:
    """Is a post at the middle of every panel counted as a gutter only when it has the gutter's colour?"""
    panels = []
    for number in range(4):
        panel = scene(number, (500, 370)).copy()
        panel.paste("#f0f0f0", (245, 0, 255, 370))
        panels.append(panel)
    grid, _ = composite_grid(panels, size=(1012, 752), gutter=12, gutter_colour="magenta")
    assert read_grid(grid).columns == 4
    assert read_grid(grid, expected_gutter="magenta").ok
    assert read_grid(sheet([4, 4, 4, 4], colour="magenta"), expected_gutter="magenta").rows == 4


def test_the_same_scene_with_another_gesture_is_no_choice() -> None:
    """Are cells alike but for a detail and the light near duplicates, and other crops of one scene not?"""
    base = scene(5, (700, 500))
    moved = base.copy()
    moved.paste("#503020", (300, 200, 360, 300))
    alike = [base, moved, base.point([min(255, level + 12) for level in range(256)] * 3), moved]
    grid, _ = composite_grid(alike, size=SIZE, gutter=8)
    assert len(read_grid(grid).near_duplicates) == 6
    crops = [
        base.crop(box)
        for box in ((0, 0, 400, 300), (300, 0, 700, 300), (0, 200, 400, 500), (250, 150, 700, 500))
    ]
    assert read_grid(composite_grid(crops, size=SIZE, gutter=8)[0]).near_duplicates == ()


def test_blank_pictures_and_cells() -> None:
    """Are an empty picture and an empty cell told from a grid?"""
    assert read_grid(Image.new("RGB", SIZE, "white")).reason == "blank"
    cells = [scene(0), scene(1), Image.new("RGB", SIZE, "black"), scene(3)]
    verdict = read_grid(composite_grid(cells, size=SIZE, gutter=8)[0])
    assert (verdict.reason, verdict.detail) == ("blank_cell", "cell 3")


@pytest.mark.parametrize("size", [(127, 800), (800, 100), (1, 1)])
def test_too_small(size: tuple[int, int]) -> None:
    """Is a picture whose cells would be under 64 px refused before anything else?"""
    assert read_grid(scene(1, size)).reason == "too_small"


@pytest.mark.parametrize("size", [(128, 128), (128, 30_000), (30_000, 130)])
def test_the_smallest_and_the_longest(size: tuple[int, int]) -> None:
    """Is a picture of barely two cells, or a film strip of one, answered rather than stumbled over?"""
    wide = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    assert not read_grid(Image.fromarray(wide)).ok


@pytest.mark.parametrize("data", [b"", b"<html>", as_jpeg(scene(0))[:2000]])
def test_corrupt(tmp_path: Path, data: bytes) -> None:
    """Are unreadable bytes and files, missing ones included, verdicts and not exceptions?"""
    (tmp_path / "a.png").write_bytes(data)
    for source in (data, tmp_path / "a.png", str(tmp_path / "a.png"), tmp_path / "missing", ""):
        verdict = read_grid(source)
        assert (verdict.ok, verdict.reason) == (False, "corrupt")


def test_a_lazily_opened_picture_that_breaks_off() -> None:
    """Is a Pillow image whose data turns out truncated a verdict too?"""
    image = Image.open(io.BytesIO(as_jpeg(scene(0))[:9000]))
    assert read_grid(image).reason == "corrupt"


def test_nearly_the_same_cells_are_named() -> None:
    """Of four candidates, are the two alike named by their numbers, and different ones not?"""
    cells = [scene(0), scene(1), scene(2), scene(1).filter(ImageFilter.GaussianBlur(1))]
    assert read_grid(composite_grid(cells, size=SIZE, gutter=8)[0]).near_duplicates == ((2, 4),)


def test_an_expected_gutter_settles_dark_pictures() -> None:
    """Is a grid of night scenes on black, where hardly a seam shows, read when black was asked for?"""
    night = [scene(n).point(lambda level: max(0, level - 100) // 2) for n in range(4)]
    grid, _ = composite_grid(night, size=SIZE, gutter=12, gutter_colour="black")
    assert read_grid(grid, expected_gutter="black").ok


def test_an_expected_gutter_invents_nothing() -> None:
    """Does asking for white make no grid of a single picture or a diptych?"""
    assert not read_grid(scene(3), expected_gutter="white").ok
    assert not read_grid(sheet([2]), expected_gutter="white").ok


@pytest.mark.parametrize(
    ("value", "rgb"), [("white", (255, 255, 255)), ("#ff00aa", (255, 0, 170)), ((1, 2, 3), (1, 2, 3))]
)
def test_colours(value: str | tuple[int, int, int], rgb: tuple[int, int, int]) -> None:
    """Are names, #rrggbb and levels all understood?"""
    assert parse_colour(value) == rgb


@pytest.mark.parametrize("value", ["blurple", "#12", (1, 2), (0, 0, 256), None])
def test_what_is_no_colour(value: object) -> None:
    """Is anything else one readable line?"""
    with pytest.raises(BadColour, match=r"unknown colour .* Use a name"):
        parse_colour(value)  # type: ignore[arg-type]


def test_every_verdict_explains_itself() -> None:
    """Is every explanation one sentence?"""
    grid, _ = composite_grid([scene(n) for n in (0, 1, 0, 2)], size=SIZE, gutter=8)
    pictures = [grid, scene(0), sheet([3, 3]), Image.new("RGB", SIZE), scene(0, (50, 50))]
    for picture in pictures:
        line = read_grid(picture).explain()
        assert line.endswith(".") and "\n" not in line
    assert "cells 1 and 3 are nearly the same" in read_grid(grid).explain()
    assert "is empty, 0 bytes" in read_grid(b"").explain()
    assert "seams are not at the middle" in GridVerdict(False, "unequal").explain()


def test_dark_panels_end_where_a_white_gutter_begins() -> None:
    """Panels as plain as the gutter itself: is the gutter found between them, and not one of its edges taken for a seam?"""
    dark = [scene(n, (240, 160)).point([level // 10 for level in range(256)] * 3) for n in range(4)]
    sheet, truth = composite_grid(dark, size=(492, 332), gutter=12)
    verdict = read_grid(sheet)
    assert verdict.cells is not None and verdict.gutter is not None
    assert (verdict.gutter.vertical, verdict.gutter.horizontal) == (12, 12)
    for box, cell in zip(verdict.cells, truth, strict=True):
        assert box[0] >= cell[0] and box[1] >= cell[1] and box[2] <= cell[2] and box[3] <= cell[3]


@pytest.mark.parametrize("colour", ["magenta", "lime"])
def test_a_vivid_gutter_that_was_asked_for_is_no_window(colour: str) -> None:
    """Four prints on white paper look like one wall behind bars: is the colour believed that nothing else has?"""
    paper = Image.new("RGB", (240, 160), "white")
    prints = []
    for n in range(4):
        prints.append(paper.copy())
        prints[-1].paste(scene(n, (200, 120)).convert("L").convert("RGB"), (20, 20))
    sheet, _ = composite_grid(prints, size=(492, 332), gutter=12, gutter_colour=colour)
    assert read_grid(sheet, expected_gutter=colour).ok
    assert not read_grid(sheet, expected_gutter="white").ok


@pytest.mark.parametrize(("quality", "expected"), [(60, "magenta"), (70, "magenta"), (80, None), (90, None)])
def test_sixteen_panels_between_thin_gutters_are_counted(quality: int, expected: str | None) -> None:
    """JPEG leaves now this edge of a thin gutter, now that one: are four rows and columns still seen?"""
    sixteen = sheet([4, 4, 4, 4], gutter=4, colour="magenta", size=(1344, 768))
    verdict = read_grid(as_jpeg(sixteen, quality), expected_gutter=expected)
    assert (verdict.reason, verdict.rows, verdict.columns) == ("wrong_layout", 4, 4)
