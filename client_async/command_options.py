"""Options that many commands have."""

from __future__ import annotations

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
