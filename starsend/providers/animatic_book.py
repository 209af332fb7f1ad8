"""The embedded vendor's own books: what it was sent, the jobs it took and the bill. They outlive the process.

    calls.jsonl          one line for each submit call that reached the vendor; the rehearsal's bill
    jobs/<handle>.json   each accepted job, enough to deliver it at any later time
    uploads/<sha256>     the pictures that came with the requests

A call is accepted in this order: uploads, job file, bill line, answer. The bill line is the moment of acceptance:
`VendorBook.find` believes only lines. Killed before it, the call never happened, nothing was billed and a job file
nobody mentions is left over; killed after it, the call is on the bill and can be found and fetched. The other way
round, a bill line could name a job that was never written: paid for and lost.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TypeVar

import orjson
from pydantic import TypeAdapter

from starsend.api_client import ImageRequest, Reference, VideoRequest
from starsend.files import sync_folder
from starsend.provider_options import Behaviour
from starsend.vendor_faults import BadRequest, JobGone, NotSent

_HANDLE = re.compile(r"anim-[0-9a-f]{12}-\d{1,6}")


@dataclass(frozen=True, slots=True)
class AcceptedJob:
    """A call as it was accepted. ``ready_at`` is in seconds of the vendor's clock, 0 for at once."""

    handle: str
    step_key: str
    behaviour: Behaviour
    ready_at: float
    request: ImageRequest | VideoRequest


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a submit call. Accepted calls are billed, and only those."""

    behaviour: Behaviour
    accepted: bool
    ready_at: float = 0.0


_JOB: TypeAdapter[AcceptedJob] = TypeAdapter(AcceptedJob)
R = TypeVar("R", ImageRequest, VideoRequest)


class VendorBook:
    """Reads and writes the books in ``folder``. Safe for threads; several processes may share the folder."""

    def __init__(self, provider: str, folder: Path) -> None:
        self._provider = provider
        self._bill, self._jobs, self._uploads = folder / "calls.jsonl", folder / "jobs", folder / "uploads"
        for part in (self._jobs, self._uploads):
            part.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._read_to = 0
        self._calls: Counter[str] = Counter()
        self._handles: dict[str, str] = {}

    def keep(self, request: R) -> R:
        """The request with every picture replaced by the vendor's own copy, so that nobody can take it away again.

        Raises:
            BadRequest: a picture is missing.
            NotSent: so are the books.
        """
        self._reach()
        try:
            if isinstance(request, VideoRequest):
                request = replace(request, start_frame=self._upload(request.start_frame))
            return replace(request, references=tuple(self._upload(one) for one in request.references))
        except OSError as fault:
            missing = Path(fault.filename or "").name
            raise BadRequest(
                self._provider, f"picture {missing} cannot be read ({fault.strerror})"
            ) from fault

    def enter(
        self, request: ImageRequest | VideoRequest, step_key: str, plan: Callable[[int], Verdict]
    ) -> tuple[Behaviour, AcceptedJob | None]:
        """Put one submit call into the books.

        Args:
            plan: what becomes of the call, given how many calls its shot has made before.

        Returns:
            The behaviour, and the job when the call was accepted (and billed).
        """
        with self._lock:
            self._catch_up()
            verdict, job = plan(self._calls[request.shot_id]), None
            if verdict.accepted:
                job = self._write_job(AcceptedJob("", step_key, verdict.behaviour, verdict.ready_at, request))
            line = {
                "step_key": step_key,
                "shot_id": request.shot_id,
                "kind": "image" if isinstance(request, ImageRequest) else "video",
                "attempt": request.attempt,
                "behaviour": verdict.behaviour,
                "billed": verdict.accepted,
                "handle": job.handle if job else None,
            }
            _append(self._bill, orjson.dumps(line) + b"\n")
            return verdict.behaviour, job

    def find(self, step_key: str) -> str | None:
        """The handle of the newest accepted call with this step key. Raises NotSent as ``job`` does."""
        self._reach()
        with self._lock:
            self._catch_up()
            return self._handles.get(step_key)

    def job(self, handle: str) -> AcceptedJob:
        """An accepted job.

        Raises:
            JobGone: there is no such job.
            NotSent: the books are not there, and may be back soon.
        """
        self._reach()
        if not _HANDLE.fullmatch(handle):
            raise JobGone(self._provider, handle)
        try:
            job = _JOB.validate_json((self._jobs / f"{handle}.json").read_bytes())
        except FileNotFoundError as fault:
            raise JobGone(self._provider, handle) from fault
        return replace(job, request=self._here(job.request))

    def first_fetch(self, handle: str) -> bool:
        """Whether this job is fetched for the first time ever; asking is what makes it so."""
        return _claim(self._jobs / f"{handle}.fetched")

    def _reach(self) -> None:
        if not self._jobs.is_dir():
            raise NotSent(self._provider, "its books are not there; was the project moved?")

    def _catch_up(self) -> None:
        """Read the lines that this and other processes have added."""
        if not self._bill.exists():
            return
        with self._bill.open("rb") as bill:
            bill.seek(self._read_to)
            new = bill.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            try:
                call = orjson.loads(line)
            except orjson.JSONDecodeError:  # torn by a full disk; that call was answered with an error
                continue
            self._calls[call["shot_id"]] += 1
            if call["handle"]:
                self._handles[call["step_key"]] = call["handle"]

    def _write_job(self, job: AcceptedJob) -> AcceptedJob:
        """Write a job under the next free handle of its step key, durably, never over another one."""
        stem = f"anim-{sha256(job.step_key.encode()).hexdigest()[:12]}"
        number = next(n for n in count(1) if _claim(self._jobs / f"{stem}-{n}.json"))
        job = replace(job, handle=f"{stem}-{number}")
        _write(self._jobs / f"{job.handle}.json", _JOB.dump_json(job))
        return job

    def _upload(self, picture: Reference) -> Reference:
        data = picture.path.read_bytes()
        digest = sha256(data).hexdigest()
        if not (self._uploads / digest).exists():
            _write(self._uploads / digest, data)
        return replace(picture, path=self._uploads / digest, sha256=digest)

    def _here(self, request: ImageRequest | VideoRequest) -> ImageRequest | VideoRequest:
        """``request`` with its uploads where the folder is now: a project may have been moved."""
        if isinstance(request, VideoRequest):
            start = request.start_frame
            request = replace(request, start_frame=replace(start, path=self._uploads / start.sha256))
        return replace(
            request, references=tuple(replace(r, path=self._uploads / r.sha256) for r in request.references)
        )


def _append(path: Path, line: bytes) -> None:
    """Add one line with one write, so that lines of several processes never mix, and see it onto the disk."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        if not _ends_whole(path):
            line = b"\n" + line
        if os.write(file, line) != len(line):
            raise OSError(f"{path}: the disk took only part of a line")
        os.fsync(file)
    finally:
        os.close(file)


def _ends_whole(path: Path) -> bool:
    """Whether the file is empty or its last line is complete."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return file.read(1) in (b"", b"\n")


def _write(path: Path, data: bytes) -> None:
    """Write a file whole and durably: it is there with all of its bytes, or as it was before.

    Not `starsend.files.write_durably`, whose temporary name allows one writer a path: several calls, of several
    processes too, may upload one picture at the same time.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as temp:
        temp.write(data)
        temp.flush()
        os.fsync(temp.fileno())
    Path(temp.name).replace(path)
    sync_folder(path.parent)


def _claim(path: Path) -> bool:
    """Create an empty file. False when there is one already, of whichever thread or process."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
