"""What an edit is: the file minus the render it names. Pure functions over plain JSON, told and applied in two steps.

A buffer that was opened thirty revisions ago and is saved now changes only what its owner changed in it. What is found is
applied whole or not at all; the caller checks the outcome before it keeps anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from client_async.journal import Rendered
from client_async.ownership import Raw, canonical, report_of, same

History = Callable[[str, str], list[bytes]]
"""The values that earlier edits of the same revision have given a sequence's field, in order."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One field that a person has changed. ``before`` is what they saw in its place; None when it was not there."""

    name: str
    field: str
    value: Any
    before: Any
    grid: str | None
    """The grid that was shown beside it."""


@dataclass(slots=True)
class Differences:
    """What a saved file says that its render did not."""

    edits: list[Edit] = field(default_factory=list)
    repeated: list[Edit] = field(default_factory=list)
    """Edits of an old buffer that have been applied before: somebody saved it again."""
    unseen: list[Edit] = field(default_factory=list)
    """What an earlier save of the same render has changed, and this one says as the render did."""
    reported: list[tuple[str, str]] = field(default_factory=list)
    """Sequence and field where somebody has written over the daemon's report."""
    omitted: list[str] = field(default_factory=list)
    """Sequences that the render held and the file does not. They stay: only ``"deleted": true`` deletes."""
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Sequence and field, likewise."""


def differences(
    briefs: Mapping[str, Raw],
    base: Mapping[str, Rendered],
    *,
    history: History,
    touched: set[str],
    in_turn: bool,
) -> Differences:
    """The people's edits in a file.

    Args:
        briefs: the people's part of what the file says.
        base: what the revision it names had said.
        history, touched: the earlier edits of that revision, and the sequences they were of.
        in_turn: nothing has been rendered since: each save then follows on the last one, and a value that comes back is
            a new wish. A value that an old buffer says again is not.
    """
    found = Differences(omitted=[name for name in base if name not in briefs])
    follows = False
    for name, brief in briefs.items():
        shown = base.get(name)
        if shown is not None and name not in touched and canonical(brief) == shown.brief:
            continue
        seen = orjson.loads(shown.brief) if shown is not None else {}
        found.left_out += [(name, wish) for wish in seen if wish not in brief]
        for wish, value in brief.items():
            edit = Edit(name, wish, value, seen.get(wish), shown.grid if shown else None)
            earlier = history(name, wish) if name in touched else []
            said, as_shown = canonical(value), wish in seen and same(value, seen[wish])
            if in_turn and earlier and said == earlier[-1]:
                follows |= not as_shown
            elif in_turn and earlier:
                (found.unseen if as_shown else found.edits).append(edit)
            elif not as_shown:
                (found.repeated if said in earlier else found.edits).append(edit)
    if follows or not found.edits:
        # It was made from the save before it, or changes nothing but back: an undo, and no other buffer of the same render.
        found.edits, found.unseen = found.edits + found.unseen, []
    return found


def overwritten_reports(name: str, raw: Raw, current: Raw) -> list[tuple[str, str]]:
    """The daemon's fields that a file says otherwise than the sequence as it was shown last."""
    said, true = report_of(raw), report_of(current)
    return [(name, key) for key in said if key not in true or not same(said[key], true[key])]
