"""Is each edit taken in once, as the file minus the render it names, and nothing undone without a word?"""

from __future__ import annotations

import json
import os

from tests.unit.desk import BRIEF, Desk


def test_an_edit_is_taken_in_and_told(desk: Desk) -> None:
    """Does the daemon hear which sequences a person has changed, and does nothing else change?"""
    desk.edit(prompt="a quay", title="Kai")
    assert desk.file.take_in().changed == {"SEQ01"}
    assert desk.kept() == {**BRIEF, "prompt": "a quay", "title": "Kai"}
    assert desk.file.take_in().changed == set()


def test_a_stale_buffer_changes_only_what_its_owner_changed(desk: Desk) -> None:
    """Thirty revisions later: is one field of one sequence all that a save brings?"""
    old = desk.buffer()
    for number in range(30):
        desk.edit(prompt=f"prompt {number}")
        desk.file.take_in()
        desk.report("SEQ02", status=str(number))
        assert desk.file.render()
    old["sequences"]["SEQ02"]["title"] = "Nacht"
    desk.save(old)
    assert desk.file.take_in().changed == {"SEQ02"}
    assert desk.file.render()
    assert desk.shown() == {**BRIEF, "prompt": "prompt 29"}
    assert desk.shown("SEQ02") == {**BRIEF, "status": "29", "title": "Nacht"}


def test_an_old_buffer_saved_again_changes_nothing_new(desk: Desk) -> None:
    """Two editors, both with old buffers, saving in turn: does each bring its own changes, once?"""
    mara, jo = desk.buffer(), desk.buffer()
    mara["sequences"]["SEQ01"]["prompt"] = "mara's"
    desk.save(mara)
    desk.file.take_in()
    assert desk.file.render()
    jo["sequences"]["SEQ01"]["prompt"] = "jo's"
    desk.save(jo)
    desk.file.take_in()
    assert desk.file.render()
    mara["sequences"]["SEQ02"]["title"] = "mara's title"
    desk.save(mara)
    desk.file.take_in()
    assert desk.file.render()
    assert (desk.shown()["prompt"], desk.shown("SEQ02")["title"]) == ("jo's", "mara's title")
    assert "was applied before" in desk.told()


def test_one_two_one_are_three_wishes(desk: Desk) -> None:
    """Saved in turn on one render, is a value that comes back the wish that counts, and an undo an undo?"""
    desk.grid("g1")
    for cell in (1, 2, 1):
        desk.edit(selected_cell=cell)
        desk.file.take_in()
    assert desk.kept()["pick"]["cell"] == 1
    desk.edit(selected_cell=None)
    desk.file.take_in()
    assert (desk.kept()["selected_cell"], desk.kept()["pick"]) == (None, None)


def test_when_both_changed_the_later_holds_and_both_are_told(desk: Desk) -> None:
    """Is a conflict settled and said, with both values?"""
    mara, jo = desk.buffer(), desk.buffer()
    for buffer, prompt in ((mara, "dusk"), (jo, "dawn")):
        buffer["sequences"]["SEQ01"]["prompt"] = prompt
        desk.save(buffer)
        desk.file.take_in()
        assert desk.file.render()
    assert desk.shown()["prompt"] == "dawn"
    assert '"dusk"' in desk.told()
    assert '"dawn"' in desk.told()


def test_what_tools_rewrite_is_no_edit(desk: Desk) -> None:
    """Is a file that jq or a formatter wrote anew, other order, 3 for 3.0, still the same document?"""
    desk.edit(shots=[{"prompt": "gulls", "seconds": 3.0}], weight=1.0)
    desk.file.take_in()
    assert desk.file.render()
    buffer = desk.buffer()
    buffer["sequences"]["SEQ01"]["shots"][0] = {"seconds": 3, "prompt": "gulls"}
    buffer["sequences"]["SEQ01"]["weight"] = 1
    buffer["sequences"] = dict(reversed(buffer["sequences"].items()))
    desk.save(json.dumps(buffer, sort_keys=True, separators=(",", ":")))
    assert desk.file.take_in().changed == set()
    desk.edit(weight=True)
    assert desk.file.take_in().changed == {"SEQ01"}, "true is not 1"


def test_omission_never_deletes(desk: Desk) -> None:
    """Is a sequence, a field, or all of it that a save leaves out still there, and shown again?"""
    buffer = desk.buffer()
    del buffer["sequences"]["SEQ02"], buffer["sequences"]["SEQ01"]["shots"], buffer["edl"]
    desk.save(buffer)
    desk.file.take_in()
    assert desk.file.render()
    assert (desk.shown("SEQ02"), desk.shown(), desk.buffer()["edl"]["fps"]) == (BRIEF, BRIEF, 23.976)
    desk.save({"sequences": {}})
    desk.file.take_in()
    assert desk.file.render()
    assert len(desk.buffer()["sequences"]) == 12
    desk.edit(deleted=True)
    desk.file.take_in()
    assert desk.kept()["deleted"] is True


def test_the_daemons_fields_are_not_peoples_to_write(desk: Desk) -> None:
    """Is such an edit ignored with a word, and the truth shown again?"""
    desk.report(status="done", grid_state="done")
    assert desk.file.render()
    desk.edit(status="approved", grid_state="locked", title="kept")
    desk.file.take_in()
    assert desk.file.render()
    assert (desk.shown()["status"], desk.shown()["grid_state"], desk.shown()["title"]) == (
        "done",
        "done",
        "kept",
    )
    assert "status is the daemon's to write" in desk.told()
    assert "grid_state is the daemon's to write" in desk.told()


def test_a_copied_sequence_is_a_new_brief(desk: Desk) -> None:
    """Does copy and paste of a finished sequence bring its words and not its take?"""
    desk.grid("g1")
    buffer = desk.buffer()
    buffer["sequences"]["SEQ99"] = {**buffer["sequences"]["SEQ01"], "prompt": "another"}
    desk.save(buffer)
    assert desk.file.take_in().changed == {"SEQ99"}
    kept = desk.kept("SEQ99")
    assert {key: kept[key] for key in BRIEF} == {**BRIEF, "prompt": "another"}
    assert [key for key in kept if key.startswith("grid")] == []


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
