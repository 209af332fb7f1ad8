"""Picks, taking them back and new grids over the console's API: is nothing overwritten in silence, nothing paid unasked?"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from client_async.console.app import make_app
from client_async.console.board import Board, read
from client_async.console.guard import Guard
from client_async.draft import Draft
from client_async.picks import record_pick
from client_async.projects import Place
from tests.unit.daemon_house import BRIEF, until
from tests.unit.studio import Studio

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-some-length"
PICK = "/api/projects/job/sequences/SEQ01/pick"
REGRID = PICK.replace("pick", "regrid")
TAKE = "0.075000"
"""Dollars that the studio's take costs: three quarters of a second at ten cents."""
Answer = tuple[int, dict[str, Any]]


class Review:
    """A console over the studio's project, asked without a network; the studio does what a daemon would."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.board = Board(studio.place.root)
        transport = httpx.ASGITransport(make_app(self.board, Guard(TOKEN, "127.0.0.1"), anyio.Event()))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8620")

    async def ask(self, method: str, path: str, by: str = "mara", **body: Any) -> Answer:
        headers = {"authorization": f"Bearer {TOKEN}", "x-starsend-name": by}
        answer = await self.client.request(method, path, json=body or None, headers=headers)
        return answer.status_code, answer.json()

    async def pick(self, cell: int, grid: str = "g1", **more: Any) -> Answer:
        """As the page does, of the pick that it shows at this moment."""
        return await self.ask("POST", PICK, cell=cell, grid=grid, **{"seen": await self.seen(), **more})

    async def take_back(self, **more: Any) -> Answer:
        return await self.ask("DELETE", PICK, **{"grid": "g1", "seen": await self.seen(), **more})

    async def seen(self) -> dict[str, Any] | None:
        pick = (await self.ask("GET", PICK))[1]["pick"]
        return pick and {field: pick[field] for field in ("cell", "grid", "by", "at")}

    async def drive(self) -> None:
        assert await self.studio.advance() is None
        await self.board.look()

    @property
    def kept(self) -> dict[str, Any]:
        return dict(self.studio.place.file.read()["sequences"]["SEQ01"])


@pytest.fixture
async def review(explored: Studio) -> AsyncIterator[Review]:
    """A sequence that waits for a pick."""
    made = Review(explored)
    await made.board.look()
    async with made.client:
        yield made


def refused(answer: Answer, *said: str) -> dict[str, Any]:
    """A conflict in these words; what is there now."""
    status, body = answer
    assert status == 409
    for words in said:
        assert words in body["detail"]["what"]
    now: dict[str, Any] = body["detail"]["now"]
    return now


async def test_of_many_who_pick_at_once_exactly_one_has_picked(review: Review) -> None:
    """Eight people, four cells, one moment: does one win, and is every other told who, and by what?"""
    answers: list[Answer] = []

    async def pick(number: int) -> None:
        cell = number % 4 + 1
        answers.append(
            await review.ask("POST", PICK, f"p{number}", cell=cell, grid="g1", seen=None, note="n")
        )

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(pick, number)
    (won,) = [body["pick"] for status, body in answers if status == 200]
    assert (review.kept["pick"], won["via"], won["note"]) == (won, "console", "n")
    others = [answer for answer in answers if answer[0] != 200]
    assert len(others) == 7
    for answer in others:
        assert refused(answer, f"cell {won['cell']} has been picked meanwhile, by {won['by']}")["pick"] == won
    assert "notices" not in review.kept, "nobody's pick was replaced"


async def test_a_look_that_waits_for_a_write_does_not_put_back_what_was_shown_before(review: Review) -> None:
    """A pick is being kept while the board looks: does the list show the pick afterwards?"""
    shown = review.board.project("job")
    looking = threading.Thread(target=read, args=[shown])

    def waits() -> bool:
        frame = sys._current_frames().get(looking.ident or 0)
        return any(at.f_code.co_name == "_alone" for at, _ in traceback.walk_stack(frame)) if frame else False

    def edit(draft: Draft) -> None:
        looking.start()
        until(waits)
        record_pick(draft["SEQ01"], "SEQ01", 2, by="mara", via="t", at=review.studio.clock.now())

    shown.place.file.change(edit)
    review.board.written("job", "SEQ01")
    looking.join()
    assert review.board.row("job", "SEQ01")["cell"] == 2


async def test_a_pick_of_what_is_not_there_any_more_is_refused(review: Review) -> None:
    """A grid that was replaced, a pick that was taken back or made in an editor: is it said, and nothing changed?"""
    await review.pick(2)
    seen = await review.seen()
    review.studio.edit(selected_cell=3)
    now = refused(
        await review.ask("POST", PICK, cell=1, grid="g1", seen=seen), "cell 3 has been picked meanwhile, by"
    )
    assert now["pick"]["via"] == "sequences.json"
    assert (await review.take_back(by="tomas"))[0] == 200
    refused(await review.take_back(), "no pick to take back")
    now = refused(await review.ask("POST", PICK, cell=1, grid="g1", seen=seen), "has been taken back")
    assert now["pick"] is None
    await review.studio.wish(regrid=True)
    await review.board.look()
    now = refused(await review.ask("POST", PICK, cell=1, grid="g1", seen=None), "g1 has been replaced by g2")
    assert (now["grid"], review.kept["selected_cell"]) == ("g2", None)
    refused(await review.ask("POST", PICK, cell=1, grid="g7", seen=None), "there is no grid g7")


async def test_a_pick_is_taken_back_for_nothing_until_a_video_is_begun(review: Review) -> None:
    """Is it as if nobody had picked, for the page and for the next run, but for a word on who did what?"""
    await review.pick(2, by="mara")
    status, now = await review.take_back(by="tomas")
    assert (status, now["pick"], now["state"]) == (200, None, "waiting_for_pick")
    assert [notice["text"] for notice in review.kept["notices"]] == [
        "cell 2 of g1, picked by mara, was taken back by tomas"
    ]
    await review.drive()
    assert (review.kept.get("keyframe"), review.studio.bill) == (None, ["SEQ01_grid"])


async def test_after_a_paid_video_it_is_said_what_another_costs(review: Review) -> None:
    """Undo and another pick: refused with the amount, done once it is named, and free where the take is there already?"""
    await review.pick(2)
    await review.drive()
    first = review.kept["take"]
    for wrong in ({}, {"accept": "0.01"}):
        assert refused(await review.take_back(**wrong), "costs $0.075")["cost"]["amount"] == TAKE
        refused(await review.pick(3, **wrong), "costs $0.075")
    assert (review.kept["selected_cell"], review.kept["grid_state"]) == (2, "done")
    assert (await review.take_back(accept=TAKE))[0] == 200
    assert (review.kept["take"], review.kept["grid_state"]) == (first, "waiting_for_pick")
    assert (await review.pick(2))[0] == 200, "the take of this cell is there"
    await review.drive()
    assert (await review.pick(3, accept=TAKE))[0] == 200
    await review.drive()
    assert (await review.pick(2))[0] == 200, "and still is"
    await review.drive()
    assert (review.kept["take"], review.kept["grid_state"]) == (first, "done")
    assert review.studio.bill.count("SEQ01") == 2


async def test_a_video_that_may_have_been_paid_for_counts(review: Review) -> None:
    """The answer of the one and only call is lost, so there is no take: is another pick still asked about?"""
    review.studio.misbehave(misbehave={"SEQ01": ["lost_answer"]}, findable=False)
    review.studio.close()
    await review.pick(2)
    await review.studio.advance()
    assert (review.kept["grid_state"], review.kept.get("take")) == ("recovery", None)
    await review.board.look()
    refused(await review.pick(3), "costs $0.075")
    refused(await review.take_back(), "costs $0.075")


async def test_another_grid_is_asked_for_with_words(review: Review) -> None:
    """Is the note kept and said to the model; asked twice, of another grid, or beside another's pick: is it refused?"""
    await review.pick(2)
    refused(
        await review.ask("POST", REGRID, grid="g1", seen=None, note="x"),
        "cell 2 has been picked meanwhile, by mara",
    )
    seen = await review.seen()
    refused(await review.ask("POST", REGRID, grid="g0", seen=seen), "g0 has been replaced by g1")
    status, now = await review.ask("POST", REGRID, grid="g1", seen=seen, note="lower\nhorizon")
    assert (status, now["regrid"], now["regrid_note"]) == (200, True, "lower horizon")
    refused(await review.ask("POST", REGRID, grid="g1", seen=seen), 'asked for already ("lower horizon")')
    await review.drive()
    record = review.kept["grid_history"][-1]
    step = review.studio.shop.store.step(record["takes"][0])
    assert (review.kept["grid_id"], record["note"]) == ("g2", "lower horizon")
    assert step is not None
    assert "lower horizon;" in str(step.request["prompt"])


