"""Is a pick file waited for while it is written or its grid drawn, and never taken for a grid it was not made of?"""

import os
from datetime import timedelta

import pytest

from client_async.draft import Draft
from client_async.events import Event, SequenceMoved
from client_async.pick_folder import PATIENCE, PickFolder
from tests.conftest import ManualClock
from tests.unit.drop import NOW, Drop
from tests.unit.studio import Studio


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
    for seconds in (0, 1, PATIENCE - 1):
        drop.wait(seconds)
        assert drop.take() == []
    assert drop.names() == ["SEQ01.pick"]
    drop.wait(0.1)
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


@pytest.mark.parametrize("ahead", [7200.0, -3600.0])
def test_a_wrong_clock_neither_hurries_nor_stays_the_half_minute(drop: Drop, ahead: float) -> None:
    """Dropped by a machine two hours ahead, or our own clock set back: is an empty file put aside after 30 seconds all the same?"""
    drop.put("SEQ01.pick", "", age=-max(ahead, 0.0))
    assert drop.take() == []
    drop.now += min(ahead, 0.0)
    drop.wait(PATIENCE - 1)
    assert drop.take() == []
    drop.wait(2)
    assert "the file is empty" in drop.only().reason


def test_a_file_that_is_rewritten_as_it_is_claimed_is_waited_for(drop: Drop) -> None:
    """Somebody empties a pick just before it is claimed: is what they write then the pick, before a newer one of its name?"""
    claimed = drop.folder / ".claimed"
    claimed.mkdir()
    path = drop.put("SEQ01.pick", "").rename(claimed / "SEQ01.pick")
    assert drop.take() == []
    assert drop.picks.waiting
    with path.open("w") as writing:
        writing.write("2")
        writing.flush()
        drop.put("SEQ01.pick", "4", age=0)
        drop.wait(PATIENCE + 1)
        assert drop.take() == []
    os.utime(path, (NOW - 1, NOW - 1))
    assert [verdict.reason for verdict in drop.take()] == [
        "cell 2 of SEQ01 is picked",
        "cell 4 of SEQ01 is picked",
    ]
    assert (drop.cell(), drop.names("accepted")) == (4, ["SEQ01-2.pick", "SEQ01.pick"])
    assert not drop.picks.waiting


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


class Slowly(list[Event]):
    """Hears what moves, and lets time go by between the drawing of a picture and its reading."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def append(self, event: Event) -> None:
        if isinstance(event, SequenceMoved) and event.state == "validating":
            self._clock.time += timedelta(seconds=8)


@pytest.mark.anyio
async def test_a_pick_made_while_a_grid_was_drawn_is_not_of_it(studio: Studio) -> None:
    """Made with the first grid on the screen, and brought by a sync client after the second: is it refused, and not applied to that?"""
    studio.moves = Slowly(studio.clock)
    assert await studio.advance() is None
    assert await studio.wish(regrid=True) is None
    assert studio.runner.read().grid_id == "g2"
    came = studio.clock.time.timestamp()
    for made, accepted in ((came - 3.5, False), (came + 2.1, True)):
        path = studio.place.picks / "SEQ01.pick"
        path.parent.mkdir(exist_ok=True)
        path.write_text("3")
        os.utime(path, (made, made))
        picks = PickFolder(path.parent, studio.place.file, lambda: came + 60)
        assert [verdict.accepted for verdict in picks.take_picks()] == [accepted]


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
        drop.wait(PATIENCE + 1)
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
        "SEQ01@g2-MARASPC.pick",
        "SEQ01 2.pick",
        "SEQ01_conf(1).pick",
        "SEQ01 [Conflict].pick",
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
