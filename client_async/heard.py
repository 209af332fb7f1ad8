"""Which of the clients' answers people have heard of: each is told once, however often the daemon starts."""

from __future__ import annotations

from collections.abc import Iterable

from client_async.client_answers import answers, mark_of, said
from client_async.sequence_file import SequenceFile


def unheard(file: SequenceFile, names: Iterable[str]) -> list[tuple[str, str]]:
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
