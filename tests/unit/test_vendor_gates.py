"""Is a provider sent no more than it takes: so many calls a minute, and none while it turns everybody away?"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starsend.vendor_faults import (
    Ambiguous,
    BadRequest,
    NoPicture,
    NotSent,
    ProviderError,
    RateLimited,
    Unauthorized,
)
from starsend.vendor_gates import FIRST_DOUBT, FIRST_HOLD, LONGEST_HOLD, LOOK_AGAIN, HeldBack, VendorGate

QUOTA, CAPACITY = RateLimited("v", why="429: enough"), RateLimited("v", why="503: full", cause="capacity")


class Hand:
    """A gate and the hand that moves its clock."""

    def __init__(self, per_minute: int | None = None) -> None:
        self.time = 1000.0
        self.gate = VendorGate("v", per_minute, lambda: self.time)

    def call(self, error: ProviderError | None = None) -> None:
        with self.gate.turn() as turn:
            turn.answered(error)

    def fails(self, error: ProviderError, times: int = 3) -> None:
        for _ in range(times):
            self.call(error)

    def cause(self) -> str | None:
        hold = self.gate.state().hold
        return hold.cause if hold else None


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (QUOTA, "quota"),
        (CAPACITY, "capacity"),
        (NotSent("v", "refused"), "unreachable"),
        (Ambiguous("v", "500"), "answers_lost"),
    ],
)
def test_a_vendor_that_turns_everybody_away_is_left_alone_for_a_while(
    error: ProviderError, cause: str
) -> None:
    """Three in a row: is the next call held back, for how long, and is it said why?"""
    hand = Hand()
    hand.fails(error, 2)
    assert hand.cause() is None, "two may be chance"
    hand.call(error)
    assert hand.cause() == cause
    with pytest.raises(HeldBack, match=f"no call is sent to v for now .{cause}") as held:
        hand.gate.turn()
    assert held.value.seconds == FIRST_HOLD == hand.gate.opens_in()


@pytest.mark.parametrize(
    "error", [BadRequest("v", "no"), NoPicture("v", "safety"), Unauthorized("v", "401"), None]
)
def test_what_is_wrong_with_one_call_stops_no_other(error: ProviderError | None) -> None:
    """Safety, a bad request, a bad key: do they close nothing, and show that the vendor is there?"""
    hand = Hand()
    for _ in range(5):
        hand.fails(QUOTA, 2)
        hand.call(error)
    assert hand.cause() is None


def test_one_call_goes_ahead_and_decides_for_all() -> None:
    """Is there one at a time, is its failure waited out for longer each time, and does its success open?"""
    hand = Hand()
    hand.fails(CAPACITY)
    waits = []
    for _ in range(8):
        waits.append(hand.gate.opens_in())
        hand.time += waits[-1]
        ahead = hand.gate.turn()
        with pytest.raises(HeldBack):
            hand.gate.turn()
        assert hand.gate.opens_in() == LOOK_AGAIN
        assert (hold := hand.gate.state().hold)
        assert (hold.left, hold.ahead) == (0, True)
        ahead.answered(CAPACITY)
    assert waits == [5, 10, 20, 40, 80, 160, LONGEST_HOLD, LONGEST_HOLD]
    hold = hand.gate.state().hold
    assert hold is not None
    assert hold.lasting == sum(waits)
    hand.time += LONGEST_HOLD
    assert (hold := hand.gate.state().hold)
    assert (hold.left, hold.ahead) == (0, False), "nobody tries where nobody wants anything"
    hand.call()
    assert (hand.cause(), hand.gate.opens_in()) == (None, 0)
    hand.fails(CAPACITY)
    assert hand.gate.opens_in() == FIRST_HOLD, "an old outage is forgotten"


def test_a_turn_that_sends_nothing_is_given_back() -> None:
    """A cap refuses the call, or the disk: may the next one go ahead instead, and is it not counted?"""
    hand = Hand(per_minute=4)
    hand.fails(CAPACITY)
    hand.time += FIRST_HOLD
    with pytest.raises(OSError, match="full"), hand.gate.turn():
        raise OSError("full")
    assert hand.gate.state().sent_last_minute == 3
    hand.call()
    assert hand.cause() is None


def test_the_vendors_own_time_holds_for_all() -> None:
    """Is a named delay kept to the second from the first refusal on, and the longest of many?"""
    hand = Hand()
    one, two, late = hand.gate.turn(), hand.gate.turn(), hand.gate.turn()
    one.answered(RateLimited("v", 17))
    assert hand.gate.opens_in() == 17
    two.answered(RateLimited("v", 90))
    late.answered(CAPACITY)
    assert hand.gate.opens_in() == 90
    hand.time += 90
    hand.call()
    assert hand.cause() is None


def test_a_short_time_that_is_not_kept_is_not_believed() -> None:
    """`Retry-After: 0`, for an hour: is it obeyed once, and then not asked as fast as it answers?"""
    hand = Hand()
    waits = []
    for named in (0, 0, 1, 17, 1):
        hand.call(RateLimited("v", named))
        waits.append(hand.gate.opens_in())
        hand.time += waits[-1]
    assert waits == [0, FIRST_DOUBT, 2 * FIRST_DOUBT, 17, 8 * FIRST_DOUBT]
    hand.call()
    hand.call(RateLimited("v", 2))
    assert hand.gate.opens_in() == 2


def test_a_burst_that_was_in_flight_counts_once() -> None:
    """Sixty-four are refused together: is the vendor left alone for the shortest time, not the longest?"""
    hand = Hand()
    turns = [hand.gate.turn() for _ in range(64)]
    for turn in turns[:40]:
        turn.answered(CAPACITY)
    assert hand.gate.opens_in() == FIRST_HOLD
    for turn in turns[40:]:
        turn.answered()
    assert hand.cause() == "capacity", "what was sent before says nothing of now"


@given(st.integers(1, 5), st.lists(st.floats(0, 40), max_size=60))
def test_no_minute_holds_more_than_its_number(per_minute: int, pauses: list[float]) -> None:
    """Whenever calls come: do any sixty seconds hold more, and does waiting as told always help?"""
    hand, sent = Hand(per_minute), []
    for pause in pauses:
        hand.time += pause
        if wait := hand.gate.opens_in():
            with pytest.raises(HeldBack):
                hand.gate.turn()
            hand.time += wait
        hand.call()
        sent.append(hand.time)
    for first, last in zip(sent, sent[per_minute:], strict=False):
        assert last - first >= 60 - 1e-6


def test_threads_share_one_gate() -> None:
    """Sixty-four at once after a hold: does exactly one go ahead, and before it no more than the minute's number?"""

    def together(work: Callable[[], object]) -> int:
        start, through = threading.Barrier(64), []

        def one() -> None:
            start.wait()
            with contextlib.suppress(HeldBack):
                through.append(work())

        threads = [threading.Thread(target=one) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(through)

    hand = Hand(per_minute=9)
    assert together(hand.gate.turn) == 9
    hand.time += 60
    hand.fails(QUOTA)
    hand.time += FIRST_HOLD
    assert together(hand.gate.turn) == 1
