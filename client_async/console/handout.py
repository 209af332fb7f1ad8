"""The client's page as files: ``index.html`` that opens from a disk, its media in a folder beside it, and a contact sheet."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from client_async.console.pages import templates
from client_async.console.plain_media import NAME, PlainMedia
from client_async.console.plain_words import Paper, Still, clock, day
from client_async.console.showing import Entry, choose, entries
from starsend.errors import BadInput
from starsend.files import write_durably

PAGE: Final = "index.html"
SHEET: Final = "contact-sheet.pdf"
MARK: Final = b'<meta name="generator" content="Starsend handout">'
"""In the page's head: by it a folder is known as a handout that may be made anew."""
UNFINISHED: Final = b"<!doctype html>" + MARK + b"<title>Not finished</title><p>This is still being made.</p>"
"""Lies there as the page until all its files do: what breaks off half-way can be made anew."""
_HEAD: Final = 2_000  # bytes in which the mark lies
_BLOCK: Final = 1 << 20


class NotAHandout(BadInput):
    """A folder holds something else; nothing is written into it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            "this folder is not empty, and no handout", where=str(folder), remedy="name another one with --to"
        )


@dataclass(frozen=True, slots=True)
class Card:
    """An entry with its files in the handout: names of videos, seconds, and the still as it lies in the project's copies."""

    entry: Entry
    still: Path
    videos: tuple[str, ...]
    seconds: float

    @property
    def length(self) -> str:
        """As players show it; empty for a still."""
        return clock(self.seconds) if self.videos else ""


def make_handout(
    sequences: Mapping[str, Mapping[str, Any]],
    wanted: Sequence[str],
    folder: Path,
    media: PlainMedia,
    *,
    title: str,
    project: str,
    made: date,
    pdf: bool = False,
    paper: Paper = "a4",
) -> list[Card]:
    """Write a handout of what is chosen into ``folder``, which is new, empty, or an earlier handout.

    Raises as ``choose`` and ``PlainMedia`` do; NotAHandout: nothing was written. BadInput: a film is gone.
    """
    shown = entries(sequences, choose(sequences, wanted))
    _check_own(folder)
    for entry in shown:
        media.check(entry)
    write_durably(folder / PAGE, UNFINISHED)
    cards = [_laid(entry, folder / "media", media) for entry in shown]
    _take_away(
        folder / "media",
        keep={f"{card.entry.number}.jpg" for card in cards}.union(*(c.videos for c in cards)),
    )
    sheet = folder / SHEET
    if pdf:
        from client_async.console.contact_pdf import write_contact_sheet

        stills = [Still(card.still, card.entry.name, card.entry.title, card.length) for card in cards]
        write_durably(
            sheet, partial(write_contact_sheet, stills, title=title, project=project, made=made, paper=paper)
        )
    else:
        sheet.unlink(missing_ok=True)
    page = templates().get_template("handout.html")
    html = page.render(cards=cards, title=title, project=project, made=day(made), sheet=SHEET if pdf else "")
    write_durably(folder / PAGE, html.encode())
    return cards


def is_finished(folder: Path) -> bool:
    """Whether a folder is a handout with everything in it."""
    head = _head_of(folder)
    return MARK in head and not head.startswith(UNFINISHED)


def _head_of(folder: Path) -> bytes:
    try:
        with (folder / PAGE).open("rb") as page:
            return page.read(_HEAD)
    except OSError:
        return b""


def write_zip(folder: Path, into: IO[bytes]) -> None:
    """A handout as one ZIP file, under the folder's name. Media is stored as it is: it is compressed already."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as packed:
        for file in sorted(_files(folder)):
            packed.write(file, f"{folder.name}/{file.relative_to(folder)}")


def zipped(folder: Path) -> IO[bytes]:
    """A ZIP of a handout in a file without a name on the same disk: it goes when it is closed."""
    file = tempfile.TemporaryFile(dir=folder.parent)  # noqa: SIM115 - whoever asks for it reads it
    try:
        write_zip(folder, file)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def _files(folder: Path) -> Iterable[Path]:
    """A handout's own files: whatever else somebody has put beside them stays at home."""
    named = [
        folder / PAGE,
        folder / SHEET,
        *(f for f in (folder / "media").iterdir() if NAME.fullmatch(f.name)),
    ]
    return [file for file in named if file.is_file() and not file.is_symlink()]


def _check_own(folder: Path) -> None:
    try:
        there = any(folder.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise NotAHandout(folder) from None
    if there and MARK not in _head_of(folder):
        raise NotAHandout(folder)


def _laid(entry: Entry, into: Path, media: PlainMedia) -> Card:
    still = media.still(entry)
    _copy(still, into / f"{entry.number}.jpg")
    names = []
    for part, video in enumerate(entry.videos, 1):
        name = f"{entry.number}-{part}.mp4" if len(entry.videos) > 1 else f"{entry.number}.mp4"
        _copy(media.video(video), into / name)
        names.append(name)
    return Card(entry, still, tuple(names), media.seconds(entry))


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as file:
        write_durably(target, lambda into: shutil.copyfileobj(file, into, _BLOCK))


def _take_away(media: Path, keep: set[str]) -> None:
    """What an earlier handout had and this one has not."""
    for file in media.iterdir():
        if NAME.fullmatch(file.name) and file.name not in keep:
            file.unlink()
