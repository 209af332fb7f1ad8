"""Another grid that was asked for is called off: for nothing while nothing was sent for it, and refused in words after that?"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from client_async.console.grid_shown import shown
from client_async.console.regridding import call_off
from client_async.events import Event, SequenceMoved
from client_async.picks import withdraw_pick
from client_async.sequence_file import SequenceFile
from tests.unit.studio import Studio
from tests.unit.test_grid_review import REGRID, Answer, Review, refused, review

__all__ = ["review"]
pytestmark = pytest.mark.anyio
FIRST = ["SEQ01_grid"]
"""What the one grid that is there has cost."""


class Meanwhile(list[Event]):
    """Listens like a studio; ``does`` something once, when it is said of the sequence what it has come to."""

    def __init__(self, status: str, does: Callable[[], object]) -> None:
        super().__init__()
        self._status, self._does, self._done = status, does, False

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, SequenceMoved) and event.status == self._status and not self._done:
            self._done = True
            self._does()


async def ask(review: Review, note: str = "lower horizon") -> None:
    seen = await review.seen()
    assert (await review.ask("POST", REGRID, grid="g1", seen=seen, note=note))[0] == 200


async def off(review: Review, **other: str | None) -> Answer:
    return await review.ask("DELETE", REGRID, "tomas", **{"grid": "g1", "note": "lower horizon", **other})


async def test_it_is_called_off_for_nothing_while_nothing_was_sent(review: Review) -> None:
    """Asked beside a pick: is it as if nobody had asked, for the next run too, but for a word on who did what?"""
    await review.pick(2)
    refused(await off(review), "no other grid is asked for")
    await ask(review)
    refused(await off(review, note="no crowd"), 'asked for in other words by now ("lower horizon")')
    refused(await off(review, grid="g0"), "g0 has been replaced by g1")
    status, now = await off(review)
    assert (status, now["regrid"], now["regrid_note"], now["pick"]["cell"]) == (200, False, "", 2)
    assert review.kept["notices"][-1]["text"] == 'another grid ("lower horizon") was called off by tomas'
    await review.drive()
    assert (review.kept["grid_id"], review.studio.bill) == ("g1", [*FIRST, "SEQ01"])


async def test_one_that_was_taken_up_is_called_off_until_it_is_sent(review: Review) -> None:
    """A cap held it back before anything was sent: does the sequence wait for a pick again, and cost nothing?"""
    await ask(review)
    review.studio.place.file.change(
        lambda draft: draft["SEQ01"].update(
            regrid=False,
            regrid_note="",
            grid_wanted=True,
            grid_note="lower horizon",
            grid_state="paused_budget",
        )
    )
    await review.board.look()
    status, now = await off(review)
    assert (status, now["regrid"], now["state"]) == (200, False, "waiting_for_pick")
    await review.drive()
    assert (review.kept["grid_state"], review.studio.bill) == ("waiting_for_pick", FIRST)


@pytest.mark.parametrize(("first", "is_seen"), [([], True), ([], False), (["wrong_grid"], True)])
async def test_it_is_too_late_once_it_was_sent(review: Review, first: list[str], is_seen: bool) -> None:
    """Its answer is lost, or a first attempt was no grid: is it said that it may be paid for, and what to do? Also where the
    console has not seen yet that it was taken up?"""
    day = ["ok", *first, *["lost_answer"] * 9]
    review.studio.misbehave(misbehave={"SEQ01_grid": day}, findable=False)
    review.studio.close()
    await ask(review)
    await review.studio.advance()
    if is_seen:
        await review.board.look()
    before = review.kept
    status, body = await off(review)
    now = refused((status, body), "it is too late: the new grid has been sent for")
    assert "pick a cell of g1" in body["detail"]["remedy"]
    assert (now["regrid"], now["regrid_note"], review.kept) == (True, "lower horizon", before)


async def test_a_first_grid_is_not_called_off(review: Review) -> None:
    """There is none to fall back on: is it said how a sequence is taken out of the work?"""
    review.studio.place.file.change(
        lambda draft: draft["SEQ01"].update(grid_id=None, grid_wanted=True, grid_state="exploring")
    )
    await review.board.look()
    _, body = await off(review, grid=None, note="")
    assert '"deleted": true' in body["detail"]["remedy"]


# ------------------------------------------------------------------------------------------------ beside a run


async def test_a_run_that_has_not_heard_of_it_yet_begins_nothing(explored: Studio) -> None:
    """Called off by another process between a run's look and its beginning: is nothing taken up, nothing sent?"""
    explored.shop.file.change(lambda draft: draft["SEQ01"].update(regrid=True))
    other = SequenceFile(explored.place.file.path)
    other.change(lambda draft: draft["SEQ01"].update(regrid=False))
    other.close()
    assert explored.shop.sequence("SEQ01").regrid, "this process knows nothing of it yet"
    await explored.runner.explore_grid()
    assert not explored.runner.read().grid_wanted
    assert explored.bill == FIRST


