"""Every provider's bad days: is what was billed booked, nothing sent twice that was accepted once, and everything told?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.fault_matrix import KEYS, MODELS, Name, matrix, table

PAGE = (Path(__file__).parents[2] / "docs" / "faults.md").read_text()


@pytest.mark.parametrize("provider", MODELS)
def test_a_bad_day_costs_no_more_than_the_ledger_says(provider: Name, tmp_path: Path) -> None:
    """For every phase and fault: do bill and ledger agree, is a call sent once, and does docs/faults.md say what happens?"""
    seen = matrix(provider, tmp_path)
    for cell, outcome in seen:
        booked = outcome.actual + outcome.possible
        assert outcome.billed <= booked <= 1, (cell, outcome)
        if outcome.billed < booked:  # lost on the way there, or by a gateway: nobody can know
            assert outcome.possible and outcome.last != "take", (cell, outcome)
        assert outcome.billed <= 1, (cell, outcome)
        assert outcome.last == "take" or outcome.possible == 1, (cell, outcome)
        assert outcome.first == "take" or (provider in outcome.said or "S-" in outcome.said), (cell, outcome)
        assert "\n" not in outcome.said and not any(key in outcome.said for key in KEYS.values())
    assert table(provider, seen) in PAGE, "run: python -m tests.contract.fault_matrix docs/faults.md"
