"""Where a take's file lands: ``media/takes/<shot>/<step key>.<suffix>``, written, synced and decoded before it counts."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, Final

import structlog

from starsend.clock import Clock
from starsend.files import CannotWrite, rename_durably, sha256_of, write_durably
from starsend.orchestrator.media_check import AT_ONCE, BrokenMedia, check_media
from starsend.orchestrator.provenance import BESIDE, as_comment, provenance, write_beside_take
from starsend.orchestrator.records import Media, Step
from starsend.tools.media_comment import comment_in, copy_with_comment

log = structlog.get_logger()

ROOM_NEEDED: Final = 100 * 2**20
"""Bytes that must be free before anything is paid: a 5504x3072 PNG takes about 30 MB, a 15 s take at 1080p 60 MB."""

INCOMING, TAGGED, BROKEN = ".incoming", ".tagged", ".broken"


class Landing:
    """The takes folder of one project."""

    def __init__(self, project_dir: Path, clock: Clock) -> None:
        self._project_dir = project_dir
        self._clock = clock

    def make_ready(self, shot_id: str) -> None:
        """Make sure that a result could be written. Raises CannotWrite, while nothing has been sent yet."""
        folder = self._folder(shot_id)
        self._check_project()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(folder).free
        except OSError as refused:
            raise CannotWrite(folder, refused) from refused
        if not os.access(folder, os.W_OK | os.X_OK):
            raise CannotWrite(folder, OSError(errno.EACCES, os.strerror(errno.EACCES)))
        if free < ROOM_NEEDED:
            raise CannotWrite(folder, OSError(errno.ENOSPC, f"less than {ROOM_NEEDED >> 20} MB are free"))

    def land(
        self, step: Step, data: bytes | Callable[[BinaryIO], object], *, known_as: str | None = None
    ) -> Media:
        """Write a delivered result to its place, its provenance inside it and beside it.

        Args:
            known_as: the SHA-256 of a take that is fetched again: a delivery that is that file already is left as it is.

        Raises:
            BrokenMedia: it does not decode to its end; the bytes are kept as ``<step key>.broken``.
            CannotWrite: the disk refused.
        """
        incoming = self._folder(step.shot_id) / (step.step_key + INCOMING)
        self._check_project()
        write_durably(incoming, data)
        try:
            return self._settle(step, incoming, known_as)
        except BrokenMedia as broken:
            kept = incoming.with_suffix(BROKEN)
            rename_durably(incoming, kept)
            raise BrokenMedia(kept, broken.why) from broken

    def left_behind(self, step: Step) -> Media | None:
        """A whole result that was written before a crash and never committed; None when there is none."""
        for path in sorted(self._folder(step.shot_id).glob(f"{step.step_key}.*")):
            # Where there is a tagged copy that has no name yet, what it is a copy of is there too.
            if path.suffix not in (BROKEN, TAGGED, BESIDE, ".part"):
                try:
                    return self._settle(step, path)
                except BrokenMedia:
                    continue
        return None

    def broken(self, step: Step) -> Path | None:
        """The bytes of a result that does not decode, as far as they are kept."""
        path = self._folder(step.shot_id) / (step.step_key + BROKEN)
        return path if path.is_file() else None

    def holds(self, media: Media) -> bool:
        """True when the file of a take is still there, at its size."""
        path = self._project_dir / media.path
        return path.is_file() and path.stat().st_size == media.size_bytes

    def _settle(self, step: Step, file: Path, known_as: str | None = None) -> Media:
        checked = check_media(file, step.kind)
        target = self._folder(step.shot_id) / (step.step_key + checked.suffix)
        if file != target:
            again = known_as is not None and sha256_of(file) == known_as
            ready = file if again else _tagged(file, step)
            rename_durably(ready, target)
            with contextlib.suppress(OSError):  # the take has its name
                file.unlink(missing_ok=True)
        target.with_suffix(BROKEN).unlink(missing_ok=True)  # an earlier fetch of the same result
        path = target.relative_to(self._project_dir).as_posix()
        facts = asdict(checked)
        del facts["suffix"]
        media = Media(path=path, sha256=sha256_of(target), size_bytes=target.stat().st_size, **facts)
        self._tell(step, target, media)
        return media

    def _tell(self, step: Step, target: Path, media: Media) -> None:
        try:
            inside = comment_in(target) == as_comment(provenance(step))
            write_beside_take(target, step, media, self._clock.now(), inside=inside)
        except Exception as fault:  # noqa: BLE001 - whatever it is: the take is whole, and paid for
            log.warning("provenance_unwritten", path=media.path, error=str(fault))

    def _check_project(self) -> None:
        # A project that was moved away must not leave a ghost of itself behind, into which it would be moved back.
        if not self._project_dir.is_dir():
            raise CannotWrite(self._project_dir, OSError(errno.ENOENT, "the project's folder is gone"))

    def _folder(self, shot_id: str) -> Path:
        return self._project_dir / "media" / "takes" / shot_id


def _tagged(file: Path, step: Step) -> Path:
    """A copy of a result that says where it comes from; the result itself where there can be none."""
    tagged = file.with_suffix(TAGGED)
    try:
        with AT_ONCE:
            copy_with_comment(file, tagged, as_comment(provenance(step)))
    except Exception as fault:  # noqa: BLE001 - whatever it is: what was paid for does not wait for its tag
        log.warning("provenance_not_inside", error=str(fault))
        with contextlib.suppress(OSError):
            tagged.unlink(missing_ok=True)
        return file
    return tagged
