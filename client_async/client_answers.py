"""What a client answers through a link: an approval of a take, or a note on it. Kept in the sequence's ``review``.

An answer names the link it came by, which tells it from what the studio itself writes: a client is shown their own link's
answers and no others.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from client_async.ownership import Raw, add_notice
from client_async.review import LONGEST_TEXT, add_note, review_of, takes_in
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
    raw: Raw, sequence: str, take: str, *, name: str, text: str, approved: bool, link: str, at: datetime
) -> None:
    """Keep that a client approves a take, or does not, and tell people. Name and text are plain. Raises UnknownName."""
    if take not in takes_in(raw):
        raise UnknownName("take", take, takes_in(raw), where=sequence)
    review = review_of(raw)
    answer: Raw = {
        "take": take,
        "by": _client(name),
        "at": at.isoformat(timespec="seconds"),
        "link": link,
        "approved": approved,
        "note": text,
    }
    raw["review"] = review | {"approvals": [*_approvals(raw), answer]}
    add_notice(raw, answer["at"], said(sequence, answer))


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
    add_notice(raw, note["at"], said(sequence, note))


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


def said(sequence: str, answer: Mapping[str, Any]) -> str:
    """An answer in a line for people."""
    by = str(answer.get("by", "")).removesuffix(CLIENT)
    if "approved" not in answer:
        return f"the client has left a note on {sequence} ({by}): {_short(answer.get('text'))}"
    done = "approved" if answer["approved"] else "not approved"
    words = _short(answer.get("note"))
    return f"the client has {done} {sequence} ({by})" + (f": {words}" if words else "")


class AnswersHeard:
    """Which answers the daemon has told of: those that came before it was there are in the document.

    Args:
        since: when it began.
    """

    def __init__(self, since: datetime) -> None:
        self._since = since.isoformat(timespec="seconds")
        self._told: set[tuple[str, ...]] = set()

    def new_in(self, sequence: str, raw: Mapping[str, Any]) -> list[str]:
        """A line for each answer that has come since, once."""
        lines = []
        for answer in answers(raw):
            known = tuple(str(answer.get(part)) for part in ("take", "by", "at", "link", "id", "approved"))
            if str(answer.get("at")) >= self._since and known not in self._told:
                self._told.add(known)
                lines.append(said(sequence, answer))
        return lines


def _client(name: str) -> str:
    return f"{name}{CLIENT}"


def _approvals(raw: Mapping[str, Any]) -> list[Raw]:
    approvals = review_of(raw).get("approvals")
    return approvals if isinstance(approvals, list) else []


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
