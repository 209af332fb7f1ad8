"""The bench measures the daemon's own code with hands that sleep: do they still fit it?"""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from bench.orchestration import write_brief
from bench.sleeping import Rehearsal

pytestmark = pytest.mark.anyio


async def test_a_rehearsal_comes_to_its_end(tmp_path: Path) -> None:
    """Six sequences whose steps take no time: is each done, picked and rendered?"""
    write_brief(tmp_path / "sequences.json", 6)
    with anyio.fail_after(60):
        assert await Rehearsal(tmp_path, 2, lambda: None).run() > 0
