"""Is no edit of sequences.json lost or half-applied without a word, no file torn, and a broken one harmless?"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from client_async.draft import Draft
from client_async.face import Face
from client_async.sequence_file import Replaced, SequenceFile
from starsend.errors import BadInput, UnknownName
from starsend.json_file import MissingFile
from tests.standins import editors

BRIEF = {"prompt": "a harbour", "shots": [{"prompt": "gulls", "seconds": 3}], "selected_cell": None}


class Desk:
    """A project's document, a person at an editor, and the daemon. The clock stands until it is moved."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sequences.json"
        self.now = 1_800_000_000.0
        self.path.write_text(
            json.dumps({"$schema": "s.json", "edl": {"fps": 23.976}, "sequences": self.brief()})
        )
        self.file = self.open()
        self.file.take_in()
        assert self.file.render()

    def brief(self) -> dict[str, Any]:
        return {f"SEQ{number:02}": dict(BRIEF) for number in range(1, 13)}

    def open(self) -> SequenceFile:
        return SequenceFile(self.path, now=lambda: self.now)

    def restart(self) -> None:
        self.file.close()
        self.file = self.open()

    # what people do

    def buffer(self) -> dict[str, Any]:
        """What an editor has loaded now."""
        loaded: dict[str, Any] = json.loads(self.path.read_text())
        return loaded

    def save(self, buffer: dict[str, Any] | str | bytes) -> None:
        raw = (
            buffer
            if isinstance(buffer, bytes)
            else (buffer if isinstance(buffer, str) else json.dumps(buffer, indent=1)).encode()
        )
        beside = self.path.with_name("external")
        beside.write_bytes(raw)
        beside.rename(self.path)

    def edit(self, name: str = "SEQ01", **fields: Any) -> None:
        buffer = self.buffer()
        buffer["sequences"][name].update(fields)
        self.save(buffer)

    # what the daemon does

    def report(self, name: str = "SEQ01", **fields: Any) -> None:
        self.file.change_all([lambda draft: draft[name].update(fields)])

    def grid(self, grid: str, name: str = "SEQ01") -> None:
        """A new grid waits for a pick."""
        history = self.kept(name).get("grid_history", [])
        record = {
            "grid": grid,
            "round": 1,
            "via": "model",
            "verdict": {"ok": True, "reason": "ok", "explanation": ""},
            "at": "2027-01-15T08:00:00+00:00",
        }
        self.report(
            name,
            grid_id=grid,
            grid_state="waiting_for_pick",
            grid_history=[*history, record],
            selected_cell=None,
            pick=None,
        )
        assert self.file.render()

    def kept(self, name: str = "SEQ01") -> dict[str, Any]:
        """What the journal holds, as another process sees it."""
        file = self.open()
        try:
            return dict(file.read_kept()[0]["sequences"].get(name, {}))
        finally:
            file.close()

    def shown(self, name: str = "SEQ01") -> dict[str, Any]:
        found: dict[str, Any] = self.buffer()["sequences"][name]
        return found

    def told(self, name: str = "SEQ01") -> str:
        return " ".join(notice["text"] for notice in self.kept(name).get("notices", []))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.file.close()


# ---------------------------------------------------------------------------------------------- the face


def test_a_render_carries_its_revision_and_keeps_what_is_not_ours(desk: Desk) -> None:
    """Does the face say which render it is, for people to read, with everything they put into it?"""
    desk.report(status="drawing")
    assert desk.file.render()
    document = desk.buffer()
    assert document["_starsend"] == {"schema": "starsend.sequences/1", "revision": 2}
    assert (document["$schema"], document["edl"]) == ("s.json", {"fps": 23.976})
    assert document["sequences"]["SEQ01"] == {**BRIEF, "status": "drawing"}
    assert desk.path.read_text().count("\n") > 50
    assert desk.path.read_text().endswith("}\n")


