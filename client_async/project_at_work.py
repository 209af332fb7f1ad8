"""One project under the daemon: opened when it appears, looked at when something may have changed, closed when it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import anyio
import structlog
from anyio.abc import TaskGroup

from client_async.budget_pause import may_go_on
from client_async.cures import may_be_cured
from client_async.desk import Desk
from client_async.dispatcher import Dispatcher
from client_async.driver_lock import sole_driver
from client_async.events import BriefRefused, EditAnswered, Listener, PickDecided
from client_async.heard import AnswersHeard
from client_async.leftover_rounds import LeftoverRounds
from client_async.mirror import TakenIn
from client_async.ownership import News, Raw
from client_async.pick_folder import PickFolder, PicksUnreadable
from client_async.projects import Place
from client_async.signs import folder_identity
from client_async.step_executor import STATE, StepExecutor
from client_async.wiring import Parts, make_steps, make_workshop, open_parts
from client_async.work_faults import FREE_TO_REPEAT
from client_async.workshop import Workshop
from starsend.config import load_settings
from starsend.errors import StarsendError
from starsend.vendor_gates import VendorGates

log = structlog.get_logger()

SETTLE_SECONDS = 2.0
"""Between a pick and the first money spent on it (docs/operations.md): whoever changes their mind at once pays nothing."""
WRITING_SECONDS = 0.5
"""Between two looks at a file that somebody has open, or has only just let go of."""


class ProjectAtWork:
    """Everything the daemon keeps of one project.

    Args:
        held: gives driver lock, ledger and journal back.
        emit: who is told of facts, on the event loop.
    """

    def __init__(
        self,
        place: Place,
        shop: Workshop,
        held: ExitStack,
        *,
        dispatcher: Dispatcher,
        group: TaskGroup,
        emit: Listener,
        stop: threading.Event,
    ) -> None:
        self.place = place
        self.shop = shop
        self._held = held
        self._dispatcher = dispatcher
        self._emit = emit
        self._stop = stop
        self._identity = folder_identity(place.client)
        self._look_again = False
        self._looking = False
        self._closed = False
        self._woken = anyio.Event()
        self._trouble: str | None = None
        self.desk = Desk(shop, settle_seconds=SETTLE_SECONDS, bears_with=FREE_TO_REPEAT)
        self.leftovers = LeftoverRounds(shop, group=group, stop=stop)
        self._picks = PickFolder(place.picks, place.file)
        self._heard = AnswersHeard(place, shop.scribe, emit, stop)
        dispatcher.join(self.desk)

    @classmethod
    async def open(
        cls,
        place: Place,
        *,
        address: str,
        executor: StepExecutor,
        dispatcher: Dispatcher,
        group: TaskGroup,
        emit: Listener,
        stop: threading.Event,
    ) -> ProjectAtWork:
        """Take a project on. Raises StarsendError: somebody else drives it, or something is wrong in it.

        Args:
            address: ``host:port`` where the daemon answers, noted in the project's lock.
        """
        held, parts = await executor.run(STATE, partial(_hold, place, address, stop, executor.gates))
        shop = make_workshop(place, parts, executor=executor, group=group, listener=emit)
        project = cls(place, shop, held, dispatcher=dispatcher, group=group, emit=emit, stop=stop)
        project.leftovers.stir()
        return project

    async def close(self) -> None:
        """Give everything back; no task of this project may be alive."""
        self._closed = True
        self._woken.set()
        self.leftovers.stop()
        self.shop.scribe.stop()
        self._dispatcher.leave(self.desk)
        # Not on the event loop: somebody may hold the file's lock.
        await self.shop.scribe.run(self._held.close)

    def is_replaced(self) -> bool:
        """Whether another folder lies under the name by now, a restored backup for one: what is held is of the old one."""
        return folder_identity(self.place.client) not in (None, self._identity)

    async def look(self) -> None:
        """Take in what people did since, decide picks, and line up whatever is to be done. One look at a time."""
        self._look_again = True
        self._woken.set()
        if self._looking:
            return
        self._looking = True
        try:
            while self._look_again and not self._closed:
                self._look_again, self._woken = False, anyio.Event()
                if await self._look_once() and not self._closed:
                    with anyio.move_on_after(WRITING_SECONDS):
                        await self._woken.wait()
                    self._look_again = True
        finally:
            self._looking = False

    async def _look_once(self) -> bool:
        """True when somebody is still writing: nothing tells when they are done."""
        try:
            taken = await self.shop.scribe.run(self.place.file.take_in)
        except StarsendError as refused:
            self._tell_trouble(str(refused))
            return False
        try:
            await self._decide_picks(taken)
        finally:  # whatever is wrong with the picks, what people saved goes on
            self._tell_trouble(str(taken.trouble) if taken.trouble else None)
            self._tell_news(taken.news)
            await self._heard.look(taken.changed)
            self.shop.scribe.ask_for_render(at_once=bool(taken.changed))
            await self._dispatcher.consider_all(self.place.name, sorted(taken.changed))
        return taken.waiting

    async def _decide_picks(self, taken: TakenIn) -> None:
        """Decide the pick files that are ripe; what that changes is added to what was taken in."""
        try:
            verdicts = await self.shop.scribe.run(self._picks.take_picks)
        except (StarsendError, OSError) as refused:
            taken.trouble = taken.trouble or PicksUnreadable(self.place.picks, refused)
            return
        taken.waiting |= self._picks.waiting
        if not verdicts:
            return
        for verdict in verdicts:
            decided = PickDecided(self.place.name, verdict.file, verdict.accepted, verdict.reason)
            log.info(
                "pick_decided",
                project=decided.project,
                file=decided.file,
                accepted=decided.accepted,
                reason=decided.reason,
            )
            self._emit(decided)
        since = await self.shop.scribe.run(self.place.file.take_in)
        taken.changed |= since.changed
        taken.news += since.news
        taken.trouble = since.trouble
        taken.waiting |= since.waiting

    def _tell_news(self, told: list[News]) -> None:
        for news in told:
            log.warning(
                "edit_answered",
                project=self.place.name,
                sequence=news.sequence,
                kind=news.kind,
                error=news.text,
            )
            self._emit(EditAnswered(self.place.name, news.sequence, news.kind, news.text))

    def _tell_trouble(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self._trouble:
            log.warning("brief_refused", project=self.place.name, error=trouble)
            self._emit(BriefRefused(self.place.name, trouble))
        self._trouble = trouble

    async def reload(self) -> None:
        """Work by the settings as they are on disk now. Raises StarsendError: they say something that cannot be."""
        settings = await self.shop.state(partial(load_settings, self.place.root, self.place.folder))
        if settings == self.shop.settings:
            return
        if settings.store_url != self.shop.settings.store_url:
            log.warning("config_needs_restart", project=self.place.name, setting="store_url")
        make = partial(make_steps, self.place, settings, self.shop.store, gates=self.shop.executor.gates)
        steps = await self.shop.state(partial(make, stop=self._stop, clock=self.shop.clock))
        self.shop = replace(self.shop, settings=settings, steps=steps)
        self.desk.refit(self.shop)
        self.leftovers.refit(self.shop)
        log.info("config_reloaded", project=self.place.name)
        await self.resume_cured("config")
        await self.resume_funded()
        await self._dispatcher.consider_all(self.place.name, self.place.file.names())

    async def resume_cured(self, what: str) -> None:
        """Go on with the sequences whose failure a change of ``what`` may have mended."""
        await self._resume(lambda raw: may_be_cured(raw, what))

    async def resume_funded(self) -> None:
        """Go on with the sequences that wait for money, as far as their cap was raised or their day is over."""
        caps, now = self.shop.settings.budget, self.shop.clock.now()
        await self._resume(lambda raw: may_go_on(raw, caps, now))

    async def _resume(self, is_due: Callable[[Raw], bool]) -> None:
        for name in [name for name in self.place.file.names() if is_due(self.place.file.peek(name))]:
            await self.shop.scribe.change(lambda draft, name=name: draft[name].update(resume=True))  # type: ignore[misc]
            self._dispatcher.consider(self.place.name, name)


def _hold(place: Place, address: str, stop: threading.Event, gates: VendorGates) -> tuple[ExitStack, Parts]:
    with ExitStack() as opening:
        opening.enter_context(sole_driver(place, "daemon", address))
        parts = opening.enter_context(open_parts(place, stop=stop, gates=gates))
        opening.callback(place.file.close)
        return opening.pop_all(), parts
