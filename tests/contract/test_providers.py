"""One promise, every provider: what the seam says of submit, find, poll and fetch, and of what a step costs."""

from __future__ import annotations

import io
import itertools
import logging
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from starsend import api_client as api
from starsend.files import sha256_of
from starsend.vendor_faults import Ambiguous, JobFailed, JobGone, ProviderError
from tests.conftest import ManualClock
from tests.contract.doors import (
    DRAWS,
    FILM,
    HOME_MADE,
    KEY,
    KEYS_OF,
    MODELS,
    SIZE,
    Door,
    Name,
    at_the_vendors,
)
from tests.media import packets
from tests.standins.wire import Fault, Kind, Phase

TAKES = [name for name in MODELS if name not in DRAWS]
WIRES = [name for name in MODELS if name not in HOME_MADE]
ODD_HANDLES = (
    "",
    "no-such-job",
    "../../etc/passwd",
    "a#b",
    "a?b=c",
    "two\nlines",
    "jöb",
    "%2e%2e",
    "x" * 4000,
)


@pytest.fixture(params=MODELS)
def door(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Door]:
    name: Name = request.param
    with at_the_vendors(), Door(name, tmp_path, clock) as opened:
        yield opened


def of(*names: str) -> pytest.MarkDecorator:
    """Asked of some providers only."""
    return pytest.mark.parametrize("door", names, indirect=True)


def ordered(door: Door, provider: api.JobProvider, key: str = KEY) -> str:
    """The handle of a job that the vendor has accepted."""
    job = door.submit(provider, key)
    assert isinstance(job, api.Job)
    return job.handle


def fetched(provider: api.JobProvider, handle: str) -> bytes:
    into = io.BytesIO()
    provider.fetch(handle, into)
    return into.getvalue()


def test_a_provider_keeps_the_promise_of_its_kind(door: Door) -> None:
    """Is it one that the seam knows, under its own name?"""
    provider = door.open()
    assert isinstance(provider, api.ImageProvider if door.name in DRAWS else api.VideoProvider)
    assert provider.name == door.provider


def test_a_step_is_one_call_one_take_one_cost_and_its_replay_is_free(door: Door) -> None:
    """Is it paid once however often it is asked for, and are MIME type and size those of the bytes?"""
    take = door.step()
    assert door.step() == take
    assert (door.sent, door.billed) == (1, 1)
    assert (door.booked().get("actual"), door.booked().get("possible", 0)) == (1, 0)
    media, path = take.media, door.folder / take.media.path
    assert (media.sha256, media.size_bytes) == (sha256_of(path), path.stat().st_size)
    if door.name in DRAWS:
        assert (media.mime, media.width, media.height) == ("image/png", *SIZE)
        return
    assert (media.mime, media.width, media.height) == ("video/mp4", *door.frame)
    assert float(media.seconds or 0) == door.seconds
    if door.name in WIRES:
        assert packets(path.read_bytes()) == packets(FILM)


@of(*WIRES)
def test_what_the_vendor_calls_its_result_is_not_believed(door: Door) -> None:
    """Is the type of a file told from its bytes, under whatever name they come?"""
    door.wire.mime = "image/gif"
    take = door.step()
    assert take.media.mime == ("image/png" if door.name in DRAWS else "video/mp4")


@of(*TAKES)
def test_a_job_goes_on_by_its_handle_and_can_be_looked_at_again(door: Door) -> None:
    """Do a new provider, a second poll and a second fetch find the same job and the same bytes?"""
    handle = ordered(door, door.open())
    again = door.open()
    assert [again.poll(handle).state for _ in range(2)] == ["ready"] * 2
    data = fetched(again, handle)
    assert fetched(door.open(), handle) == data
    assert (door.sent, door.billed) == (1, 1)


@of("kling", "animatic", "storyboard")
def test_a_lost_call_is_found_where_it_can_be(door: Door) -> None:
    """Does the step key lead to the job whose answer was lost, and another key to none?"""
    door.lose_an_answer()
    with pytest.raises(Ambiguous):
        door.submit(door.open())
    provider = door.open()
    assert provider.can_find
    found = provider.find(KEY)
    assert found is not None
    assert provider.find(KEY.replace("0", "f")) is None
    assert provider.poll(found.handle).state == "ready"
    assert door.billed == 1


