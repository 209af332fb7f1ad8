"""Whether the take of a sequence can be made at all: the linter over documents, before a grid is paid for."""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from client_async.projects import Place
from client_async.sequences import Sequence, check_sequences
from client_async.take_request import facts_of, parts_of
from client_async.workshop import Workshop
from starsend.config import load_settings
from starsend.elements import Elements
from starsend.errors import BadInput, UnknownName
from starsend.shot_limits import LimitTable, ShotLimits
from starsend.shot_lint import Fault, ShotsRefused, frame_size, lint, shape_of

SCHEMA = "starsend.lint/1"


@dataclass(frozen=True, slots=True)
class LintReport:
    """What stands against the takes of some sequences. ``limits``: None where nobody has said what the model takes."""

    project: str
    model: str
    limits: ShotLimits | None
    by_sequence: dict[str, list[Fault]]

    @property
    def is_clean(self) -> bool:
        """True when nothing stands against any of them."""
        return not any(self.by_sequence.values())

    def lines(self) -> list[str]:
        """For people: the limits that were looked at, then a line a fault."""
        if self.limits is None:
            said = [f"{self.model}: no limits are known, add them under shot_limits in the config"]
        else:
            said = [f"{self.model}: limits as of {self.limits.as_of}"]
        for name, faults in self.by_sequence.items():
            said += [f"{name}: {fault}" for fault in faults] or [f"{name}: ok"]
        return said

    def as_json(self) -> dict[str, Any]:
        """The documented shape (docs/guide.md, "What a vendor takes")."""
        rows = [
            {"sequence": name, "faults": [asdict(fault) for fault in faults]}
            for name, faults in self.by_sequence.items()
        ]
        limits = None if self.limits is None else self.limits.model_dump(mode="json")
        return {
            "schema": SCHEMA,
            "project": self.project,
            "model": self.model,
            "limits": limits,
            "sequences": rows,
        }


async def check_shots(shop: Workshop, name: str, sequence: Sequence) -> None:
    """Asked before a grid is paid for. Raises ShotsRefused, and what elements raise, when no take could start on it."""

    def check() -> None:
        elements, frame = shop.elements(), shape_of(sequence.aspect_ratio)
        video = shop.settings.video
        model = f"{video.provider}/{video.model}"
        limits = shop.steps.shot_limits
        for part in parts_of(sequence, name, elements, limits=limits, frame=frame, model=model):
            shop.steps.lint_multi_shot(name, facts_of(part, name, elements, frame))

    await shop.state(check)


def lint_project(place: Place, names: Many[str]) -> LintReport:
    """Lint the named sequences, or all that are not deleted. Costs nothing and changes nothing.

    Raises UnknownName, and as reading the brief or the settings does.
    """
    raw = place.file.read()["sequences"]
    for name in names:
        if name not in raw:
            raise UnknownName("sequence", name, raw, where=str(place.file.path))
    sequences = check_sequences({name: raw[name] for name in names or raw}, place.file.path)
    settings = load_settings(place.root, place.folder)
    limits = LimitTable(settings.shot_limits).find(settings.video.provider, settings.video.model)
    model = f"{settings.video.provider}/{settings.video.model}"
    judge = partial(_faults, place=place, limits=limits, model=model)
    return LintReport(
        place.name,
        model,
        limits,
        {
            name: judge(sequence, name)
            for name, sequence in sequences.items()
            if names or not sequence.deleted
        },
    )


def _faults(
    sequence: Sequence, name: str, *, place: Place, limits: ShotLimits | None, model: str
) -> list[Fault]:
    locked = sequence.keyframe and frame_size(place.folder / sequence.keyframe.path)
    frame = locked or shape_of(sequence.aspect_ratio)
    try:
        elements = Elements.load(place.folder / "elements")
        parts = parts_of(sequence, name, elements, limits=limits, frame=frame, model=model)
        facts = [facts_of(part, name, elements, frame) for part in parts]
    except ShotsRefused as refused:
        return list(refused.faults)
    except BadInput as wrong:
        return [Fault("elements", wrong.what, wrong.remedy)]
    return lint(facts[0], limits) if limits and len(facts) == 1 else []  # parts fit, or they were none
