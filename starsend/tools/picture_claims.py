"""What a picture says of itself before it is decoded, and whether decoding can be afforded.

A few kilobytes can claim gigapixels, thousands of passes over the same pixels, or tiles larger than the picture. Each
decoder allocates and works by the claim, so the claim is looked at first.
"""

from __future__ import annotations

from typing import IO, Final

from PIL import Image

#: Their libraries hold a picture three times over while they decode it: 17 megapixels of WebP take 270 MB.
_HELD_TWICE: Final = ("WEBP", "AVIF")

#: Passes over a whole picture of the most pixels that are allowed. Progressive JPEG as libjpeg writes it makes ten,
#: a scanner's baseline file one to three; each costs about 0.1 s at 34 megapixels.
_PASSES: Final = 12
_SCAN: Final = b"\xff\xda"  # begins a pass; within a pass 0xff is always followed by a zero or a restart mark
_TILE_SIDES: Final = (322, 323)  # TIFF's own numbers for a tile's width and height


def unaffordable(picture: Image.Image, file: IO[bytes], most: int) -> str | None:
    """What is too much about an opened, not yet decoded picture; None when decoding it is bounded.

    Args:
        file: the picture's, for formats that tell the rest in their data only; it is left at the place where it was.
        most: pixels that are allowed; half of them where the decoder holds or reads twice as much of each.
    """
    width, height = picture.size
    limit = most // 2 if picture.format in _HELD_TWICE or _is_deep(picture) else most
    if width * height > limit:
        return f"claims {width} x {height} pixels, more than the {limit:,} allowed"
    if picture.format in {"JPEG", "MPO"}:
        passes = _count(file, _SCAN)
        if passes * width * height > _PASSES * most:
            return f"claims {width} x {height} pixels in {passes:,} passes"
    if picture.format == "TIFF":
        across, down = (int(picture.getexif().get(side, 0)) for side in _TILE_SIDES)
        if across * down > most:
            return f"claims tiles of {across} x {down} pixels, more than the {most:,} allowed"
    return None


def _is_deep(picture: Image.Image) -> bool:
    """Whether it is PNG of 16 bits a channel, which Pillow unpacks in full and then halves."""
    return picture.format == "PNG" and any("16" in str(tile[3]) for tile in getattr(picture, "tile", ()))


def _count(file: IO[bytes], mark: bytes) -> int:
    place = file.tell()
    file.seek(0)
    found, tail = 0, b""
    while block := file.read(1 << 20):
        found += (tail + block).count(mark)
        tail = block[-1:]
    file.seek(place)
    return found
