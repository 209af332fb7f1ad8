"""Does the doctor find what would stop the work, say what to do, spend nothing, leave nothing and tell no secret?"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from datetime import timedelta
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from client_async.doctor import examine
from client_async.findings import FREE, Finding, Report
from client_async.new_project import make_project
from starsend.clock import SystemClock
from starsend.providers import fal_calls, gemini, kling, omni
from starsend.providers.needs import NEEDS
from tests.conftest import ManualClock
from tests.standins.warm import run_command
from tests.standins.wire import Call, Phase, Reply, StandIn, closed_port

SECRET = "planted-secret-0123456789"
PROXY_PASSWORD = "planted-proxy-password"


class Anybody(StandIn):
    """A host that answers whatever it is asked with 404, and bills whatever is not a look."""

    def phase(self, call: Call) -> Phase:
        return "find" if call.method in ("HEAD", "GET") else "submit"

    def answer(self, phase: Phase, call: Call) -> Reply:
        if phase == "submit":
            self.bill.append(call.path)
        return Reply(404, b"{}")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A studio with one new project, ``job``, and no key or proxy in the environment."""
    for name in list(os.environ):
        if name.upper().endswith(("_KEY", "_KEY_FILE", "_PROXY")) or name.startswith("STARSEND_"):
            monkeypatch.delenv(name)
    make_project(tmp_path, "job", None)
    return tmp_path


@pytest.fixture
def job(root: Path) -> Path:
    return root / "projects" / "job"


def configure(root: Path, **settings: object) -> None:
    (root / "starsend_config.json").write_text(json.dumps(settings))


def films_with_fal(root: Path, base_url: str) -> None:
    video = {"provider": "fal", "model": "kling-video/v3/pro"}
    configure(root, video=video, fal={"base_url": base_url})


def found(report: Report, of: str, check: str) -> Finding:
    (one,) = [one for one in report.findings if (one.of, one.check) == (of, check)]
    return one


def tree(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in root.rglob("*")}


