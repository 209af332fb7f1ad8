"""Is a paid call sent once, and its result never lost, whatever the vendor or the disk does?"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog

from starsend import api_client as api
from starsend.clock import Stopped
from starsend.config import Settings
from starsend.errors import BadInput
from starsend.files import CannotWrite, sha256_of
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.orchestrator.job_collector import StillRunning
from starsend.orchestrator.media_check import BrokenMedia
from starsend.orchestrator.records import Take
from starsend.orchestrator.step_faults import StepFailed, StepUnknown, TakeLost
from starsend.orchestrator.step_runner import StepRunner
from starsend.pricing import NoPrice, Price
from starsend.sections import ImageSettings, VideoSettings
from starsend.shot_limits import ShotLimits
from starsend.shot_lint import ShotsRefused
from starsend.tools.image_utils import open_picture
from starsend.vendor_faults import (
    Ambiguous,
    BadRequest,
    BrokenDownload,
    JobFailed,
    JobGone,
    NoPicture,
    NotSent,
    ProviderError,
    RateLimited,
    Unauthorized,
)
from tests.conftest import ManualClock
from tests.standins.vendor import Script, Vendor, mp4, png, write_png

PRICED = Price.model_validate(
    {
        "provider": "animatic",
        "model": "storyboard",
        "unit": "image",
        "price": {"*": "0.05"},
        "as_of": "2026-11-01",
    }
)
PRICED_VIDEO = PRICED.model_copy(
    update={"model": "animatic", "unit": "second", "price": {"*": Decimal("0.1")}}
)
STRICT = ShotLimits.model_validate(
    {
        "provider": "animatic",
        "model": "*",
        "characters": 2,
        "shot_seconds": {"least": 1, "most": 5},
        "aspect_ratios": ["16:9"],
        "as_of": "2026-11-01",
    }
)
WAIT = api.JobStatus("running", progress=0.5)


class Desk:
    """A step runner with a stand-in vendor whose calls have a price."""

    def __init__(self, project_dir: Path, clock: ManualClock) -> None:
        self.clock = clock
        self.folder = project_dir
        self.stop = threading.Event()
        self.vendor = Vendor()
        self.settings = Settings(prices=[PRICED, PRICED_VIDEO])
        self.url = f"sqlite:///{project_dir / 'state' / 'execution.db'}"
        self.store = ExecutionStore(self.url, project="job", project_dir=project_dir, clock=clock)
        self.start_frame = write_png(project_dir / "media" / "cells" / "c1.png")

    def runner(self, **settings: Any) -> StepRunner:
        """A new runner over the same ledger, as after a restart."""
        chosen = self.settings.model_copy(update=settings)
        return StepRunner(
            self.store,
            images=self.vendor,
            videos=self.vendor,
            settings=chosen,
            clock=self.clock,
            stop=self.stop,
        )

    def draw(self, prompt: str = "a harbour", *, attempt: int = 1, **settings: Any) -> Take:
        return self.runner(**settings).execute_keyframe(
            "S_grid", prompt, aspect_ratio="16:9", size="1K", attempt=attempt
        )

    def film(self, *, attempt: int = 1, **settings: Any) -> Take:
        start = api.Reference("start frame", self.start_frame, sha256_of(self.start_frame))
        return self.runner(**settings).execute_multi_shot(
            "S",
            ["one", "two"],
            start_frame=start,
            durations=[2, 1.5],
            shot_prompts=["I", "II"],
            attempt=attempt,
        )

    def park(self, call: Callable[[], Take]) -> None:
        """Run ``call`` and stop it at its first poll, as a signal would; then let the next run wait again."""
        self.vendor.polls = [WAIT]
        self.vendor.on_poll = lambda _: self.stop.set()
        with pytest.raises(Stopped):
            call()
        self.vendor.on_poll = lambda _: None
        self.stop.clear()

    def spent(self, kind: str) -> Decimal:
        return sum((event.amount for event in self.store.costs() if event.kind == kind), Decimal(0))

    @property
    def booked(self) -> Decimal:
        """What the ledger says was or may have been charged."""
        return self.spent("actual") + self.spent("possible")


@pytest.fixture
def desk(project_dir: Path, clock: ManualClock) -> Iterator[Desk]:
    made = Desk(project_dir, clock)
    yield made
    made.store.close()


# ------------------------------------------------------------------------------------------ the order


@pytest.mark.parametrize("answer", ["media", "job"])
def test_a_step_is_one_call_one_take_one_cost(desk: Desk, answer: Script) -> None:
    """Does a picture come home whole, whether it is answered at once or as a job?"""
    desk.vendor.script = [answer]
    take = desk.draw()
    assert open_picture(desk.folder / take.media.path).tobytes() == open_picture(png()).tobytes()
    assert (take.media.mime, take.media.width, take.media.height) == ("image/png", 64, 48)
    assert take.media.sha256 == sha256_of(desk.folder / take.media.path)
    assert len(desk.vendor.bill) == 1
    assert desk.booked == Decimal("0.05")
    assert not desk.store.keyframe_complete("S_grid")


def test_a_video_carries_its_shot_prompts_and_its_length(desk: Desk) -> None:
    """Are prompts as written, frames and seconds with the take from its first moment on?"""
    take = desk.film()
    assert take.shot_prompts == ("I", "II")
    assert (take.media.frames, take.media.seconds, take.media.mime) == (12, Decimal("0.500"), "video/mp4")
    assert desk.booked == Decimal("0.35"), "3.5 s at $0.10"


def test_the_intent_is_committed_before_the_call_leaves(desk: Desk) -> None:
    """What would a second process see at the moment the vendor is called?"""
    seen: list[str] = []

    def look(key: str) -> None:
        other = ExecutionStore(desk.url, project="job", project_dir=desk.folder, clock=desk.clock)
        step = other.step(key)
        seen.append(step.state if step else "nothing")
        other.close()

    desk.vendor.on_submit = look
    desk.draw()
    assert seen == ["intended"]


def test_the_handle_is_committed_before_the_first_poll(desk: Desk) -> None:
    """Could a run that dies in its first poll go on by the handle?"""
    seen: list[tuple[str, str | None]] = []
    desk.vendor.on_poll = lambda _: seen.extend((s.state, s.handle) for s in desk.store.open_steps())
    desk.film()
    assert seen == [("submitted", "job-1")]


# ------------------------------------------------------------------------------------------- replays


def test_a_finished_step_is_replayed_for_free(desk: Desk) -> None:
    """Does the same step, asked again by another run, return the same take and send nothing?"""
    assert desk.draw() == desk.draw()
    assert len(desk.vendor.sent) == 1


@pytest.mark.parametrize("other", [{"attempt": 2}, {"prompt": "another harbour"}])
def test_another_request_or_attempt_is_another_step(desk: Desk, other: dict[str, Any]) -> None:
    """Is only the very same thing the same step?"""
    assert desk.draw().take_id != desk.draw(**other).take_id
    assert len(desk.vendor.bill) == 2


def test_eight_threads_asking_for_one_step_pay_once(desk: Desk) -> None:
    """Do all of them get the one take?"""
    runner = desk.runner()
    with ThreadPoolExecutor(8) as pool:
        takes = list(
            pool.map(
                lambda _: runner.execute_keyframe("S_grid", "p", aspect_ratio="1:1", size="1K"), range(8)
            )
        )
    assert len({take.take_id for take in takes}) == 1
    assert len(desk.vendor.bill) == 1


def test_a_take_whose_file_was_deleted_is_fetched_again_free(desk: Desk) -> None:
    """Does the handle bring a deleted file back?"""
    take = desk.draw()
    before = (desk.folder / take.media.path).read_bytes()
    (desk.folder / take.media.path).unlink()
    assert desk.draw() == take
    assert (desk.folder / take.media.path).read_bytes() == before
    assert len(desk.vendor.bill) == 1


def test_a_take_that_cannot_be_fetched_again_is_said_to_be_lost(desk: Desk) -> None:
    """Is a missing file told, rather than paid for again in silence?"""
    desk.vendor.script = ["media"]
    take = desk.draw()
    (desk.folder / take.media.path).unlink()
    with pytest.raises(TakeLost, match="Restore it from a backup"):
        desk.draw()
    assert len(desk.vendor.bill) == 1


# ------------------------------------------------------------------------------------ the vendor says no


@pytest.mark.parametrize(
    "refusal",
    [
        NotSent("v", "connection refused"),
        RateLimited("v", 17.0),
        BadRequest("v", "400"),
        Unauthorized("v", "401"),
    ],
)
def test_what_was_turned_away_unbilled_costs_nothing_and_may_be_sent_again(
    desk: Desk, refusal: ProviderError
) -> None:
    """After a plain no, does the same step go through at the next try?"""
    desk.vendor.script = [refusal]
    with pytest.raises(type(refusal)):
        desk.draw()
    assert desk.booked == 0
    desk.draw()
    assert len(desk.vendor.bill) == 1
    assert desk.booked == Decimal("0.05")


def test_an_answer_without_a_picture_is_final_and_booked_as_possible(desk: Desk) -> None:
    """Is a refusal not asked again under the same step, and its possible charge shown?"""
    desk.vendor.script = [NoPicture("v", "safety")]
    with pytest.raises(NoPicture, match="refused for safety"):
        desk.draw()
    with pytest.raises(StepFailed, match="refused for safety"):
        desk.draw()
    assert len(desk.vendor.sent) == 1
    assert desk.spent("possible") == Decimal("0.05")
    assert desk.draw(attempt=2).media.width == 64


def test_a_job_that_fails_ends_the_step(desk: Desk) -> None:
    """Does a job that the vendor gives up end as failed, not as waiting for ever?"""
    desk.vendor.polls = [WAIT, JobFailed("v", "job-1", "moderation")]
    with pytest.raises(JobFailed):
        desk.film()
    with pytest.raises(StepFailed):
        desk.film()
    assert desk.store.open_steps() == []


# ------------------------------------------------------------------------------------- lost answers


def test_a_lost_answer_is_looked_up_where_the_vendor_lets_us(desk: Desk) -> None:
    """Is the job found by our own key instead of being made twice?"""
    desk.vendor.can_find, desk.vendor.script = True, ["lost"]
    desk.film()
    assert len(desk.vendor.sent) == 1
    assert (desk.spent("actual"), desk.spent("possible")) == (Decimal("0.35"), Decimal(0))


def test_a_lost_picture_is_booked_as_possible_and_sent_again_by_the_next_call(desk: Desk) -> None:
    """Where nothing can be looked up, is the first charge kept in the books beside the second?"""
    desk.vendor.script = ["lost"]
    with pytest.raises(Ambiguous):
        desk.draw()
    assert (len(desk.vendor.sent), desk.booked) == (1, Decimal("0.05"))
    desk.draw()
    assert (len(desk.vendor.bill), desk.booked) == (2, Decimal("0.10"))


def test_a_lost_video_waits_for_a_person(desk: Desk) -> None:
    """Is a dear call never repeated until somebody says so?"""
    desk.vendor.script = ["lost"]
    for _ in range(3):
        with pytest.raises(StepUnknown, match="may have been billed"):
            desk.film()
    assert len(desk.vendor.sent) == 1
    assert desk.booked == Decimal("0.35")
    desk.film(attempt=2)
    assert len(desk.vendor.bill) == 2


@pytest.mark.parametrize(("on_unknown", "sent"), [("retry", 2), ("ask", 1)])
def test_the_policy_for_lost_answers_can_be_set(desk: Desk, on_unknown: str, sent: int) -> None:
    """Does the config decide, for pictures and for videos alike?"""
    desk.vendor.script = ["lost"]
    policy: dict[str, Any] = {"image": ImageSettings.model_validate({"on_unknown": on_unknown})}
    with pytest.raises((Ambiguous, StepUnknown)):
        desk.draw(**policy)
    with contextlib.suppress(StepUnknown):
        desk.draw(**policy)
    assert len(desk.vendor.sent) == sent


def test_a_call_that_cannot_even_be_looked_up_is_booked_until_it_can(desk: Desk) -> None:
    """While the vendor answers nothing at all, is the charge in the books, and cleared up afterwards?"""
    desk.vendor.can_find, desk.vendor.script = True, ["lost"]
    desk.vendor.finds = [NotSent("v", "network down")] * 2
    for error in (Ambiguous, NotSent):
        with pytest.raises(error) as raised:
            desk.film()
        assert "safe to send" not in str(raised.value)
        assert (desk.spent("possible"), desk.spent("actual")) == (Decimal("0.35"), Decimal(0))
    desk.film()
    assert (desk.spent("possible"), desk.spent("actual")) == (Decimal(0), Decimal("0.35"))
    assert len(desk.vendor.bill) == 1


def test_what_was_sent_at_a_price_is_booked_at_it(desk: Desk) -> None:
    """Does a price that leaves the config while a job runs keep its result from coming home?"""
    desk.park(desk.film)
    desk.film(prices=[])
    assert desk.spent("actual") == Decimal("0.35")


# ------------------------------------------------------------------------------ polling and fetching


def test_trouble_while_polling_costs_nothing_and_is_borne_with(desk: Desk) -> None:
    """Are resets and rate limits of a poll just asked again?"""
    trouble: list[api.JobStatus | ProviderError] = [
        Ambiguous("v", "reset"),
        RateLimited("v", 9.0),
    ]
    desk.vendor.polls = [*trouble, WAIT]
    desk.film()
    assert len(desk.vendor.sent) == 1
    assert 9.0 in desk.clock.waits, "the vendor's own delay is kept"


def test_a_job_that_never_ends_is_left_to_the_next_run(desk: Desk) -> None:
    """Does a slow vendor hold a thread only so long, and cost nothing more later?"""
    desk.vendor.polls = [WAIT] * 100_000
    with pytest.raises(StillRunning, match="nothing is paid again"):
        desk.film()
    desk.vendor.polls = []
    assert desk.film().media.frames == 12
    assert len(desk.vendor.bill) == 1


def test_a_stop_parks_the_job_by_its_handle(desk: Desk) -> None:
    """Does a stopped wait go on after a restart without paying?"""
    desk.park(desk.film)
    desk.film()
    assert len(desk.vendor.bill) == 1


def test_after_a_stop_nothing_new_is_begun(desk: Desk) -> None:
    """Is no money put at risk by a run that has been asked to end?"""
    desk.stop.set()
    with pytest.raises(Stopped):
        desk.draw()
    assert not desk.vendor.sent
    assert not desk.store.costs()


@pytest.mark.parametrize("broken", [b"", b"<html>502</html>", mp4()[:400], BrokenDownload("v", "short")])
def test_a_broken_download_is_fetched_again_for_free(desk: Desk, broken: bytes | ProviderError) -> None:
    """Does only a whole file count?"""
    desk.vendor.fetches = [broken, broken]
    assert desk.film().media.frames == 12
    assert len(desk.vendor.bill) == 1


def test_a_download_that_stays_broken_can_still_be_fetched_tomorrow(desk: Desk) -> None:
    """Is the paid job kept when today's downloads all fail?"""
    desk.vendor.fetches = [*[b""] * 3, BrokenDownload("v", "short")]
    with pytest.raises(BrokenDownload, match="fetching is free") as raised:
        desk.film()
    assert raised.value.what == "the result did not arrive whole (short)"
    desk.film()
    assert len(desk.vendor.bill) == 1


