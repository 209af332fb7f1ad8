"""Can a person decide about a lost call, and does each decision cost exactly what it says?"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import rich.console

from client_async import production, recovery, recovery_view
from client_async.driver_lock import ProjectBusy, sole_driver
from client_async.house_line import run_house_line
from client_async.picks import record_pick
from client_async.projects import Place
from client_async.wiring import Parts, open_parts
from starsend.clock import SystemClock
from starsend.errors import StarsendError, UnknownName
from starsend.orchestrator.open_cases import Case, stand_of
from starsend.orchestrator.records import Intent, Step
from starsend.orchestrator.recovery import AtTheVendor, NotOpen, SeveralOpen
from starsend.orchestrator.step_faults import BudgetExceeded, StepBusy, StepFailed, StepUnknown
from starsend.pricing import PriceTable
from starsend.vendor_faults import JobGone
from tests.conftest import ManualClock
from tests.standins.warm import run_command
from tests.unit.studio import PRICES

NONE, PICTURE, TAKE = Decimal(0), Decimal("0.05"), Decimal("0.025")
"""What nothing, one grid and one take of a quarter of a second cost."""
LOST: dict[str, Any] = {"misbehave": {"SEQ01": ["lost_answer"]}, "findable": False}


class Job:
    """A project whose commands are called as the command line calls them."""

    def __init__(self, root: Path) -> None:
        self.place = Place(root, "job")
        self.console = rich.console.Console(record=True, file=io.StringIO(), width=400)
        self.place.file.path.parent.mkdir(parents=True)
        shots = [{"prompt": "gulls", "seconds": 0.25}]
        brief = {"prompt": "an empty desert under clouds", "aspect_ratio": "1:1", "shots": shots}
        self.place.file.path.write_text(json.dumps({"sequences": {"SEQ01": brief}}))
        self.configure()

    def configure(
        self,
        *,
        on_unknown: str = "retry",
        retry: dict[str, float] | None = None,
        budget: dict[str, str] | None = None,
        **animatic: Any,
    ) -> None:
        config = {
            "image": {"size": "1K", "on_unknown": on_unknown},
            "video": {"resolution": "360p"},
            "retry": {"poll_seconds": 0.01, **(retry or {})},
            "animatic": animatic,
            "prices": PRICES,
            "budget": budget or {},
        }
        (self.place.folder / "starsend_config.json").write_text(json.dumps(config))

    def pick(self) -> None:
        at = ManualClock().now()
        self.place.file.change(lambda draft: record_pick(draft["SEQ01"], "SEQ01", 2, by="m", via="t", at=at))

    def parts(self, opening: ExitStack) -> Parts:
        return opening.enter_context(open_parts(self.place, stop=threading.Event()))

    @property
    def said(self) -> str:
        return self.console.export_text()

    @property
    def sequence(self) -> dict[str, Any]:
        found: dict[str, Any] = self.place.file.read()["sequences"]["SEQ01"]
        return found

    @property
    def cases(self) -> list[Case]:
        return recovery_view.cases_of(self.place, SystemClock())

    @property
    def step(self) -> Step:
        [case] = self.cases
        return case.step

    @property
    def bill(self) -> list[str]:
        """The shots that the vendor has billed, in order."""
        book = self.place.folder / "state" / "providers" / "animatic" / "calls.jsonl"
        lines = [json.loads(line) for line in book.read_text().splitlines()]
        return [line["shot_id"] for line in lines if line["billed"]]

    @property
    def money(self) -> tuple[Decimal, Decimal, Decimal]:
        """Actual, possible and reserved dollars; what the caps count is the same sum."""
        with ExitStack() as opening:
            store = self.parts(opening).store
            spent = store.spent()
            [stands] = [row for row in store.spending() if row.cap == "project"]
        actual, possible = spent.get("actual", Decimal(0)), spent.get("possible", Decimal(0))
        assert stands.spent == actual + possible
        return actual, possible, stands.reserved


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


@pytest.fixture
def picked(job: Job) -> Job:
    assert not production.make_grids(job.place, [], job.console)
    job.pick()
    return job


@pytest.fixture
def lost(picked: Job) -> Job:
    """A job whose take was paid for, and whose answer is lost for good."""
    picked.configure(**LOST)
    assert production.make_takes(picked.place, [], picked.console)
    assert (picked.sequence["grid_state"], picked.bill) == ("recovery", ["SEQ01_grid", "SEQ01"])
    assert picked.money == (PICTURE, TAKE, NONE)
    return picked


@pytest.fixture
def left(picked: Job) -> Job:
    """A job whose take was left at the vendor, and is ready there by now."""
    picked.configure(misbehave={"SEQ01": ["late"]}, late_polls=9, retry={"poll_limit_seconds": 0.001})
    assert production.make_takes(picked.place, [], picked.console)
    assert picked.step.state == "submitted"
    return picked


def test_the_list_says_what_a_lost_call_may_cost_and_changes_nothing(lost: Job) -> None:
    """Is everything there that a decision needs, and no trace of the look?"""
    before = {path: path.stat().st_mtime_ns for path in lost.place.folder.rglob("*")}
    [row] = recovery_view.as_json({"job": lost.cases})["projects"][0]["steps"]
    assert (row["sequence"], row["shot"], row["kind"], row["state"]) == (
        "SEQ01",
        "SEQ01",
        "multi_shot",
        "unknown",
    )
    assert (Decimal(row["may_cost"]), row["handle"], row["kept_until"]) == (TAKE, None, None)
    assert row["can"] == ["fetch", "retry", "give-up"]
    assert {path: path.stat().st_mtime_ns for path in lost.place.folder.rglob("*")} == before


def test_retry_pays_once_more_and_makes_the_take(lost: Job) -> None:
    """Is one more call sent, does the lost charge stay, and is the sequence done?"""
    assert not recovery.retry(lost.place, "SEQ01", lost.console)
    assert lost.bill == ["SEQ01_grid", "SEQ01", "SEQ01"]
    assert lost.money == (PICTURE + TAKE, TAKE, NONE)
    assert lost.sequence["grid_state"] == "done"
    assert lost.cases == []
    with pytest.raises(UnknownName):
        recovery.retry(lost.place, "SEQ01", lost.console)


def test_a_retry_that_is_lost_too_is_one_more_possible_charge(lost: Job) -> None:
    """Does each lost call count, and wait for a decision of its own?"""
    lost.configure(misbehave={"SEQ01": ["lost_answer"] * 2}, findable=False)
    assert recovery.retry(lost.place, lost.step.step_key, lost.console)
    assert lost.bill.count("SEQ01") == 2
    assert lost.money == (PICTURE, 2 * TAKE, NONE)
    assert (lost.sequence["grid_state"], lost.step.state) == ("recovery", "unknown")


def test_give_up_sends_nothing_and_leads_on(lost: Job) -> None:
    """Is the end a failure in words, paid for once, from which another take can be asked for?"""
    key = lost.step.step_key
    recovery.give_up(lost.place, "SEQ01", lost.console)
    assert (lost.bill.count("SEQ01"), lost.money) == (1, (PICTURE, TAKE, NONE))
    assert lost.sequence["grid_state"] == "failed"
    assert "given up" in lost.sequence["status"]
    assert isinstance(production.resume(lost.place, ["SEQ01"], lost.console)["SEQ01"], StepFailed)
    for decide in (recovery.retry, recovery.give_up):
        with pytest.raises(NotOpen):
            decide(lost.place, key, lost.console)
    assert (lost.bill.count("SEQ01"), lost.cases) == (1, [])
    assert not production.make_takes(lost.place, ["SEQ01"], lost.console, again=True)
    assert (lost.bill.count("SEQ01"), lost.sequence["grid_state"]) == (2, "done")


def test_a_lost_grid_is_sent_again_as_the_same_attempt(job: Job) -> None:
    """Does a grid come of a retry, under the step that was lost?"""
    job.configure(on_unknown="ask", misbehave={"SEQ01_grid": ["lost_answer"]}, findable=False)
    assert production.make_grids(job.place, [], job.console)
    key = job.step.step_key
    assert not recovery.retry(job.place, key, job.console)
    assert job.bill == ["SEQ01_grid", "SEQ01_grid"]
    assert job.sequence["grid_history"][0]["takes"] == [key]
    assert job.money == (PICTURE, PICTURE, NONE)


def test_a_grid_that_was_given_up_is_another_attempt_when_asked_for(job: Job) -> None:
    """Is nothing drawn by giving up, and one grid by asking again?"""
    job.configure(on_unknown="ask", misbehave={"SEQ01_grid": ["lost_answer"]}, findable=False)
    assert production.make_grids(job.place, [], job.console)
    recovery.give_up(job.place, "SEQ01", job.console)
    assert (len(job.bill), job.sequence["grid_state"]) == (1, "failed")
    assert not production.make_grids(job.place, ["SEQ01"], job.console, again=True)
    assert (len(job.bill), job.sequence["grid_state"]) == (2, "waiting_for_pick")
    assert job.money == (PICTURE, PICTURE, NONE)


def test_killed_between_the_decision_and_the_call_nothing_is_lost(lost: Job) -> None:
    """Is the decision kept and listed, is nothing sent by it, and does giving it again send once?"""
    key = recovery.decide_retry(lost.place, "SEQ01", lost.console).step_key
    assert (lost.bill.count("SEQ01"), lost.money) == (1, (PICTURE, TAKE, NONE))
    [row] = recovery_view.as_json({"job": lost.cases})["projects"][0]["steps"]
    assert (row["step"], row["state"], row["can"]) == (key, "to_send_again", ["retry", "give-up"])
    assert not recovery.retry(lost.place, key, lost.console)
    assert lost.bill.count("SEQ01") == 2
    assert lost.money == (PICTURE + TAKE, TAKE, NONE)


def test_a_decision_that_was_not_carried_out_can_be_taken_back(lost: Job) -> None:
    """Is `give-up` a way out of a retry that nobody sends?"""
    key = recovery.decide_retry(lost.place, "SEQ01", lost.console).step_key
    recovery.give_up(lost.place, key, lost.console)
    assert isinstance(production.resume(lost.place, ["SEQ01"], lost.console)["SEQ01"], StepFailed)
    assert (lost.bill.count("SEQ01"), lost.money) == (1, (PICTURE, TAKE, NONE))


def test_of_two_decisions_at_once_one_wins(lost: Job) -> None:
    """Is one call sent, however many people send it again at the same moment, and are the others told?"""
    start = threading.Barrier(4)

    def decide(_number: int) -> str:
        place = Place(lost.place.root, "job")
        with open_parts(place, stop=threading.Event()) as parts:
            found = parts.steps.recovery.find_one("SEQ01", "retry")
            start.wait()
            try:
                parts.steps.recovery.retry(found, "m")
            except (NotOpen, StepBusy) as told:
                return type(told).__name__
        return "won"

    with ThreadPoolExecutor(4) as people:
        ended = list(people.map(decide, range(4)))
    assert ended.count("won") == 1, ended
    assert not production.resume(lost.place, ["SEQ01"], lost.console)
    assert lost.bill.count("SEQ01") == 2
    assert lost.money == (PICTURE + TAKE, TAKE, NONE)


def test_what_a_run_is_at_work_on_is_left_alone(lost: Job) -> None:
    """Is every decision refused in one line while the shot is held, and is that listed?"""
    key = lost.step.step_key
    with ExitStack() as opening:
        opening.enter_context(lost.parts(opening).store.hold("SEQ01", threading.Event()))
        [case] = lost.cases
        assert (case.held, case.can) == (True, ())
        for decide in (recovery.retry, recovery.give_up):
            with pytest.raises(StepBusy, match="at work"):
                decide(lost.place, key, lost.console)
        assert isinstance(recovery.fetch(lost.place, key, lost.console)[key], StepBusy)
    assert lost.step.state == "unknown"


def test_a_daemon_takes_the_wish_over(lost: Job) -> None:
    """Where a daemon drives, is the decision kept and the wish handed over, and nothing sent by the command?"""
    with sole_driver(lost.place, "daemon"):
        assert not recovery.retry(lost.place, "SEQ01", lost.console)
        assert lost.bill.count("SEQ01") == 1
        assert lost.sequence["resume"] is True
    assert not production.make_takes(lost.place, [], lost.console)  # as the daemon would
    assert (lost.bill.count("SEQ01"), lost.sequence["grid_state"]) == (2, "done")


def test_while_a_command_drives_the_decision_is_kept(lost: Job) -> None:
    """Is somebody told who comes while another command works, and is nothing sent twice after it?"""
    with sole_driver(lost.place), pytest.raises(ProjectBusy):
        recovery.retry(lost.place, "SEQ01", lost.console)
    assert not recovery.retry(lost.place, "SEQ01", lost.console)
    assert lost.bill.count("SEQ01") == 2


def test_a_retry_over_the_cap_waits_for_money(lost: Job) -> None:
    """Is nothing sent past a cap, the decision kept, and one call sent when the cap is raised?"""
    lost.configure(budget={"project": "0.08"}, **LOST)
    errors = recovery.retry(lost.place, "SEQ01", lost.console)
    assert isinstance(errors["SEQ01"], BudgetExceeded)
    assert (lost.bill.count("SEQ01"), lost.money) == (1, (PICTURE, TAKE, NONE))
    assert lost.sequence["grid_state"] == "paused_budget"
    lost.configure(**LOST)
    assert not production.resume(lost.place, ["SEQ01"], lost.console)
    assert (lost.bill.count("SEQ01"), lost.money) == (2, (PICTURE + TAKE, TAKE, NONE))


def test_a_lost_call_of_the_house_line_is_sent_by_it(job: Job) -> None:
    """Does a shot that is no client sequence have the same way out?"""
    shots = job.place.folder / "shots.json"
    shot = {"id": "S1", "prompt": "a quay", "seconds": 0.25, "aspect_ratio": "1:1"}
    shots.write_text(json.dumps({"shots": [shot]}))
    job.configure(misbehave={"S1": ["lost_answer"]}, findable=False)
    [outcome] = run_house_line(job.place, shots, [], job.console)
    assert isinstance(outcome.error, StepUnknown)
    assert not recovery.retry(job.place, "S1", job.console)
    assert "`starsend pipeline S1` sends it" in job.said
    assert job.bill.count("S1") == 1
    [outcome] = run_house_line(job.place, shots, [], job.console)
    assert (outcome.error, job.bill.count("S1")) == (None, 2)
    assert job.money == (PICTURE + TAKE, TAKE, NONE)


def test_fetch_brings_home_what_is_ready_for_free(left: Job) -> None:
    """Is a job that the run left fetched and booked, once, and does the sequence go on with it for free?"""
    assert not recovery.fetch(left.place, None, left.console)
    assert "is still running" in left.said
    left.configure(late_polls=1)
    with pytest.raises(AtTheVendor, match="recover fetch"):
        recovery.retry(left.place, left.step.step_key, left.console)
    assert not recovery.fetch(left.place, "SEQ01", left.console)
    assert "came home: media/takes/SEQ01/" in left.said
    assert (left.bill.count("SEQ01"), left.money, left.cases) == (1, (PICTURE + TAKE, NONE, NONE), [])
    production.resume(left.place, ["SEQ01"], left.console)
    assert not production.make_takes(left.place, [], left.console)
    assert (left.bill.count("SEQ01"), left.sequence["grid_state"]) == (1, "done")


def test_a_lost_call_that_the_vendor_knows_is_fetched_whatever_is_decided(lost: Job) -> None:
    """Where the vendor can be asked after all, does every decision bring the take home, and pay for nothing?"""
    lost.configure(findable=True)
    assert not recovery.retry(lost.place, "SEQ01", lost.console)
    assert lost.bill.count("SEQ01") == 1
    assert lost.money == (PICTURE + TAKE, NONE, NONE)
    assert lost.sequence["grid_state"] == "done"


def test_what_is_there_is_never_given_up(left: Job) -> None:
    """Does a result that could be had for free come home, though somebody gives it up?"""
    left.configure(late_polls=1)
    recovery.give_up(left.place, "SEQ01", left.console)
    assert "came home after all" in left.said
    assert left.money == (PICTURE + TAKE, NONE, NONE)


def test_a_job_that_does_not_end_can_be_given_up(left: Job) -> None:
    """Is its reservation turned into a possible charge, nothing left to decide, and the vendor's job named?"""
    left.configure(late_polls=9)
    assert left.money == (PICTURE, NONE, TAKE)
    handle = str(left.step.handle)
    recovery.give_up(left.place, "SEQ01", left.console)
    assert f"job {handle}" in left.said
    assert (left.bill.count("SEQ01"), left.money) == (1, (PICTURE, TAKE, NONE))
    [case] = left.cases
    assert (stand_of(case.step), case.can) == ("given_up", ("fetch",))
    assert "given up, submitted" in recovery_view.lines("job", left.cases)[1]
    with pytest.raises(NotOpen):
        recovery.give_up(left.place, case.step.step_key, left.console)


