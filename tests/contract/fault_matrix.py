"""What each provider's bad days come to: for every phase and fault the outcome, the words and the bill.

    python -m tests.contract.fault_matrix docs/faults.md

runs the real providers through the real step runner against the vendors' stand-ins, and writes the table down.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import stamina
import structlog

from starsend.errors import StarsendError
from tests.conftest import ManualClock
from tests.contract.bad_days import CRASH_ROOM, Cell, cells
from tests.contract.doors import MODELS, Door, Name, at_the_vendors
from tests.standins.killing import die_at, forked
from tests.standins.wire import closed_port

RUNS: Final = 3  # as often as somebody runs it again before looking closer
LAST_WORDS: Final = ("StepUnknown", "StepFailed")
"""Once a step is run again and ends so, it ends so for good."""
TOLD: Final = ("take_length_differs", "picture_size_differs", "step_fetch_broken")
"""What the log says of a take that came home all the same."""


@dataclass(frozen=True)
class Outcome:
    """How it ended, and what the first run said. Calls: sent, billed by the vendor, booked as actual and as possible."""

    said: str
    first: str
    last: str
    sent: int
    billed: int
    actual: int
    possible: int


def run(cell: Cell, folder: Path) -> Outcome:
    """One cell: run, and run again as a person would, until there is a take or a last word."""
    with Door(cell.name, folder, ManualClock()) as door:
        cell.stage(door)
        if cell.full:
            door.deliver_large()
        ends = [
            _alone(cell, door) if cell.alone else _once(cell, door, closed_port() if cell.nobody else None)
        ]
        while (
            len(ends) < RUNS and ends[-1][0] != "take" and not (len(ends) > 1 and ends[-1][0] in LAST_WORDS)
        ):
            door.set_clock()  # by then somebody has seen to it
            ends.append(_once(cell, door))
        if ends[-1][0] not in ("take", *LAST_WORDS) and _given_up(door):
            ends.append(("given up", ""))
        booked = door.booked()
        return Outcome(
            said=ends[0][1],
            first=ends[0][0],
            last=ends[-1][0],
            sent=door.sent,
            billed=door.billed,
            actual=booked.get("actual", 0),
            possible=booked.get("possible", 0),
        )


def _once(cell: Cell, door: Door, url: str | None = None) -> tuple[str, str]:
    """How one run ends, and what whoever ran it is told."""
    told: list[str] = []
    _LISTENER.set(told)
    try:
        door.step(url, **cell.settings)
    except StarsendError as ended:
        return str(getattr(ended, "kind", type(ended).__name__)), _plain(str(ended), door)
    return "take", _plain(told[-1], door) if told else ""


def _alone(cell: Cell, door: Door) -> tuple[str, str]:
    """The same in a process of its own, which has a full disk or is killed."""

    def work() -> bytes:
        if cell.full:
            resource.setrlimit(resource.RLIMIT_FSIZE, (CRASH_ROOM, resource.RLIM_INFINITY))
        if cell.commit or cell.event:
            die_at(commit=cell.commit, event=cell.event)
        return json.dumps(_once(cell, door)).encode()

    said, was_killed = forked(work, door.watch)
    assert was_killed == cell.killed, (cell, said)
    return ("killed", "") if was_killed else tuple(json.loads(said))


def _given_up(door: Door) -> bool:
    """A person decides about a job that the vendor has and does not deliver."""
    with door.runner() as runner, door.ledger() as store:
        waiting = [step for step in store.open_steps() if step.state == "submitted"]
        for step in waiting:
            assert runner.recovery.give_up(step, "mara").state == "failed"
        return bool(waiting)


# ------------------------------------------------------------------------------------------- what is said

_LISTENER: ContextVar[list[str]] = ContextVar("listener")
_PLAIN: Final = (
    (re.compile(r"S-a1-[0-9a-f]{16}"), "STEP"),
    (re.compile(r"\bjob \S+ (?=is |failed)"), "job JOB "),
    (
        re.compile(
            r"\[Errno \d+\] [A-Z][a-z ]+|Server disconnected[a-z ]*\.?|(?:The read operation )?timed out"
        ),
        "...",
    ),
    (re.compile(r"peer closed connection[^)]*\(received \d+ bytes, expected \d+\)"), "..."),
    (re.compile(r"\b[45]\d\d\b(?=:|, )"), "STATUS"),
    (
        re.compile(r"\{.error.: \{.message.: .stand-in: \d+.\}\}|stand-in: \d+|(?<=STATUS: )status \d+"),
        "its words",
    ),
    (re.compile(r"\d+ of \d+ bytes"), "N of M bytes"),
)


def _plain(said: str, door: Door) -> str:
    """The line without what differs from run to run, or from vendor to vendor."""
    for secret, name in ((str(door.folder), "PROJECT"), (door.provider, "VENDOR")):
        said = said.replace(secret, name)
    for pattern, name in _PLAIN:
        said = pattern.sub(name, said)
    return said.replace("|", "\\|")


def listen(_logger: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog's that keeps what people would read of a run in this thread."""
    if event["event"] in TOLD and (told := _LISTENER.get(None)) is not None:
        facts = ", ".join(f"{key} {event[key]}" for key in ("asked", "got", "error") if key in event)
        told.append(f"{level}: {event['event']}: {facts}")
    raise structlog.DropEvent


