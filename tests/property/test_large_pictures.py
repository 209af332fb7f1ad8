"""Pictures made to hurt: is what they claim looked at before it is decoded, and does the largest that is allowed fit?"""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from starsend.tools.grid_layout import read_grid
from tests.memory import peak_megabytes

MEGABYTES = 300
SIDE = 5_800  # squared, 33.6 of the 34 megapixels that are allowed


def sheet(size: tuple[int, int]) -> Image.Image:
    """Four panels with a little in each, and a gutter; packs small at any size."""
    small = Image.effect_noise((64, 64), 90).resize((600, 600), Image.Resampling.BICUBIC)
    image = Image.merge("RGB", (small, small.rotate(90), small.rotate(180))).resize(size)
    image.paste("white", (size[0] // 2 - 20, 0, size[0] // 2 + 20, size[1]))
    image.paste("white", (0, size[1] // 2 - 20, size[0], size[1] // 2 + 20))
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a picture file."""
    file = io.BytesIO()
    image.save(file, kind, compress_level=1, **options)
    return file.getvalue()


def many_passes(size: int, passes: int) -> bytes:
    """A progressive JPEG whose last pass is there over and over."""
    data = saved(sheet((size, size)), "JPEG", progressive=True, quality=1)
    last = data.rfind(b"\xff\xda")
    return data[:-2] + data[last:-2] * passes + data[-2:]


def wide_tiles(side: int) -> bytes:
    """A TIFF of 300 x 300 pixels in one tile of so many each way."""
    data = zlib.compress(bytes(1 << 20))
    short, long = (3, "<HHIHH"), (4, "<HHII")
    tags = [(256, long, 300), (257, long, 300), (258, short, 8), (259, short, 8), (262, short, 1)]
    tags += [(277, short, 1), (322, long, side), (323, long, side), (324, long, 134), (325, long, len(data))]
    packed = b"".join(
        struct.pack(form, tag, kind, 1, value, *([0] if kind == 3 else []))
        for tag, (kind, form), value in tags
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + packed + bytes(4) + data


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (lambda: many_passes(1_000, 500), "passes"),
        (lambda: wide_tiles(30_000), "tiles of 30000 x 30000 pixels"),
        (lambda: saved(Image.new("RGB", (4_200, 4_100)), "WEBP"), "17,000,000"),
        (lambda: saved(Image.new("I;16", (4_200, 4_100)), "PNG"), "17,000,000"),
        (lambda: saved(Image.new("RGB", (5_900, 5_900)), "PNG"), "34,000,000"),
    ],
    ids=["passes", "tiles", "webp", "deep", "png"],
)
def test_a_claim_is_refused_before_it_is_decoded(data: Callable[[], bytes], said: str) -> None:
    """Does the line say what was too much, for every way of asking for too much?"""
    verdict = read_grid(data())
    assert verdict.reason == "corrupt"
    assert said in verdict.detail
    assert "smaller picture" in verdict.detail


@pytest.mark.parametrize(
    "data",
    [
        lambda: wide_tiles(304),
        lambda: saved(sheet((600, 600)), "JPEG", progressive=True),
        lambda: saved(sheet((3_000, 2_000)), "WEBP", quality=1, method=0),
    ],
    ids=["tiles", "progressive", "webp"],
)
def test_the_same_in_reason_is_read(data: Callable[[], bytes]) -> None:
    """Are ordinary tiles, passes and sizes left alone?"""
    assert read_grid(data()).reason != "corrupt"


def test_a_strip_is_not_searched_for_frames() -> None:
    """Is a strip answered at once, which cannot be reduced and would take seconds?"""
    verdict = read_grid(Image.new("RGB", (30_000, 130)))
    assert verdict.explain() == "One picture in a strip, 30000 x 130 px."


@pytest.mark.parametrize("kind", ["RGBA.PNG", "RGB.JPEG", "CMYK.JPEG", "RGB.WEBP"])
def test_the_largest_that_are_allowed_fit_into_memory(kind: str, tmp_path: Path) -> None:
    """Is reading one within 300 MB, whatever its mode, in a process of its own?"""
    size = (5_504, 3_072) if kind.endswith("WEBP") else (SIDE, SIDE)
    path = tmp_path / "large"
    mode, form = kind.split(".")
    path.write_bytes(saved(sheet(size).convert(mode), form))
    command = [sys.executable, "-m", "tests.property.test_large_pictures", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    reason, grown = done.stdout.split()
    assert reason != "corrupt"
    assert float(grown) < MEGABYTES


if __name__ == "__main__":
    read_grid(sheet((300, 300)))
    before = peak_megabytes()
    seen = read_grid(Path(sys.argv[1])).reason
    sys.stdout.write(f"{seen} {peak_megabytes() - before:.0f}")
