"""Does a sequence get from its brief to its take, with every attempt kept and no call made twice?"""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from pathlib import Path

import anyio
import numpy as np
import pytest
from PIL import Image

from client_async.accounts import costs_of
from client_async.client_sequence_runner import WaitsForPick
from client_async.drive import drive
from client_async.events import Event, SequenceMoved
from client_async.grid_maker import NoGrid
from client_async.picks import BadPick, record_pick
from client_async.sequence_file import SequenceFile
from client_async.take_maker import KeyframeGone
from starsend.errors import BadInput, UnknownName
from starsend.files import sha256_of
from starsend.orchestrator.step_faults import StepFailed, StepUnknown
from starsend.shot_lint import ShotsRefused
from starsend.tools.image_utils import open_picture
from starsend.vendor_faults import JobFailed, RateLimited
from starsend.vendor_gates import FIRST_HOLD
from tests.standins.vendor import write_png
from tests.unit.studio import Studio

pytestmark = pytest.mark.anyio

# ---------------------------------------------------------------------------------------------- exploring


async def test_a_right_grid_waits_for_a_pick_with_four_cells(explored: Studio) -> None:
    """After one call, are there four different candidates on disk?"""
    sequence = explored.runner.read()
    assert sequence.grid_state == "waiting_for_pick"
    assert sequence.grid is not None
    cells = [open_picture(explored.place.folder / cell) for cell in sequence.grid.cells]
    assert len({cell.tobytes() for cell in cells}) == 4
    assert sequence.grid.verdict.ok
    assert explored.bill == ["SEQ01_grid"]
    assert not explored.shop.store.keyframe_complete("SEQ01"), "a grid is not a keyframe"


async def test_exploring_again_without_asking_for_it_costs_nothing(explored: Studio) -> None:
    """Is a grid that waits left alone?"""
    before = explored.place.file.path.read_bytes()
    await explored.runner.explore_grid()
    assert explored.place.file.path.read_bytes() == before
    assert len(explored.bill) == 1


async def test_a_wrong_grid_is_asked_for_again_in_other_words(studio: Studio) -> None:
    """Does the next prompt say what was wrong, and is each attempt kept with verdict and take?"""
    studio.write_brief(prompt="a harbour at dawn")  # which is drawn with no colour that a gutter may have
    studio.misbehave(misbehave={"SEQ01_grid": ["single", "wrong_grid"]})
    sequence = await studio.runner.explore_grid()
    assert [record.verdict.ok for record in sequence.grid_history] == [False, False, True]
    assert [len(record.takes) for record in sequence.grid_history] == [1, 1, 1]
    assert studio.states == [
        "exploring",
        "validating",
        "retrying",
        "validating",
        "retrying",
        "validating",
        "waiting_for_pick",
    ]
    assert [record.cost for record in sequence.grid_history] == ["0.050000"] * 3
    steps = [studio.shop.store.step(record.takes[0]) for record in sequence.grid_history]
    prompts = [step.request["prompt"] for step in steps if step]
    assert len(set(prompts)) == 3
    assert "attempt 2: before, you drew one single picture" in prompts[1]
    references = [step.request["references"] for step in steps if step]
    assert [len(sent) for sent in references] == [0, 0, 1], (
        "an empty sheet goes along from the second retry on"
    )
    templates = list((studio.place.folder / "media" / "templates").iterdir())
    assert [references[2][0][1]] == [sha256_of(path) for path in templates]
    template = open_picture(templates[0])
    assert (template.size, template.getpixel((512, 100)), template.getpixel((100, 512))) == (
        (1024, 1024),
        (255, 255, 255),
        (255, 255, 255),
    )
    assert [record.gutter for record in sequence.grid_history] == ["magenta", "lime", "white"]
    spent = {work: spend.actual for work, spend in costs_of(studio.place).by("work").items() if spend.calls}
    assert spent == {"open": Decimal("0.05"), "rejected": Decimal("0.10")}


