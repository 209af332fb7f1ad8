"""The command ``pick``: a choice of one of four cells, written into the brief. It sends nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client_async.command_options import Project, project_of
from client_async.exit_door import tell

if TYPE_CHECKING:
    from client_async.draft import Draft


def pick(
    ctx: typer.Context,
    sequence: Annotated[str, typer.Argument(metavar="SEQUENCE")],
    cell: Annotated[str, typer.Argument(help="1 top left, 2 top right, 3 bottom left, 4 bottom right.")],
    project: Project = None,
    of: Annotated[
        str | None,
        typer.Option("--grid", help="The grid you looked at, e.g. g2; refused if it was replaced."),
    ] = None,
    note: Annotated[str, typer.Option(help="Kept with the pick.")] = "",
) -> None:
    """Pick a cell of a grid. The pick is free, and so is another one later; each take that is then made is paid.

    Where a daemon runs it makes the take two seconds later; else `starsend generate` does.
    """
    from getpass import getuser

    from client_async.driver_lock import daemon_drives
    from client_async.picks import record_pick

    place = project_of(ctx, project)
    chosen: object = int(cell) if cell.isascii() and cell.isdecimal() else cell

    def record(draft: Draft) -> dict[str, Any]:
        now = datetime.now(UTC)
        return record_pick(
            draft[sequence], sequence, chosen, by=getuser(), via="command line", at=now, grid=of, note=note
        )

    picked = place.file.change(record)
    if place.file.trouble:
        tell(f"{place.file.trouble}. The pick is kept, and shown when it is mended")
    daemon = daemon_drives(place)
    then = "the daemon makes the take" if daemon else f"`starsend generate {sequence}` makes the take"
    print(f"{sequence}: cell {picked['cell']} of {picked['grid']} is picked; {then}")
