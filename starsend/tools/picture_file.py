"""The one door by which a picture comes in, the one by which it goes out, and what its colours mean."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import IO, Final

from PIL import Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from starsend.errors import BadInput
from starsend.files import write_durably
from starsend.tools.picture_claims import unaffordable

#: Pixels a picture may claim before anything is decoded: 10,000 x 10,000, four times an 8K frame and 300 MB
#: as RGB. Pillow's own limit is a refusal too, where it is the lower one (89 megapixels as Pillow ships).
MAX_PIXELS: Final = 100_000_000

# Only these: Pillow would otherwise start Ghostscript for an .eps, and try forty readers on any junk.
# A phone's MPO comes in by JPEG.
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")

_MARK_KEY: Final = "Software"  # PNG's own word for it: other programs show it
_HEAD: Final = 65_536  # bytes within which a mark lies: only a colour profile comes before it

# What Pillow's readers raise for bytes that are not the picture they claim to be, each seen or in its source:
BROKEN: Final[tuple[type[Exception], ...]] = (
    OSError,  # unknown format, truncated data, a codec's error, and the file system's own
    SyntaxError,  # a broken PNG chunk or TIFF directory
    ValueError,  # nonsense sizes, text bombs, colours without a conversion; UnicodeDecodeError
    TypeError,  # a tag holding the wrong type
    AttributeError,  # a reader that met half a header
    LookupError,  # a tag, a mode or a palette entry that is not there
    ArithmeticError,  # sizes that overflow, resolutions that divide by zero
    AssertionError,  # a reader's own doubts
    EOFError,  # a file that ends inside its header, or has no first frame
    RuntimeError,  # the WebP and AVIF libraries; NotImplementedError
    MemoryError,  # a size within the cap that this machine still cannot hold
    struct.error,  # a header shorter than its fields
    zlib.error,  # compressed text or profile that does not inflate
    Image.DecompressionBombError,  # twice Pillow's limit
    Warning,  # under ``python -W error``: a bomb within twice the limit, metadata Pillow only grumbles about
)


class BadPicture(BadInput):
    """A file or some bytes that cannot be used as a picture."""


def open_picture(source: Path | bytes, *, where: str = "", most: int = MAX_PIXELS) -> Image.Image:
    """Decode a picture wholly and strictly, upright, in one of five plain modes.

    The result is detached from its file and has mode

    * ``L``, ``LA``, ``RGB`` or ``RGBA`` as stored; one bit becomes ``L``, a palette ``RGB`` or ``RGBA``, one
      colour marked transparent an alpha channel; CMYK becomes ``RGB`` through its ICC profile, without one
      by plain arithmetic, since start frames and PNG are never CMYK;
    * ``I;16`` for 16-bit greyscale. Pillow itself reduces 16-bit RGB, RGBA and grey-with-alpha to 8 bits.

    Its EXIF orientation is applied, ``.info`` holds its ICC profile (``icc_profile``) and nothing else. Of an
    animation or several pages the first is taken. PNG check sums are verified, which decoding alone does not.

    Args:
        source: a path, or the file's bytes.
        where: how the error names the picture; the path, or "picture", when empty.
        most: pixels that it may claim; ``picture_claims`` says of which kinds only half.

    Raises:
        BadPicture: whatever is wrong with it, and nothing else whatever the bytes; more pixels than
            ``most`` are refused before decoding. Relies on Pillow's ``LOAD_TRUNCATED_IMAGES`` being off,
            as it is unless somebody in the process turns it on.
    """
    name = where or (str(source) if isinstance(source, Path) else "picture")
    head = b""
    try:
        if isinstance(source, Path) and source.exists() and not source.is_file():
            # Opening a pipe would wait for ever.
            raise BadPicture("is not a file", where=name, remedy="name the picture itself")
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            head = file.read(64)
            return _decode(file, name, most)
    except BROKEN as error:
        what, remedy = _diagnosis(error, head)
        raise BadPicture(what, where=name, remedy=remedy) from error


def save_picture(image: Image.Image, path: Path, *, mark: str = "", comment: bytes = b"") -> None:
    """Write ``image`` as PNG, losslessly with its bit depth and ICC profile, through ``write_durably``.

    Compression level 1: at 2752x1536 a cell takes 107 ms instead of 600 at Pillow's default, for 11-15 % more
    bytes (docs/measured.md). A copy is what is saved (1 ms), for Pillow leaves the settings of a save on the
    image, and two threads saving one picture would mix theirs.

    Args:
        mark: the program whose drawing it is, as ``is_marked`` finds it again.
        comment: text in UTF-8, as ``media_comment`` finds it again.

    Raises:
        CannotWrite: the disk refused; nothing half-written is left and an older file is as it was.
    """
    text = PngImagePlugin.PngInfo()
    if mark:
        text.add_text(_MARK_KEY, mark)
    if comment:
        text.add_itxt("Comment", comment.decode())
    write_durably(path, lambda file: image.copy().save(file, "PNG", compress_level=1, pnginfo=text))


def is_marked(path: Path, mark: str) -> bool:
    """Whether ``save_picture`` wrote this file with this mark; no file, or one that cannot be read, is not.

    Its first bytes are compared, and nothing of it is decoded: it may be anybody's and anything.
    """
    chunk = f"tEXt{_MARK_KEY}\0{mark}".encode("latin-1")
    try:
        if not path.is_file():  # opening a pipe would wait for ever
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return head.startswith(b"\x89PNG") and chunk + struct.pack(">I", zlib.crc32(chunk)) in head


def as_srgb(image: Image.Image) -> Image.Image:
    """A new 8-bit sRGB picture of the same size: ``RGBA`` where there is transparency, else ``RGB``.

    Colours go through the ICC profile when there is one that fits; a profile that is broken or belongs to
    another mode is passed over, as viewers do. The result carries no profile: untagged PNG is read as sRGB.

    Raises:
        OSError, ValueError: a lazily opened image that turns out broken, or a mode without colours.
    """
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255 instead of scaling
        image = _from_array(image, 8, "u1")
    elif image.mode not in {"L", "LA", "RGB", "RGBA", "CMYK"}:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    colours = _through_profile(
        image.convert("L" if image.mode == "LA" else "RGB") if alpha else image, profile
    )
    if alpha:
        colours.putalpha(alpha)
    return colours


def _decode(file: IO[bytes], name: str, most: int) -> Image.Image:
    file.seek(0)
    probe = Image.open(file, formats=_FORMATS)
    if too_much := unaffordable(probe, file, min(most, Image.MAX_IMAGE_PIXELS or most)):
        raise BadPicture(too_much, where=name, remedy="use a smaller picture, or save it anew")
    probe.verify()  # reads PNG's check sums, and spends the probe
    del probe  # WebP's holds the file and two canvases
    file.seek(0)
    image = Image.open(file, formats=_FORMATS)
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return _plain(image, name)


def _plain(image: Image.Image, name: str) -> Image.Image:
    profile = image.info.get("icc_profile")
    marked = "transparency" in image.info
    if image.mode in {"I", "F"}:
        raise BadPicture(
            "has 32 bits per pixel", where=name, remedy="export it with 8 or 16 bits per channel"
        )
    if image.mode == "CMYK":
        image, profile = as_srgb(image), None
    elif image.mode.startswith("I;16"):
        image = _from_array(image, 0, "<u2")
    elif image.mode in {"1", "L"}:
        image = image.convert("LA" if marked else "L")
    elif image.mode not in {"LA", "RGB", "RGBA"} or marked:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.info = {"icc_profile": profile} if profile else {}
    return image


def _from_array(image: Image.Image, shift: int, dtype: str) -> Image.Image:
    import numpy as np  # 12 MB, for 16-bit grey alone

    return Image.fromarray((np.asarray(image) >> shift).astype(dtype))


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source, srgb = ImageCms.getOpenProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass
        else:
            assert converted is not None  # only an in-place conversion returns None
            converted.info.pop("icc_profile", None)
            return converted
    plain = image.convert("RGB")
    plain.info.pop("icc_profile", None)
    return plain


def _diagnosis(error: BaseException, head: bytes) -> tuple[str, str]:
    """What was wrong and what to do about it, from what was raised and how the file begins."""
    what = f"is damaged or cut short ({str(error) or type(error).__name__})"
    remedy = "export or download it again"
    if isinstance(error, FileNotFoundError):
        what, remedy = "does not exist", "check the name and the folder"
    elif isinstance(error, UnidentifiedImageError):
        # Its bytes are not quoted: it may be any file of this machine, and errors go into mails.
        what = "is not a picture of a known kind (PNG, JPEG, WebP, TIFF, GIF, BMP, AVIF)"
        if not head:
            what = "is empty, 0 bytes"
    elif isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        what, remedy = f"claims too many pixels ({error})", "use a smaller picture"
    elif isinstance(error, OSError) and error.errno is not None:
        what, remedy = f"cannot be read: {error.strerror}", "check the file and who may read it"
    return what, remedy
