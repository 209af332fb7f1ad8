"""ClientSequenceRunner: explore_grid, pick_cell, generate, for one sequence.

Retry and fallback live here: a wrong grid is asked for again in other words, and after so many wrong ones four single
frames are made and composited. Every attempt is kept in ``grid_history`` with its verdict and its takes.
"""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from client_async.events import SequenceMoved
from client_async.grid_maker import GridMaker
from client_async.picks import record_pick
from client_async.sequence_file import Document, sequence_in
from client_async.sequences import GridRecord, Sequence, TakeRecord, next_action, read_sequence
from client_async.take_maker import TakeMaker
from client_async.workshop import Workshop
from starsend.clock import Stopped
from starsend.errors import BadInput, StarsendError, WaitsForPerson
from starsend.orchestrator.records import Keyframe
from starsend.orchestrator.step_life import StepUnknown

log = structlog.get_logger()


class WaitsForPick(WaitsForPerson):
    """There is no locked start frame, so no video can be made."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "no cell is picked yet",
            where=name,
            remedy=f"run `starsend pick {name} 1..4` or drop {name}.pick into picks/",
        )


class Deleted(BadInput):
    """The sequence has been taken out of the work."""

    def __init__(self, name: str) -> None:
        super().__init__("this sequence is marked deleted", where=name, remedy='take out "deleted" first')


class ClientSequenceRunner:
    """Drives one sequence from its brief to its take."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._shop = workshop
        self._name = name
        self._grids = GridMaker(workshop, name)
        self._takes = TakeMaker(workshop, name)

    async def advance(self, *, to_take: bool = True) -> None:
        """Take the sequence as far as it goes without a person; stop before the take unless ``to_take``."""
        while (action := next_action(await self.read())) is not None:
            if action == "generate" and not to_take:
                return
            if action == "explore":
                await self.explore_grid()
            elif action == "adopt_edit":
                await self._adopt_edit()
            elif action == "lock":
                await self.lock_picked()
            else:
                await self.generate()

    async def read(self) -> Sequence:
        """The sequence as it stands on disk."""
        return await self._shop.state(partial(read_sequence, self._shop.file, self._name))

    async def _working(self) -> Sequence:
        """As ``read``, for work that may cost money. Raises Deleted."""
        sequence = await self.read()
        if sequence.deleted:
            raise Deleted(self._name)
        return sequence

    # ---------------------------------------------------------------------------------------------- grid

    async def explore_grid(self, *, again: bool = False) -> Sequence:
        """Ask for grids until one is right, composite four singles after too many wrong ones.

        Does nothing when there is a grid to pick from, unless ``again`` or the brief's ``regrid`` asks for a new one;
        the old one is kept in the history.

        Raises:
            StarsendError: no grid could be made; the sequence says why and can be run again.
        """
        sequence = await self._working()
        if sequence.grid is not None and not (again or sequence.regrid):
            return sequence
        async with self._telling():
            if again:
                sequence = await self._begin_again(sequence)
            return await self._explore(sequence)

    async def adopt_grid(self, picture: Path) -> Sequence:
        """Bring in a picture made elsewhere as the grid, read like any other, at no cost.

        Raises:
            BadPicture: it cannot be read.
            GridRefused: it is no 2x2 grid; nothing has been changed.
        """
        with self._bound():
            sequence = await self._working()
            return await self._accept(sequence, await self._grids.adopt(sequence, picture, at=self._now()))

    async def _explore(self, sequence: Sequence) -> Sequence:
        cast = await self._shop.state(
            lambda: self._shop.elements().cast([sequence.prompt], sequence.elements, where=self._name)
        )
        round_ = sequence.round
        while True:
            wrong = [record for record in sequence.grid_history if record.round == round_]
            if len(wrong) < self._shop.settings.grid.attempts:
                state, status = (
                    ("retrying", f"attempt {len(wrong) + 1}: {wrong[-1].verdict.explanation}")
                    if wrong
                    else ("exploring", "drawing a grid")
                )
                await self._report(grid_state=state, status=status)
                record = await self._grids.draw(sequence, cast, wrong, at=self._now())
            else:
                await self._report(
                    grid_state="compositing", status=f"{len(wrong)} wrong grids, drawing four single frames"
                )
                record = await self._grids.composite(sequence, cast, at=self._now())
            if record.verdict.ok:
                return await self._accept(sequence, record)
            sequence = await self._remember(sequence, record)

    async def _begin_again(self, sequence: Sequence) -> Sequence:
        """Write the wish for a new grid down first, so that a run that dies here is taken up again."""
        history = [record.model_dump(mode="json") for record in sequence.grid_history]
        if sequence.grid_state == "recovery" and (sequence.regrid or sequence.grid is None):
            # The attempt whose answer is lost is given up; the next one is another step, and paid.
            history = _history(sequence, self._grids.given_up(sequence, at=self._now()))
        used_up = any(record["round"] == sequence.round for record in history)
        await self._report(regrid=True, grid_history=history, grid_restarts=sequence.grid_restarts + used_up)
        return await self.read()

    async def _remember(self, sequence: Sequence, record: GridRecord) -> Sequence:
        log.info("grid_rejected", grid=record.grid, reason=record.verdict.reason)
        await self._report(grid_history=_history(sequence, record))
        return await self.read()

    async def _accept(self, sequence: Sequence, record: GridRecord) -> Sequence:
        log.info("grid_accepted", grid=record.grid, via=record.via, confidence=record.verdict.confidence)
        await self._report(
            grid_state="waiting_for_pick",
            grid_id=record.grid,
            grid_path=record.path,
            grid_history=_history(sequence, record),
            selected_cell=None,
            regrid=False,
            pick=None,
            status=f"{record.grid} is ready: pick a cell",
        )
        return await self.read()

    # ---------------------------------------------------------------------------------------------- pick

    async def pick_cell(self, cell: int, *, by: str, via: str) -> Keyframe:
        """Record a pick of the current grid, cut out the cell and lock it as the keyframe. Costs nothing, ever.

        Raises BadPick. A video made from another cell becomes stale and is kept.
        """
        await self._record(cell, by=by, via=via)
        return await self.lock_picked()

    async def lock_picked(self) -> Keyframe:
        """Lock the recorded pick as the keyframe. Raises WaitsForPick, or GridRefused when its cell is gone."""
        sequence = await self.read()
        pick, grid = sequence.pick, sequence.grid
        if pick is None or grid is None:
            raise WaitsForPick(self._name)
        with self._bound():
            path = await self._grids.cell_file(grid, pick.cell)
            take = grid.takes[pick.cell - 1] if grid.via == "composite" else next(iter(grid.takes), None)
            lock = partial(
                self._shop.store.lock_keyframe, self._name, path, by=pick.by, from_take=take, cell=pick.cell
            )
            keyframe = await self._shop.state(lock)
            log.info("keyframe_locked", grid=grid.grid, cell=pick.cell, by=pick.by, path=keyframe.path)
            locked = {
                "path": keyframe.path,
                "sha256": keyframe.sha256,
                "grid": grid.grid,
                "cell": pick.cell,
                "by": keyframe.locked_by,
                "at": _iso(keyframe.locked_at),
            }
            if sequence.take is None:
                state, status = "locked", f"cell {pick.cell} of {grid.grid} is locked"
            elif sequence.take.keyframe == keyframe.sha256:
                state, status = "done", "the video starts on this cell"
            else:
                state, status = "stale", f"the video starts on another cell than {pick.cell}"
            await self._report(keyframe=locked, grid_state=state, status=status)
            return keyframe

    async def _adopt_edit(self) -> None:
        sequence = await self.read()
        assert sequence.selected_cell is not None
        await self._record(sequence.selected_cell, by=getpass.getuser(), via="sequences.json")

    async def _record(self, cell: int, *, by: str, via: str) -> None:
        def edit(document: Document) -> None:
            raw = sequence_in(document, self._name, self._shop.file.path)
            record_pick(raw, self._name, cell, by=by, via=via, at=self._shop.clock.now())

        await self._shop.state(partial(self._shop.file.change, edit))

    # ---------------------------------------------------------------------------------------------- take

    async def generate(self, *, again: bool = False) -> TakeRecord:
        """Make the multi-shot take that starts on the locked keyframe; a finished one is returned for free.

        Args:
            again: make another take of the same keyframe and keep the old one.

        Raises:
            WaitsForPick: nothing is locked.
            StarsendError: the take could not be made; the sequence says why and can be run again.
        """
        sequence = await self._working()
        if sequence.keyframe is None:
            raise WaitsForPick(self._name)
        async with self._telling():
            made = await self._takes.make(
                sequence, again=again, beginning=partial(self._begin_take, sequence)
            )
            history = [*sequence.take_history, *([] if made in sequence.take_history else [made])]
            await self._report(
                grid_state="done",
                take=made.model_dump(mode="json"),
                take_history=[t.model_dump(mode="json") for t in history],
                status="the take is ready",
            )
            return made

    async def _begin_take(self, sequence: Sequence, attempt: int) -> None:
        shots = len(sequence.shots)
        await self._report(
            grid_state="generating", take_attempt=attempt, status=f"making a take of {shots} shots"
        )

    # -------------------------------------------------------------------------------------------- inside

    @asynccontextmanager
    async def _telling(self) -> AsyncIterator[None]:
        """Paid work: should it fail, the document says so, and why."""
        with self._bound():
            try:
                yield
            except Stopped:
                raise  # it goes on where it was
            except StarsendError as failed:
                state = "recovery" if isinstance(failed, StepUnknown) else "failed"
                await self._report(grid_state=state, status=str(failed))
                raise

    async def _report(self, **fields: Any) -> None:  # noqa: ANN401 - JSON values
        """Merge daemon-owned fields into the document and tell whoever listens. Writes nothing when nothing differs."""

        def edit(document: Document) -> bool:
            raw = sequence_in(document, self._name, self._shop.file.path)
            differs = any(raw.get(name) != value for name, value in fields.items())
            raw.update(fields)
            return differs

        if await self._shop.state(partial(self._shop.file.change, edit)) and "grid_state" in fields:
            log.info("sequence_moved", state=fields["grid_state"], status=fields["status"])
            self._shop.listener(
                SequenceMoved(self._shop.project, self._name, fields["grid_state"], fields["status"])
            )

    def _bound(self) -> Any:  # noqa: ANN401 - structlog's own context manager
        return structlog.contextvars.bound_contextvars(project=self._shop.project, sequence=self._name)

    def _now(self) -> str:
        return _iso(self._shop.clock.now())


def _history(sequence: Sequence, record: GridRecord) -> list[dict[str, Any]]:
    return [r.model_dump(mode="json") for r in (*sequence.grid_history, record)]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
