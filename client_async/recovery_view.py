"""The recovery list, for people and for programs. Reading it needs no right to write, and changes nothing on disk."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Many
from datetime import datetime
from typing import Any

from client_async.accounts import as_kept
from client_async.ledger import cited_by, look_at_store
from client_async.projects import Place
from starsend.clock import Clock
from starsend.config import load_settings
from starsend.dollars import dollars
from starsend.orchestrator.open_cases import Case, open_cases, stand_of
from starsend.orchestrator.records import Step

SCHEMA = "starsend.recovery/1"


def cases_of(place: Place, clock: Clock) -> list[Case]:
    """What is open in a project. Raises StoreUnusable, OtherLedger, JournalUnusable, BadDocument."""
    cited = cited_by(as_kept(place))
    with look_at_store(place, load_settings(place.root, place.folder), cited) as store:
        return open_cases(store, clock) if store else []


def as_json(found: Mapping[str, Many[Case]]) -> dict[str, Any]:
    """The documented shape (docs/guide.md): projects by name, and of each what is open, what is deleted first at the top."""
    projects = [{"project": name, "steps": [_row(case) for case in cases]} for name, cases in found.items()]
    return {"schema": SCHEMA, "projects": projects}


def lines(project: str, cases: Many[Case]) -> list[str]:
    """For people: one line a step."""
    if not cases:
        return [f"{project}: nothing is open"]
    return [f"{project}: {len(cases)} open", *(f"  {_line(case)}" for case in cases)]


def _row(case: Case) -> dict[str, Any]:
    step = case.step
    return {
        "step": step.step_key,
        "sequence": step.sequence,
        "shot": step.shot_id,
        "kind": step.kind,
        "provider": step.provider,
        "model": step.model,
        "state": stand_of(step),
        "since": step.updated_at.isoformat(timespec="seconds"),
        "may_cost": str(case.may_cost),
        "handle": step.handle,
        "kept_until": case.until.isoformat(timespec="seconds") if case.until else None,
        "at_work": case.held,
        "broken": str(case.broken) if case.broken else None,
        "can": list(case.can),
        "why": step.error,
    }


def _line(case: Case) -> str:
    step = case.step
    words = [
        f"{step.step_key}  {_since(step)} {_minute(step.updated_at)}",
        f"{step.kind} of {step.sequence} by {step.provider}, {dollars(case.may_cost)}",
    ]
    if step.handle:
        kept = f"kept until {_minute(case.until)}" if case.until else "how long it is kept is not documented"
        words.append(f"job {step.handle}, {kept if stand_of(step) in ('submitted', 'given_up') else 'ended'}")
    if case.broken:
        words.append(f"its broken bytes are kept as {case.broken}")
    words.append("a run is at work on it" if case.held else " | ".join(case.can))
    return "  ".join(word for word in words if word)


def _since(step: Step) -> str:
    stand = stand_of(step)
    return "given up, submitted" if stand == "given_up" else f"{stand.replace('_', ' ')} since"


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
