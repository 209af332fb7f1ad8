"""Is each pick taken exactly once, for the grid it was made of, and each wrong one put aside with its reason?"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_async.draft import Draft
from client_async.pick_folder import KEYS, LARGEST, PATIENCE, PickFolder
from client_async.picks import BadPick, cell_number, record_pick
from client_async.sequence_file import PickVerdict, SequenceFile
from client_async.sequences import Pick
from client_async.states import STATES
from starsend.json_file import BrokenJson

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW = NOON.timestamp()
NO_CELL = [0, 5, -1, 100, "x", "3", "", True, False, 2.0, 1.5, None, [3], {"cell": 3}]


def picked(sequence: dict[str, Any], cell: object = 3, *, by: str = "mara", **more: Any) -> dict[str, Any]:
    return record_pick(sequence, "SEQ01", cell, by=by, via="test", at=NOON, **more)


def waiting(**fields: object) -> dict[str, Any]:
    return {"grid_state": "waiting_for_pick", "grid_id": "g2", "selected_cell": None, "pick": None, **fields}


# -------------------------------------------------------------------------------------- record_pick


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
        "at": "2026-11-23T12:00:00+00:00",
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


# --------------------------------------------------------------------------------------- drop folder


class Drop:
    """A drop folder beside a document of two sequences; its clock stands at noon until moved."""

    def __init__(self, project: Path) -> None:
        state = project / "state" / "client"
        self.folder = state / "picks"
        self.folder.mkdir(parents=True)
        self.file = SequenceFile(state / "sequences.json")
        self.now = NOW
        record = {
            "grid": "g2",
            "round": 1,
            "via": "model",
            "verdict": {"ok": True, "reason": "ok", "explanation": ""},
            "at": "2026-11-23T11:00:00+00:00",
        }
        wrong = {**record, "grid": "g1", "verdict": {"ok": False, "reason": "single", "explanation": ""}}
        shots = [{"prompt": "p", "seconds": 1}]
        brief = {
            name: waiting(prompt="p", shots=shots, grid_history=[wrong, record])
            for name in ("SEQ01", "SEQ02")
        }
        self.file.path.write_text(json.dumps({"sequences": brief}), encoding="utf-8")

    def put(self, name: str, content: str | bytes, *, age: float = 1.0) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (NOW - age, NOW - age))
        return path

    def take(self) -> list[PickVerdict]:
        return PickFolder(self.folder, self.file, lambda: self.now).take_picks()

    def only(self) -> PickVerdict:
        (verdict,) = self.take()
        return verdict

    def pick(self, name: str = "SEQ01") -> dict[str, Any] | None:
        pick: dict[str, Any] | None = self.file.read()["sequences"][name]["pick"]
        return pick

    def cell(self, name: str = "SEQ01") -> object:
        return (self.pick(name) or {}).get("cell")

    def names(self, folder: str = "") -> list[str]:
        """What lies in a folder, but for the house's own."""
        where = self.folder / folder
        own = {"accepted", "rejected", ".claimed", ".lock"}
        return sorted({path.name for path in where.iterdir()} - own) if where.is_dir() else []

    def reason(self, name: str) -> str:
        return (self.folder / "rejected" / f"{name}.reason.txt").read_text(encoding="utf-8")


@pytest.fixture
def drop(project_dir: Path) -> Drop:
    return Drop(project_dir)


@pytest.mark.parametrize(
    "content",
    [
        "3",
        "3\n",
        "  3 \r\n",
        b"\xef\xbb\xbf3\r\n",
        "3\r\n".encode("utf-16"),
        b"\xfe\xff\x003\x00\n",
        b"3\x00\r\x00\n\x00",
        "03",
    ],
    ids=["bare", "newline", "blanks", "bom", "utf-16", "utf-16 big", "utf-16 bare", "zero"],
)
@pytest.mark.parametrize(
    "name", ["SEQ01.pick", "seq01.pick", "SEQ01@g2.pick", "Seq01@G2.PICK", "SEQ01 (1).pick"]
)
def test_any_editors_file_is_a_pick(drop: Drop, name: str, content: str | bytes) -> None:
    """Is a cell number taken in any encoding, with any line end, under any spelling of the name?"""
    drop.put(name, content)
    assert drop.only().accepted
    assert drop.cell() == 3
    assert (drop.names("accepted"), drop.names(), drop.names("rejected")) == ([name], [], [])