# ---------------------------------------------------------------------------------------------- the table

HEAD: Final = """# Bad days

What each provider's faults come to, as `python -m tests.contract.fault_matrix` has seen them: the real SDKs and providers,
through the step runner, against stand-ins on loopback that keep a bill; `animatic` and `storyboard` are the embedded
provider's takes and pictures, with its own rehearsed faults and books. A step is run, and run again twice at most where it has
not made its take; lost answers are asked about (`on_unknown: ask`), and a job that never delivers is given up at the end.
Disks are full, and processes killed by SIGKILL, in the first run only.

Calls are counted: **sent** ones that the vendor read, **billed** by the vendor, and booked in the ledger as *actual* or
*possible*. What was billed is booked in every line, and no line is billed twice. A line that has more booked than billed is a
call whose answer was lost on a vendor that cannot be asked for it: it never arrived, or a gateway turned it away without a
word, and nobody can know. What is said after a take is in the log.
"""
COLUMNS: Final = ("phase", "fault", "providers", "what the user sees", "first run", "last run")
COUNTS: Final = ("sent", "billed", "actual", "possible")
PHASES: Final = ("upload", "submit", "find", "poll", "fetch", "save", "clock", "killed")
Row = tuple[str, ...]


def table(seen: Iterable[tuple[Cell, Outcome]]) -> str:
    """One line for all faults and providers with one end."""
    who: dict[tuple[str, str, Outcome], list[Name]] = defaultdict(list)
    for cell, outcome in seen:
        who[cell.when, cell.what, outcome].append(cell.name)
    lines: dict[tuple[str, Outcome, Row], list[str]] = defaultdict(list)
    for (when, what, outcome), names in who.items():
        lines[when, outcome, tuple(names)].append(what)
    rows = [
        (when, "; ".join(whats), ", ".join(names), *map(str, astuple(outcome)))
        for (when, outcome, names), whats in lines.items()
    ]
    order: dict[tuple[str, str], int] = {}
    for number, (when, what, _) in enumerate(who):
        order.setdefault((when, what), number)
    rows.sort(key=lambda row: (PHASES.index(row[0]), min(order[row[0], what] for what in row[1].split("; "))))
    titles = (*COLUMNS, *COUNTS)
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, ("---",) * len(titles), *rows)) + "\n"


def ends(page: str, name: Name) -> set[Row]:
    """What a page says of one provider: phase, fault, and how it ends."""
    rows = [re.split(r" (?<!\\)\| ", line[2:-2]) for line in page.splitlines() if line.startswith("| ")]
    return {
        (when, what, *outcome)
        for when, whats, names, *outcome in rows
        if name in names.split(", ")
        for what in whats.split("; ")
    }


def matrix(name: Name, folder: Path) -> list[tuple[Cell, Outcome]]:
    """Every cell of a provider, each in a folder of its own."""
    structlog.configure(processors=[listen], wrapper_class=structlog.make_filtering_bound_logger("warning"))
    tried = list(cells(name))
    rooms = [folder / str(number) for number in range(len(tried))]
    for room in rooms:
        room.mkdir()
    pairs = list(zip(tried, rooms, strict=True))
    with at_the_vendors():
        # Those that wait for silence wait side by side; whoever forks does so while no other thread is at work.
        with ThreadPoolExecutor(6) as pool:
            seen = {cell: pool.submit(partial(run, cell, room)) for cell, room in pairs if not cell.alone}
        return [(cell, run(cell, room) if cell.alone else seen[cell].result()) for cell, room in pairs]


if __name__ == "__main__":
    stamina.set_testing(True, attempts=4, cap=True)
    everything = []
    for provider in MODELS:
        with tempfile.TemporaryDirectory() as scratch:
            everything += matrix(provider, Path(scratch))
    Path(sys.argv[1]).write_text(f"{HEAD}\n{table(everything)}")
