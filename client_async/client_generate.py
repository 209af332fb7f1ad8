"""The command line: parse, wire, call, turn an error into one line and an exit code. Thin, and quick to start.

Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 waiting for a person. ``status``, ``pick`` and ``--help`` load
no picture, web, vendor or migration library; whatever else needs one imports it when it runs.
"""

from __future__ import annotations

import atexit
import gc
import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starsend.errors import BadInput, StarsendError

if TYPE_CHECKING:
    from client_async.draft import Draft
    from client_async.projects import Place

DONE, FAILED, BAD_INPUT, WAITING = 0, 1, 2, 3

app = typer.Typer(
    name="starsend",
    help="From a client's brief to multi-shot dailies: grids, picks, keyframes and takes, every paid call accounted for.",
    epilog="Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 waiting for a person.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Project = Annotated[
    str | None, typer.Option("--project", "-p", help="The project; may be left out where there is only one.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON of a documented, stable shape.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SEQUENCE]...", help="Sequences; all with work to do if none is named."),
]
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
    print(f"made {place.folder}; edit {place.file.path}, then run `starsend grid -p {name}`")


@app.command()
def grid(
    sequences: Names = None,
    project: Project = None,
    again: Again = False,
    picture: Annotated[
        Path | None,
        typer.Option("--from", help="Adopt this picture, made elsewhere, as the grid. Costs nothing."),
    ] = None,
) -> None:
    """Explore grids: four candidate start frames for each sequence."""
    place, names = _place(project), sequences or []
    if picture is not None and (len(names) != 1 or again):
        raise typer.BadParameter("--from takes one sequence, and no --again")
    if again and not names:
        raise typer.BadParameter("--again takes the sequences it is meant for")
    _logs()
    from rich.console import Console

    from client_async import production

    console = Console()
    if picture is not None:
        if not picture.is_file():
            raise BadInput("there is no such picture", where=str(picture), remedy="check the path")
        adopted = production.adopt_grid(place, names[0], picture, console)
        if adopted.adopt is not None:
            return  # handed over
        console.print(
            f"{names[0]}: {adopted.grid_id} is ready at {place.shown(str(adopted.grid_path))}",
            highlight=False,
            soft_wrap=True,
        )
        return
    errors = production.make_grids(place, names, console, again=again)
    undecided = production.waiting_for_person(place, names, ("recovery",))
    _leave(_code_of(errors, console) or (WAITING if undecided else DONE))


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
    """Pick a cell of a grid. Costs nothing; picking another one later is free too."""
    from getpass import getuser

    from client_async.driver_lock import is_daemons
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
        print(
            f"starsend: {place.file.trouble}. The pick is kept, and shown when it is mended", file=sys.stderr
        )
    then = (
        "the daemon makes the take" if is_daemons(place) else f"`starsend generate {sequence}` makes the take"
    )
    print(f"{sequence}: cell {picked['cell']} of {picked['grid']} is picked; {then}")


@app.command()
def generate(sequences: Names = None, project: Project = None, again: Again = False) -> None:
    """Lock what is picked and make the takes."""
    place, names = _place(project), sequences or []
    if again and not names:
        raise typer.BadParameter("--again takes the sequences it is meant for")
    _logs()
    from rich.console import Console

    from client_async import production

    console = Console()
    errors = production.make_takes(place, names, console, again=again)
    waiting = production.waiting_for_person(place, names)
    for name in waiting - errors.keys():
        console.print(f"  {name}  waits for a person: see `starsend status`", highlight=False, soft_wrap=True)
    _leave(_code_of(errors, console) or (WAITING if waiting else DONE))


@app.command()
def resume(sequences: Names = None, project: Project = None) -> None:
    """Go on with what failed or waits for a decision; nothing that was paid for is paid again."""
    place = _place(project)
    _logs()
    from rich.console import Console

    from client_async import production

    console = Console()
    _leave(_code_of(production.resume(place, sequences or [], console), console))


