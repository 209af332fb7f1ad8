"""The command ``status``: from raw documents, so that it answers at once. It needs no right to write, and asks a daemon that runs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import typer

from client_async.command_options import Json, Project, project_of, root_of
from client_async.exit_door import gravest, leave, line_of, print_json, tell
from starsend.errors import StarsendError

if TYPE_CHECKING:
    from client_async import status_view
    from client_async.projects import Place


def status(ctx: typer.Context, project: Project = None, as_json: Json = False) -> None:
    """Show where every sequence stands."""
    from client_async import status_view
    from client_async.projects import place_of, project_names

    root = root_of(ctx)
    names = [] if project else project_names(root)
    names = names or [project_of(ctx, project).name]
    standing: dict[str, status_view.Raw] = {}
    budgets: dict[str, status_view.Budget] = {}
    errors: dict[str, StarsendError] = {}
    for name in names:
        try:
            standing[name], doubt = status_view.standing(place_of(root, name))
            if doubt:
                tell(doubt)
            budgets[name] = _budget(place_of(root, name), standing[name])
        except StarsendError as refused:  # this project's; the others are shown
            errors[name] = refused
            tell(str(refused))
    daemons = _daemons(root, standing)
    if as_json:
        rows = [row for daemon in daemons for row in daemon["providers"]]
        print_json(status_view.as_json(standing, budgets, rows))
    else:
        columns = get_terminal_size().columns if sys.stdout.isatty() else None
        for name, sequences in standing.items():
            print("\n".join(status_view.lines(name, sequences, columns, budgets.get(name, ()))))
        if daemons:
            from client_async.daemon_view import provider_lines

            for line in provider_lines(daemons):
                print(line)
    leave(gravest(errors))


def _budget(place: Place, sequences: status_view.Raw) -> status_view.Budget:
    """Spend against caps; where that cannot be told it is said why, and the rest is shown."""
    from client_async import status_view

    try:
        if not status_view.has_budget(place):
            return ()
        from client_async.budget_view import budget_rows
        from starsend.clock import SystemClock

        return budget_rows(place, sequences, SystemClock())
    except (StarsendError, OSError) as refused:
        tell(line_of(refused))
        return ()


def _daemons(root: Path, projects: Iterable[str]) -> list[dict[str, Any]]:
    """What the daemons say that drive these projects."""
    from client_async.driver_lock import daemon_address
    from client_async.projects import place_of

    addresses = {daemon_address(place_of(root, name)) for name in projects} - {""}
    if not addresses:
        return []
    from client_async.daemon_view import ask_daemon

    return [answer for answer in map(ask_daemon, sorted(addresses)) if "providers" in answer]
