"""The timed animatic: drawn shots with camera moves, cut to length, as an H.264 MP4 (yuv420p, 24 fps).

Frames are made in YUV and streamed to the encoder: a moving picture costs 1.5 bytes a pixel that way instead of
the 4 that Pillow spends on RGB, and no frame waits for another.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw, ImageFont

from starsend.api_client import VideoRequest
from starsend.providers.storyboard.board import PROVIDER, caption, draw_shot, open_picture
from starsend.vendor_faults import BadRequest

FPS = 24
SHORT_SIDES = {"360p": 360, "480p": 480, "720p": 720, "1080p": 1080}
# Equal takes must be equal bytes. x264's depend on its number of threads, which would be the machine's (takes are
# rendered side by side, so the other cores are not idle); and its macroblock tree reads past the rows of pictures
# whose width is no multiple of 128 and lets what lies there decide (seen with MALLOC_PERTURB_).
_X264 = {"crf": "17", "preset": "veryfast", "threads": "1", "mbtree": "0"}
_BT709 = 1
"""H.273 code for BT.709 primaries, transfer and matrix; and FFmpeg's for limited range."""

Move = Literal["push in", "pull out", "pan left", "pan right", "tilt up", "tilt down", "hold"]
_MOVES: tuple[tuple[Move, str], ...] = (
    ("hold", r"hold|static|locked[- ]off|still"),
    (
        "push in",
        r"push(?:es|ing)?[- ]?in|dolly[- ]?in|zoom(?:s|ing)?[- ]?in|move(?:s)? in|track(?:s|ing)? in",
    ),
    (
        "pull out",
        r"pull(?:s|ing)?[- ]?(?:out|back)|dolly[- ]?out|zoom(?:s|ing)?[- ]?out|track(?:s|ing)? (?:out|back)",
    ),
    ("pan left", r"pan(?:s|ning)?(?: slowly)?(?: to the)? left"),
    ("pan right", r"pan(?:s|ning)?(?: slowly)?(?: to the)? right|pan"),
    ("tilt up", r"tilt(?:s|ing)?(?: slowly)? up|crane(?:s)? up"),
    ("tilt down", r"tilt(?:s|ing)?(?: slowly)? down|crane(?:s)? down"),
)
_AIMS: dict[Move, tuple[float, float]] = {
    "pan left": (-1, 0),
    "pan right": (1, 0),
    "tilt up": (0, -1),
    "tilt down": (0, 1),
}

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in parts of the picture, 0..1."""
Planes = tuple[Image.Image, Image.Image, Image.Image]


def check_take(request: VideoRequest) -> None:
    """Whether the animatic can be made at all.

    Raises:
        BadRequest: shots and durations do not pair up, the resolution is unknown, or a picture is unreadable.
    """
    if not request.prompts or len(request.prompts) != len(request.durations):
        raise BadRequest(
            PROVIDER,
            f"{len(request.prompts)} shot prompts and {len(request.durations)} durations do not pair up",
        )
    if min(request.durations) * FPS < 1:
        raise BadRequest(PROVIDER, f"a shot of {min(request.durations):g} s is shorter than one frame")
    video_size(request.resolution, open_picture(request.start_frame).size)
    for reference in request.references:
        open_picture(reference, within=64)


def video_size(resolution: str, start: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the video: the start frame's shape, its short side that of ``resolution``, both even.

    Raises:
        BadRequest: the resolution is not one of those known; lists them.
    """
    if resolution not in SHORT_SIDES:
        raise BadRequest(PROVIDER, f"resolution {resolution!r} is not one of {', '.join(SHORT_SIDES)}")
    scale = SHORT_SIDES[resolution] / min(start)
    width, height = (round(side * scale / 2) * 2 for side in start)
    return width, height


def frame_counts(durations: tuple[float, ...]) -> list[int]:
    """Frames of each shot. Cuts lie on round(24 x time so far), so the whole is right to a frame however many shots."""
    cuts = [0, *(round(total * FPS) for total in accumulate(durations))]
    return [b - a for a, b in pairwise(cuts)]


def move_of(prompt: str) -> Move:
    """The camera move that a shot prompt asks for; a slow push where it asks for none."""
    found = [(m.start(), name) for name, words in _MOVES if (m := re.search(rf"(?i)\b(?:{words})\b", prompt))]
    return min(found)[1] if found else "push in"


