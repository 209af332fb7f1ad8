"""The last frame of a video as a picture, for the take that goes on where it ends."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Final

import av
from av.error import FFmpegError
from PIL import Image

from starsend.errors import StarsendError
from starsend.files import write_durably

_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""As many videos are decoded at once, whoever waits: docs/measured.md has what hundreds of vendors' threads do to the memory."""


class NoLastFrame(StarsendError):
    """A video whose last frame cannot be read."""

    def __init__(self, video: Path, why: object) -> None:
        super().__init__(
            f"its last frame cannot be read ({why})", where=str(video), remedy="restore it from a backup"
        )


def keep_last_frame(video: Path, picture: Path) -> None:
    """Write the last frame of ``video`` to ``picture`` as a lossless PNG, durably; one that is there already stays.

    It stays because the next take is known by its hash: another release of the decoder may round another way.

    Raises:
        NoLastFrame: the video cannot be decoded.
        CannotWrite: the disk refused.
    """
    if picture.is_file():
        return
    last = None
    try:
        with _AT_ONCE, av.open(video) as container:
            for last in container.decode(video=0):  # noqa: B007 - the last one is wanted
                pass
        image = Image.fromarray(last.to_ndarray(format="rgb24")) if last is not None else None
    except (FFmpegError, IndexError, OSError, ValueError) as wrong:
        raise NoLastFrame(video, getattr(wrong, "strerror", None) or wrong) from wrong
    if image is None:
        raise NoLastFrame(video, "it has none")
    write_durably(picture, partial(image.save, format="PNG"))
