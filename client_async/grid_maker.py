"""Making grids: drawn by a model, composited from four singles, or brought in from elsewhere; each read before it counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from collections.abc import Sequence as Many
from functools import partial
from pathlib import Path

import anyio
from PIL import Image

from client_async.prompts import frame_prompt, grid_prompt
from client_async.sequences import GridRecord, Sequence, Verdict
from client_async.step_executor import PICTURES
from client_async.workshop import Workshop
from starsend.api_client import JobFailed, JobGone, NoPicture
from starsend.elements import Cast
from starsend.errors import BadInput, StarsendError
from starsend.orchestrator.media_check import BrokenMedia
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_life import StepFailed
from starsend.tools.grid_layout import Cells, GridVerdict, read_grid
from starsend.tools.image_utils import composite_grid, extract_grid_cell, open_picture, save_picture

CELLS = (1, 2, 3, 4)
GUTTER = 12
"""Pixels between the cells of a composite: about half a percent of a 2K sheet, as thin as a model draws it."""
NO_PICTURE = (NoPicture, JobFailed, JobGone, BrokenMedia, StepFailed)
"""The vendor had its say and there is no picture: a wrong attempt like any other."""


class GridRefused(BadInput):
    """A picture cannot serve as this sequence's grid or start frame."""

    def __init__(self, where: str, why: str, remedy: str) -> None:
        super().__init__(why, where=where, remedy=remedy)


class NoGrid(StarsendError):
    """Neither a grid nor four single frames could be had."""

    def __init__(self, name: str, last: StarsendError) -> None:
        super().__init__(
            f"no grid could be made ({last.what})",
            where=name,
            remedy=f"reword the prompt, or run `starsend grid {name} --again` to pay for new attempts",
        )


