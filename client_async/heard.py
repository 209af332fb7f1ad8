"""Telling people of what clients answer by their links: each answer once, however often the daemon starts."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial

import anyio
import structlog

from client_async.client_answers import answers, mark_of, said
from client_async.events import ClientAnswered, Listener
from client_async.projects import Place
from client_async.scribe import Scribe
from client_async.sequence_file import SequenceFile
from starsend.errors import StarsendError

log = structlog.get_logger()


class AnswersHeard:
    """One project's. What came while no daemon ran is told by the next one.

    Args:
        stop: set when the daemon ends; then there is nobody any more to tell.
    """

    def __init__(self, place: Place, scribe: Scribe, emit: Listener, stop: threading.Event) -> None:
        self._place = place
        self._scribe = scribe
        self._emit = emit
        self._stop = stop
        self._answered: set[str] = set()
        """Sequences in which there may be something of which nobody has heard."""

    async def look(self, changed: set[str]) -> None:
        """Tell of what is new in sequences that are not as they were.

        Noted as told before it is: whoever is killed in between tells nobody, and the answer still stands in the notices of
        its sequence and beside its link.
        """
        # Of ten thousand bodies few are opened.
        self._answered |= {name for name in changed if b'"link"' in self._place.file.body(name)}
        if not self._answered or self._stop.is_set():
            return
        try:
            with anyio.CancelScope(shield=True):  # what is noted as told is told
                came = await self._scribe.run(partial(_unheard, self._place.file, sorted(self._answered)))
        except StarsendError as refused:  # asked again at the next look
            log.error("answers_unread", project=self._place.name, error=str(refused))
            return
        self._answered.clear()
        for name, line in came:
            log.info("client_answered", project=self._place.name, sequence=name, answer=line)
            self._emit(ClientAnswered(self._place.name, name, line))


def _unheard(file: SequenceFile, names: Iterable[str]) -> list[tuple[str, str]]:
    """Sequence and a line for each answer that nobody has been told of; from now on they have. Blocking.

    Raises JournalUnusable, CannotWrite: nothing is noted.
    """
    raws = {name: file.peek(name) for name in names}
    came = {name: {mark_of(answer): answer for answer in answers(raw)} for name, raw in raws.items()}
    new = file.first_seen({f"answers of {name}": found.keys() for name, found in came.items()})
    return [
        (name, said(name, raws[name], answer))
        for name, found in came.items()
        for mark, answer in found.items()
        if mark in new[f"answers of {name}"]
    ]
