"""Do the notes of everybody stay, whoever writes them and however old the buffer?"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from client_async.draft import Draft
from client_async.review import (
    MOST_NOTES,
    CircledMeanwhile,
    NotYours,
    TooManyNotes,
    add_note,
    circle,
    remove_note,
    review_of,
)
from client_async.sequence_file import SequenceFile
from client_async.status_view import as_json
from starsend.errors import UnknownName
from tests.unit.desk import Desk

AT = datetime(2026, 11, 25, tzinfo=UTC)
TAKES = [{"take": take, "path": "", "attempt": 1, "keyframe": "", "brief": "", "at": ""} for take in "ab"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.report(take_history=TAKES)
    assert made.file.render()
    return made


def note(desk: Desk, text: str, by: str = "jo", file: SequenceFile | None = None) -> dict[str, Any]:
    """As the console does."""

    def change(draft: Draft) -> dict[str, Any]:
        return add_note(draft["SEQ01"], "SEQ01", "a", frame=3, seconds=0.125, text=text, by=by, at=AT)

    return (file or desk.file).change(change)


def written(text: str) -> dict[str, Any]:
    """As a person with an editor does."""
    return {
        "id": text,
        "take": "a",
        "frame": 1,
        "seconds": 0.04,
        "text": text,
        "by": "ed",
        "at": "2026-11-25",
    }


def texts(desk: Desk) -> list[str]:
    return [one["text"] for one in review_of(desk.kept())["notes"]]


def test_notes_of_two_at_once_both_stay(desk: Desk) -> None:
    """Forty notes by two writers through files of their own: is any lost?"""

    def writer(by: str) -> None:
        file = desk.open()
        for number in range(20):
            note(desk, f"{by}{number}", by, file)
        file.close()

    threads = [threading.Thread(target=writer, args=(by,)) for by in ("mara", "jo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(texts(desk)) == {f"{by}{n}" for by in ("mara", "jo") for n in range(20)}


def test_an_old_buffer_adds_and_takes_nothing_out(desk: Desk) -> None:
    """Notes written and one deleted while a buffer was open: does its save add its own, and undo neither?"""
    kept, gone = note(desk, "kept"), note(desk, "gone")
    old = desk.buffer()
    note(desk, "since")
    desk.file.change(lambda draft: remove_note(draft["SEQ01"], "SEQ01", gone["id"], by="jo"))
    desk.file.change(lambda draft: circle(draft["SEQ01"], "SEQ01", "b", seen=None))
    approvals = [{"take": "a", "by": "Ana (client)", "at": "2026-11-25T10:00:00+00:00", "approved": True}]
    desk.file.change(lambda draft: draft["SEQ01"]["review"].update(approvals=approvals))
    old["sequences"]["SEQ01"]["review"]["notes"].append(written("mine"))
    desk.save(old)
    desk.file.take_in()
    assert desk.file.render()
    assert texts(desk) == ["kept", "since", "mine"]
    assert (desk.shown()["review"]["circled"], desk.shown()["review"]["approvals"]) == ("b", approvals)
    assert desk.shown()["review"]["notes"][0] == kept
    old["sequences"]["SEQ01"]["review"]["notes"].append(written("more"))
    desk.file.change(lambda draft: remove_note(draft["SEQ01"], "SEQ01", "mine", by="ed"))
    desk.save(old)
    desk.file.take_in()
    assert texts(desk) == ["kept", "since", "more"], (
        "a note that went after its first save does not come back"
    )


def test_a_note_goes_only_when_somebody_says_so(desk: Desk) -> None:
    """Left out of a save it stays, with a word; ``"deleted": true`` in it takes it out, and new text changes it."""
    for text in ("one", "two", "three"):
        note(desk, text)
    buffer = desk.buffer()
    notes = buffer["sequences"]["SEQ01"]["review"]["notes"]
    notes[1]["deleted"] = True
    notes[2]["text"] = "3"
    del notes[0]
    desk.save(buffer)
    desk.file.take_in()
    assert desk.file.render()
    assert texts(desk) == ["one", "3"]
    assert "was left out: it stays" in desk.told()
    assert [one["text"] for one in desk.shown()["review"]["notes"]] == ["one", "3"]


def test_saves_in_turn_follow_on_each_other(desk: Desk) -> None:
    """In an editor, on one render: circled, a note, the circle taken back; is each what counts, and no note lost?"""
    buffer = desk.buffer()
    for review, circled, said in (
        ({"circled": "a"}, "a", []),
        ({"circled": "a", "notes": [written("one")]}, "a", ["one"]),
        ({"circled": None, "notes": [written("one")]}, None, ["one"]),
    ):
        buffer["sequences"]["SEQ01"]["review"] = review
        desk.save(buffer)
        desk.file.take_in()
        assert (review_of(desk.kept())["circled"], texts(desk)) == (circled, said)


@pytest.mark.parametrize(
    "review",
    [5, {"notes": 5}, {"notes": [{"text": "no id"}]}, {"notes": [{**written("x"), "text": "y" * 2001}]}],
)
def test_what_is_no_review_is_refused_whole(desk: Desk, review: object) -> None:
    """Does a save with nonsense in it change nothing, and say where?"""
    note(desk, "one")
    desk.edit(review=review, title="new")
    trouble = desk.file.take_in().trouble
    assert "review" in str(trouble)
    assert (texts(desk), desk.kept().get("title")) == (["one"], None)


def test_who_may_do_what(desk: Desk) -> None:
    """Unknown takes, a circle drawn over another, somebody else's note, one too many: each refused in words?"""
    raw = desk.kept()
    with pytest.raises(UnknownName, match="unknown take 'x'"):
        circle(raw, "SEQ01", "x", seen=None)
    circle(raw, "SEQ01", "a", seen=None)
    circle(raw, "SEQ01", "a", seen=None)
    with pytest.raises(CircledMeanwhile, match="take a has been circled meanwhile"):
        circle(raw, "SEQ01", "b", seen=None)
    assert as_json({"job": {"SEQ01": raw}}, {})["projects"][0]["sequences"][0]["circled"] == "a"
    made = add_note(raw, "SEQ01", "a", frame=0, seconds=0, text="x", by="jo", at=AT)
    with pytest.raises(NotYours, match="Only jo can delete it"):
        remove_note(raw, "SEQ01", made["id"], by="mara")
    raw["review"]["notes"] *= MOST_NOTES
    with pytest.raises(TooManyNotes, match="500 notes already"):
        add_note(raw, "SEQ01", "a", frame=0, seconds=0, text="x", by="jo", at=AT)
