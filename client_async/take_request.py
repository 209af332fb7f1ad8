"""What the take of a sequence is asked for: its shots with the elements spelt out, as one take or several, and their digest."""

from __future__ import annotations

from client_async.prompts import shot_prompt
from client_async.sequences import Sequence
from starsend.elements import Cast, Elements
from starsend.orchestrator.step_key import request_digest
from starsend.sections import VideoSettings
from starsend.shot_limits import ShotLimits
from starsend.shot_lint import RequestFacts, ShotsRefused, divide, faults_of_division, lint


def cast_shots(sequence: Sequence, name: str, elements: Elements) -> Cast:
    """What the take of a sequence is asked for in: prompts with elements spelt out, and their pictures."""
    prompts = [shot_prompt(shot) for shot in sequence.shots]
    return elements.cast(prompts, sequence.elements, where=name)


def facts_of(
    sequence: Sequence, name: str, elements: Elements, frame: tuple[int, int] | None
) -> RequestFacts:
    """What the linter must know of the take of a sequence. ``frame``: width and height, or their ratio, if known."""
    cast = cast_shots(sequence, name, elements)
    return RequestFacts(
        prompts=cast.prompts,
        written=tuple(shot.prompt for shot in sequence.shots),
        seconds=tuple(shot.seconds for shot in sequence.shots),
        elements=tuple(reference.name for reference in cast.references),
        frame=frame,
    )


def parts_of(
    sequence: Sequence,
    name: str,
    elements: Elements,
    *,
    limits: ShotLimits | None,
    frame: tuple[int, int] | None,
    model: str,
) -> list[Sequence]:
    """The sequence as takes that the model can make: itself, or where it asks for it (``split``), several with some of its shots.

    Raises ShotsRefused: its shots cannot be divided.
    """
    if not sequence.split or limits is None:
        return [sequence]

    def part(begin: int, end: int) -> Sequence:
        return sequence.model_copy(update={"shots": sequence.shots[begin:end]})

    def fits(begin: int, end: int) -> bool:
        return not lint(facts_of(part(begin, end), name, elements, frame), limits)

    count = len(sequence.shots)
    ranges = divide(count, fits)
    if ranges is None:
        alone = [facts_of(part(at, at + 1), name, elements, frame) for at in range(count)]
        raise ShotsRefused(name, model, faults_of_division(alone, limits))
    return [part(shots.start, shots.stop) for shots in ranges]


def brief_digest(sequence: Sequence, cast: Cast, video: VideoSettings) -> str:
    """SHA-256 of all that decides what a take will show, but for its start frame."""
    return request_digest(
        {
            "by": [video.provider, video.model, video.resolution],
            "prompts": cast.prompts,
            "durations": [shot.seconds for shot in sequence.shots],
            "references": [r.sha256 for r in cast.references],
        }
    )