@app.command()
def status(project: Project = None, as_json: Json = False) -> None:
    """Show where every sequence stands."""
    from client_async.projects import Place, project_names

    places = (
        [_place(project)] if project else [Place(Globals.root, name) for name in project_names(Globals.root)]
    )
    documents = {}
    for place in places or [_place(None)]:
        document, trouble = place.file.read_kept()
        documents[place.name] = document["sequences"]
        if trouble:
            print(f"starsend: {trouble}. Shown is what was known before", file=sys.stderr)
    from client_async import status_view

    if as_json:
        _print_json(status_view.as_json(documents))
        return
    from rich.console import Console

    for name, sequences in documents.items():
        Console(markup=False).print(status_view.table(name, sequences))


@app.command()
def costs(project: Project = None, as_json: Json = False) -> None:
    """Add up what was spent: accepted, rejected, possible; and what it would cost at a vendor's price."""
    place = _place(project)
    from client_async import production, screens

    report = production.project_costs(place)
    if as_json:
        _print_json(report.as_json())
        return
    from rich.console import Console

    console = Console()
    console.print(screens.cost_table(report))
    console.print(
        f"spent {screens.dollars(report.total.spent)}; at vendors' prices this job would cost {screens.dollars(report.total.estimated)}",
        highlight=False,
    )


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
    if again and not names:
        raise typer.BadParameter("--again takes the shots it is meant for")
    _logs()
    from rich.console import Console

    from client_async import production

    outcomes = production.run_house_line(
        place, shots or place.folder / "shots.json", names or [], Console(), again=again
    )
    _leave(min((outcome.error.exit_code for outcome in outcomes if outcome.error), default=DONE))


@app.command()
def daemon(
    projects: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROJECT]...", help="Projects; all, and new ones, if none is named."),
    ] = None,
) -> None:
    """Watch the projects and drive every sequence as far as it can go, for weeks."""
    for name in projects or []:
        _place(name)
    _logs()
    import anyio
    from rich.console import Console

    from client_async.daemon import Daemon

    console = Console(stderr=True)

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True, markup=False)

    async def run() -> None:
        await Daemon(Globals.root, projects or [], say if console.is_terminal else None).run()

    anyio.run(run)


@app.command()
def demo() -> None:
    """Take the sample job in projects/demo from brief to dailies, free and offline."""
    _logs()
    from rich.console import Console

    from client_async.demo import run_demo

    _leave(run_demo(Globals.root, Console()))


def main() -> None:
    """The one exit door."""
    # At its end Python searches every module for cycles to collect, a quarter of what `status` costs (measured: 127 ms
    # of CPU with this line, 170 without). Files and databases have been closed by then.
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="backslashreplace"
            )  # a terminal that cannot show a title still shows the rest
    try:
        app(standalone_mode=True)
    except Exception as raised:  # whatever it is, people get one line, and with --debug the rest
        if Globals.debug:
            raise
        error: BaseException = raised
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        print(f"starsend: {_line_of(error)}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, StarsendError) else FAILED)


def _line_of(error: BaseException) -> str:
    if isinstance(error, StarsendError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}. Check the disk and its permissions"
    return f"unexpected {type(error).__name__}: {error}. Run it again with --debug and report what it shows"


def _place(project: str | None) -> Place:
    from client_async.projects import find_project

    return find_project(Globals.root, project)


def _logs() -> None:
    from client_async.logs import configure_logs

    configure_logs(debug=Globals.debug)


def _code_of(errors: dict[str, StarsendError], console: Any) -> int:  # noqa: ANN401 - rich's Console, loaded late
    """Print each error once and give the gravest code: a failure counts more than a wait."""
    for name, error in errors.items():
        line = str(error)
        console.print(
            line if name in line else f"{name}: {line}",
            style="red",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
    return min((error.exit_code for error in errors.values()), default=DONE)


def _print_json(value: object) -> None:
    import orjson

    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _leave(code: int) -> None:
    raise typer.Exit(code)


if __name__ == "__main__":
    main()
