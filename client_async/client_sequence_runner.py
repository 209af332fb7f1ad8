"""ClientSequenceRunner: explore_grid, pick_cell, generate, for one sequence.

Retry and fallback live here: a wrong grid is asked for again in other words, and after so many wrong ones four single
frames are made and composited. Every attempt is kept in ``grid_history`` with its verdict, its takes and its cost.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from client_async.draft import Draft
from client_async.events import SequenceMoved
from client_async.grid_maker import GridMaker
from client_async.next_action import next_action, resting_state
from client_async.ownership import Raw, add_notice
from client_async.picks import record_pick
from client_async.sequences import GridRecord, Sequence, TakeRecord, parsed
from client_async.states import PARKED, RESTING, GridState, check_move
from client_async.take_maker import TakeMaker
from client_async.workshop import Workshop
from starsend.errors import BadInput, StarsendError, WaitsForPerson
from starsend.orchestrator.records import Keyframe
from starsend.orchestrator.step_life import StepUnknown

log = structlog.get_logger()
Moment = tuple[str, str]
"""State and status."""


class WaitsForPick(WaitsForPerson):
    """There is no locked start frame, so no video can be made."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "no cell is picked yet",
            where=name,
            remedy=f"run `starsend pick {name} 1..4` or drop {name}.pick into picks/",
        )


class NotAdopted(BadInput):
    """A picture that was to be the grid is none. Nothing was changed, so nothing has failed but the wish."""

    def __init__(self, name: str, refused: BadInput) -> None:
        super().__init__(refused.what, where=refused.where or name, remedy=refused.remedy)


class Deleted(BadInput):
    """The sequence has been taken out of the work."""

    def __init__(self, name: str) -> None:
        super().__init__("this sequence is marked deleted", where=name, remedy='take out "deleted" first')


