"""Is no edit of sequences.json lost, no file torn, and a broken one left exactly as it was?"""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from client_async.sequence_file import SCHEMA, BadShape, Document, SequenceFile, sequence_in
from starsend.errors import BadInput, UnknownName
from starsend.json_file import BrokenJson, MissingFile

COUNTER = """
import sys
from pathlib import Path
from client_async.sequence_file import SequenceFile

def count(document):
    document["sequences"]["SEQ01"]["count"] += 1

print("ready", flush=True)
sys.stdin.readline()
file = SequenceFile(Path(sys.argv[1]))
for _ in range(int(sys.argv[2])):
    file.change(count)
"""


@pytest.fixture
def file(project_dir: Path) -> SequenceFile:
    """A document with fields of ours and of others."""
    folder = project_dir / "state" / "client"
    folder.mkdir(parents=True)
    file = SequenceFile(folder / "sequences.json")
    save(
        file.path,
        {
            "$schema": "../../schemas/sequences.schema.json",
            "_starsend": {"schema": SCHEMA, "revision": 41, "by": "hand"},
            "sequences": {
                "SEQ01": {"prompt": "a harbour", "count": 0, "vendor_note": {"deep": [1, None, "ü"]}}
            },
            "edl": {"fps": 23.976},
        },
    )
    return file


def save(path: Path, document: object) -> None:
    """As a careful editor does: a new file, renamed over the old one."""
    beside = path.with_name("external")
    beside.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    os.replace(beside, path)  # noqa: PTH105 - named in the question


def count(document: Document) -> int:
    """Add one and say what it was before."""
    sequence = sequence_in(document, "SEQ01", Path())
    sequence["count"] += 1
    return int(sequence["count"]) - 1


def nothing(document: Document) -> str:
    return "seen"


# -------------------------------------------------------------------------------------------- change


def test_a_change_keeps_everything_else(file: SequenceFile) -> None:
    """Are unknown fields, at every level, and their order kept as they are?"""
    before = file.read()
    assert file.change(count) == 0
    after = file.read()
    before["sequences"]["SEQ01"]["count"] = 1
    before["_starsend"]["revision"] = 42
    assert json.dumps(after) == json.dumps(before)


def test_the_revision_counts_real_changes_only(file: SequenceFile) -> None:
    """Is nothing written, not even the same again, when the edit changed nothing?"""
    before, inode = file.path.read_bytes(), file.path.stat().st_ino
    assert file.change(nothing) == "seen"
    file.change(lambda document: document["sequences"]["SEQ01"].update(count=0))
    assert (file.path.read_bytes(), file.path.stat().st_ino) == (before, inode)
    file.change(count)
    file.change(count)
    assert file.read()["_starsend"]["revision"] == 43


@pytest.mark.parametrize("head", [{}, {"_starsend": {}}, {"_starsend": {"revision": 0}}])
def test_a_document_without_a_head_gets_one(file: SequenceFile, head: Document) -> None:
    """Does a document typed by hand get its schema and first revision with the first change?"""
    save(file.path, {**head, "sequences": {"SEQ01": {"count": 0}}})
    file.change(count)
    assert file.read()["_starsend"] == {"schema": SCHEMA, "revision": 1}


def test_a_sequence_can_be_added_and_taken_out(file: SequenceFile) -> None:
    """Does the edit own the whole document?"""
    file.change(lambda document: document["sequences"].update(SEQ02={"count": 5}))
    file.change(lambda document: document["sequences"].pop("SEQ01"))
    assert file.read()["sequences"] == {"SEQ02": {"count": 5}}


def test_what_is_written_is_for_people(file: SequenceFile) -> None:
    """Is the file indented, one field a line, umlauts readable, with a newline at its end?"""
    file.change(count)
    text = file.path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert '\n      "prompt": "a harbour",\n' in text
    assert '"ü"' in text


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_is_kept(file: SequenceFile, mode: int) -> None:
    """Does a colleague who could read or write the file before still can?"""
    file.path.chmod(mode)
    file.change(count)
    assert stat.S_IMODE(file.path.stat().st_mode) == mode


