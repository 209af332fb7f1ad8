"""Is what people ask for by editing the file of the grid and the start frame that they saw, and refused with a word if not?"""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from client_async.picks import record_pick
from tests.unit.desk import BRIEF, Desk


def picked(desk: Desk, cell: int) -> None:
    at = datetime.fromtimestamp(desk.now, UTC)
    desk.file.change(lambda draft: record_pick(draft["SEQ01"], "SEQ01", cell, by="mara", via="t", at=at))


def test_an_old_buffer_withdraws_no_pick_of_another_grid(desk: Desk) -> None:
    """Its pick of g1 is cleared in a week-old buffer: does the pick of g2 stay, with a word?"""
    desk.grid("g1")
    picked(desk, 2)
    old = desk.buffer()
    desk.grid("g2")
    picked(desk, 3)
    old["sequences"]["SEQ01"]["selected_cell"] = None
    desk.save(old)
    (told,) = desk.file.take_in().news
    assert told.text == "selected_cell was cleared for g1, and cell 3 of g2 is picked: it stays"
    assert desk.file.render()
    assert (desk.shown()["selected_cell"], desk.shown()["pick"]["by"]) == (3, "mara")


@pytest.mark.parametrize(("saved", "holds"), [(-5.0, 3), (5.0, None)])
def test_a_withdrawal_and_a_pick_made_meanwhile_go_by_when_they_were_made(
    desk: Desk, saved: float, holds: int | None
) -> None:
    """Somebody clears the cell they saw while another is picked: does the later of the two hold, with a word?"""
    desk.grid("g1")
    picked(desk, 2)
    old = desk.buffer()
    desk.wait(60)
    picked(desk, 3)
    at = desk.now + saved
    desk.wait(60)
    old["sequences"]["SEQ01"]["selected_cell"] = None
    desk.save(old)
    os.utime(desk.path, (at, at))
    (told,) = desk.file.take_in().news
    assert "cell 3" in told.text
    assert desk.kept()["selected_cell"] == holds


@pytest.mark.parametrize("wish", ["regrid", "retake"])
def test_an_old_buffer_asks_for_nothing_that_costs_money(desk: Desk, wish: str) -> None:
    """Its grid, or its start frame, has been replaced since: is the wish refused with a word?"""
    desk.grid("g1")
    frame = {"path": "k", "sha256": "0" * 64, "grid": "g1", "cell": 2, "by": "m", "at": "x"}
    desk.report(keyframe=frame)
    assert desk.file.render()
    stale = [desk.buffer()]
    desk.report(keyframe=frame | {"sha256": "1" * 64})
    assert desk.file.render()
    stale += [desk.buffer()] if wish == "regrid" else []
    desk.grid("g2")
    for buffer in stale:
        buffer["sequences"]["SEQ01"][wish] = True
        desk.save(buffer)
        (told,) = desk.file.take_in().news
        assert (
            told.kind,
            told.text.startswith(f"{wish} was asked of g1, which has been replaced by g2"),
        ) == (
            "edit_ignored",
            True,
        )
        assert desk.file.render()
    assert not desk.kept().get(wish)
    desk.edit(**{wish: True})  # type: ignore[arg-type]
    assert desk.file.take_in().news == []
    assert desk.kept()[wish] is True


def test_a_retake_is_of_the_start_frame_that_was_seen(desk: Desk) -> None:
    """The grid is the same and another cell was locked since: is a take of it not paid by mistake?"""
    desk.grid("g1")
    frame = {"path": "k", "sha256": "0" * 64, "grid": "g1", "cell": 2, "by": "m", "at": "x"}
    for seen, now, taken in ((None, "1", None), ("1", "2", None), ("2", "2", True)):
        desk.report(keyframe=frame | {"sha256": seen * 64} if seen else None, retake=False)
        assert desk.file.render()
        buffer = desk.buffer()
        desk.report(keyframe=frame | {"sha256": now * 64})
        assert desk.file.render()
        buffer["sequences"]["SEQ01"]["retake"] = True
        desk.save(buffer)
        told = [news.text for news in desk.file.take_in().news]
        assert told == (
            [] if taken else ["retake was asked of a start frame that has been replaced: nothing was done"]
        )
        assert desk.kept()["retake"] is bool(taken)
        assert desk.file.render()


