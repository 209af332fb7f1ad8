"""Start frames of every kind that may come in, each known at every point by arithmetic of our own."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Floats = NDArray[np.float64]
TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

# ------------------------------------------------------------------------------------------------- profiles

# Red, green and blue in XYZ under D50, as the profiles of these spaces hold them.
SPACES: dict[str, tuple[Floats, float]] = {
    "srgb": (np.array([[0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7141]]), 0),
    "p3": (np.array([[0.5151, 0.2412, -0.0011], [0.2920, 0.6922, 0.0419], [0.1571, 0.0666, 0.7841]]), 0),
    "adobe": (np.array([[0.6097, 0.3111, 0.0195], [0.2053, 0.6257, 0.0609], [0.1492, 0.0632, 0.7446]]), 2.2),
}


def profile(space: str) -> bytes:
    """The ICC profile of a space: Pillow's own of sRGB with other primaries, and a plain gamma where there is one."""
    primaries, gamma = SPACES[space]
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for at in range(132, 132 + 12 * struct.unpack_from(">I", data, 128)[0], 12):
        name, start, _ = struct.unpack_from(">4sII", data, at)
        if name in (b"rXYZ", b"gXYZ", b"bXYZ"):
            row = primaries[b"rgb".index(name[:1])]
            struct.pack_into(">3i", data, start + 8, *(round(value * 65536) for value in row))
        if name == b"rTRC" and gamma:  # the three curves are one
            struct.pack_into(">HHi", data, start + 8, 0, 0, round(gamma * 65536))
    return bytes(data)


PROFILES = {name: profile(name) for name in SPACES} | {"none": b"", "broken": b"not a profile" * 20}


def to_srgb(levels: Floats, space: str) -> Floats:
    """The same by arithmetic of our own: 0..255 in a space to 0..255 in sRGB, clipped."""
    if space not in SPACES:
        return levels
    primaries, gamma = SPACES[space]
    share = levels / 255
    light = (
        share**gamma if gamma else np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    )
    light = (light @ primaries @ np.linalg.inv(SPACES["srgb"][0])).clip(0, 1)
    srgb: Floats = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return srgb


# -------------------------------------------------------------------------------------------------- singles

KINDS = ("1", "L", "LA", "I;16", "P", "P clear", "RGB", "RGBA", "JPEG", "CMYK", "16-bit RGB")
GREY = ("1", "L", "LA", "I;16")
PALETTE = bytes(level for index in range(256) for level in (index, max(0, 235 - index), index // 2 + 60))


@dataclass(frozen=True)
class Single:
    """A start frame as it may come: a smooth picture of its own, known at every point, in any kind of file."""

    kind: str
    size: tuple[int, int]
    space: str
    turn: int
    seed: int

    def levels(self, x: Floats, y: Floats) -> Floats:
        """Red, green, blue and alpha at points of the unit square, 0 to 255."""
        dice = np.random.default_rng(self.seed)
        # Colours of the wider spaces stay pale: near the border of sRGB half a level becomes seven.
        strong = 12.0 if self.space in ("p3", "adobe") else 70.0
        waves = []
        for height in (strong, strong, strong, 200.0):  # alpha's is cut off: wholly clear here, opaque there
            across, down = dice.uniform(3, 7, 2) * dice.choice((-1, 1), 2)
            wave = dice.uniform(110, 130) + height * np.sin(across * x + down * y + dice.uniform(0, 6))
            waves.append(wave.clip(0, 255))
        red, green, blue, alpha = waves
        if self.kind in GREY:
            red = blue = green = (green > 127) * 255.0 if self.kind == "1" else green
        if self.kind.startswith("P"):
            red, green, blue, alpha = green, 235 - green, green / 2 + 60, green
        if self.kind not in ("LA", "RGBA", "P clear"):
            alpha = np.full_like(x, 255)
        return np.stack([red, green, blue, alpha], axis=-1)

    def seen(self, x: Floats, y: Floats, ground: Floats) -> Floats:
        """What a viewer who knows colours sees there, over a ground; a profile of RGB says nothing of grey or CMYK."""
        levels = self.levels(x, y)
        space = "none" if self.kind in (*GREY, "CMYK") else self.space
        share = levels[..., 3:] / 255
        return share * to_srgb(levels[..., :3], space) + (1 - share) * ground

    def file(self) -> bytes:
        """Its bytes; turned in the file, with the EXIF tag that turns it back."""
        width, height = self.size
        across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
        levels = self.levels(*np.meshgrid(across, down))
        icc = PROFILES[self.space]
        if self.kind == "16-bit RGB":
            return deep_png((levels[..., :3] * 257).round().astype(">u2"), icc)
        image, options = self._image(levels.round().astype(np.uint8)), self._options()
        if self.turn in TURNED:
            image = image.transpose(TURNED[self.turn])
            options["exif"] = exif = Image.Exif()
            exif[0x0112] = self.turn
        if icc:
            options["icc_profile"] = icc
        file = io.BytesIO()
        image.save(file, "JPEG" if "quality" in options else "PNG", **options)
        return file.getvalue()

    def _image(self, levels: NDArray[np.uint8]) -> Image.Image:
        if self.kind == "I;16":
            return Image.fromarray(levels[..., 1].astype(np.uint16) * 257)
        if self.kind.startswith("P"):
            image = Image.fromarray(levels[..., 0]).convert("P")
            image.putpalette(PALETTE)
            return image
        image = Image.fromarray(levels)
        return (
            image
            if self.kind == "RGBA"
            else image.convert("LA" if self.kind == "LA" else "RGB").convert(
                {"JPEG": "RGB"}.get(self.kind, self.kind)
            )
        )

    def _options(self) -> dict[str, Any]:
        if self.kind in ("JPEG", "CMYK"):
            return {"quality": 100, "subsampling": 0}
        return {"transparency": bytes(range(256))} if self.kind == "P clear" else {}


def deep_png(levels: NDArray[np.uint16], icc: bytes) -> bytes:
    """A PNG of 16 bits a channel, which Pillow reads and cannot write."""
    height, width, _ = levels.shape
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in levels)
    chunks = [(b"IHDR", head), (b"iCCP", b"icc\0\0" + zlib.compress(icc)), (b"IDAT", zlib.compress(rows, 1))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in [*(chunks if icc else chunks[::2]), (b"IEND", b"")]
    )
