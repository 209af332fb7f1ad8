"""Does every picture come in whole or not at all, and go out unharmed?"""

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from starsend.errors import BadInput
from starsend.files import CannotWrite
from starsend.tools import picture_file
from starsend.tools.image_utils import BadPicture, open_picture, save_picture
from starsend.tools.picture_file import is_marked


def picture(width: int = 8, height: int = 6, seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.mode == other.mode and one.size == other.size and one.tobytes() == other.tobytes()


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def claiming(width: int, height: int) -> bytes:
    """A PNG of 60 bytes whose header claims any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_plain_picture_is_unchanged(tmp_path: Path, mode: str) -> None:
    """Do the four 8-bit modes come in as they are, from a path and from bytes?"""
    original = picture().convert(mode)
    (tmp_path / "a.png").write_bytes(encoded(original))
    assert same(open_picture(tmp_path / "a.png"), original)
    assert same(open_picture(encoded(original)), original)


def test_a_picture_outlives_its_file(tmp_path: Path) -> None:
    """Is the result detached, so that its file may be replaced or deleted?"""
    path = tmp_path / "a.png"
    path.write_bytes(encoded(picture()))
    image = open_picture(path)
    path.unlink()
    assert same(image, picture())


def test_exif_rotation_is_applied_once() -> None:
    """Is a phone's sideways picture upright, and does nothing say it should be turned again?"""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = open_picture(encoded(picture(), exif=exif))
    assert same(image, picture().transpose(Image.Transpose.ROTATE_270))
    assert image.info == {}
    assert 0x0112 not in image.getexif()


def test_the_icc_profile_stays() -> None:
    """Does the profile come in with the picture, and nothing else of its metadata?"""
    profile = srgb_profile()
    image = open_picture(encoded(picture(), icc_profile=profile, dpi=(72, 72)))
    assert image.info == {"icc_profile": profile}


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_stays(tmp_path: Path, kind: str) -> None:
    """Do 65,536 levels survive coming in and going out?"""
    levels = np.arange(0, 65536, 911, dtype=np.uint16).reshape(8, 9)
    image = open_picture(encoded(Image.fromarray(levels), kind))
    assert image.mode == "I;16"
    save_picture(image, tmp_path / "a.png")
    assert np.array_equal(np.asarray(open_picture(tmp_path / "a.png")), levels)


def test_big_endian_sixteen_bit() -> None:
    """Is a big-endian TIFF read by value and not clipped?"""
    image = Image.frombytes("I;16B", (2, 2), struct.pack(">4H", 1, 256, 40000, 65535))
    decoded = open_picture(encoded(image, "TIFF"))
    assert decoded.mode == "I;16"
    assert np.asarray(decoded).tolist() == [[1, 256], [40000, 65535]]


def test_cmyk_without_a_profile() -> None:
    """Does a printer's picture become RGB by plain arithmetic?"""
    image = open_picture(encoded(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "TIFF"))
    assert (image.mode, image.getpixel((0, 0)), image.info) == ("RGB", (255, 0, 0), {})


def test_cmyk_with_a_profile_that_does_not_fit() -> None:
    """Is a profile of the wrong kind passed over, and not kept for the RGB it no longer describes?"""
    image = open_picture(
        encoded(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "TIFF", icc_profile=srgb_profile())
    )
    assert (image.getpixel((0, 0)), image.info) == ((255, 0, 0), {})


def test_a_palette_with_transparency() -> None:
    """Does a palette become RGBA when one of its colours is transparent, else RGB?"""
    indexed = Image.new("P", (2, 1))
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    indexed.putpixel((1, 0), 1)
    clear = open_picture(encoded(indexed, transparency=0))
    assert (clear.mode, clear.getpixel((0, 0)), clear.getpixel((1, 0))) == (
        "RGBA",
        (10, 20, 30, 0),
        (40, 50, 60, 255),
    )
    assert open_picture(encoded(indexed)).mode == "RGB"


@pytest.mark.parametrize(("mode", "result"), [("1", "LA"), ("L", "LA"), ("RGB", "RGBA")])
def test_one_transparent_colour(mode: str, result: str) -> None:
    """Does a colour marked transparent become an alpha channel?"""
    image = open_picture(encoded(Image.new(mode, (2, 2)), transparency=(0, 0, 0) if mode == "RGB" else 0))
    assert (image.mode, image.getchannel("A").getextrema()) == (result, (0, 0))


def test_an_animation_gives_its_first_frame() -> None:
    """Of a moving GIF, is the first frame taken?"""
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("red", "blue")]
    image = open_picture(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert image.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "BMP", "GIF", "TIFF", "PNG"])
def test_every_kind_is_known_by_its_bytes(tmp_path: Path, kind: str) -> None:
    """Is a picture read by what it is, whatever its name says?"""
    (tmp_path / "a.txt").write_bytes(encoded(picture(), kind))
    assert open_picture(tmp_path / "a.txt").size == (8, 6)