async def test_what_cannot_be_is_told_and_changes_nothing(review: Review) -> None:
    """Is each answered by what was wrong, in the one shape that all refusals have?"""
    before = review.kept
    for method, path, body, status, said in (
        ("POST", PICK, {"cell": 5, "grid": "g1", "seen": None}, 422, "cell"),
        ("POST", PICK, {"cell": "2", "grid": "g1", "seen": None}, 422, "cell"),
        ("POST", PICK, {"cell": 2, "grid": "g1"}, 422, "seen"),
        ("POST", PICK.replace("01", "09"), {"cell": 2, "grid": "g1", "seen": None}, 404, "SEQ09"),
        ("POST", REGRID, {"grid": "g1", "note": "x" * 501}, 422, "note"),
        ("POST", REGRID, {"grid": "g1", "note": "@mara smaller"}, 422, "@mara"),
        ("POST", REGRID.replace("job", "none"), {"grid": "g1"}, 404, "none"),
        ("DELETE", PICK, {"grid": "g1", "seen": None}, 409, "no pick to take back"),
    ):
        answer = await review.ask(method, path, **body)
        assert (answer[0], said in answer[1]["detail"]["what"]) == (status, True), body
    assert review.kept == before


async def test_a_deleted_sequence_is_neither_picked_nor_drawn(review: Review) -> None:
    """Marked so in an editor a moment ago: is either refused, in words?"""
    review.studio.edit(deleted=True)
    refused(await review.pick(2), "marked deleted")
    refused(await review.ask("POST", REGRID, grid="g1"), "marked deleted")


async def test_the_next_that_waits_is_the_next_of_all_projects(review: Review) -> None:
    """In the briefs' order, round the end, and here where no other waits; picked ones are called so and passed over."""

    async def way(of: str, to: str) -> str:
        return (await review.client.get(f"/review/{of}/{to}")).headers["location"]

    later = Place(review.studio.place.root, "later")
    later.client.mkdir(parents=True)
    later.file.path.write_text(json.dumps({"sequences": {"SEQ05": BRIEF, "SEQ07": BRIEF}}))
    await review.board.look()
    assert await way("job/SEQ01", "next") == "/review/job/SEQ01#none"

    def wait(draft: Draft) -> None:
        for name in ("SEQ05", "SEQ07"):
            draft[name].update(grid_state="waiting_for_pick", grid_id="g1")

    later.file.change(wait)
    await review.board.look()
    assert await way("job/SEQ01", "next") == "/review/later/SEQ05"
    assert await way("job/SEQ01", "previous") == "/review/later/SEQ07"
    assert await way("later/SEQ07", "next") == "/review/job/SEQ01"
    await review.pick(1)
    assert await way("later/SEQ07", "next") == "/review/later/SEQ05"
    assert "Picked" in (await review.client.get("/rows/job?only=SEQ01")).text