async def test_after_too_many_wrong_grids_four_singles_are_composited(studio: Studio) -> None:
    """Is there something to pick from in the end, with a take behind every cell?"""
    studio.misbehave(misbehave={"SEQ01_grid": ["single", "wrong_grid", "refuse"]})
    sequence = await studio.runner.explore_grid()
    assert sequence.grid is not None
    assert sequence.grid.via == "composite"
    assert [r.verdict.reason for r in sequence.grid_history][2] == "no_picture"
    assert "refused for safety" in sequence.grid_history[2].verdict.explanation
    singles = [f"SEQ01_grid_c{cell}" for cell in (1, 2, 3, 4)]
    assert sorted(shot for shot in studio.bill if shot != "SEQ01_grid") == singles
    keyframe = await studio.runner.pick_cell(3, by="mara", via="test")
    assert keyframe.take_id == sequence.grid.takes[2]
    cut = np.asarray(open_picture(studio.place.folder / keyframe.path).convert("RGB"))
    single = studio.shop.store.take(sequence.grid.takes[2])
    assert np.array_equal(
        cut, np.asarray(open_picture(studio.place.folder / single.media.path).convert("RGB"))
    )


async def test_a_single_that_is_refused_is_asked_for_again_alone(studio: Studio) -> None:
    """Are the three singles that came paid for once?"""
    studio.misbehave(misbehave={"SEQ01_grid": ["single"] * 3, "SEQ01_grid_c2": ["refuse"]})
    await studio.runner.explore_grid()
    assert [studio.bill.count(f"SEQ01_grid_c{cell}") for cell in (1, 3, 4)] == [1, 1, 1]


async def test_rate_limits_are_waited_out(studio: Studio) -> None:
    """Does the same step go through once the vendor lets it?"""
    studio.misbehave(misbehave={"SEQ01_grid": ["rate_limit", "not_sent"]}, rate_limit_seconds=17)
    assert await studio.advance() is None
    assert studio.runner.read().grid_state == "waiting_for_pick"
    assert studio.time == 17 + FIRST_HOLD, "the vendor's own delay, then the closed gate's"
    assert studio.bill == ["SEQ01_grid"]


async def test_a_vendor_that_never_lets_us_leaves_a_reason_and_a_way_on(studio: Studio) -> None:
    """Is patience bounded, is nothing paid, and does the next run go on?"""
    studio.misbehave(misbehave={"SEQ01_grid": ["rate_limit"] * 8}, rate_limit_seconds=0)
    assert isinstance(await studio.advance(), RateLimited)
    failed = studio.runner.read()
    assert (failed.grid_state, "not now" in failed.status) == ("failed", True)
    assert studio.bill == []
    assert await studio.advance() is None, "it is not tried again by itself"
    assert studio.runner.read().grid_state == "failed"
    assert await studio.wish(resume=True) is None
    assert studio.runner.read().grid_state == "waiting_for_pick"


async def test_asked_for_a_new_grid_the_old_one_is_kept(explored: Studio) -> None:
    """Does `regrid` in the file make a new revision, reset the pick and erase nothing?"""
    await explored.runner.pick_cell(2, by="mara", via="test")
    await explored.wish(regrid=True)
    sequence = explored.runner.read()
    assert (sequence.grid_id, sequence.selected_cell, sequence.pick, sequence.regrid) == (
        "g2",
        None,
        None,
        False,
    )
    assert [record.grid for record in sequence.grid_history] == ["g1", "g2"]
    assert all((explored.place.folder / cell).exists() for r in sequence.grid_history for cell in r.cells)
    assert explored.shop.store.keyframe_complete("SEQ01"), "the old keyframe holds until another is locked"


async def test_what_is_asked_of_a_new_grid_goes_into_every_prompt_of_its_round(explored: Studio) -> None:
    """Is the note said to the model until a grid is right, kept with each attempt, and over with the round?"""
    explored.misbehave(misbehave={"SEQ01_grid": ["ok", "single"]})
    explored.close()
    await explored.wish(regrid=True, regrid_note="lower horizon,\n no crowd.")
    second = explored.runner.read()
    assert (second.grid_id, second.regrid, second.regrid_note) == ("g3", False, "")
    await explored.wish(regrid=True)
    history = explored.runner.read().grid_history
    assert [bool(record.note) for record in history] == [False, True, True, False]
    asked = [explored.shop.store.step(record.takes[0]) for record in history]
    said = [str(step.request["prompt"]) if step else "" for step in asked]
    assert ["differ: lower horizon, no crowd;" in prompt for prompt in said] == [False, True, True, False]


