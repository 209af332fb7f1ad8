"""The linter of the multi-shot request: every limit of the vendor that it breaks, before a cent is spent. Pure, but for ``frame_size``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final

import structlog
from PIL import Image

from starsend.errors import BadInput
from starsend.shot_limits import LimitTable, ShotLimits, fitting_seconds

log = structlog.get_logger()

TOLD: Final = 3
"""Faults that an error spells out; the others are counted."""

NEAR: Final = 0.05
"""By how much a frame's shape may differ from the named one: a 16:9 of 1376x768 is wider by 0.8 %, and a cell that has lost its
gutter by some more (docs/grids.md). The nearest two shapes of a brief, 5:4 and 4:3, are 6 % apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What a linter must know of one request for a take.

    Args:
        prompts: one a shot, as they are sent: with the camera, elements spelt out and described.
        written: the same as people wrote them, where that is known.
        seconds: how long each shot holds.
        elements: whose reference picture it is, for every picture in turn.
        frame: width and height of the start frame, pixels or not (``(16, 9)``); None when it is not known.
    """

    prompts: tuple[str, ...]
    written: tuple[str, ...] | None = None
    seconds: tuple[float, ...]
    elements: tuple[str, ...] = ()
    frame: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One limit that is broken: where (``shots[2].prompt``), what is wrong, with numbers, and how to mend it."""

    path: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what} ({self.mend})"


