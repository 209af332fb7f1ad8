"""Options that many commands have, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from client_async.projects import Place

Project = Annotated[
    str | None, typer.Option("--project", "-p", help="The project; may be left out where there is only one.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON of a documented, stable shape.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SEQUENCE]...", help="Sequences; all with work to do if none is named."),
]


def root_of(ctx: typer.Context) -> Path:
    """What ``--root``, before the command, says."""
    root: Path = ctx.find_root().params["root"]
    return root


def project_of(ctx: typer.Context, named: str | None) -> Place:
    """The project that ``--project`` names, or the only one. Raises BadInput."""
    from client_async.projects import find_project

    return find_project(root_of(ctx), named)


def begin_logs(ctx: typer.Context) -> None:
    """Log from here on, everything with ``--debug``."""
    from client_async.logs import configure_logs

    configure_logs(debug=ctx.find_root().params["debug"])
