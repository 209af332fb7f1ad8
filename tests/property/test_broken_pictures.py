"""Whatever the bytes: does the reader answer, within a second and 300 MB, and never fall over?

    python -m tests.property.test_broken_pictures [SEED]

mutates for as long as one lets it; the test does a few thousand files in a process of its own, so that memory can be told.
"""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageCms

from starsend.tools.grid_layout import read_grid
from tests.memory import peak_megabytes

FILES = 3_000
SECONDS, MEGABYTES = 1.0, 300


def whole_pictures() -> list[bytes]:
    """Small pictures of every kind that comes in: modes, depths, frames, pages, orientations and profiles."""
    noise = Image.effect_noise((300, 220), 80)
    colours = Image.merge("RGB", (noise, noise.rotate(90).resize(noise.size), noise.rotate(180)))
    colours.paste(
        "white", (146, 0, 154, 220)
    )  # four panels of noise: damage that leaves them whole leaves a grid
    colours.paste("white", (0, 106, 300, 114))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = noise.convert("I;16")
    made: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (colours, "PNG", {"icc_profile": profile}),
        (colours.quantize(64), "PNG", {}),
        (noise.convert("LA"), "PNG", {}),
        (deep, "PNG", {}),
        (colours.resize((1, 220)), "PNG", {}),
        (colours, "JPEG", {"exif": exif, "icc_profile": profile}),
        (colours.convert("CMYK"), "JPEG", {}),
        (colours, "JPEG", {"progressive": True, "quality": 30}),
        (colours, "WEBP", {}),
        (colours, "WEBP", {"save_all": True, "append_images": [noise.convert("RGB")]}),
        (colours.quantize(16), "GIF", {"save_all": True, "append_images": [colours.quantize(8)]}),
        (colours, "TIFF", {"save_all": True, "append_images": [colours], "compression": "tiff_lzw"}),
        (deep, "TIFF", {}),
        (colours.convert("CMYK"), "TIFF", {}),
        (colours, "BMP", {}),
        (colours, "MPO", {"save_all": True, "append_images": [colours]}),
        (colours, "AVIF", {}),
    ]
    files = []
    for image, kind, options in made:
        file = io.BytesIO()
        image.save(file, kind, **options)
        files.append(file.getvalue())
    return files


def gigapixels(width: int, height: int) -> bytes:
    """A PNG that claims a size it does not hold."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def mutated(whole: list[bytes], dice: random.Random) -> Iterator[bytes]:
    """Bits flipped, bytes set, cut out, doubled, cut short, and two files grown together; without an end."""
    while True:
        data = bytearray(dice.choice(whole))
        for _ in range(dice.choice((1, 1, 2, 8, 40))):
            at = dice.randrange(max(1, len(data)))
            match dice.randrange(7):
                case 0:
                    data[at : at + 1] = bytes(byte ^ 1 << dice.randrange(8) for byte in data[at : at + 1])
                case 1:
                    data[at : at + 4] = dice.randbytes(4)
                case 2:
                    data[at : at + 4] = struct.pack(">I", dice.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF)))
                case 3:
                    del data[at : at + dice.randrange(64)]
                case 4:
                    data[at:at] = data[at : at + dice.randrange(64)]
                case 5:
                    del data[at:]
                case _:
                    data[at:] = dice.choice(whole)[at:]
        yield bytes(data)


def odd_ones(whole: list[bytes]) -> list[bytes]:
    """What is no mutation of anything: nothing, text, claims, and every file cut short at an eighth of it."""
    odd = [b"", b"\x00" * 500, b"<html><body>500</body></html>", gigapixels(1, 1), gigapixels(60_000, 60_000)]
    odd += [
        gigapixels(9_400, 9_400),
        gigapixels(5_800, 5_800),
        gigapixels(2**31 - 1, 1),
        gigapixels(1, 80_000_000),
    ]
    return odd + [one[: len(one) * part // 8] for one in whole for part in range(1, 8)]


def run(count: int, seed: int) -> dict[str, object]:
    """Read so many broken files; what was said of them, the slowest in CPU seconds, and the memory that it took."""
    warnings.simplefilter("error")
    whole = whole_pictures()
    for one in whole:
        read_grid(one)
    before = peak_megabytes()
    files = [*odd_ones(whole)]
    broken = mutated(whole, random.Random(seed))
    said: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        data = files[number] if number < len(files) else next(broken)
        begun = time.process_time()
        verdict = read_grid(data)
        verdict.explain()
        slowest = max(slowest, time.process_time() - begun)
        said[verdict.reason] += 1
        assert (verdict.cells is not None) == verdict.ok
    grown = peak_megabytes() - before
    return {"said": said, "seconds": slowest, "megabytes": grown}


def test_thousands_of_broken_files_are_answered() -> None:
    """Is each of them given a verdict, with bounded time and memory, even when Python's warnings are errors?"""
    command = [sys.executable, "-m", "tests.property.test_broken_pictures", "11", str(FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    assert sum(seen["said"].values()) == FILES
    assert seen["said"]["corrupt"] > FILES / 4, "the mutations break something"
    assert seen["said"]["ok"] > FILES / 50, "and not everything"
    assert seen["seconds"] < SECONDS
    assert seen["megabytes"] < MEGABYTES


if __name__ == "__main__":
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    if len(sys.argv) > 2:
        sys.stdout.write(json.dumps(run(int(sys.argv[2]), first)))
    else:
        while True:
            sys.stdout.write(f"{first} {run(FILES, first)}\n")
            first += 1
