"""What people are told of a save: which of their edits were not done, what they left out, and which of two wishes holds."""

from __future__ import annotations

from typing import Any

import orjson

from client_async.draft import Draft
from client_async.found import Found
from client_async.merge import Differences, Edit
from client_async.ownership import BESIDE, Raw, same
from client_async.picks import UNDELETE


def answer_undone(told: Differences, draft: Draft, top: Raw, found: Found) -> None:
    """Say what was not done of what the file seems to ask. ``top`` lies beside the sequences."""
    for edit in (*told.repeated, *told.unseen):
        raw = draft[edit.name] if edit.name != BESIDE else top
        if not same(raw.get(edit.field), edit.value):
            why = (
                f"{_short(edit.value)} was applied before and has changed since"
                if edit in told.repeated
                else f"stays {_short(raw.get(edit.field))}, which was saved just before"
            )
            text = f"{edit.field} {why}: load the file again to change it"
            found.refuse(edit.name, raw, "edit_ignored", text)
    for name, reported in told.reported:
        text = f"{reported} is the daemon's to write: the edit was ignored"
        found.refuse(name, draft[name], "edit_ignored", text)


def answer_omissions(told: Differences, draft: Draft, top: Raw, found: Found) -> None:
    """Say what was left out, once a save and sequence; nobody misses what is empty."""
    fields: dict[str, list[str]] = {}
    for name, left_out in told.left_out:
        raw = draft[name] if name != BESIDE else top
        if raw.get(left_out):
            fields.setdefault(name, []).append(left_out)
    for name, some in fields.items():
        raw = draft[name] if name != BESIDE else top
        remedy = UNDELETE if some == ["deleted"] else "write what is to be there instead"
        found.refuse(name, raw, "edit_ignored", f"{_left_out(some)}; {remedy}")
    if told.omitted:
        text = f'{_left_out(told.omitted)}; write "deleted": true to end a sequence'
        found.refuse(BESIDE, top, "edit_ignored", text)


def tell_conflict(edit: Edit, raw: Raw, found: Found) -> None:
    """Say that a field was changed by somebody else meanwhile, where it was; this edit came later and holds."""
    now = raw.get(edit.field)
    if not same(now, edit.before) and not same(now, edit.value):
        text = f"{edit.field} was {_short(now)} by then; {_short(edit.value)} came later and holds"
        found.tell(edit.name, raw, text)


def ask_about_spelling(name: str, raw: Raw, brief: Raw, found: Found) -> None:
    """Ask about fields that mean nothing to us and are nearly spelt as one that does."""
    from client_async.sequences import misspelt

    for field, meant in misspelt(brief):
        text = f'"{field}" is kept and means nothing here: did you mean "{meant}"?'
        found.refuse(name, raw, "edit_ignored", text)


def _left_out(names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{shown} was left out: it stays" if len(names) == 1 else f"{shown} were left out: they stay"


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
