"""Is every limit of every vendor kept to the number, and does each fault say where, what and how to mend it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import ValidationError
from structlog.testing import capture_logs

from starsend.shot_limits import LimitTable, ShotLimits, fitting_seconds
from starsend.shot_lint import Fault, RequestFacts, ShotsRefused, frame_size, lint, refuse_faulty, shape_of
from tests.standins.vendor import write_png

KLING, FAL, FAL_O3, FAL_V4, OMNI, VEO = (
    ("kling", "kling-v3"),
    ("fal", "fal-ai/kling-video/v3/pro/image-to-video"),
    ("fal", "fal-ai/kling-video/o3/standard/image-to-video"),
    ("fal", "fal-ai/kling-video/v4/image-to-video"),
    ("omni", "gemini-omni-1.2-flash"),
    ("veo", "veo-3.1-generate"),
)
LIKE_KLING = (KLING, FAL, FAL_O3)


def facts(*seconds: float, **more: Any) -> RequestFacts:
    """A request whose shots last ``seconds`` and say little."""
    return RequestFacts(
        **{"prompts": ("waves",) * len(seconds), "seconds": seconds, "frame": (16, 9), **more}
    )


def limits_of(model: tuple[str, str]) -> ShotLimits:
    found = LimitTable().find(*model)
    assert found is not None
    return found


def paths(model: tuple[str, str], asked: RequestFacts) -> list[str]:
    return [fault.path for fault in lint(asked, limits_of(model))]


LENGTHS = [
    *[(model, seconds, []) for model in LIKE_KLING for seconds in ((3.0,), (15.0,), (1.0,) * 6, (10.0, 5.0))],
    *[(model, (2.0,), ["shots"]) for model in LIKE_KLING],
    *[(model, (16.0,), ["shots[0].seconds", "shots"]) for model in LIKE_KLING],
    *[(model, (10.0, 6.0), ["shots"]) for model in LIKE_KLING],
    *[(model, (3.0, 0.5), ["shots[1].seconds", "shots"]) for model in LIKE_KLING],
    *[(model, (2.5, 2.5), ["shots[0].seconds", "shots[1].seconds"]) for model in LIKE_KLING],
    *[(model, (1.0,) * 7, ["shots"]) for model in LIKE_KLING],
    (FAL_V4, (3.0,), []),
    (FAL_V4, (15.0, 15.0), []),
    (FAL_V4, (2.0,), ["shots"]),
    (FAL_V4, (15.0, 16.0), ["shots"]),
    (FAL_V4, (3.5,), ["shots[0].seconds", "shots"]),
    (OMNI, (0.5, 2.5), []),
    (OMNI, (15.0,), []),
    (OMNI, (0.1,) * 30, []),
    (OMNI, (2.0,), ["shots"]),
    (OMNI, (15.5,), ["shots"]),
    (OMNI, (16.0,), ["shots"]),
    (VEO, (4.0,), []),
    (VEO, (1.5, 4.5), []),
    (VEO, (8.0,), []),
    (VEO, (3.0,), ["shots"]),
    (VEO, (5.0,), ["shots"]),
    (VEO, (10.0,), ["shots"]),
]


@pytest.mark.parametrize(("model", "seconds", "wrong"), LENGTHS)
def test_lengths(model: tuple[str, str], seconds: tuple[float, ...], wrong: list[str]) -> None:
    """Is the last length that a vendor takes let through, and the next one told, at its field?"""
    assert paths(model, facts(*seconds)) == wrong


@pytest.mark.parametrize("model", LIKE_KLING)
def test_characters(model: tuple[str, str]) -> None:
    """Are 512 characters of a shot let through, and the 513th told with the way back?"""
    assert paths(model, facts(3, 3, prompts=("a" * 512, "b"))) == []
    (fault,) = lint(facts(3, 3, prompts=("a", "é" * 613)), limits_of(model))
    assert fault == Fault("shots[1].prompt", "613 characters, at most 512", "take out 101")


@pytest.mark.parametrize("model", [FAL_V4, OMNI, VEO])
def test_where_no_number_of_characters_is_named_none_is_made_up(model: tuple[str, str]) -> None:
    """Is a long prompt the vendor's to judge where nobody has said how long it may be?"""
    assert paths(model, facts(4, prompts=("a" * 9000,))) == []


def test_what_was_added_to_a_prompt_is_told_apart() -> None:
    """Does whoever wrote 40 characters learn why 600 are too many?"""
    (fault,) = lint(facts(3, prompts=("a" * 600,), written=("b" * 40,)), limits_of(KLING))
    assert "600 characters with camera and elements, 40 of them yours, at most 512" in str(fault)
    assert "descriptions" in fault.mend


@pytest.mark.parametrize(
    ("model", "frame", "wrong"),
    [
        (KLING, (5, 2), 0),
        (KLING, (2, 5), 0),
        (KLING, (251, 100), 1),
        (FAL, (1000, 2501), 1),
        (FAL, (21, 9), 0),
        (OMNI, (16, 9), 0),
        (OMNI, (1376, 768), 0),
        (OMNI, (768, 1376), 0),
        (OMNI, (1, 1), 1),
        (VEO, (9, 16), 0),
        (VEO, (1360, 740), 0),
        (VEO, (3, 2), 1),
        (VEO, (1024, 1024), 1),
    ],
)
def test_shapes(model: tuple[str, str], frame: tuple[int, int], wrong: int) -> None:
    """Is a start frame told whose shape the vendor does not take, and a drawn 16:9, which never is one exactly, let through?"""
    assert paths(model, facts(4, frame=frame)) == ["aspect_ratio"] * wrong
    assert paths(model, facts(4, frame=None)) == []


