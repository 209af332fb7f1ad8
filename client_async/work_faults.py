"""What goes wrong at work on a sequence besides what a vendor says: the machine's refusals, and faults of ours."""

from __future__ import annotations

from client_async.file_lock import HeldUp
from client_async.journal import JournalUnusable
from starsend.errors import StarsendError
from starsend.files import CannotWrite
from starsend.orchestrator.database import StoreUnusable
from starsend.orchestrator.job_collector import StillRunning
from starsend.vendor_faults import BrokenDownload


class MachineTrouble(StarsendError):
    """The machine refused something: too many open files, a disk that fails, a share that is gone."""

    def __init__(self, fault: OSError) -> None:
        super().__init__(
            f"the machine refused: {fault.strerror or fault}",
            where=str(fault.filename or ""),
            remedy="check its disks, mounts and limits; nothing that was paid for is lost",
        )


class Unexpected(StarsendError):
    """Something failed that no error of ours describes."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(
            f"unexpected {type(fault).__name__}: {fault}",
            remedy="nothing that was paid for is lost; run it again with --debug and report what the log shows",
        )


FREE_TO_REPEAT = (
    BrokenDownload,
    StillRunning,
    CannotWrite,
    StoreUnusable,
    JournalUnusable,
    HeldUp,
    MachineTrouble,
)
"""Nothing is sent again by trying these again: a job goes on by its handle, and a disk may have room by then."""
