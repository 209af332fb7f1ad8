"""The tag ``comment`` of an MP4 (``moov/udta/meta/ilst/©cmt``), written into its index without touching a packet.

FFmpeg could copy the packets into a new file, but that file would differ with FFmpeg's version, so that a take fetched
again would not be the take that was paid for; and it drops what it does not know. Here the index alone is written anew,
and where it lies before the packets, the offsets in it are moved by as much as it has grown.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from starsend.errors import StarsendError

OURS: Final = b'{"schema":"starsend.'
"""What a comment of ours begins with."""

SIGNED: Final = "it carries content credentials, whose signature any change would break"

Plan = list[bytes | range]
"""A new file: bytes that are new, and ranges of offsets of the old one."""

_CREDENTIALS: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA's kind of ``uuid`` box
_BY_FRAGMENT: Final = {b"moof", b"mfra", b"sidx", b"meta"}  # these hold offsets of their own
_LONGEST_INDEX: Final = 32 << 20  # bytes; an hour at 60 frames a second has about 5 MB
_TABLES: Final = {b"stco": "I", b"co64": "Q"}
_ABOVE_TABLES: Final = {b"trak", b"mdia", b"minf", b"stbl"}
_NEW_META: Final = b"\0\0\0\0" + struct.pack(">I4sII4s12xx", 33, b"hdlr", 0, 0, b"mdir")

Boxes = list[tuple[bytes, bytes]]
"""Kind and content of each box in a row."""


class NoComment(StarsendError):
    """A file takes no comment; it is as it was."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no comment can be put into this file: {why}")


def plan(file: BinaryIO, comment: bytes) -> Plan:
    """The MP4 with ``comment`` in its index. Raises NoComment."""
    where = _index_of(file)
    content = _read(file, where)[8:]
    tagged = _joined(_with(_boxes(content), b"udta", _udta_with(content, comment)))
    grown = len(tagged) - len(content)
    try:
        moved = _moved(tagged, after=where.stop, by=grown)
    except (struct.error, RecursionError) as wrong:
        raise NoComment("its tables are damaged, or full") from wrong
    return [range(where.start), _box(b"moov", moved), range(where.stop, file.seek(0, os.SEEK_END))]


def comment(file: BinaryIO) -> bytes | None:
    """Our comment in an MP4. Raises NoComment: its index cannot be read."""
    return next(filter(None, map(_ours, _boxes(_items(_read(file, _index_of(file))[8:])))), None)


def essence(file: BinaryIO) -> str:
    """A digest of every packet with its times, of how each stream is decoded, and of how long it lasts.

    Raises NoComment: it cannot be read.
    """
    import av  # 17 MB, which a daemon whose sequences all wait does without
    from av.error import FFmpegError

    digest = hashlib.sha256()
    file.seek(0)
    try:
        with av.open(file, "r", format="mp4") as container:
            for stream in container.streams:
                codec = getattr(stream, "codec_context", None)  # a time code's stream has none
                facts = (stream.type, stream.time_base, stream.duration, stream.frames, stream.start_time)
                digest.update(repr((container.duration, *facts, getattr(codec, "name", None))).encode())
                digest.update(getattr(codec, "extradata", None) or b"")
            for packet in container.demux():
                digest.update(repr((packet.stream_index, packet.pts, packet.dts, packet.duration)).encode())
                digest.update(packet)
    except (FFmpegError, OSError, ValueError) as wrong:
        raise NoComment("its packets cannot be read") from wrong
    return digest.hexdigest()


def _index_of(file: BinaryIO) -> range:
    """Where ``moov`` is, if this is an MP4 in which only its tables know where the packets are. Raises NoComment."""
    found: list[range] = []
    for kind, where in _outer_boxes(file):
        if kind in _BY_FRAGMENT:
            raise NoComment(f"it is made of fragments ({kind.decode()})")
        if kind == b"uuid" and _read(file, range(where.start + 8, where.start + 24)) == _CREDENTIALS:
            raise NoComment(SIGNED)
        if kind == b"moov":
            found.append(where)
    if len(found) != 1 or not 8 < len(found[0]) <= _LONGEST_INDEX:
        raise NoComment("its index is missing or unusual")
    return found[0]


