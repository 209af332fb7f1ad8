"""Small whole files of every kind that a vendor may deliver."""

from __future__ import annotations

import io
import random
import struct
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image


def picture(form: str, mode: str = "RGB", size: tuple[int, int] = (60, 40), **how: Any) -> bytes:
    """Noise, as a file of that format."""
    noise = Image.effect_noise(size, 80)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(noise).astype(np.uint16) * 257 + 3)
    else:
        image = noise.convert(mode)
    out = io.BytesIO()
    image.save(out, form, **how)
    return out.getvalue()


def film(*, faststart: bool = False, fragments: bool = False, form: str = "mp4", **tags: str) -> bytes:
    """Half a second of picture and sound."""
    flags = "+".join(["", *["faststart"] * faststart, *["frag_keyframe+empty_moov"] * fragments])
    with tempfile.TemporaryDirectory() as folder:  # an index that goes to the front is moved within a file
        path = Path(folder) / "film"
        _encode(path, form, {"movflags": flags} if flags else {}, tags)
        return path.read_bytes()


def _encode(path: Path, form: str, options: dict[str, str], tags: dict[str, str]) -> None:
    with av.open(str(path), "w", format=form, options=options) as container:
        container.metadata.update(tags)
        video = container.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=48_000)
        sound.layout = "stereo"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 9, np.uint8), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for number in range(24):
            tone = np.sin(np.arange(1024) / 9 + number)[None].repeat(2, 0).astype(np.float32)
            heard = av.AudioFrame.from_ndarray(tone, format="fltp", layout="stereo")
            heard.sample_rate, heard.pts = 48_000, number * 1024
            container.mux(sound.encode(heard))
        container.mux(sound.encode(None))


def frameless() -> bytes:
    """An MP4 with a video track in which nothing is."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    return out.getvalue()


def large_film(film: bytes) -> bytes:
    """The same with 600 KB behind it that no player looks at."""
    noise = random.Random(7).randbytes(600_000)
    return film + struct.pack(">I4s", 8 + len(noise), b"free") + noise


def large_picture(size: tuple[int, int]) -> bytes:
    """A PNG with 600 KB of noise, which no encoder makes smaller."""
    picture, out = Image.new("RGB", size), io.BytesIO()
    picture.paste(grain((500, 400)))
    picture.save(out, "PNG")
    return out.getvalue()


def grain(size: tuple[int, int]) -> Image.Image:
    """Noise, three bytes a pixel."""
    return Image.frombytes("RGB", size, random.Random(7).randbytes(3 * size[0] * size[1]))


def packets(data: bytes) -> list[tuple[int, int | None, int | None, bytes]]:
    """Every packet of a film, with the stream and the times it belongs to."""
    with av.open(io.BytesIO(data), "r") as container:
        return [(p.stream_index, p.pts, p.dts, bytes(p)) for p in container.demux()]


def levels(data: bytes) -> tuple[int, list[bytes]]:
    """The decoded frames of a film, and how long it lasts in microseconds."""
    with av.open(io.BytesIO(data), "r") as container:
        return container.duration or 0, [f.to_ndarray().tobytes() for f in container.decode(video=0)]
