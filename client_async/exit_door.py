"""The one exit door of the command line: every error becomes one line and an exit code.

Exit codes: 0 done, 1 failed, 2 bad usage or bad input (``exit_code`` of the error), 3 waiting for a person.
"""

from __future__ import annotations

import atexit
import gc
import io
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn

import orjson
import typer

from starsend.errors import StarsendError, innermost

DONE, FAILED, WAITING = 0, 1, 3


def run(command_line: Callable[[], object], *, shows_tracebacks: Callable[[], bool]) -> None:
    """Run the command line and leave the process by ``sys.exit``."""
    # At its end Python searches every module for cycles to collect, a quarter of what `status` costs (measured: 127 ms
    # of CPU with this line, 170 without). Files and databases have been closed by then.
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a title still shows the rest.
            stream.reconfigure(errors="backslashreplace")
    try:
        command_line()
    except Exception as raised:  # whatever it is, people get one line, and with --debug the rest
        if shows_tracebacks():
            raise
        error = innermost(raised)
        tell(line_of(error))
        sys.exit(error.exit_code if isinstance(error, StarsendError) else FAILED)


def tell(line: str) -> None:
    """One line on standard error."""
    print(f"starsend: {line}", file=sys.stderr)


def gravest(errors: Mapping[str, StarsendError]) -> int:
    """The exit code of several errors: a failure counts more than bad input, and that more than a wait."""
    return min((error.exit_code for error in errors.values()), default=DONE)


def leave(code: int) -> NoReturn:
    """End the command."""
    raise typer.Exit(code)


def print_json(value: object) -> None:
    """Print for programs: indented, UTF-8 whatever the terminal is."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def line_of(error: BaseException) -> str:
    """An error as people read it, whatever it is."""
    if isinstance(error, StarsendError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}. Check the disk and its permissions"
    return f"unexpected {type(error).__name__}: {error}. Run it again with --debug and report what it shows"