def test_a_link_stays_a_link(file: SequenceFile, tmp_path: Path) -> None:
    """Is the file a link points at changed, and the link kept?"""
    shared = tmp_path / "shared.json"
    file.path.rename(shared)
    file.path.symlink_to(shared)
    file.change(count)
    assert file.path.is_symlink()
    assert json.loads(shared.read_text())["sequences"]["SEQ01"]["count"] == 1


def test_nothing_is_left_beside_the_file(file: SequenceFile) -> None:
    """Does a change leave no temporary file, only the lock?"""
    file.change(count)
    assert sorted(path.name for path in file.path.parent.iterdir()) == [".sequences.lock", "sequences.json"]


# ------------------------------------------------------------------------------------ several at once


def test_eight_threads_lose_nothing(file: SequenceFile) -> None:
    """Does every one of 8 x 15 increments count, each with its own answer and revision?"""
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: SequenceFile(file.path).change(count), range(120)))
    document = file.read()
    assert sorted(seen) == list(range(120))
    assert (document["sequences"]["SEQ01"]["count"], document["_starsend"]["revision"]) == (120, 161)


def test_three_processes_lose_nothing(file: SequenceFile) -> None:
    """Does every one of 3 x 40 increments count when real processes make them at once?"""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTER, str(file.path), "40"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    document = file.read()
    assert (document["sequences"]["SEQ01"]["count"], document["_starsend"]["revision"]) == (120, 161)


def test_reading_beside_a_writer_never_sees_half(file: SequenceFile) -> None:
    """Does a reader without any lock always see a whole document, never going back?"""
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [file.change(count) for _ in range(40)])
        seen = []
        while not writing.done():
            seen.append(file.read()["sequences"]["SEQ01"]["count"])
        writing.result()
    assert seen == sorted(seen)


def rename_over(path: Path, document: Document) -> None:
    save(path, document)


def write_in_place(path: Path, document: Document) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def keep_size_and_time(path: Path, document: Document) -> None:
    """The worst case for a look at size and time: only the inode tells."""
    before = path.stat()
    save(path, document)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("save_as", [rename_over, write_in_place, keep_size_and_time])
def test_a_save_between_reading_and_writing_is_kept(
    file: SequenceFile, save_as: Callable[[Path, Document], None]
) -> None:
    """Is somebody else's save in the middle of our change kept, and our change made on top of it?"""
    asked = []

    def edit(document: Document) -> str:
        asked.append(document["sequences"]["SEQ01"]["prompt"])
        if len(asked) == 1:
            theirs = file.read()
            theirs["sequences"]["SEQ01"]["prompt"] = "A HARBOUR"
            save_as(file.path, theirs)
        document["sequences"]["SEQ01"]["count"] += 1
        return f"asked {len(asked)}"

    assert file.change(edit) == "asked 2"
    assert asked == ["a harbour", "A HARBOUR"]
    sequence = file.read()["sequences"]["SEQ01"]
    assert (sequence["prompt"], sequence["count"]) == ("A HARBOUR", 1)


def test_a_broken_save_in_between_is_not_written_over(file: SequenceFile) -> None:
    """Does a save that broke the file while we worked stop our write, and stay for its author to mend?"""

    def edit(document: Document) -> None:
        document["sequences"]["SEQ01"]["count"] += 1
        file.path.write_bytes(b'{"sequences": {"SEQ01": ')

    with pytest.raises(BrokenJson):
        file.change(edit)
    assert file.path.read_bytes() == b'{"sequences": {"SEQ01": '


def test_a_file_taken_away_in_between_is_not_brought_back(file: SequenceFile) -> None:
    """Is a document that somebody removes while we work missing, not resurrected?"""

    def edit(document: Document) -> None:
        document["sequences"]["SEQ01"]["count"] += 1
        file.path.unlink()

    with pytest.raises(MissingFile):
        file.change(edit)
    assert not file.path.exists()