@of("gemini", "fal", "omni", "veo")
def test_who_cannot_be_asked_says_so(door: Door) -> None:
    """Is nobody led to take "it cannot be asked" for "there is none"?"""
    assert not door.open().can_find
    with pytest.raises((NotImplementedError, Ambiguous)):
        door.open().find(KEY)


@of(*TAKES)
def test_a_job_that_the_vendor_does_not_know_is_gone(door: Door) -> None:
    """Is a handle that the vendor never gave out JobGone, by poll and by fetch?"""
    provider = door.open()
    known = ordered(door, provider)
    unknown = known[:-1] + "9"
    with pytest.raises(JobGone):
        provider.poll(unknown)
    with pytest.raises(JobGone):
        fetched(provider, unknown)


def test_an_odd_handle_is_no_job_and_no_crash(door: Door) -> None:
    """Does a handle that no vendor gives out end in a plain error, and lead nowhere else?"""
    provider = door.open()
    looks: list[Callable[[str], object]] = [provider.poll, lambda handle: fetched(provider, handle)]
    for handle, look in itertools.product(ODD_HANDLES, looks):
        with pytest.raises(ProviderError) as raised:
            look(handle)
        assert not isinstance(raised.value, JobFailed), handle
        assert "\n" not in str(raised.value), handle
    assert door.billed == 0


def test_eight_threads_share_one_provider(door: Door) -> None:
    """Is each of eight orders at once one call, and does each get a result of its own?"""
    provider = door.open()

    def order(number: int) -> bytes | str:
        answer = door.submit(provider, f"S-a{number}-0123456789abcdef")
        if isinstance(answer, api.Media):
            return answer.data
        assert fetched(provider, answer.handle)
        return answer.handle

    with ThreadPoolExecutor(8) as pool:
        came = list(pool.map(order, range(1, 9)))
    assert (door.sent, door.billed) == (8, 8)
    assert all(came)
    assert door.name in DRAWS or len(set(came)) == 8


GONE = (404, 410)
DOWNLOADS: list[tuple[Kind, int]] = [
    *((kind, 500) for kind in ("reset_before", "reset_after", "silent", "truncated", "no_bytes")),
    *(("status", status) for status in (403, 500, 503, *GONE)),
]


@pytest.mark.parametrize(("kind", "status"), DOWNLOADS)
@of("kling", "fal", "omni")
def test_a_download_that_fails_is_told(door: Door, kind: Kind, status: int) -> None:
    """Is what can be fetched again told from what was deleted, and is nothing paid for it?"""
    handle = ordered(door, door.open())
    door.patience = 0.5 if kind == "silent" else door.patience
    door.wire.faults["fetch"].append(Fault(kind, status))
    with pytest.raises(ProviderError) as raised:
        fetched(door.open(), handle)
    assert isinstance(raised.value, JobGone) == (kind == "status" and status in GONE)
    assert not isinstance(raised.value, JobFailed)
    door.patience = 30.0
    assert fetched(door.open(), handle) == FILM
    assert (door.sent, door.billed) == (1, 1)


PHASES: list[Phase] = ["submit", "poll", "fetch"]


@pytest.mark.parametrize("status", [400, 401, 429, 500])
@pytest.mark.parametrize(
    ("door", "phase"),
    [(name, phase) for name in WIRES for phase in PHASES if phase == "submit" or name in TAKES],
    indirect=["door"],
)
def test_an_echoed_key_is_told_to_nobody(
    door: Door, caplog: pytest.LogCaptureFixture, phase: Phase, status: int
) -> None:
    """Does a vendor that quotes our keys put them neither into the line, nor into its traceback, nor into a log?"""
    caplog.set_level(logging.DEBUG)
    provider = door.open()
    handle = "" if phase == "submit" else ordered(door, provider)
    looked_at: Phase = "poll" if door.name == "veo" and phase == "fetch" else phase
    said = " and ".join(KEYS_OF[door.name])
    door.wire.faults[looked_at].append(door.wire.refused(status, said))
    ask: dict[Phase, Callable[[], object]] = {
        "submit": lambda: door.submit(provider),
        "poll": lambda: provider.poll(handle),
        "fetch": lambda: fetched(provider, handle),
    }
    with pytest.raises(ProviderError) as raised:
        ask[phase]()
    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + caplog.text
    assert not any(key in told for key in KEYS_OF[door.name])
