"""Is a save taken whole or not at all, its fault named, and does a broken one destroy nothing?"""

from __future__ import annotations

import json

import pytest

from starsend.errors import BadInput
from tests.unit.desk import BRIEF, Desk


def test_one_bad_cell_among_ten_good_edits_leaves_all_unapplied(desk: Desk) -> None:
    """Is a save taken whole or not at all, with file, line, JSON path and remedy?"""
    buffer = desk.buffer()
    for number in range(1, 11):
        buffer["sequences"][f"SEQ{number:02}"]["prompt"] = "better"
    buffer["sequences"]["SEQ11"]["selected_cell"] = 7
    text = json.dumps(buffer, indent=2)
    desk.save(text)
    taken = desk.file.take_in()
    line = next(n for n, said in enumerate(text.splitlines(), 1) if '"selected_cell": 7' in said)
    assert str(taken.trouble) == (
        f"{desk.path}:{line}: sequences.SEQ11.selected_cell: input should be less than or equal to 4 (it is 7). "
        "Mend it and save it again; nothing was changed"
    )
    assert desk.kept() == BRIEF
    buffer["sequences"]["SEQ11"]["selected_cell"] = None
    desk.save(buffer)
    taken = desk.file.take_in()
    assert (taken.trouble, len(taken.changed)) == (None, 10)


BROKEN: list[tuple[bytes, str]] = [
    (b"", "the file is empty"),
    (b'{"sequences": {"SEQ01"', ":1:23: not valid JSON"),
    (b"[]", "an object {...} is needed at the top"),
    (b'{"sequences": {"S": {"x": NaN}}}', "NaN"),
    (b'{"sequences": {"S": {"cell": 1, "cell": 2}}}', ":1:33: not valid JSON, the key 'cell' stands twice"),
    (b'{"sequences": ' + b"[" * 100_000, "nested too deeply"),
    (
        b'{"sequences": {}, "_starsend": {"schema": "starsend.sequences/9"}}',
        "_starsend.schema: this Starsend reads",
    ),
    (b'{"sequences": {}, "_starsend": "1"}', "_starsend.schema: "),
    (b'{"sequences": {}, "_starsend": {"revision": "41"}}', "_starsend.revision: a whole number is needed"),
    (b'{"sequences": {}, "_starsend": {"revision": true}}', "_starsend.revision: a whole number is needed"),
    (b'{"sequences": {}, "_starsend": {"revision": -1}}', "_starsend.revision: a whole number is needed"),
    (b"{}", "sequences: an object"),
    (b'{"sequences": []}', "sequences: an object"),
    (b'{"sequences": {"SEQ01": {}, "SEQ02": null}}', "sequences.SEQ02: an object is needed, this is None"),
    (b'{"sequences": {"SEQ01": {"x": 123456789012345678901234567890}}}', "cannot be written again"),
    (b'{"sequences": {"SEQ01": {"x": ' + b"[" * 300 + b"]" * 300 + b"}}}", "cannot be written again"),
    (
        b'{"sequences": {\n"SEQ01_grid": {"prompt": "p", "shots": [{"prompt": "p", "seconds": 1}]}}}',
        "sequences.json:2: sequences.SEQ01_grid: 'SEQ01_grid' is a name that the frames of 'SEQ01' are booked under",
    ),
]


@pytest.mark.parametrize(("raw", "said"), BROKEN, ids=[str(number) for number in range(len(BROKEN))])
def test_a_broken_file_is_left_for_a_minute_then_put_aside(desk: Desk, raw: bytes, said: str) -> None:
    """Is it told by name, left to its writer, and destroys nothing; and does work go on meanwhile?"""
    desk.save(raw)
    for _ in range(2):
        assert said in str(desk.file.take_in().trouble)
    with pytest.raises(BadInput):
        desk.file.read()
    desk.report(status="goes on")
    desk.now -= 86_400  # the clock is set back meanwhile, which is no time gone by
    desk.wait(59)
    assert not desk.file.render()
    assert desk.path.read_bytes() == raw
    desk.wait(2)
    assert desk.file.render()
    assert desk.shown() == {**BRIEF, "status": "goes on"}
    rejected = desk.path.parent / "rejected"
    assert (rejected / "sequences-1.json").read_bytes() == raw
    assert said in (rejected / "sequences-1.json.reason.txt").read_text()
    assert desk.file.take_in().trouble is None


def test_what_was_put_aside_is_told(desk: Desk) -> None:
    """After its minute: does somebody hear where the broken file went, once?"""
    desk.save('{"sequences": {')
    assert desk.file.take_in().trouble
    desk.wait(61)
    assert desk.file.render()
    (told,) = desk.file.take_in().news
    assert (told.kind, "rejected/sequences-1.json" in told.text) == ("brief_rejected", True)
    assert desk.file.take_in().news == []


def test_a_new_sequence_that_says_nothing_is_refused(desk: Desk) -> None:
    """Is an empty one told, with what it lacks, and not swallowed by the next render?"""
    buffer = desk.buffer()
    buffer["sequences"]["SEQ99"] = {}
    desk.save(buffer)
    assert "sequences.SEQ99.prompt: field required" in str(desk.file.take_in().trouble)


def test_a_mended_file_is_taken_at_once(desk: Desk) -> None:
    """Does the minute end when the file makes sense?"""
    desk.save(b"{")
    assert desk.file.take_in().trouble
    buffer = {"sequences": {"SEQ01": {**BRIEF, "title": "mended"}}}
    desk.save(buffer)
    assert desk.file.take_in().trouble is None
    assert desk.kept()["title"] == "mended"