def test_a_pick_and_a_new_grid_in_one_save_cannot_both_be(desk: Desk) -> None:
    """selected_cell and regrid set at once: does the pick hold, and is it said that no grid is drawn?"""
    desk.grid("g1")
    desk.edit(selected_cell=2, regrid=True)
    (told,) = desk.file.take_in().news
    assert (
        told.text == "selected_cell and regrid were set at once: the pick holds, and no other grid is drawn"
    )
    assert desk.file.render()
    assert (desk.shown()["pick"]["cell"], desk.shown()["regrid"]) == (2, False)


def test_words_for_a_new_grid_ask_for_none_and_go_with_the_wish(desk: Desk) -> None:
    """A note without `regrid`: is it kept, and said to do nothing? Does a pick take wish and note back together?"""
    desk.grid("g1")
    desk.edit(regrid_note="lower horizon")
    (told,) = desk.file.take_in().news
    assert (told.kind, "asks for nothing by itself" in told.text) == ("edit_ignored", True)
    assert desk.file.render()
    desk.edit(regrid=True)
    assert not desk.file.take_in().news
    assert (desk.kept()["regrid"], desk.kept()["regrid_note"]) == (True, "lower horizon")
    assert desk.file.render()
    desk.edit(selected_cell=2)
    assert not desk.file.take_in().news
    assert (desk.kept()["regrid"], desk.kept()["regrid_note"]) == (False, "")


def test_a_pick_by_edit_is_of_the_grid_that_was_shown(desk: Desk) -> None:
    """Is it recorded with who and what of; and refused, with a word, once that grid has been replaced?"""
    desk.grid("g1")
    old = desk.buffer()
    desk.edit(selected_cell=3)
    desk.file.take_in()
    assert {key: desk.kept()["pick"][key] for key in ("cell", "grid", "via")} == {
        "cell": 3,
        "grid": "g1",
        "via": "sequences.json",
    }
    desk.grid("g2")
    old["sequences"]["SEQ01"].update(selected_cell=2, title="and a title")
    desk.save(old)
    taken = desk.file.take_in()
    assert [(news.sequence, news.kind) for news in taken.news] == [("SEQ01", "pick_refused")]
    assert desk.file.render()
    assert (desk.shown()["selected_cell"], desk.shown()["pick"], desk.shown()["title"]) == (
        None,
        None,
        "and a title",
    )
    assert "g1 has been replaced by g2" in desk.told()


def test_a_pick_before_there_is_a_grid_is_refused(desk: Desk) -> None:
    """Is a cell of nothing told, and reset?"""
    desk.edit(selected_cell=3)
    assert [news.kind for news in desk.file.take_in().news] == ["pick_refused"]
    assert desk.file.render()
    assert desk.shown()["selected_cell"] is None


def test_a_save_that_names_no_revision_means_what_lay_there_long_enough(desk: Desk) -> None:
    """Without a revision: is a first grid picked, and a grid that came in the same second not guessed at, whatever the clocks?"""
    desk.grid("g1")
    desk.save({"sequences": {"SEQ01": {**BRIEF, "selected_cell": 2}}})
    desk.file.take_in()
    assert desk.kept()["pick"]["grid"] == "g1"
    desk.grid("g2")
    made = 1_800_000_000.0  # 2027-01-15T08:00:00, as the record says
    for now, stamped, picked in ((1, 1, None), (1, 3600, None), (3, -3600, None), (3, 3, 4)):
        desk.now = made + now
        desk.save({"sequences": {"SEQ01": {**BRIEF, "selected_cell": 4}}})
        os.utime(desk.path, (made + stamped, made + stamped))
        desk.file.take_in()
        assert desk.kept()["selected_cell"] == picked
        assert desk.file.render()
