"""What a project has cost: accepted, rejected and possible spend, and what it would have cost at a vendor's price.

*Accepted* is what the work stands on as it is now: the grid that can be picked from, the current take. *Rejected* was
paid for and is not used: wrong grids, replaced ones, replaced takes. *Possible* may have been charged: the answer is
lost. The three add up to every event of the ledger that is not an estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from client_async.shot_ids import shots_of
from starsend.orchestrator.records import CostEvent

SCHEMA = "starsend.costs/1"
ZERO = Decimal(0)


@dataclass(slots=True)
class Spend:
    """Dollars, and how many paid calls they went into."""

    accepted: Decimal = ZERO
    rejected: Decimal = ZERO
    possible: Decimal = ZERO
    estimated: Decimal = ZERO
    calls: int = 0

    @property
    def spent(self) -> Decimal:
        """What is certain to have been charged."""
        return self.accepted + self.rejected

    def add(self, event: CostEvent, in_use: bool) -> None:
        """Book one event."""
        if event.kind == "estimated":
            self.estimated += event.amount
            self.calls += 1
        elif event.kind == "possible":
            self.possible += event.amount
        elif in_use:
            self.accepted += event.amount
        else:
            self.rejected += event.amount

    def as_json(self) -> dict[str, Any]:
        """Amounts as text with six decimals, so that no reader rounds them."""
        amounts = {f.name: f"{getattr(self, f.name):.6f}" for f in fields(self) if f.name != "calls"}
        return {**amounts, "spent": f"{self.spent:.6f}", "calls": self.calls}


@dataclass(frozen=True, slots=True)
class CostReport:
    """Spend of a project, and of each sequence or house shot in it."""

    project: str
    total: Spend
    by_sequence: Mapping[str, Spend]

    def as_json(self) -> dict[str, Any]:
        """The documented shape (docs/guide.md, "Costs")."""
        rows = [{"sequence": name, **spend.as_json()} for name, spend in self.by_sequence.items()]
        return {
            "schema": SCHEMA,
            "project": self.project,
            "currency": "USD",
            "total": self.total.as_json(),
            "sequences": rows,
        }


def cost_report(
    project: str, events: Iterable[CostEvent], *, sequences: Iterable[str], in_use: set[str]
) -> CostReport:
    """Add up a ledger.

    Args:
        sequences: their names, in order; a shot belongs to the longest name it begins with, else to itself.
        in_use: ids of the takes that the work stands on now.
    """
    names = list(sequences)
    owners = {shot: name for name in sorted(names, key=len) for shot in shots_of(name)}  # the longest stays
    total, by_sequence = Spend(), {name: Spend() for name in names}
    for event in events:
        owner = owners.get(event.shot_id, event.shot_id.removesuffix("_frame"))
        for spend in (total, by_sequence.setdefault(owner, Spend())):
            spend.add(event, event.step_key in in_use)
    return CostReport(project, total, by_sequence)


def takes_in_use(document: Mapping[str, Any]) -> set[str]:
    """Ids of the takes that the sequences of a raw document stand on now."""
    used: set[str] = set()
    for sequence in document["sequences"].values():
        for record in sequence.get("grid_history") or []:
            if record["grid"] == sequence.get("grid_id"):
                used.update(record["takes"])
        if sequence.get("take"):
            used.add(sequence["take"]["take"])
    return used
