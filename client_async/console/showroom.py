"""What links open: their entries as they stand, and the media of each as it may leave the house."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from client_async.client_answers import CLIENT, answers
from client_async.console.board import Board
from client_async.console.links import Link, LinkOver, Links
from client_async.console.plain_media import PlainMedia
from client_async.console.plain_words import clock
from client_async.console.showing import Entry, entries
from client_async.projects import Place
from starsend.errors import StarsendError, UnknownName

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that holds, and what it shows."""

    place: Place
    link: Link
    entries: list[Entry]

    def entry(self, number: int) -> Entry:
        """One of its entries. Raises UnknownName."""
        if not 1 <= number <= len(self.entries):
            raise UnknownName("take", str(number), (), where=self.link.title)
        return self.entries[number - 1]


class Showroom:
    """What links open, over all projects. Its methods may block, but for ``written``."""

    def __init__(self, board: Board, links: Links) -> None:
        self.board = board
        self.links = links
        self._media: dict[str, PlainMedia] = {}

    def open(self, signed: str) -> Opened:
        """Raises NotALink, LinkOver, BadDocument."""
        project, name = self.links.project_of(signed)
        try:
            place = self.board.project(project).place
        except UnknownName:
            raise LinkOver("does not hold any more") from None
        link = self.links.open(place, name)
        return Opened(place, link, entries(raws(place, [one.sequence for one in link.chosen]), link.chosen))

    def media(self, place: Place) -> PlainMedia:
        """A project's media as they may leave the house."""
        return self._media.setdefault(place.name, PlainMedia(place.folder))


def raws(place: Place, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Those of the sequences that are there, as they were seen last."""
    found = {}
    for name in names:
        try:
            found[name] = place.file.peek(name)
        except KeyError:
            continue
    return found


def maker(media: PlainMedia, entry: Entry, part: int, suffix: str) -> Callable[[], Any]:
    """Makes the file that is asked for. Raises UnknownName: an entry has no such file."""
    if suffix == "jpg" and part == 1:
        return partial(media.still, entry)
    if suffix == "mp4" and part <= len(entry.videos):
        return partial(media.video, entry.videos[part - 1])
    raise UnknownName("file", f"{entry.number}-{part}.{suffix}", ())


def card(media: PlainMedia, entry: Entry, opened: Opened) -> dict[str, Any]:
    """An entry as the page shows it. ``films``: name, where it begins in the take, width and height."""
    films: list[dict[str, Any]] = []
    begun, lost = 0.0, False
    try:
        for part, video in enumerate(entry.videos, 1):
            look = media.look(video)
            name = f"{entry.number}-{part}.mp4" if len(entry.videos) > 1 else f"{entry.number}.mp4"
            films.append({"name": name, "from": begun, "width": look.width, "height": look.height})
            begun += look.seconds
        media.check(entry)
    except (StarsendError, OSError) as wrong:
        log.error(
            "client_media_missing", project=opened.place.name, sequence=entry.sequence, error=str(wrong)
        )
        lost, films = True, []
    raw = raws(opened.place, [entry.sequence]).get(entry.sequence, {})
    frame = entry.start_frame and entry.start_frame.model_dump()
    came = [
        answer
        for answer in answers(raw, opened.link.id)
        if (answer.get("take"), answer.get("start_frame")) == (entry.take, frame)
    ]
    return {
        "number": entry.number,
        "name": entry.name,
        "title": entry.title,
        "length": clock(begun) if films else "",
        "films": films,
        "lost": lost,
        "answers_to": [] if lost else ["approve", "note"] if films else ["approve"] if frame else [],
        "answers": [
            {
                "by": str(a.get("by", "")).removesuffix(CLIENT),
                "text": a.get("text") or a.get("note") or "",
                "approved": a.get("approved"),
                "at": clock(a["seconds"]) if a.get("seconds") else "",
            }
            for a in came
        ],
    }