@pytest.fixture
def given_up(left: Job) -> Job:
    """A job whose take was given up while the vendor worked on it."""
    left.configure(late_polls=9)
    recovery.give_up(left.place, "SEQ01", left.console)
    return left


def test_a_result_that_was_given_up_is_fetched_late_and_booked_once(given_up: Job) -> None:
    """Does it stay as it is while the job runs, and come home free when it is ready: the possible charge an actual one?"""
    assert not recovery.fetch(given_up.place, None, given_up.console)
    assert "is still running" in given_up.said
    assert given_up.money == (PICTURE, TAKE, NONE)
    given_up.configure(late_polls=1)
    assert not recovery.fetch(given_up.place, "SEQ01", given_up.console)
    assert "came home: media/takes/SEQ01/" in given_up.said
    assert (given_up.bill.count("SEQ01"), given_up.money) == (1, (PICTURE + TAKE, NONE, NONE))
    assert given_up.cases == []
    assert not production.resume(given_up.place, ["SEQ01"], given_up.console)
    assert (given_up.bill.count("SEQ01"), given_up.sequence["grid_state"]) == (1, "done")


def test_beside_another_attempt_it_is_booked_as_its_own(given_up: Job) -> None:
    """Somebody has paid for another take meanwhile: is each booked once, and the take in use left alone?"""
    given_up.configure(late_polls=1)
    assert not production.make_takes(given_up.place, ["SEQ01"], given_up.console, again=True)
    take = given_up.sequence["take"]
    assert not recovery.fetch(given_up.place, None, given_up.console)
    assert (given_up.bill.count("SEQ01"), given_up.money) == (2, (PICTURE + 2 * TAKE, NONE, NONE))
    assert given_up.sequence["take"] == take


