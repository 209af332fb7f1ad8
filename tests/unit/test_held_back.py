"""A vendor's bad hour with many sequences in line: do they all come through it, with few calls and no person?"""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest
import stamina

from client_async.desk import Desk
from client_async.ledger import open_store
from client_async.wiring import make_steps
from client_async.work_faults import FREE_TO_REPEAT
from starsend.config import load_settings
from starsend.elements import Elements
from starsend.errors import StarsendError
from starsend.pipeline import HouseShot, Pipeline
from starsend.vendor_faults import RateLimited
from starsend.vendor_gates import LONGEST_HOLD, VendorGates
from tests.conftest import ManualClock
from tests.standins.fal_wire import KEY, FalWire
from tests.standins.gemini_wire import GeminiWire
from tests.standins.wire import Fault
from tests.unit.daemon_house import DaemonHouse, is_in, until
from tests.unit.gemini_house import MODEL
from tests.unit.studio import PRICES, Studio

pytestmark = pytest.mark.anyio
NAMES = [f"SEQ{number:02}" for number in range(1, 13)]
SHOWN = {"prompt": "a harbour", "aspect_ratio": "1:1", "shots": [{"prompt": "gulls", "seconds": 0.5}]}


def write_many(studio: Studio, names: list[str] = NAMES, **config: Any) -> None:
    studio.place.file.path.write_text(json.dumps({"sequences": dict.fromkeys(names, SHOWN)}))
    file = studio.place.folder / "starsend_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **config}))


async def advance_all(
    studio: Studio, meanwhile: Any = None, bears_with: tuple[type[StarsendError], ...] = FREE_TO_REPEAT
) -> dict[str, StarsendError]:
    """As far as it goes without people, one piece of work after the other; waiting takes no time."""
    studio.shop.file.take_in()
    desk = Desk(studio.shop, bears_with=bears_with, monotonic=lambda: studio.time, jitter=lambda: 0.0)
    while due := {name: one for name in NAMES if (one := desk.due(name))}:
        wait = min(one.after for one in due.values())
        studio.time += wait
        if meanwhile is not None:
            meanwhile()
        if not wait:
            await desk.work(next(name for name, one in due.items() if not one.after))
    return desk.errors


def gemini(wire: GeminiWire) -> dict[str, Any]:
    price = {
        "provider": "gemini",
        "model": MODEL,
        "unit": "image",
        "price": {"*": "0.1"},
        "as_of": "2026-11-01",
    }
    return {
        "image": {"provider": "gemini", "model": MODEL, "size": "1K"},
        "gemini": {"base_url": wire.url},
        "grid": {"attempts": 1},
        "prices": [*PRICES, price],
    }


async def test_an_outage_is_sat_out_by_all(studio: Studio, gemini_wire: GeminiWire) -> None:
    """Twelve sequences, and a vendor that is full for a hundred seconds: how often is it asked, and does any give up?"""
    write_many(studio, **gemini(gemini_wire))
    refused = Fault("status", 503)
    faults = gemini_wire.faults["submit"]
    faults += [refused] * 500
    asked = []

    def meanwhile() -> None:
        if studio.time > 100 and faults:
            asked.append(500 - len(faults))
            faults.clear()

    assert await advance_all(studio, meanwhile) == {}
    assert asked == [7], "three of the first three, then one alone after 5, 15, 35 and 75 s"
    states = {studio.shop.sequence(name).grid_state for name in NAMES}
    assert states == {"waiting_for_pick"}
    assert len(gemini_wire.bill) == gemini_wire.count("submit") - 7
    assert studio.time < 200, "nobody waits long after it is over"


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}])
async def test_one_alone_sits_out_an_hour_too(
    studio: Studio, gemini_wire: GeminiWire, headers: dict[str, str]
) -> None:
    """One sequence, which is the one sent ahead each time: does it give up before the vendor is back, or never let it rest?"""
    write_many(studio, NAMES[:1], **gemini(gemini_wire))
    gemini_wire.faults["submit"] += [Fault("status", 503, headers)] * 1000

    def meanwhile() -> None:
        if studio.time > 3600:
            gemini_wire.faults.clear()

    assert await advance_all(studio, meanwhile) == {}
    assert studio.shop.sequence("SEQ01").grid_state == "waiting_for_pick"
    assert studio.time < 3600 + LONGEST_HOLD
    assert gemini_wire.count("submit") < 30


async def test_a_command_does_not_wait_for_ever(studio: Studio, gemini_wire: GeminiWire) -> None:
    """Somebody sits before it: is it told after eight tries that the vendor has no room, with nothing paid?"""
    write_many(studio, NAMES[:1], **gemini(gemini_wire))
    gemini_wire.faults["submit"] += [Fault("status", 503)] * 100
    errors = await advance_all(studio, bears_with=())
    assert isinstance(errors["SEQ01"], RateLimited)
    assert (gemini_wire.count("submit"), gemini_wire.bill) == (8, [])


class StopsIt(ManualClock):
    """The first wait is the one in which somebody presses Ctrl+C."""

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        stop.set()
        return super().wait(seconds, stop)


