"""The commands ``lint`` and ``inspect``: they look at briefs and pictures, and cost nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client_async.command_options import Json, Project, project_of
from client_async.exit_door import DONE, FAILED, leave, print_json, tell
from starsend.errors import BadInput


def lint(
    ctx: typer.Context,
    sequences: Annotated[
        list[str] | None, typer.Argument(metavar="[SEQUENCE]...", help="Sequences; all if none is named.")
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Say what the video model would refuse of the takes, before anything is paid for. Costs nothing."""
    from client_async.shot_check import lint_project

    report = lint_project(project_of(ctx, project), sequences or [])
    if as_json:
        print_json(report.as_json())
    else:
        print("\n".join(report.lines()))
    leave(DONE if report.is_clean else BadInput.exit_code)


def inspect(
    pictures: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Any pictures, of a project or not.")
    ],
    gutter: Annotated[
        str | None, typer.Option(help="The colour that was asked for between the cells, e.g. magenta.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="The folder for the overlays; beside each picture by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether pictures are 2x2 grids, and draw what was seen. Drawings of an earlier run are passed over."""
    from client_async.inspection import inspect as inspected

    seen = []
    for one in inspected(pictures, gutter=gutter, folder=to, tell=tell):
        seen.append(one)
        if not as_json:
            drawn = f"\n  drawn in {one.overlay}" if one.overlay else ""
            print(f"{one.picture}: {one.verdict.explain()}{drawn}")
    if as_json:
        print_json({"schema": "starsend.inspect/1", "pictures": [one.as_json() for one in seen]})
    leave(DONE if all(one.verdict.ok for one in seen) else FAILED)
