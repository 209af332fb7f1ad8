"""Are the documents true? Their commands run, their snippets parse, their lists are complete."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from client_async import recovery_view, state_diagram, status_view
from client_async.budget_view import budget_row
from client_async.cost_report import Booked, Finished, ProjectCosts, Spend, as_json
from client_async.estimates import Basis, Estimate, Range, Record, rates_of
from client_async.estimates import as_json as estimate_json
from client_async.findings import Finding, Report
from client_async.projects import Place
from client_async.provider_rows import provider_rows
from client_async.schemas import MODELS, schema_file
from client_async.sequences import Sequences
from client_async.shot_check import LintReport
from client_async.states import GridState
from client_async.step_executor import Load
from starsend.config import Settings
from starsend.documents import parse_document
from starsend.elements import ElementFile
from starsend.orchestrator.open_cases import Case
from starsend.orchestrator.records import Spending, Step
from starsend.pipeline import ShotList
from starsend.pricing import PriceTable
from starsend.shot_limits import LimitTable
from starsend.shot_lint import Fault
from starsend.vendor_gates import GateState, Hold

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text()
README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def blocks(text: str, kind: str) -> list[str]:
    """The fenced blocks of one kind, in order."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    lines = "".join(blocks(text, "sh")).splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("starsend ")]


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_the_commands_run_in_order(page: str, tmp_path: Path) -> None:
    """Can a reader type every command of the page, in an empty folder, and be done?"""
    environ = {**os.environ, "STARSEND_IMAGE__SIZE": "1K", "STARSEND_VIDEO__RESOLUTION": "360p"}
    found = commands((ROOT / page).read_text())
    assert len(found) >= 6
    for command in found:
        done = subprocess.run(
            [sys.executable, "-m", "client_async.client_generate", *command[1:]],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        if command[1] == "init":  # and then the reader edits the example, as the page says
            (brief,) = tmp_path.glob("projects/*/state/client/sequences.json")
            brief.write_text(brief.read_text().replace('"deleted": true', '"deleted": false'))


def test_the_script_runs_and_is_free_the_second_time(tmp_path: Path) -> None:
    """Is the guide's script a program?"""
    (script,) = blocks(GUIDE, "python")
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    said = [run.stdout.splitlines()[-1] for run in runs]
    assert said[0] == said[1]
    assert said[0].endswith(".mp4 24")
    book = tmp_path / "projects" / "script" / "state" / "providers" / "animatic" / "calls.jsonl"
    assert len(book.read_text().splitlines()) == 2


def test_the_two_commands_of_the_readme_are_make_targets() -> None:
    """Does the README's first block name what the Makefile has?"""
    targets = re.findall(r"^make (\w+)", blocks(README, "sh")[0], re.MULTILINE)
    assert targets == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pytest.mark.parametrize(
    ("kind", "model"),
    [("sequences", Sequences), ("element", ElementFile), ("config", Settings), ("shots", ShotList)],
)
def test_the_guides_documents_are_valid(kind: str, model: type[Any]) -> None:
    """Does what the guide shows pass our own checks?"""
    (shown,) = blocks(GUIDE, f"json {kind}")
    parse_document(model, json.loads(shown), "docs/guide.md")


def keys(value: object) -> object:
    """A JSON value with everything but its keys taken out."""
    if isinstance(value, dict):
        return {name: keys(inner) for name, inner in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value else None


def test_the_guides_json_shapes_are_what_the_commands_print() -> None:
    """Is the documented shape of status, lint, costs and the doctor the real one?"""
    (status,) = blocks(GUIDE, "json status")
    stands = Spending(cap="project", of="spring", spent=Decimal(1), reserved=Decimal(0))
    row = budget_row(stands, Decimal(2), Place(Path(), "spring"))
    assert keys(json.loads(status)) == keys(
        status_view.as_json({"spring": {"SEQ01": {}}}, {"spring": [row]}, _providers())
    )
    (lint,) = blocks(GUIDE, "json lint")
    fault = Fault("shots[1].seconds", "2.5 s", "e.g. 3, 2 s")
    limits = LimitTable().find("kling", "kling-v3")
    linted = LintReport("spring", "kling/kling-v3", limits, {"SEQ01": [fault]})
    assert keys(json.loads(lint)) == keys(linted.as_json())
    (costs,) = blocks(GUIDE, "json costs")
    spent = Booked("SEQ01", "picked", "fal/m", "2026-11-23", Spend(Decimal("0.5")))
    report = ProjectCosts("spring", ["SEQ01"], [spent], Finished(1, Decimal(5)))
    assert keys(json.loads(costs)) == keys(as_json([report], None, None))
    (doctor,) = blocks(OPERATIONS, "json doctor")
    assert keys(json.loads(doctor)) == keys(Report((Finding("ok", "studio", "config", "read"),)).as_json())
    (recovery,) = blocks(GUIDE, "json recovery")
    step = Step(
        **dict.fromkeys(("step_key", "shot_id", "sequence", "provider", "model"), "SEQ01"),
        kind="multi_shot",
        attempt=1,
        state="unknown",
        request={},
        handle=None,
        error_kind=None,
        error=None,
        created_at=datetime.now(UTC),
        updated_at=datetime.now(UTC),
    )
    case = Case(step=step, may_cost=Decimal(1), until=None, held=False, broken=None)
    assert keys(json.loads(recovery)) == keys(recovery_view.as_json({"spring": [case]}))
    (estimate,) = blocks(GUIDE, "json estimate")
    rates, _ = rates_of(Settings())
    assert rates is not None
    basis = Basis(rates, Record(0, 0), 3)
    told = Estimate("SEQ01", 3, Decimal(5), Range(), Decimal(0), Decimal(0))
    assert keys(json.loads(estimate)) == keys(estimate_json("spring", [told], basis))


def _providers() -> list[dict[str, Any]]:
    hold = Hold("capacity", "full", left=1, lasting=1)
    return provider_rows({"kling": Load(4, 1, 0)}, {"kling": 7}, [GateState("kling", 30, 4, hold)])


def test_every_state_is_explained() -> None:
    """Does the guide name each state a sequence can be in?"""
    states = GridState.__args__  # type: ignore[attr-defined]
    assert [state for state in states if f"`{state}`" not in GUIDE] == []


def test_every_log_event_is_listed() -> None:
    """Is the table of events complete, with the right levels?"""
    listed = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", OPERATIONS, re.MULTILINE))
    logged = {}
    for package in ("starsend", "client_async"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    owner, level = node.func.value, node.func.attr
                    if isinstance(owner, ast.Name) and owner.id == "log":
                        name = node.args[0]
                        assert isinstance(name, ast.Constant)
                        logged[name.value] = level
    assert listed == logged


@pytest.mark.parametrize("name", MODELS)
def test_the_shipped_schemas_are_current(name: str) -> None:
    """Does the sample project carry the schemas of this version? (`make schemas` writes them.)"""
    assert (ROOT / "projects" / "demo" / "schemas" / f"{name}.schema.json").read_bytes() == schema_file(name)


def test_the_page_of_states_is_current() -> None:
    """Is docs/states.md what the code says? (`make docs` writes it.)"""
    assert (ROOT / "docs" / "states.md").read_text() == state_diagram.page()


def test_links_between_documents_lead_somewhere() -> None:
    """Is there a file behind every relative link?"""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_pages_that_the_code_names_are_there() -> None:
    """Can a reader open every page that a comment, a test or a decision cites?"""
    sources = [
        path
        for folder in ("starsend", "client_async", "tests", "bench", "docs")
        for path in (ROOT / folder).rglob("*")
    ]
    for source in sources:
        if source.suffix in {".py", ".md"} and source != Path(__file__):
            for name in re.findall(r"[\w./-]*\w\.md\b", source.read_text()):
                found = (ROOT / name, ROOT / "docs" / name, source.parent / name)
                assert any(path.exists() for path in found), f"{source}: {name}"


def test_the_costs_of_the_live_smoke_are_the_tables() -> None:
    """Does the page say what its calls cost at the shipped prices?"""
    page = (ROOT / "docs" / "live-smoke.md").read_text()
    rows = re.findall(r"^\|[^|]+\| (\w+) \| (\S+) \| (\w+) \| (\d+) \| \$([\d.]+) \|$", page, re.MULTILINE)
    assert len(rows) == page.count("| $")
    assert len(rows) >= 3
    for provider, model, variant, units, cost in rows:
        assert PriceTable().charge(provider, model, variant, Decimal(units)).amount == Decimal(cost)


def test_imports_run_downward() -> None:
    """Are the import contracts kept, with no exemption?"""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "ignore_imports" not in (ROOT / "pyproject.toml").read_text()
