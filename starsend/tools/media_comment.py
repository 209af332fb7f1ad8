"""A comment inside a picture or a video, put there by copying the file's pieces: nothing is decoded or encoded again.

PNG: an ``iTXt`` chunk ``Comment`` before the first ``IDAT``. JPEG: a ``COM`` segment behind the application's. MP4: the
tag ``comment`` (``mp4_comment``). Other formats take none. A comment that begins as ours do is replaced, others stay.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from starsend.files import write_durably
from starsend.tools import mp4_comment
from starsend.tools.mp4_comment import OURS, SIGNED, NoComment, Plan

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_COMMENT: Final = b"Comment\0\0\0\0\0"  # keyword; not compressed; no language, no translated keyword
_BLOCK: Final = 1 << 20  # bytes held at a time
_MOST: Final = 50_000  # chunks; encoders write 8,000 bytes of picture and more into each
_LONGEST: Final = 0xFFFF - 2  # bytes of a JPEG segment, whose length counts itself
_SOI, _SOS, _COM, _APP11 = b"\xd8", b"\xda", b"\xfe", b"\xeb"
_FIRST: Final = {_SOI, *(bytes([kind]) for kind in range(0xE0, 0xF0))}  # what readers want to find first


class _Format(NamedTuple):
    """How one format carries a comment. ``essence`` is a digest of all that must not change."""

    plan: Callable[[BinaryIO, bytes], Plan]
    comment: Callable[[BinaryIO], bytes | None]
    essence: Callable[[BinaryIO], str]


class _Piece(NamedTuple):
    kind: bytes
    where: range
    comment: bytes | None = None
    """The text, where it is one of ours."""


def copy_with_comment(source: Path, target: Path, comment: bytes) -> None:
    """Write a copy of ``source`` with ``comment`` (UTF-8) in it to ``target``, whole and synced, and read it back.

    A megabyte is held at a time, of an MP4 its index too.

    Raises:
        NoComment: the file takes none, is unusual or damaged, or its copy does not read back; ``target`` is not there then.
        CannotWrite: the disk refused.
        OSError: ``source`` cannot be read.
    """
    with source.open("rb") as file:
        form = _format_of(file)
        write_durably(target, partial(_copy, file, form.plan(file, comment)))
        try:
            with target.open("rb") as copy:
                if (form.comment(copy), form.essence(copy)) != (comment, form.essence(file)):
                    raise NoComment("its copy does not read back")
        except BaseException:
            target.unlink()
            raise


def comment_in(path: Path) -> bytes | None:
    """Our comment in a file; None where there is none, or none that can be read."""
    try:
        with path.open("rb") as file:
            return _format_of(file).comment(file)
    except (NoComment, OSError):
        return None


def _copy(source: BinaryIO, plan: Plan, into: BinaryIO) -> None:
    for piece in plan:
        if isinstance(piece, bytes):
            into.write(piece)
        else:
            for block in _blocks(source, piece):
                into.write(block)


def _blocks(file: BinaryIO, where: range) -> Iterator[bytes]:
    for start in range(where.start, where.stop, _BLOCK):
        file.seek(start)
        yield file.read(min(_BLOCK, where.stop - start))


def _format_of(file: BinaryIO) -> _Format:
    file.seek(0)
    head = file.read(12)
    if head.startswith(_PNG):
        return _made_of(_png_pieces, _planned_png)
    if head.startswith(b"\xff\xd8\xff"):
        return _made_of(_jpeg_pieces, _planned_jpeg)
    if head[4:8] == b"ftyp":
        return _Format(mp4_comment.plan, mp4_comment.comment, mp4_comment.essence)
    raise NoComment("its format takes none")


def _made_of(
    pieces: Callable[[BinaryIO], Iterator[_Piece]], plan: Callable[[list[_Piece], bytes], Plan]
) -> _Format:
    """A format whose files are pieces in a row, of which a comment is one."""

    def essence(file: BinaryIO) -> str:
        digest = hashlib.sha256()
        for piece in pieces(file):
            if piece.comment is None:
                for block in _blocks(file, piece.where):
                    digest.update(block)
        return digest.hexdigest()

    def comment(file: BinaryIO) -> bytes | None:
        return next((piece.comment for piece in pieces(file) if piece.comment is not None), None)

    return _Format(lambda file, text: plan(list(pieces(file)), text), comment, essence)


def _planned(pieces: list[_Piece], new: bytes, before: Callable[[_Piece], bool]) -> Plan:
    kept = [piece for piece in pieces if piece.comment is None]
    at = next((number for number, piece in enumerate(kept) if before(piece)), None)
    if at is None:
        raise NoComment("it holds no picture")
    return [*(piece.where for piece in kept[:at]), new, *(piece.where for piece in kept[at:])]


# --------------------------------------------------------------------------------------------------- PNG


def _png_pieces(file: BinaryIO) -> Iterator[_Piece]:
    size = file.seek(0, os.SEEK_END)
    yield _Piece(b"", range(len(_PNG)))
    at = len(_PNG)
    for _ in range(_MOST):
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[:4])
        where, kind = range(at, at + 12 + length), head[4:]
        if where.stop > size:
            raise NoComment("it ends within a chunk")
        # Only the beginning of other people's text is read, however long it claims to be.
        text = kind == b"iTXt" and file.read(min(length, len(_COMMENT + OURS))) == _COMMENT + OURS
        yield _Piece(kind, where, OURS + file.read(length - len(_COMMENT + OURS)) if text else None)
        at = where.stop
        if kind == b"IEND":
            break
    else:
        raise NoComment(f"it has more than {_MOST:,} chunks")
    if at < size:
        yield _Piece(b"", range(at, size))


def _planned_png(pieces: list[_Piece], comment: bytes) -> Plan:
    if any(piece.kind == b"caBX" for piece in pieces):
        raise NoComment(SIGNED)
    chunk = b"iTXt" + _COMMENT + comment
    new = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return _planned(pieces, new, lambda piece: piece.kind == b"IDAT")


# -------------------------------------------------------------------------------------------------- JPEG


def _jpeg_pieces(file: BinaryIO) -> Iterator[_Piece]:
    size = file.seek(0, os.SEEK_END)
    yield _Piece(_SOI, range(2))
    at = 2
    while True:
        file.seek(at)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == 0xFF:
            raise NoComment("its segments do not follow each other")
        if head[1:2] == _SOS:  # from here on it is the picture
            yield _Piece(_SOS, range(at, size))
            return
        where = range(at, at + 2 + int.from_bytes(head[2:]))
        if where.stop > size or len(where) < 4:
            raise NoComment("it ends within a segment")
        text = file.read(len(where) - 4) if head[1:2] == _COM else b""
        yield _Piece(head[1:2], where, text if text.startswith(OURS) else None)
        at = where.stop


def _planned_jpeg(pieces: list[_Piece], comment: bytes) -> Plan:
    if any(piece.kind == _APP11 for piece in pieces):
        raise NoComment(SIGNED)
    if len(comment) > _LONGEST:
        raise NoComment(f"a JPEG takes {_LONGEST} bytes, this comment has {len(comment)}")
    new = b"\xff" + _COM + struct.pack(">H", len(comment) + 2) + comment
    return _planned(pieces, new, lambda piece: piece.kind not in _FIRST)
