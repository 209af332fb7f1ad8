"""Links that are sent to clients: signed with the console's token, over after some days, and withdrawn at any time.

The link itself holds the project's name and an id; what it shows lies in the project's ``state/console/links.json``, so that it
fits into a line of a mail. Another studio's link, or one made before the token was changed, opens nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from pydantic import BaseModel, ConfigDict, Field

from client_async.console.plain_words import day
from client_async.console.showing import Choice
from client_async.file_lock import FileLock
from client_async.projects import Place
from starsend.documents import parse_document
from starsend.errors import BadInput, StarsendError, UnknownName
from starsend.files import write_durably
from starsend.json_file import read_json

USUAL_DAYS: Final = 14
MOST_DAYS: Final = 90
KEPT_DAYS: Final = 365
"""A link that has been over for so long is forgotten at the next write."""
LONGEST_TITLE: Final = 200
SALT: Final = "client link"


class NotALink(StarsendError):
    """Somebody has changed it, or it was signed with another token."""

    def __init__(self) -> None:
        super().__init__("this is not a link of ours", remedy="check that the whole address was copied")


class LinkOver(StarsendError):
    """It was a link, and is none any more."""

    def __init__(self, why: str) -> None:
        super().__init__(f"this link {why}", remedy="ask the studio for a new one")


class Link(BaseModel):
    """What one link shows, and who made it. ``withdrawn_at`` is empty while it holds. Times are UTC."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    made_at: datetime
    made_by: str
    days: int = Field(ge=1, le=MOST_DAYS)
    chosen: list[Choice]
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""

    @property
    def expires_at(self) -> datetime:
        """From then on it opens nothing."""
        return self.made_at + timedelta(days=self.days)

    def over(self, now: datetime) -> str:
        """Why it opens nothing, in words; empty while it does."""
        if self.withdrawn_at is not None:
            return "has been withdrawn"
        return f"has expired on {day(self.expires_at)}" if now >= self.expires_at else ""


class LinkFile(BaseModel):
    """``links.json``."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["starsend.links/1"] = Field(default="starsend.links/1", alias="schema")
    links: list[Link] = []


class Links:
    """All projects' links. Blocking; any number of threads and processes may use it.

    Args:
        token: the console's.
        now: the time, in UTC.
    """

    def __init__(self, token: str, now: Callable[[], datetime]) -> None:
        self.now = now

        class Signer(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(now().timestamp())

        self._signed = URLSafeTimedSerializer(token, salt=SALT, signer=Signer)

    def make(
        self, place: Place, chosen: Sequence[Choice], *, title: str, days: int, by: str
    ) -> tuple[Link, str]:
        """A new link, and how it is spelt. Raises BadInput, BadDocument, CannotWrite."""
        if not 1 <= days <= MOST_DAYS:
            raise BadInput(f"a link lasts 1 to {MOST_DAYS} days, not {days}", remedy="choose fewer")
        link = Link(
            id=secrets.token_urlsafe(9),
            title=title,
            made_at=self.now().replace(microsecond=0),
            made_by=by,
            days=days,
            chosen=list(chosen),
        )
        with self._changing(place) as file:
            file.links.append(link)
        return link, str(self._signed.dumps([place.name, link.id]))

    def project_of(self, signed: str) -> tuple[str, str]:
        """The project and the id that a link names, if we have signed it and it can still hold. Raises NotALink, LinkOver."""
        try:
            (project, name), signed_at = self._signed.loads(signed, return_timestamp=True)
        except (BadData, ValueError, TypeError):
            raise NotALink from None
        if self.now() >= signed_at + timedelta(days=MOST_DAYS):  # whatever links.json says
            raise LinkOver("has expired")
        return str(project), str(name)

    def open(self, place: Place, name: str) -> Link:
        """The link of that id, if it holds. Raises LinkOver, BadDocument."""
        link = next((link for link in self.all(place) if link.id == name), None)
        if link is None:
            raise LinkOver("does not hold any more")
        if why := link.over(self.now()):
            raise LinkOver(why)
        return link

    def all(self, place: Place) -> list[Link]:
        """Every link of a project, newest first. Raises BadDocument, BrokenJson."""
        return sorted(_read(_path(place)).links, key=lambda link: link.made_at, reverse=True)

    def withdraw(self, place: Place, name: str, by: str) -> None:
        """Let a link open nothing any more. Raises UnknownName, CannotWrite."""
        with self._changing(place) as file:
            known = {link.id: number for number, link in enumerate(file.links)}
            if name not in known:
                raise UnknownName("link", name, (), where=place.name)
            link = file.links[known[name]]
            if link.withdrawn_at is None:
                gone = {"withdrawn_at": self.now().replace(microsecond=0), "withdrawn_by": by}
                file.links[known[name]] = link.model_copy(update=gone)

    @contextmanager
    def _changing(self, place: Place) -> Iterator[LinkFile]:
        path = _path(place)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(".links.lock"))
        lock.open()
        try:
            lock.take(path)
            file = _read(path)
            yield file
            oldest = self.now() - timedelta(days=KEPT_DAYS)
            file.links = [link for link in file.links if link.expires_at >= oldest]
            write_durably(path, f"{file.model_dump_json(by_alias=True, indent=2)}\n".encode())
        finally:
            lock.close()


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def _path(place: Place) -> Path:
    return place.folder / "state" / "console" / "links.json"


def _read(path: Path) -> LinkFile:
    return parse_document(LinkFile, read_json(path, what="links"), path) if path.exists() else LinkFile()
