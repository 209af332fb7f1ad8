"""Is each edit taken in once, as the file minus the render it names, and nothing undone without a word?"""

from __future__ import annotations

import json
from pathlib import Path

from client_async.sequence_file import SequenceFile
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


def test_what_was_also_somebody_elses_wish_is_not_wished_twice(desk: Desk) -> None:
    """A save says what a command has set and nobody has seen yet: is it an old story when that buffer is saved again?"""
    typed = desk.buffer()
    typed["sequences"]["SEQ01"]["title"] = "quay"
    desk.report("SEQ01", title="quay")
    desk.save(typed)
    desk.file.take_in()
    desk.report("SEQ01", title="pier")
    assert desk.file.render()
    typed["sequences"]["SEQ02"]["title"] = "night"
    desk.save(typed)
    desk.file.take_in()
    assert (desk.kept()["title"], desk.kept("SEQ02")["title"]) == ("pier", "night")
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
    assert (desk.shown("SEQ02"), desk.shown()["shots"], desk.buffer()["edl"]["fps"]) == (
        BRIEF,
        BRIEF["shots"],
        23.976,
    )
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
    assert "notices" not in kept, "nothing of a person's was lost"
    assert desk.file.render()
    assert "grid_id" not in desk.shown("SEQ99")


# ---------------------------------------------------------------------------------------------- what was left out


def test_what_is_left_out_is_said_to_stay(desk: Desk) -> None:
    """Is it told, once a save and sequence, that what was left out stays; and what to write to be rid of it?"""
    desk.edit(deleted=True, title="Kai")
    desk.file.take_in()
    assert desk.file.render()
    buffer = desk.buffer()
    del buffer["sequences"]["SEQ01"]["deleted"], buffer["edl"]
    for number in range(2, 8):
        del buffer["sequences"][f"SEQ{number:02}"]
    desk.save(buffer)
    told = {(news.sequence, news.text) for news in desk.file.take_in().news}
    assert told == {
        ("SEQ01", 'deleted was left out: it stays; write "deleted": false first'),
        ("", "edl was left out: it stays; write what is to be there instead"),
        (
            "",
            'SEQ02, SEQ03, SEQ04 and 3 more were left out: they stay; write "deleted": true to end a sequence',
        ),
    }
    assert desk.kept()["deleted"] is True
    assert "deleted was left out" in desk.told()


def test_nobody_misses_what_the_daemon_wrote_or_what_is_empty(desk: Desk) -> None:
    """Saved by a tool that writes only what it knows of: is nothing said of the daemon's fields and of empty ones?"""
    desk.grid("g1")
    desk.edit(resume=False, title="")
    desk.file.take_in()
    assert desk.file.render()
    buffer = desk.buffer()
    kept = {key: buffer["sequences"]["SEQ01"][key] for key in ("prompt", "shots")}
    buffer["sequences"]["SEQ01"] = kept
    desk.save(buffer)
    assert desk.file.take_in().news == []
    desk.save(
        {"sequences": {"SEQ01": {**kept, "prompt": "names no revision, so it says nothing of the rest"}}}
    )
    assert desk.file.take_in().news == []


# ---------------------------------------------------------------------------------------------- beside the sequences


def test_a_stale_buffer_keeps_what_lies_beside_the_sequences(desk: Desk) -> None:
    """Saved for something else, with an old value of a field beside them: does the newer one stay?"""
    old = desk.buffer()
    buffer = desk.buffer() | {"note": "b", "edl": {"fps": 24}}
    desk.save(buffer)
    desk.file.take_in()
    desk.report(status="x")
    assert desk.file.render()
    old["sequences"]["SEQ02"]["title"] = "Nacht"
    desk.save(old)
    assert desk.file.take_in().news == []
    assert desk.file.render()
    assert (desk.buffer()["note"], desk.buffer()["edl"], desk.shown("SEQ02")["title"]) == (
        "b",
        {"fps": 24},
        "Nacht",
    )


def test_two_who_change_what_lies_beside_are_told(desk: Desk) -> None:
    """Does the later hold, with both values said; and is an old value brought back once at most?"""
    mara, jo = desk.buffer() | {"note": "mara's"}, desk.buffer() | {"note": "jo's"}
    for buffer in (mara, jo):
        desk.save(buffer)
        taken = desk.file.take_in()
        assert desk.file.render()
    assert [(news.sequence, news.kind) for news in taken.news] == [("", "edit_conflict")]
    assert "mara's" in taken.news[0].text
    desk.save(mara)
    assert [news.kind for news in desk.file.take_in().news] == ["edit_ignored"]
    assert desk.file.render()
    assert desk.buffer()["note"] == "jo's"


# ---------------------------------------------------------------------------------------------- two on one render


def test_a_buffer_of_the_same_render_takes_nothing_back(desk: Desk) -> None:
    """Nothing was rendered since A saved a prompt; B saves a title from the same render: do both hold, and is B told?"""
    a, b = desk.buffer(), desk.buffer()
    a["sequences"]["SEQ01"]["prompt"] = "new words by A"
    desk.save(a)
    desk.file.take_in()
    b["sequences"]["SEQ01"]["title"] = "by B"
    desk.save(b)
    assert [news.kind for news in desk.file.take_in().news] == ["edit_ignored"]
    assert desk.file.render()
    assert (desk.shown()["prompt"], desk.shown()["title"]) == ("new words by A", "by B")
    assert 'prompt stays "new words by A", which was saved just before' in desk.told()


def test_who_has_loaded_the_last_save_may_undo_a_part_of_it(desk: Desk) -> None:
    """Before the next render: is what somebody takes back of the save before theirs an undo, beside other changes too?"""
    desk.edit(prompt="wrong words", title="kept")
    desk.file.take_in()
    desk.edit(prompt=BRIEF["prompt"], x_note="undone")
    desk.file.take_in()
    assert (desk.kept()["prompt"], desk.kept()["title"], desk.kept()["x_note"]) == (
        BRIEF["prompt"],
        "kept",
        "undone",
    )


def test_a_misspelt_field_is_asked_about(desk: Desk) -> None:
    """Somebody writes `selcted_cell`, and `camra` in a shot: is it kept, and are they asked, once?"""
    shots = [{"prompt": "gulls", "seconds": 3, "camra": "push in"}]
    desk.edit(selcted_cell=2, shots=shots, notes="mine", x_pick=1)
    assert {news.text for news in desk.file.take_in().news} == {
        '"selcted_cell" is kept and means nothing here: did you mean "selected_cell"?',
        '"camra" is kept and means nothing here: did you mean "camera"?',
    }
    assert desk.kept()["selcted_cell"] == 2
    assert desk.file.render()
    desk.edit(title="dawn")
    assert not desk.file.take_in().news


def test_a_new_brief_is_asked_about_too(tmp_path: Path) -> None:
    """The very first save has a field of nearly our name: is that said?"""
    path = tmp_path / "sequences.json"
    path.write_text(json.dumps({"sequences": {"SEQ01": {**BRIEF, "aspect_ration": "1:1"}}}))
    assert ['did you mean "aspect_ratio"?' in news.text for news in SequenceFile(path).take_in().news] == [
        True
    ]
