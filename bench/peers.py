"""What a studio would run instead: huey, Celery and Prefect, each with the same sequences of two sleeping steps.

    pip install huey celery prefect      (whichever is there is measured)
    python -m bench.peers [SEQUENCES] [SLOTS]

None of them knows of grids, picks or money: this is the price of the queue alone, with results kept where that is the default.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bench.orchestration import bare_threads, ours, step, table_of

# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"


class Countdown:
    """Tells when so many have ended, from whatever threads."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._lock = threading.Lock()
        self.done = threading.Event()

    def one(self) -> None:
        """One more has ended."""
        with self._lock:
            self._left -= 1
            if not self._left:
                self.done.set()


def huey(count: int, slots: int) -> float:
    """huey: SQLite, a consumer of threads."""
    from huey import SqliteHuey

    ended = Countdown(count)
    with tempfile.TemporaryDirectory() as folder:
        queue = SqliteHuey(filename=str(Path(folder) / "huey.db"))

        @queue.task()
        def second() -> None:
            step()
            ended.one()

        @queue.task()
        def first() -> None:
            step()
            second()

        consumer = queue.create_consumer(
            workers=slots, periodic=False, initial_delay=0.01, backoff=1.0, max_delay=0.01
        )
        begun = time.monotonic()
        for _ in range(count):
            first()
        consumer.start()
        ended.done.wait()
        took = time.monotonic() - begun
        consumer.stop(graceful=True)
    return took


def celery(count: int, slots: int) -> float:
    """Celery: a broker in memory, a worker of threads."""
    from celery import Celery
    from celery.contrib.testing.worker import start_worker

    ended = Countdown(count)
    app = Celery("peer", broker="memory://", backend="cache+memory://")
    app.conf.worker_prefetch_multiplier = 4

    @app.task
    def second() -> None:
        step()
        ended.one()

    @app.task
    def first() -> None:
        step()
        second.delay()

    with start_worker(app, pool="threads", concurrency=slots, loglevel="ERROR", perform_ping_check=False):
        begun = time.monotonic()
        for _ in range(count):
            first.delay()
        ended.done.wait()
        return time.monotonic() - begun


def prefect(count: int, slots: int) -> float:
    """Prefect: a local server, tasks in threads, its logs off."""
    home = tempfile.mkdtemp()
    os.environ |= {
        "PREFECT_HOME": home,
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "DO_NOT_TRACK": "1",
    }
    from prefect import flow, task
    from prefect.task_runners import ThreadPoolTaskRunner

    @task
    def one() -> None:
        step()

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=slots))
    def job() -> float:
        begun = time.monotonic()  # the server has started by now
        firsts = [one.submit() for _ in range(count)]
        for done in [one.submit(wait_for=[first]) for first in firsts]:
            done.wait()
        return time.monotonic() - begun

    took: float = job()
    return took


def main() -> None:
    """Print the table."""
    logging.disable(logging.CRITICAL)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    slots = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    there: list[Callable[[int, int], float]] = [bare_threads, ours]
    for peer in (huey, celery, prefect):
        if importlib.util.find_spec(peer.__name__):
            there.append(peer)
        else:
            print(f"{peer.__name__} is not installed")
    table_of(count, [slots], there)


if __name__ == "__main__":
    main()
