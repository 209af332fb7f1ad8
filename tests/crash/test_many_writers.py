"""Several processes change one document, and are killed with -9 while they do. Is every change that was acknowledged kept, once?"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

from client_async.sequence_file import SequenceFile

WRITERS, LIVES, CHANGES = 3, 6, 25
WRITER = """
import sys
from pathlib import Path
from client_async.sequence_file import SequenceFile

me, file = sys.argv[2], SequenceFile(Path(sys.argv[1]))

def count(draft):
    draft["SHARED"]["x_count"] = draft["SHARED"].get("x_count", 0) + 1
    draft[me]["x_count"] = draft[me].get("x_count", 0) + 1
    return draft[me]["x_count"]

while True:
    print(file.change(count), flush=True)
"""
BRIEF = {"prompt": "a harbour", "shots": [{"prompt": "boats", "seconds": 3}]}


def test_nothing_acknowledged_is_lost_or_made_twice(tmp_path: Path) -> None:
    """Counters kept by three processes, each killed six times at a random moment; one counter is everybody's."""
    path, mine = tmp_path / "sequences.json", [f"SEQ{n}" for n in range(WRITERS)]
    path.write_text(json.dumps({"sequences": dict.fromkeys([*mine, "SHARED"], BRIEF)}))
    chance = random.Random(4)
    acknowledged = dict.fromkeys(mine, 0)
    for _ in range(LIVES):
        writers = {
            name: subprocess.Popen(
                [sys.executable, "-c", WRITER, path, name], stdout=subprocess.PIPE, text=True
            )
            for name in mine
        }
        for name, writer in writers.items():
            assert writer.stdout
            for _ in range(chance.randrange(1, CHANGES)):
                acknowledged[name] = int(writer.stdout.readline())
        for name, writer in writers.items():
            writer.kill()
            assert writer.stdout
            # What it told after we had stopped listening counts too; half a line was told by nobody.
            told = [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
            acknowledged[name] = max([acknowledged[name], *map(int, told)])
            writer.stdout.close()
            writer.wait()
        json.loads(path.read_text())
    document = SequenceFile(path).read()["sequences"]
    counts = {name: document[name]["x_count"] for name in mine}
    for name in mine:
        # A change may be kept and its maker killed before it could say so: one a life at most.
        assert acknowledged[name] <= counts[name] <= acknowledged[name] + LIVES
    assert document["SHARED"]["x_count"] == sum(counts.values())
    assert SequenceFile(path).render()
    assert json.loads(path.read_text())["sequences"] == document
