"""People at work on sequences.json with tools that know nothing of us: each style of saving a file, in a process of its own.

    python editors.py STYLE PATH NAME COUNT SEED

Reads the file, writes a number into ``marker`` of sequence NAME, saves it in its STYLE, and does so COUNT times, counting up.
What it cannot read (no file for a moment) it tries again; it takes no lock and looks at nothing else.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from pathlib import Path


def by_rename(path: Path, text: str, _dice: random.Random) -> None:
    """jq > tmp && mv; VS Code; most editors."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_text(text)
    beside.rename(path)


def in_place(path: Path, text: str, _dice: random.Random) -> None:
    """A script's open(path, "w"); nano."""
    path.write_text(text)


def in_chunks(path: Path, text: str, dice: random.Random) -> None:
    """A slow program: the file is open, and half of it there, for a while."""
    with path.open("w") as file:
        for begin in range(0, len(text), 1 + len(text) // 5):
            file.write(text[begin : begin + 1 + len(text) // 5])
            file.flush()
            time.sleep(dice.uniform(0, 0.004))


def over_itself(path: Path, text: str, _dice: random.Random) -> None:
    """Opened for update, written from the start, cut to length."""
    with path.open("r+") as file:
        file.write(text)
        file.truncate()


def like_vim(path: Path, text: str, dice: random.Random) -> None:
    """Moved away as a backup, then written anew: for a moment there is no file."""
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    time.sleep(dice.uniform(0, 0.002))
    with path.open("x") as file:
        file.write(text)
    backup.unlink()


STYLES = {style.__name__: style for style in (by_rename, in_place, in_chunks, over_itself, like_vim)}


def main(style: str, path: Path, name: str, count: int, seed: int) -> None:
    """Save ``count`` times."""
    dice = random.Random(seed)
    number = 0
    while number < count:
        try:
            document = json.loads(path.read_text())
            document["sequences"][name]["marker"] = number + 1
            STYLES[style](path, json.dumps(document, indent=2), dice)
        except (FileNotFoundError, FileExistsError, json.JSONDecodeError, KeyError):
            time.sleep(0.001)
            continue
        number += 1
        time.sleep(dice.uniform(0, 0.01))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
