"""A project whose takes say everything that a client must not hear, in every place where it could slip out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from client_async.draft import Draft
from client_async.projects import Place
from starsend.files import sha256_of
from starsend.tools.media_comment import copy_with_comment
from tests.media import film, picture

PROMPT, PROVIDER, COST = "unmistakable-prompt", "unmistakable-provider", "98765.4321"
STEP = "0123456789abcdef"
TOLD = tuple(word.encode() for word in (PROMPT, PROVIDER, COST, STEP, "Lavf", "media/takes", "media/cells"))
"""What no byte for a client may hold."""
COMMENT = json.dumps(
    {"schema": "starsend.provenance/1", "prompts": [PROMPT], "provider": PROVIDER, "step": STEP},
    separators=(",", ":"),
).encode()
AT = "2026-11-25T10:00:00+00:00"


def give_take(place: Place, sequence: str, attempt: int = 1, *, parts: int = 1) -> str:
    """A take as the daemon reports one, with its film; its id."""
    made = []
    for part in range(parts):
        take = f"{sequence}{f'-p{part + 1}' if part else ''}-a{attempt}-{STEP}"
        path = f"media/takes/{sequence}/{take}.mp4"
        target = place.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        bare = target.with_suffix(".bare")
        bare.write_bytes(film(title=PROMPT, artist=PROVIDER))
        copy_with_comment(bare, target, COMMENT)
        bare.unlink()
        made.append({"take": take, "path": path, "shots": 1, "start_frame": "0" * 64})
    record: dict[str, Any] = {
        **{name: made[0][name] for name in ("take", "path")},
        "attempt": attempt,
        "keyframe": "0" * 64,
        "brief": "0" * 64,
        "at": AT,
        "parts": made if parts > 1 else [],
    }

    def edit(draft: Draft) -> None:
        raw = draft[sequence]
        verdict = {"ok": True, "reason": "ok", "explanation": PROMPT}
        grid = {"grid": "g1", "round": 1, "via": "model", "verdict": verdict, "cost": COST, "at": AT}
        history = [*raw.get("take_history", []), record]
        raw.update(grid_state="done", take=record, take_history=history, grid_history=[grid], status=PROMPT)

    place.file.change(edit)
    return str(record["take"])


def give_keyframe(place: Place, sequence: str, cell: int = 2) -> str:
    """A locked start frame, and no take; its path."""
    path = f"media/cells/{sequence}/g1_c{cell}.png"
    target = place.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    bare = target.with_suffix(".bare")
    bare.write_bytes(picture("PNG"))
    copy_with_comment(bare, target, COMMENT)
    bare.unlink()
    sha256 = sha256_of(target)
    keyframe = {"path": path, "sha256": sha256, "grid": "g1", "cell": cell, "by": "mara", "at": AT}
    place.file.change(lambda draft: draft[sequence].update(grid_state="locked", keyframe=keyframe))
    return path


def brief(place: Place, *sequences: str) -> None:
    """What people wrote: titles that markup could hide in, and prompts."""

    def edit(draft: Draft) -> None:
        for name in sequences:
            shots = [{"prompt": PROMPT, "seconds": 0.5}]
            draft[name].update(title=f"<b>Übersee</b> {name}", prompt=PROMPT, shots=shots)

    place.file.change(edit)


def review(place: Place, sequence: str) -> dict[str, Any]:
    """What is kept, as the file shows it."""
    document = json.loads(Path(place.file.path).read_text())
    return dict(document["sequences"][sequence].get("review", {}))
