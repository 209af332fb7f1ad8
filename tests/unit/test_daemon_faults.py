"""Does what goes wrong in one project stay that project's, and does the daemon still end when it is asked to?"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from client_async.projects import Place
from tests.unit.daemon_house import DaemonHouse, bill, is_in, until


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The lock of a command that was suspended while it had it."""
    with path.open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pick(place: Place) -> None:
    (place.picks / "SEQ01@g1.pick").write_text("2")


def into_itself(place: Place) -> None:
    place.client.rename(place.client.with_name("away"))
    place.client.symlink_to("client")


def no_folder(place: Place) -> None:
    place.client.parent.rename(place.folder / "state.old")
    (place.folder / "state").touch()


def no_journal(place: Place) -> None:
    for name in ("journal.db", "journal.db-wal"):
        (place.client / name).write_bytes(os.urandom(65536))
    with (place.client / "journal.db-shm").open("r+b") as index:  # others have it mapped: it keeps its size
        index.write(bytes(32768))
    place.file.path.touch()


def no_rights_for_picks(place: Place) -> None:
    place.picks.rename(place.picks.with_name("away"))
    place.picks.symlink_to("picks")


@pytest.mark.parametrize("harm", [into_itself, no_folder, no_journal, no_rights_for_picks])
def test_a_broken_disk_is_one_projects(house: DaemonHouse, harm: Callable[[Place], None]) -> None:
    """When a project's folder, journal or picks go bad while a call is in flight: do the others go on?"""
    slow = {"misbehave": {"SEQ01_grid": ["slow"]}, "slow_seconds": 1}
    bad, good = house.project("bad", animatic=slow), house.project("good")
    daemon = house.start()
    until(is_in(good, "waiting_for_pick"))
    until(lambda: house.events("step_intended"))
    harm(bad)
    looked = len(house.events("brief_refused")) + len(house.events("project_closed"))
    until(
        lambda: (
            len(house.events("brief_refused")) + len(house.events("project_closed")) > looked
            or list(bad.client.glob("*.broken"))
        )
    )
    pick(good)
    until(is_in(good, "done"))
    assert daemon.poll() is None
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0


def test_a_suspended_command_holds_up_its_project_alone(house: DaemonHouse) -> None:
    """Somebody holds a project's lock for ever: do the others go on, and does SIGTERM end all within the grace?"""
    places = [house.project(name) for name in ("a", "b", "c")]
    daemon = house.start(STARSEND_DAEMON__GRACE_SECONDS="2")
    for place in places:
        until(is_in(place, "waiting_for_pick"))
    with held(places[0].client / ".sequences.lock"), held(places[1].client / ".sequences.lock"):
        for place in places[:2]:
            place.file.path.touch()
        pick(places[2])
        until(is_in(places[2], "done"))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
    house.start()
    for place in places[:2]:
        pick(place)
        until(is_in(place, "done"))


def test_a_project_that_goes_while_its_lock_is_held(house: DaemonHouse) -> None:
    """Its folder is moved away and nothing of it can be given back: do the others go on?"""
    gone, stays = house.project("gone"), house.project("stays")
    daemon = house.start(STARSEND_DAEMON__GRACE_SECONDS="2")
    for place in (gone, stays):
        until(is_in(place, "waiting_for_pick"))
    with held(gone.client / ".sequences.lock"):
        gone.file.path.touch()
        gone.folder.rename(house.root / "moved")
        pick(stays)
        until(is_in(stays, "done"))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0


def test_a_vendor_may_ask_for_any_delay(house: DaemonHouse) -> None:
    """A Retry-After past every clock: does its sequence wait, and do people and the daemon go on?"""
    good = house.project("good")
    daemon = house.start()
    until(is_in(good, "waiting_for_pick"))
    never = {"misbehave": {"SEQ01_grid": ["rate_limit"]}, "rate_limit_seconds": 1e15}
    house.project("bad", animatic=never)
    until(lambda: house.events("step_waits"))
    good.file.change(lambda draft: draft["SEQ01"].update(deleted=True))
    until(is_in(good, "cancelled"))
    assert daemon.poll() is None
    assert house.events("step_waits")[0]["wait"] <= 1.25 * 86_400


def test_too_few_files_are_waited_out(house: DaemonHouse) -> None:
    """When the system has no more open files to give: does the work wait for some, instead of failing for good?"""
    daemon = house.start()
    house.allow_files(daemon, 40)
    places = [house.project(f"job{n}", "SEQ01", "SEQ02") for n in range(3)]
    until(lambda: any(house.events(name) for name in ("step_waits", "project_refused", "project_broken")))
    house.allow_files(daemon, 1024)
    for place in places:
        until(is_in(place, "waiting_for_pick"), 60)
        until(is_in(place, "waiting_for_pick", "SEQ02"), 60)
        assert sorted(bill(place)) == ["SEQ01_grid", "SEQ02_grid"]
