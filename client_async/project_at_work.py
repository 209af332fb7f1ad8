"""One project under the daemon: opened when it appears, looked at when something may have changed, closed when it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TypeVar

import structlog
from anyio.abc import TaskGroup

from client_async.desk import FREE_TO_REPEAT, Desk
from client_async.dispatcher import Dispatcher
from client_async.driver_lock import sole_driver
from client_async.events import BriefRefused, EditAnswered, Listener, PickDecided
from client_async.ownership import Raw
from client_async.pick_folder import PickFolder
from client_async.projects import Place
from client_async.step_executor import STATE, StepExecutor
from client_async.wiring import Parts, make_steps, make_workshop, open_parts
from client_async.workshop import Workshop
from starsend.config import load_settings
from starsend.errors import StarsendError

log = structlog.get_logger()
T = TypeVar("T")

SETTLE_SECONDS = 2.0
"""Between a pick and the first money spent on it (STATE.md): whoever changes their mind at once pays nothing."""
CURED_BY = {
    "elements": {"UnknownName", "BadElement", "BadDocument", "BrokenJson", "MissingFile"},
    "config": {"NoPrice", "Unauthorized", "OtherProvider", "UnknownName", "BadDocument"},
}
"""Failures that a change of these files may have mended: such sequences go on by themselves."""


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
        emit: Listener,
        stop: threading.Event,
    ) -> None:
        self.place = place
        self.shop = shop
        self._held = held
        self._dispatcher = dispatcher
        self._emit = emit
        self._stop = stop
        self._look_again = False
        self._looking = False
        self._trouble: str | None = None
        self._desk = Desk(shop, settle_seconds=SETTLE_SECONDS, bears_with=FREE_TO_REPEAT)
        self._picks = PickFolder(place.picks, place.file)
        dispatcher.join(self._desk)

    @classmethod
    async def open(
        cls,
        place: Place,
        *,
        executor: StepExecutor,
        dispatcher: Dispatcher,
        group: TaskGroup,
        emit: Listener,
        stop: threading.Event,
    ) -> ProjectAtWork:
        """Take a project on. Raises StarsendError: somebody else drives it, or something is wrong in it."""
        held, parts = await executor.run(STATE, partial(_hold, place, stop))
        shop = make_workshop(place, parts, executor=executor, group=group, listener=emit)
        return cls(place, shop, held, dispatcher=dispatcher, emit=emit, stop=stop)

    def close(self) -> None:
        """Give everything back; no task of this project may be alive."""
        self._dispatcher.leave(self.place.name)
        self._held.close()

    async def look(self) -> None:
        """Take in what people did since, decide picks, and line up whatever is to be done. One look at a time."""
        self._look_again = True
        if self._looking:
            return
        self._looking = True
        try:
            while self._look_again:
                self._look_again = False
                await self._look_once()
        finally:
            self._looking = False

    async def _look_once(self) -> None:
        try:
            taken = await self._run(self.place.file.take_in)
            verdicts = await self._run(self._picks.take_picks)
            if verdicts:
                taken.changed |= (await self._run(self.place.file.take_in)).changed
        except StarsendError as refused:
            self._tell_trouble(str(refused))
            return
        self._tell_trouble(str(taken.trouble) if taken.trouble else None)
        for news in taken.news:
            log.warning(
                "edit_answered",
                project=self.place.name,
                sequence=news.sequence,
                kind=news.kind,
                error=news.text,
            )
            self._emit(EditAnswered(self.place.name, news.sequence, news.kind, news.text))
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
        self.shop.scribe.ask_for_render(at_once=bool(taken.changed or verdicts))
        await self._dispatcher.consider_all(self.place.name, sorted(taken.changed))

    def _tell_trouble(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self._trouble:
            log.warning("brief_refused", project=self.place.name, error=trouble)
            self._emit(BriefRefused(self.place.name, trouble))
        self._trouble = trouble

    async def reload(self) -> None:
        """Work by the settings as they are on disk now. Raises StarsendError: they say something that cannot be."""
        settings = await self._run(partial(load_settings, self.place.root, self.place.folder))
        if settings == self.shop.settings:
            return
        if settings.store_url != self.shop.settings.store_url:
            log.warning("config_needs_restart", project=self.place.name, setting="store_url")
        steps = await self._run(
            partial(make_steps, self.place, settings, self.shop.store, stop=self._stop, clock=self.shop.clock)
        )
        self.shop = replace(self.shop, settings=settings, steps=steps)
        self._desk.refit(self.shop)
        log.info("config_reloaded", project=self.place.name)
        await self.resume_cured("config")

    async def resume_cured(self, what: str) -> None:
        """Go on with the sequences whose failure a change of ``what`` may have mended."""
        names = [
            name
            for name in self.place.file.names()
            if self._is_cured(self.place.file.peek(name), CURED_BY[what])
        ]
        for name in names:
            await self.shop.scribe.change(lambda draft, name=name: draft[name].update(resume=True))  # type: ignore[misc]
            self._dispatcher.consider(self.place.name, name)

    def _is_cured(self, raw: Raw, faults: set[str]) -> bool:
        return raw.get("grid_state") == "failed" and raw.get("grid_fault") in faults

    async def _run(self, work: Callable[[], T]) -> T:
        return await self.shop.state(work)


def _hold(place: Place, stop: threading.Event) -> tuple[ExitStack, Parts]:
    with ExitStack() as opening:
        opening.enter_context(sole_driver(place, "daemon"))
        parts = opening.enter_context(open_parts(place, stop=stop))
        opening.callback(place.file.close)
        return opening.pop_all(), parts
