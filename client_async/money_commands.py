"""The commands about money, ``costs`` and ``estimate``: they read, send nothing and write nothing."""

from __future__ import annotations

import sys
from datetime import date, datetime
from typing import Annotated, Literal

import typer

from client_async.command_options import Json, Project, project_of, root_of
from client_async.exit_door import leave, print_json, tell

Grouping = Literal["sequence", "work", "provider", "day", "project"]


def costs(
    ctx: typer.Context,
    project: Project = None,
    by: Annotated[
        Grouping, typer.Option(help="What to add up by; `project` takes all of them.")
    ] = "sequence",
    as_json: Json = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV for spreadsheets: every cost event, with all its fields.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="The first day that counts, in UTC."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="The last day that counts, in UTC."),
    ] = None,
) -> None:
    """Add up what was spent, what may have been, and what was expected before sending.

    By work: what went into picks and takes in use, and what into grids refused, singles and takes replaced.
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    if since and until and since > until:
        raise typer.BadParameter("--since is after --until")
    from client_async import accounts, cost_csv, cost_report, cost_tables
    from client_async.projects import place_of, project_names

    root = root_of(ctx)
    every = project is None and by == "project" and project_names(root)
    places = [place_of(root, name) for name in project_names(root)] if every else [project_of(ctx, project)]
    first, last = since and since.date(), until and until.date()
    if as_csv:
        entries = {place.name: accounts.entries_of(place, first, last) for place in places}
        sys.stdout.buffer.write(cost_csv.as_csv(entries).encode())
        return
    found = [accounts.costs_of(place).between(first, last) for place in places]
    if as_json:
        print_json(cost_report.as_json(found, first, last))
    else:
        cost_tables.show_costs(cost_tables.make_console(), found, by, _days(first, last))


def estimate(
    ctx: typer.Context,
    sequences: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SEQUENCE]...", help="Sequences; all of the brief if none is named."),
    ] = None,
    project: Project = None,
    as_json: Json = False,
) -> None:
    """Price what is still to come, with the grids that are likely to go wrong. Nothing is sent."""
    from client_async import accounts, cost_tables, estimates
    from starsend.config import load_settings

    place = project_of(ctx, project)
    settings = load_settings(place.root, place.folder)
    rates, missing = estimates.rates_of(settings)
    if rates is None:
        for none in missing:
            tell(str(none))
        leave(missing[0].exit_code)
    rows, basis = accounts.estimates_of(place, sequences or [], rates, settings)
    if as_json:
        print_json(estimates.as_json(place.name, rows, basis))
    else:
        cost_tables.show_estimate(cost_tables.make_console(), place.name, rows, basis)


def _days(first: date | None, last: date | None) -> str:
    """Which days are counted, in words."""
    if first is None and last is None:
        return ""
    if first == last:
        return f", on {first} (UTC)"
    words = [f"from {first}" if first else "", f"to {last}" if last else ""]
    return f", {' '.join(filter(None, words))} (UTC)"
