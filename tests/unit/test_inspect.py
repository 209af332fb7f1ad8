"""Is `starsend inspect` a tool for anybody with a picture: in words, as JSON, and with nothing of theirs overwritten?"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from starsend.tools.image_utils import composite_grid, open_picture
from tests.standins.warm import run_command
from tests.unit.test_grid_layout import SIZE, scene


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a grid and a single picture, and no project."""
    grid, _ = composite_grid([scene(n) for n in range(4)], size=SIZE, gutter=12)
    grid.save(tmp_path / "grid.png")
    scene(7).save(tmp_path / "single.jpg")
    return tmp_path


def inspect(desk: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return run_command(desk, "inspect", *words)


def test_a_grid_is_told_and_drawn(desk: Path) -> None:
    """Is a grid said to be one, and shown with its cells?"""
    said = inspect(desk, "grid.png")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("grid.png: A 2x2 grid, gutters 12 and 12 px wide")
    drawn = open_picture(desk / "grid.png.inspected.png")
    assert drawn.size == SIZE
    assert drawn.getpixel((1, 300)) == (0x20, 0xE0, 0x70), (
        "a green frame at the left edge of the lower or upper cell"
    )


def test_one_bad_picture_keeps_nobody_else_from_being_read(desk: Path) -> None:
    """Are a missing file, a text and a single picture told in a line each, and the grid among them read?"""
    (desk / "notes.png").write_text("not a picture")
    said = inspect(desk, "missing.png", "notes.png", "single.jpg", "grid.png")
    assert (said.returncode, said.stderr) == (1, "")
    lines = said.stdout.splitlines()
    assert "does not exist" in lines[0] and "not a picture of a known kind" in lines[1]
    assert lines[0].count("missing.png") == 1 and lines[1].count("notes.png") == 1
    assert lines[2].startswith("single.jpg: One picture")
    assert lines[4].startswith("grid.png: A 2x2 grid")
    assert sorted(path.name for path in desk.iterdir()) == [
        "grid.png",
        "grid.png.inspected.png",
        "notes.png",
        "single.jpg",
        "single.jpg.inspected.png",
    ]


def test_programs_get_boxes(desk: Path) -> None:
    """Is standard output one JSON document whose boxes lie in the picture?"""
    said = inspect(desk, "--json", "--gutter", "white", "grid.png", "single.jpg")
    told = json.loads(said.stdout)
    assert told["schema"] == "starsend.inspect/1"
    grid, single = told["pictures"]
    assert (grid["ok"], grid["as_asked"], grid["rows"], grid["columns"]) == (True, True, 2, 2)
    for left, top, right, bottom in grid["cells"]:
        assert 0 <= left < right <= SIZE[0] and 0 <= top < bottom <= SIZE[1]
    assert (single["ok"], single["reason"], single["cells"]) == (False, "single", None)
    assert grid["overlay"] == "grid.png.inspected.png"


def test_overlays_go_where_they_are_sent(desk: Path) -> None:
    """Is another folder made and used, and everything else left as it was?"""
    before = {path: path.read_bytes() for path in desk.iterdir()}
    assert inspect(desk, "grid.png", "--to", "seen/today").returncode == 0
    assert (desk / "seen" / "today" / "grid.png.inspected.png").is_file()
    assert {path: path.read_bytes() for path in desk.iterdir() if path.is_file()} == before


def test_pictures_of_one_name_each_have_their_overlay(desk: Path) -> None:
    """Do the g1.png of two sequences, drawn into one folder, leave two drawings?"""
    for name in ("SEQ01", "SEQ02"):
        (desk / name).mkdir()
        (desk / name / "g1.png").write_bytes((desk / "grid.png").read_bytes())
    assert inspect(desk, "SEQ01/g1.png", "SEQ02/g1.png", "--to", "seen").returncode == 0
    names = sorted(path.name for path in (desk / "seen").iterdir())
    assert names == ["g1.png.2.inspected.png", "g1.png.inspected.png"]


def test_a_file_of_somebodys_own_is_never_drawn_over(desk: Path) -> None:
    """Do a picture, a folder and a dead link under the drawing's name stay, and is the drawing kept under a free one?"""
    scene(3).save(desk / "grid.png.inspected.png")
    (desk / "grid.png.2.inspected.png").mkdir()
    (desk / "grid.png.3.inspected.png").symlink_to("nowhere")
    before = (desk / "grid.png.inspected.png").read_bytes()
    for _ in range(2):  # and the second time over our own
        said = inspect(desk, "grid.png")
        assert said.stdout.endswith("drawn in grid.png.4.inspected.png\n") and said.stderr == ""
    assert (desk / "grid.png.inspected.png").read_bytes() == before
    assert not (desk / "nowhere").exists()
    assert len([path for path in desk.iterdir() if path.name.endswith(".inspected.png")]) == 4


def test_a_second_run_passes_over_its_own_drawings(desk: Path) -> None:
    """Is a drawing told in a line and read by nobody, also under another name, and is a picture of its name read?"""
    assert inspect(desk, "grid.png").returncode == 0
    drawing = (desk / "grid.png.inspected.png").read_bytes()
    (desk / "copy.png").write_bytes(drawing)
    scene(3).save(desk / "mine.inspected.png")
    said = inspect(desk, "--json", "copy.png", "grid.png", "grid.png.inspected.png", "mine.inspected.png")
    assert [one["file"] for one in json.loads(said.stdout)["pictures"]] == ["grid.png", "mine.inspected.png"]
    assert said.stderr.splitlines() == [
        "starsend: copy.png: skipped, it is a drawing of starsend inspect",
        "starsend: grid.png.inspected.png: skipped, it is a drawing of starsend inspect",
    ]
    again = inspect(desk, "grid.png", "grid.png.inspected.png")
    assert again.returncode == 0 and len(again.stdout.splitlines()) == 2
    assert (desk / "grid.png.inspected.png").read_bytes() == drawing


def test_a_name_that_is_not_utf_8_costs_no_other_its_verdict(desk: Path) -> None:
    """Is a byte of Latin-1 in a name escaped, in words and in JSON, and the drawing kept beside the picture?"""
    name = os.fsdecode(b"caf\xe9.png")
    (desk / name).write_bytes((desk / "grid.png").read_bytes())
    said = inspect(desk, "--json", "grid.png", name, os.fsdecode(b"missing\xff.png"))
    grid, cafe, missing = json.loads(said.stdout)["pictures"]
    assert (grid["file"], grid["ok"], grid["overlay"]) == ("grid.png", True, "grid.png.inspected.png")
    assert (cafe["file"], cafe["ok"]) == (r"caf\udce9.png", True)
    assert cafe["overlay"] == r"caf\udce9.png.inspected.png"
    assert (missing["file"], missing["reason"]) == (r"missing\udcff.png", "corrupt")
    assert (desk / f"{name}.inspected.png").is_file()
    assert inspect(desk, name).stdout.startswith(r"caf\udce9.png: A 2x2 grid")


def test_a_place_that_cannot_be_written_still_gives_the_verdict(desk: Path) -> None:
    """Is the verdict told where the overlay cannot be kept?"""
    (desk / "seen").write_text("a file, and no folder")
    said = inspect(desk, "grid.png", "--to", "seen")
    assert said.returncode == 0
    assert said.stdout.startswith("grid.png: A 2x2 grid")
    assert "cannot be written" in said.stderr and len(said.stderr.splitlines()) == 1


def test_a_colour_that_is_none_is_bad_usage(desk: Path) -> None:
    """Is a misspelt colour one line and exit code 2, before a word about any picture?"""
    said = inspect(desk, "missing.png", "grid.png", "--gutter", "blurple")
    assert (said.returncode, said.stdout) == (2, "")
    assert "unknown colour 'blurple'" in said.stderr


def test_the_help_names_the_exit_codes(desk: Path) -> None:
    """Does somebody who writes a script learn from --help what 0, 1 and 2 mean?"""
    words = " ".join(inspect(desk, "--help").stdout.split())
    assert "Exit codes: 0 all are grids, 1 one is none or cannot be read, 2 bad usage or bad input." in words


def test_a_refused_picture_says_why_on_itself(desk: Path) -> None:
    """Is the reason drawn where there is room for it, down to the smallest picture?"""
    Image.effect_noise((130, 130), 60).save(desk / "small.png")
    assert inspect(desk, "small.png").returncode == 1
    assert open_picture(desk / "small.png.inspected.png").size == (130, 130)
