"""The links that hold, and what came back by each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from client_async.client_answers import answers, subject
from client_async.console.plain_words import clock
from client_async.console.showroom import Showroom, raws
from client_async.projects import Place


class CameBack(BaseModel):
    """What a client answered: ``approved`` of an approval, ``frame_at`` of a note. ``of``: which take, or which start frame."""

    sequence: str
    of: str
    by: str
    at: str
    text: str
    approved: bool | None = None
    frame_at: str = ""


class LiveLink(BaseModel):
    """A link that holds. Times are UTC."""

    id: str
    project: str
    title: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    shows: list[str]
    came_back: list[CameBack]


def standing(room: Showroom, place: Place) -> list[LiveLink]:
    """The links that hold and what came back, newest first."""
    now = room.links.now()
    live = []
    for link in room.links.all(place):
        if link.over(now):
            continue
        names = list(dict.fromkeys(choice.sequence for choice in link.chosen))
        came = [
            _came_back(name, raw, answer)
            for name, raw in raws(place, names).items()
            for answer in answers(raw, link.id)
        ]
        facts = link.model_dump(include={"id", "title", "made_by", "made_at"})
        live.append(
            LiveLink(
                **facts,
                project=place.name,
                expires_at=link.expires_at,
                shows=names,
                came_back=sorted(came, key=lambda one: one.at),
            )
        )
    return live


def _came_back(sequence: str, raw: dict[str, Any], answer: dict[str, Any]) -> CameBack:
    at = answer.get("seconds")
    return CameBack(
        sequence=sequence,
        of=subject(raw, answer),
        by=str(answer.get("by", "")),
        at=str(answer.get("at", "")),
        text=str(answer.get("text") or answer.get("note") or ""),
        approved=answer.get("approved"),
        frame_at=clock(at) if at else "",
    )
