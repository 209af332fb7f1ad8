"""Do journal and face find together whatever becomes of either?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from client_async.draft import Draft
from client_async.sequence_file import SequenceFile
from starsend.errors import UnknownName
from starsend.json_file import MissingFile
from tests.unit.desk import BRIEF, Desk


def test_without_a_journal_the_file_is_adopted_with_all_it_says(desk: Desk) -> None:
    """Is a journal that was deleted, or is garbage, never a reason to render over the file?"""
    desk.grid("g1")
    desk.edit(selected_cell=2)
    before = desk.buffer()["sequences"]
    for garbage in (None, b"no database at all" * 500):
        desk.file.close()
        for name in ("journal.db-wal", "journal.db-shm"):
            desk.path.with_name(name).unlink(missing_ok=True)
        desk.path.with_name("journal.db").unlink()
        if garbage:
            desk.path.with_name("journal.db").write_bytes(garbage)
        desk.file = desk.open()
        desk.file.take_in()
        kept = desk.kept()
        assert (kept["grid_id"], kept["grid_state"], kept["pick"]["cell"]) == ("g1", "waiting_for_pick", 2)
        assert desk.file.render()
        assert desk.buffer()["sequences"].keys() == before.keys()


def test_a_journal_older_than_the_file_gives_way(desk: Desk, tmp_path: Path) -> None:
    """Restored from a backup: is what the file says since then kept?"""
    desk.file.close()
    for name in ("journal.db", "journal.db-wal"):
        if desk.path.with_name(name).exists():
            desk.path.with_name(name).rename(tmp_path / f"{name}.backup")
    desk.file = desk.open()
    desk.file.take_in()
    for number in range(3):
        desk.grid(f"g{number}")
    desk.file.close()
    newer = desk.buffer()
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        desk.path.with_name(name).unlink(missing_ok=True)
        if (tmp_path / f"{name}.backup").exists():
            (tmp_path / f"{name}.backup").rename(desk.path.with_name(name))
    desk.file = desk.open()
    desk.file.take_in()
    assert desk.kept()["grid_id"] == "g2"
    desk.report(status="goes on")
    assert desk.file.render()
    assert desk.buffer()["_starsend"]["revision"] > newer["_starsend"]["revision"]


def test_a_deleted_file_comes_back_but_not_in_the_moment_of_a_save(desk: Desk) -> None:
    """Is an editor that moves the file away for a moment left alone, and a deleted file rendered again?"""
    desk.path.unlink()
    desk.file.take_in()
    desk.now -= 86_400  # the clock is set back meanwhile, which is no time gone by
    assert not desk.file.render()
    desk.wait(1)
    assert not desk.file.render()
    assert not desk.path.exists()
    desk.wait(1.5)
    assert desk.file.render()
    assert desk.shown() == BRIEF


def test_a_missing_brief_says_how_to_begin(tmp_path: Path) -> None:
    """Without file and journal, or without a folder: is there one line, and nothing made up?"""
    for path in (tmp_path / "sequences.json", tmp_path / "none" / "sequences.json"):
        for work in (SequenceFile(path).read, lambda path=path: SequenceFile(path).change(lambda _: None)):
            with pytest.raises(MissingFile, match="starsend init"):
                work()
        assert not path.exists()


def test_an_unknown_sequence_names_the_nearest(desk: Desk) -> None:
    """Is a misspelt name told, and nothing kept of a change that raises?"""

    def change(draft: Draft) -> None:
        draft["SEQ01"]["prompt"] = "half"
        draft["SEQ013"]["prompt"] = "other"

    with pytest.raises(UnknownName, match="Did you mean SEQ0"):
        desk.file.change(change)
    assert desk.kept() == BRIEF


def test_a_full_disk_keeps_the_old_file(desk: Desk) -> None:
    """Does a render that does not fit leave the face whole and nothing half-written?"""
    before = desk.path.read_bytes()
    code = f"""
import resource, signal
from pathlib import Path
from client_async.sequence_file import Replaced, SequenceFile
from starsend.files import CannotWrite
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = SequenceFile(Path({str(desk.path)!r}))
file.change_all([lambda draft: draft["SEQ01"].update(note="x" * 3000)])
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    file.render()
except Exception as refused:
    print(type(refused).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("CannotWrite", "JournalUnusable")
    assert desk.path.read_bytes() == before
    assert not [p for p in desk.path.parent.iterdir() if p.name.endswith(".part")]
    desk.file.take_in()
    assert desk.file.render()
    assert len(desk.shown()["note"]) == 3000
