"""Is what was asked for kept, and nothing else harmed, when the face or the journal go bad under a running process?"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from client_async.draft import Draft
from client_async.journal import JournalUnusable
from client_async.sequence_file import SequenceFile
from starsend.files import CannotWrite

BRIEF = {"prompt": "a harbour", "shots": [{"prompt": "gulls", "seconds": 1}]}


@pytest.fixture
def file(tmp_path: Path) -> SequenceFile:
    (tmp_path / "sequences.json").write_text(json.dumps({"sequences": {"SEQ01": BRIEF}}))
    made = SequenceFile(tmp_path / "sequences.json")
    made.take_in()
    return made


def rename_it(draft: Draft) -> str:
    draft["SEQ01"]["title"] = "dawn"
    return "done"


def test_a_change_that_cannot_be_shown_is_kept(file: SequenceFile) -> None:
    """The face cannot be written: is the change made all the same, is the reason told, and is it shown later?"""
    in_the_way = file.path.with_name("sequences.json.next")
    in_the_way.mkdir()
    assert file.change(rename_it) == "done"
    assert isinstance(file.trouble, CannotWrite)
    assert file.behind
    in_the_way.rmdir()
    assert file.render()
    assert json.loads(file.path.read_text())["sequences"]["SEQ01"]["title"] == "dawn"
    assert file.trouble is None


def test_a_journal_that_goes_bad_while_it_is_open_is_replaced(file: SequenceFile) -> None:
    """Its bytes are overwritten: is that an error of ours, and is the face the truth from the next call on?"""
    file.change(rename_it)
    for name in ("journal.db", "journal.db-wal"):
        (file.path.parent / name).write_bytes(os.urandom(65536))
    with (file.path.parent / "journal.db-shm").open("r+b") as index:  # it is mapped, so it keeps its size
        index.write(bytes(32768))
    with pytest.raises(JournalUnusable, match=r"journal\.db: the journal cannot be used"):
        file.take_in()
    file.take_in()
    assert file.peek("SEQ01")["title"] == "dawn"
    assert (file.path.parent / "journal.db.broken").exists()
