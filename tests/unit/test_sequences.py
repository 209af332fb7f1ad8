"""Does the document say what comes next, keep what it does not know, and name what is wrong in it?"""

import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_async.next_action import next_action
from client_async.schemas import schema_file
from client_async.sequences import Sequence, Sequences, check_names, check_sequences
from client_async.states import GridState
from starsend.documents import BadDocument, parse_document

AT = "2026-11-23T12:00:00+00:00"
BRIEF = Path(__file__).parents[2] / "projects" / "demo" / "brief.json"


def grid(name: str = "g1", *, ok: bool = True, round_: int = 1) -> dict[str, Any]:
    reason = "ok" if ok else "single"
    return {
        "grid": name,
        "round": round_,
        "via": "model",
        "verdict": {"ok": ok, "reason": reason, "explanation": "as read"},
        "takes": [f"take-{name}"],
        "at": AT,
    }


def pick(cell: int = 3, of: str = "g1") -> dict[str, Any]:
    return {"cell": cell, "grid": of, "by": "mara", "via": "test", "at": AT}


def locked(cell: int = 3, of: str = "g1", sha256: str = "aa") -> dict[str, Any]:
    return {"path": "k.png", "sha256": sha256, "grid": of, "cell": cell, "by": "mara", "at": AT}


def take(keyframe: str = "aa") -> dict[str, Any]:
    return {"take": "t1", "path": "t1.mp4", "attempt": 1, "keyframe": keyframe, "brief": "bb", "at": AT}


def raw(**fields: Any) -> dict[str, Any]:
    return {"prompt": "a harbour", "shots": [{"prompt": "gulls rise", "seconds": 3}], **fields}


GRID = {"grid_id": "g1", "grid_history": [grid()]}
PICKED = {**GRID, "pick": pick(), "selected_cell": 3}
LOCKED = {**PICKED, "keyframe": locked()}
DONE = {**LOCKED, "take": take(), "grid_state": "done"}


NAMES = st.sampled_from(["g1", "g2", "g3"])
CELLS = st.integers(1, 4)
WISHES = ("regrid", "retake", "resume", "deleted", "grid_wanted")
SHAS = st.sampled_from(["aa", "bb"])


@st.composite
def sequences(draw: st.DrawFn) -> Sequence:
    """Any valid sequence; what it cites is usually there, as in a life that was lived."""
    records = st.builds(grid, NAMES, ok=st.booleans(), round_=st.integers(1, 9))
    history = draw(st.lists(records, max_size=4))
    there = [record["grid"] for record in history]
    grid_id = draw(st.sampled_from([*there * 3, "g1", None]))
    of = st.sampled_from([grid_id or "g1"] * 5 + ["g1", "g2"])
    picked = draw(st.sampled_from([None, *3 * [1], 2, 3, 4]))
    wishes = draw(st.sampled_from([{}, {}, *({wish: True} for wish in WISHES), dict.fromkeys(WISHES, True)]))
    return Sequence.model_validate(
        raw(
            grid_state=draw(st.sampled_from(get_args(GridState))),
            grid_id=grid_id,
            grid_history=history,
            selected_cell=draw(st.sampled_from([picked] * 3 + [None, 2])),
            pick=draw(st.builds(pick, st.just(picked), of)) if picked else None,
            keyframe=draw(st.none() | st.builds(locked, CELLS, of, SHAS)),
            take=draw(st.none() | st.builds(take, SHAS)),
            adopt=draw(st.sampled_from([None] * 7 + ["p.png"])),
            **wishes,
        )
    )


SEQUENCES = sequences()


# --------------------------------------------------------------------------------------- properties


def test_the_grid_is_the_one_that_is_named() -> None:
    """Is the grid to pick from the one of ``grid_id``, among right and wrong ones?"""
    history = [grid("g1", ok=False), grid("g2"), grid("g3", round_=2)]
    sequence = Sequence.model_validate(raw(grid_id="g2", grid_history=history))
    assert sequence.grid is not None
    assert (sequence.grid.grid, sequence.round) == ("g2", 3)
    assert Sequence.model_validate(raw(grid_history=history)).grid is None


@pytest.mark.parametrize(
    ("accepted", "round_"), [([], 1), ([False, False], 1), ([False, True], 2), ([True, True], 3)]
)
def test_a_round_ends_with_an_accepted_grid(accepted: list[bool], round_: int) -> None:
    """Does the round go up with each accepted grid, and only then?"""
    history = [grid(f"g{number}", ok=ok) for number, ok in enumerate(accepted)]
    assert Sequence.model_validate(raw(grid_history=history)).round == round_


@pytest.mark.parametrize(
    ("fields", "stale"),
    [(DONE, False), ({**DONE, "take": take("old")}, True), (LOCKED, False), ({"take": take()}, False)],
)
def test_a_take_is_stale_when_its_frame_is_not_the_locked_one(fields: dict[str, Any], stale: bool) -> None:
    """Is a video stale exactly when another start frame is locked now?"""
    assert Sequence.model_validate(raw(**fields)).stale is stale


# -------------------------------------------------------------------------------- schema, round trip


def check(document: object) -> None:
    jsonschema.Draft202012Validator(json.loads(schema_file("sequences"))).validate(document)


@given(SEQUENCES)
def test_any_sequence_survives_the_way_to_disk_and_back(sequence: Sequence) -> None:
    """Is what we write valid by our own schema, and read back the same?"""
    document = Sequences(sequences={"SEQ01": sequence}).model_dump(mode="json", by_alias=True)
    check(document)
    assert parse_document(Sequences, document, "x").sequences["SEQ01"] == sequence


