"""Making a project: its folders, its brief, and schemas so that editors complete and check what people write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from client_async.ownership import SCHEMA, WISHES, brief_of
from client_async.projects import Place
from client_async.schemas import write_schemas
from client_async.sequences import Sequences
from starsend.documents import parse_document
from starsend.errors import BadInput
from starsend.files import write_durably
from starsend.json_file import read_json
from starsend.orchestrator.step_key import check_name

SAMPLE: dict[str, Any] = {
    "SEQ01": {
        "title": "Harbour at dawn",
        "prompt": "a small fishing harbour at dawn, mist over the water, one woman waits by the boats",
        "aspect_ratio": "16:9",
        "shots": [
            {"prompt": "the harbour wakes, gulls rise", "seconds": 3, "camera": "push in"},
            {"prompt": "the woman turns towards the sea", "seconds": 3, "camera": "pan left"},
        ],
        "selected_cell": None,
        "deleted": True,
    }
}
"""An example to write over. It is marked deleted: a daemon that sees the project must draw and bill nothing yet."""


def make_project(root: Path, name: str, brief: Path | None) -> Place:
    """Make ``projects/<name>``. Raises BadInput when there is one, BadDocument when the brief is wrong."""
    place = Place(root, check_name(name, "project name"))
    if place.file.path.exists():
        raise BadInput(
            "this project has a brief already",
            where=str(place.file.path),
            remedy="edit it, or choose another name",
        )
    if brief is None:
        sequences: dict[str, Any] = {"sequences": SAMPLE}
    else:
        sequences = read_json(brief, what="brief", remedy="check the path")
    parse_document(Sequences, sequences, brief or "sample")
    start_brief(place, sequences)
    for folder in ("elements", "state/client/picks"):
        (place.folder / folder).mkdir(parents=True, exist_ok=True)
    config = place.folder / "starsend_config.json"
    if not config.exists():
        write_durably(config, _dump({"$schema": "./schemas/starsend_config.schema.json"}))
    write_schemas(place.folder / "schemas")
    return place


def start_brief(place: Place, brief: dict[str, Any]) -> None:
    """Write a project's first ``sequences.json`` from a checked brief."""
    used = {"selected_cell", "review", *WISHES}  # what a used brief asked and said of its own project
    kept = {
        name: {key: value for key, value in brief_of(raw).items() if key not in used}
        for name, raw in brief["sequences"].items()
    }
    head = {"$schema": "../../schemas/sequences.schema.json", "_starsend": {"schema": SCHEMA, "revision": 0}}
    write_durably(place.file.path, _dump({**head, "sequences": kept}))


def _dump(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
