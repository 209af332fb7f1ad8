"""Where every sequence stands, from raw documents: no models are built, so that ``status`` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

SCHEMA = "starsend.status/1"
Raw = Mapping[str, Mapping[str, Any]]


def as_json(documents: Mapping[str, Raw]) -> dict[str, Any]:
    """The documented shape (docs/guide.md, "Status"): projects by name, sequences in the brief's order."""
    return {
        "schema": SCHEMA,
        "projects": [
            {"project": project, "sequences": [_row(name, sequence) for name, sequence in sequences.items()]}
            for project, sequences in documents.items()
        ],
    }


def table(project: str, sequences: Raw) -> Table:
    """Sequence, state, grid, picked cell, take, and one line of what is going on."""
    from rich.table import Table  # noqa: PLC0415 - 40 ms that --json need not pay

    shown = Table(title=project, title_justify="left", box=None, pad_edge=False, header_style="bold")
    columns = ("sequence", "state", "grid", "cell", "take", "status")
    for column in columns:
        shown.add_column(column, overflow="fold", no_wrap=column != "status")
    for name, sequence in sequences.items():
        row = _row(name, sequence)
        shown.add_row(*("-" if row[column] in (None, "") else str(row[column]) for column in columns))
    return shown


def _row(name: str, sequence: Mapping[str, Any]) -> dict[str, Any]:
    pick, keyframe, take = (_part(sequence, part) for part in ("pick", "keyframe", "take"))
    return {
        "sequence": name,
        "title": sequence.get("title", ""),
        "state": "deleted" if sequence.get("deleted") is True else sequence.get("grid_state", "new"),
        "grid": sequence.get("grid_id"),
        "grid_path": sequence.get("grid_path"),
        "cell": pick.get("cell"),
        "picked_by": pick.get("by"),
        "keyframe_path": keyframe.get("path"),
        "take": take.get("take"),
        "take_path": take.get("path"),
        "status": sequence.get("status", ""),
    }


def _part(sequence: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = sequence.get(name)
    return part if isinstance(part, Mapping) else {}
