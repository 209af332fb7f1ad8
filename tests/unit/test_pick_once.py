"""Is each pick file decided exactly once, in order, whatever comes between?"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from client_async.picks import record_pick
from starsend.json_file import BrokenJson
from tests.unit.drop import NOW, Drop


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
    drop.put("half.pick", "", age=40).rename(claimed / "half.pick")
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
        verdicts = [
            verdict for taken in pool.map(lambda _: drop.open().take_picks(), range(4)) for verdict in taken
        ]
    assert sorted(int(verdict.file.removesuffix(".json")) for verdict in verdicts) == list(range(24))
    assert all(verdict.accepted for verdict in verdicts)
    assert len(drop.names("accepted")) == 24
    assert drop.cell() == 4


# ---------------------------------------------------------------------------------- which is the later


def told(drop: Drop) -> list[str]:
    return [notice["text"] for notice in drop.file.peek("SEQ01").get("notices", [])]


def save_pick(drop: Drop, cell: int, *, age: float) -> None:
    """Somebody edits ``selected_cell`` in the face."""
    document = json.loads(drop.file.path.read_text())
    document["sequences"]["SEQ01"]["selected_cell"] = cell
    drop.file.path.write_text(json.dumps(document))
    os.utime(drop.file.path, (NOW - age, NOW - age))


def test_a_file_that_was_dropped_before_a_pick_does_not_beat_it(drop: Drop) -> None:
    """No daemon ran: does the pick that was made later hold, though the file is seen only now; and is that said?"""
    drop.put("SEQ01.pick", "2", age=10)
    later = datetime.fromtimestamp(NOW - 9.9, UTC)
    drop.file.change(lambda draft: record_pick(draft["SEQ01"], "SEQ01", 4, by="jo", via="t", at=later))
    verdict = drop.only()
    assert verdict.accepted
    assert verdict.reason == "cell 2 of SEQ01 was picked earlier than cell 4, which holds"
    assert drop.cell() == 4
    assert "was picked earlier than cell 4 by jo, which holds" in told(drop)[-1]
    assert drop.names("accepted") == ["SEQ01.pick"]
    drop.put("SEQ01.pick", "3", age=9)
    assert drop.only().reason == "cell 3 of SEQ01 is picked"
    assert drop.cell() == 3


@pytest.mark.parametrize("first_seen", ["the file", "the edit"])
@pytest.mark.parametrize(("dropped", "saved", "holds"), [(10, 5, 4), (5, 10, 2)])
def test_a_file_and_an_edit_are_told_apart_by_when_they_were_made(
    drop: Drop, first_seen: str, dropped: float, saved: float, holds: int
) -> None:
    """A pick file and a saved selected_cell lie there: does the later hold, whichever is looked at first?"""
    drop.file.take_in()
    assert drop.file.render()
    drop.put("SEQ01.pick", "2", age=dropped)
    save_pick(drop, 4, age=saved)
    looks = [drop.take, drop.file.take_in] if first_seen == "the file" else [drop.file.take_in, drop.take]
    for look in looks:
        look()
    assert drop.cell() == holds
    assert told(drop)


def test_who_has_seen_a_pick_and_changes_it_comes_later(drop: Drop) -> None:
    """Edited on a machine whose clock is an hour behind: does the cell that replaces the one that was shown hold?"""
    drop.put("SEQ01.pick", "2", age=10)
    drop.take()
    assert drop.file.render()
    save_pick(drop, 4, age=3600)
    drop.file.take_in()
    assert drop.cell() == 4


def test_a_file_of_the_future_is_not_later_than_all_that_follows(drop: Drop) -> None:
    """Dropped by a machine whose clock is an hour ahead: does a file dropped after it still replace it?"""
    drop.put("SEQ01.pick", "2", age=-3600)
    drop.take()
    drop.wait(5)
    drop.put("SEQ01.pick", "3", age=-3)
    drop.take()
    assert drop.cell() == 3
