"""Does every media file say where it comes from, inside and beside it, and is none lost or changed for that?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from client_async.grid_pictures import GridPictures
from client_async.sequence_parts import GridRecord, Verdict
from starsend import api_client as api
from starsend.files import sha256_of
from starsend.orchestrator.landing import Landing
from starsend.orchestrator.provenance import as_comment, provenance
from starsend.orchestrator.records import Step, Take
from starsend.tools.image_utils import composite_grid, open_picture, save_picture
from starsend.tools.media_comment import comment_in
from tests.conftest import ManualClock
from tests.media import film, packets, picture
from tests.standins.vendor import png
from tests.unit.test_grid_pictures import COLOURS, frame
from tests.unit.test_step_runner import Desk

SECRET = "sk-planted-0123456789"


@pytest.fixture
def desk(project_dir: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("ANIMATIC_API_KEY", SECRET)
    made = Desk(project_dir, clock)
    yield made
    made.store.close()


def inside(path: Path) -> dict[str, Any]:
    """What a file says of itself."""
    comment = comment_in(path)
    assert comment is not None
    said: dict[str, Any] = json.loads(comment)
    return said


def beside(path: Path) -> dict[str, Any]:
    """What the file beside it says."""
    said: dict[str, Any] = json.loads(path.with_name(path.name + ".json").read_text())
    return said


def step_of(desk: Desk, take: Take) -> Step:
    step = desk.store.step(take.take_id)
    assert step is not None
    return step


def test_a_picture_says_what_it_was_asked_for_in(desk: Desk) -> None:
    """Prompt, provider, model, step key, references by hash, and when: are they in the file, and beside it with more?"""
    runner = desk.runner()
    shown = (
        api.Reference("Mara", desk.start_frame, "a" * 64),
        api.Reference("/home/m/x.png", desk.start_frame, "b" * 64),
        api.Reference("C:\\jobs\\y.png", desk.start_frame, "c" * 64),
    )
    asked = {"references": shown, "aspect_ratio": "16:9", "size": "2K", "attempt": 3}
    take = runner.execute_keyframe("S_grid", "a harbour\n🎬", **asked)  # type: ignore[arg-type]
    path = desk.folder / take.media.path
    assert inside(path) == {
        "schema": "starsend.provenance/1",
        "kind": "keyframe",
        "step": take.take_id,
        "shot": "S_grid",
        "attempt": 3,
        "provider": "animatic",
        "model": "storyboard",
        "prompt": "a harbour\n🎬",
        "aspect_ratio": "16:9",
        "size": "2K",
        "references": [
            {"name": "Mara", "sha256": "a" * 64},
            {"name": "x.png", "sha256": "b" * 64},
            {"name": "y.png", "sha256": "c" * 64},
        ],
        "asked_at": step_of(desk, take).created_at.isoformat(),
        "software": "Starsend",
    }
    told = beside(path)
    assert told.pop("software").startswith("Starsend ")
    assert told.pop("landed_at") > told["asked_at"]
    assert told.pop("inside") is True
    assert told.pop("file") == {
        "name": path.name,
        "sha256": sha256_of(path),
        "size_bytes": path.stat().st_size,
        "mime": "image/png",
        "width": 64,
        "height": 48,
    }
    assert {**told, "software": "Starsend"} == inside(path)
    assert (take.media.sha256, take.media.size_bytes) == (sha256_of(path), path.stat().st_size)


def test_a_video_says_its_shots_and_its_start_frame(desk: Desk) -> None:
    """Are prompts with durations, prompts as people wrote them and the start frame's hash in an MP4's comment?"""
    take = desk.film()
    said = inside(desk.folder / take.media.path)
    assert (said["prompts"], said["durations"], said["shot_prompts"]) == (
        ["one", "two"],
        [2, 1.5],
        ["I", "II"],
    )
    assert said["start_frame"] == {"name": "start frame", "sha256": sha256_of(desk.start_frame)}
    assert said["resolution"] == desk.settings.video.resolution
    told = beside(desk.folder / take.media.path)["file"]
    assert (told["frames"], told["seconds"], told["mime"]) == (12, 0.5, "video/mp4")


def test_neither_secret_nor_cost_nor_folder_is_told(desk: Desk) -> None:
    """Are files and their neighbours free of keys, prices, job ids and paths?"""
    for take in (desk.draw(), desk.film()):
        step = step_of(desk, take)
        assert step.request["price"] and step.handle, "there is something to be kept back"
        path = desk.folder / take.media.path
        told = beside(path)
        said = json.dumps([told, inside(path)])
        whole = path.read_bytes() + path.with_name(path.name + ".json").read_bytes()
        for kept in (SECRET, str(desk.folder), "job-", "price", "cost", "units", '"0.05', "handle"):
            assert kept not in said, kept
        assert SECRET.encode() not in whole


# -------------------------------------------------------------------------------- nothing is lost for it


@pytest.mark.parametrize(
    ("delivered", "suffix"),
    [
        (picture("WEBP"), ".webp"),
        (picture("PNG") + b"trailing", ".png"),
        (picture("JPEG"), ".jpg"),
    ],
)
def test_whatever_format_comes_is_told_beside_it(desk: Desk, delivered: bytes, suffix: str) -> None:
    """Is a file that takes no comment landed untouched, and does its neighbour say so?"""
    desk.vendor.fetches = [delivered]
    take = desk.draw()
    path = desk.folder / take.media.path
    assert path.suffix == suffix
    assert beside(path)["inside"] is (suffix != ".webp")
    assert (path.read_bytes() == delivered) is (suffix == ".webp")
    assert open_picture(path).tobytes() == open_picture(delivered).tobytes()
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, path.name + ".json"]


@pytest.mark.parametrize("in_the_way", [".tagged", ".png.json"])
def test_a_disk_that_refuses_a_tag_loses_no_picture(desk: Desk, in_the_way: str) -> None:
    """Is what was paid for committed, untouched where it could not be tagged, with a warning?"""

    def block(key: str) -> None:
        (desk.folder / "media" / "takes" / "S_grid" / (key + in_the_way) / "x").mkdir(parents=True)

    desk.vendor.script, desk.vendor.on_submit = ["media"], block
    with structlog.testing.capture_logs() as events:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("warning"))
        take = desk.draw()
    path = desk.folder / take.media.path
    assert (path.read_bytes() == png()) is (in_the_way == ".tagged")
    assert take.media.sha256 == sha256_of(path)
    (warned,) = [event["event"] for event in events if event["event"] != "picture_size_differs"]
    assert warned == {".tagged": "provenance_not_inside", ".png.json": "provenance_unwritten"}[in_the_way]


def test_a_take_that_was_landed_without_a_tag_is_fetched_again_as_it_was(desk: Desk) -> None:
    """Is a take of an earlier Starsend, or of a full disk, still the same file after it was deleted?"""

    def block(key: str) -> None:
        (desk.folder / "media" / "takes" / "S_grid" / (key + ".tagged")).mkdir(parents=True)

    desk.vendor.on_submit = block
    take = desk.draw()
    path = desk.folder / take.media.path
    assert path.read_bytes() == png()
    shutil.rmtree(path.parent)
    assert desk.draw() == take
    assert (path.read_bytes(), beside(path)["inside"]) == (png(), False)


def test_a_take_that_is_fetched_again_is_the_same_file_at_any_time(desk: Desk) -> None:
    """Is nothing inside that only the moment of landing knows?"""
    take = desk.film()
    path = desk.folder / take.media.path
    before, told = path.read_bytes(), beside(path)
    shutil.rmtree(path.parent)
    desk.clock.wait(86_400, desk.stop)
    assert desk.film() == take
    assert path.read_bytes() == before
    assert beside(path)["landed_at"] > told["landed_at"]


@pytest.mark.parametrize("left", ["incoming", "incoming and tagged", "both", "named"])
def test_what_a_crash_left_is_completed(desk: Desk, left: str) -> None:
    """Wherever landing broke off: is the next run's result one tagged file and its neighbour?"""
    step = step_of(desk, desk.film())
    folder = desk.folder / "media" / "takes" / "S"
    tagged = (folder / f"{step.step_key}.mp4").read_bytes()
    shutil.rmtree(folder)
    folder.mkdir()
    if left != "named":
        (folder / f"{step.step_key}.incoming").write_bytes(film())
    if left == "incoming and tagged":
        (folder / f"{step.step_key}.tagged").write_bytes(tagged)
    if left in ("both", "named"):
        (folder / f"{step.step_key}.mp4").write_bytes(tagged)
    (folder / f"{step.step_key}.mp4.json").write_text("{}")
    landing = Landing(desk.folder, desk.clock)
    media = landing.left_behind(step)
    assert media is not None
    path = desk.folder / media.path
    assert sorted(p.name for p in folder.iterdir()) == [path.name, path.name + ".json"]
    assert inside(path) == json.loads(as_comment(provenance(step)))
    assert beside(path)["file"]["sha256"] == sha256_of(path) == media.sha256
    if left != "named":
        assert packets(path.read_bytes()) == packets(film())


