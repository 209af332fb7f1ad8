"""What a check found: good, doubtful or bad, and what to do about it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from starsend.errors import StarsendError

SCHEMA = "starsend.doctor/1"
FREE = "nothing was sent that costs money"
ORDER = ("studio", "provider", "project")
Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. ``of``: ``studio``, ``provider NAME`` or ``project NAME``; ``remedy`` is empty where there is nothing to do."""

    level: Level
    of: str
    check: str
    what: str
    remedy: str = ""

    @classmethod
    def of_error(cls, of: str, check: str, error: StarsendError) -> Finding:
        """An error that would stop the work, as a failed check."""
        return cls(
            "fail", of, check, f"{error.where}: {error.what}" if error.where else error.what, error.remedy
        )

    def line(self) -> str:
        """For people, without whom it is of."""
        said = f"{self.what}. {self.remedy[0].upper()}{self.remedy[1:]}" if self.remedy else self.what
        return f"  {self.level:<4}  {self.check:<8}  {' '.join(said.split())}"


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, each once: the studio's, each provider's, each project's."""

    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, found: Iterable[Finding]) -> Report:
        """Two projects of one studio need the same key: that is told once."""
        once = list(dict.fromkeys(found))
        seen = list(dict.fromkeys(one.of for one in once))
        subjects = sorted(seen, key=lambda of: ORDER.index(of.split()[0]))
        at = {subject: number for number, subject in enumerate(subjects)}
        return cls(tuple(sorted(once, key=lambda one: at[one.of])))

    def count(self, level: Level) -> int:
        """How many findings are of a level."""
        return sum(one.level == level for one in self.findings)

    def lines(self, columns: int | None) -> list[str]:
        """A heading for each subject and a line for each check, folded to ``columns`` where that is given."""
        said: list[str] = []
        subject = ""
        for one in self.findings:
            if one.of != subject:
                said.append(subject := one.of)
            hanging = {"subsequent_indent": " " * 18, "break_long_words": False, "break_on_hyphens": False}
            said += textwrap.wrap(one.line(), columns, **hanging) if columns else [one.line()]  # type: ignore[arg-type]
        failed, doubtful = self.count("fail"), self.count("warn")
        return [*said, f"{failed} failed, {doubtful} to look at; {FREE}"]

    def as_json(self) -> dict[str, Any]:
        """The documented shape (docs/operations.md, "The doctor")."""
        return {
            "schema": SCHEMA,
            "failed": self.count("fail"),
            "warned": self.count("warn"),
            "spent": "0",
            "findings": [
                {key: text.encode(errors="backslashreplace").decode() for key, text in asdict(one).items()}
                for one in self.findings  # the name of a folder may be no text
            ],
        }
