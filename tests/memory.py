"""How much memory a process has held."""

from __future__ import annotations

from pathlib import Path


def peak_megabytes() -> float:
    """The most this process has held so far. Not ``ru_maxrss``: that begins at the peak of whoever started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
