"""The commands that make grids, takes and videos, and may cost money: ``grid``, ``generate``, ``resume`` and ``pipeline``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_async.command_options import Names, Project, begin_logs, project_of
from client_async.exit_door import DONE, WAITING, gravest, leave
from starsend.errors import BadInput, StarsendError

if TYPE_CHECKING:
    from rich.console import Console

Again = Annotated[
    bool, typer.Option("--again", help="Make another one and keep what is there. Costs money again.")
]


def grid(
    ctx: typer.Context,
    sequences: Names = None,
    project: Project = None,
    again: Again = False,
    note: Annotated[
        str, typer.Option(help="With --again: what the new grid is to show, e.g. 'lower horizon, no crowd'.")
    ] = "",
    picture: Annotated[
        Path | None,
        typer.Option("--from", help="Adopt this picture, made elsewhere, as the grid. Costs nothing."),
    ] = None,
) -> None:
    """Explore grids: four candidate start frames for each sequence."""
    place, names = project_of(ctx, project), sequences or []
    if picture is not None and (len(names) != 1 or again):
        raise typer.BadParameter("--from takes one sequence, and no --again")
    if note and not again:
        raise typer.BadParameter("--note goes with --again")
    _names_what_is_made_again(again, names)
    begin_logs(ctx)
    from rich.console import Console

    from client_async import production

    console = Console()
    if picture is not None:
        if not picture.is_file():
            raise BadInput("there is no such picture", where=str(picture), remedy="check the path")
        production.adopt_grid(place, names[0], picture, console)
        return
    errors = production.make_grids(place, names, console, again=again, note=note)
    undecided = production.waiting_for_person(place, names, ("recovery",))
    leave(_told(errors, console) or (WAITING if undecided else DONE))


def generate(
    ctx: typer.Context,
    sequences: Names = None,
    project: Project = None,
    again: Again = False,
    split: Annotated[
        bool,
        typer.Option("--split", help="Make several takes of what is too long for one; kept in the brief."),
    ] = False,
) -> None:
    """Lock what is picked and make the takes."""
    place, names = project_of(ctx, project), sequences or []
    _names_what_is_made_again(again, names)
    if split and not names:
        raise typer.BadParameter("--split takes the names of what it is meant for")
    begin_logs(ctx)
    from rich.console import Console

    from client_async import production, screens

    console = Console()
    errors = production.make_takes(place, names, console, again=again, split=split)
    waiting = production.waiting_for_person(place, names)
    for name in sorted(waiting - errors.keys()):
        screens.say(console, f"  {name}  waits for a person: see `starsend status`")
    leave(_told(errors, console) or (WAITING if waiting else DONE))


def resume(ctx: typer.Context, sequences: Names = None, project: Project = None) -> None:
    """Go on with what failed or waits for a decision; nothing that was paid for is paid again."""
    place = project_of(ctx, project)
    begin_logs(ctx)
    from rich.console import Console

    from client_async import production

    console = Console()
    leave(_told(production.resume(place, sequences or [], console), console))


def pipeline(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SHOT]...", help="Shots; all if none is named.")
    ] = None,
    project: Project = None,
    again: Again = False,
    shots: Annotated[
        Path | None, typer.Option(help="The shot list; the project's shots.json by default.")
    ] = None,
) -> None:
    """Run the house line: shots.json to keyframes and videos, without client picks."""
    place = project_of(ctx, project)
    _names_what_is_made_again(again, names)
    begin_logs(ctx)
    from rich.console import Console

    from client_async.house_line import run_house_line

    outcomes = run_house_line(
        place, shots or place.folder / "shots.json", names or [], Console(), again=again
    )
    leave(gravest({outcome.shot_id: outcome.error for outcome in outcomes if outcome.error}))


def _names_what_is_made_again(again: bool, names: list[str] | None) -> None:
    """Nobody pays again for everything by leaving a name out. Raises BadParameter."""
    if again and not names:
        raise typer.BadParameter("--again takes the names of what it is meant for")


def _told(errors: dict[str, StarsendError], console: Console) -> int:
    """Print each error once and give the gravest exit code."""
    from client_async.screens import say

    for name, error in errors.items():
        line = str(error)
        say(console, line if name in line else f"{name}: {line}", style="red")
    return gravest(errors)
