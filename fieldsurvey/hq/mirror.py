"""Landed files on a second disk, each read back and compared before a laptop may forget its own.

Must not take a file for mirrored because it was once: a mirror that lost files is filled again.
"""

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from fieldsurvey.hq.ledger import LandedBatch, Ledger
from fieldsurvey.hq.ledger_rows import EXPIRED
from fieldsurvey.hq.shelf import Shelf, digest_of
from fieldsurvey.wire.whole_file import sync_folder, write_whole

_BATCHES = 200  # per call, so that stopping does not take long


@dataclass(frozen=True, slots=True)
class MirrorReport:
    """``damaged``: paths whose own copy in ``raw`` is not what was landed; those are not copied."""

    copied: int
    damaged: tuple[str, ...]


def is_another_disk(raw: Path, mirror: Path) -> bool:
    """True if the two lie on different file systems. Raises OSError if either is not there."""
    return raw.stat().st_dev != mirror.stat().st_dev


def mirror_once(ledger: Ledger, raw: Shelf, mirror: Path, skip: frozenset[str]) -> MirrorReport:
    """Copy some of what is not mirrored yet; ``skip``: paths found damaged before.

    Raises OSError, also if the disk that held copies holds none; what was not verified does not
    count as mirrored then.
    """
    if not (mirror / "raw").is_dir() and ledger.counts().mirrored:
        # Its mount point would be filled instead, on who knows which disk.
        raise FileNotFoundError(errno.ENOENT, "the second disk is not there", str(mirror))
    copied: list[LandedBatch] = []
    damaged = []
    for one in ledger.unmirrored(_BATCHES + len(skip)):
        if one.path in skip:
            continue
        if _copy(raw.read(one.path), mirror / "raw" / one.path, one.sha256):
            copied.append(one)
        else:
            damaged.append(one.path)
    ledger.set_mirrored([one.log_index for one in copied], mirrored=True)
    return MirrorReport(len(copied), tuple(damaged))


def check_mirror(ledger: Ledger, mirror: Path) -> list[str]:
    """Compare every mirrored file with the ledger; those that are not there wait to be copied
    again. Returns their paths."""
    lost = [
        row
        for row in ledger.batch_rows()
        if row.mirrored
        and row.code != EXPIRED
        and digest_of(mirror / "raw" / row.path) != row.sha256
    ]
    ledger.set_mirrored([row.log_index for row in lost], mirrored=False)
    return [row.path for row in lost]


def _copy(content: bytes, target: Path, sha256: str) -> bool:
    """Write and read back from the disk itself where that can be asked for."""
    if hashlib.sha256(content).hexdigest() != sha256:
        return False
    new_folders = _missing(target.parent)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, content)
    for folder in new_folders:
        sync_folder(folder.parent)
    _forget_cached(target)
    return digest_of(target) == sha256


def _missing(folder: Path) -> list[Path]:
    return [one for one in (folder, *folder.parents) if not one.exists()]


def _forget_cached(path: Path) -> None:
    """Let the next reader read the disk, not our own memory of what was written."""
    if hasattr(os, "posix_fadvise"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
