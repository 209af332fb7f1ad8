"""Driving some sequences of one project as far as they go, then leaving: what the commands do where no daemon runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

import anyio
import structlog

from client_async.desk import Desk
from client_async.dispatcher import Dispatcher
from client_async.events import Listener
from client_async.next_action import Action
from client_async.process import obey_signals
from client_async.projects import Place
from client_async.wiring import make_executor, make_workshop, open_parts
from starsend.config import load_settings
from starsend.errors import StarsendError

log = structlog.get_logger()


class Interrupted(StarsendError):
    """A signal asked us to stop, and we did."""

    def __init__(self) -> None:
        super().__init__("stopped as asked, nothing is lost", remedy="run it again to go on")


async def drive(
    place: Place,
    names: Iterable[str],
    actions: Collection[Action] | None,
    listener: Listener,
    stop: threading.Event,
) -> dict[str, StarsendError]:
    """Do whatever is due on each sequence until all of them rest; returns the errors by name.

    One that fails holds up no other. The first SIGINT or SIGTERM sets ``stop``: nothing new is begun, waiting steps park
    by their handle. A second one ends the process at once, and even that loses nothing.
    """
    wanted = list(names)
    executor = make_executor(load_settings(place.root, place.folder))
    async with anyio.create_task_group() as group:
        dispatcher = Dispatcher(group, executor.slots)

        def ask() -> None:
            stop.set()
            dispatcher.stop()

        group.start_soon(obey_signals, ask)
        with open_parts(place, stop=stop, gates=executor.gates) as parts:
            shop = make_workshop(place, parts, executor=executor, group=group, listener=listener)
            await shop.state(place.file.take_in)
            desk = Desk(shop, names=set(wanted), actions=actions)
            dispatcher.join(desk)
            for name in wanted:
                dispatcher.consider(place.name, name)
            await dispatcher.idle()
            await shop.scribe.render()
        group.cancel_scope.cancel()
    return desk.errors


def bring_home(place: Place) -> None:
    """Collect what earlier runs have paid for and nobody asks for any more, as far as it can be had now."""
    with stop_on_signal() as stop, open_parts(place, stop=stop) as parts:
        for step in parts.steps.left_behind():
            parts.steps.bring_home(step)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """For work without an event loop: an event that the first SIGINT or SIGTERM sets; the second one ends the process."""
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        log.warning("stopping", signal=signal.Signals(number).name)
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
