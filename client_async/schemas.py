"""JSON Schemas for editors: what may stand in each file that people write.

python -m client_async.schemas FOLDER      writes them; `make schemas` does so for projects/demo
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel

from client_async.sequences import Sequences
from starsend.config import Settings
from starsend.elements import ElementFile
from starsend.files import write_durably
from starsend.pipeline import ShotList

MODELS: dict[str, type[BaseModel]] = {
    "starsend_config": Settings,
    "sequences": Sequences,
    "element": ElementFile,
    "shots": ShotList,
}


def schema_file(name: str) -> bytes:
    """``<name>.schema.json`` as it lies in a project's ``schemas/`` folder."""
    schema: dict[str, Any] = MODELS[name].model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def write_schemas(folder: Path) -> None:
    """Write every schema into ``folder``. Raises CannotWrite."""
    for name in MODELS:
        write_durably(folder / f"{name}.schema.json", schema_file(name))


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
