"""Storyboard panels and grids, drawn from a prompt: what a storyboard department hands over before money is spent.

One scene is read from the words, staged once and seen through as many cameras as there are panels, so that the
panels of a grid are different framings of one thing.
"""

from __future__ import annotations

import io
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from starsend.api_client import ImageRequest, Reference, VideoRequest
from starsend.providers.storyboard.camera import SETUPS
from starsend.providers.storyboard.places import LIGHTS, Light, Rgb
from starsend.providers.storyboard.scene import Framing, framing_of, read_prompt, read_scene
from starsend.providers.storyboard.stage import rng_for, set_stage, shoot
from starsend.tools import picture_file
from starsend.tools.picture_file import as_srgb
from starsend.vendor_faults import BadRequest

PROVIDER = "animatic"

Layout = tuple[int, ...]
"""Rows of a sheet, each as its number of columns: ``(2, 2)`` is the 2x2 grid, ``(1, 2)`` a T."""

GRID: Layout = (2, 2)
SINGLE: Layout = (1,)
WRONG_GRIDS: tuple[Layout, ...] = ((3, 3, 3), (3, 3), (4,), (1, 2), (2, 2, 2))
"""What image models draw when they do not draw the 2x2 they were asked for."""

# As gemini-3-pro-image documents them at 1K; 2K and 4K are twice and four times that.
SIZES_1K: dict[str, tuple[int, int]] = {
    "1:1": (1024, 1024), "16:9": (1376, 768), "9:16": (768, 1376), "4:3": (1200, 896), "3:4": (896, 1200),
    "3:2": (1264, 848), "2:3": (848, 1264), "5:4": (1152, 928), "4:5": (928, 1152), "21:9": (1584, 672),
}  # fmt: skip
TIMES = {"1K": 1, "2K": 2, "4K": 4}


def pixel_size(aspect_ratio: str, size: str) -> tuple[int, int]:
    """Width and height in pixels of a picture, e.g. ``("16:9", "2K")`` -> ``(2752, 1536)``.

    Raises:
        BadRequest: the ratio or the size is not one that Gemini draws; the message lists those.
    """
    if aspect_ratio not in SIZES_1K:
        raise BadRequest(PROVIDER, f"aspect ratio {aspect_ratio!r} is not one of {', '.join(SIZES_1K)}")
    if size not in TIMES:
        raise BadRequest(PROVIDER, f"size {size!r} is not one of {', '.join(TIMES)}")
    width, height = SIZES_1K[aspect_ratio]
    return width * TIMES[size], height * TIMES[size]


def draw_board(request: ImageRequest, layout: Layout | None = None) -> Image.Image:
    """The picture a request asks for: a 2x2 grid if its prompt says 2x2, otherwise one panel.

    Args:
        layout: draw this sheet instead, whatever was asked.

    Returns:
        RGB, of `pixel_size`; the same request always gives the same pixels.

    Raises:
        BadRequest: an unknown size, or a reference that is not a readable picture.
    """
    size = pixel_size(request.aspect_ratio, request.size)
    reading = read_prompt(request.prompt)
    layout = layout or (GRID if reading.grid else SINGLE)
    seed = seed_of(request.prompt, request.aspect_ratio, request.size, request.shot_id, request.attempt, *(r.sha256 for r in request.references))  # fmt: skip
    stage = set_stage(read_scene(" ".join((reading.subject, *reading.panels))), seed)
    framings = _framings(
        reading.panels or (reading.subject,) * (sum(layout) == 1),
        sum(layout),
        seed,
        peopled=any(f.kind in ("person", "rider") for f in stage.scene.cast),
    )
    sheet = Image.new("RGB", size, reading.gutter)
    thumbs = [open_picture(r, within=512) for r in request.references]
    for i, (left, top, right, bottom) in enumerate(_cells(size, layout)):
        panel = shoot(stage, framings[i], (right - left, bottom - top), i)
        said = reading.subject or "".join(reading.panels[i : i + 1])
        _tag(panel, f"{SETUPS[framings[i]].label}  ·  {request.shot_id}", _excerpt(said), stage.scene.light)
        if i == 0:
            _pin(panel, thumbs)
        sheet.paste(panel, (left, top))
    return sheet


