"""The command ``doctor``: it looks, sends nothing that costs money, and leaves nothing behind."""

from __future__ import annotations

import sys
from shutil import get_terminal_size

import typer

from client_async.command_options import Json, Project, project_of, root_of
from client_async.exit_door import DONE, FAILED, leave, print_json


def doctor(ctx: typer.Context, project: Project = None, as_json: Json = False) -> None:
    """Check keys, hosts, clock, disk, rights, prices and ledger of all projects, or one. Costs nothing."""
    from client_async.doctor import examine
    from starsend.clock import SystemClock

    report = examine(root_of(ctx), [project_of(ctx, project).name] if project else [], SystemClock())
    if as_json:
        print_json(report.as_json())
    else:
        print("\n".join(report.lines(get_terminal_size().columns if sys.stdout.isatty() else None)))
    leave(FAILED if report.count("fail") else DONE)