async def test_a_regrid_whose_run_dies_is_taken_up_again(explored: Studio) -> None:
    """Is the wish for a new grid on disk before the first call?"""
    explored.misbehave(misbehave={"SEQ01_grid": ["ok", "rate_limit"]}, rate_limit_seconds=0)
    explored.close()
    explored.edit(regrid=True)
    explored.place.file.take_in()
    with pytest.raises(RateLimited):
        await explored.runner.act()
    explored.close()
    begun = SequenceFile(explored.place.file.path).read()["sequences"]["SEQ01"]
    assert (begun["regrid"], begun["grid_wanted"], begun["grid_id"]) == (False, True, "g1")
    assert await explored.advance() is None
    assert (explored.runner.read().grid_id, len(explored.bill)) == ("g2", 2)


# ----------------------------------------------------------------------------------------------- adopting


def sheet(path: Path) -> Path:
    """A true 2x2 of four different noises with a white gutter, as somebody else's tool would make it."""
    made = np.full((412, 612, 3), 255, np.uint8)
    noise = np.random.default_rng(7)
    for number, (top, left) in enumerate([(0, 0), (0, 312), (212, 0), (212, 312)]):
        made[top : top + 200, left : left + 300] = noise.integers(
            20 * number, 80 + 40 * number, (200, 300, 3)
        )
    Image.fromarray(made).save(path)
    return path


async def test_a_picture_made_elsewhere_is_adopted_at_no_cost(studio: Studio, tmp_path: Path) -> None:
    """Does a designer's sheet become the grid, read like any other and paid for by nobody?"""
    sequence = await studio.runner.adopt_grid(sheet(tmp_path / "midjourney.png"))
    assert (sequence.grid_state, sequence.grid_id) == ("waiting_for_pick", "g1")
    assert sequence.grid is not None
    assert (sequence.grid.via, sequence.grid.takes) == ("adopted", [])
    keyframe = await studio.runner.pick_cell(4, by="mara", via="test")
    assert keyframe.take_id is None
    await studio.advance()
    assert studio.runner.read().grid_state == "done"
    assert studio.bill == ["SEQ01"]


async def test_a_picture_that_is_no_grid_is_refused_and_nothing_changes(
    explored: Studio, tmp_path: Path
) -> None:
    """Is a single photograph never cropped blindly?"""
    before = explored.place.file.path.read_bytes()
    for wrong in (write_png(tmp_path / "single.png", (600, 400)), tmp_path / "none.png", Path(__file__)):
        with pytest.raises(BadInput):
            await explored.runner.adopt_grid(wrong)
    assert explored.place.file.path.read_bytes() == before


# ------------------------------------------------------------------------------------------------ picking


@pytest.mark.parametrize("cell", [0, 5, -1])
async def test_a_cell_that_is_none_is_refused(explored: Studio, cell: int) -> None:
    """Does a wrong cell change nothing?"""
    before = explored.place.file.path.read_bytes()
    with pytest.raises(BadPick, match="is no cell"):
        await explored.runner.pick_cell(cell, by="mara", via="test")
    assert explored.place.file.path.read_bytes() == before


async def test_a_pick_locks_the_very_cell_with_its_origin(explored: Studio) -> None:
    """Is the keyframe the pixels that were picked, recorded with who and where from?"""
    keyframe = await explored.runner.pick_cell(3, by="mara", via="test")
    sequence = explored.runner.read()
    assert sequence.grid is not None
    assert (keyframe.path, keyframe.cell, keyframe.locked_by) == (sequence.grid.cells[2], 3, "mara")
    assert keyframe.take_id == sequence.grid.takes[0]
    assert sequence.grid_state == "locked"


