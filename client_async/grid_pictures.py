"""A sequence's grids as pictures: read, composited, and cut into cells. Blocking; meant for the picture threads."""

from __future__ import annotations

from collections.abc import Sequence as Many
from math import prod
from pathlib import Path
from typing import Any

from PIL import Image

from client_async.gutters import gutter_for
from client_async.sequence_parts import GridRecord, Verdict
from client_async.shot_ids import CELLS
from starsend.errors import BadInput
from starsend.files import sha256_of
from starsend.orchestrator.provenance import SCHEMA, SOFTWARE, as_comment, write_beside_picture
from starsend.tools.grid_layout import Cells, GridVerdict, read_grid
from starsend.tools.image_utils import (
    composite_grid,
    composited_cells,
    extract_grid_cell,
    flattened,
    open_picture,
    save_picture,
)

GUTTER = 12
"""Pixels between the cells of a composite: about half a percent of a 2K sheet, as thin as a model draws it."""


_TEMPLATE = 1024  # pixels of the long side


class GridRefused(BadInput):
    """A picture cannot serve as this sequence's grid."""

    def __init__(self, where: str, why: str, remedy: str) -> None:
        super().__init__(why, where=where, remedy=remedy)


class GridPictures:
    """The files of one sequence's grids, in ``media/grids/`` and ``media/cells/``, each saying what it was made of."""

    def __init__(self, project_dir: Path, name: str) -> None:
        self._project_dir = project_dir
        self._name = name

    def adopt(self, record: GridRecord, picture: Path) -> GridRecord:
        """Copy a picture made elsewhere in as a grid. Raises BadPicture, GridRefused: nothing has been changed."""
        image = open_picture(picture)
        verdict = read_grid(image)
        if not verdict.ok:
            raise GridRefused(
                str(picture),
                verdict.explain(),
                "bring in a picture of two rows of two panels; nothing was changed",
            )
        kept = self._grid(record.grid)
        self._save(image, kept, record, kind="adopted", of=_named(picture))
        # Somebody chose this picture, so cells that look alike are their choice, not a model's mistake.
        said = Verdict(ok=True, reason="ok", explanation=verdict.explain(), confidence=verdict.confidence)
        record = record.model_copy(update={"path": self._relative(kept), "verdict": said})
        return self._cut(record, image, verdict.cells)

    def read(self, record: GridRecord, path: str, *, gutter: str | None) -> GridRecord:
        """The record with what the reader says of the picture at ``path``, and its cells cut out if it is a grid."""
        image = open_picture(self._project_dir / path)
        verdict = read_grid(image, expected_gutter=gutter)
        record = record.model_copy(update={"path": path, "verdict": _said(verdict)})
        return self._cut(record, image, verdict.cells) if record.verdict.ok else record

    def template(self, aspect_ratio: str, gutter: str) -> Path:
        """An empty 2x2 sheet to draw into: grey panels, and between them the gutter that is asked for.

        A sheet that is there is not made again: it goes into what a call is known by, and must not change with Pillow.
        """
        path = (
            self._project_dir
            / "media"
            / "templates"
            / f"{aspect_ratio.replace(':', 'x')}_{gutter.lstrip('#')}.png"
        )
        if not path.is_file():
            width, height = (int(part) for part in aspect_ratio.split(":"))
            size = _TEMPLATE * width // max(width, height), _TEMPLATE * height // max(width, height)
            panel = Image.new("RGB", size, "#c8c8c8")
            sheet, _ = composite_grid([panel] * 4, size=size, gutter=GUTTER, gutter_colour=gutter)
            save_picture(sheet, path)
        return path

    def compose(self, record: GridRecord, singles: Many[str], *, colours: Many[str]) -> GridRecord:
        """Lay four single frames out as a grid.

        Args:
            colours: for the gutter; the first that none of the frames holds, so that any reader finds it.
        """
        pictures = [flattened(open_picture(self._project_dir / path)) for path in singles]
        gutter = gutter_for("", colours, 0, pictures)
        # So that a cell is a single frame pixel for pixel; where they differ, the largest one loses nothing.
        width, height = max((picture.size for picture in pictures), key=prod)
        size = 2 * width + GUTTER, 2 * height + GUTTER
        sheet, cells = composite_grid(pictures, size=size, gutter=GUTTER, gutter_colour=gutter)
        path = self._grid(record.grid)
        frames = [_named(self._project_dir / single) for single in singles]
        self._save(sheet, path, record, kind="composite", frames=frames)
        record = record.model_copy(update={"path": self._relative(path), "gutter": gutter})
        return self._cut(record, sheet, cells)

    def cell(self, grid: str, cell: int) -> Path:
        """Where the picture of one cell belongs."""
        return self._project_dir / "media" / "cells" / self._name / f"{grid}_c{cell}.png"

    def cut_again(self, grid: GridRecord, cell: int) -> Path:
        """Cut one cell out again that somebody has removed; the grid is read first, for it may have changed too.

        A composite that has not changed gives the very pixels it gave before, so the same start frame.

        Raises GridRefused.
        """
        remedy = f"run `starsend grid {self._name} --again`"
        if grid.path is None or not (self._project_dir / grid.path).is_file():
            raise GridRefused(self._name, f"the picture of {grid.grid} is gone", remedy)
        image = open_picture(self._project_dir / grid.path)
        cells = composited_cells(image, gutter=GUTTER) if grid.via == "composite" else None
        cells = cells or read_grid(image, expected_gutter=grid.gutter or None).cells
        if cells is None:
            raise GridRefused(self._name, f"cell {cell} of {grid.grid} can no longer be cut out", remedy)
        return self._cut_cell(grid, image, cell, cells, _named(self._project_dir / grid.path))

    # -------------------------------------------------------------------------------------------- inside

    def _cut(self, record: GridRecord, image: Image.Image, cells: Cells | None) -> GridRecord:
        assert cells is not None, "only grids that were read are cut"
        assert record.path is not None, "a grid's picture is there before its cells"
        of = _named(self._project_dir / record.path)
        cut = [self._cut_cell(record, image, cell, cells, of) for cell in CELLS]
        return record.model_copy(update={"cells": [self._relative(path) for path in cut]})

    def _cut_cell(
        self, record: GridRecord, image: Image.Image, cell: int, cells: Cells, of: dict[str, str]
    ) -> Path:
        path = self.cell(record.grid, cell)
        about = {"kind": "cell", "cell": cell, "box": list(cells[cell - 1]), "of": of}
        self._save(extract_grid_cell(image, cell, cells), path, record, **about)
        return path

    def _save(self, image: Image.Image, path: Path, record: GridRecord, **about: Any) -> None:  # noqa: ANN401 - JSON
        """A picture, saying inside it and beside it what it was made of; inside without a time, so that a cell that is
        cut again is the same file."""
        grid = {"sequence": self._name, "grid": record.grid, "via": record.via, "takes": record.takes}
        made = {"schema": SCHEMA, **about, **grid, "software": SOFTWARE}
        save_picture(image, path, comment=as_comment(made))
        write_beside_picture(path, made, record.at)

    def _grid(self, grid: str) -> Path:
        return self._project_dir / "media" / "grids" / self._name / f"{grid}.png"

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._project_dir).as_posix()


def _named(picture: Path) -> dict[str, str]:
    return {"name": picture.name, "sha256": sha256_of(picture)}


def _said(verdict: GridVerdict) -> Verdict:
    if verdict.ok and verdict.near_duplicates:
        pairs = ", ".join(f"{a} and {b}" for a, b in verdict.near_duplicates)
        return Verdict(
            ok=False,
            reason="same",
            explanation=f"cells {pairs} are nearly the same picture",
            confidence=verdict.confidence,
        )
    counted = {} if verdict.ok else {"rows": verdict.rows, "columns": verdict.columns}
    return Verdict(
        ok=verdict.ok,
        reason=verdict.reason,
        explanation=verdict.explain(),
        confidence=verdict.confidence,
        **counted,
    )
