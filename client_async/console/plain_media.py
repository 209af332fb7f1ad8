"""Takes and stills as they may leave the house: nothing in them says who made them, how, or from what prompt.

Made once for each content and kept beside the project's other copies, under the content's hash.
"""

from __future__ import annotations

import os
import re
import threading
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from PIL import Image

from client_async.console.media import digest_of, media_file, open_media, path_of
from client_async.console.showing import Entry
from client_async.file_lock import FileLock
from starsend.errors import BadInput, StarsendError
from starsend.files import write_durably
from starsend.tools.film_facts import film_facts
from starsend.tools.mp4_plain import check_plain, copy_plain
from starsend.tools.picture_file import open_picture

STILL_WIDTH: Final = 1280
"""Pixels. A poster fills a laptop's window; what is to be judged to the pixel is in the video."""
NAME: Final = re.compile(r"([1-9][0-9]{0,3})(?:-([1-9][0-9]?))?\.(mp4|jpg)")
"""``3.mp4``, ``3.jpg``; of a take in parts ``3-2.mp4``."""


class Missing(BadInput):
    """A file that was chosen is not there any more."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is not there any more", remedy="restore it, or choose another take")


class Unreadable(StarsendError):
    """A video of which nothing can be seen."""

    def __init__(self, video: str) -> None:
        super().__init__("nothing can be seen of it", where=video, remedy="restore it from a backup")


class Look(NamedTuple):
    """A video's length in seconds, width and height in pixels."""

    seconds: float
    width: int
    height: int


class PlainMedia:
    """A project's takes and stills for people outside. Blocking; any number of threads and processes may use it.

    Every method raises Missing, NotPlain, BadPicture, Unreadable, NoFilm, CannotWrite or OSError.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._made = project / "state" / "console" / "plain"
        self._mutex = threading.Lock()

    def check(self, entry: Entry) -> None:
        """Whether all of an entry can be shown; reads no more than indexes."""
        for video in entry.videos:
            check_plain(self._source(video))
        if not entry.videos:
            self._opened(entry.picture or entry.take, _shown_as(entry)).close()

    def video(self, path: str) -> Path:
        """A plain copy of a video of the project's media."""
        return self._once(path, ".mp4", lambda file, made: copy_plain(file, made, where=path))

    def still(self, entry: Entry) -> Path:
        """The first frame of an entry's take, or its start frame, as JPEG of at most 1,280 pixels' width."""
        if entry.videos:
            path = entry.videos[0]
            return self._once(path, ".jpg", lambda file, made: _save(_first_frame(file, path), made))
        path = entry.picture
        return self._once(
            path, ".jpg", lambda file, made: _save(_picture(file, path), made), only=_shown_as(entry)
        )

    def look(self, path: str) -> Look:
        """How long a video is and how large its picture; reads its index alone."""
        source = self._source(path)
        status = source.stat()
        return _look(str(source), status.st_mtime_ns, status.st_size)

    def seconds(self, entry: Entry) -> float:
        """How long an entry's take lasts; 0 for a still."""
        return sum(self.look(video).seconds for video in entry.videos)

    def frame_at(self, entry: Entry, seconds: float) -> tuple[int, float]:
        """The frame, from 0, that an entry's take shows then, and when it begins; counted through all its parts."""
        first, begun = 0, 0.0
        for number, video in enumerate(entry.videos, 1):
            facts = film_facts(self._source(video))
            if seconds < begun + facts.seconds or number == len(entry.videos):
                within = max(0.0, seconds - begun) + 1e-6
                begins = facts.begins or [facts.begin_of(frame) for frame in range(facts.frames)]
                frame = max(0, bisect_right(begins, within) - 1)
                return first + frame, round(begun + facts.begin_of(frame), 3)
            first, begun = first + facts.frames, begun + facts.seconds
        return 0, 0.0

    def _source(self, path: str) -> Path:
        try:
            return media_file(self._project, path)
        except OSError as gone:
            raise Missing(path) from gone

    def _opened(self, path: str, only: str | None) -> BinaryIO:
        try:
            file = open_media(self._project, path)
        except OSError as gone:
            raise Missing(path) from gone
        if only is None or digest_of(file) == only:
            return file
        file.close()
        raise Missing(path)  # another picture under the name: nobody is to answer it unawares

    def _once(
        self, path: str, suffix: str, make: Callable[[Path, Path], None], only: str | None = None
    ) -> Path:
        with self._opened(path, only) as source:
            made = self._made / f"{digest_of(source)[:32]}{suffix}"
            if made.exists():
                return made
            # One at a time, in all processes: two would write under the same name, and fight for the same cores.
            self._made.mkdir(parents=True, exist_ok=True)
            with self._mutex:
                lock = FileLock(self._made / ".lock")
                lock.open()
                try:
                    lock.take(self._made)
                    if not made.exists():
                        make(path_of(source), made)
                finally:
                    lock.close()
        return made


@lru_cache(maxsize=50_000)
def _look(path: str, _changed: int, _size: int) -> Look:
    import av
    from av.error import FFmpegError

    try:
        with av.open(path) as container:
            picture = container.streams.video[0]
            return Look((container.duration or 0) / av.time_base, picture.width, picture.height)
    except (FFmpegError, IndexError, ValueError) as wrong:
        raise Unreadable(path) from wrong


def _shown_as(entry: Entry) -> str | None:
    return entry.start_frame.keyframe if entry.start_frame is not None else None


def _picture(file: Path, path: str) -> Image.Image:
    return open_picture(file, where=path).convert("RGB")


def _first_frame(file: Path, path: str) -> Image.Image:
    import av
    from av.error import FFmpegError

    try:
        with av.open(os.fspath(file)) as container:
            frame = next(container.decode(video=0))
            return Image.fromarray(frame.to_ndarray(format="rgb24"))
    except (FFmpegError, IndexError, StopIteration, ValueError) as wrong:
        raise Unreadable(path) from wrong


def _save(picture: Image.Image, made: Path) -> None:
    if picture.width > STILL_WIDTH:
        height = max(1, round(picture.height * STILL_WIDTH / picture.width))
        picture = picture.resize((STILL_WIDTH, height), Image.Resampling.LANCZOS)
    colours = picture.info.get("icc_profile")  # of which there is nothing else: open_picture
    write_durably(made, partial(picture.save, format="JPEG", quality=90, icc_profile=colours))
