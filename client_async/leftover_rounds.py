"""Rounds for what a project has paid for and nobody asks for any more: on a pace, until nothing is left at the vendors."""

from __future__ import annotations

import threading
from functools import partial

import anyio
import structlog
from anyio.abc import TaskGroup

from client_async.workshop import Workshop
from starsend.errors import StarsendError

log = structlog.get_logger()

COLLECT_SECONDS = 10.0
"""Between two rounds, while there is anything to be brought home."""


class LeftoverRounds:
    """One project's.

    Args:
        group: where the rounds run.
        stop: set when nothing more may be begun.
    """

    def __init__(self, shop: Workshop, *, group: TaskGroup, stop: threading.Event) -> None:
        self._shop = shop
        self._group = group
        self._stop = stop
        self._stopped = False
        self._stirred = False
        self._collecting = False
        self.is_fetching = False
        """Whether something is coming home that nobody asks for any more."""

    def refit(self, shop: Workshop) -> None:
        """Work with other settings from now on."""
        self._shop = shop

    def stop(self) -> None:
        """Begin no further round."""
        self._stopped = True

    def stir(self) -> None:
        """A sequence has moved, or nothing is known yet: something that was paid for may be wanted by nobody any more."""
        self._stirred = True
        if not self._collecting:
            self._collecting = True
            self._group.start_soon(self._bring_home)

    async def _bring_home(self) -> None:
        """Collect what is left at the vendors, on a pace, until nothing is."""
        try:
            while self._stirred:
                await anyio.sleep(COLLECT_SECONDS)
                if self._stopped or self._stop.is_set():
                    return
                self._stirred = await self._collect_left()
        finally:
            self._collecting = False

    async def _collect_left(self) -> bool:
        """Whether there was something, and there may be more."""
        self._stirred, self.is_fetching = False, True
        steps = self._shop.steps
        try:
            left = await self._shop.state(steps.left_behind)
            for step in left:
                await self._shop.executor.run(step.provider, partial(steps.bring_home, step))
        except StarsendError:
            return True  # whatever is wrong with the ledger, the next step says it louder
        except Exception:
            log.exception("project_broken", project=self._shop.project)
            return True
        finally:
            self.is_fetching = False
        return bool(left) or self._stirred
