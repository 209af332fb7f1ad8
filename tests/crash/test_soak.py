"""Does the whole hold: many sequences, misbehaving vendors, picks by all roads, and a daemon killed again and again?"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.crash.soak import Soak


@pytest.mark.timeout(420)
def test_a_soak(tmp_path: Path) -> None:
    """100 sequences: is each done, each pick kept, each call billed once and booked, and no file torn?"""
    soak = Soak(tmp_path, random.Random(11), 100)
    soak.run(deadline=400)
    soak.check()
    assert soak.kills >= 10
    events = [
        json.loads(line) for line in (tmp_path / "daemon.log").read_text().splitlines() if line[:1] == "{"
    ]
    assert [event for event in events if event["event"] in ("sequence_broken", "sequence_stopped")] == []