def render_take(request: VideoRequest, path: Path) -> None:
    """Write the whole take to ``path`` as MP4. The first frame is the start frame; equal requests give equal bytes.

    Raises:
        BadRequest: as `check_take`.
    """
    start = open_picture(request.start_frame)
    size = video_size(request.resolution, start.size)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options=_X264)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.gop_size = FPS * 2  # a keyframe every two seconds, for scrubbing
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = ColorRange.MPEG
        for number, frame in enumerate(_frames(request, start, size)):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _frames(request: VideoRequest, start: Image.Image, size: tuple[int, int]) -> Iterator[av.VideoFrame]:
    number, shots = 0, len(request.prompts)
    for index, count in enumerate(frame_counts(request.durations)):
        # A little larger than the video, so that the end of a push in still has its pixels.
        room = (size[0] * 9 // 8, size[1] * 9 // 8)
        picture = (
            start.resize(room, Image.Resampling.LANCZOS)
            if index == 0
            else draw_shot(request, index, room, start)
        )
        planes = _planes(picture)
        first, last = _path(move_of(request.prompts[index]), request.durations[index], opening=index == 0)
        words = caption(request.prompts[index].partition("\n")[0]) if index else ""
        slate = _Slate(f"SHOT {index + 1}/{shots}", words, size)
        for i in range(count):
            t = i / max(count - 1, 1)
            eased = t * t * (3 - 2 * t)
            box = tuple(a + (b - a) * eased for a, b in zip(first, last, strict=True))
            yield _frame(planes, (box[0], box[1], box[2], box[3]), size, slate, number)
            number += 1


def _path(move: Move, seconds: float, *, opening: bool) -> tuple[Box, Box]:
    """Where the camera's window begins and ends. An opening shot begins on the whole start frame."""
    depth = min(0.05 + 0.015 * seconds, 0.14)
    whole: Box = (0.0, 0.0, 1.0, 1.0)
    near = _window(depth, 0, 0)
    if move in _AIMS:
        x, y = _AIMS[move]
        return (whole if opening else _window(depth, -x, -y)), _window(depth, x, y)
    if move == "pull out":  # nothing is known beyond a start frame that one could pull out to
        return (whole, whole) if opening else (near, whole)
    return (whole, whole) if move == "hold" else (whole, near)


def _window(depth: float, x: float, y: float) -> Box:
    """A window ``depth`` smaller than the picture, pushed to a side (-1..1)."""
    left, top = depth / 2 * (1 + x), depth / 2 * (1 + y)
    return left, top, left + 1 - depth, top + 1 - depth


def _planes(picture: Image.Image) -> Planes:
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24").reformat(
        format="yuv444p", dst_colorspace=Colorspace.ITU709
    )
    y, u, v = (Image.fromarray(plane) for plane in frame.to_ndarray())
    return y, u, v


def _frame(planes: Planes, box: Box, size: tuple[int, int], slate: _Slate, number: int) -> av.VideoFrame:
    half = (size[0] // 2, size[1] // 2)
    w, h = planes[0].size
    window = (box[0] * w, box[1] * h, box[2] * w, box[3] * h)
    y = planes[0].resize(size, Image.Resampling.BICUBIC, window)
    u, v = (plane.resize(half, Image.Resampling.BILINEAR, window) for plane in planes[1:])
    slate.burn(y, u, v, number)
    flat = np.concatenate([np.asarray(plane).ravel() for plane in (y, u, v)])
    return av.VideoFrame.from_ndarray(flat.reshape(size[1] * 3 // 2, size[0]), format="yuv420p")


class _Slate:
    """The burn-in, small in the upper left corner: shot number, running timecode and, on drawn shots, the words."""

    def __init__(self, label: str, words: str, size: tuple[int, int]) -> None:
        unit = max(min(size) // 40, 9)
        self._font, self._top = ImageFont.load_default(unit), unit * 0.2
        # Fixed steps: a proportional 1 would make the running digits dance.
        digit = self._font.getlength("0") * 1.04
        self._steps = list(
            accumulate(
                (digit * (0.6 if i % 3 == 2 else 1) for i in range(10)),
                initial=self._font.getlength(label) + unit,
            )
        )
        end = self._steps[-1] + digit + unit
        words = (
            textwrap.shorten(words, max(int((size[0] - end) / unit * 1.5), 8), placeholder=" …")
            if words
            else ""
        )
        wide = round(end + (self._font.getlength(words) + unit if words else 0)) // 2 * 2
        self._strip = Image.new(
            "L", (min(wide, (size[0] - unit * 2) // 2 * 2), round(unit * 1.5) // 2 * 2), 24
        )
        draw = ImageDraw.Draw(self._strip)
        draw.text((unit * 0.5, self._top), label, 200, self._font)
        draw.text((end, self._top), words, 200, self._font)
        self._corner = (unit // 2 * 2, unit // 2 * 2)

    def burn(self, y: Image.Image, u: Image.Image, v: Image.Image, number: int) -> None:
        """Put the strip for frame ``number`` into the three planes."""
        strip = self._strip.copy()
        draw = ImageDraw.Draw(strip)
        for left, letter in zip(self._steps, timecode(number), strict=True):
            draw.text((left, self._top), letter, 225, self._font)
        y.paste(strip, self._corner)
        left, top = (side // 2 for side in self._corner)
        for plane in (u, v):
            plane.paste(128, (left, top, left + strip.width // 2, top + strip.height // 2))


def timecode(number: int) -> str:
    """Frame ``number``, from 0, as HH:MM:SS:FF."""
    seconds, frame = divmod(number, FPS)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frame:02}"