def test_unknown_fields_are_kept() -> None:
    """Are other tools' fields kept at every level?"""
    theirs = {"edl": {"reel": 3}}
    document = {
        "theirs": theirs,
        "_starsend": {"schema": "starsend.sequences/1", "revision": 4, "theirs": theirs},
        "sequences": {
            "SEQ01": raw(
                theirs=theirs,
                shots=[{"prompt": "p", "seconds": 3, "theirs": theirs}],
                pick={**pick(), "theirs": theirs},
            )
        },
    }
    check(document)
    kept = json.dumps(parse_document(Sequences, document, "x").model_dump(mode="json", by_alias=True))
    assert kept.count('"theirs": {"edl": {"reel": 3}}') == 5


def test_the_demo_brief_is_taken_by_both() -> None:
    """Do the schema and the program agree on the shipped sample, and is all of it new?"""
    document = json.loads(BRIEF.read_text(encoding="utf-8"))
    check(document)
    sequences = parse_document(Sequences, document, BRIEF).sequences
    assert {next_action(sequence) for sequence in sequences.values()} == {"explore"}


# -------------------------------------------------------------------------------------------- faults

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "prompt: string should have at least 1 character"),
    ({"prompt": 3}, "prompt: input should be a valid string (it is 3)"),
    ({"shots": []}, "shots: list should have at least 1 item"),
    ({"shots": [{"prompt": "p", "seconds": 3}] * 7}, "shots: 7 shots, at most 6 in one take"),
    (
        {"shots": [{"prompt": "p", "seconds": 3}] * 37, "split": True},
        "shots: list should have at most 36 items",
    ),
    (
        {"shots": [{"prompt": "p", "seconds": 3}, {"prompt": "p", "seconds": 0}]},
        "shots[1].seconds: input should be",
    ),
    (
        {"shots": [{"prompt": "p", "seconds": 61}]},
        "shots[0].seconds: input should be less than or equal to 60",
    ),
    ({"shots": [{"prompt": "p", "seconds": "three"}]}, "shots[0].seconds: input should be a valid number"),
    ({"shots": [{"seconds": 3}]}, "shots[0].prompt: field required"),
    ({"shots": "push in"}, "shots: input should be a valid list (it is 'push in')"),
    ({"aspect_ratio": "17:9"}, "aspect_ratio: input should be '1:1', '16:9'"),
    ({"elements": ["mara", 3]}, "elements[1]: input should be a valid string"),
    ({"selected_cell": 5}, "selected_cell: input should be less than or equal to 4 (it is 5)"),
    ({"selected_cell": 0}, "selected_cell: input should be greater than or equal to 1"),
    ({"selected_cell": "3"}, "selected_cell: input should be a valid integer (it is '3')"),
    ({"selected_cell": True}, "selected_cell: input should be a valid integer (it is True)"),
    ({"selected_cell": 2.5}, "selected_cell: input should be a valid integer (it is 2.5)"),
    ({"regrid": "yes"}, "regrid: input should be a valid boolean"),
    ({"deleted": 1}, "deleted: input should be a valid boolean"),
    ({"grid_state": "waiting"}, "grid_state: input should be 'new', 'exploring'"),
    ({"pick": {**pick(), "cell": 9}}, "pick.cell: input should be less than or equal to 4"),
    ({"grid_history": [grid(), {**grid(), "round": 0}]}, "grid_history[1].round: input should be"),
    ({"take_attempt": 0}, "take_attempt: input should be greater than or equal to 1"),
]


@pytest.mark.parametrize(("fields", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_a_wrong_brief_names_its_json_path(project_dir: Path, fields: dict[str, Any], said: str) -> None:
    """Does each fault name file, sequence and JSON path, for the program and for an editor's schema?"""
    path = project_dir / "sequences.json"
    document = {"sequences": {"SEQ01": raw(), "SEQ02": raw(**fields)}}
    text = json.dumps(document, indent=1)
    with pytest.raises(BadDocument) as caught:
        check_sequences(document["sequences"], path, text)
    line = re.match(rf"{re.escape(str(path))}:(\d+): sequences\.SEQ02\.{re.escape(said)}", str(caught.value))
    assert line is not None, str(caught.value)
    begun = text.splitlines().index('  "SEQ02": {') + 1
    assert begun <= int(line[1]) <= len(text.splitlines())
    with pytest.raises(jsonschema.ValidationError):
        check(document)


@pytest.mark.parametrize(
    ("new", "there", "told"),
    [
        (["SEQ01_grid"], ["SEQ01"], "'SEQ01_grid' is a name that the frames of 'SEQ01' are booked under"),
        (["SEQ01"], ["SEQ01_frame"], "frames of 'SEQ01' would be booked under the name of 'SEQ01_frame'"),
        (["X" * 71], [], "longer than 70 characters"),
        (["a/b"], [], "cannot be a sequence name"),
    ],
)
def test_a_name_that_cannot_be_kept_apart_is_refused(new: list[str], there: list[str], told: str) -> None:
    """Does a sequence that is added never share a row of the ledger, whichever of the two came first?"""
    with pytest.raises(BadDocument, match=re.escape(told)):
        check_names(new, [*there, *new], Path("sequences.json"))


@pytest.mark.parametrize("name", ["", "../x", "a/b", "SEQ 01", ".hidden", "é", "-x", "x" * 81, "a\n"])
def test_a_name_that_cannot_name_files_is_refused(name: str) -> None:
    """Is a sequence name that would leave its folder, or make no good file name, refused?"""
    with pytest.raises(BadDocument, match="cannot be a sequence name"):
        parse_document(Sequences, {"sequences": {name: raw()}}, "sequences.json")
