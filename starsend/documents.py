"""Documents people write, checked with pydantic: one readable line per fault, with its JSON path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from starsend.errors import BadInput, nearest
from starsend.json_file import MEND
from starsend.json_lines import line_of


class BadDocument(BadInput):
    """A document says something that cannot be; names the file, the JSON path and what would be right."""

    def __init__(self, path: Path | str, faults: list[tuple[str, str]], *, line: int | None = None) -> None:
        self.faults = faults
        field, what = faults[0]
        path = f"{path}:{line}" if line else path
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(
            f"{what}{more}",
            where=f"{path}: {field}" if field else str(path),
            remedy=MEND,
        )


class Section(BaseModel):
    """A part of a document that is all ours: frozen, and an unknown key is an error that names the nearest."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _name_the_nearest_key(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for key in data:
            if key not in known and key not in cls.model_fields:
                near = nearest(str(key), known)
                hint = f"did you mean {near!r}?" if near else "known: " + ", ".join(sorted(known))
                raise PydanticCustomError(
                    "unknown_key", "unknown key '{key}', {hint}", {"key": key, "hint": hint}
                )
        return data


M = TypeVar("M", bound=BaseModel)


def parse_document(model: type[M], data: Mapping[str, Any], path: Path | str, *, text: str = "") -> M:
    """``data`` as ``model``; ``path``, and the line in ``text`` where that is given, are named in errors.

    Raises BadDocument with every fault found.
    """
    try:
        return model.model_validate(data)
    except ValidationError as wrong:
        faults = wrong.errors()
        raise BadDocument(
            path,
            [(json_path(fault["loc"]), _plain(fault["msg"], fault["input"])) for fault in faults],
            line=line_of(text, faults[0]["loc"]) if text else None,
        ) from wrong


def json_path(loc: tuple[int | str, ...]) -> str:
    """``("sequences", "SEQ01", "shots", 0)`` as ``sequences.SEQ01.shots[0]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def _plain(message: str, given: object) -> str:
    message = message.removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if message.startswith("unknown key") or isinstance(given, dict | list):
        return message
    return f"{message} (it is {given!r:.60})"
