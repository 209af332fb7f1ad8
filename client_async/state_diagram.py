"""The page that shows the life of a sequence, drawn from the moves themselves.

python -m client_async.state_diagram FILE      writes it; `make docs` does so for docs/states.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from client_async.states import DRAWING, ENDS, KEPT, MOVES, PARKED, STATES, WISHED, GridState

MEANINGS = {
    "new": "nothing has been done yet",
    "exploring": "a grid is being drawn",
    "validating": "the picture is being read",
    "retrying": "the picture was no 2x2 grid; another is being drawn, asked for in other words",
    "compositing": "too many wrong grids: four single frames are drawn and laid out",
    "waiting_for_pick": "a person picks one of four cells",
    "locked": "the picked cell is the keyframe",
    "generating": "the take is being made",
    "done": "the take starts on the locked keyframe",
    "stale": "another cell has been locked since the take was made",
    "failed": "`status` says why; a person resumes it, mends the brief, or asks for another grid or take",
    "paused_budget": "a cap of the budget leaves too little: it goes on when the cap is raised, or on the next day for the cap of a day",
    "recovery": "a call may have been billed and its answer is lost: a person decides",
    "cancelled": 'marked `"deleted": true`; false brings it back',
}


def page() -> str:
    """The whole page, Markdown."""
    rows = "\n".join(
        f"| `{state}` | {MEANINGS[state]} | {', '.join(f'`{end}`' for end in STATES if end in MOVES[state])} |"
        for state in STATES
    )
    parked = ", ".join(f"`{state}`" for state in STATES if state in PARKED)
    return f"""# The life of a sequence

Written by `make docs` from `client_async/states.py`; do not edit.

```mermaid
{diagram()}
```

Left out of the picture, for every state has them: the ways to {parked} and `cancelled`, and the ways on from there; and
the way back to `exploring` when another grid is asked for. A move that is not in this table is refused.

| state | what it means | may become |
|---|---|---|
{rows}
"""


def diagram() -> str:
    """The states and moves as a Mermaid diagram; moves that every state has are told beside it."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    for state, ends in MOVES.items():
        if state in PARKED or state == "cancelled":
            continue
        lines += [f"    {state} --> {end}" for end in STATES if end in ends - ENDS and _is_way(state, end)]
    lines.append("    done --> [*]")
    return "\n".join(lines)


def _is_way(state: GridState, end: GridState) -> bool:
    """Leave out what is true of many states: another grid may be asked for at any time, and the old one picked after all."""
    if state in DRAWING:
        return state != end and end not in KEPT
    return state != end and (state == "new" or end not in WISHED)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
