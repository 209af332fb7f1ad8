"""Is what ops are given sound: a Dockerfile by hadolint's main rules, and a systemd unit whose times fit ours?"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

import pytest

from starsend.sections import DaemonSettings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
Instruction = tuple[str, str]


def instructions(text: str) -> list[Instruction]:
    """Each instruction with its words, comments left out and lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        (word.upper(), rest.strip())
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def pinned(found: list[Instruction]) -> bool:
    images = [rest.split()[0] for word, rest in found if word == "FROM"]
    return bool(images) and all(":" in image and not image.endswith(":latest") for image in images)


def last_stage(found: list[Instruction]) -> list[Instruction]:
    begin = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    return found[begin:]


def not_root(found: list[Instruction]) -> bool:
    users = [rest.split(":")[0] for word, rest in last_stage(found) if word == "USER"]
    return bool(users) and users[-1].isdecimal() and users[-1] != "0"


def no_add(found: list[Instruction]) -> bool:
    return all(word != "ADD" for word, _ in found)


def clean_apt(found: list[Instruction]) -> bool:
    runs = [rest for word, rest in found if word == "RUN" and "apt-get install" in rest]
    return all("--no-install-recommends" in run and "rm -rf /var/lib/apt/lists" in run for run in runs)


def known_stages(found: list[Instruction]) -> bool:
    stages = [rest.split()[-1] for word, rest in found if word == "FROM" and " AS " in rest]
    sources = [m for word, rest in found if word == "COPY" for m in re.findall(r"--from=(\S+)", rest)]
    return all(source in stages for source in sources)


def exec_form(found: list[Instruction]) -> bool:
    commands = [rest for word, rest in found if word in ("ENTRYPOINT", "CMD")]
    return bool(commands) and all(
        isinstance(json.loads(c) if c.startswith("[") else "", list) for c in commands
    )


def healthcheck(found: list[Instruction]) -> bool:
    return any(word == "HEALTHCHECK" and "/healthz" in rest for word, rest in last_stage(found))


def absolute_workdir(found: list[Instruction]) -> bool:
    return all(rest.startswith("/") for word, rest in found if word == "WORKDIR")


def no_secrets(found: list[Instruction]) -> bool:
    named = " ".join(rest for word, rest in found if word in ("ENV", "ARG"))
    return not re.search(r"(KEY|TOKEN|SECRET|PASSWORD)\s*=", named, re.IGNORECASE)


def sources_there(found: list[Instruction]) -> bool:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [line[1:] for line in ignored if line.startswith("!")]
    copied = [shlex.split(rest)[:-1] for word, rest in found if word == "COPY" and "--from" not in rest]
    return all(
        (ROOT / s).exists() and any(fnmatch(s, k) for k in kept) for sources in copied for s in sources
    )


RULES: list[tuple[Callable[[list[Instruction]], bool], str]] = [
    (pinned, 'FROM python\nUSER 1\nCMD ["x"]'),
    (pinned, "FROM python:latest"),
    (not_root, "FROM python:3.13"),
    (not_root, "FROM python:3.13\nUSER 10001\nUSER root"),
    (no_add, "FROM python:3.13\nADD . /x"),
    (clean_apt, "FROM python:3.13\nRUN apt-get update && \\\n  apt-get install -y ffmpeg"),
    (known_stages, "FROM python:3.13 AS one\nCOPY --from=two /a /a"),
    (exec_form, "FROM python:3.13\nCMD starsend daemon"),
    (healthcheck, "FROM python:3.13"),
    (absolute_workdir, "FROM python:3.13\nWORKDIR build"),
    (no_secrets, "FROM python:3.13\nENV GEMINI_API_KEY=abc"),
    (sources_there, "FROM python:3.13\nCOPY tests /tests"),
    (sources_there, "FROM python:3.13\nCOPY nowhere /nowhere"),
]


@pytest.mark.parametrize(("rule", "broken"), RULES, ids=lambda value: getattr(value, "__name__", None))
def test_the_dockerfile_keeps_the_rules(rule: Callable[[list[Instruction]], bool], broken: str) -> None:
    """Does ours keep each rule, and does the rule catch a Dockerfile that does not?"""
    assert rule(instructions(DOCKERFILE))
    assert not rule(instructions(broken))


def test_projects_lie_on_a_volume_and_nothing_else_is_written() -> None:
    """Can the root file system be read-only?"""
    found = dict(last_stage(instructions(DOCKERFILE)))
    assert found["VOLUME"] == "/srv/starsend/projects"
    assert "PYTHONDONTWRITEBYTECODE=1" in found["ENV"]
    assert found["STOPSIGNAL"] == "SIGTERM"


def test_the_units_times_fit_ours() -> None:
    """Does systemd wait for our grace, and expect no more beats than we give?"""
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "deploy" / "starsend.service")
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert int(service["TimeoutStopSec"]) > DaemonSettings().grace_seconds
    assert int(service["WatchdogSec"]) >= 10
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["ExecStart"].split()[-1] == "daemon"
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] in service["ExecStart"]
