"""Frames of a take's videos, counted in the files themselves, and where the console serves them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from client_async.console.media import media_file
from client_async.projects import Place
from client_async.sequence_parts import TakeRecord
from starsend.tools.film_facts import FilmFacts, film_facts


def frame_at(place: Place, record: TakeRecord, frame: int) -> float | None:
    """Seconds at which a frame of a take begins; None when it has no such frame. Raises FileNotFoundError, NoFilm."""
    before = 0.0
    for path in [part.path for part in record.parts] or [record.path]:
        facts = facts_of(place, path)
        if frame < facts.frames:
            return before + facts.begin_of(frame)
        frame, before = frame - facts.frames, before + facts.seconds
    return None


def facts_of(place: Place, path: str) -> FilmFacts:
    """A video's frames; read once for each content. Raises FileNotFoundError, NoFilm."""
    file = media_file(place.folder, path)
    found = file.stat()
    return _facts(file, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=5_000)
def _facts(path: Path, _changed: int, _size: int) -> FilmFacts:
    return film_facts(path)


def media_url(place: Place, path: str) -> str:
    """Where the console serves a file of a project."""
    return f"/media/{quote(place.name)}/{quote(path)}"