async def test_an_edit_of_the_file_is_a_pick(explored: Studio) -> None:
    """Does `selected_cell` written by hand lock the cell?"""
    await explored.wish(selected_cell=2)
    sequence = explored.runner.read()
    assert sequence.keyframe is not None
    assert (sequence.keyframe.cell, sequence.grid_state) == (2, "done")


async def test_a_picking_again_costs_nothing_and_marks_the_video_stale(explored: Studio) -> None:
    """Is a second pick free, the old video kept and said to be stale, and the first one found again?"""
    await explored.runner.pick_cell(1, by="mara", via="test")
    await explored.advance()
    first = explored.runner.read().take
    paid = list(explored.bill)
    await explored.runner.pick_cell(4, by="jo", via="test")
    stale = explored.runner.read()
    assert (stale.grid_state, stale.take) == ("stale", first)
    assert explored.bill == paid
    await explored.advance()
    assert len(explored.bill) == len(paid) + 1
    await explored.runner.pick_cell(1, by="mara", via="test")
    await explored.advance()
    back = explored.runner.read()
    assert (back.grid_state, back.take) == ("done", first)
    assert len(explored.bill) == len(paid) + 1, "going back to the first cell is free"


async def test_a_cell_that_was_deleted_is_cut_out_again(explored: Studio) -> None:
    """Are all four candidates there for good?"""
    sequence = explored.runner.read()
    assert sequence.grid is not None
    cell = explored.place.folder / sequence.grid.cells[1]
    pixels = cell.read_bytes()
    cell.unlink()
    await explored.runner.pick_cell(2, by="mara", via="test")
    assert cell.read_bytes() == pixels


class PickingMeanwhile(list[Event]):
    """Listens like a studio, and picks a cell while the next grid is being read."""

    def __init__(self, studio: Studio, *cells: int) -> None:
        super().__init__()
        self._studio, self._cells = studio, list(cells)

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, SequenceMoved) and event.state == "validating" and self._cells:
            cells, self._cells = self._cells, []
            for cell in cells:
                self._studio.place.file.change(
                    lambda draft, cell=cell: record_pick(  # type: ignore[misc]
                        draft["SEQ01"], "SEQ01", cell, by="jo", via="test", at=self._studio.clock.now()
                    )
                )


@pytest.mark.parametrize(("cells", "takes"), [((3,), 1), ((1, 3), 1), ((2,), 2)])
async def test_a_pick_while_another_grid_is_drawn_holds(
    explored: Studio, cells: tuple[int, ...], takes: int
) -> None:
    """The same cell again, or there and back, or another one: is it the later wish, and does the sequence end at its take?"""
    await explored.wish(selected_cell=3)
    explored.close()
    explored.moves = PickingMeanwhile(explored, *cells)
    assert await explored.wish(regrid=True) is None
    sequence = explored.runner.read()
    assert (sequence.grid_state, sequence.grid_id, sequence.selected_cell) == ("done", "g1", cells[-1])
    assert sequence.keyframe is not None and sequence.keyframe.cell == cells[-1]
    assert explored.bill.count("SEQ01") == takes
    assert "it is kept, and not used" in sequence.notices[-1].text


async def test_a_take_that_was_called_off_before_it_was_asked_for_costs_nothing(explored: Studio) -> None:
    """A run died before anything was sent, and the pick was withdrawn: does the sequence just wait for another?"""
    await explored.runner.pick_cell(2, by="mara", via="test")
    explored.place.file.change(
        lambda draft: draft["SEQ01"].update(grid_state="generating", pick=None, selected_cell=None)
    )
    assert await explored.advance() is None
    assert explored.runner.read().grid_state == "waiting_for_pick"
    assert explored.bill == ["SEQ01_grid"]


async def test_another_take_while_a_new_grid_waits(explored: Studio) -> None:
    """Is it made of the cell that is locked, and does the new grid wait for its pick still?"""
    await explored.wish(selected_cell=3)
    await explored.wish(regrid=True)
    assert explored.runner.read().grid_state == "waiting_for_pick"
    assert await explored.wish(retake=True) is None
    sequence = explored.runner.read()
    assert (sequence.grid_state, sequence.grid_id, len(sequence.take_history)) == (
        "waiting_for_pick",
        "g2",
        2,
    )