def _excerpt(said: str) -> str:
    """The words of a prompt that a slip repeats: its scene, without how to frame it."""
    return re.split(r"(?i)\s*\bframing:", said)[0].replace("@", "").strip(" .")


def draw_shot(request: VideoRequest, index: int, size: tuple[int, int], start: Image.Image) -> Image.Image:
    """One panel for shot ``index`` of a take, in pixels ``size``, in the light and tints of its start frame.

    It carries no slip: the camera will move over it.
    """
    prompt = request.prompts[index]
    seed = seed_of(*request.prompts, request.shot_id, request.attempt, request.start_frame.sha256)
    words = read_prompt(prompt).subject
    scene = read_scene(
        words, context=" ".join(read_prompt(other).subject for other in request.prompts), mood=_mood(start)
    )
    scene = replace(scene, light=_tinted(scene.light, start))
    usual: tuple[Framing, ...] = ("medium", "close", "low", "shoulder", "profile", "wide")
    framing = framing_of(words) or usual[(index - 1) % len(usual)]
    return shoot(set_stage(scene, seed), framing, size, index)


def png(picture: Image.Image) -> bytes:
    """The picture as PNG. Level 1: a fifth of the time of Pillow's default for a tenth more bytes."""
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def open_picture(reference: Reference, *, within: int | None = None) -> Image.Image:
    """A reference as RGB, all of it decoded; shrunk to fit ``within`` pixels a side, where given.

    Raises:
        BadRequest: the file is missing or is not a whole picture.
    """
    path = Path(reference.path)
    try:
        picture = as_srgb(picture_file.open_picture(path, where=path.name)).convert("RGB")
    except picture_file.BadPicture as fault:
        raise BadRequest(PROVIDER, f"reference {reference.name!r} ({path.name}) {fault.what}") from fault
    if within:
        picture.thumbnail((within, within), reducing_gap=2.0)
    return picture


def seed_of(*parts: object) -> bytes:
    """32 bytes that follow from the parts alone: the source of everything drawn at random."""
    return sha256("\x1f".join(map(repr, parts)).encode()).digest()


def _framings(texts: Sequence[str], count: int, seed: bytes, *, peopled: bool) -> list[Framing]:
    """A framing for each panel: what its text asks for, else one that no other panel has."""
    asked = [framing_of(text) for text in texts][:count]
    rng = rng_for(seed, 4)
    spare: list[Framing] = ["wide", "close"] if count > 1 else ["wide", "medium", "low"]
    rest: list[Framing] = ["low", "high", "shoulder", "profile"]
    if not peopled:
        spare, rest = ["wide", "medium"], ["low", "high"]
    rng.shuffle(spare if count == 1 else rest)
    spare = [f for f in (*spare, *rest, "medium") if f not in asked] * 3
    asked += [None] * (count - len(asked))
    return [f or spare.pop(0) for f in asked]


def _cells(size: tuple[int, int], layout: Layout) -> list[tuple[int, int, int, int]]:
    """The panels' boxes in pixels, row by row; the gutters between them lie centred on the even divisions."""
    half = max(round(max(size) * 0.003), 2)  # gutters of 0.6 % of the long side, an even number of pixels
    rows = _spans(size[1], len(layout), half)
    return [
        (left, top, right, bottom)
        for (top, bottom), columns in zip(rows, layout, strict=True)
        for left, right in _spans(size[0], columns, half)
    ]


def _spans(length: int, count: int, half: int) -> list[tuple[int, int]]:
    edges = [round(length * i / count) for i in range(count + 1)]
    return [
        (a + (half if i else 0), b - (half if i < count - 1 else 0))
        for i, (a, b) in enumerate(pairwise(edges))
    ]


