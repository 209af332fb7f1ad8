"""Does the state alone say what comes next, and is there no move that leads astray?"""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings

from client_async.next_action import Action, next_action, resting_state, waiting_status
from client_async.sequence_parts import LockedKeyframe
from client_async.sequences import Sequence
from client_async.state_diagram import MEANINGS, diagram, page
from client_async.states import MOVES, PARKED, STATES, GridState, IllegalMove, check_move
from tests.unit.test_sequences import DONE, GRID, LOCKED, PICKED, SEQUENCES, grid, locked, pick, raw, take

# --------------------------------------------------------------------------------------- next_action


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ({}, "explore"),
        ({"grid_state": "exploring"}, "explore"),
        ({"grid_history": [grid(ok=False)], "grid_state": "retrying"}, "explore"),
        ({"grid_id": "g9", "grid_history": [grid()]}, "explore"),
        ({"grid_state": "failed"}, None),
        ({"grid_state": "failed", "resume": True}, "explore"),
        ({"selected_cell": 2}, "explore"),
        (GRID, None),
        ({**GRID, "grid_state": "validating"}, "tidy"),
        ({**GRID, "grid_wanted": True}, "explore"),
        ({**GRID, "adopt": "sheet.png"}, "adopt"),
        (PICKED, "lock"),
        ({**PICKED, "selected_cell": None}, None),
        ({**PICKED, "keyframe": locked(cell=1)}, "lock"),
        ({**PICKED, "keyframe": locked(of="g0")}, "lock"),
        (LOCKED, "generate"),
        ({**LOCKED, "grid_state": "failed"}, None),
        ({**LOCKED, "grid_state": "failed", "resume": True}, "generate"),
        ({**PICKED, "grid_state": "failed"}, None),
        ({**PICKED, "grid_state": "failed", "resume": True}, "lock"),
        ({**LOCKED, "grid_state": "locked", "pick": None, "selected_cell": None}, "tidy"),
        ({**DONE, "retake": True}, "generate"),
        ({**GRID, "retake": True}, "tidy"),
        ({**DONE, "resume": True}, "tidy"),
        ({**LOCKED, "grid_state": "generating"}, "generate"),
        ({**LOCKED, "take": take("old"), "grid_state": "stale"}, "generate"),
        (DONE, None),
        ({**PICKED, "pick": pick(of="g0")}, None),
        ({**LOCKED, "pick": pick(of="g0")}, None),
        ({**DONE, "regrid": True}, "explore"),
        ({**GRID, "regrid": True, "selected_cell": 3}, "explore"),
        ({**DONE, "regrid": True, "deleted": True}, "tidy"),
        ({"deleted": True}, "tidy"),
        ({"deleted": True, "grid_state": "cancelled"}, None),
        ({"grid_state": "cancelled"}, "tidy"),
        ({"grid_state": "recovery"}, None),
        ({**LOCKED, "grid_state": "recovery"}, None),
        ({**DONE, "regrid": True, "grid_state": "recovery"}, "explore"),
        ({**LOCKED, "retake": True, "grid_state": "recovery"}, "generate"),
        ({**LOCKED, "grid_state": "paused_budget"}, None),
    ],
)
def test_the_next_step_follows_from_the_state_alone(fields: dict[str, Any], action: Action | None) -> None:
    """For each state of a sequence: is the next step the one that takes it on, or none where a person is needed?"""
    assert next_action(Sequence.model_validate(raw(**fields))) == action


@pytest.mark.parametrize("state", get_args(GridState))
def test_every_state_has_an_answer(state: GridState) -> None:
    """With a picked and locked cell: does each state go on to the take, but for those that wait for a person?"""
    sequence = Sequence.model_validate(raw(**LOCKED, grid_state=state))
    waits = "tidy" if state == "cancelled" else None if state in PARKED else "generate"
    assert next_action(sequence) == waits


@given(SEQUENCES)
def test_next_action_answers_for_any_sequence(sequence: Sequence) -> None:
    """For any valid sequence: an action or None, never an error, and nothing for a deleted one?"""
    action = next_action(sequence)
    assert action in (*get_args(Action), None)
    if sequence.deleted:
        assert action in ("tidy", None)
    wished = sequence.regrid or sequence.deleted or sequence.resume or sequence.retake or sequence.adopt
    if sequence.grid_state in PARKED and not wished:
        assert action is None, "what is parked waits for a person"
    begun = sequence.grid_state == "generating" or sequence.retake
    if action == "lock" or (action == "generate" and not begun):
        assert sequence.pick is not None
        assert sequence.pick.grid == sequence.grid_id


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # one in ten has a pick to lock
@given(SEQUENCES)
def test_locking_a_pick_ends_the_locking(sequence: Sequence) -> None:
    """Once a pick is locked as the runner does it: is the next step never to lock it again?"""
    assume(next_action(sequence) == "lock")
    assert sequence.pick is not None
    assert sequence.grid is not None
    keyframe = LockedKeyframe.model_validate(locked(sequence.pick.cell, sequence.grid.grid))
    assert next_action(sequence.model_copy(update={"keyframe": keyframe})) in ("generate", "tidy", None)


@given(SEQUENCES)
def test_tidying_ends_the_tidying(sequence: Sequence) -> None:
    """Put where it belongs as the runner does it: is there never the same to do again?"""
    assume(next_action(sequence) == "tidy")
    tidied = {
        "grid_state": resting_state(sequence),
        "status": waiting_status(sequence),
        "resume": False,
        "retake": False,
        "grid_wanted": False,
    }
    assert next_action(sequence.model_copy(update=tidied)) != "tidy"


def test_the_moves_are_whole() -> None:
    """Has every state its moves, and can each be reached from a new sequence?"""
    assert set(MOVES) == set(STATES) == set(MEANINGS)
    reached: set[GridState] = {"new"}
    for _ in STATES:
        reached |= {end for state in reached for end in MOVES[state]}
    assert reached == set(STATES)


def test_a_move_that_is_none_is_an_error() -> None:
    """Is a fault of ours told at once, and staying allowed?"""
    with pytest.raises(IllegalMove, match="SEQ01: a sequence that is new cannot become done"):
        check_move("SEQ01", "new", "done")
    for state in STATES:
        check_move("SEQ01", state, state)


def test_the_page_shows_every_state_and_the_main_way() -> None:
    """Does a reader of docs/states.md see the life of a sequence?"""
    way = ["new", "exploring", "validating", "waiting_for_pick", "locked", "generating", "done"]
    for state, end in itertools.pairwise(way):
        assert f"{state} --> {end}" in diagram()
    assert all(f"| `{state}` |" in page() for state in STATES)
