"""Making grids: drawn by a model, composited from four singles, or brought in from elsewhere; each read before it counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio

from client_async.gutters import gutter_for, small_of
from client_async.next_action import check_still_asked
from client_async.prompts import frame_prompt, grid_prompt
from client_async.sequence_parts import GridRecord, Verdict
from client_async.sequences import Sequence
from client_async.shot_ids import CELLS, grid_shot, single_shot
from client_async.step_executor import PICTURES
from client_async.workshop import Workshop
from starsend.elements import Cast, reference_to
from starsend.errors import StarsendError
from starsend.orchestrator.media_check import BrokenMedia
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_faults import StepFailed
from starsend.vendor_faults import JobFailed, JobGone, NoPicture

if TYPE_CHECKING:
    from client_async.grid_pictures import GridPictures

TEMPLATE_AFTER = 2
"""Wrong attempts before an empty sheet goes along: words come first, for a template also stiffens what is drawn."""

NO_PICTURE = (NoPicture, JobFailed, JobGone, BrokenMedia, StepFailed)
"""The vendor had its say and there is no picture: a wrong attempt like any other."""


class NoGrid(StarsendError):
    """Neither a grid nor four single frames could be had."""

    def __init__(self, name: str, last: StarsendError) -> None:
        super().__init__(
            f"no grid could be made ({last.what})",
            where=name,
            remedy=f"reword the prompt, or run `starsend grid {name} --again` to pay for new attempts",
        )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the vendor had to say: a take, or why there is none. ``cost``: dollars the attempt has cost, or may have."""

    take: Take | None
    cost: str
    gutter: str
    why: str = ""