def test_a_broken_picture_in_the_answer_itself_is_paid_for_and_kept(desk: Desk) -> None:
    """Is the spend booked, and the evidence kept, when the bytes that came are no picture?"""
    desk.vendor.script = ["broken"]
    with pytest.raises(BrokenMedia):
        desk.draw()
    assert desk.spent("actual") == Decimal("0.05")
    assert len(list((desk.folder / "media" / "takes" / "S_grid").glob("*.broken"))) == 1
    desk.vendor.script = ["broken"]
    desk.vendor.can_find = True
    assert desk.draw(attempt=2).media.width == 64, "where it can be asked for again it is whole"


# ---------------------------------------------------------------------------------- before a cent is spent


def test_no_price_no_call(desk: Desk) -> None:
    """Is a model without a price refused before anything leaves?"""
    with pytest.raises(NoPrice, match="nothing was sent"):
        desk.draw(image=ImageSettings(model="new-model"))
    assert (desk.vendor.sent, desk.store.costs()) == ([], [])


def test_no_room_no_call(desk: Desk) -> None:
    """Is a takes folder that cannot be written found out before anything is paid?"""
    (desk.folder / "media" / "takes").write_text("a file in the way")
    with pytest.raises(CannotWrite):
        desk.draw()
    assert (desk.vendor.sent, desk.store.costs()) == ([], [])


