"""What it costs to get from a picked grid to a cell on disk, beside a bare decode and encode of the same pixels.

    python -m bench.cells [PICTURE]

At 2752x1536, PNG level 1. Cells are cut when a grid is accepted, so that a pick only has to lock one that is there; where
somebody has removed it, it is cut out again from a grid that is read again first.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from client_async.grid_pictures import GridPictures
from client_async.sequence_parts import GridRecord, Verdict
from client_async.shot_ids import CELLS
from starsend.clock import SystemClock
from starsend.orchestrator.execution_store import ExecutionStore
from starsend.tools.grid_layout import read_grid
from starsend.tools.image_utils import composite_grid, open_picture, save_picture

SIZE = (2752, 1536)
TIMES = 7


def sheet(path: Path, size: tuple[int, int] = SIZE) -> None:
    """A grid of four noisy gradients: neither flat nor hopeless to compress."""
    width, height = size[0] // 2, size[1] // 2
    noise = Image.effect_noise((width, height), 24).convert("L")
    singles = []
    for cell in CELLS:
        slope = (
            Image.linear_gradient("L")
            .resize((width, height))
            .rotate(90 * cell, resample=Image.Resampling.BILINEAR)
        )
        bands = [
            Image.blend(slope, noise, 0.1 + 0.05 * band).point(lambda v, c=cell: (v + 40 * c) % 256)
            for band in range(3)
        ]
        singles.append(Image.merge("RGB", bands))
    picture, _ = composite_grid(singles, size=size, gutter=12)
    save_picture(picture, path)


def bare(path: Path, target: Path, cells: int) -> None:
    """Decode, crop by halves, encode at level 1; no reading, no syncing."""
    picture = Image.open(path)
    width, height = picture.size[0] // 2, picture.size[1] // 2
    for cell in range(cells):
        x, y = cell % 2 * width, cell // 2 * height
        picture.crop((x, y, x + width, y + height)).save(target, "PNG", compress_level=1)


def fastest(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Seconds of the fastest of several runs."""
    took = []
    for _ in range(TIMES):
        before()
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return min(took)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grid = folder / "media" / "grids" / "SEQ01" / "g1.png"
        grid.parent.mkdir(parents=True)
        if len(sys.argv) > 1:
            shutil.copy(sys.argv[1], grid)
        else:
            sheet(grid)
        pictures = GridPictures(folder, "SEQ01")
        record = GridRecord(
            grid="g1",
            round=1,
            via="model",
            verdict=Verdict(ok=True, reason="ok", explanation=""),
            path="media/grids/SEQ01/g1.png",
            at=datetime.now(UTC).isoformat(),
        )
        one, four = (fastest(partial(bare, grid, folder / "bare.png", count)) for count in (1, 4))
        accept = fastest(partial(pictures.read, record, record.path or "", gutter=None))
        assert pictures.cell("g1", 4).is_file()
        cell = pictures.cell("g1", 3)
        again = fastest(partial(pictures.cut_again, record, 3), before=lambda: cell.unlink(missing_ok=True))
        image = open_picture(grid)
        reading = fastest(partial(read_grid, image))
        store = ExecutionStore(
            f"sqlite:///{folder / 'ledger.db'}", project="bench", project_dir=folder, clock=SystemClock()
        )
        number = iter(range(TIMES))
        lock = fastest(lambda: store.lock_keyframe(f"SEQ{next(number)}", cell, by="mara", cell=3))
        store.close()

    table = Table(title=f"{SIZE[0]}x{SIZE[1]}; fastest of {TIMES}")
    for column in ("what", "ms", "of bare"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for what, took, floor in (
        ("bare: decode, one cell encoded", one, one),
        ("pick -> cell locked: it has been cut when the grid was accepted", lock, one),
        ("pick -> cell cut out again from a grid that is read again", again, one),
        ("bare: decode, four cells encoded", four, four),
        ("grid accepted: decoded, read, four cells cut and synced", accept, four),
        ("of it, reading the grid", reading, four),
    ):
        table.add_row(what, f"{took * 1000:.0f}", f"{took / floor:.2f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