def test_nothing_is_rendered_when_nothing_changed(desk: Desk) -> None:
    """Is the file left alone, byte for byte and inode, by a look, by a change that is none, and by a restart?"""
    before, inode = desk.path.read_bytes(), desk.path.stat().st_ino
    desk.file.take_in()
    desk.report(prompt=BRIEF["prompt"])
    assert desk.file.render()
    desk.restart()
    desk.file.take_in()
    assert desk.file.render()
    assert (desk.path.read_bytes(), desk.path.stat().st_ino) == (before, inode)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_the_mode_is_kept(desk: Desk, mode: int) -> None:
    """May the same people read the file after a render?"""
    desk.path.chmod(mode)
    desk.report(status="x")
    assert desk.file.render()
    assert stat.S_IMODE(desk.path.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(desk: Desk) -> None:
    """Does a file of somebody else's stay theirs?"""
    os.chown(desk.path, 1234, 1234)
    desk.edit(prompt="theirs")
    os.chown(desk.path, 1234, 1234)
    desk.file.take_in()
    desk.report(status="x")
    assert desk.file.render()
    assert (desk.path.stat().st_uid, desk.shown()["prompt"]) == (1234, "theirs")


def test_a_link_stays_a_link_and_leads_on(desk: Desk, tmp_path: Path) -> None:
    """Is a document that lies in a synced folder rendered there?"""
    elsewhere = tmp_path / "synced" / "real.json"
    elsewhere.parent.mkdir()
    desk.path.rename(elsewhere)
    desk.path.symlink_to(elsewhere)
    desk.edit(prompt="edited")  # replaces the link by a file, as editors do; so:
    desk.path.rename(elsewhere)
    desk.path.symlink_to(elsewhere)
    desk.file.take_in()
    desk.report(status="x")
    assert desk.file.render()
    assert desk.path.is_symlink()
    assert json.loads(elsewhere.read_text())["sequences"]["SEQ01"] == {
        **BRIEF,
        "prompt": "edited",
        "status": "x",
    }


def test_our_own_old_renders_are_swept_and_peoples_files_kept_for_a_day(desk: Desk) -> None:
    """Does a day of renders leave no heap of files, and nothing of a person's go early, or while somebody writes it?"""
    displaced = desk.path.parent / ".displaced"
    desk.now = desk.path.stat().st_mtime  # files bear the real time
    for number in range(5):
        desk.report(status=str(number))
        assert desk.file.render()
    desk.edit(prompt="edited")
    desk.file.take_in()
    assert desk.file.render()
    desk.now += 11
    desk.file.take_in()
    theirs = list(displaced.iterdir())
    assert [path.name.rsplit("-", 1)[1] for path in theirs] == ["theirs.json"]
    with theirs[0].open("r+"):
        desk.now += 86_400
        desk.file.take_in()
        assert list(displaced.iterdir()) == [theirs[0]]
    desk.file.take_in()
    assert list(displaced.iterdir()) == []


# ---------------------------------------------------------------------------------------------- edits


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


# ---------------------------------------------------------------------------------------------- picks


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


# ---------------------------------------------------------------------------------------------- all or nothing


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
    (b'{"sequences": {"S": {"cell": 1, "cell": 2}}}', "'cell' stands twice"),
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
        b'{"sequences": {"SEQ01_grid": {"prompt": "p", "shots": [{"prompt": "p", "seconds": 1}]}}}',
        "booked under",
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
    desk.now += 59
    assert not desk.file.render()
    assert desk.path.read_bytes() == raw
    desk.now += 2
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
    desk.now += 61
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


# ---------------------------------------------------------------------------------------------- journal and file


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
    assert not desk.file.render()
    desk.now += 1
    assert not desk.file.render()
    assert not desk.path.exists()
    desk.now += 1.5
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


# ---------------------------------------------------------------------------------------------- many at once

COUNTER = """
import sys
from pathlib import Path
from client_async.sequence_file import Replaced, SequenceFile

def count(draft):
    draft["SEQ01"]["count"] = draft["SEQ01"].get("count", 0) + 1

file = SequenceFile(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    file.change(count)
"""


def test_threads_and_processes_lose_nothing(desk: Desk) -> None:
    """Four threads and two commands at once: does each change come after the other?"""

    def count(draft: Draft) -> None:
        draft["SEQ01"]["count"] = draft["SEQ01"].get("count", 0) + 1

    others = [subprocess.Popen([sys.executable, "-c", COUNTER, str(desk.path), "40"]) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(desk.file.change, count) for _ in range(80)]:
            done.result()
    assert [other.wait() for other in others] == [0, 0]
    assert desk.kept()["count"] == 160
    assert desk.shown()["count"] == 160


def test_a_lock_that_is_swept_away_is_made_anew(desk: Desk) -> None:
    """Somebody has removed the lock file since it was last used: is it the new one that everybody locks?"""
    lock = desk.path.with_name(".sequences.lock")

    def is_held(_draft: Draft) -> bool:
        with lock.open("wb") as mine:
            try:
                fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    assert desk.file.change(is_held)
    lock.unlink()
    assert desk.file.change(is_held)


@pytest.mark.parametrize("old", ["moved", "deleted"])
def test_nothing_of_an_old_folder_goes_into_the_new_one(desk: Desk, tmp_path: Path, old: str) -> None:
    """Another project is put under the name while this one is at work: is it left alone, and read anew by who comes next?"""
    desk.report(status="of the old one")
    new, aside = tmp_path.with_name(f"{tmp_path.name}-new"), tmp_path.with_name(f"{tmp_path.name}-old")
    shutil.copytree(tmp_path, new)
    tmp_path.rename(aside)
    new.rename(tmp_path)
    if old == "deleted":
        shutil.rmtree(aside)
    before = desk.path.read_bytes()
    with pytest.raises(Replaced):
        desk.file.render()
    with pytest.raises(Replaced):
        desk.file.change(lambda draft: draft["SEQ01"].update(status="lost"))
    assert desk.path.read_bytes() == before
    desk.restart()
    assert desk.file.render()
    assert desk.shown()["status"] == "of the old one"


@pytest.mark.parametrize("able", ["exchange and leases", "no exchange", "no leases"])
@pytest.mark.parametrize("style", editors.STYLES)
def test_no_save_is_lost_whatever_tool_makes_it(tmp_path: Path, style: str, able: str) -> None:
    """A person saves again and again while the daemon renders without a pause: does every save come in, and none torn?"""
    desk = Desk(tmp_path)
    face = Face(desk.path, can_exchange=able != "no exchange", can_lease=able != "no leases")
    desk.file = SequenceFile(desk.path, face=face)
    desk.file.take_in()
    count = 12 if able == "no leases" else 40
    command = [sys.executable, str(Path(editors.__file__)), style, str(desk.path), "SEQ01", str(count), "7"]
    seen: list[int] = []
    reports = 0
    with subprocess.Popen(command) as person:
        ended = False
        while not ended or desk.file.take_in().waiting or desk.file.trouble:
            ended = person.poll() is not None
            if not ended:
                reports += 1
                desk.report("SEQ02", status=str(reports))
                desk.file.render()
            desk.file.take_in()
            marker = desk.file.peek("SEQ01").get("marker", 0)
            seen += [marker] if marker not in seen[-1:] else []
    assert person.returncode == 0
    desk.file.take_in()
    assert desk.file.peek("SEQ01")["marker"] == count
    assert seen == sorted(seen), "no save came in after a later one"
    assert desk.file.peek("SEQ02")["status"] == str(reports)
    assert not (desk.path.parent / "rejected").exists()
    desk.file.close()
