"""Which colour the gutter of a grid is asked for in: one that the scene does not hold, so that the reader can trust it."""

from __future__ import annotations

import colorsys
import re
import threading
from collections.abc import Iterable
from collections.abc import Sequence as Many
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

from PIL import Image, ImageColor

from starsend.tools.picture_file import open_picture

RGB = tuple[int, int, int]

#: What scenes are made of, by a colour that they bring with them. Names of colours are known without it.
_SCENERY: Final = {
    "#30a030": "grass meadow forest jungle wood woods tree trees leaf leaves garden moss field park ivy emerald",
    "#30b0c0": "sea ocean lake river harbour harbor pool water lagoon sky ice glacier aqua underwater aquarium",
    "#ffffff": "snow fog mist cloud clouds wedding salt foam marble studio paper clinic bathroom",
    "#c030a0": "neon blossom blossoms orchid orchids lavender fuchsia rose roses cyberpunk disco",
    "#000000": "night dark cave space shadow shadows",
    "#e0a030": "sunset sunrise dawn desert sand beach fire gold autumn wheat",
}
_MENTIONED: Final[dict[str, RGB]] = {
    **{name: ImageColor.getrgb(code)[:3] for name, code in ImageColor.colormap.items()},
    **{word: ImageColor.getrgb(code)[:3] for code, words in _SCENERY.items() for word in words.split()},
}
_HUES: Final = 35 / 360  # of the circle: closer hues are one colour once a model has drawn them
_GREY: Final = 0.25  # saturation below which a colour is told by its lightness alone
_NEAR: Final = 60  # levels, a little more than the reader allows a gutter to miss its colour by
_PRESENT: Final = 0.002  # share of a reference's pixels that makes a colour part of the scene
_ONE_AT_A_TIME: Final = threading.Lock()
_SMALL: Final = 64  # pixels each way that are looked at


def gutter_for(scene: str, colours: Many[str], attempt: int, references: Iterable[Image.Image] = ()) -> str:
    """The colour for the ``attempt``-th picture of a round, counted from 0; the same for the same arguments.

    Args:
        scene: the prompt, elements described: colours and scenery that it names are in the picture.
        colours: to choose from, the preferred ones first. Where the scene holds all of them, they are taken in turn.
        references: what the scene will show for certain.
    """
    named = [_MENTIONED[word] for word in re.findall(r"[a-z]+", scene.lower()) if word in _MENTIONED]
    shown = list(references)
    free = [
        colour
        for colour in colours
        if not any(_alike(_rgb(colour), other) for other in named)
        and not any(_share(_rgb(colour), picture) > _PRESENT for picture in shown)
    ]
    choice = free or list(colours)
    return choice[attempt % len(choice)]


def small_of(path: Path, sha256: str) -> Image.Image:
    """A reference reduced to what ``gutter_for`` looks at. Raises BadPicture.

    Remembered by content, and decoded one at a time: a hundred sequences that begin at once share their references.
    """
    with _ONE_AT_A_TIME:
        return _small_of(path, sha256)


@lru_cache(maxsize=256)  # 12 KB each
def _small_of(path: Path, _sha256: str) -> Image.Image:
    return _reduced(open_picture(path))


def _reduced(picture: Image.Image) -> Image.Image:
    return picture.convert("RGB").resize((_SMALL, _SMALL), Image.Resampling.BOX)


def _alike(one: RGB, other: RGB) -> bool:
    """Whether a person would call both by one name."""
    (hue, light, full), (hue2, light2, full2) = (
        colorsys.rgb_to_hls(*(level / 255 for level in rgb)) for rgb in (one, other)
    )
    grey = [
        saturation < _GREY or not 0.05 < lightness < 0.95
        for lightness, saturation in ((light, full), (light2, full2))
    ]
    if any(grey):
        return all(grey) and abs(light - light2) < 0.3
    apart = abs(hue - hue2)
    return min(apart, 1 - apart) < _HUES


def _share(colour: RGB, picture: Image.Image) -> float:
    """The share of a picture's pixels that are near a colour."""
    counted = cast("list[tuple[int, RGB]]", _reduced(picture).getcolors(_SMALL * _SMALL))
    near = (
        count for count, rgb in counted if max(abs(a - b) for a, b in zip(colour, rgb, strict=True)) < _NEAR
    )
    return sum(near) / (_SMALL * _SMALL)


def _rgb(colour: str) -> RGB:
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue
