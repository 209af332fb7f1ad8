"""A project's desk: what is due on each of its sequences, the work on it, and what becomes of an error.

The daemon has a desk for every project; a command has one, for the sequences it was asked about.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

import structlog

from client_async.budget_pause import may_go_on
from client_async.client_sequence_runner import ClientSequenceRunner
from client_async.dispatcher import Due
from client_async.explorer import NotAdopted
from client_async.next_action import Action, next_action
from client_async.sequence_parts import Pick
from client_async.sequences import parsed
from client_async.step_executor import PICTURES
from client_async.work_faults import MachineTrouble, Unexpected
from client_async.workshop import Workshop
from starsend.clock import Stopped
from starsend.errors import StarsendError
from starsend.vendor_faults import NotSent, ProviderError, RateLimited
from starsend.vendor_gates import HeldBack
from starsend.vendor_patience import submitting, worth_waiting

log = structlog.get_logger()

UNWRITTEN_SECONDS = 60.0
"""Until the next try, when a failure could not even be written down."""


class Desk:
    """One project at work.

    Args:
        names: the sequences it may touch; all unless given.
        actions: what it may do; everything unless given.
        settle_seconds: how long after a pick the first money may be spent on it: somebody may pick another.
        bears_with: errors that are waited out besides a vendor's "not now"; a command tells its user instead. With any, as in
            the daemon, a vendor's bad hour is waited out too, however long: nobody sits before it.
        monotonic, jitter: seconds, and a number from 0 to 1; for waits.
    """

    def __init__(
        self,
        shop: Workshop,
        *,
        names: Collection[str] | None = None,
        actions: Collection[Action] | None = None,
        settle_seconds: float = 0.0,
        bears_with: tuple[type[StarsendError], ...] = (),
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.project = shop.project
        self.share = shop.settings.share
        self.errors: dict[str, StarsendError] = {}
        self._shop = shop
        self._names = names
        self._actions = actions
        self._settle = settle_seconds
        self._bears_with = bears_with
        self._monotonic = monotonic
        self._jitter = jitter
        self._patience: dict[str, dict[str, tuple[int, Callable[[Exception], bool | timedelta]]]] = {}
        """By sequence and step: how often it was tried, and who judges whether it is worth another try."""
        self._not_before: dict[str, tuple[Action | None, float]] = {}
        """What must wait, and until when; whatever else is asked of a sequence meanwhile need not."""
        self._held: dict[str, tuple[Action | None, str]] = {}
        """What a provider's closed gate has sent back, and whose gate it is."""
        self._asked: dict[str, tuple[bytes, tuple[Action, int, Pick | None] | None]] = {}
        self._seen: dict[str, tuple[Pick, float]] = {}
        """Picks that no money was spent on yet, and since when they are known: a file's own time may be any."""

    def refit(self, shop: Workshop) -> None:
        """Work with other settings from now on; what runs ends with the old ones."""
        self._shop = shop
        self.share = shop.settings.share
        self._held.clear()  # somebody else may be asked by now
        self._not_before.clear()

    def due(self, name: str) -> Due | None:
        """What is to be done next on a sequence; None when it rests, or is none of this desk's business."""
        if self._names is not None and name not in self._names:
            return None
        asked = self._ask(name)
        if asked is None:
            return None
        action, priority, pick = asked
        after = self._unsettled(name, pick)
        waits, date = self._not_before.get(name, (None, 0.0))
        if waits == action:
            after = max(after, date - self._monotonic())
        waits, provider = self._held.get(name, (None, ""))
        if waits == action:
            after = max(after, self._shop.executor.gates.of(provider).opens_in())
        return Due(self._lane(action), priority, after)

    def _ask(self, name: str) -> tuple[Action, int, Pick | None] | None:
        """What is to be done next, how urgent it is, and the pick that the first money would be spent on; remembered until it changes."""
        try:
            body = self._shop.file.body(name)
        except KeyError:
            return None
        known = self._asked.get(name)
        if known is not None and known[0] is body:
            return known[1]
        found = None
        try:
            sequence = parsed(name, body, self._shop.file.path)
            action = next_action(sequence)
            if action is not None and (self._actions is None or action in self._actions):
                begun = sequence.grid_state == "generating" or action != "generate"
                # Whoever has picked waits for the take, so it comes before new grids of the same priority.
                found = (
                    action,
                    2 * sequence.priority + (action == "generate"),
                    None if begun else sequence.pick,
                )
        except StarsendError as wrong:  # adopted from elsewhere and never checked: one sequence's fault
            self.errors[name] = wrong
        except Exception as fault:  # of ours: of this sequence alone, too
            log.exception("sequence_broken", project=self.project, sequence=name)
            self.errors[name] = Unexpected(fault)
        self._asked[name] = body, found
        return found

    async def work(self, name: str) -> None:
        """Do the next thing; an error is waited out, or written down and left to a person."""
        runner, asked = self.runner(name), self._ask(name)
        action = asked[0] if asked else None
        self._held.pop(name, None)
        # Whose task this is binds the next sequence over it; taking it back each time costs more than a commit.
        structlog.contextvars.bind_contextvars(project=self.project, sequence=name)
        try:
            error = await self._try(runner, name)
            if error is not None:
                await self._take(error, runner, name, action)
        except Exception:  # whatever it is, it is this sequence's alone
            log.exception("sequence_broken")
            self._not_before[name] = action, self._monotonic() + UNWRITTEN_SECONDS

    def runner(self, name: str) -> ClientSequenceRunner:
        """Who takes a sequence on by a step."""
        return ClientSequenceRunner(self._shop, name)

    async def _try(self, runner: ClientSequenceRunner, name: str) -> StarsendError | None:
        """Take the sequence one step on; what kept it from that."""
        try:
            await runner.act()
        except Stopped:
            return None  # it goes on where it was
        except StarsendError as error:
            return error
        except OSError as refused:
            return MachineTrouble(refused)
        except Exception as fault:  # a fault of ours or of a library
            log.exception("sequence_broken")
            return Unexpected(fault)
        self._patience.pop(name, None)
        self._not_before.pop(name, None)
        self.errors.pop(name, None)
        return None

    async def _take(
        self, error: StarsendError, runner: ClientSequenceRunner, name: str, action: Action | None
    ) -> None:
        if isinstance(error, HeldBack):  # nobody's patience wears out by it: nothing was tried
            self._held[name] = action, error.provider
            log.info("step_held", provider=error.provider, wait=round(error.seconds, 1), error=str(error))
            date = self._in(
                error.seconds
            )  # of whoever waits, the hold may last longer and others come before
            await self._write_down(runner.tell(f"{error.what}; it goes on by itself, not before {date} UTC"))
            return
        step = error.step_key if isinstance(error, ProviderError) else ""
        tried, judge = self._patience.get(name, {}).get(step, (0, worth_waiting()))
        worth = judge(error) is not False or isinstance(error, self._bears_with)
        policy = submitting(self._shop.settings.retry)
        tried += not self._is_everybodys(error, action)
        if not worth or tried >= policy.attempts:
            await self._give_up(error, runner, name, action)
            return
        self._patience.setdefault(name, {})[step] = (tried, judge)
        wait = policy.pause(max(tried, 1), error, jitter=self._jitter())
        self._not_before[name] = action, self._monotonic() + wait
        log.warning("step_waits", wait=round(wait, 1), tried=tried, error=str(error))
        await self._write_down(runner.tell(f"{error.what}; the next try is at {self._in(wait)} UTC"))

    def _in(self, seconds: float) -> str:
        """The time by then, for a line that stays for as long."""
        now = self._shop.clock.now()
        date = now + timedelta(seconds=seconds)
        day = "" if date.date() == now.date() else f"{date:%Y-%m-%d} "
        return f"{day}{date:%H:%M:%S}"

    def _is_everybodys(self, error: StarsendError, action: Action | None) -> bool:
        """Whether the vendor turns all away, or a job of its own that is paid for cannot be looked at: no patience wears out."""
        if isinstance(error, ProviderError) and error.sent_nothing:
            return True
        if not self._bears_with or action is None or not isinstance(error, NotSent | RateLimited):
            return False
        return self._shop.executor.gates.of(self._lane(action)).opens_in() > 0

    async def _give_up(
        self, error: StarsendError, runner: ClientSequenceRunner, name: str, action: Action | None
    ) -> None:
        self._patience.pop(name, None)
        self.errors[name] = error
        log.warning("sequence_stopped", error=str(error))
        if not isinstance(error, NotAdopted) and not await self._write_down(runner.park(error)):
            self._not_before[name] = action, self._monotonic() + UNWRITTEN_SECONDS
        elif may_go_on(self._shop.file.peek(name), self._shop.settings.budget, self._shop.clock.now()):
            # The cap was raised, or the day ended, while it was being refused: nobody will say so again.
            await self._write_down(runner.resume())

    async def _write_down(self, writing: Awaitable[None]) -> bool:
        try:
            await writing
        except (StarsendError, OSError) as refused:
            log.error("state_not_kept", error=str(refused))
            return False
        return True

    def _unsettled(self, name: str, pick: Pick | None) -> float:
        """For how many seconds somebody may still pick another cell before money is spent on this one."""
        if pick is None or not self._settle:
            self._seen.pop(name, None)
            return 0.0
        if name not in self._seen or self._seen[name][0] != pick:
            self._seen[name] = pick, self._monotonic()
        return max(0.0, self._settle - (self._monotonic() - self._seen[name][1]))

    def _lane(self, action: Action) -> str:
        lanes = {
            "explore": self._shop.settings.image.provider,
            "generate": self._shop.settings.video.provider,
        }
        return lanes.get(action, PICTURES)
