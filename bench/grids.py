"""How well grids are told from everything else, on labelled folders; and what reading costs beside a bare decode.

    python -m bench.grids [FOLDER]...

A folder holds pictures and ``truth.jsonl`` (a line each: ``file``, ``cls``, ``valid``, ``reason``, ``dup``, and for grids
``cells``: four times ``outer``, which a crop may not leave, and ``inner``, of which it may not lose 1.5 %), or ``labels.json``
(a list of ``file`` and ``label``, ``2x2`` for grids). Asked: grids refused 2 %, others accepted 1 %, windows 4 of 24, crops
clean 97 %, reasons right 92 %, near duplicates 95 % with under 1 % false alarms; reading, decode included, at most 1.5 times
a bare decode at 2752x1536 and 3 times at 1376x768.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from PIL import Image
from rich.console import Console
from rich.table import Table

from bench.cells import sheet
from starsend.tools.grid_layout import Box, GridVerdict, read_grid
from starsend.tools.image_utils import extract_grid_cell, open_picture, save_picture

SIZES = ((2752, 1536), (1376, 768))
TIMES = 9
Case = dict[str, Any]


def cases_of(folder: Path) -> list[Case]:
    """The labelled pictures of a folder."""
    truth = folder / "truth.jsonl"
    if truth.is_file():
        cases = [json.loads(line) for line in truth.read_text().splitlines()]
    else:
        labels = json.loads((folder / "labels.json").read_text())
        cases = [{**one, "valid": one["label"] == "2x2", "cls": one["label"]} for one in labels]
    return [{**case, "path": str(folder / case["file"])} for case in cases]


def score(case: Case) -> Counter[str]:
    """What one picture adds to the table."""
    verdict = read_grid(Path(case["path"]))
    if case["valid"]:
        return _grid(case, verdict)
    kind = "window" if case["cls"] == "window" else "other"
    tally = Counter({kind: 1, f"{kind} accepted": int(verdict.ok)})
    if "reason" in case:
        tally.update({"reason": 1, "reason right": int(_is_right(case["reason"], verdict))})
    return tally


def _grid(case: Case, verdict: GridVerdict) -> Counter[str]:
    tally = Counter({"grid": 1, "grid refused": int(not verdict.ok)})
    if not verdict.cells or not case.get("cells"):
        return tally
    for truth, box in zip(case["cells"], verdict.cells, strict=True):
        inside = _area(_common(box, truth["outer"])) == _area(box)
        whole = _area(_common(box, truth["inner"])) > 0.985 * _area(truth["inner"])
        tally.update({"crop": 1, "crop clean": int(inside), "crop whole": int(whole)})
    kind = "twins" if case.get("dup") else "different"
    tally.update({kind: 1, f"{kind} said alike": int(bool(verdict.near_duplicates))})
    return tally


def _is_right(reason: str, verdict: GridVerdict) -> bool:
    """A layout is right when its rows and columns are; a collage has none that could be counted."""
    if reason == "collage":
        return verdict.reason == "wrong_layout"
    if reason[0].isdigit():
        return verdict.reason == "wrong_layout" and f"{verdict.rows}x{verdict.columns}" == reason
    return verdict.reason == reason


def _common(one: Box, other: Box) -> Box:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


SHARES = (
    ("true grids refused", "grid refused", "grid", "2 %"),
    ("others accepted, windows left out", "other accepted", "other", "1 %"),
    ("windows accepted", "window accepted", "window", "4 of 24"),
    ("crops clean", "crop clean", "crop", "97 %"),
    ("crops whole", "crop whole", "crop", ""),
    ("reason and layout right", "reason right", "reason", "92 %"),
    ("near duplicates found", "twins said alike", "twins", "95 %"),
    ("false alarms", "different said alike", "different", "1 %"),
)


def accuracy(folder: Path) -> Table:
    """The shares of one folder."""
    tally: Counter[str] = Counter()
    with Pool() as pool:
        for one in pool.imap_unordered(score, cases_of(folder), chunksize=8):
            tally.update(one)
    table = Table("of what", "seen", "share", "asked", title=str(folder))
    for name, part, whole, asked in SHARES:
        if tally[whole]:
            table.add_row(
                name, f"{tally[part]} of {tally[whole]}", f"{tally[part] / tally[whole]:.1%}", asked
            )
    return table


def median_cpu(work: Callable[[], object]) -> float:
    """CPU milliseconds of the middle one of several runs."""
    took = []
    for _ in range(TIMES):
        begun = time.process_time()
        work()
        took.append((time.process_time() - begun) * 1000)
    return sorted(took)[TIMES // 2]


def cost() -> Table:
    """Reading and cropping beside the bare library, on PNG."""
    table = Table("CPU", "bare ms", "ours ms", "of bare", "asked", title="PNG, decode included")
    for size, asked in zip(SIZES, ("1.5", "3"), strict=True):
        data = _drawn(size)
        bare, ours = (
            median_cpu(partial(_decode, data)),
            median_cpu(partial(read_grid, data)),
        )
        table.add_row(f"read {size[0]}x{size[1]}", f"{bare:.0f}", f"{ours:.0f}", f"{ours / bare:.2f}", asked)
    data = _drawn((3840, 2160))
    with tempfile.TemporaryDirectory() as folder:
        path, cell = Path(folder) / "grid.png", Path(folder) / "cell.png"
        path.write_bytes(data)
        halves = ((0, 0, 1920, 1080), (1920, 0, 3840, 1080), (0, 1080, 1920, 2160), (1920, 1080, 3840, 2160))
        bare = median_cpu(lambda: _decode(data).crop(halves[3]).save(cell, "PNG", compress_level=1))
        ours = median_cpu(lambda: save_picture(extract_grid_cell(open_picture(path), 4, halves), cell))
    table.add_row("cut a cell of 3840x2160", f"{bare:.0f}", f"{ours:.0f}", f"{ours / bare:.2f}", "2")
    return table


def _decode(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def _drawn(size: tuple[int, int]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grid.png"
        sheet(path, size)
        return path.read_bytes()


def main() -> None:
    """Print the tables."""
    console = Console(width=110)
    for name in sys.argv[1:]:
        console.print(accuracy(Path(name)))
    console.print(cost())


if __name__ == "__main__":
    main()