@pytest.mark.parametrize(
    ("own", "refused", "said", "waits"),
    [
        (ManualClock, 7, "would cost", 7),  # the take, for which there is no money left
        (ManualClock, 8, "said not now .429", 7),
        (StopsIt, 7, "stopped while waiting for gemini to take calls again", 1),
    ],
)
async def test_the_house_line_waits_for_the_vendor(
    studio: Studio, gemini_wire: GeminiWire, *, own: type[ManualClock], refused: int, said: str, waits: int
) -> None:
    """Eight tries, each after the time that the vendor names: is a closed gate none of them, and does a stop end the wait?"""
    write_many(studio, [], **gemini(gemini_wire), budget={"sequence": "0.1"})
    gemini_wire.faults["submit"] += [Fault("status", 429, {"Retry-After": "90"})] * refused
    settings = load_settings(studio.place.root, studio.place.folder)
    clock, stop = own(), threading.Event()
    gates = VendorGates(monotonic=lambda: clock.now().timestamp())
    with open_store(studio.place, settings, clock) as store, stamina.set_testing(True, attempts=8):
        line = Pipeline(
            store=store,
            steps=make_steps(studio.place, settings, store, stop=stop, clock=clock, gates=gates),
            elements=Elements.load(studio.place.folder / "elements"),
            settings=settings,
            clock=clock,
            stop=stop,
            by="m",
        )
        [outcome] = line.run([HouseShot(id="SH010", prompt="a pier", seconds=0.25, aspect_ratio="1:1")])
    assert re.search(said, str(outcome.error))
    assert clock.waits == pytest.approx([90] * waits, abs=0.01)
    assert len(gemini_wire.bill) == (said == "would cost")


@pytest.mark.parametrize("status", [500, 503])
async def test_a_job_is_looked_at_for_as_long_as_it_takes(
    explored: Studio, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """No look at a job that is paid for succeeds for half an hour: is it given up, or paid for twice?"""
    monkeypatch.setenv("FAL_KEY", KEY)
    explored.close()
    with FalWire() as wire:
        video = {"provider": "fal", "model": "kling-video/v3/pro", "resolution": "1080p"}
        config = {"image": {"size": "1K"}, "video": video, "fal": {"base_url": wire.url}, "prices": PRICES}
        (explored.place.folder / "starsend_config.json").write_text(json.dumps(config))
        wire.faults["poll"] += [Fault("status", status)] * 150
        assert await explored.wish(shots=[{"prompt": "gulls", "seconds": 3}], selected_cell=2) is None
        assert explored.shop.sequence("SEQ01").grid_state == "done"
        assert len(wire.bill) == 1


async def test_people_are_not_held_up(studio: Studio, gemini_wire: GeminiWire) -> None:
    """Taken out while it waits for the vendor, turned away itself or sent back: is that done at once?"""
    write_many(studio, NAMES[:2], **gemini(gemini_wire))
    gemini_wire.faults["submit"].append(Fault("status", 429, {"Retry-After": "900"}))
    studio.shop.file.take_in()
    desk = Desk(studio.shop, monotonic=lambda: studio.time, jitter=lambda: 0.0)
    for name in NAMES[:2]:
        await desk.work(name)
        assert (due := desk.due(name))
        assert due.after == 900
    out = {**SHOWN, "deleted": True}
    studio.place.file.path.write_text(json.dumps({"sequences": dict.fromkeys(NAMES[:2], out)}))
    studio.shop.file.take_in()
    assert [due.after for name in NAMES[:2] if (due := desk.due(name))] == [0, 0]


async def test_so_many_a_minute_and_no_more(studio: Studio) -> None:
    """Five grids at two a minute: are they spread over three minutes, and is the wait told?"""
    write_many(studio, NAMES[:5], limits={"animatic": {"per_minute": 2}})
    told = []

    def meanwhile() -> None:
        told.append(studio.place.file.peek("SEQ05").get("status", ""))

    assert await advance_all(studio, meanwhile) == {}
    assert 120 <= studio.time < 121
    assert any("no call is sent to animatic for now (2 a minute are sent already)" in line for line in told)
    assert len(studio.bill) == 5


async def test_a_hold_ends_with_the_provider_that_is_held(studio: Studio) -> None:
    """Named another provider, does a sequence go on at once?"""
    studio.misbehave(misbehave={"SEQ01_grid": ["rate_limit"]}, rate_limit_seconds=900)
    write_many(studio)
    studio.shop.file.take_in()
    desk = Desk(studio.shop, monotonic=lambda: studio.time, jitter=lambda: 0.0)
    await desk.work("SEQ01")
    await desk.work("SEQ02")
    due = desk.due("SEQ02")
    assert due is not None
    assert due.after == 900
    desk.refit(studio.shop)
    assert [due.after for name in NAMES[:2] if (due := desk.due(name))] == [0, 0]


def test_ops_see_who_takes_no_calls(house: DaemonHouse, gemini_wire: GeminiWire) -> None:
    """A vendor asks for two seconds: is it in the log, in `status`, in /status and /metrics, and over by itself?"""
    gemini_wire.faults["submit"] += [Fault("status", 429, {"Retry-After": "3"})]
    place = house.project("job", "SEQ01", **{**gemini(gemini_wire), "video": {"resolution": "480p"}})
    (house.root / "starsend_config.json").write_text(json.dumps({"limits": {"gemini": {"per_minute": 50}}}))
    house.start()
    until(lambda: house.events("provider_held"))
    [held] = house.events("provider_held")
    assert (held["provider"], held["cause"], held["wait"]) == ("gemini", "quota", 3.0)
    until(lambda: json.loads(house.ask("/status")[1])["providers"])
    until(lambda: 'starsend_provider_held{provider="gemini"} 1.0' in house.ask("/metrics")[1])
    said = house.command("status")
    assert "provider gemini: takes no calls (quota: the vendor said not now (429" in said
    assert "1 of 50 sent within a minute" in said
    until(is_in(place, "waiting_for_pick"))
    assert house.events("provider_open")
    rows = json.loads(house.command("status", "--json").partition(" ")[2])["providers"]
    assert [row["provider"] for row in rows] == ["gemini"]
