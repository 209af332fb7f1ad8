"""A multi-shot take as Google's two video models can be told it: one prompt, one start frame, one length.

Neither knows shots. The cuts are written into the prompt, and what the wire cannot say is refused before it is sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Final

from PIL import Image

from starsend.api_client import VideoRequest
from starsend.tools.picture_file import BROKEN
from starsend.vendor_faults import BadRequest

ASPECT_RATIOS: Final = {"16:9": 16 / 9, "9:16": 9 / 16}
"""What both models make. The first wins a tie: a square frame becomes a wide take."""

_FORMATS: Final = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True, slots=True)
class Frame:
    """A start frame as it is sent: its bytes untouched, and the nearest ratio that can be asked for."""

    data: bytes
    mime: str
    aspect_ratio: str


def total_seconds(provider: str, request: VideoRequest) -> Decimal:
    """The length of a take. Raises BadRequest when shots and durations do not pair up."""
    if not request.prompts or len(request.prompts) != len(request.durations):
        raise BadRequest(
            provider,
            f"{len(request.prompts)} shot prompts and {len(request.durations)} durations do not pair up",
        )
    return sum((Decimal(str(seconds)) for seconds in request.durations), Decimal(0))


def resolution_of(provider: str, request: VideoRequest, known: Mapping[str, str]) -> str:
    """The vendor's own word for the resolution. Raises BadRequest where it has none."""
    if request.resolution not in known:
        raise BadRequest(
            provider, f"it has no resolution {request.resolution}, only {', '.join(known)} (video.resolution)"
        )
    return known[request.resolution]


def start_frame_of(provider: str, request: VideoRequest) -> Frame:
    """Read the start frame; only its header is decoded. Raises BadRequest when it is no picture that can be sent."""
    path = request.start_frame.path
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            (width, height), mime = picture.size, Image.MIME[str(picture.format)]
        data = path.read_bytes()
    except BROKEN as broken:
        raise BadRequest(
            provider, f"the start frame {path} cannot be read as {', '.join(_FORMATS)}"
        ) from broken
    ratio = math.log(width / height)
    nearest = min(ASPECT_RATIOS, key=lambda name: abs(math.log(ASPECT_RATIOS[name]) - ratio))
    return Frame(data, mime, nearest)


def prompt_of(request: VideoRequest) -> str:
    """The one prompt of a take. The same shots give the same text, to the letter; docs/providers.md shows it."""
    lines = []
    if len(request.prompts) > 1:
        ends = list(accumulate(Decimal(str(seconds)) for seconds in request.durations))
        lines.append(
            f"A video of {len(request.prompts)} shots with hard cuts between them, at exactly these times. "
            "The given picture is the first frame of the first shot."
        )
        for prompt, start, end in zip(request.prompts, [Decimal(0), *ends], ends, strict=False):
            lines.append(f"{_clock(start)}-{_clock(end)} {prompt}")
    else:
        lines += [request.prompts[0], "The given picture is the first frame."]
    if request.references:
        # Elements are described with the numbers of their pictures, which these models are not sent.
        lines.append("No other reference picture is given: what they show is drawn in the first frame.")
    return "\n".join(lines)


def label_of(step_key: str) -> str:
    """A step key as a label of Google's (lower case, at most 63 letters): its end, which is the unique part."""
    return re.sub(r"[^a-z0-9_-]", "-", step_key.lower())[-63:]


def _clock(at: Decimal) -> str:
    """``0:03``, or ``0:03.5``."""
    minutes, seconds = divmod(at, 60)
    whole, _, part = f"{seconds.normalize():f}".partition(".")
    return f"{minutes:f}:{whole:0>2}" + (f".{part}" if part else "")
