"""Reading pictures for somebody who wants to know: the verdict in words or JSON, and the picture with it drawn on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from starsend.errors import StarsendError
from starsend.tools.grid_layout import GridVerdict, read_grid
from starsend.tools.image_utils import BadPicture, open_picture, save_picture

SUFFIX = ".inspected.png"
"""What an overlay's name ends in; a file of that name is ours, and is written anew."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was seen of one picture. ``overlay``: where the verdict is drawn, None if there is nothing to draw it on."""

    picture: Path
    verdict: GridVerdict
    overlay: Path | None

    def as_json(self) -> dict[str, Any]:
        """For programs; boxes are left, top, right, bottom in pixels, right and bottom outside."""
        seen = asdict(self.verdict)
        del seen["detail"]
        return {
            "file": str(self.picture),
            **seen,
            "explanation": self.verdict.explain(),
            "overlay": None if self.overlay is None else str(self.overlay),
        }


def inspect(
    pictures: list[Path], *, gutter: str | None, folder: Path | None, tell: Callable[[str], None]
) -> Iterator[Inspection]:
    """Read each picture in turn, and draw the verdict into ``folder``, or beside the picture without one.

    Args:
        gutter: the colour that was asked for between the cells.
        tell: told in a line about an overlay that cannot be written; the verdict stands without it.

    Raises:
        BadColour: ``gutter`` is none; nothing is read.
    """
    drawn: set[Path] = set()
    for picture in pictures:
        try:
            image = open_picture(picture)
        except BadPicture as broken:
            yield Inspection(picture, GridVerdict(False, "corrupt", detail=str(broken)), None)
            continue
        verdict = read_grid(image, expected_gutter=gutter)
        overlay = _free(folder or picture.parent, picture.name, drawn)
        try:
            save_picture(verdict.overlay(image), overlay)
        except StarsendError as refused:
            tell(str(refused))
            yield Inspection(picture, verdict, None)
        else:
            drawn.add(overlay)
            yield Inspection(picture, verdict, overlay)


def _free(folder: Path, name: str, drawn: set[Path]) -> Path:
    """Where the overlay goes: pictures of one name from several folders do not overwrite each other's."""
    path, number = folder / f"{name}{SUFFIX}", 1
    while path in drawn:
        number += 1
        path = folder / f"{name}.{number}{SUFFIX}"
    return path
