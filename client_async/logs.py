"""Logs for ops: structlog, one JSON line per event, the same field names everywhere, no key ever.

On a terminal people watch progress instead, so only warnings are written there, and for reading.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO, cast

import orjson
import structlog

from starsend.redaction import Redaction

SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$", re.IGNORECASE)
URL_PASSWORD = re.compile(r"(://[^:/@\s]+:)[^@\s/]+@")
REDACTED = "[redacted]"
LONGEST_VALUE = 500
"""Characters of one field; prompts run to kilobytes and belong in the ledger, not in logs."""


def configure_logs(*, debug: bool, stream: TextIO = sys.stderr) -> None:
    """Set structlog up for this process, writing to ``stream``."""
    person = stream.isatty()
    level = logging.DEBUG if debug else logging.WARNING if person else logging.INFO
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redactor(os.environ),  # last: a traceback may quote a key, and rich ones would show every local
    ]
    last: structlog.typing.Processor
    if not person:
        last = structlog.processors.JSONRenderer(serializer=_dump)
    elif debug:
        last = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        last = line_for_people
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(
            file=cast(TextIO, _Terminal()) if stream is sys.stderr else stream
        ),
        cache_logger_on_first_use=False,
    )


class _Terminal:
    """Standard error as it is at each write: a progress display puts itself in its place while it lives.

    No ``TextIOBase``: that flushes itself once more when the interpreter has already taken ``sys`` away.
    """

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def line_for_people(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """``SEQ04: step failed: the vendor said not now``: what happened to whom, and why."""
    who = event.get("sequence") or event.get("shot") or event.get("project") or ""
    why = event.get("error") or event.get("exception") or ""
    what = str(event["event"]).replace("_", " ")
    if event["event"] == "stamina.retry_scheduled":
        what = f"the vendor said not now, trying again in {event['wait_for']:g} s"
    return "  " + ": ".join(part for part in (str(who), what, str(why)) if part)


class Redactor:
    """Takes secrets out of events: fields with telling names, and the values of telling environment variables
    or of the files that these name."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._redact = Redaction(_secrets_in(environ), REDACTED, shortest=8)

    def __call__(
        self, _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for name, value in event.items():
            if name == "exception":
                event[name] = self._without_secrets(str(value))  # its end is what matters: not cut
            else:
                event[name] = self._clean(name, value)
        return event

    def _clean(self, name: object, value: object) -> object:
        if SECRET_NAME.search(str(name)):
            return REDACTED
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self._without_secrets(str(key)): self._clean(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean("", item) for item in value]
        text = self._without_secrets(str(value))
        return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."

    def _without_secrets(self, text: str) -> str:
        return URL_PASSWORD.sub(rf"\1{REDACTED}@", self._redact(text))


def _secrets_in(environ: Mapping[str, str]) -> Iterator[str]:
    """The values of telling variables, and what lies in the files that such variables name by ``_FILE``."""
    for name, value in environ.items():
        if SECRET_NAME.search(name):
            yield value
        elif SECRET_NAME.search(name.removesuffix("_FILE")):
            with contextlib.suppress(OSError, ValueError):
                yield Path(value).read_text(encoding="utf-8").strip()


def _dump(event: Any, **_ignored: object) -> str:  # noqa: ANN401 - structlog hands over its event
    try:
        return orjson.dumps(event).decode()
    except orjson.JSONEncodeError:  # half a surrogate pair from a file name, a number past 64 bits
        return json.dumps(event)