async def test_a_picture_brought_in_while_the_model_draws_is_taken_next(
    studio: Studio, tmp_path: Path
) -> None:
    """Is the wish kept until it is its turn?"""
    assert await studio.advance() is None
    record = studio.runner.read().grid
    assert record is not None and record.path is not None
    mine = tmp_path / "mine.png"
    mine.write_bytes((studio.place.folder / record.path).read_bytes())
    studio.close()

    class Bringing(list[Event]):
        def append(self, event: Event) -> None:
            if isinstance(event, SequenceMoved) and event.state == "validating":
                studio.place.file.change(lambda draft: draft["SEQ01"].update(adopt=str(mine)))
            super().append(event)

    studio.moves = Bringing()
    assert await studio.wish(regrid=True) is None
    sequence = studio.runner.read()
    assert sequence.grid is not None
    assert (sequence.grid.via, sequence.grid_id, sequence.adopt) == ("adopted", "g3", None)


# ------------------------------------------------------------------------------------------------- takes


async def test_no_pick_no_video(explored: Studio) -> None:
    """Is money for a video only spent on a locked start frame?"""
    with pytest.raises(WaitsForPick, match="starsend pick SEQ01"):
        await explored.runner.generate()
    assert explored.bill == ["SEQ01_grid"]


async def test_a_take_is_made_once_however_often_it_is_asked_for(explored: Studio) -> None:
    """Does a second run cost nothing and change nothing?"""
    await explored.runner.pick_cell(1, by="mara", via="test")
    take = await explored.runner.generate()
    await explored.advance()
    before = explored.place.file.path.read_bytes()
    assert await explored.runner.generate() == take
    await explored.advance()
    assert explored.place.file.path.read_bytes() == before
    assert explored.bill == ["SEQ01_grid", "SEQ01"]
    made = explored.shop.store.take(take.take)
    assert made.shot_prompts == ("she waits", "boats leave")
    assert made.media.frames == 18


async def test_another_take_is_made_when_asked_for_and_the_old_one_kept(explored: Studio) -> None:
    """Does `again` pay once more, knowingly?"""
    await explored.runner.pick_cell(1, by="mara", via="test")
    first = await explored.runner.generate()
    await explored.advance()
    assert await explored.wish(retake=True) is None
    sequence = explored.runner.read()
    second = sequence.take
    assert second is not None
    assert [t.take for t in sequence.take_history] == [first.take, second.take]
    assert await explored.runner.generate() == second


async def test_a_changed_brief_pays_for_a_new_take_only_when_asked(explored: Studio) -> None:
    """Does an edited shot wait for a person's word before it costs money?"""
    await explored.runner.pick_cell(1, by="mara", via="test")
    await explored.runner.generate()
    await explored.advance()
    await explored.wish(shots=[{"prompt": "she leaves", "seconds": 0.25}])
    assert explored.bill.count("SEQ01") == 1
    await explored.wish(retake=True)
    assert explored.bill.count("SEQ01") == 2


async def test_a_lost_video_call_waits_in_recovery_until_somebody_pays_again(explored: Studio) -> None:
    """Is a call that may have been billed never repeated by itself?"""
    explored.close()
    explored.misbehave(misbehave={"SEQ01": ["lost_answer"]}, findable=False)
    await explored.runner.pick_cell(1, by="mara", via="test")
    assert isinstance(await explored.advance(), StepUnknown)
    assert await explored.advance() is None
    assert explored.runner.read().grid_state == "recovery"
    assert isinstance(await explored.wish(resume=True), StepUnknown), (
        "to look again is free, and finds nothing"
    )
    assert explored.bill.count("SEQ01") == 1
    assert await explored.wish(retake=True) is None
    assert explored.runner.read().grid_state == "done"


@pytest.mark.parametrize("trouble", ["late", "broken_download", "slow", "rate_limit", "lost_answer"])
async def test_a_vendors_bad_day_ends_in_one_take_paid_once(studio: Studio, trouble: str) -> None:
    """Rehearsed for nothing: does the job come through with one grid and one video on the bill?"""
    studio.misbehave(misbehave={"*": [trouble]}, slow_seconds=0, rate_limit_seconds=0)
    await studio.advance()
    await studio.runner.pick_cell(1, by="mara", via="test")
    await studio.advance()
    assert studio.runner.read().grid_state == "done"
    assert studio.bill == ["SEQ01_grid", "SEQ01"]


