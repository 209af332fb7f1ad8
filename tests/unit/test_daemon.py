"""Does the daemon notice, drive, obey and stop as it should? A real process, real signals, real files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.unit.daemon_house import BRIEF, SMALL, DaemonHouse, bill, is_in, kept, until


def test_from_a_brief_that_is_saved_to_a_take(house: DaemonHouse) -> None:
    """Are a new project, an edit of it, a dropped pick and a wish from the command line all seen and done?"""
    daemon = house.start()
    place = house.project()
    until(is_in(place, "waiting_for_pick"))
    document = json.loads(place.file.path.read_text())
    document["sequences"]["SEQ02"] = BRIEF
    place.file.path.write_text(json.dumps(document))
    until(is_in(place, "waiting_for_pick", "SEQ02"))
    (place.picks / "SEQ01.pick").write_text("3")
    until(is_in(place, "done"))
    assert kept(place)["keyframe"]["cell"] == 3
    assert [path.name for path in (place.picks / "accepted").iterdir()] == ["SEQ01.pick"]
    assert "handed to the daemon" in house.command("generate", "SEQ01", "--again")
    until(lambda: len(kept(place)["take_history"]) == 2)
    assert (
        house.command("pick", "SEQ02", "1") == "0 SEQ02: cell 1 of g1 is picked; the daemon makes the take\n"
    )
    until(is_in(place, "done", "SEQ02"))
    assert sorted(bill(place)) == ["SEQ01", "SEQ01", "SEQ01_grid", "SEQ02", "SEQ02_grid"]
    status, page = house.ask("/metrics")
    assert status == 200
    assert 'starsend_picks_total{verdict="accepted"} 2.0' in page
    assert 'starsend_sequence_moves_total{project="job",state="done"} 3.0' in page
    assert house.ask("/healthz")[0] == house.ask("/readyz")[0] == 200
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0
    shown = json.loads(place.file.path.read_text())["sequences"]
    assert {s["grid_state"] for s in shown.values()} == {"done"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_during_a_long_poll_parks_it_and_the_next_start_goes_on(
    house: DaemonHouse, number: signal.Signals
) -> None:
    """Is the daemon gone within a second, with exit code 0, and is nothing paid again?"""
    late: dict[str, Any] = {"animatic": {"misbehave": {"SEQ01": ["late"]}, "late_polls": 100_000}}
    place = house.project(**late, retry={"poll_seconds": 30})
    daemon = house.start()
    until(is_in(place, "waiting_for_pick"))
    house.command("pick", "SEQ01", "1")
    until(lambda: house.events("step_submitted"))
    asked = time.monotonic()
    daemon.send_signal(number)
    assert daemon.wait(30) == 0
    assert time.monotonic() - asked < 2, "a second, and another for a busy machine"
    assert kept(place)["grid_state"] == "generating"
    (place.folder / "starsend_config.json").write_text(json.dumps(SMALL))
    house.start()
    until(is_in(place, "done"))
    assert bill(place) == ["SEQ01_grid", "SEQ01"]


def test_killed_and_started_again_it_goes_on_at_once(house: DaemonHouse) -> None:
    """After kill -9 in the middle of a job: is it resumed by its handle, within a second of being ready?"""
    late: dict[str, Any] = {"animatic": {"misbehave": {"SEQ01": ["late"]}, "late_polls": 100_000}}
    place = house.project(**late, retry={"poll_seconds": 0.05})
    daemon = house.start()
    until(is_in(place, "waiting_for_pick"))
    (place.picks / "SEQ01.pick").write_text("2")
    until(lambda: house.events("step_submitted"))
    daemon.kill()
    daemon.wait()
    (place.folder / "starsend_config.json").write_text(json.dumps(SMALL))
    house.start()
    ready = time.monotonic()
    until(lambda: house.events("step_resumed"))
    assert time.monotonic() - ready < 2, "a second, and another for a busy machine"
    until(is_in(place, "done"))
    assert bill(place) == ["SEQ01_grid", "SEQ01"]


def test_a_video_whose_pick_is_withdrawn_meanwhile_comes_home(house: DaemonHouse) -> None:
    """It is paid for: is it fetched at the next start, and does the grid wait for another pick then?"""
    late: dict[str, Any] = {"animatic": {"misbehave": {"SEQ01": ["late"]}, "late_polls": 100_000}}
    place = house.project(**late, retry={"poll_seconds": 30})
    daemon = house.start()
    until(is_in(place, "waiting_for_pick"))
    (place.picks / "SEQ01.pick").write_text("1")
    until(lambda: house.events("step_submitted"))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0
    document = json.loads(place.file.path.read_text())
    document["sequences"]["SEQ01"]["selected_cell"] = None
    place.file.path.write_text(json.dumps(document))
    (place.folder / "starsend_config.json").write_text(json.dumps(SMALL))
    house.start()
    until(is_in(place, "waiting_for_pick"))
    assert (place.folder / kept(place)["take"]["path"]).exists()
    assert bill(place) == ["SEQ01_grid", "SEQ01"]


def test_a_second_signal_ends_it_at_once_and_loses_nothing(house: DaemonHouse) -> None:
    """While a call holds up the grace: is the second signal obeyed, and the call accounted for at the next start?"""
    slow: dict[str, Any] = {"animatic": {"misbehave": {"SEQ01_grid": ["slow"]}, "slow_seconds": 60}}
    place = house.project(**slow)
    daemon = house.start()
    until(lambda: house.events("step_intended"))
    until(lambda: bill(place))
    daemon.send_signal(signal.SIGTERM)
    until(lambda: house.events("stopping"))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == -signal.SIGTERM
    house.start()
    until(is_in(place, "waiting_for_pick"))
    assert bill(place) == ["SEQ01_grid"], "the vendor was asked for it"


def test_the_grace_ends_and_so_does_the_daemon(house: DaemonHouse) -> None:
    """Does a call that does not come back hold up a stop no longer than the grace, and is the exit clean?"""
    slow: dict[str, Any] = {"animatic": {"misbehave": {"SEQ01_grid": ["slow"]}, "slow_seconds": 60}}
    place = house.project(**slow)
    daemon = house.start(STARSEND_DAEMON__GRACE_SECONDS="0.5")
    until(lambda: bill(place))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0
    assert house.events("stopped_in_flight")


def test_one_driver_a_project(house: DaemonHouse) -> None:
    """Is a second daemon told who holds the project, and does it take over when that one is gone?"""
    place = house.project()
    first = house.start()
    until(is_in(place, "waiting_for_pick"))
    house.start()
    until(lambda: house.events("project_busy"))
    assert f"process {first.pid}" in house.events("project_busy")[0]["error"]
    first.kill()
    first.wait()
    until(lambda: len(house.events("project_opened")) == 2)
    (place.picks / "SEQ01.pick").write_text("1")
    until(is_in(place, "done"))


def test_a_broken_project_holds_up_no_other_and_is_taken_when_it_is_mended(house: DaemonHouse) -> None:
    """Are wrong settings, a broken brief and a removed project each their own trouble?"""
    bad = house.project("bad", imagee={})
    good = house.project("good", "SEQ01")
    broken = house.project("broken")
    broken.file.path.write_text('{"sequences": {')
    house.start()
    until(is_in(good, "waiting_for_pick"))
    assert "did you mean 'image'" in house.events("project_refused")[0]["error"]
    until(lambda: house.events("brief_refused"))
    (bad.folder / "starsend_config.json").write_text(json.dumps(SMALL))
    broken.file.path.write_text(json.dumps({"sequences": {"SEQ01": BRIEF}}))
    until(is_in(bad, "waiting_for_pick"))
    until(is_in(broken, "waiting_for_pick"))
    good.folder.rename(house.root / "gone")
    until(lambda: house.events("project_closed"))


FICKLE = """
from pathlib import Path
from starsend.providers.animatic import open_animatic

