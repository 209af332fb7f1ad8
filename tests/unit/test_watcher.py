"""Is whatever changes on disk noticed: by events where there are any, by looking where there are none?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
import structlog

from client_async.mounts import deaf_mount
from client_async.watcher import FilesTouched, Watcher

pytestmark = pytest.mark.anyio
LIMIT = "/proc/sys/user/max_inotify_watches"
MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:26 / {share} rw - {kind} server:/share rw
"""


class Watched:
    """A studio and what its watcher has told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.told: list[FilesTouched] = []
        self.ever: list[FilesTouched] = []
        self.heard = anyio.Event()
        (root / "projects").mkdir(parents=True)

    def project(self, name: str = "job") -> Path:
        folder = self.root / "projects" / name
        made = self.root / f"making-{name}"
        (made / "state" / "client" / "picks").mkdir(parents=True)
        (made / "state" / "client" / "sequences.json").write_text("{}")
        made.rename(folder)
        return folder

    def listen(self, touched: FilesTouched) -> None:
        self.told.append(touched)
        self.ever.append(touched)
        self.heard.set()

    async def until(self, project: str, what: str) -> None:
        """Wait for a hint that came since the last one that was waited for."""
        with anyio.fail_after(60):
            while FilesTouched(project, what) not in self.told:  # type: ignore[arg-type]
                self.heard = anyio.Event()
                await self.heard.wait()
        self.told.clear()

    @asynccontextmanager
    async def watch(self, **options: object) -> AsyncIterator[Watcher]:
        watcher = Watcher(self.root, self.listen, **{"level_seconds": 0.2, **options})  # type: ignore[arg-type]
        async with anyio.create_task_group() as group:
            await group.start(watcher.run)
            yield watcher
            watcher.stop()


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "studio")


def by_rename(path: Path) -> None:
    beside = path.with_name("beside.tmp")
    beside.write_text('{"a": 1}')
    beside.rename(path)


def in_place(path: Path) -> None:
    path.write_text('{"b": 2}')


@pytest.mark.parametrize("save", [by_rename, in_place])
async def test_each_save_is_told_again_and_again(watched: Watched, save: Callable[[Path], None]) -> None:
    """Is a file seen after its first replacement, its second, and its tenth?"""
    path = watched.project() / "state" / "client" / "sequences.json"
    async with watched.watch():
        await watched.until("job", "appeared")
        for _ in range(10):
            save(path)
            await watched.until("job", "sequences")


async def test_everything_that_matters_is_told(watched: Watched) -> None:
    """Picks, settings, elements, the studio's settings, projects that come and go: is each told for what it is?"""
    async with watched.watch():
        folder = watched.project()
        await watched.until("job", "appeared")
        (folder / "state" / "client" / "picks" / "SEQ01.pick").write_text("3")
        await watched.until("job", "picks")
        await watched.until("job", "picks")  # as long as it lies there
        (folder / "starsend_config.json").write_text("{}")
        await watched.until("job", "config")
        element = folder / "elements" / "mara" / "element.json"
        element.parent.mkdir(parents=True)
        element.write_text("{}")
        await watched.until("job", "elements")
        (watched.root / "starsend_config.json").write_text("{}")
        await watched.until("", "config")
        folder.rename(watched.root / "gone")
        await watched.until("job", "removed")


async def test_our_own_temporary_files_say_nothing(watched: Watched) -> None:
    """Are swap and part files silent?"""
    client = watched.project() / "state" / "client"
    async with watched.watch():
        await watched.until("job", "appeared")
        for name in (
            "sequences.json.next",
            "sequences.json.next.part",
            ".sequences.json.swap",
            "x~",
        ):
            (client / name).write_text("x")
        (client / "picks" / ".SEQ01.pick.swp").write_text("3")
        by_rename(client / "sequences.json")  # which comes after them
        await watched.until("job", "sequences")
        assert [hint for hint in watched.ever if hint.what not in ("appeared", "sequences")] == []