async def test_an_unknown_element_is_told_before_anything_is_paid(studio: Studio) -> None:
    """Does a misspelt name cost nothing?"""
    studio.write_brief(prompt="@marra at the window")
    with pytest.raises(UnknownName, match="@marra"):
        await studio.runner.explore_grid()
    assert studio.bill == []


async def test_one_sequence_that_fails_holds_up_no_other(studio: Studio) -> None:
    """Do many run at once, each failing alone?"""
    brief = json.loads(studio.place.file.path.read_text())["sequences"]["SEQ01"]
    names = [f"SEQ{n:02}" for n in range(1, 6)]
    document = {"sequences": {name: dict(brief) for name in names}}
    document["sequences"]["SEQ03"]["prompt"] = "@nobody"
    studio.place.file.path.write_text(json.dumps(document))
    errors = await drive(studio.place, names, None, lambda _: None, threading.Event())
    assert list(errors) == ["SEQ03"]
    states = {n: s["grid_state"] for n, s in studio.place.file.read()["sequences"].items()}
    assert states == dict.fromkeys(names, "waiting_for_pick") | {"SEQ03": "failed"}


async def test_a_start_frame_that_was_painted_over_is_not_used(explored: Studio) -> None:
    """Is the frame that is sent the frame that was locked?"""
    keyframe = await explored.runner.pick_cell(1, by="mara", via="test")
    write_png(explored.place.folder / keyframe.path)
    with pytest.raises(KeyframeGone, match="missing or was changed"):
        await explored.runner.generate()
    assert "SEQ01" not in explored.bill


async def test_when_no_grid_can_be_had_the_way_on_is_said_and_is_paid_for_only_when_asked(
    studio: Studio,
) -> None:
    """After wrong grids and a refused single, does running again cost nothing, and `again` begin afresh?"""
    studio.misbehave(misbehave={"SEQ01_grid": ["single"] * 3, "SEQ01_grid_c2": ["refuse"] * 3})
    assert "starsend grid SEQ01 --again" in str(await studio.advance())
    paid = len(studio.bill)
    assert studio.runner.read().grid_state == "failed"
    assert isinstance(await studio.wish(resume=True), NoGrid)
    assert len(studio.bill) == paid
    assert await studio.wish(regrid=True) is None
    sequence = studio.runner.read()
    assert (sequence.grid_id, sequence.grid_state) == ("g4", "waiting_for_pick")
    assert len(studio.bill) == paid + 1


def ask_about_pictures(studio: Studio) -> None:
    """Lost answers of pictures wait for a person, and the vendor cannot be asked."""
    studio.misbehave(misbehave={"SEQ01_grid": ["lost_answer"]}, findable=False)
    path = studio.place.folder / "starsend_config.json"
    config = json.loads(path.read_text())
    config["image"]["on_unknown"] = "ask"
    path.write_text(json.dumps(config))


async def test_a_lost_grid_waits_for_a_person_and_is_paid_again_only_when_asked(studio: Studio) -> None:
    """With the policy to ask, is there a way on that costs money, and no other?"""
    ask_about_pictures(studio)
    assert isinstance(await studio.advance(), StepUnknown)
    assert isinstance(await studio.wish(resume=True), StepUnknown)
    assert studio.runner.read().grid_state == "recovery"
    assert await studio.advance() is None
    assert len(studio.bill) == 1
    assert await studio.wish(regrid=True) is None
    sequence = studio.runner.read()
    assert (sequence.grid_state, sequence.grid_id, len(studio.bill)) == ("waiting_for_pick", "g2", 2)
    assert sequence.grid_history[0].verdict.reason == "lost"


