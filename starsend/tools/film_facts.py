"""How a video is counted: its frames, when each begins, its size. Read from the file's packets; nothing is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from starsend.errors import StarsendError

EVEN: Final = Fraction(1, 500)
"""Seconds by which a frame may begin off its beat and the rate still be even: containers round to a millisecond."""


class NoFilm(StarsendError):
    """A file in which no frame of a video can be found."""

    def __init__(self, path: Path, why: object) -> None:
        super().__init__(f"it cannot be played ({why})", where=str(path), remedy="restore it from a backup")


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """``rate``: frames a second. ``begins``: seconds at which each frame begins; None where the rate is even from 0 on."""

    rate: Fraction
    frames: int
    width: int
    height: int
    begins: tuple[float, ...] | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts; its last frame holds as long as the one before."""
        if self.begins is None:
            return float(self.frames / self.rate)
        return round(self.begins[-1] + float(1 / self.rate), 6)

    def begin_of(self, frame: int) -> float:
        """Seconds at which a frame, from 0, begins."""
        return float(frame / self.rate) if self.begins is None else self.begins[frame]


def film_facts(path: Path) -> FilmFacts:
    """Count a video's frames. Raises NoFilm."""
    import av
    from av.error import FFmpegError

    try:
        with av.open(path) as container:
            stream = container.streams.video[0]
            base = stream.time_base or Fraction(1, av.time_base)
            begins = sorted(packet.pts * base for packet in container.demux(stream) if packet.pts is not None)
            rate = stream.average_rate or stream.guessed_rate
            width, height = stream.width, stream.height
    except (FFmpegError, IndexError, OSError, ValueError) as wrong:
        raise NoFilm(path, getattr(wrong, "strerror", None) or wrong) from wrong
    if not begins or not rate:
        raise NoFilm(path, "it has no frames")
    even = all(abs(begin - number / rate) <= EVEN for number, begin in enumerate(begins))
    told = None if even else tuple(round(float(begin), 6) for begin in begins)
    return FilmFacts(Fraction(rate), len(begins), width, height, told)
