"""The command line: parse, wire, call, and leave by exit_door.py. Thin, and quick to start.

``status``, ``pick`` and ``--help`` load no picture, web, vendor or migration library; whatever else needs one imports it
when it runs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from client_async import (
    doctor_command,
    handout_command,
    look_commands,
    money_commands,
    recover_commands,
    status_command,
)
from client_async.command_options import Names, Project
from client_async.exit_door import DONE, WAITING, gravest, leave, run, tell
from starsend.errors import BadInput, StarsendError

if TYPE_CHECKING:
    from rich.console import Console

    from client_async.draft import Draft
    from client_async.projects import Place

app = typer.Typer(
    name="starsend",
    help="From a client's brief to multi-shot dailies: grids, picks, keyframes and takes, every paid call accounted for.",
    epilog="Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 waiting for a person.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Name = Annotated[str, typer.Argument(metavar="SEQUENCE")]
Again = Annotated[
    bool, typer.Option("--again", help="Make another one and keep what is there. Costs money again.")
]


class Globals:
    """What the options before the command say."""

    root: Path = Path()
    debug: bool = False


@app.callback()
def _globals(
    root: Annotated[
        Path,
        typer.Option(
            envvar="STARSEND_ROOT", help="The folder that holds projects/; the current one by default."
        ),
    ] = Path(),
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and log everything.")] = False,
) -> None:
    Globals.root = root
    Globals.debug = debug


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="The new project's name.")],
    brief: Annotated[
        Path | None, typer.Option(help="A sequences.json to start from; a sample otherwise.")
    ] = None,
) -> None:
    """Make a new project: folders, a brief, and schemas for editors."""
    from client_async.new_project import make_project

    place = make_project(Globals.root, name, brief)
    mark = "" if brief else ', and set "deleted" to false'
    print(f"made {place.folder}; edit {place.file.path}{mark}, then run `starsend grid -p {name}`")


@app.command()
def grid(
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
    place, names = _place(project), sequences or []
    if picture is not None and (len(names) != 1 or again):
        raise typer.BadParameter("--from takes one sequence, and no --again")
    if note and not again:
        raise typer.BadParameter("--note goes with --again")
    _names_what_is_made_again(again, names)
    _logs()
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


@app.command()
def pick(
    sequence: Name,
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

    place = _place(project)
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


@app.command()
def generate(
    sequences: Names = None,
    project: Project = None,
    again: Again = False,
    split: Annotated[
        bool,
        typer.Option("--split", help="Make several takes of what is too long for one; kept in the brief."),
    ] = False,
) -> None:
    """Lock what is picked and make the takes."""
    place, names = _place(project), sequences or []
    _names_what_is_made_again(again, names)
    if split and not names:
        raise typer.BadParameter("--split takes the names of what it is meant for")
    _logs()
    from rich.console import Console

    from client_async import production, screens

    console = Console()
    errors = production.make_takes(place, names, console, again=again, split=split)
    waiting = production.waiting_for_person(place, names)
    for name in sorted(waiting - errors.keys()):
        screens.say(console, f"  {name}  waits for a person: see `starsend status`")
    leave(_told(errors, console) or (WAITING if waiting else DONE))


@app.command()
def resume(sequences: Names = None, project: Project = None) -> None:
    """Go on with what failed or waits for a decision; nothing that was paid for is paid again."""
    place = _place(project)
    _logs()
    from rich.console import Console

    from client_async import production

    console = Console()
    leave(_told(production.resume(place, sequences or [], console), console))


app.command()(status_command.status)
app.command(epilog="Exit codes: 0 every take can be made, 2 one cannot, or bad usage or bad input.")(
    look_commands.lint
)
app.command(epilog="Exit codes: 0 all are grids, 1 one is none or cannot be read, 2 bad usage or bad input.")(
    look_commands.inspect
)
app.command()(money_commands.costs)
app.command()(money_commands.estimate)
app.command()(handout_command.handout)
app.command(epilog="Exit codes: 0 no check failed, 1 one did, 2 bad usage or bad input.")(
    doctor_command.doctor
)
app.add_typer(recover_commands.app)


@app.command()
def pipeline(
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
    place = _place(project)
    _names_what_is_made_again(again, names)
    _logs()
    from rich.console import Console

    from client_async.house_line import run_house_line

    outcomes = run_house_line(
        place, shots or place.folder / "shots.json", names or [], Console(), again=again
    )
    leave(gravest({outcome.shot_id: outcome.error for outcome in outcomes if outcome.error}))


@app.command()
def console() -> None:
    """Serve the web page on which sequences are reviewed, picked and watched."""
    _logs()
    import anyio
    from rich.console import Console

    from client_async.console.alone import serve_alone
    from client_async.screens import say

    terminal = Console(stderr=True)
    anyio.run(serve_alone, Globals.root, partial(say, terminal) if terminal.is_terminal else None)


@app.command()
def daemon(
    projects: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROJECT]...", help="Projects; all, and new ones, if none is named."),
    ] = None,
    with_console: Annotated[bool, typer.Option("--console", help="Serve the web page too.")] = False,
) -> None:
    """Watch the projects and drive every sequence as far as it can go, for weeks."""
    for name in projects or []:
        _place(name)
    _logs()
    import anyio
    from rich.console import Console

    from client_async.daemon import Daemon
    from client_async.screens import say

    console = Console(stderr=True)

    async def serve() -> None:
        shown = partial(say, console) if console.is_terminal else None
        await Daemon(Globals.root, projects or [], shown, console=with_console).run()

    anyio.run(serve)


@app.command()
def demo() -> None:
    """Take the sample job in projects/demo from brief to dailies, free and offline."""
    _logs()
    from rich.console import Console

    from client_async.demo import run_demo

    leave(run_demo(Globals.root, Console()))


def main() -> None:
    """What ``starsend`` starts."""
    run(app, shows_tracebacks=lambda: Globals.debug)


def _place(project: str | None) -> Place:
    from client_async.projects import find_project

    return find_project(Globals.root, project)


def _logs() -> None:
    from client_async.logs import configure_logs

    configure_logs(debug=Globals.debug)


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


if __name__ == "__main__":
    main()