BROKEN = {
    "empty": (b"", "is empty, 0 bytes"),
    "text": (b"hello, this is a note", "is not a picture of a known kind"),
    "page": (b"<html><body>502</body></html>", "is not a picture of a known kind"),
    "cut": (encoded(picture(64, 64))[:-3000], "is damaged or cut short"),
    "tail": (encoded(picture(64, 64))[:-12], "is damaged or cut short"),
    "jpeg": (encoded(picture(64, 64), "JPEG")[:-500], "is damaged or cut short"),
    "postscript": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "is not a picture of a known kind",
    ),
    "float": (encoded(Image.new("F", (2, 2)), "TIFF"), "has 32 bits per pixel"),
    "bomb": (claiming(50_000, 50_000), "pixels"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_no_picture_is_one_readable_line(tmp_path: Path, case: str) -> None:
    """Does every broken file give one line with its name, what was wrong and a remedy?"""
    data, what = BROKEN[case]
    path = tmp_path / "frame.png"
    path.write_bytes(data)
    with pytest.raises(BadPicture) as caught:
        open_picture(path)
    line = str(caught.value)
    assert isinstance(caught.value, BadInput)
    assert line.startswith(f"{path}: ")
    assert what in line
    assert "502" not in line, "what it holds may be none of the reader's business"
    assert ". " in line
    assert "\n" not in line


def test_a_changed_byte_in_the_pixels_is_noticed() -> None:
    """Is a PNG refused whose check sum does not fit its pixels, which decoding alone would let pass?"""
    data = bytearray(encoded(picture(64, 64), compress_level=0))
    data[len(data) // 2] ^= 1
    with pytest.raises(BadPicture, match="damaged"):
        open_picture(bytes(data))


def test_bytes_are_named_by_the_caller() -> None:
    """Does the error of bytes carry the name it was given?"""
    with pytest.raises(BadPicture, match=r"^SEQ01 grid: is empty"):
        open_picture(b"", where="SEQ01 grid")


@pytest.mark.parametrize("make", [lambda p: None, Path.mkdir, os.mkfifo])
def test_a_path_without_a_file(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Are a missing file, a folder and a pipe (which would wait for ever) refused alike?"""
    make(tmp_path / "x")
    with pytest.raises(BadPicture, match=r"does not exist|is not a file"):
        open_picture(tmp_path / "x")


@pytest.mark.parametrize("limit", ["None", "1_000_000_000", "89_000_000", "1000"])
def test_the_pixel_cap_holds_whatever_pillow_allows(limit: str) -> None:
    """With Pillow's own limit off, high, usual or low: is a bomb refused undecoded, and the limit left alone?"""
    script = (
        "import sys\nfrom PIL import Image\nfrom starsend.tools.image_utils import BadPicture, open_picture\n"
        f"Image.MAX_IMAGE_PIXELS = {limit}\n"
        "try: open_picture(sys.stdin.buffer.read())\nexcept BadPicture as error: print(error)\n"
        f"assert Image.MAX_IMAGE_PIXELS == {limit}\n"
    )
    # 10,001 x 10,001 is over our cap, within twice Pillow's usual one: its warning is all Pillow gives.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        input=claiming(10_001, 10_001),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert b"pixels" in done.stdout
    assert picture_file.MAX_PIXELS < 10_001 * 10_001


def test_saving_keeps_pixels_and_profile(tmp_path: Path) -> None:
    """Is what was saved what is read, profile included, with no .part beside it?"""
    image = picture().convert("RGBA")
    image.info["icc_profile"] = profile = srgb_profile()
    save_picture(image, tmp_path / "a.png")
    back = open_picture(tmp_path / "a.png")
    assert same(back, image)
    assert back.info == {"icc_profile": profile}
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_saving_where_nothing_can_be_written(tmp_path: Path) -> None:
    """Is a file in a folder's place the readable error of every other write?"""
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(CannotWrite, match=r"f/a\.png: cannot be written"):
        save_picture(picture(), tmp_path / "f" / "a.png")


def test_a_mark_is_found_again(tmp_path: Path) -> None:
    """Is a marked picture told from one with another mark or none, and what cannot be read from both?"""
    image = picture()
    image.info["icc_profile"] = srgb_profile()
    save_picture(image, tmp_path / "ours.png", mark="the demo")
    save_picture(image, tmp_path / "plain.png")
    assert is_marked(tmp_path / "ours.png", "the demo")
    assert same(open_picture(tmp_path / "ours.png"), image)
    assert not is_marked(tmp_path / "ours.png", "the dem") and not is_marked(tmp_path / "ours.png", "demo")
    (tmp_path / "page.html").write_bytes((tmp_path / "ours.png").read_bytes()[4:])
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for other in ("plain.png", "page.html", "pipe", "loop", "missing", ".", "x" * 300):
        assert not is_marked(tmp_path / other, "the demo"), other