def open_fickle(*, options, folder):
    if not Path({good!r}).exists():
        raise RuntimeError("no licence")
    return open_animatic(options={{}}, folder=folder)
"""


def test_a_provider_that_fails_in_its_own_way_is_tried_again(house: DaemonHouse, tmp_path: Path) -> None:
    """Somebody else's provider raises what no error of ours describes: one traceback, the others go on, and so does it?"""
    site, good = tmp_path / "site", tmp_path / "good"
    (site / "fickle-1.dist-info").mkdir(parents=True)
    (site / "fickle-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: fickle\nVersion: 1\n")
    (site / "fickle-1.dist-info" / "entry_points.txt").write_text(
        "[starsend.providers]\nfickle = fickle:open_fickle\n"
    )
    (site / "fickle.py").write_text(FICKLE.format(good=str(good)))
    fickle = house.project("fickle", image={"provider": "fickle", "model": "storyboard", "size": "1K"})
    job = house.project("job")
    house.start(PYTHONPATH=str(site))
    until(is_in(job, "waiting_for_pick"))
    until(lambda: house.events("project_broken"))
    good.touch()
    until(lambda: [e for e in house.events("project_opened") if e["project"] == "fickle"])
    assert len(house.events("project_broken")) == 1
    assert "no licence" in house.events("project_broken")[0]["exception"]
    assert fickle.folder.exists()