# -------------------------------------------------------------------------------------------- faults


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
    (b'{"sequences": {}, "_starsend": null}', "_starsend.schema: "),
    (b'{"sequences": {}, "_starsend": {"revision": "41"}}', "_starsend.revision: a whole number is needed"),
    (b'{"sequences": {}, "_starsend": {"revision": true}}', "_starsend.revision: a whole number is needed"),
    (b'{"sequences": {}, "_starsend": {"revision": 1.5}}', "_starsend.revision: a whole number is needed"),
    (b"{}", "sequences: an object"),
    (b'{"sequences": []}', "sequences: an object"),
    (b'{"sequences": {"SEQ01": 3}}', "sequences.SEQ01: an object is needed, this is 3"),
    (b'{"sequences": {"SEQ01": {}, "SEQ02": null}}', "sequences.SEQ02: an object is needed, this is None"),
]


@pytest.mark.parametrize(("raw", "said"), BROKEN, ids=[str(number) for number in range(len(BROKEN))])
def test_a_broken_file_is_named_and_left(file: SequenceFile, raw: bytes, said: str) -> None:
    """Does each broken file raise one line that names it, and stay byte for byte as it was?"""
    file.path.write_bytes(raw)
    asked: list[Document] = []
    for work in (file.read, lambda: file.change(asked.append)):
        with pytest.raises(BadInput) as caught:
            work()
        assert str(file.path) in str(caught.value)
        assert said in str(caught.value)
    assert asked == []
    assert file.path.read_bytes() == raw


@pytest.mark.parametrize(
    "value",
    [b"123456789012345678901234567890", b"[" * 300 + b"]" * 300],
    ids=["past 64 bits", "300 levels"],
)
def test_what_cannot_be_written_again_is_left(file: SequenceFile, value: bytes) -> None:
    """Is a value our writer cannot write one readable line, and the file untouched?"""
    raw = b'{"sequences": {"SEQ01": {"count": 0, "theirs": ' + value + b"}}}"
    file.path.write_bytes(raw)
    with pytest.raises(BadShape, match="cannot be written again"):
        file.change(count)
    assert file.path.read_bytes() == raw


def test_an_edit_that_raises_changes_nothing(file: SequenceFile) -> None:
    """Is an edit that fails half-way not half-applied, and the next one free to run?"""
    before = file.path.read_bytes()

    def edit(document: Document) -> None:
        document["sequences"].clear()
        raise UnknownName("sequence", "SEQ99", ["SEQ01"])

    with pytest.raises(UnknownName):
        file.change(edit)
    assert file.path.read_bytes() == before
    assert file.change(count) == 0


def test_a_missing_file_says_how_to_begin(project_dir: Path) -> None:
    """Does a project without a brief name the command that makes one?"""
    with pytest.raises(MissingFile, match="there is no brief here"):
        SequenceFile(project_dir / "sequences.json").read()


def test_a_missing_folder_is_one_line(project_dir: Path) -> None:
    """Is a change where there is no folder an error of ours, and no folder made?"""
    with pytest.raises(BadInput, match="cannot be locked"):
        SequenceFile(project_dir / "nowhere" / "sequences.json").change(nothing)
    assert not (project_dir / "nowhere").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [("SEQ1", "did you mean SEQ01?"), ("seq01", "did you mean SEQ01?"), ("harbour", "known: SEQ01")],
)
def test_an_unknown_sequence_names_the_nearest(file: SequenceFile, name: str, said: str) -> None:
    """Does a misspelt sequence say which there are, and where?"""
    with pytest.raises(UnknownName) as caught:
        sequence_in(file.read(), name, file.path)
    assert str(file.path) in str(caught.value)
    assert said in str(caught.value).replace("Did", "did").replace("Known", "known")


def test_a_byte_order_mark_is_read_and_not_written(file: SequenceFile) -> None:
    """Is a file that a Windows editor saved changed like any other?"""
    document: Any = file.read()
    file.path.write_text(json.dumps(document), encoding="utf-8-sig")
    file.change(count)
    assert file.path.read_bytes().startswith(b"{")
