"""The command line: parse, wire, call, and leave by exit_door.py. Thin, and quick to start.

The commands are gathered here; those with more to them than a call have files, ``*_command.py`` and ``*_commands.py``.
``status``, ``pick`` and ``--help`` load no picture, web, vendor or migration library; whatever else needs one imports it
when it runs.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from client_async import (
    doctor_command,
    handout_command,
    look_commands,
    making_commands,
    money_commands,
    pick_command,
    recover_commands,
    status_command,
)
from client_async.command_options import begin_logs, project_of, root_of
from client_async.exit_door import leave, run

app = typer.Typer(
    name="starsend",
    help="From a client's brief to multi-shot dailies: grids, picks, keyframes and takes, every paid call accounted for.",
    epilog="Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 waiting for a person.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Globals:
    """What is said before the command and the exit door must know: it stands outside of every command."""

    debug: bool = False


@app.callback()
def _globals(
    root: Annotated[  # noqa: ARG001 - root_of finds it
        Path,
        typer.Option(
            envvar="STARSEND_ROOT", help="The folder that holds projects/; the current one by default."
        ),
    ] = Path(),
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and log everything.")] = False,
) -> None:
    Globals.debug = debug


@app.command()
def init(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The new project's name.")],
    brief: Annotated[
        Path | None, typer.Option(help="A sequences.json to start from; a sample otherwise.")
    ] = None,
) -> None:
    """Make a new project: folders, a brief, and schemas for editors."""
    from client_async.new_project import make_project

    place = make_project(root_of(ctx), name, brief)
    mark = "" if brief else ', and set "deleted" to false'
    print(f"made {place.folder}; edit {place.file.path}{mark}, then run `starsend grid -p {name}`")


app.command()(making_commands.grid)
app.command()(pick_command.pick)
app.command()(making_commands.generate)
app.command()(making_commands.resume)
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
app.command()(making_commands.pipeline)


@app.command()
def console(ctx: typer.Context) -> None:
    """Serve the web page on which sequences are reviewed, picked and watched."""
    begin_logs(ctx)
    import anyio
    from rich.console import Console

    from client_async.console.alone import serve_alone
    from client_async.screens import say

    terminal = Console(stderr=True)
    anyio.run(serve_alone, root_of(ctx), partial(say, terminal) if terminal.is_terminal else None)


@app.command()
def daemon(
    ctx: typer.Context,
    projects: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROJECT]...", help="Projects; all, and new ones, if none is named."),
    ] = None,
    with_console: Annotated[bool, typer.Option("--console", help="Serve the web page too.")] = False,
) -> None:
    """Watch the projects and drive every sequence as far as it can go, for weeks."""
    for name in projects or []:
        project_of(ctx, name)
    begin_logs(ctx)
    import anyio
    from rich.console import Console

    from client_async.daemon import Daemon
    from client_async.screens import say

    console = Console(stderr=True)

    async def serve() -> None:
        shown = partial(say, console) if console.is_terminal else None
        await Daemon(root_of(ctx), projects or [], shown, console=with_console).run()

    anyio.run(serve)


@app.command()
def demo(ctx: typer.Context) -> None:
    """Take the sample job in projects/demo from brief to dailies, free and offline."""
    begin_logs(ctx)
    from rich.console import Console

    from client_async.demo import run_demo

    leave(run_demo(root_of(ctx), Console()))


def main() -> None:
    """What ``starsend`` starts."""
    run(app, shows_tracebacks=lambda: Globals.debug)


if __name__ == "__main__":
    main()
