"""The commands about paid steps whose end is unknown: ``starsend recover list|retry|give-up|fetch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from client_async.command_options import Json, Project, begin_logs, project_of, root_of
from client_async.exit_door import gravest, leave, print_json, tell
from starsend.errors import StarsendError

if TYPE_CHECKING:
    from client_async.projects import Place

app = typer.Typer(
    name="recover",
    help="Decide about paid steps whose end is unknown, and fetch what the vendor still has.",
    no_args_is_help=True,
)

Target = Annotated[
    str, typer.Argument(metavar="STEP|SEQUENCE", help="As the list names it; a sequence with one such step.")
]


@app.command("list")
def list_open(ctx: typer.Context, project: Project = None, as_json: Json = False) -> None:
    """List what is open: what it may cost, until when the vendor keeps it, and what can be done. Changes nothing."""
    from client_async import recovery_view
    from client_async.projects import place_of, project_names
    from starsend.clock import SystemClock

    root = root_of(ctx)
    names = [project_of(ctx, project).name] if project else project_names(root)
    found, errors = {}, {}
    for name in names or [project_of(ctx, None).name]:
        try:
            found[name] = recovery_view.cases_of(place_of(root, name), SystemClock())
        except StarsendError as refused:  # this project's; the others are shown
            errors[name] = refused
            tell(str(refused))
    if as_json:
        print_json(recovery_view.as_json(found))
    else:
        for name, cases in found.items():
            print("\n".join(recovery_view.lines(name, cases)))
    leave(gravest(errors))


@app.command()
def retry(ctx: typer.Context, step: Target, project: Project = None) -> None:
    """Send a lost step once more. It may be paid twice: what the lost call may have cost stays booked."""
    place = _place(ctx, project)
    from rich.console import Console

    from client_async import recovery

    _leave_with(recovery.retry(place, step, Console()))


@app.command("give-up")
def give_up(ctx: typer.Context, step: Target, project: Project = None) -> None:
    """Wait no longer for a step: it ends as failed, what it may have cost stays booked, and nothing is sent."""
    place = _place(ctx, project)
    from rich.console import Console

    from client_async import recovery

    recovery.give_up(place, step, Console())


@app.command()
def fetch(
    ctx: typer.Context,
    step: Annotated[
        str | None, typer.Argument(metavar="[STEP|SEQUENCE]", help="All that is open if none is named.")
    ] = None,
    project: Project = None,
) -> None:
    """Ask the vendor now for what is open, and bring home what is there. Free."""
    place = _place(ctx, project)
    from rich.console import Console

    from client_async import recovery

    _leave_with(recovery.fetch(place, step, Console()))


def _place(ctx: typer.Context, project: str | None) -> Place:
    begin_logs(ctx)
    return project_of(ctx, project)


def _leave_with(errors: dict[str, StarsendError]) -> None:
    for error in errors.values():
        tell(str(error))
    leave(gravest(errors))
