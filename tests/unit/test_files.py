"""Does a durable write leave the new file, or exactly the old one?"""

import hashlib
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from starsend.files import CannotWrite, sha256_of, write_durably

# Run in another process: the limits below would bind the test runner itself.
CHILD = """
import os, resource, sys
from pathlib import Path
from starsend.files import CannotWrite, write_durably
path, how = Path(sys.argv[1]), sys.argv[2]
if how == "small":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
elif os.geteuid() == 0:
    os.setuid(65534)
try:
    write_durably(path, b"n" * 100_000)
except CannotWrite as error:
    print(error)
"""


def written_by_a_child(path: Path, how: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), how], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.stdout


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder whose parents any user may pass, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_bytes_arrive_whole(tmp_path: Path) -> None:
    """Is what was handed over what is read back, with nothing else in the folder?"""
    path = tmp_path / "a.json"
    write_durably(path, b"{}")
    assert path.read_bytes() == b"{}"
    assert names_in(tmp_path) == ["a.json"]


def test_a_function_may_write(tmp_path: Path) -> None:
    """Can an encoder write into the file itself, in pieces and with seeks?"""

    def encode(file: BinaryIO) -> None:
        file.write(b"?bcd")
        file.seek(0)
        file.write(b"a")

    write_durably(tmp_path / "a", encode)
    assert (tmp_path / "a").read_bytes() == b"abcd"


def test_missing_folders_are_made(tmp_path: Path) -> None:
    """Are all parents created?"""
    write_durably(tmp_path / "x" / "y" / "z.txt", b"1")
    assert (tmp_path / "x" / "y" / "z.txt").read_bytes() == b"1"


@pytest.mark.parametrize("asked", [None, 0o604])
def test_permissions(tmp_path: Path, asked: int | None) -> None:
    """Does a replaced file keep its permissions unless others are asked for?"""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_durably(path, b"new", mode=asked)
    assert stat.S_IMODE(path.stat().st_mode) == (asked or 0o640)


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    """Does a new file get the permissions any program would give it?"""
    (tmp_path / "plain").write_bytes(b"")
    write_durably(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_secret_is_never_readable_in_passing(tmp_path: Path) -> None:
    """Is a file asked for as 0600 narrow while it is still being written?"""
    seen: list[int] = []

    def look(file: BinaryIO) -> None:
        seen.append(stat.S_IMODE((tmp_path / "key.part").stat().st_mode))

    write_durably(tmp_path / "key", look, mode=0o600)
    assert seen == [0o600]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """Is the file behind a link replaced, and the link left?"""
    (tmp_path / "shared").mkdir()
    real, link = tmp_path / "shared" / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_durably(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_stray_part_of_a_crash_is_replaced(tmp_path: Path) -> None:
    """Does a .part left by a killed process, even a planted link, stand in the way of nothing?"""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / "a.part").symlink_to(victim)
    write_durably(tmp_path / "a", b"new")
    assert victim.read_bytes() == b"mine"
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_failing_function_leaves_the_old_file(tmp_path: Path) -> None:
    """When the encoder itself raises, is its error the one seen, and is nothing left behind?"""
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyError("encoder")

    with pytest.raises(KeyError, match="encoder"):
        write_durably(path, fail)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


def test_a_file_where_a_folder_is_needed(tmp_path: Path) -> None:
    """Is a file in the path's way one readable line that names path, reason and remedy?"""
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(CannotWrite) as caught:
        write_durably(tmp_path / "out" / "a.png", b"x")
    line = str(caught.value)
    assert line.startswith(f"{tmp_path}/out/a.png: cannot be written: ")
    assert f"Check that {tmp_path}/out is a folder" in line
    assert "\n" not in line


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    """Is a folder of the file's name left alone, with no .part beside it?"""
    (tmp_path / "a").mkdir()
    with pytest.raises(CannotWrite, match="Is a directory"):
        write_durably(tmp_path / "a", b"x")
    assert names_in(tmp_path) == ["a"]


def test_a_full_disk(tmp_path: Path) -> None:
    """When the system stops taking bytes half-way, is the old file whole and the .part gone?"""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    line = written_by_a_child(path, "small")
    assert line.startswith(f"{path}: cannot be written: File too large. Free some space")
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


def test_a_read_only_folder(open_folder: Path) -> None:
    """For a user without the right to write there, is the refusal readable and the old file untouched?"""
    path = open_folder / "a"
    path.write_bytes(b"old")
    open_folder.chmod(0o555)
    line = written_by_a_child(path, "stranger")
    open_folder.chmod(0o755)
    assert line.startswith(f"{path}: cannot be written: Permission denied. Give this user the right")
    assert path.read_bytes() == b"old"
    assert names_in(open_folder) == ["a"]


def test_sha256(tmp_path: Path) -> None:
    """Is the sum the one hashlib gives, for more than one read's worth of bytes?"""
    data = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(data)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(data).hexdigest()
