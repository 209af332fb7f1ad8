"""Pictures and videos of a project, and thumbnails of them: made once, cached by the picture's own hash."""

from __future__ import annotations

import mimetypes
import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Annotated, BinaryIO, Final

from fastapi import APIRouter, HTTPException, Query
from PIL import Image
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from client_async.console.board import Board
from client_async.console.meters import Meters
from client_async.console.threads import Threads
from starsend.errors import StarsendError
from starsend.files import sha256_of, write_durably
from starsend.tools.picture_file import as_srgb, open_picture

SHOWN: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".mp4", ".webm", ".gif", ".avif", ".tif", ".tiff"}
)
WIDTHS: Final = (160, 320, 640, 1280)
"""Pixels: list and list on a fine screen, card, card on a fine screen."""
TALLEST: Final = 4096
"""Pixels of a thumbnail's height; WebP holds 16,383."""
FOR_EVER: Final = {"cache-control": "private, max-age=31536000, immutable"}
ASK_AGAIN: Final = {"cache-control": "private, no-cache"}
MEDIA: Final = "media"
ELEMENTS: Final = "elements"
"""Nothing but pictures and videos of these folders is ever served: a project's state holds prompts and costs."""


def media_file(project: Path, path: str, *, shelf: str = MEDIA) -> Path:
    """The file that ``path`` names in a project's media. Raises FileNotFoundError: there is none, or it lies elsewhere.

    A link that leads out of the folder, and a path that climbs out of it, name nothing.

    Args:
        path: from the project's folder, ``shelf`` first.
    """
    if "\0" in path or not path.startswith(f"{shelf}/"):
        raise FileNotFoundError(path)
    # pathlib's own resolve tells a loop of links by a RuntimeError.
    real = Path(os.path.realpath(project / path, strict=True))
    inside = real.is_relative_to(os.path.realpath(project / shelf))
    if inside and real.suffix.lower() in SHOWN and real.is_file():
        return real
    raise FileNotFoundError(path)


def open_media(project: Path, path: str, *, shelf: str = MEDIA) -> BinaryIO:
    """``media_file``, opened; a link that somebody puts in its place, or a folder's, meanwhile, is not followed. Raises OSError."""
    real, base = media_file(project, path, shelf=shelf), os.path.realpath(project / shelf)
    *folders, name = real.relative_to(base).parts
    folder = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for inner in folders:
            outer = folder
            folder = os.open(inner, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=outer)
            os.close(outer)
        # Into a pipe that lies there by now nobody may ever write.
        file = os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder), "rb")
    finally:
        os.close(folder)
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise FileNotFoundError(path)


def path_of(file: IO[bytes]) -> Path:
    """An open file once more, from its beginning, for what takes paths alone; holds while it is open."""
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # elsewhere than on Linux both stand in one place
    return Path(f"/dev/fd/{file.fileno()}")


def digest_of(file: BinaryIO) -> str:
    """A file's SHA-256; read once for each content."""
    status = os.fstat(file.fileno())
    return _digest(_Content(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, path_of(file)))


@dataclass(frozen=True, slots=True)
class _Content:
    device: int
    inode: int
    changed: int
    size: int
    path: Path = field(compare=False)


@lru_cache(maxsize=50_000)
def _digest(content: _Content) -> str:
    return sha256_of(content.path)


def thumbnail(project: Path, source: BinaryIO, width: int, told: Callable[[], object] = lambda: None) -> Path:
    """A picture made smaller, as WebP. Blocking; made at the first call, for each content and width; ``told`` hears of that.

    Raises StarsendError, OSError: it cannot be read, or there is no room.
    """
    made = project / "state" / "console" / "thumbnails" / f"{digest_of(source)[:32]}-{width}.webp"
    if not made.exists():
        with open_picture(path_of(source)) as opened:
            picture = as_srgb(opened) if opened.mode == "I;16" else opened  # which Pillow does not reduce
            picture.thumbnail((width, TALLEST), Image.Resampling.LANCZOS)
            small = as_srgb(picture).convert("RGB")
        # All open pages ask at the same moment: each maker writes under a name of its own, and the last one stays.
        own = made.with_name(f"{made.name}.{os.getpid()}-{threading.get_ident()}")
        write_durably(own, partial(small.save, format="WEBP", quality=82))
        own.replace(made)
        told()
    return made


class OpenFile(FileResponse):
    """What is in an open file, or a part of it, whatever has been put under its name since; closes it."""

    def __init__(self, file: IO[bytes], kind: str, headers: Mapping[str, str]) -> None:
        super().__init__(path_of(file), media_type=kind, headers=headers, stat_result=os.fstat(file.fileno()))
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await super().__call__(scope, receive, send)


def media_routes(board: Board, meters: Meters) -> APIRouter:
    """``/media`` and ``/thumbnail``."""
    routes = APIRouter(include_in_schema=False)
    run = Threads(2).run

    def opened(project: str, path: str) -> BinaryIO:
        try:
            return open_media(board.project(project).place.folder, path)
        except (StarsendError, OSError):
            raise HTTPException(404, "there is no such file") from None

    def smaller(project: str, path: str, width: int) -> BinaryIO:
        with opened(project, path) as file:
            folder = board.project(project).place.folder
            return thumbnail(folder, file, width, meters.thumbnail_made).open("rb")

    @routes.get("/media/{project}/{path:path}")
    def media(project: str, path: str) -> OpenFile:
        """The file itself; a part of it where a Range is asked for."""
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        return OpenFile(opened(project, path), kind, ASK_AGAIN)

    @routes.get("/thumbnail/{project}/{path:path}")
    async def small(project: str, path: str, width: Annotated[int, Query()] = 320) -> OpenFile:
        """The picture made smaller."""
        if width not in WIDTHS:
            raise HTTPException(422, f"widths are {', '.join(map(str, WIDTHS))}")
        try:
            made = await run(smaller, project, path, width)
        except (StarsendError, OSError):
            raise HTTPException(404, "no thumbnail can be made of it") from None
        return OpenFile(made, "image/webp", FOR_EVER)

    return routes
