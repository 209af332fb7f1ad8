"""Where every sequence stands, from raw documents: no models are built, so that ``status`` answers at once."""

from __future__ import annotations

import os
import sqlite3
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from client_async.journal import JournalUnusable
from client_async.projects import Place
from client_async.review import circled_take
from starsend.dollars import dollars
from starsend.errors import BadInput
from starsend.files import CannotWrite
from starsend.json_file import read_json

SCHEMA = "starsend.status/1"
COLUMNS = ("sequence", "state", "grid", "cell", "take")
Raw = Mapping[str, Mapping[str, Any]]
Budget = Sequence[Mapping[str, Any]]
"""Spend against caps: ``cap``, ``of``, and dollars as text."""


def standing(place: Place) -> tuple[Raw, str]:
    """A project's sequences, and a word on where they are from when they are not of this moment.

    Where the lock or the journal cannot be used (no rights, a full disk) sequences.json still says how things stood.

    Raises StarsendError when nothing can be told.
    """
    try:
        document, trouble = place.file.read_kept()
    except (CannotWrite, JournalUnusable, sqlite3.OperationalError) as refused:
        sequences = read_json(place.file.path, what="brief").get("sequences")
        if not isinstance(sequences, dict) or not all(isinstance(raw, dict) for raw in sequences.values()):
            raise BadInput("this is no brief", where=str(place.file.path)) from refused
        return sequences, f"{refused}. Shown is sequences.json, which may be a moment old"
    return document["sequences"], f"{trouble}. Shown is what was known before" if trouble else ""


def has_budget(place: Place) -> bool:
    """Whether a cap may be set somewhere: only then are settings and ledger worth their start-up time."""
    if any(name.upper().startswith("STARSEND_BUDGET") for name in os.environ):
        return True
    files = (folder / "starsend_config.json" for folder in (place.root, place.folder))
    return any(file.is_file() and "budget" in read_json(file) for file in files)


def as_json(
    documents: Mapping[str, Raw], budgets: Mapping[str, Budget], providers: Budget = ()
) -> dict[str, Any]:
    """The documented shape (docs/guide.md, "Status"): projects by name, sequences in the brief's order.

    Args:
        budgets: by project, as ``budget_view.budget_rows`` gives them.
        providers: as the daemon's ``/status`` tells; none where no daemon runs.
    """
    return {
        "schema": SCHEMA,
        "projects": [
            {
                "project": project,
                "budget": budgets.get(project, []),
                "sequences": [_row(name, sequence) for name, sequence in sequences.items()],
            }
            for project, sequences in documents.items()
        ],
        "providers": list(providers),
    }


def budget_lines(budget: Budget) -> list[str]:
    """Spend against each cap, for people; of the sequences, the dearest alone."""
    dearest = {row["cap"]: row for row in reversed(budget)}
    return [
        f"budget: {row['cap']} {shown(row['of'])} has spent {dollars(row['spent'])} of {dollars(row['limit'])}, "
        f"and {dollars(row['reserved'])} is reserved"
        for row in budget
        if row is dearest[row["cap"]]
    ]


def lines(project: str, sequences: Raw, columns: int | None, budget: Budget = ()) -> list[str]:
    """A table for people, and of each sequence what is going on: beside its row, or under it where there is no room.

    Args:
        columns: how wide the terminal is; None where the lines go into a pipe, and each sequence is one line.
    """
    rows = [_row(name, sequence) for name, sequence in sequences.items()]
    cells = [COLUMNS, *([shown(row[column]) for column in COLUMNS] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    table = ["  ".join(map(str.ljust, row, widths)) for row in cells]
    said = [project, *budget_lines(budget), f"{table[0]}  status"]
    for line, row in zip(table[1:], rows, strict=True):
        status = shown(row["status"])
        if columns is None or len(line) + 2 + len(status) <= columns:
            said.append(f"{line}  {status}")
        else:
            said.append(line)
            indent = " " * 4
            said += textwrap.wrap(
                status,
                max(columns, 20),
                initial_indent=indent,
                subsequent_indent=indent,
                break_long_words=False,
            )
    return said


def shown(value: object) -> str:
    """A value in one line, without what a terminal would obey."""
    text = "-" if value in (None, "") else " ".join(str(value).split())
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _row(name: str, sequence: Mapping[str, Any]) -> dict[str, Any]:
    pick, keyframe, take = (_part(sequence, part) for part in ("pick", "keyframe", "take"))
    return {
        "sequence": name,
        "title": sequence.get("title", ""),
        "state": "cancelled" if sequence.get("deleted") is True else sequence.get("grid_state", "new"),
        "grid": sequence.get("grid_id"),
        "grid_path": sequence.get("grid_path"),
        "cell": pick.get("cell"),
        "picked_by": pick.get("by"),
        "keyframe_path": keyframe.get("path"),
        "take": take.get("take"),
        "take_path": take.get("path"),
        "circled": circled_take(sequence),
        "status": sequence.get("status", ""),
    }


def _part(sequence: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = sequence.get(name)
    return part if isinstance(part, Mapping) else {}
