"""Driving many sequences at once: one task each, only so many alive, each failing alone."""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

import anyio
import structlog

from client_async.client_sequence_runner import ClientSequenceRunner
from client_async.workshop import Workshop
from starsend.errors import StarsendError

log = structlog.get_logger()


class Interrupted(StarsendError):
    """A signal asked us to stop, and we did."""

    def __init__(self) -> None:
        super().__init__("stopped as asked, nothing is lost", remedy="run it again to go on")


class Unexpected(StarsendError):
    """Something failed that no error of ours describes."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(
            f"unexpected {type(fault).__name__}: {fault}",
            remedy="nothing that was paid for is lost; run it again with --debug and report what the log shows",
        )


Work = Callable[[ClientSequenceRunner], Awaitable[object]]


async def drive(
    shop: Workshop, names: Iterable[str], work: Work, stop: threading.Event
) -> dict[str, StarsendError]:
    """Do ``work`` for each sequence and return the errors by name; one that fails holds up no other.

    At most twice as many tasks live as there are slots: with all of them started at once the limiter serves every
    grid before any video, and the first sequence of many ends last (PERFORMANCE.md).

    The first SIGINT or SIGTERM sets ``stop``: nothing new is begun, waiting steps park by their handle. A second one
    ends the process at once, and even that loses nothing.
    """
    alive = anyio.Semaphore(2 * (shop.settings.image.at_once + shop.settings.video.at_once))
    errors: dict[str, StarsendError] = {}

    async def run(name: str) -> None:
        try:
            await work(ClientSequenceRunner(shop, name))
        except StarsendError as failed:
            errors[name] = failed
            log.warning("sequence_stopped", project=shop.project, sequence=name, error=str(failed))
        except Exception as fault:  # a fault of ours or of a library: of this sequence alone
            errors[name] = Unexpected(fault)
            log.exception("sequence_broken", project=shop.project, sequence=name)
        finally:
            alive.release()

    async with anyio.create_task_group() as watch:
        watch.start_soon(_stop_on_signal, stop)
        async with anyio.create_task_group() as group:
            for name in names:
                await alive.acquire()
                if stop.is_set():
                    break
                group.start_soon(run, name)
        watch.cancel_scope.cancel()
    return errors


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


async def _stop_on_signal(stop: threading.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            if stop.is_set():
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            log.warning("stopping", signal=number.name)
            stop.set()
