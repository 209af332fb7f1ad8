"""What a grid reader says of a picture, and the words it says it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from PIL import Image, ImageColor, ImageDraw

from starsend.errors import BadInput
from starsend.tools.picture_file import as_srgb
from starsend.tools.picture_words import captioned, framed

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first column and row outside."""

Cells: TypeAlias = tuple[Box, Box, Box, Box]
"""Top-left, top-right, bottom-left, bottom-right."""

RGB: TypeAlias = tuple[int, int, int]
Reason: TypeAlias = Literal[
    "ok", "single", "wrong_layout", "unequal", "blank", "blank_cell", "corrupt", "too_small"
]

MIN_CELL: Final = 64
"""Pixels each way: smaller than any start frame a video model takes."""


class BadColour(BadInput):
    """A gutter colour that is neither a known name, nor ``#rrggbb``, nor three levels 0..255."""

    def __init__(self, value: object) -> None:
        super().__init__(
            f"unknown colour {value!r}", remedy="use a name such as white or magenta, or #rrggbb"
        )


@dataclass(frozen=True)
class Gutter:
    """What lies between the cells: widths in pixels of the source, and colours where there is a width."""

    vertical: int
    horizontal: int
    vertical_colour: RGB | None
    horizontal_colour: RGB | None


@dataclass(frozen=True)
class GridVerdict:
    """What was seen in a picture. ``cells`` and ``gutter`` are set exactly when ``ok``.

    ``rows`` and ``columns`` are what the seams suggest, None where nobody looked; ``near_duplicates`` holds
    pairs of cell numbers 1..4 in reading order; ``confidence`` runs from 0 to 1 and is the weakest arm's
    evidence; ``as_asked`` whether both gutters have the colour that was expected, None when none was; ``detail`` adds
    what ``explain`` could not know from the rest.
    """

    ok: bool
    reason: Reason
    cells: Cells | None = None
    rows: int | None = None
    columns: int | None = None
    near_duplicates: tuple[tuple[int, int], ...] = ()
    gutter: Gutter | None = None
    confidence: float = 0.0
    as_asked: bool | None = None
    detail: str = ""

    def explain(self) -> str:
        """One sentence for a person: what the picture is, or why it is not a grid."""
        if self.ok and self.gutter:
            alike = "".join(f"; cells {a} and {b} are nearly the same" for a, b in self.near_duplicates)
            colour = "" if self.as_asked in (True, None) else ", not of the colour that was asked for"
            widths = f"{self.gutter.vertical} and {self.gutter.horizontal} px"
            return f"A 2x2 grid, gutters {widths} wide{colour}, confidence {self.confidence:.2f}{alike}."
        return {
            "single": f"One picture {self.detail}."
            if self.detail
            else "One picture: no seam runs along its middle lines.",
            "wrong_layout": f"Not a 2x2 grid: {self.detail}.",
            "unequal": "The cells differ in size: the seams are not at the middle.",
            "blank": "The picture is blank.",
            "blank_cell": f"A 2x2 grid, but {self.detail} is blank.",
            "corrupt": f"The picture cannot be used: {self.detail}",
            "too_small": f"Too small: {self.detail}, and a cell needs {MIN_CELL} px each way.",
        }[self.reason]

    def overlay(self, image: Image.Image) -> Image.Image:
        """A copy of ``image`` (the one that was read) in RGB: each cell framed and numbered, or a red frame and why.

        The reason stands beneath a picture that is too small for it, and the copy is larger then.
        """
        sheet = as_srgb(image).convert("RGB")
        if not self.cells:
            return captioned(sheet, "#ff3030", self.explain())
        draw = ImageDraw.Draw(sheet)
        twins: dict[int, list[int]] = {}
        for one, other in self.near_duplicates:
            twins.setdefault(one, []).append(other)
            twins.setdefault(other, []).append(one)
        for number, box in enumerate(self.cells, start=1):
            like = "".join(f" = {twin}" for twin in sorted(twins.get(number, ())))
            framed(draw, box, "#ffb000" if like else "#20e070", f"{number}{like}")
        return sheet


def parse_colour(value: str | RGB) -> RGB:
    """``white``, ``#ff00aa`` or ``(255, 0, 170)`` as three levels; transparency is dropped.

    Raises:
        BadColour: it is none of these.
    """
    try:
        red, green, blue = ImageColor.getrgb(value)[:3] if isinstance(value, str) else value
    except (ValueError, TypeError) as error:
        raise BadColour(value) from error
    if not all(0 <= level <= 255 for level in (red, green, blue)):
        raise BadColour(value)
    return red, green, blue
