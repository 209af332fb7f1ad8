"""Is the face whole at every moment, still its owner's, and rendered only when something changed?"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.unit.desk import BRIEF, Desk


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to any group")
def test_the_group_is_kept(desk: Desk) -> None:
    """Our own file, shared with a group: may the group still write it after a render?"""
    os.chown(desk.path, -1, 1234)
    desk.path.chmod(0o660)
    desk.report(status="x")
    assert desk.file.render()
    found = desk.path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), 1234, 0o660)


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
    desk.wait(11)
    desk.file.take_in()
    theirs = list(displaced.iterdir())
    assert [path.name.rsplit("-", 1)[1] for path in theirs] == ["theirs.json"]
    with theirs[0].open("r+"):
        desk.wait(86_400)
        desk.file.take_in()
        assert list(displaced.iterdir()) == [theirs[0]]
    desk.file.take_in()
    assert list(displaced.iterdir()) == []


def test_what_a_program_writes_long_after_a_render_is_found(desk: Desk) -> None:
    """It had opened the face to update it before a render: is its file waited for, and what it writes taken in, by looks alone?"""
    with desk.path.open("r+") as file:
        document = json.load(file)
        for status in ("rendered", "and again"):
            desk.report("SEQ02", status=status)
            assert desk.file.render()
        assert desk.file.take_in().waiting
        document["sequences"]["SEQ01"]["title"] = "written late"
        file.seek(0)
        file.truncate()
        json.dump(document, file)
        file.flush()
        assert desk.file.take_in().waiting
    taken = desk.file.take_in()
    assert (taken.changed, taken.waiting) == ({"SEQ01"}, False)
    assert desk.file.render()
    assert (desk.shown()["title"], desk.shown("SEQ02")["status"]) == ("written late", "and again")


@pytest.mark.parametrize("name", ["sequences (copy).json", "notes.json", "12.json", "000000001-old-new.json"])
def test_a_strange_file_among_the_displaced_stops_no_render(desk: Desk, name: str) -> None:
    """Somebody has put a file of theirs there: is it left alone, and the face rendered?"""
    strange = desk.path.parent / ".displaced" / name
    strange.parent.mkdir(exist_ok=True)
    strange.write_text("{}")
    desk.edit(title="kept")
    desk.file.take_in()
    desk.report(status="x")
    assert desk.file.render()
    desk.wait(100_000)
    desk.file.take_in()
    assert (desk.shown()["title"], desk.shown()["status"], strange.read_text()) == ("kept", "x", "{}")