def fill_disk(desk: Desk) -> Path:
    """From the next call on, nothing can be written where its result belongs; removing the path mends it."""
    folder = desk.folder / "media" / "takes" / "S_grid"

    def fill(_key: str) -> None:
        if folder.is_dir():
            folder.rmdir()
            folder.write_text("a file in the way")

    desk.vendor.on_submit = fill
    return folder


def test_a_picture_that_is_here_waits_for_a_full_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is what the vendor delivered held until it can be written, and not asked for again?"""
    desk.vendor.script = ["media"]
    in_the_way = fill_disk(desk)

    def make_room(_seconds: float, _stop: threading.Event) -> bool:
        in_the_way.unlink()
        return False

    monkeypatch.setattr(desk.clock, "wait", make_room)
    assert desk.draw().media.width == 64
    assert len(desk.vendor.bill) == 1


def test_a_picture_that_a_full_disk_refuses_for_good_is_booked_as_possible(desk: Desk) -> None:
    """Is it sent again as a lost answer is: booked, and never while the disk is still full?"""
    desk.vendor.script = ["media", "media"]
    in_the_way = fill_disk(desk)
    with pytest.raises(Ambiguous, match="cannot be written"):
        desk.draw()
    assert sum(desk.clock.waits) > 60, "the disk was borne with as a vendor is"
    with pytest.raises(CannotWrite):
        desk.draw()
    assert (len(desk.vendor.bill), desk.booked) == (1, Decimal("0.05"))
    in_the_way.unlink()
    desk.vendor.on_submit = lambda _: None
    desk.draw()
    assert (len(desk.vendor.bill), desk.booked) == (2, Decimal("0.10"))


def test_a_picture_that_a_full_disk_refuses_is_looked_up_where_the_vendor_lets_us(desk: Desk) -> None:
    """Does it come home by its job once there is room?"""
    desk.vendor.script, desk.vendor.can_find = ["media"], True
    in_the_way = fill_disk(desk)
    with pytest.raises(CannotWrite):
        desk.draw()
    in_the_way.unlink()
    desk.draw()
    assert (len(desk.vendor.bill), desk.booked) == (1, Decimal("0.05"))


@pytest.mark.parametrize("shot_id", ["", "../x", "a/b", "a b", ".hidden", "x" * 81, "ü"])
def test_a_shot_id_that_is_no_file_name_is_refused(desk: Desk, shot_id: str) -> None:
    """Can a name reach outside the project?"""
    with pytest.raises(BadInput, match="cannot be a shot id"):
        desk.runner().execute_keyframe(shot_id, "p", aspect_ratio="1:1", size="1K")


@pytest.mark.parametrize(
    ("prompts", "durations"), [([], []), (["a"], [1, 2]), (["a"], [0]), (["a", "b"], [1, -1])]
)
def test_shots_that_do_not_pair_up_are_refused(
    desk: Desk, prompts: list[str], durations: list[float]
) -> None:
    """Is a malformed request free?"""
    start = api.Reference("start", desk.start_frame, "0" * 64)
    with pytest.raises(BadInput, match="do not pair up"):
        desk.runner().execute_multi_shot("S", prompts, start_frame=start, durations=durations)
    assert desk.vendor.sent == []


# ------------------------------------------------------------------------------- what was left half-way


def test_what_an_edited_prompt_left_behind_comes_home_first(desk: Desk) -> None:
    """Is a job that was paid for before the brief changed still fetched and booked?"""
    desk.park(lambda: desk.draw("first words"))
    desk.draw("other words")
    assert len(desk.store.takes("S_grid")) == 2
    assert desk.store.open_steps() == []
    assert desk.booked == Decimal("0.10")


def test_an_old_job_that_is_still_running_holds_up_nothing(desk: Desk) -> None:
    """Does the new request go ahead while the old job stays in the list of open steps?"""
    desk.park(lambda: desk.draw("first words"))
    desk.vendor.polls = [WAIT]
    desk.draw("other words")
    assert [step.state for step in desk.store.open_steps()] == ["submitted"]


def test_a_provider_is_never_swapped_under_an_open_step(desk: Desk) -> None:
    """Is a job of one vendor not looked for at another?"""
    desk.park(desk.film)
    desk.vendor = Vendor(name="other")
    other = Price.model_validate({**PRICED_VIDEO.model_dump(), "provider": "other"})
    desk.film(prices=[PRICED_VIDEO, other], video=VideoSettings(provider="other"))
    assert [step.provider for step in desk.store.open_steps()] == ["animatic"]
    runner = desk.runner()
    with structlog.testing.capture_logs() as events:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
        for step in (*runner.left_behind(), *runner.left_behind()):
            runner.bring_home(step)
    assert len(events) == 1, "it is said once"
    assert "Set the provider back" in events[0]["error"]


@pytest.mark.parametrize("delay", [None, 0.0, 3.5])
def test_errors_say_what_to_do_next(delay: float | None) -> None:
    """Is every provider error one readable line?"""
    makers: list[Callable[[], ProviderError]] = [
        lambda: NotSent("gemini", "connection refused"),
        lambda: RateLimited("gemini", delay),
        lambda: BadRequest("gemini", "bad\nratio"),
        lambda: Unauthorized("gemini", "401"),
        lambda: NoPicture("gemini", "text_answer", "I cannot draw"),
        lambda: Ambiguous("gemini", "time-out"),
        lambda: JobFailed("fal", "j", "moderation"),
        lambda: JobGone("fal", "j"),
        lambda: BrokenDownload("fal", "short"),
    ]
    for make in makers:
        line = str(make())
        assert "\n" not in line
        assert line.startswith(("gemini: ", "fal: "))
        assert make().remedy


def test_a_look_that_fails_again_and_again_is_told_once(desk: Desk) -> None:
    """The same error comes from every poll: does the line stay as it is?"""
    desk.vendor.polls = [Ambiguous("v", "reset")] * 5
    with pytest.raises(Ambiguous) as raised:
        desk.film()
    assert (
        raised.value.what
        == "job job-1 is paid for and cannot be seen (the call was sent but its answer was lost (reset))"
    )


def test_a_script_is_told_what_cannot_be(desk: Desk) -> None:
    """Is nonsense from a plain script refused in words, before anything is written or sent?"""
    start = api.Reference("start", desk.start_frame, "0" * 64)
    take = desk.film()
    sent = len(desk.vendor.sent)
    runner = desk.runner()
    nonsense: list[Callable[[], object]] = [
        lambda: desk.draw(attempt=0),
        lambda: runner.execute_multi_shot("S", ["a"], start_frame=start, durations=[float("nan")]),
        lambda: runner.execute_multi_shot("S", "ab", start_frame=start, durations=[1, 1]),
        lambda: runner.execute_multi_shot(
            "S", ["a"], start_frame=start, durations=[1], shot_prompts=["x", "y"]
        ),
        lambda: desk.store.lock_keyframe("S", desk.start_frame, by="m", cell=9),
        lambda: desk.store.lock_keyframe("S", desk.folder / "none.png", by="m"),
        lambda: desk.store.lock_keyframe("S", take, by="m"),
    ]
    for attempt in nonsense:
        with pytest.raises(BadInput):
            attempt()
    assert len(desk.vendor.sent) == sent
    assert not desk.store.keyframe_complete("S")


def test_a_picture_is_no_video(desk: Desk) -> None:
    """Does a vendor that delivers a still for a take have it fetched again?"""
    desk.vendor.fetches = [png()]
    assert desk.film().media.frames == 12


def test_a_take_of_another_length_is_kept_and_said(desk: Desk) -> None:
    """Does a vendor that delivers half a second for 3.5 leave a take and a warning?"""
    with structlog.testing.capture_logs() as events:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
        take = desk.film()
    assert take.media.seconds == Decimal("0.500")
    assert [(e["asked"], e["got"]) for e in events if e["event"] == "take_length_differs"] == [
        ("3.5", "0.500")
    ]


def test_a_broken_picture_that_cannot_be_looked_up_is_booked_and_comes_home_later(desk: Desk) -> None:
    """Is the charge in the books while the vendor is out of reach, and the picture fetched when it is back?"""
    desk.vendor.can_find, desk.vendor.script = True, ["broken"]
    desk.vendor.finds = [NotSent("v", "network down")]
    with pytest.raises(NotSent):
        desk.draw()
    assert desk.spent("possible") == Decimal("0.05")
    assert desk.draw().media.width == 64
    assert (desk.spent("possible"), desk.spent("actual")) == (Decimal(0), Decimal("0.05"))
    assert len(desk.vendor.bill) == 1


def test_a_take_that_would_be_refused_is_never_intended(desk: Desk) -> None:
    """Is every fault told before there is a step, a reservation or a call, the start frame's own shape among them?"""
    with pytest.raises(ShotsRefused) as refused:
        desk.film(shot_limits=[STRICT])
    paths = [fault.path for fault in refused.value.faults]
    assert paths == ["aspect_ratio", "shots[0].prompt", "shots[1].prompt", "shots[1].seconds"]
    assert "64:48" in str(refused.value)
    assert (desk.vendor.sent, desk.store.costs()) == ([], [])
    assert desk.store.open_steps("S") == []


def test_what_was_sent_comes_home_whatever_the_limits_are_by_then(desk: Desk) -> None:
    """Is a take that is paid for kept, and replayed, when the table says since that it could not be made?"""
    desk.park(desk.film)
    take = desk.film(shot_limits=[STRICT])
    assert desk.film(shot_limits=[STRICT]) == take
    assert len(desk.vendor.bill) == 1


def test_what_was_turned_away_is_looked_at_again(desk: Desk) -> None:
    """Is a step that cost nothing not sent again once the limits are known to forbid it?"""
    desk.vendor.script = [BadRequest("v", "no")]
    with pytest.raises(BadRequest):
        desk.film()
    with pytest.raises(ShotsRefused):
        desk.film(shot_limits=[STRICT])
    assert len(desk.vendor.sent) == 1
