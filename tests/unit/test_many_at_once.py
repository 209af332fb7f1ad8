"""Do many threads, processes and programs at once lose nothing?"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from client_async.draft import Draft
from client_async.face import Face
from client_async.sequence_file import Replaced, SequenceFile
from tests.standins import editors
from tests.unit.desk import Desk

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