def test_a_result_that_was_given_up_and_is_gone_stays_a_possible_charge(given_up: Job) -> None:
    """Is the vendor's last word told once, nothing booked again, and nothing listed any more?"""
    for job in (given_up.place.folder / "state" / "providers" / "animatic" / "jobs").glob("*.json"):
        job.unlink()
    [error] = recovery.fetch(given_up.place, "SEQ01", given_up.console).values()
    assert isinstance(error, JobGone)
    assert "is gone" in given_up.said
    assert (given_up.money, given_up.cases) == ((PICTURE, TAKE, NONE), [])
    assert not recovery.fetch(given_up.place, None, given_up.console)


KILLED = """
import os, signal, sys
from pathlib import Path
from rich.console import Console
from sqlalchemy import Engine, event
from client_async import recovery
from client_async.projects import Place

@event.listens_for(Engine, "commit")
def die(_connection):
    if list(Path(sys.argv[1]).glob("projects/job/media/takes/SEQ01/*.mp4")):
        os.kill(os.getpid(), signal.SIGKILL)

recovery.fetch(Place(Path(sys.argv[1]), "job"), None, Console())
"""


def test_killed_while_a_late_result_is_booked_it_is_booked_by_the_next(given_up: Job) -> None:
    """A real process, kill -9 between the file and its booking: does the next one book it once, and fetch nothing?"""
    given_up.configure(late_polls=1)
    process = subprocess.run([sys.executable, "-c", KILLED, str(given_up.place.root)], check=False)
    assert process.returncode == -9
    assert given_up.money == (PICTURE, TAKE, NONE)
    for job in (given_up.place.folder / "state" / "providers" / "animatic" / "jobs").glob("*.json"):
        job.unlink()
    assert not recovery.fetch(given_up.place, None, given_up.console)
    assert given_up.money == (PICTURE + TAKE, NONE, NONE)


