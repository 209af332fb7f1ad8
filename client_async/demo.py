"""The main job on ``projects/demo``: brief, grids, picks dropped as files, keyframes, takes, a contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from client_async import accounts, production, screens
from client_async.new_project import start_brief
from client_async.projects import Place
from client_async.sequences import Sequences
from starsend.documents import parse_document
from starsend.files import write_durably
from starsend.json_file import read_json
from starsend.tools.image_utils import SheetEntry, contact_sheet, save_picture

SHEET = "dailies/contact_sheet.png"


def run_demo(root: Path, console: Console) -> int:
    """Run the sample job as far as it goes and say where to look. The exit code: 0 when every take is there.

    A second run finds everything done: it costs nothing and changes nothing.
    """
    place = Place(root, "demo")
    brief_file = place.folder / "brief.json"
    brief = read_json(
        brief_file, what="sample brief", remedy="run this where projects/demo lies, or set --root"
    )
    parse_document(Sequences, brief, brief_file)
    if not place.file.path.exists():
        start_brief(place, brief)
    before = place.file.path.read_bytes()

    console.print("[bold]1[/] grids: one picture of four start frames for each sequence")
    errors = production.make_grids(place, [], console)
    console.print("[bold]2[/] picks: dropped into state/client/picks/, as a person would")
    _drop_picks(place, brief)
    production.take_picks(place, console)
    console.print("[bold]3[/] keyframes and takes")
    errors |= production.make_takes(place, [], console)

    document = place.file.read()
    if place.file.path.read_bytes() != before or not (place.folder / SHEET).exists():
        _make_sheet(place, document["sequences"])
    _show_result(place, document, console)
    for name, error in errors.items():
        screens.say(console, f"{name}: {error}", style="red")
    return 0 if all(s.get("grid_state") == "done" for s in document["sequences"].values()) else 1


def _drop_picks(place: Place, brief: dict[str, Any]) -> None:
    """Write a pick file for each sequence that waits for one. The sample brief says which cell its client likes."""
    for name, sequence in place.file.read()["sequences"].items():
        if sequence.get("grid_state") == "waiting_for_pick" and sequence.get("pick") is None:
            liked = brief["sequences"].get(name, {}).get("client_likes", 1)
            write_durably(place.picks / f"{name}@{sequence['grid_id']}.pick", f"{liked}\n".encode())


def _make_sheet(place: Place, sequences: dict[str, Any]) -> None:
    entries = []
    for name, sequence in sequences.items():
        for record in sequence.get("grid_history", []):
            if record["grid"] != sequence.get("grid_id"):
                continue
            chosen = sequence.get("selected_cell")
            for number, cell in enumerate(record["cells"], start=1):
                picked = number == chosen
                caption = f"picked by {sequence['pick']['by']}" if picked else sequence.get("title", "")
                entries.append(
                    SheetEntry(place.folder / cell, f"{name} cell {number}", caption, highlight=picked)
                )
    if entries:
        save_picture(contact_sheet(entries, columns=4), place.folder / SHEET)


def _show_result(place: Place, document: dict[str, Any], console: Console) -> None:
    console.print()
    console.print(screens.result_table(document["sequences"], accounts.costs_of(place)))
    screens.say(console, "\nthe animatic is free; 'would cost' is the same job at a vendor's price. Look at:")
    takes = [("take", s["take"]["path"]) for s in document["sequences"].values() if s.get("take")]
    files = [("contact sheet", SHEET), *takes, ("brief", "state/client/sequences.json")]
    screens.print_files(console, [(what, place.shown(path)) for what, path in files])
