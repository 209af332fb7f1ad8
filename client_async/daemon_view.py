"""What a running daemon says of its providers, asked at its ops port; for ``status``, so no heavy imports."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

from client_async.status_view import shown

ANSWER_SECONDS = 1.0
"""It answers in a millisecond from a thread of its own; from another machine its port may not be reachable at all."""


def ask_daemon(address: str) -> dict[str, Any]:
    """The answer of ``/status``; empty where none can be had.

    Args:
        address: ``host:port``.
    """
    connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/status")
        answer = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    return answer if isinstance(answer, dict) else {}


def provider_lines(daemon: Mapping[str, Any]) -> list[str]:
    """For people: a line for each provider."""
    return [_line(row) for row in daemon.get("providers", [])]


def _line(row: Mapping[str, Any]) -> str:
    said = [f"{row['in_flight']} of {row['at_once']} calls in flight", f"{row['waiting']} waiting"]
    if row["per_minute"] is not None:
        said.append(f"{row['sent_last_minute']} of {row['per_minute']} sent within a minute")
    hold = row["hold"]
    if hold:
        then = f"the next try is in {hold['seconds']:.0f} s" if hold["seconds"] else "one is being tried now"
        said.insert(0, f"takes no calls ({hold['cause']}: {shown(hold['why'])}), {then}")
    return f"provider {row['provider']}: {', '.join(said)}"
