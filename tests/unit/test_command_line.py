"""Does the command line say what it did, exit as documented, and answer bad input with one readable line?"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from client_async import status_view
from client_async.projects import Place
from client_async.sequence_file import SequenceFile
from tests.standins.vendor import png, write_png
from tests.standins.warm import run_command

BRIEF = {
    "prompt": "an empty desert under clouds",
    "aspect_ratio": "1:1",
    "shots": [{"prompt": "she waits", "seconds": 0.25}],
}
CONFIG = {"image": {"size": "1K"}, "video": {"resolution": "360p"}, "retry": {"poll_seconds": 0.01}}


@dataclass
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs the real command in a folder that holds one project, ``job``."""

    root: Path

    def __call__(self, *words: str, **environ: str) -> Said:
        done = run_command(self.root, *words, **{"COLUMNS": "200", **environ})
        return Said(done.returncode, done.stdout, done.stderr)

    @property
    def project(self) -> Path:
        return self.root / "projects" / "job"

    @property
    def document(self) -> Path:
        return self.project / "state" / "client" / "sequences.json"

    def write(self, *names: str, **fields: object) -> None:
        """Give every named sequence the same brief."""
        sequences = {name: {**BRIEF, **fields} for name in names}
        self.document.parent.mkdir(parents=True, exist_ok=True)
        self.document.write_text(json.dumps({"sequences": sequences}))

    def unchanged(self) -> bool:
        """Whether SEQ01 is its bare brief, but for a word of what was refused."""
        sequence = json.loads(self.document.read_text())["sequences"]["SEQ01"]
        told = sequence.pop("notices", [{"text": "not adopted"}])
        return {"adopt": None, **sequence} == {**BRIEF, "adopt": None} and "not adopted" in told[-1]["text"]

    def calls(self) -> list[str]:
        """The shots that a provider was called for."""
        book = self.project / "state" / "providers" / "animatic" / "calls.jsonl"
        lines = book.read_text().splitlines() if book.exists() else []
        return [json.loads(line)["shot_id"] for line in lines]

    @contextmanager
    def driven_by_a_daemon(self) -> Iterator[None]:
        """While the block runs a daemon holds the project, and is slow to do anything."""
        with (self.project / "state" / "driver.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            held.write("daemon 4711")
            held.flush()
            yield

    def configure(self, **settings: object) -> None:
        (self.project / "starsend_config.json").write_text(json.dumps({**CONFIG, **settings}))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    made.write("SEQ01")
    made.configure()
    return made


@pytest.fixture(scope="session")
def gridded(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A project whose one sequence waits for a pick; copied, never used itself."""
    made = Shell(tmp_path_factory.mktemp("gridded"))
    made.write("SEQ01")
    made.configure()
    assert made("grid").code == 0
    return made


@pytest.fixture
def waiting(gridded: Shell, tmp_path: Path) -> Shell:
    """A project of the test's own whose one sequence waits for a pick."""
    shutil.copytree(gridded.root, tmp_path, dirs_exist_ok=True)
    return Shell(tmp_path)


def one_line(said: Said, code: int, *words: str) -> None:
    """An error is one line on standard error, names what it is about, and is no traceback."""
    assert said.code == code, said
    lines = [line for line in said.err.splitlines() if not line.startswith("{")] + said.out.splitlines()
    told = " ".join(lines)
    assert "Traceback" not in said.err
    for word in words:
        assert word in told, told


def test_a_job_from_init_to_costs(tmp_path: Path) -> None:
    """Can a person go all the way with the commands alone?"""
    shell = Shell(tmp_path)
    made = shell("init", "job")
    assert (made.code, 'set "deleted" to false' in made.out) == (0, True)
    shell.configure()
    assert (shell("grid").code, shell.calls()) == (0, []), (
        "an example costs nothing until somebody has edited it"
    )
    shell.document.write_text(shell.document.read_text().replace('"deleted": true', '"deleted": false'))
    assert shell("grid").code == 0
    waiting = shell("generate")
    assert (waiting.code, "waits for a person" in waiting.out) == (3, True)
    picked = shell("pick", "SEQ01", "2")
    assert (picked.code, "cell 2 of g1 is picked" in picked.out) == (0, True)
    assert shell("generate").code == 0
    (row,) = json.loads(shell("status", "--json").out)["projects"][0]["sequences"]
    assert (row["state"], row["cell"], row["sequence"]) == ("done", 2, "SEQ01")
    assert (shell.project / row["take_path"]).is_file()
    costs = json.loads(shell("costs", "--json").out)
    assert (costs["total"]["actual"], costs["total"]["calls"]) == ("0.000000", 2)
    assert float(costs["total"]["estimated"]) > 0
    before = shell.document.read_bytes()
    assert shell("generate").code == 0
    assert shell.document.read_bytes() == before


def test_a_dropped_file_is_a_pick(waiting: Shell) -> None:
    """Does `generate` take what lies in the drop folder, and say what became of it?"""
    picks = waiting.document.with_name("picks")
    picks.mkdir(exist_ok=True)
    (picks / "SEQ01.pick").write_text("3")
    (picks / "seq99.pick").write_text("1")
    said = waiting("generate")
    assert said.code == 0
    assert "SEQ01.pick  accepted" in said.out
    assert "seq99.pick  rejected" in said.out
    assert "unknown sequence" in (picks / "rejected" / "seq99.pick.reason.txt").read_text()


def test_a_picture_from_elsewhere(shell: Shell, tmp_path: Path) -> None:
    """Is a single picture refused with a reason, and nothing changed?"""
    single = write_png(tmp_path / "single.png", (800, 600))
    one_line(shell("grid", "SEQ01", "--from", str(single)), 2, "single.png")
    assert shell.unchanged()


@pytest.mark.parametrize("wrong", [png((600, 400))[:300], b"I am no picture", b"", b"<html>404</html>"])
def test_a_file_that_is_no_whole_picture_is_never_a_grid(shell: Shell, tmp_path: Path, wrong: bytes) -> None:
    """Is a truncated picture, or a text called .png, told and nothing changed?"""
    (tmp_path / "wrong.png").write_bytes(wrong)
    one_line(shell("grid", "SEQ01", "--from", "wrong.png"), 2, "wrong.png")
    assert shell.unchanged()


def test_two_runs_do_not_drive_one_project_but_a_pick_goes_through(waiting: Shell) -> None:
    """Is the second run told who is at work, while people go on picking?"""
    lock = waiting.project / "state" / "driver.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("command 4711")
        held.flush()
        one_line(waiting("grid", "SEQ01", "--again"), 1, "process 4711, is working")
        assert waiting("pick", "SEQ01", "2").code == 0
        assert waiting("status").code == 0
    assert waiting("generate").code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_parks_a_waiting_job_and_the_next_run_goes_on(
    waiting: Shell, number: signal.Signals
) -> None:
    """Does a stop in the middle of a long wait end soon, and cost nothing when work goes on?"""
    waiting.configure(animatic={"misbehave": {"SEQ01": ["late"]}, "late_polls": 100_000})
    waiting("pick", "SEQ01", "1")
    command = [sys.executable, "-m", "client_async.client_generate", "generate"]
    with subprocess.Popen(
        command, cwd=waiting.root, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "step_submitted" in line:
                run.send_signal(number)
                break
        _, err = run.communicate(timeout=20)
    assert run.returncode == 1
    assert "nothing is lost" in err
    assert json.loads(waiting.document.read_text())["sequences"]["SEQ01"]["grid_state"] == "generating"
    waiting.configure()
    assert waiting("generate").code == 0
    book = waiting.project / "state" / "providers" / "animatic" / "calls.jsonl"
    assert [json.loads(line)["shot_id"] for line in book.read_text().splitlines()] == ["SEQ01_grid", "SEQ01"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pick", "SEQ1", "2"), ("unknown sequence 'SEQ1'", "SEQ01")),
        (("grid", "SEQO1"), ("unknown sequence", "SEQ01")),
        (("generate", "nope"), ("unknown sequence",)),
        (("pick", "SEQ01", "2"), ("no grid to pick from", "starsend grid SEQ01")),
        (("pick", "SEQ01", "0"), ("0 is no cell",)),
        (("pick", "SEQ01", "5"), ("5 is no cell",)),
        (("pick", "SEQ01", "x"), ("'x' is no cell",)),
        (("status", "-p", "jobb"), ("unknown project 'jobb'", "job")),
        (("grid", "SEQ01", "--from", "gone.png"), ("gone.png",)),
        (("grid", "--from", "gone.png"), ("--from takes one sequence",)),
        (("generate", "--again"), ("--again takes the names",)),
        (("grid", "SEQ01", "--note", "less sky"), ("--note goes with --again",)),
        (("grid", "SEQ01", "--again", "--note", "sky " * 200), ("799 characters", "at most 500", "shorter")),
        (("pipeline",), ("shot list", "shots.json")),
        (("demo",), ("sample brief",)),
        (("init", "job"), ("has a brief already",)),
        (("init", "a/b"), ("cannot be a project name",)),
        (("gird",), ("gird",)),
        (("--root", "nowhere", "status"), ("no projects here",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_usage_is_told_and_changes_nothing(
    shell: Shell, words: tuple[str, ...], told: tuple[str, ...]
) -> None:
    """Is every misuse exit code 2 with a line that says what to do?"""
    before = shell.document.read_bytes()
    one_line(shell(*words), 2, *told)
    assert shell.document.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "empty"),
        ('{"sequences": {', "sequences.json:1:"),
        ("[]", "an object {...} is needed"),
        ('{"sequences": []}', "sequences"),
        ('{"sequences": {"SEQ01": 3}}', "sequences.SEQ01"),
        ('{"sequences": {"SEQ01": {"prompt": "x"}}}', "sequences.SEQ01.shots"),
        (
            '{"sequences": {"SEQ01": {"prompt": "x", "shots": [{"prompt": "y", "seconds": "3s"}]}}}',
            "shots[0].seconds",
        ),
        (
            '{"sequences": {"SEQ01": {"prompt": "x", "shots": [{"prompt": "y", "seconds": -3}]}}}',
            "shots[0].seconds",
        ),
        ('{"sequences": {"SEQ01": {"prompt": 3, "shots": [{"prompt": "y", "seconds": 3}]}}}', "SEQ01.prompt"),
        ('{"sequences": {"../x": {"prompt": "x", "shots": [{"prompt": "y", "seconds": 3}]}}}', "../x"),
        ('{"sequences": {}, "sequences": {}}', "stands twice"),
    ],
)
@pytest.mark.parametrize("command", ["grid", "generate"])
def test_a_broken_brief_is_told_and_left_as_it_is(
    shell: Shell, command: str, content: str, told: str
) -> None:
    """Does a bad file name itself, the field and the remedy, and lose nothing?"""
    shell.document.write_text(content)
    one_line(shell(command), 2, told, "sequences.json")
    assert shell.document.read_text() == content


def test_a_fault_in_one_sequence_does_not_stop_a_pick_of_another(waiting: Shell) -> None:
    """Can work go on while somebody is half-way through an edit elsewhere?"""
    document = json.loads(waiting.document.read_text())
    document["sequences"]["SEQ02"] = {"prompt": "only begun"}
    waiting.document.write_text(json.dumps(document))
    picked = waiting("pick", "SEQ01", "1")
    assert (picked.code, "SEQ02.shots" in picked.err, "The pick is kept" in picked.err) == (0, True, True)
    assert json.loads(waiting.document.read_text()) == document, "a broken edit is left to its writer"
    assert waiting("status").code == 0
    document["sequences"]["SEQ02"]["shots"] = BRIEF["shots"]
    waiting.document.write_text(json.dumps(document))
    said = json.loads(waiting("status", "--json").out)["projects"][0]["sequences"]
    assert [(row["sequence"], row["cell"]) for row in said] == [("SEQ01", 1), ("SEQ02", None)]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ('{"imagee": {}}', "did you mean 'image'"),
        ('{"image": {"sise": "2K"}}', "did you mean 'size'"),
        (
            '{"image": {"provider": "animatik"}}',
            "projects/job/starsend_config.json: unknown provider 'animatik'. Did you mean animatic",
        ),
        ('{"image": {"size": "3K"}}', "image.size"),
        ('{"image": {"model": "unpriced"}}', "no price is known"),
        ("{", "starsend_config.json:1:"),
    ],
)
def test_a_config_with_a_fault_pays_for_nothing(shell: Shell, config: str, told: str) -> None:
    """Does a typo in the config stop the work before it begins?"""
    (shell.project / "starsend_config.json").write_text(config)
    one_line(shell("grid"), 2, told)
    assert not (shell.project / "media").exists() or not list((shell.project / "media").rglob("*.png"))


@pytest.mark.parametrize("reference", ["missing", "truncated", "text"])
def test_a_reference_that_cannot_be_sent_is_told_first(shell: Shell, reference: str) -> None:
    """Is a bad element picture named before a cent is spent?"""
    shell.write("SEQ01", prompt="@mara at the window")
    folder = shell.project / "elements" / "mara"
    folder.mkdir(parents=True)
    (folder / "element.json").write_text(
        json.dumps({"kind": "character", "description": "x", "references": ["a.png"]})
    )
    if reference == "truncated":
        (folder / "a.png").write_bytes(png((300, 300))[:200])
    elif reference == "text":
        (folder / "a.png").write_text("I am no picture")
    one_line(shell("grid"), 2, "a.png")
    assert not (shell.project / "state" / "providers" / "animatic" / "calls.jsonl").exists()


def test_an_unknown_element_names_the_nearest(shell: Shell) -> None:
    """Does @marra find @mara?"""
    shell.write("SEQ01", prompt="@marra at the window")
    folder = shell.project / "elements" / "mara"
    folder.mkdir(parents=True)
    (folder / "element.json").write_text(json.dumps({"kind": "character", "description": "x"}))
    one_line(shell("grid"), 2, "@marra", "Did you mean @mara")


def test_a_command_says_of_the_daemon_what_is_so(waiting: Shell) -> None:
    """Is a wish handed over and not called a wait, and is nothing handed over where there is nothing to do?"""
    file = SequenceFile(waiting.document)
    with waiting.driven_by_a_daemon():
        assert "grids: nothing to do" in waiting("grid").out
        asked = waiting("generate")
        assert (asked.code, "handed" in asked.out, "SEQ01  waits for a person" in asked.out) == (
            3,
            False,
            True,
        )
        assert waiting("pick", "SEQ01", "1").code == 0
        on_its_way = waiting("generate", "SEQ01")
        assert (on_its_way.code, "the daemon is at it (process 4711)" in on_its_way.out) == (0, True)
    assert waiting("generate").code == 0
    file.change(lambda draft: draft["SEQ01"].update(grid_state="recovery"))
    with waiting.driven_by_a_daemon():
        assert "takes: nothing to do" in waiting("generate").out
        again = waiting("generate", "SEQ01", "--again")
        assert (again.code, "handed to the daemon" in again.out, "waits" in again.out) == (0, True, False)
        file.change(lambda draft: draft["SEQ01"].update(grid_state="done", retake=False, deleted=True))
        gone = waiting("generate", "SEQ01", "--again")
        assert (gone.code, "handed" in gone.out, "marked deleted" in gone.out) == (2, False, True)
    file.close()


def test_a_refused_sequence_does_not_set_the_others_going(shell: Shell) -> None:
    """`grid SEQ01`, which is deleted: is SEQ02, of which nobody spoke, left alone?"""
    shell.write("SEQ01", "SEQ02")
    document = json.loads(shell.document.read_text())
    document["sequences"]["SEQ01"]["deleted"] = True
    shell.document.write_text(json.dumps(document))
    one_line(shell("grid", "SEQ01"), 2, "marked deleted")
    assert shell.calls() == []


def test_status_shows_what_it_can(waiting: Shell) -> None:
    """A folder without a brief, one whose name is no text, one that only may be read: is each told, and the rest shown?"""
    (waiting.root / "projects" / "empty").mkdir()
    Path(os.fsdecode(os.fsencode(waiting.root / "projects") + b"/\xff")).mkdir()
    said = waiting("status", "--json")
    assert (said.code, len(said.err.splitlines())) == (2, 2)
    assert "empty/state/client/sequences.json: there is no brief" in said.err
    assert "this name is not UTF-8. Rename it" in said.err
    assert [row["project"] for row in json.loads(said.out)["projects"]] == ["job"]


def test_status_needs_no_right_to_write(waiting: Shell) -> None:
    """May somebody who only reads, or anybody on a disk that takes nothing, ask how things stand, and what a cap leaves?"""
    for folder in (waiting.root, *waiting.root.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(0o755)
    waiting.configure(budget={"project": "9"})
    closed = (waiting.document.parent, waiting.document.parent.parent, waiting.project)
    for folder in closed:
        folder.chmod(0o555)
    nobody = "os.setgid(65534); os.setuid(65534)" if os.geteuid() == 0 else "pass"
    said = limited(waiting, nobody, "status")
    for folder in closed:
        folder.chmod(0o755)
    assert (said.code, "g1 is ready: pick a cell" in said.out) == (0, True), said
    assert "budget: project job has spent $0.00 of $9.00" in said.out
    assert "Shown is sequences.json, which may be a moment old" in said.err


def test_status_is_a_line_a_sequence_in_a_pipe_and_fits_a_terminal(waiting: Shell) -> None:
    """Can a reason be found with grep, and read at eighty columns?"""
    reason = "the vendor refused: " + "a word or two " * 12
    file = SequenceFile(waiting.document)
    file.change(lambda draft: draft["SEQ01"].update(status=reason.strip(), deleted=True))
    file.close()
    (found,) = [line for line in waiting("status", COLUMNS="80").out.splitlines() if "SEQ01" in line]
    assert found.endswith(reason.strip())
    assert "cancelled" in found
    shown = status_view.lines("job", status_view.standing(Place(waiting.root, "job"))[0], 80)
    assert max(map(len, shown)) <= 80
    assert " ".join(" ".join(shown[3:]).split()) == reason.strip()


def limited(shell: Shell, before: str, *words: str) -> Said:
    """Run a command in a process that has loaded everything and then taken something away from itself."""
    code = (
        "import sys, os, resource, encodings.utf_8_sig, alembic.command, alembic.config, rich.progress, starsend.providers.animatic;"
        "import client_async.production, client_async.logs, client_async.client_generate as c;"
        f"sys.argv = ['starsend', *{words!r}]; {before}; c.main()"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=shell.root, capture_output=True, text=True, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


def test_a_read_only_project_is_told_before_anything_is_paid(shell: Shell) -> None:
    """Does a disk that cannot be written cost nothing? Root is not stopped by rights, so it becomes nobody."""
    nobody = "os.setgid(65534); os.setuid(65534)" if os.geteuid() == 0 else "pass"
    for folder in (shell.root, *shell.root.parents[:2]):
        folder.chmod(0o755)
    closed = (shell.project, shell.document.parent, shell.document.parent.parent)
    for folder in closed:
        folder.chmod(0o555)
    said = limited(shell, nobody, "grid")
    for folder in closed:
        folder.chmod(0o755)
    one_line(said, said.code, "ermission denied")
    assert said.code in (1, 2)
    assert not list(shell.project.rglob("calls.jsonl"))


def test_a_disk_that_fills_up_while_a_result_comes_home_loses_nothing(shell: Shell) -> None:
    """Is the paid picture fetched by the next run, when this one could not write it?"""
    shell.configure(image={"size": "4K"}, retry={"submit_attempts": 2})  # waits a second, not two minutes
    full = "resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, resource.RLIM_INFINITY))"
    one_line(limited(shell, full, "grid"), 1, "cannot be written")
    assert not list(shell.project.rglob("*.png"))
    assert shell("grid").code == 0
    book = shell.project / "state" / "providers" / "animatic" / "calls.jsonl"
    assert len(book.read_text().splitlines()) == 1


def test_a_traceback_is_shown_only_when_asked_for(shell: Shell) -> None:
    """Does --debug show where it happened?"""
    assert "Traceback" not in shell("status", "-p", "x").err
    assert "Traceback" in shell("--debug", "status", "-p", "x").err


def test_work_goes_on_when_nobody_reads_any_more(waiting: Shell) -> None:
    """Does `starsend generate | head` still make the take, without a traceback?"""
    waiting("pick", "SEQ01", "1")
    command = [sys.executable, "-m", "client_async.client_generate", "generate"]
    with subprocess.Popen(
        command, cwd=waiting.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        err = run.stderr.read()
    assert "Traceback" not in err
    assert json.loads(waiting.document.read_text())["sequences"]["SEQ01"]["grid_state"] == "done"


def test_status_shows_any_text_as_it_is(waiting: Shell) -> None:
    """Can a name with brackets, or a terminal without Unicode, break the table?"""
    file = SequenceFile(waiting.document)
    file.change(lambda draft: draft["SEQ01"].update(status="picked by [/boss]", title="Hafen – 港"))
    file.close()
    said = waiting("status", PYTHONIOENCODING="ascii")
    assert (said.code, "[/boss]" in said.out) == (0, True)
    assert waiting("status", "--json", PYTHONIOENCODING="ascii").code == 0


def test_the_root_may_come_from_the_environment(
    shell: Shell, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Can a crontab say where the projects are?"""
    elsewhere = Shell(tmp_path_factory.mktemp("elsewhere"))
    assert elsewhere("status", STARSEND_ROOT=str(shell.root)).code == 0


def test_logs_are_json_lines_with_the_same_fields_everywhere(shell: Shell) -> None:
    """Can ops follow one step through its life by its fields?"""
    events = [json.loads(line) for line in shell("grid").err.splitlines()]
    finished = next(event for event in events if event["event"] == "step_finished")
    assert {
        "project",
        "sequence",
        "shot",
        "step",
        "attempt",
        "take",
        "provider",
        "cost",
        "duration",
    } <= finished.keys()
    assert all({"event", "level", "timestamp"} <= event.keys() for event in events)


@pytest.mark.parametrize("words", [("--help",), ("status",), ("status", "--json"), ("pick", "SEQ01", "1")])
def test_quick_commands_load_nothing_heavy(waiting: Shell, words: tuple[str, ...]) -> None:
    """Do they stay free of picture, web, vendor and migration libraries, and of models of ours?"""
    heavy = (
        "PIL",
        "numpy",
        "av",
        "sqlalchemy",
        "alembic",
        "anyio",
        "structlog",
        "stamina",
        "pydantic_settings",
    )
    ours = ("starsend.config", "starsend.documents", "client_async.sequences", "client_async.wiring")
    code = (
        f"import atexit, sys; sys.argv = ['starsend', *{words!r}];"
        f"atexit.register(lambda: print('loaded', *[m for m in {heavy + ours!r} if m in sys.modules], file=sys.stderr));"
        "from client_async.client_generate import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=waiting.root, capture_output=True, text=True, check=True
    )
    assert done.stderr.split() == ["loaded"]


def test_the_house_line(shell: Shell) -> None:
    """Does shots.json become locked keyframes and videos, once, with a bad shot holding up no other?"""
    shots = [
        {"id": "SH010", "prompt": "a lighthouse", "seconds": 0.25, "aspect_ratio": "1:1"},
        {"id": "SH020", "prompt": "@nobody", "seconds": 0.25},
        {"id": "SH030", "prompt": "snow", "seconds": 0.25, "camera": "hold", "aspect_ratio": "1:1"},
    ]
    (shell.project / "shots.json").write_text(json.dumps({"shots": shots}))
    said = shell("pipeline")
    assert said.code == 2
    assert "@nobody" in said.out
    assert len(list((shell.project / "media" / "takes").rglob("*.mp4"))) == 2
    shell("pipeline")
    assert json.loads(shell("costs", "--json").out)["total"]["calls"] == 4
    (shell.project / "shots.json").write_text(json.dumps({"shots": [{**shots[0], "secs": 3}]}))
    one_line(shell("pipeline"), 2, "shots[0]", "did you mean 'seconds'")


STRICT = {
    "provider": "animatic",
    "model": "*",
    "shot_seconds": {"least": 1, "most": 5},
    "total_seconds": {"least": 3, "most": 15},
    "as_of": "2026-11-01",
}


def test_lint_tells_every_fault_and_costs_nothing(shell: Shell) -> None:
    """Are all faults of all sequences told, for people and programs, with exit code 2, and nothing when all is well?"""
    one_line(shell("lint"), 0, "SEQ01: ok", "animatic/animatic: limits as of")
    shell.configure(shot_limits=[STRICT])
    shell.write("SEQ01", "SEQ02", elements=["nobody"])
    document = json.loads(shell.document.read_text())
    document["sequences"]["SEQ01"]["elements"] = []
    shell.document.write_text(json.dumps(document))
    said = shell("lint")
    assert said.code == 2
    assert said.out.splitlines()[1:] == [
        "SEQ01: shots[0].seconds: 0.25 s, a shot takes 1 to 5 s, whole seconds (e.g. 3 s)",
        "SEQ01: shots: 0.25 s in all, a take has 3 to 15 s, whole seconds (e.g. 3 s)",
        "SEQ02: elements: unknown element '@nobody' (there is no element here yet)",
    ]
    told = json.loads(shell("lint", "SEQ01", "--json").out)
    assert told["schema"] == "starsend.lint/1"
    (row,) = told["sequences"]
    assert [fault["path"] for fault in row["faults"]] == ["shots[0].seconds", "shots"]
    one_line(shell("lint", "SEQ1"), 2, "SEQ1", "Did you mean SEQ01")
    assert shell.calls() == []
    assert json.loads(shell.document.read_text()) == document


def test_lint_says_where_no_limits_are_known(shell: Shell) -> None:
    """Does a model that nobody has described pass with a word about it, and none is looked for in vain?"""
    shell.configure(video={"provider": "farm", "model": "new"})
    one_line(shell("lint"), 0, "farm/new: no limits are known", "SEQ01: ok")
    assert json.loads(shell("lint", "--json").out)["limits"] is None


def test_a_refused_sequence_goes_on_when_the_config_is_mended(shell: Shell) -> None:
    """Does `starsend grid` pay for nothing under limits that forbid the take, and draw once they are gone?"""
    shell.configure(shot_limits=[STRICT])
    one_line(shell("grid"), 2, "SEQ01", "animatic/animatic would refuse this take", "shots[0].seconds")
    assert shell.calls() == []
    shell.configure()
    assert shell("grid").code == 0
    assert shell.calls() == ["SEQ01_grid"]


def test_the_house_line_pays_for_no_frame_whose_take_cannot_be_made(shell: Shell) -> None:
    """Is a shot of a quarter of a second refused before its start frame is drawn?"""
    shell.configure(shot_limits=[STRICT])
    shots = [{"id": "SH010", "prompt": "a lighthouse", "seconds": 0.25, "aspect_ratio": "1:1"}]
    (shell.project / "shots.json").write_text(json.dumps({"shots": shots}))
    said = shell("pipeline")
    assert (said.code, shell.calls()) == (2, [])
    assert "would refuse this take" in said.out


def test_a_long_sequence_is_split_when_asked(shell: Shell) -> None:
    """Does `generate --split` make the takes of a sequence that is too long for one, and is the wish kept in the brief?"""
    shell.write("SEQ01", shots=[{"prompt": f"shot {n}", "seconds": 1} for n in (1, 2, 3)])
    assert shell("grid").code == 0
    shell.configure(shot_limits=[{**STRICT, "shots": 2, "total_seconds": {"least": 1, "most": 3}}])
    assert shell("pick", "SEQ01", "1").code == 0
    one_line(shell("generate", "SEQ01"), 2, "SEQ01", "3 shots, at most 2")
    one_line(shell("generate", "--split"), 2, "--split takes the names")
    assert shell("generate", "SEQ01", "--split").code == 0
    sequence = json.loads(shell.document.read_text())["sequences"]["SEQ01"]
    assert (sequence["split"], sequence["grid_state"]) == (True, "done")
    assert [part["shots"] for part in sequence["take"]["parts"]] == [2, 1]
    assert shell("lint").code == 0
    assert shell("generate", "SEQ01", "--split").code == 0
    assert shell.calls() == ["SEQ01_grid", "SEQ01", "SEQ01"]
