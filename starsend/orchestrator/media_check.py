"""Is a file that a vendor delivered really the picture or the video it claims to be? Decoded to the end."""

from __future__ import annotations

import math
import os
import re
import threading
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from starsend.errors import BadInput, StarsendError
from starsend.orchestrator.records import StepKind

AT_ONCE: Final = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
"""Decoding happens in the vendors' threads, of which there may be hundreds. docs/measured.md measured 64 to 256 of
them decoding at once: 400 to 710 MB and an event loop stalled for a second; behind two, 57 MB and 5 ms."""

NEAR_SHAPE, NEAR_AREA = 0.03, 0.1
"""By how much, as a logarithm, a picture may miss what was asked: Gemini's own sizes miss it by 0.01 and 0.025 at most."""
_RATIO: Final = re.compile(r"([1-9]\d*):([1-9]\d*)")
_SIZE: Final = re.compile(r"([1-9])K")

_PICTURES: Final = {
    b"\x89PNG\r\n\x1a\n": ("image/png", ".png"),
    b"\xff\xd8\xff": ("image/jpeg", ".jpg"),
    b"RIFF": ("image/webp", ".webp"),
}


class BrokenMedia(StarsendError):
    """A delivered file does not decode to its end. ``path`` is where its bytes are."""

    def __init__(self, path: Path, why: str) -> None:
        self.why = why
        super().__init__(f"the delivered file is broken ({why})", where=str(path), remedy="it is kept there")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a whole file holds, told from its bytes. ``suffix`` is the one its format deserves, e.g. ``.png``."""

    mime: str
    suffix: str
    width: int
    height: int
    frames: int | None = None
    seconds: Decimal | None = None


def check_media(path: Path, kind: StepKind) -> Checked:
    """Decode ``path`` to its end: a picture for a keyframe, a video for a multi-shot take. Raises BrokenMedia."""
    with AT_ONCE:
        return _check_picture(path) if kind == "keyframe" else _check_video(path)


def is_of_size(width: int, height: int, aspect_ratio: str, size: str) -> bool:
    """Whether a picture is about what was asked for, e.g. ``16:9`` at ``2K``: vendors round, 2752x1536 is not quite 16:9.

    A ratio or a size that is spelt in a vendor's own way is not judged.
    """
    ratio, thousands = _RATIO.fullmatch(aspect_ratio), _SIZE.fullmatch(size)
    if not ratio or not thousands:
        return True
    shape = width / height * int(ratio[2]) / int(ratio[1])
    area = width * height / (int(thousands[1]) * 1024) ** 2
    return abs(math.log(shape)) < NEAR_SHAPE and abs(math.log(area)) < NEAR_AREA


def _check_picture(path: Path) -> Checked:
    with path.open("rb") as file:
        head = file.read(16)
    known = next((kind for magic, kind in _PICTURES.items() if head.startswith(magic)), None)
    if known is None:
        raise BrokenMedia(path, "it is no PNG, JPEG or WebP picture")
    from starsend.tools.picture_file import open_picture  # numpy, as PyAV below

    try:
        picture = open_picture(path)
    except BadInput as wrong:
        raise BrokenMedia(path, wrong.what) from wrong
    return Checked(*known, *picture.size)


def _check_video(path: Path) -> Checked:
    import av  # 17 MB, which a daemon whose sequences all wait does without
    from av.error import FFmpegError

    try:
        with av.open(path) as container:
            if "mp4" not in container.format.name:
                raise BrokenMedia(path, f"it is {container.format.name}, not an MP4")
            stream = container.streams.video[0]
            frames = sum(1 for _ in container.decode(stream))
            promised, rate = stream.frames, stream.average_rate or Fraction(1)
            size = stream.codec_context.width, stream.codec_context.height
    except (FFmpegError, IndexError, OSError, ValueError) as wrong:
        why = getattr(wrong, "strerror", None) or wrong
        raise BrokenMedia(path, f"no video can be read from it: {why}") from wrong
    if frames == 0 or frames < promised:
        raise BrokenMedia(path, f"{frames} of {promised} frames can be read")
    seconds = (Decimal(frames) * rate.denominator / rate.numerator).quantize(Decimal("0.001"))
    return Checked("video/mp4", ".mp4", *size, frames=frames, seconds=seconds)
