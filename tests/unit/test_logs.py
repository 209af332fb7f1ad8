"""Is a log one JSON line an event, at the right level, and never a place to find a key?"""

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from client_async.logs import LONGEST_VALUE, REDACTED, Redactor, configure_logs, line_for_people

KEY = "sk-live-0123456789"


class Terminal(io.StringIO):
    """A stream that people watch."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    return KEY


def logged(write: Callable[[Any], None], *, debug: bool = False) -> list[dict[str, Any]]:
    """The lines that ``write`` leaves on a stream that is no terminal."""
    stream = io.StringIO()
    configure_logs(debug=debug, stream=stream)
    write(structlog.get_logger())
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def test_each_event_is_one_json_line() -> None:
    """Is every event a line of its own with the same fields, whatever its text holds?"""

    def write(log: Any) -> None:
        log.info("step_submitted", handle="a\nb", cost="0.05")
        log.warning("step_failed", path=Path("media/x.png"), attempt=2, ok=False, none=None, part=0.5)

    first, second = logged(write)
    assert (first["event"], first["level"], first["handle"], first["cost"]) == (
        "step_submitted",
        "info",
        "a\nb",
        "0.05",
    )
    assert datetime.fromisoformat(first["timestamp"]).tzinfo is not None
    assert (second["path"], second["attempt"], second["ok"], second["none"], second["part"]) == (
        "media/x.png",
        2,
        False,
        None,
        0.5,
    )


def test_what_is_bound_goes_along() -> None:
    """Do project and sequence stand on every line written while they are bound?"""

    def write(log: Any) -> None:
        with structlog.contextvars.bound_contextvars(project="job", sequence="SEQ01"):
            log.info("a")
        log.info("b")

    first, second = logged(write)
    assert (first["project"], first["sequence"]) == ("job", "SEQ01")
    assert "project" not in second


@pytest.mark.parametrize(
    ("debug", "levels"),
    [(False, ["info", "warning", "error"]), (True, ["debug", "info", "warning", "error"])],
)
def test_the_level_is_info_unless_debug_is_asked_for(debug: bool, levels: list[str]) -> None:
    """Does a service log from info on, and everything with --debug?"""

    def write(log: Any) -> None:
        for level in ("debug", "info", "warning", "error"):
            getattr(log, level)("x")

    assert [line["level"] for line in logged(write, debug=debug)] == levels


@pytest.mark.parametrize(("debug", "lines"), [(False, 1), (True, 3)])
def test_a_terminal_gets_warnings_for_reading(debug: bool, lines: int) -> None:
    """Is a person at a terminal spared all but warnings, and JSON?"""
    stream = Terminal()
    configure_logs(debug=debug, stream=stream)
    log = structlog.get_logger()
    log.debug("polled")
    log.info("submitted")
    log.warning("step_failed", attempt=2)
    assert len(stream.getvalue().splitlines()) == lines
    assert ("step_failed" if debug else "step failed") in stream.getvalue()
    assert "{" not in stream.getvalue()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            {"event": "step_failed", "sequence": "SEQ1", "error": "no picture"},
            "  SEQ1: step failed: no picture",
        ),
        (
            {"event": "stamina.retry_scheduled", "sequence": "SEQ1", "wait_for": 17.0, "caused_by": "X()"},
            "  SEQ1: the vendor said not now, trying again in 17 s",
        ),
        ({"event": "stopping"}, "  stopping"),
    ],
)
def test_a_person_reads_what_happened_to_whom(event: dict[str, object], line: str) -> None:
    """Is a warning one plain line?"""
    assert line_for_people(None, "warning", event) == line


# ------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    "name",
    [
        "GEMINI_API_KEY",
        "FAL_KEY",
        "HF_TOKEN",
        "KLING_SECRET",
        "db_password",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ],
)
def test_the_value_of_a_telling_variable_is_taken_out(name: str) -> None:
    """Is a key from the environment redacted wherever it stands in a text?"""
    clean = Redactor({name: KEY})(None, "info", {"event": f"GET /v1?key={KEY}&x=1", "error": f"{KEY}{KEY}"})
    assert clean == {"event": f"GET /v1?key={REDACTED}&x=1", "error": REDACTED * 2}


def test_a_key_in_a_file_is_taken_out_too(tmp_path: Path) -> None:
    """Is the key redacted that a variable names the file of; and is a file that is not there no trouble?"""
    (tmp_path / "key").write_text(f"{KEY}\n")
    files = {"FAL_KEY_FILE": str(tmp_path / "key"), "HF_TOKEN_FILE": "/nowhere/at/all", "X_KEY_FILE": "a\0b"}
    assert Redactor(files)(None, "info", {"event": f"no {KEY}"}) == {"event": f"no {REDACTED}"}


@pytest.mark.parametrize(
    "name", ["api_key", "KEY", "access_token", "Authorization_Token", "password", "client_secret"]
)
@pytest.mark.parametrize("value", [KEY, "x", 42, None, ["a"], {"a": 1}])
def test_a_telling_field_is_taken_out(name: str, value: object) -> None:
    """Is a field with a telling name redacted, whatever it holds?"""
    assert Redactor({})(None, "info", {"event": "e", name: value}) == {"event": "e", name: REDACTED}


@pytest.mark.parametrize(
    "value",
    [
        {"headers": {"x-goog-api-key": KEY, "accept": "json"}},
        {"url": [f"https://v/?k={KEY}"]},
        (KEY, "b"),
        ValueError(f"401 for {KEY}"),
        Path("/keys") / KEY,
        {KEY: 1},
        KEY.encode(),
    ],
    ids=["headers", "list", "tuple", "exception", "path", "as a key", "bytes"],
)
def test_a_key_hides_nowhere(key: str, value: object) -> None:
    """Is a key found inside lists, maps and objects too?"""
    assert key not in json.dumps(logged(lambda log: log.info("e", value=value)))


def fail(log: Any, key: str) -> None:
    """Log an error whose text and whose local variables hold a key."""
    header = f"Bearer {key}"
    try:
        int(header)
    except ValueError:
        log.exception("step_failed")


def test_a_traceback_tells_no_key(key: str) -> None:
    """Is an error's traceback logged, whole, on one line, without the key it quotes?"""
    (line,) = logged(lambda log: fail(log, key))
    assert f"invalid literal for int() with base 10: 'Bearer {REDACTED}'" in line["exception"]
    assert key not in json.dumps(line)


