"""Every provider's bad days: is what was billed booked, nothing sent twice that was accepted once, and everything told?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.doors import KEYS, MODELS, Name
from tests.contract.fault_matrix import ends, matrix, table

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text()
LOST = {"StepUnknown"}
"""How a call ends of which nobody can know whether it was billed."""


@pytest.mark.parametrize("name", MODELS)
def test_a_bad_day_costs_no_more_than_the_ledger_says(name: Name, tmp_path: Path) -> None:
    """For every phase and fault: do bill and ledger agree, is a call accepted once, and does docs/faults.md say what happens?"""
    seen = matrix(name, tmp_path)
    for cell, outcome in seen:
        where = (cell.when, cell.what, outcome)
        assert outcome.billed <= 1, where
        assert outcome.billed == outcome.actual + outcome.possible or outcome.last in LOST, where
        assert outcome.billed <= outcome.actual + outcome.possible <= 1, where
        assert outcome.last != "take" or outcome.actual == 1, where
        assert outcome.said or outcome.first in ("take", "killed"), where
        assert "\n" not in outcome.said, where
        assert not any(key in outcome.said for key in KEYS.values()), where
    assert ends(table(seen), name) == ends(PAGE, name), (
        "run: python -m tests.contract.fault_matrix docs/faults.md"
    )
