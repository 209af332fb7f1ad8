"""Reading pictures for somebody who wants to know: the verdict in words or JSON, and the picture with it drawn on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from starsend.errors import StarsendError
from starsend.tools.grid_layout import GridVerdict, parse_colour, read_grid
from starsend.tools.image_utils import BadPicture, open_picture, save_picture
from starsend.tools.picture_file import is_marked

SUFFIX: Final = ".inspected.png"
"""What an overlay's name ends in."""

MARK: Final = "starsend inspect"
"""What an overlay says of itself: only a file with this mark is ours to replace, and is no picture to be read."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was seen of one picture. ``overlay``: where the verdict is drawn, None if there is nothing to draw it on."""

    picture: Path
    verdict: GridVerdict
    overlay: Path | None

    def as_json(self) -> dict[str, Any]:
        """For programs; boxes are left, top, right, bottom in pixels, right and bottom outside.

        A byte of a file's name that is not UTF-8 stands escaped: ``\\udce9`` for 0xE9.
        """
        seen = asdict(self.verdict)
        del seen["detail"]
        return {
            "file": _as_text(self.picture),
            **seen,
            "explanation": self.verdict.explain(),
            "overlay": None if self.overlay is None else _as_text(self.overlay),
        }


def inspect(
    pictures: list[Path], *, gutter: str | None, folder: Path | None, tell: Callable[[str], None]
) -> Iterator[Inspection]:
    """Read each picture in turn, and draw the verdict into ``folder``, or beside the picture without one.

    Args:
        pictures: drawings of an earlier run among them are passed over: ``*.png`` names them too.
        gutter: the colour that was asked for between the cells.
        tell: told in a line about a drawing that is passed over, and about an overlay that cannot be written; the
            verdict stands without it.

    Raises:
        BadColour: ``gutter`` is none; nothing is read.
    """
    asked = None if gutter is None else parse_colour(gutter)
    drawn: set[Path] = set()
    for picture in pictures:
        if is_marked(picture, MARK):
            tell(f"{picture}: skipped, it is a drawing of {MARK}")
            continue
        try:
            image = open_picture(picture)
        except BadPicture as broken:
            yield Inspection(picture, GridVerdict(False, "corrupt", detail=_nameless(broken)), None)
            continue
        verdict = read_grid(image, expected_gutter=asked)
        overlay = _free(folder or picture.parent, picture.name, drawn)
        try:
            save_picture(verdict.overlay(image), overlay, mark=MARK)
        except StarsendError as refused:
            tell(str(refused))
            yield Inspection(picture, verdict, None)
        else:
            drawn.add(overlay)
            yield Inspection(picture, verdict, overlay)


def _nameless(broken: BadPicture) -> str:
    """What is wrong with a picture, for a line that has its name already."""
    return str(StarsendError(f"it {broken.what}", remedy=broken.remedy))


def _free(folder: Path, name: str, drawn: set[Path]) -> Path:
    """Where the overlay goes: over one of an earlier run, never over anything else or what this run has drawn."""
    path, number = folder / f"{name}{SUFFIX}", 1
    # A link that leads nowhere is somebody's too, and exists() denies it.
    while path in drawn or (os.path.lexists(path) and not is_marked(path, MARK)):
        number += 1
        path = folder / f"{name}.{number}{SUFFIX}"
    return path


def _as_text(path: Path) -> str:
    """A path for JSON, which is UTF-8: bytes of a name that are not are written out, as on a terminal."""
    return str(path).encode(errors="backslashreplace").decode()
