"""Is a sequence that is too long for one take divided into takes that go on from each other, each paid for once?"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_async.accounts import costs_of, entries_of
from client_async.events import SequenceMoved
from starsend.files import sha256_of
from starsend.orchestrator.step_faults import StepFailed
from starsend.shot_lint import ShotsRefused, divide
from starsend.tools.image_utils import open_picture
from starsend.tools.last_frame import NoLastFrame, keep_last_frame
from starsend.vendor_faults import JobFailed
from tests.standins.vendor import mp4
from tests.unit.studio import Studio

anyio = pytest.mark.anyio

THREE_SECONDS = {
    "provider": "animatic",
    "model": "*",
    "shots": 2,
    "shot_seconds": {"least": 1, "most": 5},
    "total_seconds": {"least": 1, "most": 3},
    "as_of": "2026-11-01",
}
LONG = [{"prompt": f"shot {number}", "seconds": 1} for number in (1, 2, 3, 4, 5)]


@pytest.fixture
async def long(studio: Studio) -> Studio:
    """A studio whose vendor takes two shots at once; five are asked for, to be split, and a cell is picked."""
    path = studio.place.folder / "starsend_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "shot_limits": [THREE_SECONDS]}))
    studio.write_brief(shots=LONG, split=True)
    assert await studio.advance() is None
    await studio.runner.pick_cell(1, by="mara", via="test")
    return studio


@anyio
async def test_a_long_sequence_becomes_takes_that_go_on_from_each_other(long: Studio) -> None:
    """Are five shots made as two, two and one, in order, each starting on the last frame of the one before, to the pixel?"""
    assert await long.advance() is None
    sequence = long.runner.read()
    assert (sequence.grid_state, long.bill) == ("done", ["SEQ01_grid", "SEQ01", "SEQ01", "SEQ01"])
    take, keyframe = sequence.take, sequence.keyframe
    assert take is not None
    assert keyframe is not None
    assert [part.shots for part in take.parts] == [2, 2, 1]
    assert (take.take, take.path) == (take.parts[0].take, take.parts[0].path)
    assert take.parts[0].start_frame == keyframe.sha256
    takes = {made.take_id: made for made in long.shop.store.takes("SEQ01")}
    prompts = [takes[part.take].shot_prompts for part in take.parts]
    assert prompts == [("shot 1", "shot 2"), ("shot 3", "shot 4"), ("shot 5",)]
    for before, part in pairwise(take.parts):
        picture = long.shop.path(before.path).with_name(f"{before.take}_last.png")
        assert sha256_of(picture) == part.start_frame
        with av.open(long.shop.path(before.path)) as video:
            *_, last = video.decode(video=0)
        assert np.array_equal(np.asarray(open_picture(picture)), last.to_ndarray(format="rgb24"))


@anyio
async def test_a_split_take_is_made_once_however_often_it_is_asked_for(long: Studio) -> None:
    """Are all parts found again for nothing, also when the first frame of the second is what it was to the bit?"""
    await long.advance()
    first = long.runner.read().take
    paid = len(long.bill)
    assert await long.runner.generate() == first
    assert len(long.bill) == paid
    assert await long.wish(retake=True) is None
    assert len(long.bill) == paid + 3


@anyio
async def test_a_part_that_fails_leaves_those_before_it_paid_once(long: Studio) -> None:
    """Does a take whose second part is turned away go on there when it is resumed?"""
    path = long.place.folder / "starsend_config.json"
    config = json.loads(path.read_text())
    config["animatic"] = {"misbehave": {"SEQ01": ["ok", "broken_download", "rate_limit"]}}
    path.write_text(json.dumps(config))
    long.close()
    assert await long.advance() is None
    assert long.runner.read().grid_state == "done"
    assert long.bill.count("SEQ01") == 3


def misbehave(studio: Studio, *takes: str) -> None:
    """What successive calls for the take do, counted from the first ever."""
    path = studio.place.folder / "starsend_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "animatic": {"misbehave": {"SEQ01": takes}}}))
    studio.close()


@anyio
async def test_another_attempt_of_an_unfinished_take_pays_for_what_is_missing(long: Studio) -> None:
    """The second part fails for good: does resuming say so and change nothing, and does another attempt keep the first part?
    And is the attempt after that, of a finished take, all new?
    """
    misbehave(long, "ok", "job_failed")
    assert isinstance(await long.advance(), JobFailed)
    assert isinstance(await long.wish(resume=True), StepFailed)
    assert (long.states[-1], long.states.count("generating")) == ("failed", 1)
    paid = long.bill.count("SEQ01")
    assert await long.wish(retake=True) is None
    take = long.runner.read().take
    assert take is not None
    assert long.bill.count("SEQ01") == paid + 2
    assert [part.take.split("-")[1] for part in take.parts] == ["a1", "a2", "a2"]
    assert any("1 of its parts" in move.status for move in long.moves if isinstance(move, SequenceMoved))
    assert await long.runner.generate() == take
    assert long.bill.count("SEQ01") == paid + 2, "found again for nothing"
    assert await long.wish(retake=True) is None
    take = long.runner.read().take
    assert take is not None
    assert [part.take.split("-")[1] for part in take.parts] == ["a3", "a3", "a3"]
    assert long.bill.count("SEQ01") == paid + 5


@anyio
async def test_an_attempt_that_keeps_parts_keeps_them_when_it_is_cut_short(long: Studio) -> None:
    """Its second part fails, and of the next attempt the third: are both parts before it kept by the one after that?"""
    misbehave(long, "ok", "job_failed", "ok", "refuse", "ok")
    assert isinstance(await long.advance(), JobFailed)
    assert await long.wish(retake=True) is not None
    long.close()
    paid = long.bill.count("SEQ01")
    assert await long.wish(retake=True) is None
    take = long.runner.read().take
    assert take is not None
    assert [part.take.split("-")[1] for part in take.parts] == ["a1", "a2", "a3"]
    assert long.bill.count("SEQ01") == paid + 1


@anyio
async def test_a_part_whose_file_is_gone_is_all_that_is_paid_with_what_goes_on_from_it(long: Studio) -> None:
    """Of three parts the last is lost from the disk: does another attempt make that one alone?"""
    await long.advance()
    take, paid = long.runner.read().take, long.bill.count("SEQ01")
    assert take is not None
    long.shop.path(take.parts[-1].path).unlink()
    assert await long.wish(retake=True) is None
    again = long.runner.read().take
    assert again is not None
    assert [part.take for part in again.parts[:2]] == [part.take for part in take.parts[:2]]
    assert long.bill.count("SEQ01") == paid + 1


@anyio
async def test_all_parts_count_as_picked_work(long: Studio) -> None:
    """Do the costs know that the later parts are in use too, and that their seconds are finished?"""
    await long.advance()
    take = long.runner.read().take
    assert take is not None and len(take.parts) > 1
    report = costs_of(long.place)
    works = {entry.event.step_key: entry.work for entry in entries_of(long.place, None, None)}
    assert {works[part.take] for part in take.parts} == {"picked"}
    assert report.finished is not None and report.finished.takes == len(take.parts)


@anyio
async def test_one_shot_that_is_too_long_by_itself_is_told_before_a_grid_is_paid(studio: Studio) -> None:
    """Is a shot never cut, and refused with the length that it may have?"""
    path = studio.place.folder / "starsend_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "shot_limits": [THREE_SECONDS]}))
    studio.write_brief(shots=[*LONG, {"prompt": "too long", "seconds": 9}], split=True)
    refused = await studio.advance()
    assert isinstance(refused, ShotsRefused)
    assert [str(fault) for fault in refused.faults] == [
        "shots[5].seconds: 9 s, a shot takes 1 to 5 s, whole seconds (e.g. 3 s)"
    ]
    assert studio.bill == []


@anyio
async def test_asking_for_a_split_mends_what_is_too_long(studio: Studio) -> None:
    """Does a sequence that was refused as one take go on when "split" is written into its brief?"""
    path = studio.place.folder / "starsend_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "shot_limits": [THREE_SECONDS]}))
    studio.write_brief(shots=LONG)
    assert isinstance(await studio.advance(), ShotsRefused)
    assert await studio.wish(split=True) is None
    assert studio.runner.read().grid_state == "waiting_for_pick"


@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=12),
    st.integers(1, 4),
    st.integers(0, 4),
    st.integers(4, 16),
)
def test_a_division_keeps_the_limits_and_is_as_short_as_can_be(
    seconds: list[int], shots: int, least: int, most: int
) -> None:
    """For any shots: do the parts hold each shot once, in order, each within the limits, and is no shorter way left out?"""

    def fits(begin: int, end: int) -> bool:
        return end - begin <= shots and least <= sum(seconds[begin:end]) <= most

    def fewest(begin: int) -> int:
        """How many parts the rest takes at the least; a hundred when there is no way."""
        if begin == len(seconds):
            return 0
        ends = range(begin + 1, min(begin + shots, len(seconds)) + 1)
        return min([1 + fewest(end) for end in ends if fits(begin, end)], default=100)

    parts = divide(len(seconds), fits)
    if parts is None:
        assert fewest(0) >= 100
    else:
        assert [at for part in parts for at in part] == list(range(len(seconds)))
        assert all(fits(part.start, part.stop) for part in parts)
        assert len(parts) == fewest(0)


def test_the_first_takes_are_as_long_as_can_be() -> None:
    """Is the division told by the shots alone, and the short take the last one?"""
    assert divide(5, lambda begin, end: end - begin <= 2) == [range(2), range(2, 4), range(4, 5)]
    assert divide(2, lambda begin, end: end - begin == 3) is None


def test_the_last_frame_is_kept_once(tmp_path: Path) -> None:
    """Is it the last frame to the pixel, and never written again, so that the next take keeps its name?"""
    video, picture = tmp_path / "a.mp4", tmp_path / "a_last.png"
    video.write_bytes(mp4(12))
    keep_last_frame(video, picture)
    with av.open(video) as container:
        *_, last = container.decode(video=0)
    assert np.array_equal(np.asarray(open_picture(picture)), last.to_ndarray(format="rgb24"))
    kept = picture.stat()
    video.unlink()
    keep_last_frame(video, picture)
    assert picture.stat() == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_last.png"]


@pytest.mark.parametrize("broken", [b"", b"no video", mp4(12)[:200]])
def test_a_video_without_a_last_frame_is_told(tmp_path: Path, broken: bytes) -> None:
    """Is a video that cannot be read one line, and no picture left behind?"""
    video = tmp_path / "a.mp4"
    video.write_bytes(broken)
    with pytest.raises(NoLastFrame, match=r"a\.mp4"):
        keep_last_frame(video, tmp_path / "a_last.png")
    assert not (tmp_path / "a_last.png").exists()
