"""JSON Schemas for editors: what may stand in each file that people write."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel

from client_async.sequences import Sequences
from starsend.config import Settings
from starsend.elements import ElementFile
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
