"""An MP4 for people outside: its pictures and sound, and not a word of who made it, how, or from what prompt.

Tags, content credentials and whatever else no player needs are written over with zeros where they lie, as boxes of free
space. So no packet moves, no offset changes, and a file made of fragments is served as well as any.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from starsend.errors import StarsendError
from starsend.files import write_durably
from starsend.tools import mp4_comment
from starsend.tools.mp4_comment import NoComment

_BLOCK: Final = 1 << 20  # bytes held at a time
_MOST: Final = 100_000  # boxes; an hour in fragments of half a second has 80,000
_NEEDED: Final[dict[bytes, frozenset[bytes]]] = {
    b"": frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"mfra", b"sidx", b"ssix", b"wide"}),
    b"moov": frozenset({b"mvhd", b"trak", b"mvex", b"iods"}),
    b"trak": frozenset({b"tkhd", b"edts", b"tref", b"mdia"}),
    b"mdia": frozenset({b"mdhd", b"hdlr", b"minf", b"elng"}),
    b"minf": frozenset({b"vmhd", b"smhd", b"nmhd", b"gmhd", b"hdlr", b"dinf", b"stbl"}),
    b"stbl": frozenset(
        b"stsd stts ctts cslg stss stps stsc stsz stz2 stco co64 sdtp sbgp sgpd subs saiz saio".split()
    ),
    b"moof": frozenset({b"mfhd", b"traf"}),
    b"traf": frozenset(b"tfhd trun tfdt sdtp sbgp sgpd subs saiz saio".split()),
}
"""What a player needs, by the box that holds it."""
_SHOWN: Final = frozenset({b"vide", b"soun", b"tmcd"})
_HANDLERS: Final = _SHOWN | {b"alis", b"url "}  # QuickTime's way of saying where the packets are


class NotPlain(StarsendError):
    """A video cannot be given without what it says of its making."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"it cannot be freed of what it says of its making ({why})",
            where=str(path),
            remedy="choose another take, or export it by hand",
        )


class _Box(NamedTuple):
    kind: bytes
    start: int
    inside: int
    """Where its content begins."""
    stop: int


def check_plain(path: Path) -> None:
    """Whether ``copy_plain`` can do it, told from the file's index alone. Raises NotPlain, OSError."""
    with path.open("rb") as file:
        _blanks(file, path)


def copy_plain(source: Path, target: Path, *, where: str = "") -> None:
    """Write a copy of ``source`` that says nothing of its making, whole and synced, of the same length, packet for packet.

    Args:
        where: how an error names the video; its path, when empty.

    Raises:
        NotPlain: it is no MP4, or damaged, or holds a track that is neither picture nor sound; ``target`` is not there then.
        CannotWrite: the disk refused.
        OSError: ``source`` cannot be read.
    """
    name = Path(where) if where else source
    with source.open("rb") as file:
        write_durably(target, partial(_copy, file, _blanks(file, name)))
        try:
            with target.open("rb") as copy:
                if mp4_comment.essence(copy) != mp4_comment.essence(file):
                    raise NotPlain(name, "its copy does not read back")
        except NoComment as wrong:
            target.unlink()
            raise NotPlain(name, "its packets cannot be read") from wrong
        except BaseException:
            target.unlink()
            raise


def _copy(source: BinaryIO, blanks: list[tuple[int, bytes, int]], into: BinaryIO) -> None:
    source.seek(0)
    shutil.copyfileobj(source, into, _BLOCK)
    for at, begin, zeros in blanks:
        into.seek(at)
        into.write(begin)
        for done in range(0, zeros, _BLOCK):
            into.write(bytes(min(_BLOCK, zeros - done)))


def _blanks(file: BinaryIO, path: Path) -> list[tuple[int, bytes, int]]:
    """Where to write what, and how many zeros behind it."""
    found: list[tuple[int, bytes, int]] = []
    boxes = list(_boxes(file, path, 0, file.seek(0, os.SEEK_END)))
    if not boxes or boxes[0].kind != b"ftyp" or not any(box.kind == b"moov" for box in boxes):
        raise NotPlain(path, "it is no MP4")
    _look(file, path, b"", boxes, found)
    return found


def _look(
    file: BinaryIO, path: Path, parent: bytes, boxes: list[_Box], found: list[tuple[int, bytes, int]]
) -> None:
    for box in boxes:
        if box.kind not in _NEEDED[parent]:
            found.append((box.start + 4, b"free", 0))
            found.append((box.inside, b"", box.stop - box.inside))
        elif box.kind in _NEEDED:
            _look(file, path, box.kind, list(_boxes(file, path, box.inside, box.stop)), found)
        elif box.kind == b"hdlr":
            found.append(_nameless(file, path, box))


def _nameless(file: BinaryIO, path: Path, box: _Box) -> tuple[int, bytes, int]:
    """A handler without its name, in which vendors sign. Tracks of other kinds hold words, which are not shown."""
    file.seek(box.inside)
    head = file.read(24)
    if len(head) < 24 or head[8:12] not in _HANDLERS:
        raise NotPlain(path, "it holds a track that is neither picture nor sound")
    return box.inside + 24, b"", box.stop - box.inside - 24


def _boxes(file: BinaryIO, path: Path, start: int, stop: int) -> Iterator[_Box]:
    at = start
    for _ in range(_MOST):
        if at >= stop:
            return
        file.seek(at)
        head = file.read(16)
        length, kind, inside = int.from_bytes(head[:4]), head[4:8], at + 8
        if length == 1:
            length, inside = int.from_bytes(head[8:]), at + 16
        elif length == 0:  # to the end
            length = stop - at
        if at + length > stop or inside > at + length or len(kind) < 4:
            raise NotPlain(path, "it is damaged")
        yield _Box(kind, at, inside, at + length)
        at += length
    raise NotPlain(path, "it has more boxes than any film")
