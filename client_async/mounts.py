"""Which file systems do not report what others write on them."""

from __future__ import annotations

from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
DEAF = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "virtiofs",
    "vboxsf",
    "ceph",
    "glusterfs",
    "afs",
    "lustre",
    "prl_fs",
}
"""Network and pass-through file systems: inotify sees what this machine writes there, and nothing else."""


def deaf_mount(path: Path, mountinfo: str) -> str | None:
    """The kind of file system that ``path`` lies on, if changes on it cannot be watched.

    Args:
        path: absolute, links resolved.
        mountinfo: the text of /proc/self/mountinfo (proc(5)).
    """
    longest, kind = -1, ""
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        point = fields.split(" ")[4].replace("\\040", " ")
        if path.is_relative_to(point) and len(point) >= longest:  # of two on one point the later one covers
            longest, kind = len(point), rest.split(" ")[0]
    return kind if kind in DEAF or kind.startswith("fuse.") else None