class ClientSequenceRunner:
    """Drives one sequence from its brief to its take. One of them at most is at work on a sequence."""

    def __init__(self, workshop: Workshop, name: str) -> None:
        self._shop = workshop
        self._name = name
        self._grids = GridMaker(workshop, name)
        self._takes = TakeMaker(workshop, name)

    async def act(self) -> None:
        """Do the next thing that can be done without a person, if there is one.

        Raises:
            StarsendError: it could not be done. ``park`` writes down why; without that it would be tried again.
        """
        sequence = self.read()
        action = next_action(sequence)
        if action == "adopt":
            await self._adopt_wished(sequence)
        elif action == "explore":
            await self.explore_grid()
        elif action == "lock":
            await self.lock_picked()
        elif action == "generate":
            await self.generate()
        elif action == "tidy":
            await self._tidy(sequence)

    def read(self) -> Sequence:
        """The sequence as it was kept last. Raises BadDocument."""
        return parsed(self._name, self._shop.file.body(self._name), self._shop.file.path)

    async def park(self, error: StarsendError) -> None:
        """Write down why the sequence cannot go on, and leave it to a person."""
        state: GridState = "recovery" if isinstance(error, StepUnknown) else "failed"
        await self._report(
            grid_state=state,
            status=str(error),
            grid_fault=type(error).__name__,
            resume=False,
            retake=False,
            adopt=None,
        )

    async def tell(self, status: str) -> None:
        """One line for people, of what is going on; the state stays."""
        await self._report(status=status)

    # ---------------------------------------------------------------------------------------------- grid

    async def explore_grid(self) -> Sequence:
        """Ask for grids until one is right, composite four singles after too many wrong ones.

        Does nothing when there is a grid to pick from, unless ``regrid`` asks for a new one; the old one is kept.

        Raises StarsendError: no grid could be made.
        """
        sequence = self.read()
        if sequence.deleted:
            raise Deleted(self._name)
        if sequence.regrid:
            sequence = await self._begin_again(sequence)
        return await self._explore(sequence) if _is_wanted(sequence) else sequence

    async def adopt_grid(self, picture: Path) -> Sequence:
        """Bring in a picture made elsewhere as the grid, read like any other, at no cost.

        Raises:
            BadPicture: it cannot be read.
            GridRefused: it is no 2x2 grid; nothing has been changed.
        """
        sequence = self.read()
        if sequence.deleted:
            raise Deleted(self._name)
        await self._accept(await self._grids.adopt(sequence, picture, at=self._now()))
        return self.read()

    async def _adopt_wished(self, sequence: Sequence) -> None:
        assert sequence.adopt is not None
        try:
            await self.adopt_grid(self._shop.path(sequence.adopt))  # an absolute path stays one
        except BadInput as refused:
            await self._take_back_adopt(f"it was not adopted: {refused}")
            raise NotAdopted(self._name, refused) from refused

    async def _explore(self, sequence: Sequence) -> Sequence:
        round_ = sequence.round
        while _is_wanted(sequence):
            wrong = [record for record in sequence.grid_history if record.round == round_]
            if len(wrong) < self._shop.settings.grid.attempts:
                await self._report_attempt(wrong)
                record = await self._grids.draw(sequence, wrong, at=self._now(), reading=self._reading)
            else:
                status = f"{len(wrong)} wrong grids, drawing four single frames"
                await self._report(grid_state="compositing", status=status, resume=False)
                record = await self._grids.composite(sequence, at=self._now())
            if record.verdict.ok:
                await self._accept(record)
                return self.read()
            log.info("grid_rejected", grid=record.grid, reason=record.verdict.reason)
            await self._report(grid_history=_history(sequence, record))
            sequence = self.read()
        return sequence

    async def _report_attempt(self, wrong: list[GridRecord]) -> None:
        if wrong:
            status = f"attempt {len(wrong) + 1}: {wrong[-1].verdict.explanation}"
            await self._report(grid_state="retrying", status=status, resume=False)
        else:
            await self._report(grid_state="exploring", status="drawing a grid", resume=False)

    async def _reading(self) -> None:
        await self._report(grid_state="validating", status="reading the picture")

    async def _begin_again(self, sequence: Sequence) -> Sequence:
        """Take the wish for a new grid over, so that a run that dies here is taken up again and no wish counts twice."""
        history = [record.model_dump(mode="json") for record in sequence.grid_history]
        if sequence.grid_state == "recovery" and sequence.grid is None:
            # The attempt whose answer is lost is given up; the next one is another step, and paid.
            history = _history(sequence, self._grids.given_up(sequence, at=self._now()))
        used_up = any(record["round"] == sequence.round for record in history)
        await self._report(
            grid_state="exploring",
            status="a new grid was asked for",
            regrid=False,
            resume=False,
            grid_wanted=True,
            grid_history=history,
            grid_restarts=sequence.grid_restarts + used_up,
        )
        return self.read()

    async def _accept(self, record: GridRecord) -> None:
        """Make a true grid the one to pick from; unless somebody has picked the old one while this was drawn."""
        accepted = {
            "grid_state": "waiting_for_pick",
            "grid_id": record.grid,
            "grid_path": record.path,
            "grid_wanted": False,
            "selected_cell": None,
            "pick": None,
            "adopt": None,
            "resume": False,
            "status": f"{record.grid} is ready: pick a cell",
        }

        def edit(raw: Raw) -> Raw:
            raw["grid_history"] = [*raw.get("grid_history", []), record.model_dump(mode="json")]
            if raw.get("grid_id") is None or raw.get("grid_wanted") or record.via == "adopted":
                return accepted
            add_notice(
                raw,
                self._now(),
                f"{record.grid} came after cell {raw['selected_cell']} of {raw['grid_id']} was picked: it is kept, and not used",
            )
            return {"grid_state": "waiting_for_pick", "status": raw.get("status", "")}

        log.info("grid_accepted", grid=record.grid, via=record.via, confidence=record.verdict.confidence)
        await self._change(edit)

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
            "at": _iso(keyframe.locked_at),
        }
        if sequence.take is None:
            state, status = "locked", f"cell {pick.cell} of {grid.grid} is locked"
        elif sequence.take.keyframe == keyframe.sha256:
            state, status = "done", "the video starts on this cell"
        else:
            state, status = "stale", f"the video starts on another cell than {pick.cell}"
        await self._report(keyframe=locked, grid_state=state, status=status, resume=False)
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
        await self._report(
            grid_state="done",
            take=made.model_dump(mode="json"),
            take_history=[t.model_dump(mode="json") for t in history],
            resume=False,
            status="the take is ready",
        )
        return made

    async def _begin_take(self, sequence: Sequence, attempt: int) -> None:
        await self._report(
            grid_state="generating",
            take_attempt=attempt,
            retake=False,
            resume=False,
            status=f"making a take of {len(sequence.shots)} shots",
        )

    # -------------------------------------------------------------------------------------------- inside

    async def _tidy(self, sequence: Sequence) -> None:
        """Put the state where it belongs: deleted, taken back, or at rest after a wish that asks for nothing."""
        state = resting_state(sequence)
        if sequence.grid_state in PARKED and not sequence.deleted and not sequence.resume:
            state = sequence.grid_state
        said = {
            "cancelled": "taken out of the work",
            "waiting_for_pick": f"{sequence.grid_id} is ready: pick a cell",
        }
        await self._report(
            grid_state=state, status=said.get(state, state), resume=False, retake=False, grid_wanted=False
        )

    async def _take_back_adopt(self, text: str) -> None:
        def edit(raw: Raw) -> Raw:
            add_notice(raw, self._now(), text)
            return {"adopt": None}

        await self._change(edit)

    async def _report(self, **fields: Any) -> None:  # noqa: ANN401 - JSON values
        """Keep daemon-owned fields, and wishes that were taken over, and tell whoever listens."""
        await self._change(lambda _raw: fields, at_once=fields.get("grid_state") in RESTING | PARKED)

    async def _change(self, edit: Callable[[Raw], Raw], *, at_once: bool = True) -> None:
        """Let ``edit`` look at the sequence as it is by then, and keep the fields it gives. ``at_once``: a person waits."""

        def change(draft: Draft) -> tuple[Moment, Moment]:
            raw = draft[self._name]
            before = _moment(raw)
            fields = edit(raw)
            if "grid_state" in fields:
                check_move(self._name, before[0], fields["grid_state"])
            # A wish that was never made need not be written down as not made.
            raw.update(
                {key: value for key, value in fields.items() if value or key in raw or key == "grid_state"}
            )
            return before, _moment(raw)

        before, now = await self._shop.scribe.change(change, at_once=at_once)
        if now != before:
            state, status = now
            if state != before[0]:
                log.info("sequence_moved", state=state, status=status)
            self._shop.listener(SequenceMoved(self._shop.project, self._name, state, status))

    def _now(self) -> str:
        return _iso(self._shop.clock.now())


def _moment(raw: Raw) -> Moment:
    return raw.get("grid_state", "new"), raw.get("status", "")


def _is_wanted(sequence: Sequence) -> bool:
    """Whether a grid is still asked for: nobody has picked the old one or taken the sequence out meanwhile."""
    return not (sequence.deleted or sequence.regrid) and (sequence.grid is None or sequence.grid_wanted)


def _history(sequence: Sequence, record: GridRecord) -> list[dict[str, Any]]:
    return [r.model_dump(mode="json") for r in (*sequence.grid_history, record)]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
