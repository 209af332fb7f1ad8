"""How each provider stands: what is in flight, what waits, and why nothing is sent where nothing is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from client_async.step_executor import PICTURES, STATE, Load
from starsend.vendor_gates import GateState

IDLE = Load(at_once=0, in_flight=0, waiting=0)


def provider_rows(
    loads: Mapping[str, Load], waiting: Mapping[str, int], gates: Iterable[GateState]
) -> list[dict[str, Any]]:
    """A row for each provider that was asked for anything (docs/operations.md, "What waits for whom").

    Args:
        waiting: sequences that wait for a place or for the gate, by lane.
    """
    stands = {gate.provider: gate for gate in gates}
    names = sorted((loads.keys() | waiting.keys() | stands.keys()) - {PICTURES, STATE})
    return [_row(name, loads.get(name, IDLE), waiting.get(name, 0), stands.get(name)) for name in names]


def _row(name: str, load: Load, queued: int, gate: GateState | None) -> dict[str, Any]:
    hold = gate.hold if gate else None
    return {
        "provider": name,
        "at_once": load.at_once,
        "in_flight": load.in_flight,
        "waiting": load.waiting + queued,
        "per_minute": gate.per_minute if gate else None,
        "sent_last_minute": gate.sent_last_minute if gate else 0,
        "hold": hold
        and {
            "cause": hold.cause,
            "why": hold.why,
            "seconds": round(hold.left, 1),
            "lasting": round(hold.lasting, 1),
            "tried": hold.ahead,
        },
    }
