"""Files that appear whole or not at all, singly or as a pair.

Everything is written beside its destination under another name, made durable, and renamed last;
until then whatever had the name before stays as it was. No half-written export is ever left.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.never_replaced import refuse_survey
from fieldsurvey.wire.whole_file import sync_folder

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR, errno.ETXTBSY}


class Cancelled(Exception):  # noqa: N818 - it is no error
    """Somebody asked to stop."""


class StoppableStream:
    """Passes bytes on, counts them, and stops with :class:`Cancelled` when it is told to."""

    def __init__(self, stream: BinaryIO, cancelled: Callable[[], bool]) -> None:
        self._stream = stream
        self._cancelled = cancelled
        self._bytes_passed = 0

    @property
    def path(self) -> Path:
        """The file itself, for a format that has to go back in it instead of writing here."""
        return Path(self._stream.name)

    @property
    def bytes_written(self) -> int:
        return self._bytes_passed or self.path.stat().st_size

    def write(self, data: bytes | memoryview) -> int:
        if self._cancelled():
            raise Cancelled
        count = self._stream.write(data)
        self._bytes_passed += count
        return count


class Replacement:
    """New contents for some files, all or none. Use as a context manager; ``commit`` at the end.

    Two renames cannot be one: a crash between them leaves one new and one old file, each whole.
    """

    def __init__(self) -> None:
        self._staged: list[tuple[Path, Path]] = []

    def __enter__(self) -> Replacement:
        return self

    def __exit__(self, *_: object) -> None:
        for part, _target in self._staged:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def file(self, target: Path) -> Iterator[BinaryIO]:
        """Open new contents for ``target``; they are on disk when the block ends. Raises KnownError
        ``store.never_replaced`` where a survey is there."""
        # Behind a link stands the file that somebody chose to keep elsewhere.
        target = Path(os.path.realpath(target))
        refuse_survey(target)
        part = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
        with part.open("xb") as stream:
            self._staged.append((part, target))
            yield cast(BinaryIO, stream)
            stream.flush()
            os.fsync(stream.fileno())

    def commit(self) -> None:
        """Put all files in their places, the one opened first last."""
        for _part, target in self._staged:
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
        for part, target in reversed(self._staged):
            part.replace(target)
        for folder in {target.parent for _part, target in self._staged}:
            with contextlib.suppress(OSError):  # the files themselves are on the disk
                sync_folder(folder)
        self._staged.clear()


def known_error(error: OSError, path: Path) -> KnownError:
    """Say what a failure to write ``path`` means to the person who asked for it."""
    if error.errno in _NO_SPACE:
        return KnownError("export.disk_full", path=path)
    if error.errno in _NO_PERMISSION:
        return KnownError("export.read_only", path=path)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return KnownError("export.no_folder", path=path.parent)
    return KnownError("export.write_failed", path=path, reason=error.strerror or error)
