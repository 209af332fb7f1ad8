"""ExecutionStore: steps, takes, locked keyframes and cost events of one project.

It owns money and attempts, and knows nothing of grids: a step on ``SEQ01_grid`` makes a take and cost events, and
never a keyframe. Every move names the states it may leave; a row that is in none of them is a StaleMove.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Set
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from starsend.clock import Clock
from starsend.errors import BadInput
from starsend.orchestrator import budget_rows, cost_rows, keyframe_rows, step_rows, take_rows
from starsend.orchestrator.budget_rows import ZERO, Purse, day_of
from starsend.orchestrator.database import Database
from starsend.orchestrator.records import (
    OPEN,
    CostEvent,
    CostKind,
    Intent,
    Keyframe,
    Media,
    Spending,
    Step,
    StepCosts,
    StepState,
    Take,
)
from starsend.orchestrator.step_rows import Left
from starsend.pricing import Quote
from starsend.sections import BudgetSettings

UNCAPPED = BudgetSettings()


class ExecutionStore:
    """The ledger of one project.

    Args:
        url: SQLAlchemy URL, ``sqlite:///...`` or ``postgresql+psycopg://...``; made or migrated on opening.
        project: whose rows these are; one database may hold many projects.
        project_dir: the folder that media paths are relative to.
        read_only: nothing on disk changes by looking at it; what would write raises StoreUnusable.

    Raises:
        StoreUnusable: the database cannot be opened.
    """

    def __init__(
        self, url: str, *, project: str, project_dir: Path, clock: Clock, read_only: bool = False
    ) -> None:
        self.project = project
        self.project_dir = project_dir
        self._clock = clock
        self._db = Database(url, folder=project_dir / "state" / "locks", read_only=read_only)

    def close(self) -> None:
        """Give the connections back."""
        self._db.close()

    def hold(self, shot_id: str, stop: threading.Event) -> AbstractContextManager[None]:
        """Be the only run that works on ``shot_id``, of all threads and processes. Raises Stopped."""
        return self._db.hold(f"{self.project}.{shot_id}", clock=self._clock, stop=stop)

    def try_hold(self, shot_id: str) -> AbstractContextManager[bool]:
        """As ``hold``, without waiting: True where nobody else works on it, and then nobody does while the block runs."""
        return self._db.try_hold(f"{self.project}.{shot_id}")

    def is_held(self, shot_id: str) -> bool:
        """Whether a run works on ``shot_id`` at this moment."""
        return self._db.is_held(f"{self.project}.{shot_id}")

    # ---------------------------------------------------------------------------------------------- steps

    def step(self, step_key: str) -> Step | None:
        """The step with this key, or None."""
        with self._db.read() as connection:
            return step_rows.step(connection, step_key)

    def open_steps(self, shot_id: str | None = None) -> list[Step]:
        """Steps whose end is not known yet, of one shot or of all, oldest first."""
        with self._db.read() as connection:
            return step_rows.open_steps(connection, self.project, shot_id)

    def failed_steps(self, error_kinds: Collection[str]) -> list[Step]:
        """Steps that have failed in one of some ways, oldest first."""
        with self._db.read() as connection:
            return step_rows.failed_steps(connection, self.project, error_kinds)

    def last_attempt(self, shot_id: str) -> int:
        """The highest attempt ever begun for a shot, 0 when there was none."""
        with self._db.read() as connection:
            return step_rows.last_attempt(connection, self.project, shot_id)

    def intend(self, intent: Intent, estimate: Quote, charge: Quote, caps: BudgetSettings = UNCAPPED) -> None:
        """Commit that a call is about to be made, with its estimate. Must happen before anything leaves.

        Args:
            charge: what it will really cost; so much is reserved in the same transaction.
            caps: raises BudgetExceeded where one of them leaves less than that; nothing is written then.
        """
        now = self._clock.now()
        purse = Purse(self.project, intent.sequence, day_of(now))
        with self._db.write() as connection:
            step_rows.begin(connection, intent, purse, reserved=charge.amount, at=now)
            self._book(connection, intent.step_key, "estimated", estimate, "before sending")
            budget_rows.reserve(connection, purse, charge.amount, caps)

    def intend_again(
        self, step_key: str, charge: Quote, caps: BudgetSettings = UNCAPPED, *, leaving: StepState
    ) -> None:
        """A step that was turned away unbilled, or whose answer is lost, is about to be sent once more.

        A lost call's possible charge stays, and another is reserved: on this day. Raises BudgetExceeded as ``intend``.
        """
        today = day_of(self._clock.now())
        again = {"reserved": charge.amount, "reserved_on": today, "error_kind": None, "error": None}
        with self._db.write() as connection:
            left = self._move(connection, step_key, {leaving}, "intended", **again)
            purse = Purse(left.purse.project, left.purse.sequence, today)
            budget_rows.reserve(connection, purse, charge.amount, caps)

    def never_arrived(self, step_key: str, error_kind: str, error: str) -> None:
        """The vendor does not know the call: it has failed and cost nothing, and what was put aside for it is free again."""
        failed = {"reserved": ZERO, "error_kind": error_kind, "error": error}
        with self._db.write() as connection:
            left = self._move(connection, step_key, {"intended", "unknown"}, "failed", **failed)
            taken_back = self._take_back(connection, step_key, left)
            budget_rows.shift(connection, left.purse, spent=-taken_back, reserved=-left.reserved)

    def submitted(self, step_key: str, handle: str) -> None:
        """Commit the vendor's job id, before the first poll."""
        with self._db.write() as connection:
            left = self._move(connection, step_key, {"intended", "unknown"}, "submitted", handle=handle)
            found = self._take_back(connection, step_key, left)
            if found:  # it is no more than was reserved for it before, so no cap is asked
                step_rows.put_aside(connection, step_key, found)
            budget_rows.shift(connection, left.purse, spent=-found, reserved=found)

    def unknown(self, step_key: str, charge: Quote, why: str) -> None:
        """Nobody can know whether the call was billed: book what it may have cost."""
        lost = {"reserved": ZERO, "error_kind": "ambiguous", "error": why}
        with self._db.write() as connection:
            left = self._move(connection, step_key, {"intended"}, "unknown", **lost)
            self._book(connection, step_key, "possible", charge, why)
            budget_rows.shift(connection, left.purse, spent=charge.amount, reserved=-left.reserved)

    def let_go(self, step_key: str, error_kind: str, error: str, *, leaving: StepState) -> None:
        """A person has decided on a call whose answer is lost: it ends as failed, and its possible charge stays booked."""
        with self._db.write() as connection:
            self._move(connection, step_key, {leaving}, "failed", error_kind=error_kind, error=error)

    def failed(
        self, step_key: str, error_kind: str, error: str, charge: Quote | None, kind: CostKind
    ) -> None:
        """The vendor gave its last word and it is no; ``charge`` is booked as ``kind`` if anything may be billed."""
        failed = {"reserved": ZERO, "error_kind": error_kind, "error": error}
        self._fail(step_key, failed, charge, kind)

    def give_up(self, step: Step, error_kind: str, error: str, charge: Quote) -> None:
        """Nobody waits for a step any more: it ends as failed, and ``charge`` is booked as possible.

        Its time stays that of the submission: from then on the vendor keeps a result.
        """
        failed = {"reserved": ZERO, "error_kind": error_kind, "error": error, "updated_at": step.updated_at}
        self._fail(step.step_key, failed, charge, "possible")

    def _fail(self, step_key: str, failed: Mapping[str, Any], charge: Quote | None, kind: CostKind) -> None:
        error_kind: str = failed["error_kind"]
        with self._db.write() as connection:
            left = self._move(connection, step_key, {"intended", "submitted"}, "failed", **failed)
            if charge:
                self._book(connection, step_key, kind, charge, error_kind)
            spent = charge.amount if charge else ZERO
            budget_rows.shift(connection, left.purse, spent=spent, reserved=-left.reserved)

    def finish(
        self,
        step_key: str,
        media: Media,
        charge: Quote,
        shot_prompts: tuple[str, ...] | None = None,
        *,
        leaving: Set[StepState] = OPEN,
    ) -> Take:
        """Commit take and cost in one transaction. The file must lie at its place already, whole and synced.

        Args:
            leaving: ``failed`` alone for a step that was given up; its possible charge is taken back.
        """
        ended = {"reserved": ZERO, "error_kind": None, "error": None}
        with self._db.write() as connection:
            left = self._move(connection, step_key, leaving, "succeeded", **ended)
            taken_back = self._take_back(connection, step_key, left)
            take_rows.keep(connection, self.project, step_key, media, shot_prompts, at=self._clock.now())
            self._book(connection, step_key, "actual", charge, "finished")
            spent = charge.amount - taken_back
            budget_rows.shift(connection, left.purse, spent=spent, reserved=-left.reserved)
        return self.take(step_key)

    # ---------------------------------------------------------------------------------------------- takes

    def take(self, take_id: str) -> Take:
        """The take with this id. Raises BadInput when there is none."""
        with self._db.read() as connection:
            found = take_rows.take(connection, self.project, take_id)
        if found is None:
            raise BadInput("there is no such take", where=take_id)
        return found

    def takes(self, shot_id: str | None = None) -> list[Take]:
        """Finished takes of one shot or of all, oldest first."""
        with self._db.read() as connection:
            return take_rows.finished(connection, self.project, shot_id)

    def take_ids(self) -> set[str]:
        """The ids of all takes."""
        with self._db.read() as connection:
            return take_rows.ids(connection, self.project)

    # ------------------------------------------------------------------------------------------ keyframes

    def lock_keyframe(
        self,
        shot_id: str,
        take_or_file: Take | Path,
        *,
        by: str,
        from_take: str | None = None,
        cell: int | None = None,
    ) -> Keyframe:
        """Lock the start frame of ``shot_id``; the one before is superseded, never erased.

        Args:
            take_or_file: a drawn take, or a picture file inside the project (a cell cut from a grid).
            by: who decided.
            from_take: the take that the file was cut from; ``cell`` says which cell, 1 to 4.

        Locking what is locked already changes nothing. Raises BadInput for a file outside the project.
        """
        origin = keyframe_rows.origin_of(
            shot_id, take_or_file, self.project_dir, from_take=from_take, cell=cell
        )
        with self._db.write() as connection:
            keyframe_rows.lock(connection, self.project, shot_id, origin, by=by, at=self._clock.now())
        return self.keyframes(shot_id)[-1]

    def keyframe_complete(self, shot_id: str) -> bool:
        """True when the shot has a locked start frame; a grid or a take alone never makes it so."""
        return bool(self.keyframes(shot_id))

    def keyframes(self, shot_id: str) -> list[Keyframe]:
        """Every start frame the shot ever had, oldest first; the last one is the one that holds."""
        with self._db.read() as connection:
            return keyframe_rows.history(connection, self.project, shot_id)

    # -------------------------------------------------------------------------------------------- money

    def costs(self) -> list[CostEvent]:
        """Every cost event of the project, oldest first."""
        with self._db.read() as connection:
            return cost_rows.costs(connection, self.project)

    def step_costs(self) -> list[StepCosts]:
        """The same, added up for each step and day, in the order in which they began."""
        with self._db.read() as connection:
            return cost_rows.step_costs(connection, self.project)

    def spent_on(self, shot_ids: Collection[str], *, since_attempt: int) -> Decimal:
        """Dollars that the attempts at some shots have cost, or may have, from one attempt on."""
        with self._db.read() as connection:
            return cost_rows.spent_on(connection, self.project, shot_ids, since_attempt=since_attempt)

    def spent(self) -> dict[CostKind, Decimal]:
        """Dollars of the whole project by kind."""
        with self._db.read() as connection:
            return cost_rows.spent(connection, self.project)

    def spending(self) -> list[Spending]:
        """What is spent and reserved of the project, of each sequence and of each day, whether it is capped or not."""
        with self._db.read() as connection:
            return budget_rows.sums(connection, self.project)

    # ---------------------------------------------------------------------------------------------- inside

    def _move(
        self, connection: Connection, step_key: str, leaving: Set[StepState], to: StepState, **values: object
    ) -> Left:
        return step_rows.move(connection, step_key, leaving, to, clock=self._clock, **values)

    def _take_back(self, connection: Connection, step_key: str, left: Left) -> Decimal:
        """Of a step that was unknown, or was given up: take its last possible charge back; the dollars."""
        if left.state not in ("unknown", "failed"):
            return ZERO
        return cost_rows.take_back_possible(connection, step_key, self._clock.now())

    def _book(self, connection: Connection, step_key: str, kind: CostKind, quote: Quote, why: str) -> None:
        cost_rows.book(connection, self.project, step_key, kind, quote, why=why, at=self._clock.now())