def test_a_job_that_is_gone_is_told(picked: Job) -> None:
    """Is the vendor's last word said, and booked?"""
    picked.configure(misbehave={"SEQ01": ["late"]}, late_polls=9, retry={"poll_limit_seconds": 0.001})
    assert production.make_takes(picked.place, [], picked.console)
    for job in (picked.place.folder / "state" / "providers" / "animatic" / "jobs").glob("*.json"):
        job.unlink()
    [error] = recovery.fetch(picked.place, None, picked.console).values()
    assert isinstance(error, StarsendError)
    assert "is gone" in picked.said
    assert picked.money == (PICTURE + TAKE, NONE, NONE)


def test_a_name_that_fits_several_steps_is_refused(job: Job) -> None:
    """Where four singles are lost at once, is the one to pay for again named by a person?"""
    wrong = {"SEQ01_grid": ["single"] * 3, "SEQ01_grid_c?": ["lost_answer"]}
    job.configure(on_unknown="ask", misbehave=wrong, findable=False)
    assert production.make_grids(job.place, [], job.console)
    keys = [case.step.step_key for case in job.cases]
    assert len(keys) == 4
    with pytest.raises(SeveralOpen, match=keys[0]):
        recovery.retry(job.place, "SEQ01", job.console)
    for key in keys:
        assert len([case for case in job.cases if case.step.state == "unknown"]) == 4 - keys.index(key)
        recovery.retry(job.place, key, job.console)
    assert job.sequence["grid_state"] == "waiting_for_pick"
    assert len(job.bill) == 3 + 4 + 4
    assert job.money == (7 * PICTURE, 4 * PICTURE, NONE)