def doctor(root: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The real command."""
    return run_command(root, "doctor", *words, **environ)


def test_a_healthy_project_passes_and_is_left_as_it_was(root: Path) -> None:
    """Is everything ok with the animatic, one line a check, exit 0, and not a file more or less?"""
    before = tree(root)
    said = doctor(root)
    assert said.returncode == 0, said.stdout + said.stderr
    lines = said.stdout.splitlines()
    assert [line for line in lines if line.startswith("  ") and not line.startswith("  ok ")] == []
    assert {"studio", "provider animatic", "project job"} <= set(lines)
    assert lines[-1] == f"0 failed, 0 to look at; {FREE}"
    assert tree(root) == before


def test_programs_get_json(root: Path) -> None:
    """Does `--json` say the same, and the exit code too?"""
    configure(root, image={"provider": "gemini", "model": "nobody"})
    said = doctor(root, "--json", "-p", "job", HTTPS_PROXY=closed_port())
    document = json.loads(said.stdout)
    assert said.returncode == 1
    assert (document["schema"], document["spent"]) == ("starsend.doctor/1", "0")
    failed = {(one["of"], one["check"]) for one in document["findings"] if one["level"] == "fail"}
    assert failed == {("provider gemini", "key"), ("provider gemini", "host"), ("project job", "prices")}
    assert document["failed"] == sum(one["level"] == "fail" for one in document["findings"])
    assert all(one["remedy"] for one in document["findings"] if one["level"] == "fail")


def test_a_missing_key_is_named_once_for_all_projects(root: Path) -> None:
    """Is it told which variable to set, once, however many projects need it?"""
    make_project(root, "other", None)
    with Anybody() as host:
        films_with_fal(root, host.url)
        report = examine(root, [], SystemClock())
        assert len(host.calls) == 1
    key = found(report, "provider fal", "key")
    assert key.level == "fail"
    assert "FAL_KEY" in key.remedy


def test_a_key_that_everybody_may_read(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a world-readable key file a warning, and a private one not worth a word?"""
    file = tmp_path / "key"
    file.write_text(SECRET)
    monkeypatch.setenv("FAL_KEY_FILE", str(file))
    with Anybody() as host:
        films_with_fal(root, host.url)
        file.chmod(0o644)
        told = examine(root, [], SystemClock())
        file.chmod(0o600)
        quiet = examine(root, [], SystemClock())
    assert found(told, "provider fal", "key").level == "ok"
    assert found(told, "provider fal", "key file").level == "warn"
    assert "key file" not in {one.check for one in quiet.findings}


def test_a_host_that_nobody_reaches(root: Path) -> None:
    """Does a refused connection fail, with what to look at?"""
    films_with_fal(root, closed_port())
    host = found(examine(root, [], SystemClock()), "provider fal", "host")
    assert host.level == "fail"
    assert "fal.base_url" in host.remedy


def test_a_gateway_without_its_vendor(root: Path) -> None:
    """Is a proxy that answers for a vendor who is away told from the vendor?"""

    class Gateway(Anybody):
        def answer(self, phase: Phase, call: Call) -> Reply:
            return Reply(502)

    with Gateway() as host:
        films_with_fal(root, host.url)
        assert found(examine(root, [], SystemClock()), "provider fal", "host").level == "warn"


@pytest.mark.parametrize(
    ("ahead", "level", "said"),
    [(0, "ok", "agrees"), (3600, "warn", "ahead of"), (-3600, "warn", "behind")],
)
def test_the_clock_is_compared_for_free(
    root: Path, clock: ManualClock, ahead: int, level: str, said: str
) -> None:
    """Is a clock that is an hour off told, by one HEAD without a key, and nothing that a vendor would bill?"""
    clock.time = SystemClock().now() + timedelta(seconds=ahead)
    with Anybody() as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAL_KEY", SECRET)
        films_with_fal(root, f"{host.url}/behind/a/path")
        report = examine(root, [], clock)
    told = found(report, "provider fal", "clock")
    assert (told.level, said in told.what) == (level, True)
    assert found(report, "provider fal", "host").level == "ok"
    assert host.bill == []
    ((_, call),) = host.calls
    assert (call.method, call.path, call.body) == ("HEAD", "/", b"")
    assert SECRET not in str(call)


def test_a_cached_date_is_no_wrong_clock(root: Path, clock: ManualClock) -> None:
    """Is the age that a cache tells added to the date?"""

    class Cache(Anybody):
        def answer(self, phase: Phase, call: Call) -> Reply:
            return Reply(200, headers={"age": "3600"})

    clock.time = SystemClock().now() + timedelta(hours=1)
    with Cache() as host:
        films_with_fal(root, host.url)
        assert found(examine(root, [], clock), "provider fal", "clock").level == "ok"


@pytest.mark.parametrize("name", ["media", "state"])
def test_a_folder_that_cannot_be_written(root: Path, job: Path, name: str) -> None:
    """Does a file where a folder should be fail, rather than a take at its landing?"""
    if (job / name).exists():
        (job / name).rename(job / "elsewhere")
    (job / name).write_text("in the way")
    folder = found(examine(root, [], SystemClock()), "project job", name)
    assert folder.level == "fail"
    assert str(job / name) in folder.what


def test_a_broken_ledger(root: Path, job: Path) -> None:
    """Is a ledger that is no database a failure, and not touched?"""
    ledger = job / "state" / "execution.db"
    ledger.write_bytes(b"no database" * 1000)
    told = found(examine(root, [], SystemClock()), "project job", "ledger")
    assert (told.level, "backup" in told.remedy) == ("fail", True)
    assert sorted(path.name for path in ledger.parent.iterdir()) == ["client", "execution.db"]


def test_a_ledger_with_a_torn_page(root: Path, job: Path) -> None:
    """Is damage inside a real ledger found, which opening it alone would not show?"""
    make_ledger(root)
    ledger = job / "state" / "execution.db"
    assert "schema" in found(examine(root, [], SystemClock()), "project job", "ledger").what
    pages = bytearray(ledger.read_bytes())
    pages[2 * 4096 + 8 : 3 * 4096] = b"\xff" * (4096 - 8)
    ledger.write_bytes(pages)
    assert found(examine(root, [], SystemClock()), "project job", "ledger").level == "fail"


def test_another_projects_ledger(root: Path, job: Path) -> None:
    """Is a ledger that is missing while the brief cites takes told?"""
    document = json.loads((job / "state" / "client" / "sequences.json").read_text())
    verdict = {"ok": False, "reason": "no_grid", "explanation": "one picture"}
    grid = {"grid": "g1", "round": 1, "via": "model", "takes": ["gone"], "verdict": verdict, "at": "today"}
    document["sequences"]["SEQ01"]["grid_history"] = [grid]
    (job / "state" / "client" / "sequences.json").write_text(json.dumps(document))
    told = found(examine(root, [], SystemClock()), "project job", "ledger")
    assert (told.level, "cite" in told.what) == ("fail", True)


def make_ledger(root: Path) -> None:
    """As the first run does."""
    from client_async.ledger import open_store
    from client_async.projects import place_of
    from starsend.config import load_settings

    place = place_of(root, "job")
    with open_store(place, load_settings(root, place.folder), SystemClock()):
        pass


def test_a_model_without_price_or_limits(root: Path) -> None:
    """Is an unpriced model a failure, and one whose limits nobody knows a warning?"""
    configure(root, video={"provider": "fal", "model": "nobody"}, fal={"base_url": closed_port()})
    report = examine(root, [], SystemClock())
    assert "fal/nobody" in found(report, "project job", "prices").what
    assert found(report, "project job", "prices").level == "fail"
    assert found(report, "project job", "limits").level == "warn"


def test_a_provider_that_is_not_there(root: Path) -> None:
    """Is a misspelt provider named with the nearest, and one that films not taken for one that draws?"""
    configure(root, image={"provider": "animatik"})
    assert "animatic" in found(examine(root, [], SystemClock()), "provider animatik", "key").remedy
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAL_KEY", SECRET)
        configure(root, image={"provider": "fal", "model": "x"}, fal={"base_url": closed_port()})
        assert "draws no pictures" in found(examine(root, [], SystemClock()), "provider fal", "key").what


def test_settings_that_cannot_be_read_stop_no_other_check(root: Path, job: Path) -> None:
    """Is a broken config one failure, with the disk still looked at?"""
    (job / "starsend_config.json").write_text('{"vidio": {}}')
    report = examine(root, [], SystemClock())
    assert "vidio" in found(report, "project job", "config").what
    assert found(report, "project job", "disk").level == "ok"
    assert report.count("fail") == 1


def test_a_brief_that_cannot_be_read(root: Path, job: Path) -> None:
    """Is a slip in the brief told as the brief's alone, with its place?"""
    (job / "state" / "client" / "sequences.json").write_text('{"sequences": {"SEQ01": {"prompt": 7}}}')
    report = examine(root, [], SystemClock())
    assert "sequences.SEQ01.prompt" in found(report, "project job", "brief").what
    assert report.count("fail") == 1


def test_who_works_on_the_project_is_said(root: Path, job: Path) -> None:
    """Does it tell a running daemon from none?"""
    lock = job / "state" / "driver.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("daemon 1")
        held.flush()
        assert "a daemon drives" in found(examine(root, [], SystemClock()), "project job", "daemon").what
    assert "none runs" in found(examine(root, [], SystemClock()), "project job", "daemon").what


def test_a_folder_whose_name_is_no_text(root: Path) -> None:
    """Is it named, for people and for programs, with the other projects looked at?"""
    Path(os.fsdecode(os.fsencode(root) + b"/projects/a\xff")).mkdir()
    told = [doctor(root), doctor(root, "--json")]
    assert [said.returncode for said in told] == [1, 1], told[1].stderr
    for said in told:
        assert "a\\udcff" in said.stdout.replace("\\\\", "\\")  # JSON doubles it
        assert "project job" in said.stdout


def test_a_link_that_leads_nowhere(root: Path, job: Path) -> None:
    """Is a media folder on a disk that is not mounted a failure, though its own folder can be written?"""
    (job / "media").symlink_to(root / "not mounted")
    assert found(examine(root, [], SystemClock()), "project job", "media").level == "fail"


def test_a_project_of_the_house_line_alone(root: Path, job: Path) -> None:
    """Does a project that has shots.json need no brief, and one that has neither one?"""
    (job / "state" / "client" / "sequences.json").unlink()
    assert found(examine(root, [], SystemClock()), "project job", "brief").level == "fail"
    (job / "shots.json").write_text('{"shots": []}')
    assert found(examine(root, [], SystemClock()), "project job", "brief").level == "ok"


def test_a_studio_without_projects(tmp_path: Path) -> None:
    """Does an empty folder get a hint, and no failure?"""
    report = examine(tmp_path, [], SystemClock())
    assert found(report, "studio", "projects").level == "warn"
    assert report.count("fail") == 0


@pytest.mark.parametrize("provider", sorted(NEEDS))
def test_no_secret_is_shown(
    root: Path, provider: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Are keys, a key in the wrong variable, and passwords of proxies and addresses in no output?"""
    section = {} if provider == "animatic" else {"base_url": f"http://user:{PROXY_PASSWORD}@127.0.0.1:9/"}
    configure(root, video={"provider": provider, "model": "x"}, **{provider: section})
    keys = NEEDS[provider].keys
    misplaced = {"GOOGLE_APPLICATION_CREDENTIALS": SECRET, **{f"{key}_FILE": SECRET for key in keys}}
    broken = dict.fromkeys(keys, f"{SECRET}\n{SECRET}")
    proxies = {"HTTP_PROXY": f"foo://user:{PROXY_PASSWORD}@127.0.0.1:9"}
    for environ in (dict.fromkeys(keys, SECRET), misplaced, {**broken, **proxies}):
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            report = examine(root, [], SystemClock())
        shown = "\n".join(report.lines(None)) + json.dumps(report.as_json()) + "".join(capfd.readouterr())
        assert f"provider {provider}" in shown
        assert SECRET not in shown
        assert PROXY_PASSWORD not in shown


def test_what_the_doctor_knows_of_providers_is_what_they_do() -> None:
    """Does its table name every provider of ours, and the addresses that they call?"""
    assert set(NEEDS) == {point.name for point in entry_points(group="starsend.providers")}
    assert NEEDS["kling"].address == kling.BASE_URL
    assert NEEDS["gemini"].address == gemini.ADDRESS
    assert NEEDS["omni"].address == omni.VENDOR
    assert NEEDS["fal"].address.removeprefix("https://") in fal_calls.HOSTS
    assert (NEEDS["gemini"].keys[0], NEEDS["omni"].keys[0]) == (gemini.KEY, omni.KEY)


@pytest.mark.parametrize("location", ["us-central1", "global"])
def test_where_veo_calls(location: str) -> None:
    """Is the host that Google's SDK makes of a location the one that is looked at?"""
    from google import genai
    from google.auth.credentials import AnonymousCredentials

    client = genai.Client(
        vertexai=True,
        project="studio",
        location=location,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
    )
    theirs = client._api_client._http_options.base_url
    assert theirs is not None
    assert theirs.rstrip("/") == NEEDS["veo"].address_with({"location": location, "base_url": None})


def test_it_fits_a_terminal_of_80_columns(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is every line within 80 columns, with what is folded set under what it belongs to?"""
    films_with_fal(root, closed_port())
    monkeypatch.chdir(root)
    lines = examine(Path(), [], SystemClock()).lines(80)
    assert max(map(len, lines)) <= 80
    assert any(line.startswith(" " * 18) for line in lines)
