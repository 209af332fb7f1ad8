"""Options that many commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
