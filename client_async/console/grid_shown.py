"""A sequence as the review page shows it: its grid with the cells as they were detected, who picked, what was refused."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from PIL import Image

from client_async.console.next_prices import price_of_grid, price_of_take
from client_async.console.picking import Seen, asked_note
from client_async.console.verdicts import verdicts_of
from client_async.next_action import next_action
from client_async.picks import present_pick
from client_async.projects import Place
from client_async.sequence_parts import GridRecord
from client_async.sequences import Sequence
from starsend.api_client import Reference
from starsend.dollars import dollars
from starsend.elements import Elements
from starsend.errors import StarsendError
from starsend.orchestrator.provenance import BESIDE

PLACES: Final = ("top left", "top right", "bottom left", "bottom right")
VIA: Final = {
    "model": "drawn",
    "composite": "composited from four single frames",
    "adopted": "brought in from elsewhere",
}


def shown(place: Place, name: str, sequence: Sequence) -> dict[str, Any]:
    """What the template is filled with. Blocking: looks at pictures, elements and prices."""
    raw = sequence.model_dump(mode="json")
    pick = present_pick(raw, sequence.grid_id) if sequence.grid_id else None
    return {
        "sequence": sequence,
        "grid": _grid(place.folder, sequence.grid),
        "pick": pick,
        "seen": pick and {field: pick.get(field) for field in Seen.model_fields},
        "revisions": _revisions(sequence),
        "references": _references(place, name, sequence),
        "verdicts": [one for one in verdicts_of(raw) if one.start_frame],
        "locked": sequence.keyframe.sha256 if sequence.keyframe else "",
        "due": next_action(sequence) in ("lock", "generate"),
        "asked": asked_note(raw),
        **_prices(place, sequence),
    }


def references_of(place: Place, name: str, sequence: Sequence) -> tuple[Reference, ...]:
    """The pictures that go along with the prompt of the start frame. Raises what elements raise."""
    elements = Elements.load(place.folder / "elements")
    return elements.cast([sequence.prompt], sequence.elements, where=name).references


def _grid(folder: Path, record: GridRecord | None) -> dict[str, Any] | None:
    """The grid's picture, its size, and its cells: file, place in words, and rectangle where that was written down."""
    if record is None or record.path is None:
        return None
    size = _size_of(folder / record.path)
    cells = [
        {"number": number, "place": where, "path": path, "box": _box_of(folder / path)}
        for number, where, path in zip((1, 2, 3, 4), PLACES, record.cells, strict=False)
    ]
    return {
        "id": record.grid,
        "path": record.path,
        "size": size,
        "cells": cells,
        "detected": size is not None and all(cell["box"] for cell in cells),
        "via": VIA[record.via],
        "note": record.note,
        "explanation": record.verdict.explanation,
        "at": record.at,
    }


def _box_of(cell: Path) -> list[int] | None:
    """Left, top, right, bottom in the grid's pixels, as the file beside the cell says; None where there is none."""
    try:
        left, top, right, bottom = json.loads(cell.with_name(cell.name + BESIDE).read_bytes())["box"]
        return [int(left), int(top), int(right), int(bottom)]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _size_of(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
        return _measured(path, status.st_mtime_ns, status.st_size)
    except (OSError, StarsendError):
        return None


@lru_cache(maxsize=10_000)
def _measured(path: Path, _changed: int, _bytes: int) -> tuple[int, int]:
    with Image.open(path) as picture:  # its first bytes alone
        return picture.size


def _revisions(sequence: Sequence) -> list[dict[str, Any]]:
    """All that was drawn, the newest first. A right one that is newer than the present one came when that was to stay."""
    found, is_newer = [], True
    for record in reversed(sequence.grid_history):
        if record.grid == sequence.grid_id:
            standing, is_newer = "shown here", False
        elif record.verdict.ok:
            standing = "not used" if is_newer else "replaced"
        else:
            standing = "refused"
        found.append(_revision(record, standing))
    return found


def _revision(record: GridRecord, standing: str) -> dict[str, Any]:
    return {
        "grid": record.grid,
        "round": record.round,
        "ok": record.verdict.ok,
        "standing": standing,
        "via": VIA[record.via],
        "explanation": record.verdict.explanation,
        "note": record.note,
        "cost": dollars(record.cost),
        "path": record.path,
        "at": record.at,
    }


def _references(place: Place, name: str, sequence: Sequence) -> dict[str, Any]:
    """Pictures that go along with the prompt, or why there are none to show."""
    try:
        return {"fault": "", "pictures": [one.name for one in references_of(place, name, sequence)]}
    except StarsendError as wrong:
        return {"fault": str(wrong), "pictures": []}


def _prices(place: Place, sequence: Sequence) -> dict[str, str]:
    try:
        return {"grid_price": price_of_grid(place).words, "take_price": price_of_take(place, sequence).words}
    except StarsendError as wrong:  # settings that cannot be read; the page is shown all the same
        return {"grid_price": str(wrong), "take_price": str(wrong)}
