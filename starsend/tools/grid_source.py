"""The picture that a grid reader works on: decoded, and made small; a large one is never copied whole."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from starsend.tools.grid_verdict import MIN_CELL
from starsend.tools.picture_file import as_srgb, open_picture

_WORK_SIDE: Final = 1250  # pixels of the long side at which seams are sought (docs/measured.md)
_MOST_PIXELS: Final = 34_000_000  # an 8K frame has 33.2; turning one upright holds four bytes of each twice
_BAND: Final = 1_000_000  # pixels that are converted at once
_PLAIN: Final = ("L", "LA", "RGB", "RGBA", "I;16")  # what ``open_picture`` returns
_LOW_KEY: Final = 110  # the 98th percentile of a picture so dark that its seams need developing
_BRIGHT: Final = 200  # where that percentile is put; six times at most, for grain is developed with it


def decoded(source: Image.Image | bytes | Path | str) -> Image.Image:
    """The whole picture in one of five plain modes, its colours in its own profile: edges are where they are in any.

    Raises:
        BadPicture, or one of ``BROKEN`` for a lazy image that turns out to be.
    """
    if isinstance(source, str):
        source = Path(source)
    image = source if isinstance(source, Image.Image) else open_picture(source, most=_MOST_PIXELS)
    image.load()
    return image if image.mode in _PLAIN else as_srgb(image)


def reduced(image: Image.Image) -> tuple[int, Image.Image]:
    """What a picture is reduced by to look for seams, and the small one in sRGB."""
    # A strip is not reduced to nothing: its short side keeps the pixels that two cells need.
    shrink = max(1, min(round(max(image.size) / _WORK_SIDE), min(image.size) // (2 * MIN_CELL)))
    if image.mode == "RGB":
        work = image.reduce(shrink) if shrink > 1 else image
        return shrink, as_srgb(work) if "icc_profile" in image.info else work
    # Other modes are converted band by band, for Pillow holds four bytes of each pixel at every step of it.
    work = Image.new("RGB", (-(-image.width // shrink), -(-image.height // shrink)))
    step = shrink * max(1, _BAND // (shrink * image.width))
    for top in range(0, image.height, step):
        band = image.crop((0, top, image.width, min(image.height, top + step)))
        work.paste(as_srgb(band).convert("RGB").reduce(shrink), (0, top // shrink))
    return shrink, work


def developed(work: Image.Image) -> NDArray[np.uint8]:
    """The pixels to look for seams in: those of a dark picture made brighter."""
    pixels = np.asarray(work)
    bright = float(np.percentile(pixels[::8, ::8, 1], 98))
    if bright >= _LOW_KEY:
        return pixels
    gain = min(6.0, _BRIGHT / max(bright, 1.0))
    return np.asarray(work.point([min(255, round(level * gain)) for level in range(256)] * 3))
