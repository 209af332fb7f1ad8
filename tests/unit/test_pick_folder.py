"""Is each right pick file taken whatever tool wrote it, and each wrong one put aside with its reason?"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_async.pick_file import KEYS, LARGEST
from client_async.pick_folder import PATIENCE, PickFolder
from tests.unit.drop import NOW, Drop, waiting


@pytest.mark.parametrize(
    "content",
    [
        "3",
        "3\n",
        "  3 \r\n",
        b"\xef\xbb\xbf3\r\n",
        "3\r\n".encode("utf-16"),
        b"\xfe\xff\x003\x00\n",
        b"3\x00\r\x00\n\x00",
        "03",
    ],
    ids=["bare", "newline", "blanks", "bom", "utf-16", "utf-16 big", "utf-16 bare", "zero"],
)
@pytest.mark.parametrize(
    "name", ["SEQ01.pick", "seq01.pick", "SEQ01@g2.pick", "Seq01@G2.PICK", "SEQ01 (1).pick"]
)
def test_any_editors_file_is_a_pick(drop: Drop, name: str, content: str | bytes) -> None:
    """Is a cell number taken in any encoding, with any line end, under any spelling of the name?"""
    drop.put(name, content)
    assert drop.only().accepted
    assert drop.cell() == 3
    assert (drop.names("accepted"), drop.names(), drop.names("rejected")) == ([name], [], [])


def test_a_pick_says_when_it_was_dropped_and_by_whom(drop: Drop) -> None:
    """Is the time the file's own, and its owner the one who picked?"""
    path = drop.put("SEQ02.pick", "4", age=3600)
    owner = path.owner()
    drop.take()
    pick = drop.pick("SEQ02")
    assert pick is not None
    assert (pick["at"], pick["by"], pick["via"]) == ("2026-11-23T11:00:00.000+00:00", owner, "pick file")
    assert drop.pick("SEQ01") is None


