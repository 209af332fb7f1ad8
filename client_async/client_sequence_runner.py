"""ClientSequenceRunner: explore_grid, pick_cell, generate, for one sequence.

Retry and fallback live here: a wrong grid is asked for again in other words, and after so many wrong ones four single
frames are made and composited. Every attempt is kept in ``grid_history`` with its verdict, its takes and its cost.
"""

from __future__ import annotations

from collections.abc import Sequence as Many
from functools import partial
from pathlib import Path

import structlog

from client_async.draft import Draft
from client_async.events import PickLocked
from client_async.explorer import Deleted, Explorer
from client_async.grid_maker import GridMaker
from client_async.next_action import Action, CalledOff, next_action, resting_state, waiting_status
from client_async.ownership import Raw
from client_async.picks import record_pick
from client_async.reporter import Reporter
from client_async.sequence_parts import TakeRecord
from client_async.sequences import Sequence
from client_async.states import PARKED
from client_async.take_maker import TakeMaker
from client_async.workshop import Workshop
from starsend.errors import StarsendError, WaitsForPerson
from starsend.orchestrator.records import Keyframe

log = structlog.get_logger()

TAKE_READY = "the take is ready"


class WaitsForPick(WaitsForPerson):
    """There is no locked start frame, so no video can be made."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "no cell is picked yet",
            where=name,
            remedy=f"run `starsend pick {name} 1..4` or drop {name}.pick into picks/",
        )


class ClientSequenceRunner:
    """Drives one sequence from its brief to its take. One of them at most is at work on a sequence."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._shop = workshop
        self._name = name
        self._reporter = Reporter(workshop, name)
        self._grids = GridMaker(workshop, name)
        self._takes = TakeMaker(workshop, name)
        self._explorer = Explorer(workshop, name, self._reporter, self._grids)

    async def act(self) -> None:
        """Do the next thing that can be done without a person, if there is one.

        Raises:
            StarsendError: it could not be done. ``park`` writes down why; without that it would be tried again.
        """
        sequence = self.read()
        try:
            await self._do(next_action(sequence), sequence)
        except CalledOff:
            log.info("step_called_off")  # what is to be done instead is asked anew

    async def _do(self, action: Action | None, sequence: Sequence) -> None:
        if action == "adopt":
            await self._explorer.adopt_wished()
        elif action == "explore":
            await self.explore_grid()
        elif action == "lock":
            await self.lock_picked()
        elif action == "generate":
            await (self._tidy(sequence) if await self._is_called_off(sequence) else self.generate())
        elif action == "tidy":
            await self._tidy(sequence)

    def read(self) -> Sequence:
        """The sequence as it was kept last. Raises BadDocument."""
        return self._shop.sequence(self._name)

    async def park(self, error: StarsendError) -> None:
        """Write down why the sequence cannot go on, and leave it to a person."""
        await self._reporter.park(error)

    async def resume(self) -> None:
        """Go on with what was parked: what held it up is over already."""
        await self._reporter.report(resume=True)

    async def tell(self, status: str) -> None:
        """One line for people, of what is going on; the state stays."""
        await self._reporter.report(status=status)

    # ---------------------------------------------------------------------------------------------- grid

    async def explore_grid(self) -> Sequence:
        """Ask for grids until one is right, composite four singles after too many wrong ones.

        Does nothing when there is a grid to pick from, unless ``regrid`` asks for a new one; the old one is kept.

        Raises StarsendError: no grid could be made.
        """
        return await self._explorer.explore()

    async def adopt_grid(self, picture: Path) -> Sequence:
        """Bring in a picture made elsewhere as the grid, read like any other, at no cost.

        Raises:
            BadPicture: it cannot be read.
            GridRefused: it is no 2x2 grid; nothing has been changed.
        """
        return await self._explorer.adopt(picture)

    # ---------------------------------------------------------------------------------------------- pick

    async def pick_cell(self, cell: int, *, by: str, via: str) -> Keyframe:
        """Record a pick of the current grid, cut out the cell and lock it as the keyframe. Costs nothing, ever.

        Raises BadPick. A video made from another cell becomes stale and is kept.
        """

        def edit(draft: Draft) -> None:
            record_pick(draft[self._name], self._name, cell, by=by, via=via, at=self._shop.clock.now())

        await self._shop.scribe.change(edit, at_once=True)
        return await self.lock_picked()

    async def lock_picked(self) -> Keyframe:
        """Lock the recorded pick as the keyframe. Raises WaitsForPick, or GridRefused when its cell is gone."""
        sequence = self.read()
        pick, grid = sequence.pick, sequence.grid
        if pick is None or grid is None:
            raise WaitsForPick(self._name)
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
            "at": keyframe.locked_at.isoformat(timespec="seconds"),
        }
        if sequence.take is None:
            state, status = "locked", f"cell {pick.cell} of {grid.grid} is locked"
        elif sequence.take.keyframe == keyframe.sha256:
            state, status = "done", "the video starts on this cell"
        else:
            state, status = "stale", f"the video starts on another cell than {pick.cell}"
        await self._reporter.report(keyframe=locked, grid_state=state, status=status, resume=False)
        self._shop.listener(PickLocked(self._shop.project, self._name, pick.cell))
        return keyframe

    # ---------------------------------------------------------------------------------------------- take

    async def generate(self) -> TakeRecord:
        """Make the multi-shot take that starts on the locked keyframe; a finished one is returned for free.

        ``retake`` makes another take of the same keyframe and keeps the old one.

        Raises:
            WaitsForPick: nothing is locked.
            StarsendError: the take could not be made.
        """
        sequence = self.read()
        if sequence.deleted:
            raise Deleted(self._name)
        if sequence.keyframe is None:
            raise WaitsForPick(self._name)
        made = await self._takes.make(
            sequence, again=sequence.retake, beginning=partial(self._begin_take, sequence)
        )
        history = [*sequence.take_history, *([] if made in sequence.take_history else [made])]
        ready = {
            "grid_state": "done",
            "take": made.model_dump(mode="json"),
            "take_history": [t.model_dump(mode="json") for t in history],
            "resume": False,
            "status": TAKE_READY,
        }

        def edit(raw: Raw) -> Raw:
            if raw.get("pick"):
                return ready
            waits = f"{TAKE_READY}; {raw.get('grid_id')} waits for a pick"
            return {**ready, "grid_state": "waiting_for_pick", "status": waits}

        await self._reporter.change(edit)
        return made

    async def _begin_take(self, sequence: Sequence, attempt: int, kept: Many[str]) -> None:
        there = f"; {len(kept)} of its parts are there and not paid again" if kept else ""
        await self._reporter.report(
            grid_state="generating",
            take_attempt=attempt,
            take_kept=list(kept),
            retake=False,
            resume=False,
            status=f"making a take of {len(sequence.shots)} shots{there}",
        )

    # -------------------------------------------------------------------------------------------- inside

    async def _is_called_off(self, sequence: Sequence) -> bool:
        """Whether the pick of a take that was begun has been withdrawn, and the vendor knows nothing of it yet."""
        if sequence.pick is not None or sequence.grid_state != "generating":
            return False
        return not await self._shop.state(partial(self._shop.store.open_steps, self._name))

    async def _tidy(self, sequence: Sequence) -> None:
        """Put the state where it belongs: deleted, taken back, or at rest after a wish that asks for nothing."""
        state = resting_state(sequence)
        if sequence.grid_state in PARKED and not sequence.deleted and not sequence.resume:
            state = sequence.grid_state
        said = {
            "cancelled": "taken out of the work",
            "waiting_for_pick": waiting_status(sequence),
            "done": TAKE_READY,
        }
        await self._reporter.report(
            grid_state=state, status=said.get(state, state), resume=False, retake=False, grid_wanted=False
        )
