"""The embedded provider: its seam, its books, and each rehearsed misbehaviour."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

from starsend.api_client import ImageRequest, Job, Media, Reference, VideoRequest
from starsend.provider_options import AnimaticOptions, Behaviour
from starsend.providers.animatic import Animatic, open_animatic
from starsend.tools.grid_layout import read_grid
from starsend.vendor_faults import Ambiguous, BadRequest, JobFailed, JobGone, NoPicture, NotSent, RateLimited

GRID = ImageRequest(shot_id="SEQ01_grid", attempt=1, model="m", prompt="A 2x2 grid of harbour at dawn, a thin solid magenta gutter", aspect_ratio="16:9", size="1K")  # fmt: skip


def misbehaving(folder: Path, *behaviours: Behaviour, **options: object) -> Animatic:
    return open_animatic(options={"misbehave": {"SEQ01*": list(behaviours)}, **options}, folder=folder)


def bill(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


def fetched(provider: Animatic, handle: str) -> bytes:
    into = io.BytesIO()
    provider.fetch(handle, into)
    return into.getvalue()


def picture(answer: Media | Job) -> bytes:
    assert isinstance(answer, Media)
    return answer.data


@pytest.fixture
def order(tmp_path: Path) -> VideoRequest:
    """A very short take."""
    path = tmp_path / "start.png"
    Image.effect_mandelbrot((640, 360), (-2, -1, 1, 1), 50).convert("RGB").save(path)
    return VideoRequest(shot_id="SEQ01", attempt=1, model="m", prompts=("hold",), durations=(0.25,), start_frame=Reference("start", path, ""), resolution="480p")  # fmt: skip


def test_an_unknown_option_is_an_error(tmp_path: Path) -> None:
    """Is a misspelt option noticed?"""
    with pytest.raises(ValidationError, match="misbehaves"):
        open_animatic(options={"misbehaves": {}}, folder=tmp_path)


def test_a_picture_is_answered_at_once_and_billed_once(tmp_path: Path) -> None:
    """Is a well-behaved image call a PNG grid and one line on the bill?"""
    answer = misbehaving(tmp_path).submit_image(GRID, step_key="k1")
    assert isinstance(answer, Media)
    assert answer.mime == "image/png"
    assert read_grid(answer.data, expected_gutter="magenta").ok
    (line,) = bill(tmp_path)
    assert {key: line[key] for key in ("step_key", "shot_id", "kind", "attempt", "behaviour", "billed")} == {
        "step_key": "k1", "shot_id": "SEQ01_grid", "kind": "image", "attempt": 1, "behaviour": "ok", "billed": True,
    }  # fmt: skip


def test_it_goes_on_after_a_restart_without_the_senders_files(tmp_path: Path, order: VideoRequest) -> None:
    """Can a new process deliver a job, in a moved folder, when the start frame that was sent is gone?"""
    folder = tmp_path / "vendor"
    job = misbehaving(folder).submit_video(order, step_key="v1")
    order.start_frame.path.unlink()
    again = misbehaving(folder.rename(tmp_path / "moved"))
    assert again.find("v1") == job
    assert fetched(again, job.handle)[4:8] == b"ftyp"


def test_a_lost_answer_can_be_found(tmp_path: Path) -> None:
    """Is a picture whose answer was lost billed, found by its step key, and the same picture?"""
    provider = misbehaving(tmp_path / "a", "lost_answer")
    with pytest.raises(Ambiguous):
        provider.submit_image(GRID, step_key="k1")
    assert [line["billed"] for line in bill(tmp_path / "a")] == [True]
    found = misbehaving(tmp_path / "a").find("k1")
    assert found is not None
    assert provider.poll(found.handle).state == "ready"
    assert fetched(provider, found.handle) == picture(
        misbehaving(tmp_path / "b").submit_image(GRID, step_key="k1")
    )


def test_find_returns_the_newest_job(tmp_path: Path) -> None:
    """Which of several jobs with one step key is found, and what of a key never seen?"""
    provider = misbehaving(tmp_path, "late", "late")
    provider.submit_image(GRID, step_key="k1")
    second = provider.submit_image(GRID, step_key="k1")
    assert provider.find("k1") == second
    assert provider.find("k2") is None
    assert provider.can_find
    assert not misbehaving(tmp_path, findable=False).can_find


def test_a_job_that_never_reached_the_bill_never_happened(tmp_path: Path) -> None:
    """Is a job file without its bill line (a kill between the two) neither found nor written over?"""
    provider = misbehaving(tmp_path, "late")
    job = provider.submit_image(GRID, step_key="k1")
    assert isinstance(job, Job)
    (tmp_path / "calls.jsonl").unlink()
    again = misbehaving(tmp_path, "late")
    assert again.find("k1") is None
    assert again.submit_image(GRID, step_key="k1") != job


@pytest.mark.parametrize(
    ("behaviour", "error"), [("rate_limit", RateLimited), ("not_sent", NotSent), ("refuse", NoPicture)]
)
def test_calls_that_are_not_accepted(tmp_path: Path, behaviour: Behaviour, error: type[Exception]) -> None:
    """Does a call that the vendor turns away raise, cost nothing and leave nothing to find?"""
    provider = misbehaving(tmp_path, behaviour, rate_limit_seconds=2.5)
    with pytest.raises(error) as raised:
        provider.submit_image(GRID, step_key="k1")
    assert [(line["behaviour"], line["billed"]) for line in bill(tmp_path)] == [(behaviour, False)]
    assert provider.find("k1") is None
    if isinstance(raised.value, RateLimited):
        assert raised.value.delay == 2.5
    if isinstance(raised.value, NoPicture):
        assert raised.value.why == "safety"
    assert isinstance(provider.submit_image(GRID, step_key="k1"), Media)


@pytest.mark.parametrize("behaviour", ["wrong_grid", "single"])
def test_wrong_pictures(tmp_path: Path, behaviour: Behaviour) -> None:
    """Is the wrong layout delivered as a whole, well-formed PNG that is not the grid, and billed?"""
    wrong = picture(misbehaving(tmp_path / "a", behaviour).submit_image(GRID, step_key="k1"))
    right = picture(misbehaving(tmp_path / "b").submit_image(GRID, step_key="k1"))
    with Image.open(io.BytesIO(wrong)) as drawn:
        drawn.load()
        assert drawn.size == (1376, 768)
    assert wrong != right
    assert bill(tmp_path / "a")[0]["billed"] is True


def test_a_broken_picture_can_be_fetched_whole(tmp_path: Path) -> None:
    """Does a truncated answer fail to decode, and does the vendor still have the whole picture?"""
    provider = misbehaving(tmp_path, "broken_picture")
    answer = picture(provider.submit_image(GRID, step_key="k1"))
    with pytest.raises(OSError, match="truncated"), Image.open(io.BytesIO(answer)) as cut:
        cut.load()
    found = provider.find("k1")
    assert found is not None
    assert fetched(provider, found.handle)[: len(answer)] == answer


def test_a_broken_download_is_broken_once(tmp_path: Path, order: VideoRequest) -> None:
    """Is only the very first fetch cut short, also when the process restarts in between?"""
    job = misbehaving(tmp_path, "broken_download").submit_video(order, step_key="v1")
    cut, whole, again = (fetched(misbehaving(tmp_path), job.handle) for _ in range(3))
    assert len(cut) == len(whole) // 2
    assert whole == again


def test_a_late_job_is_ready_after_so_many_polls(tmp_path: Path) -> None:
    """Does a late picture take its polls, with progress?"""
    provider = misbehaving(tmp_path, "late", late_polls=3)
    job = provider.submit_image(GRID, step_key="k1")
    assert isinstance(job, Job)
    assert [provider.poll(job.handle).state for _ in range(4)] == ["running", "running", "ready", "ready"]


def test_slow_calls_take_their_time(tmp_path: Path, order: VideoRequest) -> None:
    """Does a slow picture wait in submit, and a slow job in the queue, by the clocks it was given?"""
    waited: list[float] = []
    now = [1000.0]
    options = AnimaticOptions(misbehave={"SEQ01*": ["slow"]}, slow_seconds=5)
    provider = Animatic(options, tmp_path, wait=waited.append, clock=lambda: now[0])
    assert isinstance(provider.submit_image(GRID, step_key="k1"), Media)
    assert waited == [5]
    job = provider.submit_video(order, step_key="v1")
    assert (provider.poll(job.handle).state, provider.poll(job.handle).poll_after) == ("running", 5)
    now[0] += 5
    assert provider.poll(job.handle).state == "ready"
    assert waited == [5]


@pytest.mark.parametrize("behaviour", ["job_failed", "refuse"])
def test_failed_jobs(tmp_path: Path, order: VideoRequest, behaviour: Behaviour) -> None:
    """Does a job that ends without a result say so at poll and at fetch?"""
    provider = misbehaving(tmp_path, behaviour)
    job = provider.submit_video(order, step_key="v1")
    for ask in (provider.poll, lambda handle: fetched(provider, handle)):
        with pytest.raises(JobFailed, match=job.handle):
            ask(job.handle)


@pytest.mark.parametrize("handle", ["anim-000000000000-1", "../../etc/passwd", ""])
def test_an_unknown_handle_is_gone(tmp_path: Path, handle: str) -> None:
    """Is a job that the vendor never heard of JobGone, whatever the handle looks like?"""
    with pytest.raises(JobGone):
        misbehaving(tmp_path).poll(handle)


def test_behaviours_are_used_up_across_restarts_by_the_first_pattern(tmp_path: Path) -> None:
    """Are behaviours taken in order per shot, counted on disk, from the first pattern that matches?"""
    options = {"misbehave": {"SEQ01_*": ["rate_limit", "not_sent"], "*": ["refuse"]}}
    for expected in (RateLimited, NotSent):
        with pytest.raises(expected):
            open_animatic(options=options, folder=tmp_path).submit_image(GRID, step_key="k")
    provider = open_animatic(options=options, folder=tmp_path)
    assert isinstance(provider.submit_image(GRID, step_key="k"), Media)
    with pytest.raises(NoPicture):
        provider.submit_image(replace(GRID, shot_id="SEQ02_grid"), step_key="k2")


def test_a_bad_request_reaches_no_book(tmp_path: Path, order: VideoRequest) -> None:
    """Is a request that cannot be made refused before it is counted or billed?"""
    provider = misbehaving(tmp_path)
    bad = Reference("mara", tmp_path / "missing.png", "")
    calls: list[Callable[[], object]] = [
        lambda: provider.submit_image(replace(GRID, size="8K"), step_key="k"),
        lambda: provider.submit_image(replace(GRID, references=(bad,)), step_key="k"),
        lambda: provider.submit_video(replace(order, resolution="8K"), step_key="v"),
        lambda: provider.submit_video(replace(order, start_frame=bad), step_key="v"),
    ]
    for call in calls:
        with pytest.raises(BadRequest):
            call()
    assert not (tmp_path / "calls.jsonl").exists()


def test_many_threads_get_one_line_and_one_handle_each(tmp_path: Path) -> None:
    """Does one provider keep its books straight under sixteen threads?"""
    provider = Animatic(AnimaticOptions(misbehave={"*": ["late"] * 40}), tmp_path)
    with ThreadPoolExecutor(16) as pool:
        jobs = list(pool.map(lambda i: provider.submit_image(GRID, step_key=f"k{i % 5}"), range(40)))
    assert len(set(jobs)) == 40
    assert sorted(str(line["handle"]) for line in bill(tmp_path)) == sorted(
        job.handle for job in jobs if isinstance(job, Job)
    )


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    """Do the lines of several processes stay whole, and is each job its own?"""
    code = (
        "import sys; from pathlib import Path; from tests.unit.test_animatic import GRID, misbehaving\n"
        "p = misbehaving(Path(sys.argv[1]), *['late'] * 60)\n"
        "for _ in range(15): p.submit_image(GRID, step_key='same')"
    )
    root = Path(__file__).parents[2]
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=root) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    handles = [line["handle"] for line in bill(tmp_path)]
    assert len(handles) == len(set(handles)) == 30
    assert all(a != b for a, b in itertools.pairwise(sorted(map(str, handles))))


def test_a_line_torn_by_a_full_disk_spoils_no_other(tmp_path: Path) -> None:
    """Can the books be read and added to after a write that was cut off?"""
    book = tmp_path / "calls.jsonl"
    open_animatic(options={}, folder=tmp_path).submit_image(GRID, step_key="first")
    with book.open("ab") as file:
        file.write(b'{"step_key":"S0')
    open_animatic(options={}, folder=tmp_path).submit_image(GRID, step_key="second")
    again = open_animatic(options={}, folder=tmp_path)
    assert again.find("first") is not None
    assert again.find("second") is not None


def test_books_that_are_moved_away_are_out_of_reach_and_not_empty(tmp_path: Path) -> None:
    """While its project lies elsewhere for a moment, is a job neither gone nor taken for one that never was?"""
    vendor = open_animatic(options={"misbehave": {"SEQ01*": ["late"]}}, folder=tmp_path / "books")
    job = vendor.submit_image(GRID, step_key="k")
    assert isinstance(job, Job)
    (tmp_path / "books").rename(tmp_path / "away")
    asked: list[Callable[[], object]] = [
        lambda: vendor.poll(job.handle),
        lambda: vendor.find("k"),
        lambda: vendor.submit_image(GRID, step_key="k2"),
    ]
    for ask in asked:
        with pytest.raises(NotSent):
            ask()
    (tmp_path / "away").rename(tmp_path / "books")
    assert vendor.find("k") == job
    assert vendor.poll(job.handle).state == "running"
