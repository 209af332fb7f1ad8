"""The OpenAPI document: what FastAPI knows of the routes, and what the doors before them ask for and answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from client_async.console.doors import OPEN
from client_async.console.guard import COOKIE

TAGS: Final = (
    ("sequences", "Projects and their sequences, as the pages show them."),
    ("now", "What runs, what is spent of what may be, and what waits for whom."),
    ("costs", "Every cost event, added up or one by one."),
    ("live", "What changes, as it changes."),
    ("ops", "Health and measurements."),
)
SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The console's token (docs/console.md)."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "What /login sets; a write needs the header x-starsend: 1 as well.",
    },
}
TEXT: Final = {"text/plain": {"schema": {"type": "string"}}}
REFUSED: Final = {"schema": {"$ref": "#/components/schemas/Refused"}}
READING: Final = {401: "a token is needed", 421: "not a name of the console's"}
WRITING: Final = {**READING, 403: "not from a page of the console", 413: "too large"}
METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})


def describe(app: FastAPI) -> None:
    """Let ``/api/openapi.json`` tell of the doors too."""

    def document() -> dict[str, Any]:
        if not app.openapi_schema:
            tags = [{"name": name, "description": said} for name, said in TAGS]
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                tags=tags,
            )
            made.setdefault("components", {})["securitySchemes"] = SCHEMES
            for path, method, operation in _each(made):
                _add_doors(path, method, operation)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def operations(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """For people: by tag, each operation with its method, path, summary and parameters."""
    found: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, method, operation in _each(document):
        for tag in operation.get("tags", ["other"]):
            row = {
                "method": method.upper(),
                "path": path,
                "id": operation.get("operationId", ""),
                "summary": operation.get("summary", ""),
                "description": operation.get("description", ""),
                "parameters": [one["name"] for one in operation.get("parameters", [])],
                "statuses": sorted(operation["responses"]),
            }
            found.setdefault(tag, []).append(row)
    return {tag: rows for tag, rows in found.items() if rows}


def _each(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def _add_doors(path: str, method: str, operation: dict[str, Any]) -> None:
    reads = method == "get"
    open_to_all = path.startswith(OPEN)
    # Reading is free where the console listens on this machine alone.
    operation["security"] = [] if open_to_all else [{"bearer": []}, {"session": []}, *([{}] if reads else [])]
    for status, said in (READING if reads else WRITING).items():
        if not (open_to_all and status == 401):
            answer = operation["responses"].setdefault(str(status), {"description": said})
            answer["content"] = {**answer.get("content", {}), **TEXT}  # the doors' own words are plain
    if not reads:  # what is found too large only while it comes is told by the room
        operation["responses"]["413"]["content"]["application/json"] = REFUSED