def test_a_traceback_on_a_terminal_tells_no_key(key: str) -> None:
    """Is a key kept off the screen too, where a pretty traceback would show it among the locals?"""
    stream = Terminal()
    configure_logs(debug=True, stream=stream)
    fail(structlog.get_logger(), key)
    assert "invalid literal" in stream.getvalue()
    assert key not in stream.getvalue()


def test_a_terminal_is_told_what_the_daemon_does(tmp_path: Path) -> None:
    """Does whoever starts it by hand see that it began, over what, and that a take is ready?"""
    client = tmp_path / "projects" / "job" / "state" / "client"
    client.mkdir(parents=True)
    brief = {"prompt": "a harbour", "aspect_ratio": "1:1", "shots": [{"prompt": "gulls", "seconds": 0.25}]}
    (client / "sequences.json").write_text(json.dumps({"sequences": {"SEQ01": brief}}))
    (client / "picks").mkdir()
    ours, theirs = pty.openpty()
    small = {"STARSEND_IMAGE__SIZE": "1K", "STARSEND_VIDEO__RESOLUTION": "480p", "STARSEND_DAEMON__PORT": "0"}
    command = [sys.executable, "-m", "client_async.client_generate", "daemon"]
    with subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **small}, stderr=theirs) as daemon:
        os.close(theirs)
        with open(ours, errors="replace") as screen:  # noqa: PTH123 - a descriptor
            try:
                assert "watching projects: job; metrics at http://127.0.0.1:" in screen.readline()
                assert any("job SEQ01: g1 is ready" in line for line in screen)
                (client / "picks" / "SEQ01.pick").write_text("2")
                assert any("job SEQ01: the take is ready" in line for line in screen)
            finally:
                daemon.kill()


def test_a_secret_that_begins_another_is_no_help() -> None:
    """Does the longer of two keys go first, so that no end of it stays?"""
    clean = Redactor({"A_KEY": "abcdefgh", "B_KEY": "abcdefghIJKL"})(None, "info", {"event": "abcdefghIJKL"})
    assert clean == {"event": REDACTED}


@pytest.mark.parametrize("environ", [{"PATH": KEY}, {"KEYBOARD": KEY}, {"A_KEY": "short"}, {"A_KEY": ""}])
def test_other_values_stay_readable(environ: dict[str, str]) -> None:
    """Are other variables, and values too short to be a key, left in the text?"""
    event = {"event": f"{KEY} short", "step": "SEQ01-a1-ff", "keyframe": "k.png"}
    assert Redactor(environ)(None, "info", dict(event)) == event


# --------------------------------------------------------------------------------------- odd values


@pytest.mark.parametrize("length", [LONGEST_VALUE, LONGEST_VALUE + 1, 100_000])
def test_long_values_are_cut(length: int) -> None:
    """Is a prompt of kilobytes cut, and what is just short enough kept?"""
    (line,) = logged(lambda log: log.info("e", prompt="p" * length))
    assert line["prompt"] == "p" * LONGEST_VALUE + ("..." if length > LONGEST_VALUE else "")


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "path"]),
        st.recursive(
            st.none() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.datetimes(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.integers() | st.text(), inner, max_size=3)
            ),
            max_leaves=5,
        ),
    )
)
def test_no_value_is_too_odd_to_be_logged(fields: dict[str, Any]) -> None:
    """Whatever is logged: does a line come out, and no error into the work it tells of?"""
    assert len(logged(lambda log: log.info("e", **fields))) == 1


@pytest.mark.parametrize("value", ["\ud800.pick", 2**80, {"deep": {"\udfff": 2**70}}, {1: "a"}])
def test_a_value_json_has_trouble_with_is_logged(value: object) -> None:
    """Are a file name that is no text, and a number past 64 bits, lines like others?"""
    (line,) = logged(lambda log: log.info("e", value=value))
    assert "value" in line
