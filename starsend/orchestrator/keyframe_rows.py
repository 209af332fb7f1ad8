"""The ledger's locked keyframes, over an open connection."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from starsend.errors import BadInput
from starsend.files import sha256_of
from starsend.orchestrator.records import Keyframe, Take, record_of
from starsend.orchestrator.tables import keyframes

Origin = dict[str, Any]
"""Columns that say which picture it is, and which take and cell it was cut from."""


def origin_of(
    shot_id: str, take_or_file: Take | Path, project_dir: Path, *, from_take: str | None, cell: int | None
) -> Origin:
    """What is to be locked. Raises BadInput: no cell, no picture, or a file outside the project."""
    if cell is not None and cell not in (1, 2, 3, 4):
        raise BadInput(f"{cell!r} is no cell", where=shot_id, remedy="use 1 to 4")
    if isinstance(take_or_file, Take):
        if take_or_file.kind != "keyframe":
            raise BadInput("a video is no start frame", where=take_or_file.take_id)
        media = take_or_file.media
        return {"path": media.path, "sha256": media.sha256, "take_id": take_or_file.take_id, "cell": cell}
    path = _relative(take_or_file, project_dir)
    if not take_or_file.is_file():
        raise BadInput("there is no such picture", where=str(take_or_file))
    return {"path": path, "sha256": sha256_of(take_or_file), "take_id": from_take, "cell": cell}


def lock(
    connection: Connection, project: str, shot_id: str, origin: Origin, *, by: str, at: datetime
) -> None:
    """Lock a start frame; the one before is superseded. What is locked already stays."""
    current = (
        keyframes.c.project == project,
        keyframes.c.shot_id == shot_id,
        keyframes.c.superseded_at.is_(None),
    )
    locked = connection.execute(select(keyframes).where(*current)).one_or_none()
    if locked is not None and all(getattr(locked, name) == value for name, value in origin.items()):
        return
    connection.execute(update(keyframes).where(*current).values(superseded_at=at))
    row = {"project": project, "shot_id": shot_id, "locked_by": by, "locked_at": at, **origin}
    connection.execute(insert(keyframes).values(**row))


def history(connection: Connection, project: str, shot_id: str) -> list[Keyframe]:
    """Every start frame a shot ever had, oldest first."""
    query = select(keyframes).where(keyframes.c.project == project, keyframes.c.shot_id == shot_id)
    return [record_of(Keyframe, row) for row in connection.execute(query.order_by(keyframes.c.keyframe_id))]


def _relative(path: Path, project_dir: Path) -> str:
    try:
        return path.resolve().relative_to(project_dir.resolve()).as_posix()
    except ValueError:
        raise BadInput(
            "the file is outside the project", where=str(path), remedy=f"copy it under {project_dir}"
        ) from None
