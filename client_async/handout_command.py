"""``starsend handout``: the client's page as files, for whoever wants no link."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from client_async.command_options import Project, project_of
from client_async.exit_door import tell


def handout(
    ctx: typer.Context,
    to: Annotated[
        Path, typer.Option(help="The folder; a new one, or an earlier handout, which is made anew.")
    ],
    sequences: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SEQUENCE]...",
            help="Sequences, by their circled take or the one that holds, or ids of takes; all if none is named.",
        ),
    ] = None,
    project: Project = None,
    title: Annotated[str, typer.Option(help="Above the page; the project's name by default.")] = "",
    pdf: Annotated[bool, typer.Option("--pdf", help="Add contact-sheet.pdf.")] = False,
    paper: Annotated[Literal["a4", "letter"], typer.Option(help="Of the contact sheet.")] = "a4",
) -> None:
    """Write takes and stills for a client: one page that opens from a disk, without prompts, costs or tags. Sends nothing."""
    from datetime import UTC, datetime

    from client_async.console.handout import make_handout
    from client_async.console.plain_media import PlainMedia

    place = project_of(ctx, project)
    document, doubt = place.file.read_kept()
    if doubt:
        tell(str(doubt))
    cards = make_handout(
        document["sequences"],
        sequences or [],
        to,
        PlainMedia(place.folder),
        title=title.strip() or place.name,
        project=place.name,
        made=datetime.now(UTC).date(),
        pdf=pdf,
        paper=paper,
    )
    sheet = " and its contact sheet" if pdf else ""
    print(
        f"{len(cards)} {'entry' if len(cards) == 1 else 'entries'} in {to}: open {to / 'index.html'}{sheet}"
    )