async def test_picking_another_cell_is_a_decision_about_a_lost_video(explored: Studio) -> None:
    """Does a new pick lead out of recovery, and is the video of the new cell the only further charge?"""
    explored.close()
    explored.misbehave(misbehave={"SEQ01": ["lost_answer"]}, findable=False)
    await explored.runner.pick_cell(1, by="mara", via="test")
    assert isinstance(await explored.advance(), StepUnknown)
    assert await explored.wish(selected_cell=2) is None
    sequence = explored.runner.read()
    assert sequence.keyframe is not None
    assert (sequence.grid_state, sequence.keyframe.cell) == ("done", 2)
    assert explored.bill.count("SEQ01") == 2


async def change_before_it_is_sent(studio: Studio, state: str, **fields: object) -> None:
    """Let a sequence come into ``state``, edit it while it waits for the provider's only slot, and let it go on."""
    free = threading.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(studio.shop.executor.run, "animatic", free.wait)
        group.start_soon(studio.advance)
        while studio.runner.read().grid_state != state:
            await anyio.sleep(0.001)
        assert await studio.shop.scribe.render()
        studio.edit(**fields)
        studio.place.file.take_in()
        free.set()


@pytest.fixture
async def one_slot(studio: Studio) -> Studio:
    """A studio whose provider takes one call at a time."""
    (studio.place.root / "starsend_config.json").write_text('{"limits": {"animatic": {"at_once": 1}}}')
    return studio


@pytest.mark.parametrize(
    ("change", "state", "videos"),
    [
        ({"deleted": True}, "cancelled", 0),
        ({"selected_cell": None}, "waiting_for_pick", 0),
        ({"selected_cell": 3}, "done", 1),
        ({"shots": [{"prompt": "gulls", "seconds": 0.25}]}, "done", 1),
    ],
)
async def test_a_take_that_waits_for_its_turn_can_be_called_off(
    one_slot: Studio, change: dict[str, object], state: str, videos: int
) -> None:
    """Deleted, withdrawn, picked anew or reworded before anything was sent: is only what is wanted now paid for?"""
    await one_slot.advance()
    one_slot.edit(selected_cell=1)
    await change_before_it_is_sent(one_slot, "generating", **change)
    sequence = one_slot.runner.read()
    assert sequence.grid_state == state
    assert one_slot.bill.count("SEQ01") == videos
    if videos:
        assert sequence.take is not None
        assert sequence.keyframe is not None
        assert sequence.take.keyframe == sequence.keyframe.sha256
        assert sequence.keyframe.cell == sequence.selected_cell


async def test_a_grid_that_waits_for_its_turn_can_be_called_off(one_slot: Studio) -> None:
    """Is a sequence that is deleted before its grid was asked for never paid for?"""
    await change_before_it_is_sent(one_slot, "exploring", deleted=True)
    assert one_slot.runner.read().grid_state == "cancelled"
    assert one_slot.bill == []


async def test_a_take_that_was_refused_for_good_says_once_what_leads_on(explored: Studio) -> None:
    """Resumed as it is, does it neither begin nor fail anew; and does each way out that it names work?"""
    explored.close()
    explored.misbehave(misbehave={"SEQ01": ["refuse", "refuse"]})
    assert isinstance(await explored.wish(selected_cell=1), JobFailed)
    status = explored.runner.read().status
    assert "Change its shots" in status
    heard = len(explored.moves)
    assert isinstance(await explored.wish(resume=True), StepFailed)
    assert isinstance(await explored.wish(prompt="another harbour", resume=True), StepFailed)
    sequence = explored.runner.read()
    assert (sequence.grid_state, sequence.resume, sequence.status) == ("failed", False, status)
    assert len(explored.moves) == heard
    assert explored.bill.count("SEQ01") == 1
    assert isinstance(await explored.wish(retake=True), JobFailed)
    assert await explored.wish(shots=[{"prompt": "gulls", "seconds": 0.25}], resume=True) is None
    assert explored.runner.read().grid_state == "done"


async def test_patience_is_counted_by_step(studio: Studio) -> None:
    """Three attempts at a grid, each turned away once: is that once each, and not three times in a row?"""
    studio.misbehave(
        misbehave={"SEQ01_grid": ["rate_limit", "wrong_grid"] * 2 + ["rate_limit"]}, rate_limit_seconds=1
    )
    file = studio.place.folder / "starsend_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "retry": {"submit_attempts": 2}}))
    assert await studio.advance() is None
    assert studio.runner.read().grid_state == "waiting_for_pick"