async def test_what_a_command_kept_and_did_not_show_is_told(watched: Watched) -> None:
    """It was killed between commit and render: does the level check see the journal, though no event tells of it?"""
    client = watched.project() / "state" / "client"
    async with watched.watch():
        await watched.until("job", "appeared")
        (client / "journal.db-wal").write_text("x")
        await watched.until("job", "journal")


async def test_a_deleted_brief_is_no_removed_project(watched: Watched) -> None:
    """While the journal is there, is the file that went told as a change, and the project as gone only with its folder?"""
    folder = watched.project()
    (folder / "state" / "client" / "journal.db").write_text("x")
    async with watched.watch():
        await watched.until("job", "appeared")
        (folder / "state" / "client" / "sequences.json").unlink()
        await watched.until("job", "sequences")
        other = watched.project("other")  # seen by a look at all projects
        await watched.until("other", "appeared")
        assert FilesTouched("job", "removed") not in watched.ever
        assert other.exists()
        folder.rename(watched.root / "gone")
        await watched.until("job", "removed")


async def test_another_folder_under_the_name_is_another_project(watched: Watched) -> None:
    """A backup is put in a project's place: is it told as gone and come, and are saves in the new folder seen?"""
    watched.project()
    async with watched.watch(level_seconds=30.0):
        await watched.until("job", "appeared")
        (watched.root / "projects" / "job").rename(watched.root / "old")
        folder = watched.project()
        await watched.until("job", "appeared")
        by_rename(folder / "state" / "client" / "sequences.json")
        await watched.until("job", "sequences")


async def test_a_linked_file_is_watched_where_it_lies(watched: Watched, tmp_path: Path) -> None:
    """Is a save into the synced folder behind a link told?"""
    path = watched.project() / "state" / "client" / "sequences.json"
    real = tmp_path / "synced" / "brief.json"
    real.parent.mkdir()
    path.rename(real)
    path.symlink_to(real)
    async with watched.watch(level_seconds=30):
        await watched.until("job", "appeared")
        by_rename(real)
        await watched.until("job", "sequences")


def no_text(folder: Path) -> Path:
    """A path in ``folder`` whose name is not UTF-8."""
    return Path(os.fsdecode(os.fsencode(folder) + b"/\xff.pick"))


async def test_a_name_that_is_no_text_does_not_blind_it(watched: Watched) -> None:
    """Does a file whose name is not UTF-8, which kills the watch, leave picks seen, and is the log told what it was?"""
    folder = watched.project()
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as logs:
        async with watched.watch():
            await watched.until("job", "appeared")
            no_text(folder / "state" / "client" / "picks").write_text("3")
            await watched.until("job", "picks")
            in_place(folder / "state" / "client" / "sequences.json")
            await watched.until("job", "sequences")
            while not (told := [entry for entry in logs if entry["event"] == "watcher_restarted"]):
                no_text(folder / "state" / "client" / "picks").write_text("3")
                await watched.until("job", "picks")  # as long as it lies there
    assert "decode path" in told[0]["error"]


async def test_folders_whose_names_are_no_text_are_left_alone(watched: Watched) -> None:
    """A project and an element with such names: is the project refused once, and is everything else heard by events?"""
    folder = watched.project()
    no_text(folder / "elements").mkdir(parents=True)
    watched.project("other").rename(no_text(watched.root / "projects"))
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as logs:
        async with watched.watch() as watcher:
            await watched.until("job", "appeared")
            for _ in range(5):  # looks at all projects
                (watched.root / "starsend_config.json").write_text("{}")
                await watched.until("", "config")
            assert watcher.modes == {"job": "events"}
    assert [entry["event"] for entry in logs] == ["project_refused"]


async def test_a_link_to_itself_is_one_projects(watched: Watched) -> None:
    """It lies among the elements of one project, at the start and later: are the others looked at, and that one too?"""
    folder = watched.project()
    (folder / "elements").mkdir()
    (folder / "elements" / "loop").symlink_to("loop")
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as logs:
        async with watched.watch():
            await watched.until("job", "appeared")
            (folder / "elements" / "ring").symlink_to("ring")
            (folder / "starsend_config.json").write_text("{}")
            await watched.until("job", "config")
            watched.project("other")
            await watched.until("other", "appeared")
            (folder / "elements" / "mara").mkdir()
            (folder / "elements" / "mara" / "element.json").write_text("{}")
            await watched.until("job", "elements")
    assert logs == []


