"""What a client answers through a link: a yes or no to a take or to a start frame, or a note on a take. Kept in the sequence's ``review``.

An answer names the link it came by, which tells it from what the studio itself writes: a client is shown their own link's
answers and no others.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from client_async.ownership import Raw, add_notice
from client_async.review import LONGEST_TEXT, add_note, review_of, take_number, takes_in
from starsend.errors import BadInput, UnknownName

CLIENT: Final = " (client)"
"""Behind a client's name, wherever it is kept."""
LONGEST_NAME: Final = 80
MOST_ANSWERS: Final = 200
"""Of one link. Every render of sequences.json carries them all."""
_DROPPED: Final = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Control characters, marks that turn the writing's direction, half surrogate pairs, and what is no character."""
_JOINERS: Final = "\u200c\u200d"  # Persian, Indic scripts and many emoji are written with them


class BadAnswer(BadInput):
    """A client's name or words cannot be kept as they are."""


class TooManyAnswers(BadInput):
    """A link has been answered so often that somebody means harm."""

    def __init__(self) -> None:
        super().__init__(
            f"{MOST_ANSWERS} answers have come by this link, which is the most",
            remedy="ask the studio for another link",
        )


def plain_name(name: str) -> str:
    """A client's name as it is kept. Raises BadAnswer."""
    plain = " ".join(_plain(name).split())
    if not plain:
        raise BadAnswer("your name is missing", remedy="say who you are")
    if len(plain) > LONGEST_NAME:
        raise BadAnswer(
            f"a name has at most {LONGEST_NAME} characters, yours {len(plain)}", remedy="shorten it"
        )
    return plain


def plain_text(text: str) -> str:
    """A note as it is kept: lines stay, control characters do not. Raises BadAnswer: too long."""
    plain = _plain(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(plain) > LONGEST_TEXT:
        raise BadAnswer(
            f"a note has at most {LONGEST_TEXT:,} characters, this one {len(plain):,}", remedy="shorten it"
        )
    return plain


def approve(
    raw: Raw,
    sequence: str,
    take: str,
    *,
    name: str,
    text: str,
    approved: bool,
    link: str,
    at: datetime,
    start_frame: Mapping[str, Any] | None = None,
) -> None:
    """Keep that a client approves what they were shown, or does not, and tell people. Name and text are plain.

    Args:
        take: what they were shown; empty where it was a start frame.
        start_frame: its grid, cell and keyframe.

    Raises UnknownName.
    """
    if start_frame is None and take not in takes_in(raw):
        raise UnknownName("take", take, takes_in(raw), where=sequence)
    review = review_of(raw)
    answer: Raw = {
        "id": secrets.token_hex(6),
        "take": take,
        "by": _client(name),
        "at": at.isoformat(timespec="seconds"),
        "link": link,
        "approved": approved,
        "note": text,
    }
    if start_frame is not None:
        answer["start_frame"] = dict(start_frame)
    raw["review"] = review | {"approvals": [*_approvals(raw), answer]}
    add_notice(raw, answer["at"], said(sequence, raw, answer))


def leave_note(
    raw: Raw,
    sequence: str,
    take: str,
    *,
    name: str,
    text: str,
    frame: int,
    seconds: float,
    link: str,
    at: datetime,
) -> None:
    """Keep a client's note at a frame of a take, and tell people. Raises UnknownName, TooManyNotes, BadAnswer: it is empty."""
    if not text:
        raise BadAnswer("the note is empty", remedy="write something")
    note = add_note(raw, sequence, take, frame=frame, seconds=seconds, text=text, by=_client(name), at=at)
    note["link"] = link
    add_notice(raw, note["at"], said(sequence, raw, note))


def answers(raw: Mapping[str, Any], link: str | None = None) -> list[Raw]:
    """What clients have answered, oldest first: approvals have ``approved``, notes ``text``. ``link``: by that one alone."""
    came = [
        answer
        for answer in [*_approvals(raw), *review_of(raw)["notes"]]
        if isinstance(answer, dict) and (answer.get("link") == link if link else answer.get("link"))
    ]
    return sorted(came, key=lambda answer: str(answer.get("at")))


def check_room(raws: Iterable[Mapping[str, Any]], link: str) -> None:
    """Whether another answer may come by a link, given all the sequences that it shows. Raises TooManyAnswers."""
    if sum(len(answers(raw, link)) for raw in raws) >= MOST_ANSWERS:
        raise TooManyAnswers


def subject(raw: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """What of its sequence an answer is of, in words."""
    frame = answer.get("start_frame")
    if isinstance(frame, Mapping):
        return f"start frame, cell {frame.get('cell')} of {frame.get('grid')}"
    number = take_number(raw, answer.get("take"))
    return f"take {number}" if number else "a take that is gone"


def verdicts(raw: Mapping[str, Any]) -> list[Raw]:
    """Every yes and no that clients have said, oldest first; ``holds`` of the last that somebody has said of a take or frame."""
    found = sorted(_approvals(raw), key=lambda one: str(one.get("at")))
    last = {_whose(one): number for number, one in enumerate(found)}
    return [{**one, "holds": last[_whose(one)] == number} for number, one in enumerate(found)]


def said(sequence: str, raw: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """An answer in a line for people."""
    by, of = str(answer.get("by", "")).removesuffix(CLIENT), f"{sequence} ({subject(raw, answer)})"
    if "approved" not in answer:
        return f"the client {by} has left a note on {of}: {_short(answer.get('text'))}"
    done = "approved" if answer["approved"] else "not approved"
    words = _short(answer.get("note"))
    return f"the client {by} has {done} {of}" + (f": {words}" if words else "")


def mark_of(answer: Mapping[str, Any]) -> str:
    """Tells an answer from every other, whatever becomes of its words. No blank is in it."""
    parts = [answer.get(part) for part in ("id", "link", "take", "by", "at", "approved")]
    return blake2b(repr(parts).encode(errors="backslashreplace"), digest_size=9).hexdigest()


def _client(name: str) -> str:
    return f"{name}{CLIENT}"


def _approvals(raw: Mapping[str, Any]) -> list[Raw]:
    approvals = review_of(raw).get("approvals")
    return [one for one in approvals if isinstance(one, dict)] if isinstance(approvals, list) else []


def _whose(answer: Mapping[str, Any]) -> tuple[object, ...]:
    frame = answer.get("start_frame")
    return answer.get("by"), answer.get("take"), frame.get("keyframe") if isinstance(frame, Mapping) else None


def _short(text: object) -> str:
    line = " ".join(str(text or "").split())
    return line if len(line) <= 120 else f"{line[:119]}…"


def _plain(text: str) -> str:
    kept = (
        sign
        if sign == "\n" or sign in _JOINERS or unicodedata.category(sign) not in _DROPPED
        else " " * (sign == "\t")
        for sign in text
    )
    return "".join(kept)
