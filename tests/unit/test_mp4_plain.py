"""Is a video that leaves the house silent about its making, and otherwise what was paid for?"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from starsend.tools.media_comment import copy_with_comment
from starsend.tools.mp4_plain import NotPlain, check_plain, copy_plain
from tests.media import film, levels, packets, picture

SECRET = "unmistakable-prompt"
OURS = f'{{"schema":"starsend.test/1","prompt":"{SECRET}"}}'.encode()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


@pytest.mark.parametrize("form", ["mp4", "mov"])
@pytest.mark.parametrize("how", [{}, {"faststart": True}, {"fragments": True}], ids=str)
def test_nothing_is_told_and_nothing_is_lost(tmp_path: Path, form: str, how: dict[str, Any]) -> None:
    """Our comment, the vendor's tags and names, credentials beside the index: gone, with every packet in its place?"""
    source, target = tmp_path / "take.mp4", tmp_path / "plain.mp4"
    source.write_bytes(film(form=form, title=SECRET, artist=SECRET, **how))
    if form == "mp4" and not how.get("fragments"):
        copy_with_comment(source, target, OURS)
        target.rename(source)
    credentials = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + SECRET.encode()
    with source.open("ab") as file:
        file.write(box(b"uuid", credentials) + box(b"free", SECRET.encode()))
    source.write_bytes(source.read_bytes().replace(b"VideoHandler", SECRET.encode()[:12]))
    before = source.read_bytes()
    assert SECRET.encode() in before
    check_plain(source)
    copy_plain(source, target)
    made = target.read_bytes()
    assert SECRET.encode()[:12] not in made
    assert b"Lavf" not in made
    assert len(made) == len(before)
    assert packets(made) == packets(before)
    assert levels(made) == levels(before)
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        picture("PNG"),
        film()[:-10],
        film()[:300],
        box(b"ftyp", b"isom") + box(b"moov", box(b"trak", b"\0\0\0\x07mdia")),
        film().replace(b"soun", b"text"),
    ],
)
def test_what_cannot_be_freed_is_not_given(tmp_path: Path, data: bytes) -> None:
    """No MP4, a torn one, a track of words: is it refused in words, and nothing left behind?"""
    source, target = tmp_path / "take.mp4", tmp_path / "plain.mp4"
    source.write_bytes(data)
    with pytest.raises(NotPlain, match="freed of what it says"):
        copy_plain(source, target)
    assert not target.exists()