async def test_what_is_none_of_ours_asks_for_no_look(watched: Watched) -> None:
    """A log that grows beside the projects or in one: is nothing looked at, and a change of one project in it alone?"""
    folder, other = watched.project(), watched.project("other")
    async with watched.watch(level_seconds=30.0):
        await watched.until("other", "appeared")
        # Any look at it tells of this; no event does.
        (folder / "state" / "client" / "journal.db-wal").write_text("x")
        for log in (watched.root, watched.root / "projects", folder):
            (log / "some.log").write_text("x")
        (other / "starsend_config.json").write_text("{}")
        await watched.until("other", "config")
        (other / "starsend_config.json").write_text("{ }")
        began = anyio.current_time()
        await watched.until("other", "config")
        assert anyio.current_time() - began > 0.5, "however often it is saved, it is looked at once a second"
        assert FilesTouched("job", "journal") not in watched.ever


async def test_on_a_network_mount_files_are_polled(watched: Watched) -> None:
    """Is a second save of the same size within the same second found, and the mode told?"""
    folder = watched.project()
    mountinfo = MOUNTS.format(share=watched.root.resolve(), kind="nfs4")
    async with watched.watch(mountinfo=mountinfo, polling_seconds=0.02, level_seconds=30) as watcher:
        await watched.until("job", "appeared")
        assert watcher.modes == {"job": "polling"}
        for number in range(3):
            (folder / "state" / "client" / "sequences.json").write_text(json.dumps({"n": number}))
            await watched.until("job", "sequences")


async def test_it_stops_at_once(watched: Watched) -> None:
    """By its stop event: is it gone within half a second?"""
    watched.project()
    watcher = Watcher(watched.root, watched.listen)
    async with anyio.create_task_group() as group:
        await group.start(watcher.run)
        began = anyio.current_time()
        watcher.stop()
    assert anyio.current_time() - began < 0.5


@pytest.mark.parametrize(
    ("kind", "deaf"),
    [
        ("nfs", "nfs"),
        ("fuse.grpcfuse", "fuse.grpcfuse"),
        ("virtiofs", "virtiofs"),
        ("ext4", None),
        ("overlay", None),
    ],
)
def test_the_longest_mount_counts(kind: str, deaf: str | None) -> None:
    """Is the file system told that a path lies on, and not the one above it?"""
    text = MOUNTS.format(share="/srv/share", kind=kind)
    assert deaf_mount(Path("/srv/share/projects/job"), text) == deaf
    assert deaf_mount(Path("/srv/shared"), text) is None


def test_where_there_are_no_more_watches_the_files_are_polled(watched: Watched) -> None:
    """The system's limit is reached: is a save seen all the same, and does the watcher say that it polls?"""
    unshare = ["unshare", "-Ur"]
    if subprocess.run([*unshare, "test", "-w", LIMIT], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody set a limit of their own")
    folders = [watched.project(f"p{number}") for number in range(4)]
    command = [*unshare, sys.executable, "-m", "tests.standins.short_of_watches", str(watched.root), "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        said = (json.loads(line) for line in process.stdout if line.startswith("{"))  # and log lines
        modes = next(line["modes"] for line in said if "modes" in line)
        assert modes == {folder.name: "polling" for folder in folders}
        by_rename(folders[3] / "state" / "client" / "sequences.json")
        assert any(line == {"project": "p3", "what": "sequences"} for line in said)
        process.kill()


async def test_a_flood_that_overflows_the_queue_hides_nothing(watched: Watched) -> None:
    """More events than the system keeps, and a save among them: is it seen?"""
    folder = watched.project()
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    async with watched.watch():
        await watched.until("job", "appeared")
        picks = folder / "state" / "client" / "picks"
        # On the loop: nobody reads events meanwhile but the watcher's own thread.
        for number in range(most + 100):
            (picks / f".{number}").touch()
        by_rename(folder / "state" / "client" / "sequences.json")
        await watched.until("job", "sequences")
