"""Is a pick recorded for the grid it was made of, with who and when, and refused where there is none?"""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_async.picks import BadPick, cell_number, record_pick
from client_async.sequence_parts import Pick
from client_async.states import STATES
from tests.unit.drop import NOON, waiting

NO_CELL = [0, 5, -1, 100, "x", "3", "", True, False, 2.0, 1.5, None, [3], {"cell": 3}]


def picked(sequence: dict[str, Any], cell: object = 3, *, by: str = "mara", **more: Any) -> dict[str, Any]:
    return record_pick(sequence, "SEQ01", cell, by=by, via="test", at=NOON, **more)


@pytest.mark.parametrize("cell", [1, 2, 3, 4])
def test_a_cell_is_one_of_four(cell: int) -> None:
    """Are 1 to 4 cells?"""
    assert cell_number(cell) == cell


@pytest.mark.parametrize("value", NO_CELL)
def test_anything_else_is_no_cell(value: object) -> None:
    """Is every other value refused, with the four that are meant, and nothing recorded?"""
    sequence = waiting()
    with pytest.raises(BadPick, match=r"is no cell. Use 1 \(top left\), 2 \(top right\)"):
        picked(sequence, value)
    assert sequence == waiting()


@given(st.integers() | st.floats() | st.text() | st.none() | st.booleans() | st.binary())
def test_cell_number_gives_a_cell_or_bad_pick(value: object) -> None:
    """Whatever the value: is it one of four whole numbers, or refused?"""
    try:
        number = cell_number(value)
    except BadPick:
        assert type(value) is not int or not 1 <= value <= 4
    else:
        assert type(number) is int
        assert 1 <= number <= 4


def test_a_pick_is_recorded_with_who_how_and_when() -> None:
    """Does the document say who picked what, of which grid, how, when and why?"""
    sequence = waiting(title="kept")
    pick = picked(sequence, 3, note="the light")
    assert sequence["pick"] == pick
    assert pick == {
        "cell": 3,
        "grid": "g2",
        "by": "mara",
        "via": "test",
        "at": "2026-11-23T12:00:00.000+00:00",
        "state": "accepted",
        "note": "the light",
    }
    Pick.model_validate(pick)
    assert (sequence["selected_cell"], sequence["status"]) == (3, "cell 3 of g2 picked by mara")
    assert (sequence["title"], sequence["grid_state"]) == ("kept", "waiting_for_pick")


@pytest.mark.parametrize("state", [state for state in STATES if state != "cancelled"])
def test_a_sequence_with_a_grid_can_be_picked_again(state: str) -> None:
    """Does a second pick replace the first, whatever has become of it?"""
    sequence = waiting(grid_state=state)
    picked(sequence, 3)
    assert picked(sequence, 1, by="joe")["cell"] == 1
    assert (sequence["selected_cell"], sequence["pick"]["by"]) == (1, "joe")


def test_the_same_pick_again_changes_nothing() -> None:
    """Is a repeated pick the first one still, so that nothing is made anew?"""
    sequence = waiting()
    first = picked(sequence, 3)
    before = json.dumps(sequence)
    assert picked(sequence, 3, by="joe") == first
    assert json.dumps(sequence) == before


@pytest.mark.parametrize(
    "before",
    [
        {"pick": {"cell": 3, "grid": "g1"}, "selected_cell": 3},
        {"pick": {"cell": 3, "grid": "g2"}, "selected_cell": 1},
        {"pick": {"cell": 3, "grid": "g2"}},
        {"pick": {}},
        {"pick": "3"},
        {"pick": [3]},
    ],
    ids=["old grid", "edited since", "cleared since", "empty", "text", "list"],
)
def test_only_the_very_same_pick_is_a_repetition(before: dict[str, object]) -> None:
    """Is a pick of another grid, one edited since, or a mangled one recorded anew?"""
    sequence = waiting(**before)
    assert picked(sequence, 3)["by"] == "mara"
    assert (sequence["pick"]["grid"], sequence["selected_cell"]) == ("g2", 3)


@pytest.mark.parametrize(
    ("fields", "grid", "said"),
    [
        ({"grid_history": [{"grid": "g1"}]}, "g1", "the grid g1 has been replaced by g2"),
        ({}, "g3", "there is no grid g3, it is g2 that waits"),
        ({"deleted": True}, None, "marked deleted"),
        ({"grid_id": None}, None, "there is no grid to pick from (it is waiting_for_pick)"),
        ({"grid_state": "new", "grid_id": None}, None, "there is no grid to pick from (it is new)"),
        ({"grid_state": "exploring", "grid_id": None}, None, "(it is exploring)"),
        ({"grid_state": "cancelled"}, None, "marked deleted"),
    ],
)
def test_a_pick_without_its_grid_is_refused(fields: dict[str, object], grid: str | None, said: str) -> None:
    """Is a pick refused, saying what is there now, and nothing recorded, when its grid is gone or not yet there?"""
    sequence = waiting(**fields)
    with pytest.raises(BadPick) as caught:
        picked(sequence, 3, grid=grid)
    assert said in str(caught.value)
    assert str(caught.value).startswith("SEQ01: ")
    assert sequence == waiting(**fields)


def test_only_a_pick_that_lay_somewhere_can_be_the_earlier_one() -> None:
    """A clock was set back: is what somebody picks now the later pick all the same?"""
    sequence = waiting()
    picked(sequence, 3)
    before = NOON - timedelta(hours=1)
    assert record_pick(sequence, "SEQ01", 1, by="jo", via="t", at=before, by_clock=True)["cell"] == 3
    assert record_pick(sequence, "SEQ01", 1, by="jo", via="t", at=before)["cell"] == 1


@pytest.mark.parametrize("at", ["yesterday", "2026-11-24T12:00:00", 5, None])
def test_a_pick_with_no_usable_time_is_the_earlier_one(at: object) -> None:
    """Adopted from a file that says anything as its time: can it be replaced?"""
    sequence = waiting(selected_cell=2, pick={"cell": 2, "grid": "g2", "at": at})
    assert record_pick(sequence, "SEQ01", 1, by="jo", via="t", at=NOON, by_clock=True)["cell"] == 1


@pytest.mark.parametrize("fields", [{"deleted": True}, {"grid_state": "cancelled"}])
def test_the_remedy_for_a_deleted_sequence_works(fields: dict[str, object]) -> None:
    """Leaving "deleted" out changes nothing: is it said what to write?"""
    with pytest.raises(BadPick, match='Write "deleted": false first'):
        picked(waiting(**fields))
