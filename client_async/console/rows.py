"""One sequence as the console's list shows it: from its raw JSON, no models, so that a thousand cost milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from client_async.console.verdicts import verdicts_of
from client_async.review import circled_take, review_of, take_number, takes_in

GROUPS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("new", "exploring", "validating", "retrying", "compositing"), "exploring"),
    "waiting_for_pick": "waiting",
    "locked": "locked",
    "generating": "generating",
    "done": "done",
    "stale": "done",
    "failed": "failed",
    "paused_budget": "paused",
    "recovery": "recovery",
    "cancelled": "cancelled",
}
"""By state, the heading under which people look for it."""

WORDS: Final[Mapping[str, str]] = {
    "exploring": "Exploring",
    "waiting": "Waiting for a pick",
    "picked": "Picked",
    "locked": "Locked",
    "generating": "Generating",
    "done": "Done",
    "failed": "Failed",
    "paused": "Paused for budget",
    "recovery": "Needs a decision",
    "cancelled": "Cancelled",
}
"""The headings, in the order of a sequence's life."""


def row_of(project: str, name: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """A sequence in a line. ``ready``: its keyframe is locked and no take of it is there or being made; never for a grid."""
    state = "cancelled" if raw.get("deleted") is True else str(raw.get("grid_state", "new"))
    pick, keyframe, take = (_part(raw, part) for part in ("pick", "keyframe", "take"))
    takes = takes_in(raw)
    group = GROUPS.get(state, "exploring")
    status = str(raw.get("status") or "").removeprefix(f"{name}: ")
    if group == "waiting":
        group, status = _of_waiting(raw, pick, status)
    return {
        "project": project,
        "sequence": name,
        "title": str(raw.get("title") or ""),
        "state": state,
        "group": group,
        "words": WORDS[group],
        "ready": state == "locked" and bool(keyframe),
        "status": status,
        "grid": raw.get("grid_id"),
        "cell": pick.get("cell"),
        "by": pick.get("by"),
        "take": take.get("take"),
        "take_at": str(take.get("at") or ""),
        "takes": len(set(takes)),
        "held": take_number(raw, take.get("take")),
        "circled": circled_take(raw),
        "verdicts": [one for one in verdicts_of(raw) if one.holds],
        "notes": sum(1 for note in review_of(raw)["notes"] if note.get("take") in takes),
        "keyframe": keyframe.get("path"),
        "picture": (group != "waiting" and keyframe.get("path")) or raw.get("grid_path"),
        "aspect_ratio": str(raw.get("aspect_ratio") or "16:9"),
    }


def _of_waiting(raw: Mapping[str, Any], pick: Mapping[str, Any], status: str) -> tuple[str, str]:
    """Where nothing drives the project, what people have asked for stands beside a state that is still the old one."""
    if raw.get("regrid") is True:
        return "exploring", "another grid is asked for"
    picked = pick.get("cell") is not None and pick.get("cell") == raw.get("selected_cell")
    return ("picked" if picked and pick.get("grid") == raw.get("grid_id") else "waiting"), status


def _part(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = raw.get(name)
    return part if isinstance(part, Mapping) else {}
