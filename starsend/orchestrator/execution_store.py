"""ExecutionStore: steps, takes, locked keyframes and cost events of one project.

It owns money and attempts, and knows nothing of grids: a step on ``SEQ01_grid`` makes a take and cost events, and
never a keyframe. Every move names the states it may leave; a row that is in none of them is a StaleMove.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Set
from contextlib import AbstractContextManager
from dataclasses import asdict, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, func, insert, select, update

from starsend.clock import Clock
from starsend.errors import BadInput, StarsendError
from starsend.files import sha256_of
from starsend.orchestrator.database import Database
from starsend.orchestrator.records import (
    OPEN,
    CostEvent,
    CostKind,
    Intent,
    Keyframe,
    Media,
    Step,
    StepState,
    Take,
)
from starsend.orchestrator.tables import cost_events, keyframes, steps, takes
from starsend.pricing import Quote

R = TypeVar("R", Step, Media, Keyframe, CostEvent)


class StaleMove(StarsendError):
    """Somebody else moved the step first. Nothing was written."""

    def __init__(self, step_key: str, wanted: str, found: str | None) -> None:
        super().__init__(
            f"cannot become {wanted}, it is {found or 'not there'}", where=step_key, remedy="read it again"
        )


class ExecutionStore:
    """The ledger of one project.

    Args:
        url: SQLAlchemy URL, ``sqlite:///...`` or ``postgresql+psycopg://...``; made or migrated on opening.
        project: whose rows these are; one database may hold many projects.
        project_dir: the folder that media paths are relative to.

    Raises:
        StoreUnusable: the database cannot be opened.
    """

    def __init__(self, url: str, *, project: str, project_dir: Path, clock: Clock) -> None:
        self.project = project
        self.project_dir = project_dir
        self._clock = clock
        self._db = Database(url, folder=project_dir / "state" / "locks")

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
        with self.try_hold(shot_id) as free:
            return not free

    # ---------------------------------------------------------------------------------------------- steps

    def step(self, step_key: str) -> Step | None:
        """The step with this key, or None."""
        with self._db.read() as connection:
            row = connection.execute(select(steps).where(steps.c.step_key == step_key)).one_or_none()
        return _record(Step, row) if row else None

    def open_steps(self, shot_id: str | None = None) -> list[Step]:
        """Steps whose end is not known yet, of one shot or of all, oldest first."""
        query = select(steps).where(steps.c.project == self.project, steps.c.state.in_(OPEN))
        if shot_id is not None:
            query = query.where(steps.c.shot_id == shot_id)
        with self._db.read() as connection:
            return [
                _record(Step, row)
                for row in connection.execute(query.order_by(steps.c.created_at, steps.c.step_key))
            ]

    def last_attempt(self, shot_id: str) -> int:
        """The highest attempt ever begun for a shot, 0 when there was none."""
        query = select(func.max(steps.c.attempt)).where(
            steps.c.project == self.project, steps.c.shot_id == shot_id
        )
        with self._db.read() as connection:
            return connection.scalar(query) or 0

    def intend(self, intent: Intent, estimate: Quote) -> None:
        """Commit that a call is about to be made, with its estimate. Must happen before anything leaves."""
        now = self._clock.now()
        with self._db.write() as connection:
            row = {
                **asdict(intent),
                "project": self.project,
                "state": "intended",
                "created_at": now,
                "updated_at": now,
            }
            connection.execute(insert(steps).values(**row))
            self._book(connection, intent.step_key, "estimated", estimate, "before sending")

    def intend_again(self, step_key: str, *, leaving: StepState, never_arrived: bool = False) -> None:
        """A step that was turned away unbilled, or whose answer is lost, is about to be sent once more.

        ``never_arrived``: the vendor says it does not know the call, so its possible charge is taken back.
        """
        with self._db.write() as connection:
            self._move(connection, step_key, {leaving}, "intended", error_kind=None, error=None)
            if leaving == "unknown" and never_arrived:
                self._take_back_possible(connection, step_key)

    def submitted(self, step_key: str, handle: str) -> None:
        """Commit the vendor's job id, before the first poll."""
        with self._db.write() as connection:
            if (
                self._move(connection, step_key, {"intended", "unknown"}, "submitted", handle=handle)
                == "unknown"
            ):
                self._take_back_possible(connection, step_key)

    def unknown(self, step_key: str, charge: Quote, why: str) -> None:
        """Nobody can know whether the call was billed: book what it may have cost."""
        with self._db.write() as connection:
            self._move(connection, step_key, {"intended"}, "unknown", error_kind="ambiguous", error=why)
            self._book(connection, step_key, "possible", charge, why)

    def failed(
        self, step_key: str, error_kind: str, error: str, charge: Quote | None, kind: CostKind
    ) -> None:
        """The vendor gave its last word and it is no; ``charge`` is booked as ``kind`` if anything may be billed."""
        with self._db.write() as connection:
            self._move(
                connection, step_key, {"intended", "submitted"}, "failed", error_kind=error_kind, error=error
            )
            if charge:
                self._book(connection, step_key, kind, charge, error_kind)

    def finish(
        self, step_key: str, media: Media, charge: Quote, shot_prompts: tuple[str, ...] | None = None
    ) -> Take:
        """Commit take and cost in one transaction. The file must lie at its place already, whole and synced."""
        with self._db.write() as connection:
            if self._move(connection, step_key, OPEN, "succeeded", error_kind=None, error=None) == "unknown":
                self._take_back_possible(connection, step_key)
            prompts = None if shot_prompts is None else list(shot_prompts)
            row = {**asdict(media), "shot_prompts": prompts, "created_at": self._clock.now()}
            connection.execute(insert(takes).values(take_id=step_key, project=self.project, **row))
            self._book(connection, step_key, "actual", charge, "finished")
        return self.take(step_key)

    # ---------------------------------------------------------------------------------------------- takes

    def take(self, take_id: str) -> Take:
        """The take with this id. Raises BadInput when there is none."""
        found = self._takes(takes.c.take_id == take_id)
        if not found:
            raise BadInput("there is no such take", where=take_id)
        return found[0]

    def takes(self, shot_id: str | None = None) -> list[Take]:
        """Finished takes of one shot or of all, oldest first."""
        return self._takes(
            steps.c.shot_id == shot_id if shot_id is not None else steps.c.project == self.project
        )

    def take_ids(self) -> set[str]:
        """The ids of all takes."""
        with self._db.read() as connection:
            return set(connection.scalars(select(takes.c.take_id).where(takes.c.project == self.project)))

    def _takes(self, condition: Any) -> list[Take]:  # noqa: ANN401 - a column expression
        query = (
            select(takes, steps.c.shot_id, steps.c.kind, steps.c.attempt, steps.c.provider, steps.c.model)
            .join(steps, steps.c.step_key == takes.c.take_id)
            .where(takes.c.project == self.project, condition)
            .order_by(takes.c.created_at, takes.c.take_id)
        )
        with self._db.read() as connection:
            return [_take(row) for row in connection.execute(query)]

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
        if cell is not None and cell not in (1, 2, 3, 4):
            raise BadInput(f"{cell!r} is no cell", where=shot_id, remedy="use 1 to 4")
        if isinstance(take_or_file, Take):
            if take_or_file.kind != "keyframe":
                raise BadInput("a video is no start frame", where=take_or_file.take_id)
            path, sha256, from_take = take_or_file.media.path, take_or_file.media.sha256, take_or_file.take_id
        else:
            path = self._relative(take_or_file)
            if not take_or_file.is_file():
                raise BadInput("there is no such picture", where=str(take_or_file))
            sha256 = sha256_of(take_or_file)
        now = self._clock.now()
        origin = {"path": path, "sha256": sha256, "take_id": from_take, "cell": cell}
        current = (
            keyframes.c.project == self.project,
            keyframes.c.shot_id == shot_id,
            keyframes.c.superseded_at.is_(None),
        )
        with self._db.write() as connection:
            locked = connection.execute(select(keyframes).where(*current)).one_or_none()
            if locked is None or any(getattr(locked, name) != value for name, value in origin.items()):
                connection.execute(update(keyframes).where(*current).values(superseded_at=now))
                connection.execute(
                    insert(keyframes).values(
                        project=self.project, shot_id=shot_id, locked_by=by, locked_at=now, **origin
                    )
                )
        return self.keyframes(shot_id)[-1]

    def keyframe_complete(self, shot_id: str) -> bool:
        """True when the shot has a locked start frame; a grid or a take alone never makes it so."""
        return bool(self.keyframes(shot_id))

    def keyframes(self, shot_id: str) -> list[Keyframe]:
        """Every start frame the shot ever had, oldest first; the last one is the one that holds."""
        query = select(keyframes).where(keyframes.c.project == self.project, keyframes.c.shot_id == shot_id)
        with self._db.read() as connection:
            return [
                _record(Keyframe, row) for row in connection.execute(query.order_by(keyframes.c.keyframe_id))
            ]

    # -------------------------------------------------------------------------------------------- money

    def costs(self) -> list[CostEvent]:
        """Every cost event of the project, oldest first."""
        query = (
            select(cost_events, steps.c.shot_id, steps.c.attempt)
            .join(steps, steps.c.step_key == cost_events.c.step_key)
            .where(cost_events.c.project == self.project)
            .order_by(cost_events.c.event_id)
        )
        with self._db.read() as connection:
            return [_record(CostEvent, row) for row in connection.execute(query)]

    def spent_on(self, shot_ids: Collection[str], *, since_attempt: int) -> Decimal:
        """Dollars that the attempts at some shots have cost, or may have, from one attempt on."""
        query = (
            select(cost_events.c.amount)
            .join(steps, steps.c.step_key == cost_events.c.step_key)
            .where(
                cost_events.c.project == self.project,
                cost_events.c.kind != "estimated",
                steps.c.shot_id.in_(shot_ids),
                steps.c.attempt >= since_attempt,
            )
        )
        with self._db.read() as connection:
            return sum(connection.scalars(query), Decimal(0))

    def spent(self) -> dict[CostKind, Decimal]:
        """Dollars of the whole project by kind."""
        query = (
            select(cost_events.c.kind, func.sum(cost_events.c.amount).label("total"))
            .where(cost_events.c.project == self.project)
            .group_by(cost_events.c.kind)
        )
        with self._db.read() as connection:
            return {row.kind: row.total for row in connection.execute(query)}

    # ---------------------------------------------------------------------------------------------- inside

    def _relative(self, path: Path) -> str:
        """``path`` as the ledger and the documents write it: relative to the project, with ``/``."""
        try:
            return path.resolve().relative_to(self.project_dir.resolve()).as_posix()
        except ValueError:
            raise BadInput(
                "the file is outside the project", where=str(path), remedy=f"copy it under {self.project_dir}"
            ) from None

    def _move(
        self, connection: Connection, step_key: str, leaving: Set[StepState], to: StepState, **values: object
    ) -> StepState:
        # FOR UPDATE holds the row on PostgreSQL; on SQLite the whole transaction is the only writer already.
        query = select(steps.c.state).where(steps.c.step_key == step_key).with_for_update()
        found: StepState | None = connection.scalar(query)
        moved = connection.execute(
            update(steps)
            .where(steps.c.step_key == step_key, steps.c.state.in_(leaving))
            .values(state=to, updated_at=self._clock.now(), **values)
        )
        if moved.rowcount != 1 or found is None:
            raise StaleMove(step_key, to, found)
        return found

    def _book(self, connection: Connection, step_key: str, kind: CostKind, quote: Quote, why: str) -> None:
        connection.execute(
            insert(cost_events).values(
                step_key=step_key,
                project=self.project,
                kind=kind,
                provider=quote.provider,
                model=quote.model,
                unit=quote.unit,
                units=quote.units,
                unit_price=quote.unit_price,
                price_as_of=quote.as_of.isoformat(),
                amount=quote.amount,
                why=why,
                created_at=self._clock.now(),
            )
        )

    def _take_back_possible(self, connection: Connection, step_key: str) -> None:
        """The step leaves ``unknown`` because its last call was found, or found never to have arrived.

        Earlier possible charges of the same step stay: those calls were sent too, and are still lost.
        """
        query = (
            select(cost_events)
            .where(cost_events.c.step_key == step_key, cost_events.c.kind == "possible")
            .order_by(cost_events.c.event_id.desc())
            .limit(1)
        )
        row = connection.execute(query).one()._mapping
        again = {name: row[name] for name in row if name != "event_id"}
        again |= {
            "units": -row["units"],
            "amount": -row["amount"],
            "why": "cleared up",
            "created_at": self._clock.now(),
        }
        connection.execute(insert(cost_events).values(**again))


def _take(row: Row[Any]) -> Take:
    same = {
        n: getattr(row, n)
        for n in ("take_id", "shot_id", "kind", "attempt", "provider", "model", "created_at")
    }
    prompts = tuple(row.shot_prompts) if row.shot_prompts is not None else None
    return Take(media=_record(Media, row), shot_prompts=prompts, **same)


def _record(kind: type[R], row: Row[Any]) -> R:
    """A frozen record from the columns of the same names."""
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
