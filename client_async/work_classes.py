"""Which work a paid step was for: what was picked, what was turned down, what stood in for a grid. Each step is one class."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

from client_async.sequence_parts import GridRecord
from client_async.sequences import Sequence
from client_async.shot_ids import CELLS, grid_shot, shots_of, single_shot
from starsend.orchestrator.records import OPEN, CostEvent, StepCosts

Work = Literal[
    "picked", "open", "rejected", "fallback_picked", "fallback_rest", "superseded", "house", "gone"
]
WORKS: tuple[Work, ...] = get_args(Work)
WORDS: Mapping[Work, str] = {
    "picked": "grids picked, takes in use",
    "open": "not decided yet, or under way",
    "rejected": "grids not used",
    "fallback_picked": "fallback singles, picked",
    "fallback_rest": "fallback singles, not picked",
    "superseded": "takes not used",
    "house": "the house line",
    "gone": "cancelled or removed sequences",
}
"""As people read them."""


class WorkBook:
    """Says of every step of a ledger whose it was and what work it was for.

    Args:
        sequences: as they stand now, those marked ``deleted`` among them.
        shots: every shot id that the ledger knows, to tell house shots from sequences that were removed.
    """

    def __init__(self, sequences: Mapping[str, Sequence], shots: Collection[str]) -> None:
        self._sequences = sequences
        # The longest name stays: SEQ01_grid_grid is the sequence SEQ01_grid's, if there is one.
        self._owners = {shot: name for name in sorted(sequences, key=len) for shot in shots_of(name)}
        self._house = {shot.removesuffix("_frame") for shot in shots if shot.endswith("_frame")}

    def owner(self, shot_id: str) -> str:
        """The sequence or house shot that a step was made for; a removed sequence's by the name it had."""
        if shot_id in self._owners:
            return self._owners[shot_id]
        if shot_id in self._house:
            return shot_id
        for suffix in ("_frame", "_grid", *(f"_grid_c{cell}" for cell in CELLS)):
            if shot_id.endswith(suffix):
                return shot_id.removesuffix(suffix)
        return shot_id

    def work(self, event: CostEvent | StepCosts) -> Work:
        """What work the event's step was for; the same for every event of a step."""
        owner = self.owner(event.shot_id)
        sequence = self._sequences.get(owner)
        if sequence is None or event.shot_id == f"{owner}_frame":
            return "house" if owner in self._house else "gone"
        if sequence.deleted:
            return "gone"
        if event.shot_id == grid_shot(owner):
            return _grid_work(event, sequence)
        for cell in CELLS:
            if event.shot_id == single_shot(owner, cell):
                return "fallback_picked" if _is_picked_single(event, sequence, cell) else "fallback_rest"
        return _take_work(event, sequence)


def _grid_work(event: CostEvent | StepCosts, sequence: Sequence) -> Work:
    record = next((r for r in sequence.grid_history if event.step_key in r.takes), None)
    if record is None:
        # No picture came of it. Attempts and grids are counted together: a later one is still being made.
        under_way = event.step_state in OPEN or event.attempt > len(sequence.grid_history)
        return "open" if under_way else "rejected"
    if _is_locked(record, sequence):
        return "picked"
    is_offered = record.grid == sequence.grid_id and (
        sequence.keyframe is None or sequence.keyframe.grid != record.grid
    )
    return "open" if is_offered else "rejected"


def _take_work(event: CostEvent | StepCosts, sequence: Sequence) -> Work:
    take = sequence.take
    if take is not None and event.step_key in take.takes:
        return "superseded" if sequence.stale else "picked"
    known = any(event.step_key in record.takes for record in sequence.take_history)
    return "open" if event.step_state in OPEN and not known else "superseded"


def _is_picked_single(event: CostEvent | StepCosts, sequence: Sequence, cell: int) -> bool:
    return any(
        _is_locked(record, sequence)
        and sequence.keyframe is not None
        and sequence.keyframe.cell == cell
        and event.step_key in record.takes
        for record in sequence.grid_history
    )


def _is_locked(record: GridRecord, sequence: Sequence) -> bool:
    """Whether the locked start frame is a cell of this grid."""
    return sequence.keyframe is not None and sequence.keyframe.grid == record.grid
