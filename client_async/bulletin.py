"""What becomes of a fact under the daemon: it is counted, and told to the people who wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from client_async.events import (
    BriefRefused,
    ClientAnswered,
    EditAnswered,
    Event,
    PickDecided,
    PickLocked,
    ProjectClosed,
    SequenceMoved,
)
from client_async.metrics import Metrics
from client_async.notices import NoticeBoard
from client_async.outbox import Kind, Notice
from starsend.vendor_gates import GateState

TOLD: dict[str, Kind] = {
    "waiting_for_pick": "grid_ready",
    "recovery": "needs_decision",
    "paused_budget": "out_of_money",
    "failed": "failed",
}
"""States of which people are told."""
HELD_SECONDS = 60.0
"""A provider that takes no calls for less is an ordinary minute's rest."""


class Bulletin:
    """Counts facts and tells them.

    Args:
        say: prints a line for a person at a terminal.
    """

    def __init__(self, metrics: Metrics, board: NoticeBoard, say: Callable[[str], None]) -> None:
        self._metrics = metrics
        self._board = board
        self._say = say
        self._held: set[str] = set()
        """Providers of which people know that they take no calls."""

    def tell(self, event: Event) -> None:
        """Count what happened, and tell people what they wait for."""
        if isinstance(event, SequenceMoved):
            self._moved(event)
        elif isinstance(event, PickLocked):
            self._metrics.pick_decided(True)
        elif isinstance(event, PickDecided):
            # Accepted ones are counted when they are locked, by whatever road they came.
            if not event.accepted:
                self._metrics.pick_decided(False)
                self._post(event.project, "", "pick_refused", f"{event.file}: {event.reason}")
        elif isinstance(event, EditAnswered):
            self._answered(event)
        elif isinstance(event, ClientAnswered):
            self._post(event.project, event.sequence, "client_answered", event.text)
        elif isinstance(event, BriefRefused):
            self._post(event.project, "", "brief_broken", event.error)
        elif isinstance(event, ProjectClosed):
            self._metrics.project_gone(event.project)

    def providers(self, gates: Iterable[GateState]) -> None:
        """How the providers' gates stand now: counted, and told once when one has been closed for a while."""
        for gate in gates:
            self._metrics.provider_held(gate.provider, gate.hold is not None)
            if gate.hold is None:
                self._held.discard(gate.provider)
            elif not (gate.hold.left or gate.hold.ahead):
                continue  # its time is over, and nobody wants anything
            elif gate.hold.lasting >= HELD_SECONDS and gate.provider not in self._held:
                self._held.add(gate.provider)
                said = f"{gate.provider} takes no calls ({gate.hold.cause}: {gate.hold.why}); it is tried again, and all goes on by itself"
                self._post("", "", "provider_held", said)

    def _moved(self, event: SequenceMoved) -> None:
        self._metrics.sequence_moved(event.project, event.state)
        if event.state in TOLD:
            self._post(event.project, event.sequence, TOLD[event.state], event.status)
        elif event.state == "done":
            self._say(f"{event.project} {event.sequence}: {event.status}")
        elif event.state == "cancelled":
            self._board.withdraw(event.project, event.sequence)

    def _answered(self, event: EditAnswered) -> None:
        if event.kind == "pick_refused":
            self._metrics.pick_decided(False)
            self._post(event.project, event.sequence, "pick_refused", event.text)
        elif event.kind == "brief_rejected":
            self._post(event.project, event.sequence, "brief_broken", event.text)

    def _post(self, project: str, sequence: str, kind: Kind, text: str) -> None:
        self._board.post(Notice(project, sequence, kind, text, datetime.now(UTC)))