@pytest.mark.parametrize(
    ("model", "elements", "wrong"),
    [
        (KLING, ("mara", "mara", "mara", "boat", "pier"), 0),
        (KLING, ("mara", "boat", "pier", "lamp"), 1),
        (VEO, ("mara", "mara", "boat"), 0),
        (VEO, ("mara", "mara", "mara", "boat"), 1),
    ],
)
def test_references(model: tuple[str, str], elements: tuple[str, ...], wrong: int) -> None:
    """Are elements counted where elements are limited, and pictures where pictures are?"""
    assert paths(model, facts(4, elements=elements)) == ["elements"] * wrong


def test_all_faults_are_told_at_once_in_one_line() -> None:
    """Does one reading tell everything there is to mend, and how?"""
    asked = facts(9.5, 9, prompts=("a" * 613, "b"), elements=("a", "b", "c", "d"), frame=(30, 10))
    with pytest.raises(ShotsRefused) as refused:
        refuse_faulty("SEQ01", asked, LimitTable(), *KLING)
    assert [fault.path for fault in refused.value.faults] == [
        "aspect_ratio",
        "elements",
        "shots[0].prompt",
        "shots[0].seconds",
        "shots",
    ]
    line = str(refused.value)
    assert "\n" not in line
    assert line.startswith(
        "SEQ01: kling/kling-v3 would refuse this take: aspect_ratio: a start frame of 30:10"
    )
    assert "shots[0].prompt: 613 characters, at most 512 (take out 101)" in line
    assert "and 2 more" in line
    assert refused.value.exit_code == 2


def test_the_animatic_takes_anything_and_nothing_is_said() -> None:
    """Are its own checks left to it?"""
    structlog.reset_defaults()
    with capture_logs() as said:
        refuse_faulty("S", facts(0.1, 500, frame=(9, 1)), LimitTable(), "animatic", "animatic")
    assert said == []


def test_a_model_that_nobody_knows_is_said_once() -> None:
    """Is an unlinted request told, and not with every take?"""
    structlog.reset_defaults()
    with capture_logs() as said:
        for _ in range(3):
            refuse_faulty("S", facts(0.1), LimitTable(), "new-vendor", "model-of-this-test")
    assert [(line["event"], line["model"]) for line in said] == [("shots_unlinted", "model-of-this-test")]


def row(**fields: Any) -> ShotLimits:
    return ShotLimits.model_validate({"provider": "fal", "model": "*", "as_of": "2026-11-20", **fields})


def test_the_config_overrides_and_adds() -> None:
    """Does the studio's row win over the shipped one for what it matches, whole, and leave the rest alone?"""
    table = LimitTable([row(model="*kling-video/v3/*", shots=8), row(provider="farm", shots=2)])
    fal, farm = table.find(*FAL), table.find("farm", "any")
    assert fal is not None
    assert (fal.shots, fal.characters) == (8, None)
    assert farm is not None
    assert farm.shots == 2
    assert table.find(*FAL_V4) == LimitTable().find(*FAL_V4)
    assert LimitTable().find("farm", "any") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"shots": 0},
        {"total_seconds": {"least": 5, "most": 3}},
        {"shot_seconds": {"least": 5, "most": 6}, "total_seconds": {"least": 3, "most": 4}},
        {"aspect_ratios": ["wide"]},
        {"aspect_ratios": ["16:0"]},
        {"charcters": 512},
        {"widest": 0.5},
    ],
)
def test_limits_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    """Is a row of the config that says nothing sensible told where it is written?"""
    with pytest.raises(ValidationError):
        row(**wrong)


def test_every_shipped_row_says_since_when_and_from_where() -> None:
    """Can anybody check what the table says?"""
    for model in (KLING, FAL, FAL_O3, FAL_V4, OMNI, VEO, ("animatic", "animatic")):
        assert limits_of(model).source
    assert "documents" in limits_of(VEO).source


@pytest.mark.parametrize(
    ("asked", "fitting"),
    [
        ((9.5, 9.0), (7, 8)),
        ((0.5, 0.5), (2, 1)),
        ((30.0,), (15,)),
        ((2.0,) * 8, (2,) * 6),
        ((5.0, 4.0), (5, 4)),
    ],
)
def test_fitting_lengths_are_near_the_asked_ones(asked: tuple[float, ...], fitting: tuple[int, ...]) -> None:
    """Does a suggestion change as little as it can?"""
    assert fitting_seconds(asked, limits_of(KLING)) == fitting


def test_a_picture_says_its_size_without_being_decoded(tmp_path: Path) -> None:
    """Is the shape of the real start frame known, and one that cannot be read the provider's to refuse?"""
    assert frame_size(write_png(tmp_path / "a.png", (160, 90))) == (160, 90)
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert frame_size(tmp_path / "b.png") is None
    assert frame_size(tmp_path / "none.png") is None


@pytest.mark.parametrize(("text", "shape"), [("16:9", (16, 9)), ("wide", None), ("0:9", None), ("16:", None)])
def test_a_shape_that_is_none(text: str, shape: tuple[int, int] | None) -> None:
    """Is free text, as house shots may have it, no crash?"""
    assert shape_of(text) == shape