def test_a_pick_says_when_it_was_dropped_and_by_whom(drop: Drop) -> None:
    """Is the time the file's own, and its owner the one who picked?"""
    path = drop.put("SEQ02.pick", "4", age=3600)
    owner = path.owner()
    drop.take()
    pick = drop.pick("SEQ02")
    assert pick is not None
    assert (pick["at"], pick["by"], pick["via"]) == ("2026-11-23T11:00:00+00:00", owner, "pick file")
    assert drop.pick("SEQ01") is None


@pytest.mark.parametrize(
    ("wish", "by"),
    [
        ({"sequence": "SEQ01", "cell": 3}, None),
        ({"sequence": "seq01", "cell": 3, "grid": "g2"}, None),
        ({"sequence": "SEQ01", "cell": 3, "by": "Mara ü", "note": "the light"}, "Mara ü"),
        ({"sequence": "SEQ01", "cell": 3, "by": ""}, None),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_a_pick_under_any_name(
    drop: Drop, wish: dict[str, object], by: str | None, encoding: str
) -> None:
    """Is a JSON pick taken whatever the file is called, with its own words for who and why?"""
    path = drop.put("from the client.txt", json.dumps(wish, ensure_ascii=False).encode(encoding))
    owner = path.owner()
    assert drop.only().accepted
    pick = drop.pick()
    assert pick is not None
    assert (pick["cell"], pick["by"], pick.get("note")) == (3, by or owner, wish.get("note"))


REJECTED: list[tuple[str, str | bytes, str]] = [
    ("SEQ01.pick", "0", "0 is no cell"),
    ("SEQ01.pick", "5", "5 is no cell"),
    ("SEQ01.pick", "x", "'x' is no cell"),
    ("SEQ01.pick", "true", "'true' is no cell"),
    ("SEQ01.pick", '"3"', "is no cell"),
    ("SEQ01.pick", "2.0", "'2.0' is no cell"),
    ("SEQ01.pick", "-1", "'-1' is no cell"),
    ("SEQ01.pick", "3 4", "'3 4' is no cell"),
    ("SEQ01.pick", "３", "is no cell"),
    ("SEQ01.pick", "[3]", "'[3]' is no cell"),
    ("SEQ01@g1.pick", "3", "the grid g1 has been replaced by g2"),
    ("SEQ1.pick", "3", "unknown sequence 'SEQ1'. Did you mean SEQ01?"),
    ("readme.txt", "3", "neither JSON nor a file named SEQ01.pick"),
    ("SEQ01@now.pick", "3", "neither JSON nor a file named SEQ01.pick"),
    ("a.json", '{"sequence": "SEQ01", "cell": "3"}', "'3' is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": true}', "True is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": 2.0}', "2.0 is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": null}', "None is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": 5}', "5 is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": NaN}', "NaN is not a JSON number"),
    ("a.json", '{"sequence": "SEQ01", "cell": 1, "cell": 2}', "the key 'cell' stands twice"),
    ("a.json", '{"sequence": "SEQ01"}', "'cell' is missing"),
    ("a.json", '{"cell": 3}', "'sequence' is missing"),
    ("a.json", "{}", "is missing"),
    ("a.json", '{"sequence": "SEQ01", "cel": 3}', "unknown key 'cel'"),
    ("a.json", '{"sequence": 1, "cell": 3}', "'sequence' must be text"),
    ("a.json", '{"sequence": "SEQ01", "cell": 3, "grid": 2}', "'grid' must be text"),
    ("a.json", '{"sequence": "SEQ01", "cell": 3, "grid": "g1"}', "replaced by g2"),
    ("a.json", '{"sequence": "SEQ03", "cell": 3}', "unknown sequence 'SEQ03'. Did you mean SEQ0"),
    ("a.json", '{"sequence": "\\ud800", "cell": 3}', "surrogate"),
    ("a.json", '{"a": ' + "[" * 30_000, "nested too deeply"),
    ("a.json", '{"a": ' + "9" * 5000 + "}", "too long"),
    ("SEQ01.pick", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is not text"),
    ("SEQ01.pick", bytes(1000), "is no cell"),
    ("SEQ01.pick", "3" * (LARGEST + 1), "a pick is a small file"),
    ("huge.json", b"\xff" * (LARGEST * 4), "a pick is a small file"),
]


@pytest.mark.parametrize(
    ("name", "content", "said"), REJECTED, ids=[f"{name}-{said[:24]}" for name, _, said in REJECTED]
)
def test_a_wrong_pick_is_put_aside_at_once_with_its_reason(
    drop: Drop, name: str, content: str | bytes, said: str
) -> None:
    """Does a well-formed but wrong file end in rejected/ as it was, with its reason beside it, and change nothing?"""
    raw = drop.put(name, content).read_bytes()
    before = drop.file.path.read_bytes()
    verdict = drop.only()
    assert (verdict.file, verdict.accepted) == (name, False)
    assert said in verdict.reason
    assert drop.reason(name) == f"{verdict.reason}\n"
    assert (drop.folder / "rejected" / name).read_bytes() == raw
    assert (drop.names(), drop.names("accepted")) == ([], [])
    assert drop.file.path.read_bytes() == before
    assert drop.take() == []


@pytest.mark.parametrize(
    "name",
    [
        ".SEQ01.pick",
        ".#SEQ01.pick",
        "~$SEQ01.pick",
        "SEQ01.pick~",
        "4913",
        "#SEQ01.pick#",
        "SEQ01.pick.part",
        "SEQ01.pick.tmp",
        "SEQ01.pick.swp",
        "SEQ01.pick.crdownload",
        ".DS_Store",
    ],
)
def test_a_temporary_name_is_left_alone(drop: Drop, name: str) -> None:
    """Is what an editor, a browser or a sync client still writes left where it is, however old?"""
    drop.put(name, "3", age=9999)
    assert drop.take() == []
    assert drop.names() == [name]


def test_a_folder_in_the_folder_is_left_alone(drop: Drop) -> None:
    """Is a folder no pick, and what lies in it neither?"""
    (drop.folder / "old").mkdir()
    (drop.folder / "old" / "SEQ01.pick").write_text("3")
    assert drop.take() == []


def test_without_a_drop_folder_there_are_no_picks(drop: Drop, tmp_path: Path) -> None:
    """Is a project whose drop folder was never made no error, and none made?"""
    assert PickFolder(tmp_path / "none", drop.file).take_picks() == []
    assert not (tmp_path / "none").exists()


def link(path: Path) -> None:
    real = path.with_name(".real")
    real.write_text("3")
    path.symlink_to(real)


def dangling(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


def link_to_folder(path: Path) -> None:
    path.symlink_to(path.parent)


@pytest.mark.parametrize("make", [link, dangling, link_to_folder, os.mkfifo])
def test_a_link_or_a_pipe_is_refused_unread(drop: Drop, make: Callable[[Path], None]) -> None:
    """Is what is no plain file refused without following or opening it, which could wait for ever?"""
    make(drop.folder / "SEQ01.pick")
    assert "must be a plain file" in drop.only().reason
    assert drop.names("rejected") == ["SEQ01.pick", "SEQ01.pick.reason.txt"]
    assert drop.cell() is None


# ------------------------------------------------------------------------------------------- waiting


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        (" \r\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        ("{", "not valid JSON"),
        ('{"sequence": "SEQ', "not valid JSON"),
        ('{"sequence": "SEQ01", "ce', "not valid JSON"),
        ('{"sequence": "SEQ01", "cell": ', "not valid JSON"),
        ('{"sequence": "SEQ01", "cell": 3', "not valid JSON"),
        ('{"note": "so nice :}', "not valid JSON"),
        ('{"by": "M\\u00', "not valid JSON"),
        ('{"by": "Zoë"'.encode()[:-2], "it is not text"),
        ("3".encode("utf-16")[:-1], "it is not text"),
    ],
)
def test_an_unfinished_file_waits_half_a_minute(drop: Drop, content: str | bytes, said: str) -> None:
    """Is a file that may still be on its way left for 30 seconds, and rejected after them?"""
    drop.put("SEQ01.pick", content, age=0)
    for seconds in (0, 1, PATIENCE):
        drop.now = NOW + seconds
        assert drop.take() == []
    assert drop.names() == ["SEQ01.pick"]
    drop.now = NOW + PATIENCE + 0.1
    assert said in drop.only().reason
    assert drop.names("rejected") == ["SEQ01.pick", "SEQ01.pick.reason.txt"]


def test_a_file_that_is_finished_in_time_is_taken(drop: Drop) -> None:
    """Is a slow writer's pick taken once it is whole, byte by byte as it may come?"""
    whole = '{"sequence": "SEQ01", "grid": "g2", "cell": 3, "by": "Zoë", "note": "a {nested} \\"light\\" :}"}'.encode()
    for length in range(len(whole)):
        drop.put("SEQ01.pick", whole[:length])
        assert drop.take() == [], whole[:length]
    drop.put("SEQ01.pick", whole)
    assert drop.only().accepted
    assert drop.cell() == 3


def test_an_unfinished_file_holds_up_no_other(drop: Drop) -> None:
    """Are the picks beside an unfinished one taken meanwhile?"""
    drop.put("SEQ01.pick", "", age=5)
    drop.put("SEQ02.pick", "2")
    assert drop.only().file == "SEQ02.pick"


def test_a_file_from_a_clock_that_is_ahead_is_taken(drop: Drop) -> None:
    """Is a whole pick taken at once even when its machine's clock is an hour ahead?"""
    drop.put("SEQ01.pick", "3", age=-3600)
    assert drop.only().accepted


def test_a_file_taken_back_while_we_look_is_no_error(drop: Drop) -> None:
    """Is a pick that its owner removes between two looks forgotten, and the next one taken?"""
    gone = drop.put("SEQ01.pick", "", age=5)
    drop.put("SEQ02.pick", "2")

    def now() -> float:
        gone.unlink(missing_ok=True)
        return NOW

    (verdict,) = PickFolder(drop.folder, drop.file, now).take_picks()
    assert (verdict.file, drop.cell("SEQ01"), drop.cell("SEQ02")) == ("SEQ02.pick", None, 2)


# ---------------------------------------------------------------------------------- which grid


def test_a_pick_of_a_grid_that_is_being_drawn_waits_for_it(drop: Drop) -> None:
    """Does a pick that names the next grid, or comes while the first is drawn, wait; and is it decided when that is there?"""
    drop.file.change(lambda draft: draft["SEQ01"].update(grid_state="retrying", grid_wanted=True))
    drop.file.change(
        lambda draft: draft["SEQ02"].update(grid_state="exploring", grid_id=None, grid_history=[])
    )
    drop.put("SEQ01@g3.pick", "3")
    drop.put("SEQ02.pick", "1")
    assert drop.take() == []
    assert drop.names() == ["SEQ01@g3.pick", "SEQ02.pick"]
    third = {"grid": "g3", "at": "2026-11-23T12:00:00+00:00", "verdict": {"ok": True}}

    def arrive(draft: Draft) -> None:
        draft["SEQ01"]["grid_history"].append(third)
        draft["SEQ01"].update(grid_id="g3", grid_state="waiting_for_pick", grid_wanted=False)
        draft["SEQ02"].update(grid_state="failed")

    drop.file.change(arrive)
    assert [(v.file, v.accepted) for v in drop.take()] == [("SEQ01@g3.pick", True), ("SEQ02.pick", False)]
    assert (drop.pick() or {})["grid"] == "g3"


@pytest.mark.parametrize(("age", "accepted"), [(59 * 60, True), (60 * 60 - 1, False), (60 * 60 + 300, False)])
def test_an_unnamed_pick_is_of_a_grid_that_lay_there_long_enough(
    drop: Drop, age: float, accepted: bool
) -> None:
    """After a second grid: is a pick that may have meant the first one refused, with the way to say which?"""

    def again(draft: Draft) -> None:
        history = draft["SEQ01"]["grid_history"]
        history[0]["verdict"]["ok"] = True

    drop.file.change(again)
    drop.put("SEQ01.pick", "3", age=age)
    verdict = drop.only()
    assert verdict.accepted is accepted
    assert accepted or "SEQ01@g2.pick" in verdict.reason


@pytest.mark.parametrize(
    ("ahead", "since", "accepted"), [(3600, 1, False), (3600, 3, True), (-3600, 3, False), (0, 3, True)]
)
def test_two_clocks_that_differ_guess_no_grid(drop: Drop, ahead: float, since: float, accepted: bool) -> None:
    """The dropping machine's clock is an hour off: is what may have meant the grid before refused, and never taken?"""
    drop.file.change(lambda draft: draft["SEQ01"]["grid_history"][0]["verdict"].update(ok=True))
    drop.now = NOW - 3600 + since  # the second grid came at eleven
    drop.put("SEQ01.pick", "3", age=NOW - drop.now - ahead)
    assert drop.only().accepted is accepted


def test_a_file_that_somebody_holds_open_is_waited_for(drop: Drop) -> None:
    """Is half a file, whole as it may look, left to its writer?"""
    with (drop.folder / "SEQ01.pick").open("w") as writing:
        writing.write("1")
        writing.flush()
        drop.now += PATIENCE + 1
        assert drop.take() == []
        writing.write("\n")
    assert drop.only().accepted


@pytest.mark.parametrize(
    "name",
    [
        "SEQ01 copy 2.pick",
        "SEQ01 - Copy.pick",
        "SEQ01 - Copy (2).pick",
        "SEQ01 (Kopie).pick",
        "SEQ01@g2 (mara's conflicted copy 2026-11-24).pick",
        "SEQ01.sync-conflict-20261124-101500-ABCDEFG.pick",
        "SEQ01-MARASPC.pick",
        "seq01@G2 copy.PICK",
    ],
)
def test_copies_and_conflicts_are_picks(drop: Drop, name: str) -> None:
    """Are the names that file managers and sync clients make understood?"""
    drop.put(name, "3")
    assert drop.only().accepted
    assert drop.cell() == 3


def test_a_sequence_that_is_called_like_a_copy_comes_first(drop: Drop) -> None:
    """Is SEQ01-B picked, and not SEQ01, where there is one?"""
    drop.file.change(lambda draft: draft.add("SEQ01-B").update(draft["SEQ01"]))
    drop.put("SEQ01-B.pick", "4")
    assert drop.only().accepted
    assert (drop.cell("SEQ01-B"), drop.cell("SEQ01")) == (4, None)


# ---------------------------------------------------------------------------------- each exactly once


def test_picks_count_in_the_order_they_were_dropped(drop: Drop) -> None:
    """Does the latest of several picks win, whatever their names?"""
    drop.put("a.json", '{"sequence": "SEQ01", "cell": 1}', age=1)
    drop.put("SEQ01.pick", "2", age=3)
    drop.put("z.json", '{"sequence": "SEQ01", "cell": 4}', age=2)
    assert [verdict.file for verdict in drop.take()] == ["SEQ01.pick", "z.json", "a.json"]
    assert drop.cell() == 1


def test_one_two_one_are_three_picks(drop: Drop) -> None:
    """Is a pick never dropped for looking like an earlier one?"""
    for number, cell in enumerate("121"):
        drop.put(f"{number}.json", f'{{"sequence": "SEQ01", "cell": {cell}}}', age=10 - number)
    assert [verdict.accepted for verdict in drop.take()] == [True, True, True]
    assert drop.cell() == 1
    assert drop.names("accepted") == ["0.json", "1.json", "2.json"]


def test_one_name_dropped_again_and_again_is_kept_each_time(drop: Drop) -> None:
    """Do accepted/ and rejected/ keep every file, also of one name?"""
    for cell in ("1", "2", "9", "1", "8"):
        drop.put("SEQ01.pick", cell)
        drop.take()
    assert drop.names("accepted") == ["SEQ01-2.pick", "SEQ01-3.pick", "SEQ01.pick"]
    assert [(drop.folder / "accepted" / n).read_text() for n in drop.names("accepted")] == ["2", "1", "1"]
    assert drop.names("rejected") == [
        "SEQ01-2.pick",
        "SEQ01-2.pick.reason.txt",
        "SEQ01.pick",
        "SEQ01.pick.reason.txt",
    ]
    assert "8 is no cell" in drop.reason("SEQ01-2.pick")


def test_what_a_dead_run_had_claimed_is_decided(drop: Drop) -> None:
    """Is a pick that a crash left in .claimed/ decided before newer ones, also when one bears its name?"""
    claimed = drop.folder / ".claimed"
    claimed.mkdir()
    drop.put("SEQ01.pick", "1", age=60).rename(claimed / "SEQ01.pick")
    drop.put("bad.json", '{"cell": 3}', age=50).rename(claimed / "bad.json")
    drop.put("half.pick", "", age=1).rename(claimed / "half.pick")
    drop.put("SEQ01.pick", "2", age=5)
    verdicts = drop.take()
    assert [(v.file, v.accepted) for v in verdicts] == [
        ("SEQ01.pick", True),
        ("bad.json", False),
        ("half.pick", False),
        ("SEQ01.pick", True),
    ]
    assert drop.cell() == 2
    assert drop.names("accepted") == ["SEQ01-2.pick", "SEQ01.pick"]
    assert drop.names(".claimed") == []


def test_a_pick_recorded_just_before_a_crash_is_taken_once(drop: Drop) -> None:
    """Does deciding a claimed file again, which had been recorded, leave one pick and one revision?"""
    drop.put("SEQ01.pick", "3")
    drop.take()
    before = drop.file.path.read_bytes()
    (drop.folder / "accepted" / "SEQ01.pick").rename(drop.folder / ".claimed" / "SEQ01.pick")
    assert drop.only().accepted
    assert drop.file.path.read_bytes() == before


def test_a_broken_document_keeps_the_pick(drop: Drop) -> None:
    """Does a pick wait where it lies while sequences.json is broken, and count once it is mended?"""
    whole = drop.file.path.read_bytes()
    drop.file.path.write_bytes(b"{")
    drop.put("SEQ01.pick", "3")
    with pytest.raises(BrokenJson):
        drop.take()
    assert (drop.folder / "SEQ01.pick").read_text() == "3"
    drop.file.path.write_bytes(whole)
    assert drop.only().accepted


def test_several_runs_at_once_take_each_pick_once(drop: Drop) -> None:
    """When four runs look at one folder together, is each file decided exactly once?"""
    for number in range(24):
        drop.put(f"{number}.json", f'{{"sequence": "SEQ01", "cell": {1 + number % 4}}}', age=100 - number)
    with ThreadPoolExecutor(4) as pool:
        verdicts = [verdict for taken in pool.map(lambda _: drop.take(), range(4)) for verdict in taken]
    assert sorted(int(verdict.file.removesuffix(".json")) for verdict in verdicts) == list(range(24))
    assert all(verdict.accepted for verdict in verdicts)
    assert len(drop.names("accepted")) == 24
    assert drop.cell() == 4


# ------------------------------------------------------------------------------------- awkward files


def test_a_name_that_is_no_text_is_put_aside(drop: Drop) -> None:
    """Is a file whose name is not UTF-8 rejected like any other, holding up nobody?"""
    name = os.fsdecode(b"SEQ\xff.pick")
    drop.put(name, "3")
    drop.put("SEQ02.pick", "2", age=0)
    assert [verdict.accepted for verdict in drop.take()] == [False, True]
    assert "unknown sequence" in (drop.folder / "rejected" / f"{name}.reason.txt").read_text()


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_very_long_name_is_put_aside(drop: Drop, letter: str) -> None:
    """Is a name that leaves no room for .reason.txt cut, so that it holds up nobody?"""
    name = letter * (250 // len(letter.encode())) + ".pick"
    drop.put(name, "3")
    assert not drop.only().accepted
    kept, reason = drop.names("rejected")
    assert reason == f"{kept}.reason.txt"
    assert kept.endswith(".pick")


def test_a_name_in_two_cases_is_not_guessed(drop: Drop) -> None:
    """Where SEQ01 and seq01 are two sequences: is each spelling its own, and a third one refused?"""
    drop.file.change(lambda draft: draft.add("seq01").update(draft["SEQ01"]))
    drop.put("seq01.pick", "2")
    drop.put("Seq01.pick", "4", age=0)
    assert [verdict.accepted for verdict in drop.take()] == [True, False]
    assert (drop.cell("seq01"), drop.cell("SEQ01")) == (2, None)


UNREADABLE = """
import os, sys
from pathlib import Path
import client_async.sequences
from client_async.pick_folder import PickFolder
from client_async.sequence_file import SequenceFile
folder = Path(sys.argv[1])
b"3".decode("utf-8-sig"), folder.owner()  # Python loads these late, perhaps from where only root may read
if os.geteuid() == 0:
    os.setuid(65534)
for verdict in PickFolder(folder, SequenceFile(folder.parent / "sequences.json")).take_picks():
    print(verdict.file, verdict.accepted, verdict.reason)
"""


def test_a_file_we_may_not_read_holds_up_no_other() -> None:
    """Is a pick without read permission rejected by name, and the next one taken?"""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders let no other user in
        folder = Path(name) / "picks"
        folder.mkdir()
        brief = waiting(prompt="p", shots=[{"prompt": "p", "seconds": 1}], grid_history=[])
        (folder.parent / "sequences.json").write_text(json.dumps({"sequences": {"SEQ01": brief}}))
        for file, mode in (("SEQ01.pick", 0o000), ("a.json", 0o644)):
            (folder / file).write_text('{"sequence": "SEQ01", "cell": 3}')
            (folder / file).chmod(mode)
            os.utime(folder / file, (NOW, NOW))
        for where in (folder, folder.parent):
            where.chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", UNREADABLE, str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert "SEQ01.pick False SEQ01.pick: it may not be read." in done.stdout, done.stderr
    assert "a.json True cell 3 of SEQ01 is picked" in done.stdout


WISHES = st.fixed_dictionaries(
    {},
    optional={key: st.sampled_from(["SEQ01", "g2", "", 3, 0, None, True, 2.0, [3]]) for key in sorted(KEYS)},
)


@given(
    st.binary(max_size=40) | WISHES.map(lambda wish: json.dumps(wish).encode()),
    st.sampled_from(["SEQ01.pick", "SEQ01@g1.pick", "x.json"]),
)
def test_whatever_is_dropped_gets_one_verdict(content: bytes, name: str) -> None:
    """For any bytes: is the file decided once, kept as it was, and only a cell of the grid ever picked?"""
    with tempfile.TemporaryDirectory() as folder:
        drop = Drop(Path(folder))
        drop.put(name, content, age=PATIENCE + 1)
        verdict = drop.only()
        where = "accepted" if verdict.accepted else "rejected"
        assert (drop.folder / where / name).read_bytes() == content
        assert (drop.cell() in (1, 2, 3, 4)) is verdict.accepted
        assert drop.take() == []
