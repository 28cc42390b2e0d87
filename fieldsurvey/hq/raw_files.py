"""Where a landed batch lies under ``raw`` and how its name gets to survive a power cut.

``<device>/<epoch>/<batch_no>-<first 16 digits of sha256>.fsb``. A file here is never changed; the
same bytes may replace it.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from fieldsurvey.hq.spool import SpoolFile
from fieldsurvey.wire.batch import BatchHeader, is_device, is_epoch
from fieldsurvey.wire.whole_file import sync_folder

SUFFIX = ".fsb"
_NAME = re.compile(r"(\d{1,19})-([0-9a-f]{16}|[0-9a-f]{64})\.fsb")


class RawFiles:
    """The folder ``raw``; from any thread. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._durable: set[Path] = set()

    def keep(self, spooled: SpoolFile, header: BatchHeader) -> str:
        """Move a batch here, for good; return its path relative to ``raw``."""
        sha256 = spooled.sha256.hex()
        path = self._path(header, sha256)
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        spooled.move_to(target)
        self._sync_names(target.parent)
        return path

    def __iter__(self) -> Iterator[str]:
        """Every path of a batch, relative to ``raw``."""
        return self.since(0)

    def since(self, utc_us: int) -> Iterator[str]:
        """Paths in folders that changed since ``utc_us``, relative to ``raw``."""
        for device in _folders(self.folder):
            for epoch in _folders(device) if is_device(device.name) else ():
                if is_epoch(epoch.name) and epoch.stat().st_mtime_ns // 1000 >= utc_us:
                    for file in sorted(epoch.iterdir()):
                        if _NAME.fullmatch(file.name):
                            yield f"{device.name}/{epoch.name}/{file.name}"

    def _path(self, header: BatchHeader, sha256: str) -> str:
        stem = f"{header.device}/{header.epoch}/{header.batch_no}-"
        short = f"{stem}{sha256[:16]}{SUFFIX}"
        # 16 digits can be made to collide on purpose; what was receipted must not be overwritten.
        if digest_of(self.folder / short) not in (None, sha256) and self._collides(short):
            return f"{stem}{sha256}{SUFFIX}"
        return short

    def _collides(self, path: str) -> bool:
        """True if the file's content is what its name says: it is another whole batch."""
        match = _NAME.fullmatch(Path(path).name)
        digest = digest_of(self.folder / path)
        return match is not None and digest is not None and digest.startswith(match[2])

    def _sync_names(self, epoch: Path) -> None:
        sync_folder(epoch)
        if epoch not in self._durable:
            sync_folder(epoch.parent)
            sync_folder(self.folder)
            self._durable.add(epoch)


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None if there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())