def test_what_stands_beside_a_result_is_no_result(desk: Desk) -> None:
    """Is a neighbour without its file never taken for one?"""
    step = step_of(desk, desk.draw())
    folder = desk.folder / "media" / "takes" / "S_grid"
    (folder / f"{step.step_key}.png").unlink()
    assert (folder / f"{step.step_key}.png.json").is_file()
    assert Landing(desk.folder, desk.clock).left_behind(step) is None


# ---------------------------------------------------------------------------------------- grids and cells


def test_cells_and_composites_say_what_they_were_made_of(project_dir: Path) -> None:
    """Which grid, which takes, which box, of which file: inside, and beside it with the time?"""
    known = Verdict(ok=True, reason="ok", explanation="")
    record = GridRecord(
        grid="g4", round=1, via="composite", verdict=known, at="2026-11-23", takes=list("abcd"), cost="9.75"
    )
    for number in range(4):
        save_picture(frame(number), project_dir / f"{number}.png")
    names = [f"{number}.png" for number in range(4)]
    pictures = GridPictures(project_dir, "SEQ01")
    record = pictures.compose(record, names, colours=COLOURS)
    sheet = project_dir / str(record.path)
    frames = [{"name": name, "sha256": sha256_of(project_dir / name)} for name in names]
    assert (inside(sheet)["kind"], inside(sheet)["frames"]) == ("composite", frames)
    for number, name in enumerate(record.cells, start=1):
        path = project_dir / name
        said, told = inside(path), beside(path)
        assert (said["kind"], said["grid"], said["takes"]) == ("cell", "g4", list("abcd"))
        assert (said["cell"], said["of"]) == (number, {"name": "g4.png", "sha256": sha256_of(sheet)})
        left, top, right, bottom = said["box"]
        assert open_picture(path).tobytes() == open_picture(sheet).crop((left, top, right, bottom)).tobytes()
        assert (told["made_at"], told["file"]["sha256"]) == ("2026-11-23", sha256_of(path))
        assert "9.75" not in json.dumps([said, told]) and "made_at" not in said


def test_an_adopted_grid_says_which_file_it_was(project_dir: Path) -> None:
    """Is a picture from elsewhere known by name and hash, without the folder it came from?"""
    sheet, _ = composite_grid([frame(n) for n in range(4)], size=(492, 332), gutter=12)
    save_picture(sheet, project_dir / "client" / "theirs.png")
    known = Verdict(ok=True, reason="ok", explanation="")
    record = GridRecord(grid="g1", round=1, via="adopted", verdict=known, at="2026-11-23")
    record = GridPictures(project_dir, "SEQ01").adopt(record, project_dir / "client" / "theirs.png")
    of = {"name": "theirs.png", "sha256": sha256_of(project_dir / "client" / "theirs.png")}
    assert inside(project_dir / str(record.path))["of"] == of
