"""Does a comment get into a file that was paid for without touching what was paid for?"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from starsend.tools.media_comment import comment_in, copy_with_comment
from starsend.tools.mp4_comment import NoComment
from tests.media import film, levels, packets, picture
from tests.singles import PROFILES

OURS = '{"schema":"starsend.test/1","prompt":"a harbour, 6 o’clock 🎬"}'


def tagged(folder: Path, data: bytes, comment: str = OURS) -> bytes:
    """The file with the comment in it."""
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    copy_with_comment(source, target, comment.encode())
    assert source.read_bytes() == data
    assert comment_in(target) == comment.encode()
    return target.read_bytes()


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk of a PNG, its check sum verified."""
    found, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert int.from_bytes(data[at + 8 + length : at + 12 + length]) == zlib.crc32(kind + content)
        found.append((kind, content))
        at += 12 + length
    return found


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


def before_picture(data: bytes, extra: bytes) -> bytes:
    """A PNG with chunks put before its picture."""
    at = data.index(b"IDAT") - 4
    return data[:at] + extra + data[at:]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_keeps_every_chunk_and_is_read_by_pillow(tmp_path: Path, mode: str) -> None:
    """In any mode and depth: are all other chunks there byte for byte, and is the comment Pillow's ``text``?"""
    icc = PROFILES["p3"] if mode not in ("1", "P") else None
    data = before_picture(picture("PNG", mode, icc_profile=icc), chunk(b"stAr", b"somebody's own"))
    made = tagged(tmp_path, data)
    found = chunks(made)
    assert [piece for piece in found if piece[0] != b"iTXt"] == chunks(data)
    assert [kind for kind, _ in found].index(b"iTXt") < [kind for kind, _ in found].index(b"IDAT")
    with Image.open(io.BytesIO(made)) as image, Image.open(io.BytesIO(data)) as before:
        assert image.text == {"Comment": OURS}  # type: ignore[attr-defined]
        assert (image.mode, image.tobytes()) == (before.mode, before.tobytes())


def test_an_earlier_comment_of_ours_is_replaced_and_others_stay(tmp_path: Path) -> None:
    """Is a file never told twice where it comes from, and nobody else's word taken out?"""
    theirs = chunk(b"tEXt", b"Comment\0theirs") + chunk(b"iTXt", b"Comment\0\0\0\0\0theirs too")
    for data in (
        before_picture(picture("PNG"), theirs),
        picture("JPEG", comment=b"theirs"),
        film(comment="theirs"),
        film(faststart=True, title="a title"),
        film(),
    ):
        first = tagged(tmp_path, data, OURS.replace("harbour", "much longer prompt than that"))
        assert tagged(tmp_path, first) == tagged(tmp_path, data)
        assert first.count(b"theirs") == data.count(b"theirs")
        assert first.count(b"starsend.test") == 1


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"progressive": True},
        {"comment": b"x", "icc_profile": PROFILES["p3"]},
        {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"},
    ],
)
def test_a_jpeg_keeps_every_byte(tmp_path: Path, how: dict[str, Any]) -> None:
    """Is one segment put in behind JFIF, Exif and the profile, and nothing else changed?"""
    data = picture("JPEG", **how)
    made = tagged(tmp_path, data)
    new = b"\xff\xfe" + struct.pack(">H", len(OURS.encode()) + 2) + OURS.encode()
    assert made.replace(new, b"") == data
    with Image.open(io.BytesIO(made)) as image, Image.open(io.BytesIO(data)) as before:
        assert image.tobytes() == before.tobytes()
        assert dict(image.getexif()) == dict(before.getexif())
        assert image.info.get("icc_profile") == before.info.get("icc_profile")


@pytest.mark.parametrize("faststart", [True, False])
@pytest.mark.parametrize("form", ["mp4", "mov"])
def test_an_mp4_keeps_every_packet_and_is_read_by_ffmpeg(tmp_path: Path, faststart: bool, form: str) -> None:
    """With sound, its index before or behind: are packets, frames, length and other tags the same?"""
    data = film(faststart=faststart, form=form, title="theirs")
    made = tagged(tmp_path, data)
    assert packets(made) == packets(data)
    assert levels(made) == levels(data)
    assert len(levels(made)[1]) == 12
    assert (made.index(b"moov") < made.index(b"mdat")) == faststart
    with av.open(io.BytesIO(made)) as after, av.open(io.BytesIO(data)) as before:
        assert after.metadata == {**before.metadata, "comment": OURS}
        assert [s.type for s in after.streams] == ["video", "audio"]


