"""A process that is killed with -9 at a chosen step of ours: between any two calls that a module makes or takes."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import sqlalchemy.event
from sqlalchemy import Engine

STATE_MODULES = (
    "displaced.py",
    "edit_answers.py",
    "exchange.py",
    "face.py",
    "files.py",
    "ingest.py",
    "journal.py",
    "kept.py",
    "mirror.py",
    "pick_file.py",
    "pick_folder.py",
    "saved_file.py",
    "sequence_file.py",
    "whole_file.py",
)
"""All that reads or writes between a document and its face, and between a pick file and its verdict."""


def run_killed(work: Callable[[], object], modules: tuple[str, ...], at: int) -> tuple[bool, bool]:
    """Run ``work`` in a forked process that kills itself at the step numbered ``at`` (from 1; 0: never).

    A step is a call into, out of, or made by one of ``modules`` (file names such as ``face.py``), those in C included: each
    rename, sync and SQL statement lies between two of them. Returns whether ``work`` came back before, and whether the
    process was killed.
    """

    def live() -> bytes:
        _die_at(modules, at)
        work()
        sys.setprofile(None)
        return b"!"

    told, was_killed = forked(live)
    return told == b"!", was_killed


def forked(
    work: Callable[[], bytes], watched: Callable[[int], object] = lambda _pid: None
) -> tuple[bytes, bool]:
    """What ``work`` came to in a process of its own, which ``watched`` is told of; and whether that was killed."""
    told, tell = os.pipe()
    with warnings.catch_warnings():
        # 3.12 on: the test runner has threads, the child uses none.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        gc.disable()  # it would touch, and so copy, every page that is shared with the parent
        try:
            os.write(tell, work())
        finally:
            os._exit(0)
    os.close(tell)
    watched(child)
    with os.fdopen(told, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return said, os.WIFSIGNALED(status)


def die_at(*, commit: int = 0, event: Callable[[str, tuple[object, ...]], bool] | None = None) -> None:
    """Let this process kill itself just before a commit of SQLAlchemy's (from 1), or at an event of Python's audit hook."""
    seen = 0

    def on_commit(_connection: object) -> None:
        nonlocal seen
        seen += 1
        if seen == commit:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(name: str, args: tuple[object, ...]) -> None:
        if event and event(name, args):
            os.kill(os.getpid(), signal.SIGKILL)

    sqlalchemy.event.listen(Engine, "commit", on_commit)
    sys.addaudithook(on_event)


def _die_at(modules: tuple[str, ...], at: int) -> None:
    left = at

    def look(frame: FrameType, _event: str, _argument: Any) -> None:
        nonlocal left
        if frame.f_code.co_filename.endswith(modules):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if at:
        sys.setprofile(look)