def called_off(studio: Studio) -> None:
    """By another process, of which a run hears nothing by itself."""
    other = SequenceFile(studio.place.file.path)
    other.change(lambda draft: call_off(draft["SEQ01"], "SEQ01", by="jo", at=studio.clock.now()))
    other.close()


@pytest.mark.parametrize(
    ("status", "bill"),
    [("a new grid was asked for", FIRST), ("drawing a grid", FIRST), ("reading the picture", FIRST * 2)],
)
async def test_one_that_is_under_way_is_not_used(explored: Studio, status: str, bill: list[str]) -> None:
    """Called off in the moment before it is sent, or as it comes: is nothing sent, or what was paid for kept with a word?"""
    await explored.wish(selected_cell=3)
    explored.close()

    explored.moves = Meanwhile(status, lambda: called_off(explored))
    assert await explored.wish(regrid=True) is None
    sequence = explored.runner.read()
    assert (sequence.grid_state, sequence.grid_id, sequence.selected_cell) == ("done", "g1", 3)
    assert [shot for shot in explored.bill if shot != "SEQ01"] == bill
    told = [notice.text for notice in sequence.notices]
    assert told[0] == "another grid was called off by jo"
    assert told[1:] == (["g2 came when g1 was to stay: it is kept, and not used"] if len(bill) > 1 else [])
    standing = [one["standing"] for one in shown(explored.place, "SEQ01", sequence)["revisions"]]
    assert standing == ["not used"] * (len(bill) - 1) + ["shown here"]


async def test_one_that_was_sent_in_the_same_moment_is_kept(explored: Studio) -> None:
    """Called off while the vendor draws it, after the last question: is what was paid for in the history?"""
    await explored.wish(selected_cell=3)
    explored.close()
    explored.misbehave(misbehave={"SEQ01_grid": ["ok", "late"]}, late_polls=2)

    class Waits(list[float]):
        def append(self, seconds: float) -> None:
            super().append(seconds)
            if len(self) == 1:
                called_off(explored)

    explored.clock.waits = Waits()
    assert await explored.wish(regrid=True) is None
    sequence = explored.runner.read()
    assert (sequence.grid_state, sequence.grid_id, sequence.selected_cell) == ("done", "g1", 3)
    assert [record.grid for record in sequence.grid_history] == ["g1", "g2"]


async def test_a_pick_taken_back_by_another_process_pays_for_no_take(explored: Studio) -> None:
    """In the moment before the take is sent, by somebody of whom this process has heard nothing: is nothing sent?"""
    explored.close()

    def taken_back() -> None:
        other = SequenceFile(explored.place.file.path)
        other.change(lambda draft: withdraw_pick(draft["SEQ01"], "jo"))
        other.close()

    explored.moves = Meanwhile("making a take of 2 shots", taken_back)
    assert await explored.wish(selected_cell=3) is None
    assert explored.bill == FIRST