def test_offsets_of_64_bits_are_moved_too(tmp_path: Path) -> None:
    """Is a video whose tables are those of a file above 4 GB whole afterwards?"""
    data = film(faststart=True)
    wide = bytearray(data)
    grown = 0
    while (at := wide.find(b"stco")) >= 0:
        count = int.from_bytes(wide[at + 8 : at + 12])
        offsets = struct.unpack_from(f">{count}I", wide, at + 12)
        table = b"co64" + wide[at + 4 : at + 12] + struct.pack(f">{count}Q", *offsets)
        wide[at : at + 12 + 4 * count] = table
        grown += 4 * count
        for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
            box = wide.rindex(kind, 0, at)
            wide[box - 4 : box] = struct.pack(">I", int.from_bytes(wide[box - 4 : box]) + 4 * count)
        wide[at - 4 : at] = struct.pack(">I", 16 - 4 + len(table) - 8)
    at = -1
    while (at := wide.find(b"co64", at + 1)) >= 0:
        count = int.from_bytes(wide[at + 8 : at + 12])
        moved = (offset + grown for offset in struct.unpack_from(f">{count}Q", wide, at + 12))
        struct.pack_into(f">{count}Q", wide, at + 12, *moved)
    assert packets(bytes(wide)) == packets(data)
    assert packets(tagged(tmp_path, bytes(wide))) == packets(data)


def with_credentials(kind: str) -> bytes:
    """A file that is signed, as far as a look at its pieces can tell."""
    if kind == "png":
        return before_picture(picture("PNG"), chunk(b"caBX", b"jumb"))
    if kind == "jpeg":
        data = picture("JPEG")
        return data[:2] + b"\xff\xeb\0\x06JP\0\0" + data[2:]
    signature = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    return film() + struct.pack(">I", 28) + b"uuid" + signature + b"jumb"


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "webp": (lambda: picture("WEBP"), "takes none"),
    "nothing": (lambda: b"", "takes none"),
    "fragments": (lambda: film(fragments=True), "fragments"),
    "a signed png": (lambda: with_credentials("png"), "credentials"),
    "a signed jpeg": (lambda: with_credentials("jpeg"), "credentials"),
    "a signed film": (lambda: with_credentials("mp4"), "credentials"),
    "half a png": (lambda: picture("PNG")[:400], "ends within a chunk"),
    "a png of crumbs": (lambda: before_picture(picture("PNG"), chunk(b"stAr", b"") * 50_000), "chunks"),
    "half a jpeg": (lambda: picture("JPEG")[:100], "segment"),
    "half a film": (lambda: film()[:3000], "ends within a box|index"),
    "a film without its index": (lambda: film().replace(b"moov", b"free"), "index"),
    "tags of another kind": (lambda: film().replace(b"mdir", b"mdta"), "another kind"),
    "two indexes": (lambda: film().replace(b"free", b"moov"), "index"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_take_a_comment_is_left_as_it_is(tmp_path: Path, case: str) -> None:
    """Is it said why in one line, and nothing left behind?"""
    make, why = REFUSED[case]
    with pytest.raises(NoComment, match=why) as refused:
        tagged(tmp_path, make())
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    assert comment_in(tmp_path / "source") is None


def test_a_comment_that_a_jpeg_cannot_hold_is_refused(tmp_path: Path) -> None:
    """Is a segment's length never wrapped round?"""
    longest = OURS + " " * (65_533 - len(OURS.encode()))
    assert len(tagged(tmp_path, picture("JPEG"), longest)) > 65_533
    with pytest.raises(NoComment, match="65533 bytes, this comment has 65534"):
        tagged(tmp_path, picture("JPEG"), longest + " ")


@pytest.mark.parametrize("kind", ["png", "jpeg", "mp4"])
def test_damaged_files_are_refused_or_kept_as_damaged_as_they_were(tmp_path: Path, kind: str) -> None:
    """Whatever bytes are wrong: is there either one readable refusal, or a copy with all that was there?"""
    whole = {"png": picture("PNG"), "jpeg": picture("JPEG"), "mp4": film(faststart=True)}[kind]
    dice = random.Random(7)
    done = 0
    for _ in range(120):
        data = bytearray(whole)
        for _ in range(dice.choice([1, 1, 3, 30])):
            data[dice.randrange(min(len(data), 4000))] = dice.choice([0, 1, 0xFF, dice.randrange(256)])
        if dice.random() < 0.2:
            del data[dice.randrange(len(data)) :]
        try:
            made = tagged(tmp_path, bytes(data))
        except NoComment:
            assert not (tmp_path / "target").exists()
            continue
        (tmp_path / "target").unlink()
        done += 1
        if kind == "mp4":
            assert packets(made) == packets(bytes(data))
        else:
            at = made.index(OURS.encode()) - len(b"....iTXtComment....." if kind == "png" else b"....")
            assert made[:at] + made[at + len(made) - len(data) :] == data
    assert done > 5, "most damage is not to the pieces themselves"
