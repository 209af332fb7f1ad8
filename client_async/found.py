"""What a saved file means for the journal, and what people are told of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from client_async.journal import Journal
from client_async.ownership import BESIDE, News, Raw, add_notice


@dataclass(slots=True)
class Found:
    """What a save means for the journal. ``owed``: the file says something that is not so, and must be rendered again."""

    at: str
    """When it was taken in; ISO 8601."""
    changed: dict[str, bytes] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)
    owed: bool = False
    applied: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    top: bytes | None = None
    adopted: tuple[int, float, list[tuple[str, str | None, bytes]]] | None = None

    def note(self, journal: Journal) -> None:
        """Write down what was found, inside a transaction."""
        for edit in self.applied:
            journal.apply(*edit)
        if self.top is not None:
            journal.keep("top", self.top)
        if self.adopted is not None:
            journal.show(*self.adopted)
            journal.keep("revision", self.adopted[0])

    def refuse(self, name: str, raw: Raw, kind: str, text: str) -> None:
        """Say in a sequence, or ``BESIDE`` them, that something the file says was not done."""
        self.owed = True
        self._say(name, raw, kind, text)

    def tell(self, name: str, raw: Raw, text: str) -> None:
        """Say that two people wanted different things, and which holds."""
        self._say(name, raw, "edit_conflict", text)

    def _say(self, name: str, raw: Raw, kind: str, text: str) -> None:
        self.news.append(News(name, kind, text))
        if name != BESIDE:
            add_notice(raw, self.at, text)