def _mood(start: Image.Image) -> Light:
    """The light whose tones come nearest to a picture's."""
    mean = float(np.asarray(start.convert("L").resize((32, 32), Image.Resampling.BOX), float).mean())
    return min(LIGHTS, key=lambda one: abs((one.sky_top + one.sky_low + one.ground) / 3 - mean))


def _tinted(light: Light, start: Image.Image) -> Light:
    """``light`` with the darks and the lights of a picture, so that a drawn shot sits beside it."""
    pixels = np.asarray(start.resize((48, 48), Image.Resampling.BOX), float).reshape(-1, 3)
    pixels = pixels[np.argsort(pixels.sum(axis=1), kind="stable")]
    dark, pale = pixels[:230].mean(axis=0), pixels[-230:].mean(axis=0)
    ink = dark * min(1.0, 58 / max(float(dark.max()), 1))
    paper = pale * 240 / max(float(pale.max()), 1)
    return replace(light, ink=_rgb(ink), paper=_rgb(paper))


def _rgb(colour: NDArray[np.float64]) -> Rgb:
    r, g, b = np.clip(colour, 0, 255).astype(int).tolist()
    return r, g, b


_LETTERS = str.maketrans("øØłŁđÐ’‘“”–—", "oOlLdD''\"\"--", "") | str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe"}
)
"""What Unicode does not take apart by itself."""


def caption(text: str) -> str:
    """``text`` in the letters that Pillow's own font has (ASCII); other scripts leave an ellipsis."""
    latin = text.translate(_LETTERS)
    plain = "".join(c for c in unicodedata.normalize("NFKD", latin) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\x20-\x7e·…]+", "…", " ".join(plain.split())).replace("… …", "…").split())


def _tag(panel: Image.Image, title: str, text: str, light: Light) -> None:
    """The slip in the lower left corner: framing and shot, then two lines of what is seen."""
    width, height = panel.size
    unit = max(min(height, width) / 100, 1.6)
    big, small = ImageFont.load_default(max(unit * 3.6, 8)), ImageFont.load_default(max(unit * 3.0, 7))
    room = width - unit * 12
    letters = max(int(min(room, unit * 82) / (unit * 1.62)), 12)
    lines = textwrap.wrap(caption(text), letters, max_lines=2, placeholder=" …") or [""]
    rows = [(caption(title), big), *((line, small) for line in lines if line.strip(" …"))]
    wide = min(max(font.getlength(row) for row, font in rows), room)
    pad, step = unit * 1.6, unit * 4.3
    box_h = pad * 1.6 + step * len(rows)
    left, top = unit * 3.5, height - unit * 3.5 - box_h
    draw = ImageDraw.Draw(panel)
    box = (left, top, left + wide + pad * 2, top + box_h)
    draw.rounded_rectangle(
        box, unit * 0.9, fill=light.paper, outline=light.ink, width=max(round(unit * 0.28), 1)
    )
    for i, (row, font) in enumerate(rows):
        draw.text((left + pad, top + pad * 0.7 + step * i), row, font=font, fill=light.ink)


def _pin(panel: Image.Image, thumbs: Sequence[Image.Image]) -> None:
    """Pin the references' thumbnails along the top right, as an artist does: proof that they were looked at."""
    side = round(min(panel.size) * 0.13)
    right, edge = panel.width - side // 4, max(side // 40, 1)
    for thumb in thumbs[:6]:
        small = thumb.copy()
        small.thumbnail((side * 2, side))
        right -= small.width + 2 * edge
        if right < panel.width // 3:
            return
        card = Image.new("RGB", (small.width + 2 * edge, small.height + 2 * edge), (250, 250, 246))
        card.paste(small, (edge, edge))
        panel.paste(card, (right, side // 4))
        right -= side // 8