def test_what_the_vendor_deletes_first_comes_first(picked: Job) -> None:
    """Does a Veo job carry its two days from the submission on, and stand above what is older?"""
    with ExitStack() as opening:
        parts = picked.parts(opening)
        price = PriceTable(parts.settings.prices).charge("animatic", "animatic", "360p", Decimal(1))
        request = {"units": "1", "price": price.frozen()}
        for provider in ("fal", "kling", "veo"):
            intent = Intent(
                step_key=f"S-{provider}",
                shot_id=f"S_{provider}",
                sequence="S",
                kind="multi_shot",
                attempt=1,
                provider=provider,
                model="m",
                request_digest="",
                request=request,
            )
            parts.store.intend(intent, price, price)
            parts.store.submitted(intent.step_key, "h")
    cases = picked.cases
    assert [case.step.provider for case in cases] == ["veo", "kling", "fal"]
    kept = [case.until and case.until - case.step.updated_at for case in cases]
    assert kept == [timedelta(days=2), timedelta(days=30), None]
    veo, clock = cases[0], ManualClock()
    with ExitStack() as opening:
        picked.parts(opening).store.give_up(veo.step, "given_up", "given up by m", price)
    clock.time = veo.step.updated_at + timedelta(days=1)
    assert recovery_view.cases_of(picked.place, clock)[0].until == veo.until, (
        "given up, and kept as long as before"
    )
    clock.time = veo.step.updated_at + timedelta(days=3)
    assert [case.step.provider for case in recovery_view.cases_of(picked.place, clock)] == ["kling", "fal"]


def test_broken_bytes_that_are_kept_are_listed(job: Job) -> None:
    """Can a person find what was paid for and does not decode?"""
    job.configure(misbehave={"SEQ01_grid": ["broken_picture"]}, findable=False)
    production.make_grids(job.place, [], job.console)
    [case] = job.cases
    assert case.broken is not None
    assert case.broken.is_file()
    assert (case.step.state, case.can) == ("failed", ())
    assert str(case.broken) in recovery_view.lines("job", job.cases)[1]


def test_the_command_says_it_in_one_line(lost: Job) -> None:
    """Do the commands run from the shell, and exit as documented?"""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return run_command(lost.place.root, "recover", *words)

    assert "unknown since" in run("list").stdout
    listed = json.loads(run("list", "--json").stdout)
    assert [step["sequence"] for step in listed["projects"][0]["steps"]] == ["SEQ01"]
    assert "cannot be asked" in run("fetch").stdout
    refused = run("retry", "SEQ02")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    done = run("retry", "SEQ01")
    assert done.returncode == 0, done.stderr
    assert lost.bill.count("SEQ01") == 2
    assert "nothing is open" in run("list").stdout