async def test_whoever_picks_is_told_that_the_brief_has_changed_since(explored: Studio) -> None:
    """Does a grid of an earlier prompt say so, for as long as that is true, and can it be picked all the same?"""
    before = explored.runner.read()
    await explored.wish(prompt="a desert at noon")
    after = explored.runner.read()
    assert (after.grid_state, "earlier brief" in after.status) == ("waiting_for_pick", True)
    await explored.wish(prompt=before.prompt)
    assert explored.runner.read().status == before.status
    await explored.wish(prompt="a desert at noon", selected_cell=2)
    assert explored.runner.read().grid_state == "done"
    await explored.wish(regrid=True)
    assert "earlier brief" not in explored.runner.read().status


LIMITS = {
    "provider": "animatic",
    "model": "*",
    "characters": 25,
    "shot_seconds": {"least": 1, "most": 5},
    "as_of": "2026-11-01",
}


@pytest.fixture
def limited(studio: Studio) -> Studio:
    """A studio whose vendor takes whole seconds and 25 characters a shot; the brief has half seconds."""
    path = studio.place.folder / "starsend_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "shot_limits": [LIMITS]}))
    return studio


async def test_no_grid_is_paid_for_whose_take_cannot_be_made(limited: Studio) -> None:
    """Does the sequence fail with the linter's words before anything is drawn, and go on when its brief is mended?"""
    refused = await limited.advance()
    assert isinstance(refused, ShotsRefused)
    assert [fault.path for fault in refused.faults] == ["shots[0].seconds", "shots[1].seconds"]
    sequence = limited.runner.read()
    assert (sequence.grid_state, sequence.status, sequence.grid_fault) == (
        "failed",
        str(refused),
        "ShotsRefused",
    )
    assert limited.bill == []
    assert await limited.wish(shots=[{"prompt": "she waits", "seconds": 1}]) is None
    assert limited.runner.read().grid_state == "waiting_for_pick"
    assert limited.bill == ["SEQ01_grid"]


async def test_another_grid_is_not_paid_for_either(limited: Studio) -> None:
    """Is a wish for a new grid refused once, kept, and fulfilled when the brief is mended?"""
    assert await limited.wish(shots=[{"prompt": "she waits", "seconds": 1}]) is None
    shots = [{"prompt": "she waits for a very long time", "seconds": 1}]
    assert isinstance(await limited.wish(shots=shots, regrid=True), ShotsRefused)
    assert limited.runner.read().grid_state == "failed"
    assert limited.bill == ["SEQ01_grid"]
    assert await limited.wish(shots=[{"prompt": "she leaves", "seconds": 1}]) is None
    assert limited.runner.read().grid_id == "g2"
    assert limited.bill == ["SEQ01_grid"] * 2


async def test_shots_that_were_spoilt_after_the_pick_cost_nothing(limited: Studio) -> None:
    """Is a take refused at no cost whose shots were changed since its grid was drawn, and made when they are mended?"""
    assert await limited.wish(shots=[{"prompt": "she waits", "seconds": 1}]) is None
    await limited.runner.pick_cell(1, by="mara", via="test")
    refused = await limited.wish(shots=[{"prompt": "she waits", "seconds": 9}])
    assert isinstance(refused, ShotsRefused)
    assert (limited.bill, limited.runner.read().grid_state) == (["SEQ01_grid"], "failed")
    assert await limited.wish(shots=[{"prompt": "she waits", "seconds": 2}]) is None
    assert (limited.bill, limited.runner.read().grid_state) == (["SEQ01_grid", "SEQ01"], "done")


async def test_an_unknown_element_of_a_shot_is_told_before_a_grid_is_paid(studio: Studio) -> None:
    """Does a misspelt name that only a shot has cost nothing either?"""
    studio.write_brief(shots=[{"prompt": "@marra waits", "seconds": 0.5}])
    assert isinstance(await studio.advance(), UnknownName)
    assert studio.bill == []
