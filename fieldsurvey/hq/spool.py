"""Bodies on their way in: a file in ``spool`` that nothing refers to until it is renamed.

What is left here after a crash was never acknowledged and may be removed.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".part"


class SpoolFile:
    """A new file in ``folder``, made by the first write; what is written is hashed.

    Blocking: not for an event loop, :meth:`discard` apart. Raises OSError (disk full).
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{secrets.token_hex(16)}{_SUFFIX}"
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Append."""
        if self._file is None:
            self._file = self.path.open("xb", buffering=0)
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]

    @property
    def sha256(self) -> bytes:
        """The digest of what was written."""
        return self._hash.digest()

    def finish(self) -> None:
        """Make the content durable; nothing more is written."""
        assert self._file is not None
        os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        """Remove what was not moved to its place."""
        if self._file is not None:
            self._file.close()
            self.path.unlink(missing_ok=True)


def remove_old_files(folder: Path, older_than_utc_us: int) -> int:
    """Remove what crashes left; return how many files. Newer ones may be another process's."""
    removed = 0
    for path in folder.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime_ns // 1000 < older_than_utc_us:
                path.unlink()
                removed += 1
    return removed
