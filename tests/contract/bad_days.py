"""Everything that is tried with a provider: what goes wrong, when, and how it is brought about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

from tests.contract.doors import DRAWS, FILM, HOME_MADE, SIZE, Door, Name
from tests.media import frameless
from tests.standins.vendor import mp4, png
from tests.standins.wire import Fault, Phase

When = Literal["upload", "submit", "find", "poll", "fetch", "save", "clock", "killed"]
Event = Callable[[str, tuple[object, ...]], bool]
CRASH_ROOM: Final = 400_000
"""Bytes that a file may have where the disk is full: more than a ledger, less than a result."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One thing that goes wrong with one provider.

    ``stage`` brings it about, at a door that has just been opened; ``settings`` are laid over the usual ones;
    ``nobody`` listens in the first run; ``full`` is its disk. ``commit`` and ``event`` are where it kills itself
    (`killing.die_at`); ``killed`` goes for that, and for being killed by the stand-in.
    """

    name: Name
    when: When
    what: str
    stage: Callable[[Door], object] = lambda _door: None
    settings: dict[str, Any] = field(default_factory=dict)
    nobody: bool = False
    full: bool = False
    commit: int = 0
    event: Event | None = None

    @property
    def killed(self) -> bool:
        return self.when == "killed"

    @property
    def alone(self) -> bool:
        """Whether its first run is a process of its own."""
        return self.killed or self.full


def _statuses(*statuses: int) -> dict[str, Fault]:
    return {str(status): Fault("status", status) for status in statuses}


SUBMIT: Final[dict[str, Fault]] = {
    "reset before it is read": Fault("reset_before"),
    "reset after it is read": Fault("reset_after"),
    "never answered": Fault("silent"),
    **_statuses(400, 401, 403, 404, 409, 429),
    "429 with a delay": Fault("status", 429, {"Retry-After": "17"}),
    **_statuses(500, 502, 503, 504),
    "303 to what was made of it": Fault("status", 303, accepted=True),
    "502 behind which it goes on": Fault("status", 502, accepted=True),
    "half a JSON document": Fault("malformed"),
    "a field is missing": Fault("empty_object"),
    "another JSON document": Fault("other_bytes", body=b"[1, 2]"),
    "a page of HTML": Fault("wrong_type"),
    "body cut short": Fault("truncated"),
    "more than its length says": Fault("short_length"),
    "empty body": Fault("no_bytes"),
}
POLL: Final[dict[str, Fault]] = {
    "reset": Fault("reset_after"),
    "never answered": Fault("silent"),
    **_statuses(302, 401, 429, 500, 503),
    "404 of a proxy's": Fault("status", 404, body=b"<html>nginx</html>"),
    "half a JSON document": Fault("malformed"),
    "a field is missing": Fault("empty_object"),
    "another JSON document": Fault("other_bytes", body=b"[1, 2]"),
    "a page of HTML": Fault("wrong_type"),
    "body cut short": Fault("truncated"),
    "more than its length says": Fault("short_length"),
}
ASIDE: Final = {
    what: POLL[what]
    for what in ("reset", "never answered", "401", "500", "404 of a proxy's", "half a JSON document")
}
"""What is tried with the calls that only some vendors know: uploads, look-ups, and the look at a result's address."""
FETCH: Final[dict[str, Fault]] = {
    "reset": Fault("reset_after"),
    "never answered": Fault("silent"),
    "body cut short": Fault("truncated"),
    "more than its length says": Fault("short_length"),
    "500": Fault("status", 500),
}
FRAMELESS: Final = frameless()
VIDEOS: Final = {
    "0 bytes": b"",
    "a page of HTML": b"<html>gone</html>",
    "half a video": FILM[: len(FILM) // 2],
    "a video without frames": FRAMELESS,
    "a video of half its length": mp4(48),
}
PICTURES: Final = {
    "an empty picture": b"",
    "half a picture": png(SIZE)[:900],
    "a picture of another size": png((1024, 1024)),
}
REHEARSED: Final[dict[tuple[When, str], str]] = {
    ("submit", "connection refused"): "not_sent",
    ("submit", "reset after it is read"): "lost_answer",
    ("submit", "429 with a delay"): "rate_limit",
    ("submit", "half a picture"): "broken_picture",
    ("poll", "job failed"): "job_failed",
    ("poll", "job never ends"): "slow",
    ("fetch", "body cut short"): "broken_download",
}
SELDOM: Final = {"retry": {"poll_seconds": 600}}
"""So that a job that never ends is looked at six times an hour."""


def cells(name: Name) -> Iterator[Cell]:
    """Everything that is tried with a provider."""
    yield from _rehearsed(name) if name in HOME_MADE else _at_the_vendor(name)
    if name not in DRAWS:
        for what, days in (("a day ahead", 1), ("a day back", -1)):
            yield Cell(name, "clock", f"our clock goes {what} after the submit", _jumps(days))
    yield Cell(name, "save", "disk full", full=True)
    yield from _killed(name)


def _rehearsed(name: Name) -> Iterator[Cell]:
    for (when, what), behaviour in REHEARSED.items():
        if (what == "half a picture" and name != "storyboard") or (behaviour == "slow" and name in DRAWS):
            continue

        def misbehave(door: Door, behaviour: str = behaviour) -> None:
            door.misbehave = [behaviour]

        yield Cell(name, when, what, misbehave, SELDOM if behaviour == "slow" else {})


def _at_the_vendor(name: Name) -> Iterator[Cell]:
    yield Cell(name, "submit", "connection refused", nobody=True)
    for what, fault in SUBMIT.items():
        yield Cell(name, "submit", what, _fault("submit", fault))
    for what, fault in ASIDE.items():
        if name == "fal":
            yield Cell(name, "upload", what, _fault("upload", fault))
            yield Cell(name, "fetch", f"{what}, asked where it is", _fault("find", fault))
        if name == "kling":
            yield Cell(name, "find", what, _lost_and(fault))
    if name in DRAWS:
        for what, made in PICTURES.items():
            yield Cell(name, "submit", what, _brings([made]))
        return
    for what, fault in POLL.items():
        yield Cell(name, "poll", what, _fault("poll", fault))
    for status in (404, 410):
        yield Cell(name, "poll", f"{status}, no such job", _gone(status))
    yield Cell(name, "poll", "job failed", lambda door: door.wire.fail_jobs())
    yield Cell(name, "poll", "job never ends", lambda door: door.wire.never_end(), SELDOM)
    phase, before = _download(name)
    for what, fault in FETCH.items():
        yield Cell(name, "fetch", what, _fault(phase, *before, fault))
    for status in (404, 410):
        yield Cell(name, "fetch", f"{status}, deleted", _gone(status, phase, *before))
    for what, made in VIDEOS.items():
        yield Cell(name, "fetch", what, _brings([made] * (1 + len(before))))
    yield Cell(name, "fetch", "a video without frames, each time", _brings([FRAMELESS] * 99))


def _killed(name: Name) -> Iterator[Cell]:
    """By ourselves, at a commit or an event; and by the stand-in, which knows how far it is."""
    home_made = name in HOME_MADE
    last = 2 if name in DRAWS else 3
    yield Cell(name, "killed", "before the intent", commit=1)
    yield Cell(name, "killed", "after the intent", event=_leaves)
    if not home_made:
        yield Cell(name, "killed", "as the request arrives", _fault("submit", Fault("kill_before")))
        yield Cell(name, "killed", "when it has been read", _fault("submit", Fault("kill_after")))
    if last == 3:
        yield Cell(name, "killed", "before the handle", commit=2)
        if not home_made:
            yield Cell(name, "killed", "after the handle", _fault("poll", Fault("kill_after")))
            phase, before = _download(name)
            yield Cell(name, "killed", "during the download", _fault(phase, *before, Fault("kill_during")))
    yield Cell(name, "killed", "before the file has its name", event=_renames)
    yield Cell(name, "killed", "before the commit of the take", commit=last)


def _download(name: Name) -> tuple[Phase, list[None]]:
    """The calls that bring a video, and those of their kind before them: Veo's look brings it, and is made again for it."""
    return ("poll", [None]) if name == "veo" else ("fetch", [])


def _fault(phase: Phase, *faults: Fault | None) -> Callable[[Door], None]:
    """So end the next calls; one that is None is let pass."""

    def stage(door: Door) -> None:
        door.wire.faults[phase] += faults
        if any(fault and fault.kind == "silent" for fault in faults):
            door.patience = 1.5  # else long enough for a busy machine

    return stage


def _lost_and(fault: Fault) -> Callable[[Door], None]:
    """A lost answer, and then a look-up that fails too."""

    def stage(door: Door) -> None:
        _fault("submit", Fault("reset_after"))(door)
        _fault("find", fault)(door)

    return stage


def _brings(results: list[bytes]) -> Callable[[Door], None]:
    def stage(door: Door) -> None:
        door.wire.results += results

    return stage


def _gone(status: int, phase: Phase = "poll", *before: None) -> Callable[[Door], None]:
    return lambda door: _fault(phase, *before, door.wire.no_such(status))(door)


def _jumps(days: int) -> Callable[[Door], None]:
    def stage(door: Door) -> None:
        def jump() -> None:
            door.skew += timedelta(days=days)
            door.clock.time += timedelta(days=days)

        door.when_accepted(jump)
        door.misbehave, door.slow = ["slow"], 60.0  # the animatic, whose jobs go by our clock

    return stage


def _leaves(name: str, args: tuple[object, ...]) -> bool:
    return name == "socket.connect" or (name == "open" and str(args[0]).endswith("calls.jsonl"))


def _renames(name: str, args: tuple[object, ...]) -> bool:
    return name == "os.rename" and str(args[1]).endswith((".png", ".mp4"))
