"""Processes that begin warm: each is forked from one that has loaded what a run of the product loads on its way."""

from __future__ import annotations

import importlib
import io
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LOADED_FIRST = [
    "alembic.command",
    "anyio._backends._asyncio",
    "client_async.client_generate",
    "client_async.doctor",
    "client_async.grid_pictures",
    "client_async.ingest",
    "client_async.inspection",
    "client_async.production",
    "client_async.recovery_view",
    "client_async.saved_file",
    "starsend.providers.animatic",
    "starsend.tools.grid_layout",
    "tests.contract.test_budgets",
    "tests.crash.job",
    "tests.crash.test_state_killed",
    "tests.standins.warm",
]
"""What the product imports only when it needs it, and the modules that hold what is run. To load them costs a second of
CPU, more than a whole job does."""


@cache
def warm_processes() -> ForkServerContext:
    """Makes processes that cost a fork. One server serves a whole test run: whoever asks first decides what it loads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED_FIRST)
    first = context.Process(target=int)
    first.start()
    first.join()  # so that no command of a test has to wait until everything is loaded
    return context


def ask_in_small_process(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``question`` where a fork is cheap: a test run has grown to some hundred megabytes, whose pages each fork pays for."""
    with ProcessPoolExecutor(1, mp_context=warm_processes()) as pool:
        return pool.submit(question, *args, **kwargs).result()


def run_command(folder: Path, *words: str, **environ: str) -> CompletedProcess[str]:
    """``starsend WORDS`` in ``folder`` and in a process of its own, with these variables added to the environment.

    As a shell runs it, but for the start of Python: tests/unit/test_docs.py types whole jobs into real ones.
    """
    with TemporaryDirectory() as aside:
        out, err = Path(aside) / "out", Path(aside) / "err"
        told = (str(folder), list(words), {**os.environ, **environ}, str(out), str(err))
        process = warm_processes().Process(target=_starsend, args=told)
        process.start()
        process.join()
        assert process.exitcode is not None
        return CompletedProcess(["starsend", *words], process.exitcode, out.read_text(), err.read_text())


def _starsend(folder: str, words: list[str], environ: dict[str, str], out: str, err: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    for stream, path in ((sys.stdout, out), (sys.stderr, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, stream.fileno())
        os.close(file)
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(encoding=environ.get("PYTHONIOENCODING", "utf-8"))
    sys.argv = ["starsend", *words]
    client_generate = importlib.import_module("client_async.client_generate")
    client_generate.main()