def _outer_boxes(file: BinaryIO) -> Iterator[tuple[bytes, range]]:
    size, at = file.seek(0, os.SEEK_END), 0
    while at < size:
        head = _read(file, range(at, at + 16))
        length, kind = int.from_bytes(head[:4]), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:])
            kind = kind if kind != b"moov" else b"moov of 64 bits"
        elif length == 0:  # to the end of the file
            length = size - at
        if length < 8 or at + length > size:
            raise NoComment("it ends within a box")
        yield kind, range(at, at + length)
        at += length


def _read(file: BinaryIO, where: range) -> bytes:
    file.seek(where.start)
    return file.read(len(where))


# ------------------------------------------------------------------------------------- inside the index


def _boxes(content: bytes) -> Boxes:
    """The boxes in ``content``, without the zeros by which QuickTime may end them. Raises NoComment."""
    found: Boxes = []
    at = 0
    while any(content[at : at + 8]):
        length = int.from_bytes(content[at : at + 4])
        if length < 8 or at + length > len(content):
            raise NoComment("its index is damaged")
        found.append((content[at + 4 : at + 8], content[at + 8 : at + length]))
        at += length
    return found


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _joined(boxes: Boxes) -> bytes:
    return b"".join(_box(kind, content) for kind, content in boxes)


def _first(boxes: Boxes, kind: bytes, otherwise: bytes = b"") -> bytes:
    return next((content for other, content in boxes if other == kind), otherwise)


def _with(boxes: Boxes, kind: bytes, content: bytes) -> Boxes:
    """``boxes`` with the first of that kind replaced, or one added at the end."""
    kinds = [other for other, _ in boxes]
    at = kinds.index(kind) if kind in kinds else len(boxes)
    return [*boxes[:at], (kind, content), *boxes[at + 1 :]]


def _meta(moov: bytes) -> bytes:
    """The content of ``meta``; an empty one where there is none. Raises NoComment."""
    meta = _first(_boxes(_first(_boxes(moov), b"udta")), b"meta", _NEW_META)
    if meta[:4] != bytes(4) or _first(_boxes(meta[4:]), b"hdlr")[8:12] != b"mdir":
        raise NoComment("its tags are of another kind")
    return meta


def _items(moov: bytes) -> bytes:
    return _first(_boxes(_meta(moov)[4:]), b"ilst")


def _ours(item: tuple[bytes, bytes]) -> bytes | None:
    """The text of an item that is a comment of ours."""
    kind, content = item
    text = _first(_boxes(content), b"data")[8:] if kind == b"\xa9cmt" else b""
    return text if text.startswith(OURS) else None


def _udta_with(moov: bytes, comment: bytes) -> bytes:
    item = b"\xa9cmt", _box(b"data", struct.pack(">II", 1, 0) + comment)  # 1: UTF-8
    items = _joined([*(other for other in _boxes(_items(moov)) if _ours(other) is None), item])
    meta = _meta(moov)
    meta = meta[:4] + _joined(_with(_boxes(meta[4:]), b"ilst", items))
    return _joined(_with(_boxes(_first(_boxes(moov), b"udta")), b"meta", meta))


def _moved(content: bytes, *, after: int, by: int) -> bytes:
    """``content`` with every offset of packets that lie behind ``after`` moved on. Raises struct.error: it does not fit."""
    moved: Boxes = []
    for kind, inner in _boxes(content):
        if kind in _ABOVE_TABLES:
            moved.append((kind, _moved(inner, after=after, by=by)))
        elif kind in _TABLES:
            shape = f">{int.from_bytes(inner[4:8])}{_TABLES[kind]}"
            offsets = struct.unpack_from(shape, inner, 8)
            table = struct.pack(shape, *(offset + by * (offset >= after) for offset in offsets))
            moved.append((kind, inner[:8] + table))
        else:
            moved.append((kind, inner))
    return _joined(moved)