class GridMaker:
    """Makes the grids of one sequence called ``name``."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._shop = workshop
        self._name = name

    @cached_property
    def _pictures(self) -> GridPictures:
        # numpy and the reader come with the first picture: a daemon whose sequences all wait does without their 15 MB.
        from client_async.grid_pictures import GridPictures

        return GridPictures(self._shop.project_dir, self._name)

    async def draw(
        self,
        sequence: Sequence,
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
        drawn = await self._shop.image(partial(self._ask_for_grid, sequence, wrong))
        record = self._record(sequence, "model", at)
        record = record.model_copy(update={"gutter": drawn.gutter, "cost": drawn.cost})
        if drawn.take is None:
            verdict = Verdict(ok=False, reason="no_picture", explanation=drawn.why)
            return record.model_copy(update={"verdict": verdict})
        await reading()
        record = record.model_copy(update={"takes": [drawn.take.take_id]})
        return await self._shop.executor.run(
            PICTURES, partial(self._pictures.read, record, drawn.take.media.path, gutter=drawn.gutter)
        )

    def given_up(self, sequence: Sequence, *, at: str) -> GridRecord:
        """The record of an attempt whose answer is lost and that somebody has decided not to wait for."""
        lost = Verdict(
            ok=False, reason="lost", explanation="the answer was lost, and somebody asked for another"
        )
        return self._record(sequence, "model", at).model_copy(update={"verdict": lost})

    async def composite(self, sequence: Sequence, *, at: str) -> GridRecord:
        """Draw four single frames side by side and lay them out as a grid whose cells are known exactly."""
        takes: dict[int, Take] = {}
        failures: list[StarsendError] = []

        async def draw_cell(cell: int) -> None:
            try:
                takes[cell] = await self._shop.image(partial(self._ask_for_single, sequence, cell))
            except StarsendError as failed:
                failures.append(failed)  # the others are paid for: let them come home

        async with anyio.create_task_group() as group:
            for cell in CELLS:
                group.start_soon(draw_cell, cell)
        if failures:
            raise NoGrid(self._name, failures[0]) if isinstance(failures[0], NO_PICTURE) else failures[0]
        known = Verdict(
            ok=True, reason="ok", explanation="composited from four single frames", confidence=1.0
        )
        shots = [single_shot(self._name, cell) for cell in CELLS]
        record = self._record(sequence, "composite", at).model_copy(
            update={
                "takes": [takes[cell].take_id for cell in CELLS],
                "cost": await self._shop.state(partial(self._spent, sequence, *shots)),
                "verdict": known,
            }
        )
        singles = [takes[cell].media.path for cell in CELLS]
        colours = self._shop.settings.grid.gutter
        compose = partial(self._pictures.compose, record, singles, colours=colours)
        return await self._shop.executor.run(PICTURES, compose)

    async def adopt(self, sequence: Sequence, picture: Path, *, at: str) -> GridRecord:
        """Copy a picture made elsewhere into the project as the next grid. Raises BadPicture, GridRefused."""
        record = self._record(sequence, "adopted", at)
        return await self._shop.executor.run(PICTURES, partial(self._pictures.adopt, record, picture))

    async def cell_file(self, grid: GridRecord, cell: int) -> Path:
        """The picture of one cell, cut out again if somebody has removed it. Raises GridRefused."""
        path = self._pictures.cell(grid.grid, cell)
        if path.is_file():  # one look: not worth waiting behind the pictures of others
            return path
        return await self._shop.executor.run(PICTURES, partial(self._pictures.cut_again, grid, cell))

    # -------------------------------------------------------------------------------- in a vendor's thread

    def _ask_for_grid(self, sequence: Sequence, wrong: Many[GridRecord]) -> _Drawn:
        cast = self._cast(sequence)
        shown = [small_of(reference.path, reference.sha256) for reference in cast.references]
        gutter = gutter_for("\n".join(cast.prompts), self._shop.settings.grid.gutter, len(wrong), shown)
        template = len(wrong) >= TEMPLATE_AFTER
        scene, note = _scene_and_note(cast)
        prompt = grid_prompt(scene, gutter=gutter, note=note, wrong=wrong, template=template)
        if template:
            sheet = self._pictures.template(sequence.aspect_ratio, gutter)
            cast = replace(cast, references=(*cast.references, reference_to(sheet, "template")))
        shot, number = grid_shot(self._name), _number(sequence)
        try:
            take = self._frame(
                shot, prompt, sequence, cast, attempt=number, size=self._shop.settings.image.size
            )
        except NO_PICTURE as none:
            return _Drawn(None, self._spent(sequence, shot), gutter, none.what)
        return _Drawn(take, self._spent(sequence, shot), gutter)

    def _ask_for_single(self, sequence: Sequence, cell: int) -> Take:
        """One start frame by itself; asked for again, as another attempt, when the vendor makes no picture of it."""
        cast = self._cast(sequence)
        scene, note = _scene_and_note(cast)
        prompt = frame_prompt(scene, cell, note)
        first = _number(sequence)
        last = first + self._shop.settings.grid.attempts - 1
        for attempt in range(first, last + 1):
            try:
                return self._frame(
                    single_shot(self._name, cell), prompt, sequence, cast, attempt=attempt, size="1K"
                )
            except NO_PICTURE:
                if attempt == last:
                    raise
        raise AssertionError("there is at least one attempt")

    def _cast(self, sequence: Sequence) -> Cast:
        prompts = [sequence.prompt, sequence.grid_note] if sequence.grid_note else [sequence.prompt]
        return self._shop.elements().cast(prompts, sequence.elements, where=self._name)

    def _frame(
        self, shot_id: str, prompt: str, sequence: Sequence, cast: Cast, *, attempt: int, size: str
    ) -> Take:
        # It may have waited for its turn for long.
        check_still_asked(self._name, sequence, self._shop.sequence_now(self._name))
        return self._shop.steps.execute_keyframe(
            shot_id,
            prompt,
            references=cast.references,
            aspect_ratio=sequence.aspect_ratio,
            size=size,
            attempt=attempt,
            sequence=self._name,
        )

    def _spent(self, sequence: Sequence, *shots: str) -> str:
        """Dollars that this attempt has cost, or may have."""
        return str(self._shop.store.spent_on(shots, since_attempt=_number(sequence)))

    # -------------------------------------------------------------------------------------------- inside

    def _record(
        self, sequence: Sequence, via: Literal["model", "composite", "adopted"], at: str
    ) -> GridRecord:
        unread = Verdict(ok=False, reason="", explanation="")
        drawn = via != "adopted"
        return GridRecord(
            grid=f"g{_number(sequence)}",
            round=sequence.round,
            via=via,
            brief=sequence.grid_brief if drawn else "",
            note=sequence.grid_note if drawn else "",
            at=at,
            verdict=unread,
        )


def _scene_and_note(cast: Cast) -> tuple[str, str]:
    return cast.prompts[0], cast.prompts[1] if len(cast.prompts) > 1 else ""


def _number(sequence: Sequence) -> int:
    """Which attempt at a grid comes next; attempts and grids are counted together."""
    return len(sequence.grid_history) + 1