def test_settings_change_without_a_restart(house: DaemonHouse) -> None:
    """Are new settings read when they are saved, and at SIGHUP; and bad ones told and not taken?"""
    place = house.project(image={"size": "1K", "model": "unpriced"})
    daemon = house.start()
    until(is_in(place, "failed"))
    assert "no price is known" in kept(place)["status"]
    config = place.folder / "starsend_config.json"
    config.write_text(json.dumps({**SMALL, "imagee": {}}))
    until(lambda: house.events("config_refused"))
    config.write_text(json.dumps(SMALL))
    until(is_in(place, "waiting_for_pick"))
    (house.root / "starsend_config.json").write_text(json.dumps({"limits": {"animatic": {"at_once": 9}}}))
    daemon.send_signal(signal.SIGHUP)
    until(lambda: [e for e in house.events("config_reloaded") if e["project"] == ""])
    assert daemon.poll() is None


def test_a_mended_brief_goes_on_by_itself(house: DaemonHouse) -> None:
    """Does a sequence that failed for its prompt, or for a missing element, go on when that is mended?"""
    place = house.project("job", "SEQ01", "SEQ02")
    document = json.loads(place.file.path.read_text())
    document["sequences"]["SEQ01"] = {**BRIEF, "prompt": "@mara waits"}
    document["sequences"]["SEQ02"] = {**BRIEF, "prompt": "@joe waits"}
    place.file.path.write_text(json.dumps(document))
    house.start()
    until(is_in(place, "failed"))
    until(is_in(place, "failed", "SEQ02"))
    assert bill(place) == []
    document = json.loads(place.file.path.read_text())
    document["sequences"]["SEQ01"]["prompt"] = "a woman waits"
    place.file.path.write_text(json.dumps(document))
    until(is_in(place, "waiting_for_pick"))
    element = place.folder / "elements" / "joe" / "element.json"
    element.parent.mkdir(parents=True)
    element.write_text('{"kind": "character", "name": "Joe", "description": "a fisher"}')
    until(is_in(place, "waiting_for_pick", "SEQ02"))


def test_a_pick_withdrawn_before_the_first_money_costs_nothing(house: DaemonHouse) -> None:
    """Within the two seconds after a pick, also of a file that is an hour old: is the take not made, and does all go on?"""
    place = house.project("job", "SEQ01", "SEQ02")
    daemon = house.start()
    until(is_in(place, "waiting_for_pick"))
    beside = place.picks / ".SEQ01"
    beside.write_text("2")
    os.utime(beside, (time.time() - 3600, time.time() - 3600))
    beside.rename(place.picks / "SEQ01.pick")
    until(is_in(place, "locked"))
    until(lambda: json.loads(place.file.path.read_text())["sequences"]["SEQ01"].get("selected_cell") == 2)
    document = json.loads(place.file.path.read_text())
    document["sequences"]["SEQ01"]["selected_cell"] = None
    place.file.path.write_text(json.dumps(document))
    until(is_in(place, "waiting_for_pick"))
    assert kept(place)["pick"] is None
    (place.picks / "SEQ02.pick").write_text("1")
    until(is_in(place, "done", "SEQ02"))
    assert daemon.poll() is None
    assert bill(place).count("SEQ01") == 0


def test_a_slow_save_is_taken_in_when_it_is_whole(house: DaemonHouse) -> None:
    """A program writes, lets go only later, and nothing tells of it: is the save taken in?"""
    place = house.project()
    house.start()
    until(is_in(place, "waiting_for_pick"))
    until(lambda: "g1" in place.file.path.read_text())
    document = json.loads(place.file.path.read_text())
    document["sequences"]["SEQ02"] = BRIEF
    with place.file.path.open("w") as file:
        file.write(json.dumps(document))
        file.flush()
        time.sleep(0.4)  # a slow program, at work
    until(is_in(place, "waiting_for_pick", "SEQ02"))


