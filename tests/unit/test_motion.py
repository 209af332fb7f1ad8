"""The animatic: length to the frame, the start frame first, moves, burn-in, determinism."""

from __future__ import annotations

import itertools
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from starsend.api_client import ImageRequest, Reference, VideoRequest
from starsend.providers.motion import check_take, frame_counts, move_of, render_take, timecode, video_size
from starsend.providers.storyboard.board import draw_board
from starsend.vendor_faults import BadRequest
from tests.pictures import ssim

Rgb = NDArray[np.uint8]
Grey = NDArray[np.float64]


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> VideoRequest:
    """A short take of three shots on a drawn start frame."""
    path = tmp_path_factory.mktemp("start") / "start.png"
    draw_board(ImageRequest(shot_id="S", attempt=1, model="m", prompt="harbour at dawn, @mara, wide", aspect_ratio="16:9", size="1K")).save(path)  # fmt: skip
    return VideoRequest(
        shot_id="SEQ01",
        attempt=1,
        model="m",
        prompts=("@mara waits, slow push in", "close on @mara, pan left", "pull out, low angle"),
        durations=(0.7, 0.52, 0.3),
        start_frame=Reference("start", path, "a" * 64),
        resolution="480p",
    )


@pytest.fixture(scope="module")
def film(take: VideoRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The take, rendered once."""
    path = tmp_path_factory.mktemp("film") / "take.mp4"
    render_take(take, path)
    return path


def decoded(path: Path) -> list[Rgb]:
    with av.open(str(path), "r") as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def test_the_file_is_what_players_want(film: Path, take: VideoRequest) -> None:
    """Is it H.264, yuv420p, 24 fps, of the right size, with its index at the front?"""
    with av.open(str(film)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.pix_fmt, str(video.average_rate)) == ("h264", "yuv420p", "24")
        assert (video.width, video.height) == (860, 480)
        assert float(container.duration or 0) / av.time_base == pytest.approx(36 / 24, abs=0.001)
    data = film.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_it_decodes_to_the_last_frame(film: Path, take: VideoRequest) -> None:
    """Does every frame come out, and exactly round(24 x the sum) of them?"""
    assert len(decoded(film)) == round(sum(take.durations) * 24) == 36


def test_the_first_frame_is_the_start_frame(film: Path, take: VideoRequest) -> None:
    """Is the very first frame the start frame, in structure (SSIM) and in colour?"""
    first = decoded(film)[0]
    with Image.open(take.start_frame.path) as start:
        wanted = np.asarray(start.convert("RGB").resize((860, 480), Image.Resampling.LANCZOS), float)
    assert ssim(first.mean(axis=2), wanted.mean(axis=2)) > 0.95
    assert np.abs(first[60:].mean(axis=(0, 1)) - wanted[60:].mean(axis=(0, 1))).max() < 3


def test_cuts_lie_where_the_shots_end(film: Path, take: VideoRequest) -> None:
    """Does the picture jump at round(24 x the time so far) and nowhere else?"""
    frames = [frame[60:].astype(float) for frame in decoded(film)]
    jumps = [np.abs(b - a).mean() for a, b in itertools.pairwise(frames)]
    assert sorted(np.argsort(jumps)[-2:] + 1) == [round(0.7 * 24), round(1.22 * 24)]


def test_the_camera_moves_smoothly(film: Path) -> None:
    """Does the opening push move, beginning and ending softly?"""
    frames = [frame[60:].astype(float) for frame in decoded(film)[:17]]
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(frames)]
    assert max(steps) == pytest.approx(max(steps[4:12]))
    assert steps[0] < max(steps) / 2 > steps[-1]


def test_equal_takes_are_equal_files(film: Path, take: VideoRequest, tmp_path: Path) -> None:
    """Are two renders of one take, made side by side in threads, the same bytes?"""
    paths = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    threads = [Thread(target=render_take, args=(take, path)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths[0].read_bytes() == paths[1].read_bytes() == film.read_bytes()


def test_equal_takes_are_equal_in_another_process(film: Path, take: VideoRequest, tmp_path: Path) -> None:
    """Do the bytes depend on nothing that happens to lie in memory? (x264's did: motion._X264.)"""
    code = (
        "import sys, pickle; from pathlib import Path; from starsend.providers.motion import render_take;"
        "render_take(pickle.loads(sys.stdin.buffer.read()), Path(sys.argv[1]))"
    )
    path = tmp_path / "take.mp4"
    environment = {**os.environ, "MALLOC_PERTURB_": "77", "PYTHONHASHSEED": "7"}
    subprocess.run(
        [sys.executable, "-c", code, str(path)], input=pickle.dumps(take), check=True, env=environment
    )
    assert path.read_bytes() == film.read_bytes()


def test_the_burn_in_runs(film: Path) -> None:
    """Does the timecode in the corner change with every frame of a hold?"""
    corners = [frame[12:30, 60:180] for frame in decoded(film)]
    assert all(np.abs(b.astype(int) - a).max() > 60 for a, b in itertools.pairwise(corners))


@pytest.mark.parametrize(
    ("resolution", "start", "video"),
    [
        ("720p", (1376, 768), (1290, 720)),
        ("720p", (768, 1376), (720, 1290)),
        ("1080p", (1920, 1080), (1920, 1080)),
        ("480p", (1001, 333), (1442, 480)),
        ("360p", (1376, 768), (644, 360)),
    ],
)
def test_the_video_keeps_the_start_frames_shape(
    resolution: str, start: tuple[int, int], video: tuple[int, int]
) -> None:
    """Is the short side what was asked for, nothing distorted, every side even?"""
    assert video_size(resolution, start) == video


def test_frame_counts_never_drift() -> None:
    """Do many odd durations still add up to one frame?"""
    durations = (1.01, 0.99, 2.333, 1.26, 3.77, 1.0)
    assert sum(frame_counts(durations)) == round(sum(durations) * 24)
    assert frame_counts((3.0, 2.5, 3.5)) == [72, 60, 84]


@pytest.mark.parametrize(
    ("prompt", "move"),
    [
        ("she turns, slow push in", "push in"),
        ("Pull back to reveal the harbour", "pull out"),
        ("pan to the left across the boats", "pan left"),
        ("the camera pans right", "pan right"),
        ("tilt up the tower", "tilt up"),
        ("tilting down", "tilt down"),
        ("static shot", "hold"),
        ("she opens a company", "push in"),
    ],
)
def test_moves_follow_the_words(prompt: str, move: str) -> None:
    """Is the camera move the one that the prompt names, a slow push where it names none?"""
    assert move_of(prompt) == move


def test_timecode() -> None:
    """Is the running time HH:MM:SS:FF at 24 frames a second?"""
    assert [timecode(n) for n in (0, 23, 24, 24 * 3661 + 5)] == [
        "00:00:00:00",
        "00:00:00:23",
        "00:00:01:00",
        "01:01:01:05",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompts": ("one",)},
        {"prompts": (), "durations": ()},
        {"durations": (1.0, 0.0, 1.0)},
        {"resolution": "4K"},
        {"start_frame": Reference("start", Path("nowhere.png"), "")},
        {"references": (Reference("mara", Path("nowhere.png"), ""),)},
    ],
)
def test_what_cannot_be_made_is_refused(take: VideoRequest, wrong: dict[str, object]) -> None:
    """Is an order that cannot be rendered refused when it is made?"""
    with pytest.raises(BadRequest):
        check_take(replace(take, **wrong))  # type: ignore[arg-type]