@pytest.mark.parametrize(
    ("wish", "by"),
    [
        ({"sequence": "SEQ01", "cell": 3}, None),
        ({"sequence": "seq01", "cell": 3, "grid": "g2"}, None),
        ({"sequence": "SEQ01", "cell": 3, "by": "Mara ü", "note": "the light"}, "Mara ü"),
        ({"sequence": "SEQ01", "cell": 3, "by": ""}, None),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_a_pick_under_any_name(
    drop: Drop, wish: dict[str, object], by: str | None, encoding: str
) -> None:
    """Is a JSON pick taken whatever the file is called, with its own words for who and why?"""
    path = drop.put("from the client.txt", json.dumps(wish, ensure_ascii=False).encode(encoding))
    owner = path.owner()
    assert drop.only().accepted
    pick = drop.pick()
    assert pick is not None
    assert (pick["cell"], pick["by"], pick.get("note")) == (3, by or owner, wish.get("note"))


REJECTED: list[tuple[str, str | bytes, str]] = [
    ("SEQ01.pick", "0", "0 is no cell"),
    ("SEQ01.pick", "5", "5 is no cell"),
    ("SEQ01.pick", "x", "'x' is no cell"),
    ("SEQ01.pick", "true", "'true' is no cell"),
    ("SEQ01.pick", '"3"', "is no cell"),
    ("SEQ01.pick", "2.0", "'2.0' is no cell"),
    ("SEQ01.pick", "-1", "'-1' is no cell"),
    ("SEQ01.pick", "3 4", "'3 4' is no cell"),
    ("SEQ01.pick", "３", "is no cell"),
    ("SEQ01.pick", "[3]", "'[3]' is no cell"),
    ("SEQ01@g1.pick", "3", "the grid g1 has been replaced by g2"),
    ("SEQ1.pick", "3", "unknown sequence 'SEQ1'. Did you mean SEQ01?"),
    ("readme.txt", "3", "neither JSON nor a file named SEQ01.pick"),
    ("SEQ01@now.pick", "3", "neither JSON nor a file named SEQ01.pick"),
    ("a.json", '{"sequence": "SEQ01", "cell": "3"}', "'3' is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": true}', "True is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": 2.0}', "2.0 is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": null}', "None is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": 5}', "5 is no cell"),
    ("a.json", '{"sequence": "SEQ01", "cell": NaN}', "NaN is not a JSON number"),
    ("a.json", '{"sequence": "SEQ01", "cell": 1, "cell": 2}', "the key 'cell' stands twice"),
    ("a.json", '{"sequence": "SEQ01"}', "'cell' is missing"),
    ("a.json", '{"cell": 3}', "'sequence' is missing"),
    ("a.json", "{}", "is missing"),
    ("a.json", '{"sequence": "SEQ01", "cel": 3}', "unknown key 'cel'"),
    ("a.json", '{"sequence": 1, "cell": 3}', "'sequence' must be text"),
    ("a.json", '{"sequence": "SEQ01", "cell": 3, "grid": 2}', "'grid' must be text"),
    ("a.json", '{"sequence": "SEQ01", "cell": 3, "grid": "g1"}', "replaced by g2"),
    ("a.json", '{"sequence": "SEQ03", "cell": 3}', "unknown sequence 'SEQ03'. Did you mean SEQ0"),
    ("a.json", '{"sequence": "\\ud800", "cell": 3}', "surrogate"),
    ("a.json", '{"a": ' + "[" * 30_000, "nested too deeply"),
    ("a.json", '{"a": ' + "9" * 5000 + "}", "too long"),
    ("SEQ01.pick", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is not text"),
    ("SEQ01.pick", bytes(1000), "is no cell"),
    ("SEQ01.pick", "3" * (LARGEST + 1), "a pick is a small file"),
    ("huge.json", b"\xff" * (LARGEST * 4), "a pick is a small file"),
]


@pytest.mark.parametrize(
    ("name", "content", "said"), REJECTED, ids=[f"{name}-{said[:24]}" for name, _, said in REJECTED]
)
def test_a_wrong_pick_is_put_aside_at_once_with_its_reason(
    drop: Drop, name: str, content: str | bytes, said: str
) -> None:
    """Does a well-formed but wrong file end in rejected/ as it was, with its reason beside it, and change nothing?"""
    raw = drop.put(name, content).read_bytes()
    before = drop.file.path.read_bytes()
    verdict = drop.only()
    assert (verdict.file, verdict.accepted) == (name, False)
    assert said in verdict.reason
    assert drop.reason(name) == f"{verdict.reason}\n"
    assert (drop.folder / "rejected" / name).read_bytes() == raw
    assert (drop.names(), drop.names("accepted")) == ([], [])
    assert drop.file.path.read_bytes() == before
    assert drop.take() == []


@pytest.mark.parametrize(
    "name",
    [
        ".SEQ01.pick",
        ".#SEQ01.pick",
        "~$SEQ01.pick",
        "SEQ01.pick~",
        "4913",
        "#SEQ01.pick#",
        "SEQ01.pick.part",
        "SEQ01.pick.tmp",
        "SEQ01.pick.swp",
        "SEQ01.pick.crdownload",
        ".DS_Store",
    ],
)
def test_a_temporary_name_is_left_alone(drop: Drop, name: str) -> None:
    """Is what an editor, a browser or a sync client still writes left where it is, however old?"""
    drop.put(name, "3", age=9999)
    assert drop.take() == []
    assert drop.names() == [name]


def test_a_folder_in_the_folder_is_left_alone(drop: Drop) -> None:
    """Is a folder no pick, and what lies in it neither?"""
    (drop.folder / "old").mkdir()
    (drop.folder / "old" / "SEQ01.pick").write_text("3")
    assert drop.take() == []


def test_without_a_drop_folder_there_are_no_picks(drop: Drop, tmp_path: Path) -> None:
    """Is a project whose drop folder was never made no error, and none made?"""
    assert PickFolder(tmp_path / "none", drop.file).take_picks() == []
    assert not (tmp_path / "none").exists()


def link(path: Path) -> None:
    real = path.with_name(".real")
    real.write_text("3")
    path.symlink_to(real)


def dangling(path: Path) -> None:
    path.symlink_to("/nowhere/at/all")


def link_to_folder(path: Path) -> None:
    path.symlink_to(path.parent)


@pytest.mark.parametrize("make", [link, dangling, link_to_folder, os.mkfifo])
def test_a_link_or_a_pipe_is_refused_unread(drop: Drop, make: Callable[[Path], None]) -> None:
    """Is what is no plain file refused without following or opening it, which could wait for ever?"""
    make(drop.folder / "SEQ01.pick")
    assert "must be a plain file" in drop.only().reason
    assert drop.names("rejected") == ["SEQ01.pick", "SEQ01.pick.reason.txt"]
    assert drop.cell() is None


def test_a_name_that_is_no_text_is_put_aside(drop: Drop) -> None:
    """Is a file whose name is not UTF-8 rejected like any other, holding up nobody?"""
    name = os.fsdecode(b"SEQ\xff.pick")
    drop.put(name, "3")
    drop.put("SEQ02.pick", "2", age=0)
    assert [verdict.accepted for verdict in drop.take()] == [False, True]
    assert "unknown sequence" in (drop.folder / "rejected" / f"{name}.reason.txt").read_text()


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_very_long_name_is_put_aside(drop: Drop, letter: str) -> None:
    """Is a name that leaves no room for .reason.txt cut, so that it holds up nobody?"""
    name = letter * (250 // len(letter.encode())) + ".pick"
    drop.put(name, "3")
    assert not drop.only().accepted
    kept, reason = drop.names("rejected")
    assert reason == f"{kept}.reason.txt"
    assert kept.endswith(".pick")


def test_a_name_in_two_cases_is_not_guessed(drop: Drop) -> None:
    """Where SEQ01 and seq01 are two sequences: is each spelling its own, and a third one refused?"""
    drop.file.change(lambda draft: draft.add("seq01").update(draft["SEQ01"]))
    drop.put("seq01.pick", "2")
    drop.put("Seq01.pick", "4", age=0)
    assert [verdict.accepted for verdict in drop.take()] == [True, False]
    assert (drop.cell("seq01"), drop.cell("SEQ01")) == (2, None)


UNREADABLE = """
import os, sys
from pathlib import Path
import client_async.sequences
from client_async.pick_folder import PickFolder
from client_async.sequence_file import SequenceFile
folder = Path(sys.argv[1])
b"3".decode("utf-8-sig"), folder.owner()  # Python loads these late, perhaps from where only root may read
if os.geteuid() == 0:
    os.setuid(65534)
for verdict in PickFolder(folder, SequenceFile(folder.parent / "sequences.json")).take_picks():
    print(verdict.file, verdict.accepted, verdict.reason)
"""


def test_a_file_we_may_not_read_holds_up_no_other() -> None:
    """Is a pick without read permission rejected by name, and the next one taken?"""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders let no other user in
        folder = Path(name) / "picks"
        folder.mkdir()
        brief = waiting(prompt="p", shots=[{"prompt": "p", "seconds": 1}], grid_history=[])
        (folder.parent / "sequences.json").write_text(json.dumps({"sequences": {"SEQ01": brief}}))
        for file, mode in (("SEQ01.pick", 0o000), ("a.json", 0o644)):
            (folder / file).write_text('{"sequence": "SEQ01", "cell": 3}')
            (folder / file).chmod(mode)
            os.utime(folder / file, (NOW, NOW))
        for where in (folder, folder.parent):
            where.chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-c", UNREADABLE, str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert "SEQ01.pick False SEQ01.pick: it may not be read." in done.stdout, done.stderr
    assert "a.json True cell 3 of SEQ01 is picked" in done.stdout


WISHES = st.fixed_dictionaries(
    {},
    optional={key: st.sampled_from(["SEQ01", "g2", "", 3, 0, None, True, 2.0, [3]]) for key in sorted(KEYS)},
)


@given(
    st.binary(max_size=40) | WISHES.map(lambda wish: json.dumps(wish).encode()),
    st.sampled_from(["SEQ01.pick", "SEQ01@g1.pick", "x.json"]),
)
def test_whatever_is_dropped_gets_one_verdict(content: bytes, name: str) -> None:
    """For any bytes: is the file decided once, kept as it was, and only a cell of the grid ever picked?"""
    with tempfile.TemporaryDirectory() as folder:
        drop = Drop(Path(folder))
        drop.put(name, content, age=PATIENCE + 1)
        verdict = drop.only()
        where = "accepted" if verdict.accepted else "rejected"
        assert (drop.folder / where / name).read_bytes() == content
        assert (drop.cell() in (1, 2, 3, 4)) is verdict.accepted
        assert drop.take() == []