class GridMaker:
    """Makes the grids of one sequence called ``name``."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._shop = workshop
        self._name = name

    async def draw(
        self,
        sequence: Sequence,
        cast: Cast,
        wrong: Many[GridRecord],
        *,
        at: str,
        reading: Callable[[], Awaitable[None]],
    ) -> GridRecord:
        """One attempt: ask the model, read what it drew, cut out the cells if it is a grid.

        Args:
            wrong: the attempts of this round that were refused.
            reading: told when the picture is there.
        """
        number = len(sequence.grid_history) + 1
        gutter = self._shop.settings.grid.gutter[len(wrong) % len(self._shop.settings.grid.gutter)]
        record = GridRecord(
            grid=f"g{number}",
            round=sequence.round,
            via="model",
            gutter=gutter,
            at=at,
            verdict=Verdict(ok=False, reason="", explanation=""),
        )
        prompt = grid_prompt(cast.prompts[0], gutter=gutter, wrong=wrong)
        try:
            take = await self._frame(
                f"{self._name}_grid",
                prompt,
                sequence,
                cast,
                attempt=number,
                size=self._shop.settings.image.size,
            )
        except NO_PICTURE as none:
            verdict = Verdict(ok=False, reason="no_picture", explanation=none.what)
            cost = await self._spent(number, f"{self._name}_grid")
            return record.model_copy(update={"verdict": verdict, "cost": cost})
        await reading()
        cost = await self._spent(number, f"{self._name}_grid")
        drawn = record.model_copy(update={"path": take.media.path, "takes": [take.take_id], "cost": cost})
        return await self._pictures(
            partial(self._read_and_cut, drawn, self._shop.project_dir / take.media.path, gutter)
        )

    def given_up(self, sequence: Sequence, *, at: str) -> GridRecord:
        """The record of an attempt whose answer is lost and that somebody has decided not to wait for."""
        lost = Verdict(
            ok=False, reason="lost", explanation="the answer was lost, and somebody asked for another"
        )
        number = len(sequence.grid_history) + 1
        return GridRecord(grid=f"g{number}", round=sequence.round, via="model", at=at, verdict=lost)

    async def composite(self, sequence: Sequence, cast: Cast, *, at: str) -> GridRecord:
        """Draw four single frames side by side and lay them out as a grid whose cells are known exactly."""
        number = len(sequence.grid_history) + 1
        takes: dict[int, Take] = {}
        failures: list[StarsendError] = []

        async def draw_cell(cell: int) -> None:
            try:
                takes[cell] = await self._single(sequence, cast, cell, number)
            except StarsendError as failed:
                failures.append(failed)  # the others are paid for: let them come home

        async with anyio.create_task_group() as group:
            for cell in CELLS:
                group.start_soon(draw_cell, cell)
        if failures:
            raise NoGrid(self._name, failures[0]) if isinstance(failures[0], NO_PICTURE) else failures[0]
        record = GridRecord(
            grid=f"g{number}",
            round=sequence.round,
            via="composite",
            takes=[takes[cell].take_id for cell in CELLS],
            cost=await self._spent(number, *(f"{self._name}_grid_c{cell}" for cell in CELLS)),
            at=at,
            verdict=Verdict(
                ok=True, reason="ok", explanation="composited from four single frames", confidence=1.0
            ),
        )
        return await self._pictures(partial(self._compose, record, [takes[cell] for cell in CELLS]))

    async def adopt(self, sequence: Sequence, picture: Path, *, at: str) -> GridRecord:
        """Copy a picture made elsewhere into the project as the next grid. Raises BadPicture, GridRefused."""
        record = GridRecord(
            grid=f"g{len(sequence.grid_history) + 1}",
            round=sequence.round,
            via="adopted",
            at=at,
            verdict=Verdict(ok=False, reason="", explanation=""),
        )
        return await self._pictures(partial(self._adopt, record, picture))

    async def cell_file(self, grid: GridRecord, cell: int) -> Path:
        """The picture of one cell, cut out again if somebody has removed it. Raises GridRefused."""
        path = self._cell_path(grid.grid, cell)
        if not path.is_file():
            if grid.path is None or not (self._shop.project_dir / grid.path).is_file():
                raise GridRefused(
                    self._name,
                    f"the picture of {grid.grid} is gone",
                    f"run `starsend grid {self._name} --again`",
                )
            await self._pictures(
                partial(self._read_and_cut, grid, self._shop.project_dir / grid.path, grid.gutter or None)
            )
        if not path.is_file():
            raise GridRefused(
                self._name,
                f"cell {cell} of {grid.grid} can no longer be cut out",
                f"run `starsend grid {self._name} --again`",
            )
        return path

    # ------------------------------------------------------------------------------- in a picture thread

    def _adopt(self, record: GridRecord, picture: Path) -> GridRecord:
        image = open_picture(picture)
        verdict = read_grid(image)
        if not verdict.ok:
            raise GridRefused(
                str(picture),
                verdict.explain(),
                "bring in a picture of two rows of two panels; nothing was changed",
            )
        kept = self._grid_path(record.grid)
        save_picture(image, kept)
        # Somebody chose this picture, so cells that look alike are their choice, not a model's mistake.
        said = Verdict(ok=True, reason="ok", explanation=verdict.explain(), confidence=verdict.confidence)
        record = record.model_copy(update={"path": self._relative(kept), "verdict": said})
        return self._cut(record, image, verdict.cells)

    def _read_and_cut(self, record: GridRecord, path: Path, gutter: str | None) -> GridRecord:
        image = open_picture(path)
        verdict = read_grid(image, expected_gutter=gutter)
        record = record.model_copy(update={"verdict": _said(verdict)})
        return self._cut(record, image, verdict.cells) if record.verdict.ok else record

    def _compose(self, record: GridRecord, takes: Many[Take]) -> GridRecord:
        pictures = [open_picture(self._shop.project_dir / take.media.path) for take in takes]
        width, height = pictures[0].size  # so that a cell is a single frame pixel for pixel
        sheet, cells = composite_grid(pictures, size=(2 * width + GUTTER, 2 * height + GUTTER), gutter=GUTTER)
        path = self._grid_path(record.grid)
        save_picture(sheet, path)
        return self._cut(record.model_copy(update={"path": self._relative(path)}), sheet, cells)

    def _cut(self, record: GridRecord, image: Image.Image, cells: Cells | None) -> GridRecord:
        assert cells is not None, "only grids that were read are cut"
        for cell in CELLS:
            save_picture(extract_grid_cell(image, cell, cells), self._cell_path(record.grid, cell))
        return record.model_copy(
            update={"cells": [self._relative(self._cell_path(record.grid, c)) for c in CELLS]}
        )

    # -------------------------------------------------------------------------------------------- inside

    async def _single(self, sequence: Sequence, cast: Cast, cell: int, number: int) -> Take:
        """One start frame by itself; asked for again, as another attempt, when the vendor makes no picture of it."""
        last = number + self._shop.settings.grid.attempts - 1
        for attempt in range(number, last + 1):
            try:
                return await self._frame(
                    f"{self._name}_grid_c{cell}",
                    frame_prompt(cast.prompts[0], cell),
                    sequence,
                    cast,
                    attempt=attempt,
                    size="1K",
                )
            except NO_PICTURE:
                if attempt == last:
                    raise
        raise AssertionError("there is at least one attempt")

    async def _frame(
        self, shot_id: str, prompt: str, sequence: Sequence, cast: Cast, *, attempt: int, size: str
    ) -> Take:
        step = partial(
            self._shop.steps.execute_keyframe,
            shot_id,
            prompt,
            references=cast.references,
            aspect_ratio=sequence.aspect_ratio,
            size=size,
            attempt=attempt,
        )
        return await self._shop.image(step)

    async def _spent(self, number: int, *shots: str) -> str:
        """Dollars that an attempt has cost, or may have."""
        return str(await self._shop.state(partial(self._shop.store.spent_on, shots, since_attempt=number)))

    async def _pictures(self, work: partial[GridRecord]) -> GridRecord:
        return await self._shop.executor.run(PICTURES, work)

    def _grid_path(self, grid: str) -> Path:
        return self._shop.path("media", "grids", self._name, f"{grid}.png")

    def _cell_path(self, grid: str, cell: int) -> Path:
        return self._shop.path("media", "cells", self._name, f"{grid}_c{cell}.png")

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._shop.project_dir).as_posix()


def _said(verdict: GridVerdict) -> Verdict:
    if verdict.ok and verdict.near_duplicates:
        pairs = ", ".join(f"{a} and {b}" for a, b in verdict.near_duplicates)
        return Verdict(
            ok=False,
            reason="same",
            explanation=f"cells {pairs} are nearly the same picture",
            confidence=verdict.confidence,
        )
    return Verdict(
        ok=verdict.ok, reason=verdict.reason, explanation=verdict.explain(), confidence=verdict.confidence
    )
