"""Exploring: grids are asked for until one is right, in other words each time; or a picture is brought in from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog

from client_async.grid_maker import GridMaker
from client_async.next_action import ready_status, resting_state, waiting_status
from client_async.ownership import Raw, add_notice
from client_async.picks import DELETED, UNDELETE
from client_async.reporter import Reporter
from client_async.sequence_parts import GridRecord
from client_async.sequences import Sequence
from client_async.shot_check import check_shots
from client_async.states import DRAWING
from client_async.workshop import Workshop
from starsend.errors import BadInput

log = structlog.get_logger()


class NotAdopted(BadInput):
    """A picture that was to be the grid is none. Nothing was changed, so nothing has failed but the wish."""

    def __init__(self, name: str, refused: BadInput) -> None:
        super().__init__(refused.what, where=refused.where or name, remedy=refused.remedy)


class Deleted(BadInput):
    """The sequence has been taken out of the work."""

    def __init__(self, name: str) -> None:
        super().__init__(DELETED, where=name, remedy=UNDELETE)


class Explorer:
    """Brings the sequence called ``name`` to a grid that can be picked from."""

    def __init__(self, workshop: Workshop, name: str, reporter: Reporter, grids: GridMaker) -> None:
        self._shop = workshop
        self._name = name
        self._reporter = reporter
        self._grids = grids

    async def explore(self) -> Sequence:
        """As ``ClientSequenceRunner.explore_grid``."""
        sequence = self._shop.sequence(self._name)
        if sequence.deleted:
            raise Deleted(self._name)
        if sequence.regrid:
            sequence = await self._begin_again(sequence)
        if _is_wanted(sequence):
            await check_shots(self._shop, self._name, sequence)
        round_ = sequence.round
        while _is_wanted(sequence):
            wrong = [record for record in sequence.grid_history if record.round == round_]
            if len(wrong) < self._shop.settings.grid.attempts:
                await self._report_attempt(wrong)
                record = await self._grids.draw(sequence, wrong, at=self._now(), reading=self._reading)
            else:
                status = f"{len(wrong)} wrong grids, drawing four single frames"
                await self._reporter.report(grid_state="compositing", status=status, resume=False)
                record = await self._grids.composite(sequence, at=self._now())
            if record.verdict.ok:
                await self._accept(record)
                return self._shop.sequence(self._name)
            log.info("grid_rejected", grid=record.grid, reason=record.verdict.reason)
            await self._reporter.report(grid_history=_history(sequence, record))
            sequence = self._shop.sequence(self._name)
        return sequence

    async def adopt(self, picture: Path) -> Sequence:
        """As ``ClientSequenceRunner.adopt_grid``."""
        sequence = self._shop.sequence(self._name)
        if sequence.deleted:
            raise Deleted(self._name)
        await self._accept(await self._grids.adopt(sequence, picture, at=self._now()))
        return self._shop.sequence(self._name)

    async def adopt_wished(self) -> None:
        """Bring in the picture that ``adopt`` names. Raises NotAdopted; the wish is taken back."""
        picture = self._shop.sequence(self._name).adopt
        assert picture is not None, "the caller has seen the wish"
        try:
            await self.adopt(self._shop.path(picture))  # an absolute path stays one
        except BadInput as refused:
            await self._take_back_adopt(f"it was not adopted: {refused}")
            raise NotAdopted(self._name, refused) from refused

    async def _report_attempt(self, wrong: list[GridRecord]) -> None:
        if wrong:
            status = f"attempt {len(wrong) + 1}: {wrong[-1].verdict.explanation}"
            await self._reporter.report(grid_state="retrying", status=status, resume=False)
        else:
            await self._reporter.report(grid_state="exploring", status="drawing a grid", resume=False)

    async def _reading(self) -> None:
        def edit(raw: Raw) -> Raw:
            if raw.get("grid_state") not in DRAWING:
                return {}  # called off while it was drawn: it rests already
            return {"grid_state": "validating", "status": "reading the picture"}

        await self._reporter.change(edit, at_once=False)

    async def _begin_again(self, sequence: Sequence) -> Sequence:
        """Take the wish for a new grid over, so that a run that dies here is taken up again and no wish counts twice."""
        history = [record.model_dump(mode="json") for record in sequence.grid_history]
        if sequence.grid_state == "recovery" and sequence.grid is None:
            # The attempt whose answer is lost is given up; the next one is another step, and paid.
            history = _history(sequence, self._grids.given_up(sequence, at=self._now()))
        used_up = any(record["round"] == sequence.round for record in history)
        begun = {
            "grid_state": "exploring",
            "status": "a new grid was asked for",
            "regrid": False,
            "regrid_note": "",
            "resume": False,
            "grid_wanted": True,
            "grid_history": history,
            "grid_restarts": sequence.grid_restarts + used_up,
        }

        def edit(raw: Raw) -> Raw:
            if not raw.get("regrid"):
                return {}  # called off, or picked, since this process looked
            # The note as it is by then: somebody may have saved other words since.
            return {**begun, "grid_note": (raw.get("regrid_note") or "").strip()}

        await self._reporter.change(edit, at_once=False)
        return self._shop.sequence(self._name)

    async def _accept(self, record: GridRecord) -> None:
        """Make a true grid the one to pick from; unless somebody has picked the old one while this was drawn."""
        accepted = {
            "grid_state": "waiting_for_pick",
            "grid_id": record.grid,
            "grid_path": record.path,
            "grid_wanted": False,
            "selected_cell": None,
            "pick": None,
            "resume": False,
            "status": ready_status(record.grid),
        }
        if record.via == "adopted":
            accepted["adopt"] = None

        def edit(raw: Raw) -> Raw:
            # People can have seen it from now on. It may have been drawn for minutes.
            came = record.model_copy(update={"at": self._shop.clock.now().isoformat(timespec="milliseconds")})
            raw["grid_history"] = [*raw.get("grid_history", []), came.model_dump(mode="json")]
            if raw.get("grid_id") is None or raw.get("grid_wanted") or record.via == "adopted":
                return accepted
            sequence = Sequence.model_validate(raw)
            cell, grid = sequence.selected_cell, sequence.grid_id
            status = waiting_status(sequence) if cell is None else f"cell {cell} of {grid} is picked"
            text = f"{record.grid} came when {grid} was to stay: it is kept, and not used"
            add_notice(raw, self._now(), text)
            return {"grid_state": resting_state(sequence), "status": status}

        log.info("grid_accepted", grid=record.grid, via=record.via, confidence=record.verdict.confidence)
        await self._reporter.change(edit)

    async def _take_back_adopt(self, text: str) -> None:
        def edit(raw: Raw) -> Raw:
            add_notice(raw, self._now(), text)
            return {"adopt": None}

        await self._reporter.change(edit)

    def _now(self) -> str:
        return self._shop.clock.now().isoformat(timespec="seconds")


def _is_wanted(sequence: Sequence) -> bool:
    """Whether a grid is still asked for: nobody has picked the old one or taken the sequence out meanwhile."""
    return not (sequence.deleted or sequence.regrid) and (sequence.grid is None or sequence.grid_wanted)


def _history(sequence: Sequence, record: GridRecord) -> list[dict[str, Any]]:
    return [r.model_dump(mode="json") for r in (*sequence.grid_history, record)]
