"""What a running daemon says of its providers, asked at its ops port; for ``status``, so no heavy imports."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from client_async.status_view import shown

SCHEMA = "starsend.daemon/1"
ANSWER_SECONDS = 1.0
"""It answers in a millisecond from a thread of its own; from another machine its port may not be reachable at all."""


def ask_daemon(address: str) -> dict[str, Any]:
    """The answer of ``/status``; empty where none can be had, or somebody else's comes from that port by now.

    Args:
        address: ``host:port``.
    """
    try:
        with closing(http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)) as connection:
            connection.request("GET", "/status")
            answer = json.loads(connection.getresponse().read())
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return {}
    return answer if isinstance(answer, dict) and answer.get("schema") == SCHEMA else {}


def provider_lines(daemons: Sequence[Mapping[str, Any]]) -> list[str]:
    """For people: a line for each provider; with the process of the daemon that says it, where there are several."""
    return [
        f"daemon {daemon['process']}, {_line(row)}" if len(daemons) > 1 else _line(row)
        for daemon in daemons
        for row in daemon["providers"]
    ]


def _line(row: Mapping[str, Any]) -> str:
    said = [f"{row['in_flight']} of {row['at_once']} calls in flight", f"{row['waiting']} waiting"]
    if row["per_minute"] is not None:
        said.append(f"{row['sent_last_minute']} of {row['per_minute']} sent within a minute")
    hold = row["hold"]
    if hold:
        then = "one is being tried now" if hold["tried"] else "the next one is tried alone"
        if hold["seconds"]:
            then = f"the next try is in {hold['seconds']:.0f} s"
        said.insert(0, f"takes no calls ({hold['cause']}: {shown(hold['why'])}), {then}")
    return f"provider {row['provider']}: {', '.join(said)}"