class ShotsRefused(BadInput):
    """The vendor would refuse this take, so it was not asked. ``faults`` has every limit that is broken."""

    def __init__(self, shot_id: str, model: str, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        told = "; ".join(map(str, faults[:TOLD]))
        more = f"; and {len(faults) - TOLD} more, `starsend lint` shows all" if len(faults) > TOLD else ""
        super().__init__(
            f"{model} would refuse this take: {told}{more}",
            where=shot_id,
            remedy="mend the brief; where the vendor takes more by now, shot_limits in the config can say so",
        )


def refuse_faulty(shot_id: str, facts: RequestFacts, table: LimitTable, provider: str, model: str) -> None:
    """Raises ShotsRefused when the request breaks limits of its model; a model without any is logged once."""
    limits = table.find(provider, model)
    if limits is None:
        _say_unlinted(provider, model)
    elif faults := lint(facts, limits):
        raise ShotsRefused(shot_id, f"{provider}/{model}", faults)


def lint(facts: RequestFacts, limits: ShotLimits) -> list[Fault]:
    """Every limit that a request breaks, in the order of the brief; none if the vendor can take it."""
    return [
        *_faults_of_frame(facts, limits),
        *_faults_of_references(facts, limits),
        *_faults_of_prompts(facts, limits),
        *_faults_of_lengths(facts, limits),
    ]


def divide(count: int, fits: Callable[[int, int], bool]) -> list[range] | None:
    """``count`` shots in as few takes as can be, in order and none of them cut; the first ones as long as can be.

    Args:
        fits: whether the shots from the first number up to, without, the second one can be one take.

    Returns None when there is no way.
    """
    best: dict[int, list[range]] = {count: []}
    for begin in range(count - 1, -1, -1):
        ways = [
            [range(begin, end), *best[end]]
            for end in range(count, begin, -1)
            if end in best and fits(begin, end)
        ]
        if ways:
            best[begin] = min(ways, key=len)
    return best.get(0)


def faults_of_division(shots: Sequence[RequestFacts], limits: ShotLimits) -> list[Fault]:
    """Why shots cannot be divided into takes: what is wrong with single ones, or else with their lengths.

    Args:
        shots: each shot as a take of its own.
    """
    faults = []
    for at, alone in enumerate(shots):
        faults += [
            replace(fault, path=fault.path.replace("shots[0]", f"shots[{at}]"))
            for fault in lint(alone, limits)
            if fault.path != "shots"
        ]
    if not faults:
        words = limits.total_seconds.words() if limits.total_seconds else "another length"
        faults = [
            Fault("shots", "they cannot be divided into takes", f"each take has {words}: change lengths")
        ]
    return list(dict.fromkeys(faults))


def frame_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture from its head; None where that cannot be read, which the provider will say."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def shape_of(aspect_ratio: str) -> tuple[int, int] | None:
    """``16:9`` as width and height; None where it is no ratio."""
    width, _, height = aspect_ratio.partition(":")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        return None
    return int(width), int(height)


def _faults_of_references(facts: RequestFacts, limits: ShotLimits) -> Iterator[Fault]:
    named = len(set(facts.elements))
    for count, most, what in (
        (named, limits.elements, "elements with pictures"),
        (len(facts.elements), limits.references, "reference pictures"),
    ):
        if most is not None and count > most:
            mend = f"take away {count - most}, here or in the prompts"
            yield Fault("elements", f"{count} {what}, at most {most}", mend)


def _faults_of_frame(facts: RequestFacts, limits: ShotLimits) -> Iterator[Fault]:
    if facts.frame is None:
        return
    width, height = facts.frame
    shown = f"{width}:{height}" if max(facts.frame) < 100 else f"{width}x{height}"
    known = limits.aspect_ratios
    if known and not any(_is_near((width, height), shape) for shape in known):
        only = _either(known)
        yield Fault("aspect_ratio", f"a start frame of {shown}, only {only}", f"choose {only}")
    if limits.widest is not None and max(facts.frame) > limits.widest * min(facts.frame):
        what = f"a start frame of {shown}, its long side at most {limits.widest:g} times the short one"
        mend = f"crop it to {limits.widest:g}:1 at most, or choose a shape within that"
        yield Fault("aspect_ratio", what, mend)


def _faults_of_prompts(facts: RequestFacts, limits: ShotLimits) -> Iterator[Fault]:
    most = limits.characters
    if most is None:
        return
    for at, prompt in enumerate(facts.prompts):
        if len(prompt) > most:
            over = len(prompt) - most
            written = facts.written[at] if facts.written else prompt
            sent, or_there = "", ""
            if written != prompt:
                sent = f" with camera and elements, {len(written)} of them yours"
                or_there = ", here or in the descriptions of the elements it is the first to name"
            yield Fault(
                f"shots[{at}].prompt",
                f"{len(prompt)} characters{sent}, at most {most}",
                f"take out {over}{or_there}",
            )


def _faults_of_lengths(facts: RequestFacts, limits: ShotLimits) -> Iterator[Fault]:
    """Their lengths belong together, so each is mended by the same ones."""
    fitting = fitting_seconds(facts.seconds or (1.0,), limits)
    lengths = f"{', '.join(map(str, fitting))} s"
    fewer = len(fitting) < len(facts.seconds)
    mend = f"e.g. {len(fitting)} shots of {lengths}" if fewer else f"e.g. {lengths}"
    if limits.shots is not None and len(facts.seconds) > limits.shots:
        yield Fault("shots", f"{len(facts.seconds)} shots, at most {limits.shots}", mend)
    one, total = limits.shot_seconds, sum(Decimal(str(seconds)) for seconds in facts.seconds)
    for at, seconds in enumerate(facts.seconds):
        if one is not None and seconds not in one.lengths:
            yield Fault(f"shots[{at}].seconds", f"{seconds:g} s, a shot takes {one.words()}", mend)
    if limits.total_seconds is not None and total not in limits.total_seconds.lengths:
        words = limits.total_seconds.words()
        yield Fault("shots", f"{total:g} s in all, a take has {words}", mend)


def _is_near(frame: tuple[int, int], aspect_ratio: str) -> bool:
    shape = shape_of(aspect_ratio)
    return shape is not None and abs(frame[0] * shape[1] / (frame[1] * shape[0]) - 1) <= NEAR


def _either(names: Iterable[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} or {last}" if some else last


@cache
def _say_unlinted(provider: str, model: str) -> None:
    """Once a process: it is true of every take."""
    log.warning("shots_unlinted", provider=provider, model=model)
