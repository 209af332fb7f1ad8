"""Pictures and videos of a project, and thumbnails of them: made once, cached by the picture's own hash."""

from __future__ import annotations

import mimetypes
import os
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Final

import anyio
import anyio.to_thread
from fastapi import APIRouter, HTTPException, Query
from PIL import Image
from starlette.responses import FileResponse

from client_async.console.board import Board
from client_async.console.meters import Meters
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
"""Nothing else of a project is ever served: its state holds prompts and costs."""


def media_file(project: Path, path: str) -> Path:
    """The file that ``path`` names in a project's media. Raises FileNotFoundError: there is none, or it lies elsewhere.

    A link that leads out of the media folder, and a path that climbs out of it, name nothing.
    """
    if "\0" in path or not path.startswith(f"{MEDIA}/"):
        raise FileNotFoundError(path)
    # pathlib's own resolve tells a loop of links by a RuntimeError.
    real = Path(os.path.realpath(project / path, strict=True))
    inside = real.is_relative_to(os.path.realpath(project / MEDIA))
    if inside and real.suffix.lower() in SHOWN and real.is_file():
        return real
    raise FileNotFoundError(path)


def thumbnail(project: Path, source: Path, width: int, told: Callable[[], object] = lambda: None) -> Path:
    """A picture made smaller, as WebP. Blocking; made at the first call, for each content and width; ``told`` hears of that.

    Raises StarsendError, OSError: it cannot be read, or there is no room.
    """
    status = source.stat()
    digest = _digest(str(source), status.st_mtime_ns, status.st_size)
    made = project / "state" / "console" / "thumbnails" / f"{digest[:32]}-{width}.webp"
    if not made.exists():
        with open_picture(source) as opened:
            picture = as_srgb(opened) if opened.mode == "I;16" else opened  # which Pillow does not reduce
            picture.thumbnail((width, TALLEST), Image.Resampling.LANCZOS)
            small = as_srgb(picture).convert("RGB")
        # All open pages ask at the same moment: each maker writes under a name of its own, and the last one stays.
        own = made.with_name(f"{made.name}.{os.getpid()}-{threading.get_ident()}")
        write_durably(own, partial(small.save, format="WEBP", quality=82))
        own.replace(made)
        told()
    return made


@lru_cache(maxsize=50_000)
def _digest(path: str, _changed: int, _size: int) -> str:
    return sha256_of(Path(path))


def media_routes(board: Board, meters: Meters) -> APIRouter:
    """``/media`` and ``/thumbnail``."""
    routes = APIRouter(include_in_schema=False)
    threads = anyio.CapacityLimiter(2)

    def found(project: str, path: str) -> tuple[Path, Path]:
        try:
            folder = board.project(project).place.folder
            return folder, media_file(folder, path)
        except (StarsendError, OSError):
            raise HTTPException(404, "there is no such file") from None

    @routes.api_route("/media/{project}/{path:path}", methods=["GET", "HEAD"])
    def media(project: str, path: str) -> FileResponse:
        """The file itself; a part of it where a Range is asked for."""
        _, file = found(project, path)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return FileResponse(file, media_type=kind, headers=ASK_AGAIN)

    @routes.get("/thumbnail/{project}/{path:path}")
    async def small(project: str, path: str, width: Annotated[int, Query()] = 320) -> FileResponse:
        """The picture made smaller."""
        folder, file = found(project, path)
        if width not in WIDTHS:
            raise HTTPException(422, f"widths are {', '.join(map(str, WIDTHS))}")
        try:
            made = await anyio.to_thread.run_sync(
                thumbnail, folder, file, width, meters.thumbnail_made, limiter=threads
            )
        except (StarsendError, OSError):
            raise HTTPException(404, "no thumbnail can be made of it") from None
        return FileResponse(made, media_type="image/webp", headers=FOR_EVER)

    return routes