def test_a_restored_backup_is_driven_by_its_own_ledger(house: DaemonHouse) -> None:
    """Another folder is put under the project's name: is it locked, kept and booked there, and the old one let go of?"""
    place = house.project()
    daemon = house.start()
    until(is_in(place, "waiting_for_pick"))
    daemon.terminate()
    daemon.wait()
    old = house.root / "old"
    # While nobody writes: files would vanish under the copy.
    shutil.copytree(place.folder, house.root / "backup")
    house.start()
    until(lambda: len(house.events("project_opened")) == 2)
    place.folder.rename(old)
    (house.root / "backup").rename(place.folder)
    until(lambda: len(house.events("project_opened")) == 3)
    (place.picks / "SEQ01.pick").write_text("1")
    until(is_in(place, "done"))
    assert bill(place) == ["SEQ01_grid", "SEQ01"]
    assert not list((old / "media").rglob("*.mp4"))
    assert "daemon" in house.command("generate", "SEQ01", "--again")


def test_a_deleted_brief_is_written_again(house: DaemonHouse) -> None:
    """The journal is the truth: does the file come back, and is a pick made meanwhile acted on?"""
    place = house.project()
    house.start()
    until(is_in(place, "waiting_for_pick"))
    place.file.path.unlink()
    (place.picks / "SEQ01.pick").write_text("4")
    until(place.file.path.exists)
    until(is_in(place, "done"))
    assert not house.events("project_closed")


def test_a_raised_limit_is_used_at_once(house: DaemonHouse) -> None:
    """While a long call runs: do the others begin when the limit is raised, and not when it ends?"""
    slow: dict[str, Any] = {"animatic": {"misbehave": {"*_grid": ["slow"]}, "slow_seconds": 60}}
    config = house.root / "starsend_config.json"
    config.write_text(json.dumps({"limits": {"animatic": {"at_once": 1}}}))
    house.project("job", *(f"SEQ0{number}" for number in range(5)), **slow)
    house.start(STARSEND_DAEMON__GRACE_SECONDS="0.1")
    until(lambda: house.events("step_intended"))
    config.write_text(json.dumps({"limits": {"animatic": {"at_once": 5}}}))
    until(lambda: len(house.events("step_intended")) == 5)


def test_one_pick_that_cannot_be_taken_holds_up_nothing(house: DaemonHouse) -> None:
    """A file that may not be moved lies in the drop folder: are edits and other picks seen, and is it told once?"""
    place = house.project()
    (place.picks / ".claimed").mkdir()
    house.start()
    until(is_in(place, "waiting_for_pick"))
    (place.picks / ".claimed" / "SEQ09.pick").mkdir()  # what a rename runs into
    (place.picks / "SEQ09.pick").write_text("1")
    until(lambda: house.events("pick_decided"))
    document = json.loads(place.file.path.read_text())
    document["sequences"]["SEQ02"] = BRIEF
    place.file.path.write_text(json.dumps(document))
    (place.picks / "SEQ01.pick").write_text("1")
    until(is_in(place, "done"))
    until(is_in(place, "waiting_for_pick", "SEQ02"))


def test_the_house_line_runs_beside_the_daemon(house: DaemonHouse) -> None:
    """Shots that need no client are no business of the daemon's: are they made while it drives the project?"""
    place = house.project()
    house.start()
    until(is_in(place, "waiting_for_pick"))
    shots = {"shots": [{"id": "SH010", "prompt": "a pier", "seconds": 0.25, "aspect_ratio": "1:1"}]}
    (place.folder / "shots.json").write_text(json.dumps(shots))
    assert house.command("pipeline").startswith("0")
    assert sorted(bill(place)) == ["SEQ01_grid", "SH010", "SH010_frame"]


def test_a_taken_port_is_one_line(house: DaemonHouse) -> None:
    """Is it said which setting to change?"""
    house.project()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        daemon = house.start(STARSEND_DAEMON__PORT=str(port))
        assert daemon.wait(30) == 2
    assert "daemon.port" in house.log.read_text()
    assert "Traceback" not in house.log.read_text()


def test_systemd_is_told(house: DaemonHouse, tmp_path: Path) -> None:
    """Are readiness, life and stopping reported to the service manager?"""
    path = Path("/tmp") / f"starsend-{os.getpid()}.notify"  # a socket's path is short
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(20)
        daemon = house.start(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="30000000")
        assert manager.recv(500).startswith(b"READY=1")
        assert manager.recv(500) == b"WATCHDOG=1"
        daemon.send_signal(signal.SIGTERM)
        while (said := manager.recv(500)) == b"WATCHDOG=1":
            pass
        assert said == b"STOPPING=1"
    path.unlink()
