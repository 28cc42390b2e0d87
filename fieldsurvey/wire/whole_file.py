"""Files that have their name only once all of them is on the disk.

Keys, receipts and bundles are worth nothing halfway. Whatever had the name before stays until then.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP)


@contextlib.contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Open new contents for ``path``; they are on disk and have the name when the block ends.

    ``private``: nobody else may read them, from the first byte on. If the block fails, or writing
    does (OSError), nothing has changed.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(part, flags, 0o600 if private else 0o666)
    try:
        with os.fdopen(handle, "w+b") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    try:
        sync_folder(path.parent)
    except OSError as error:  # some network folders and sticks cannot, and say so
        if error.errno not in _CANNOT_SYNC:
            raise


def write_whole(path: Path, content: bytes, *, private: bool = False) -> None:
    """Put ``content`` into ``path``, all or nothing. Raises OSError."""
    with whole_file(path, private=private) as stream:
        stream.write(content)


def sync_folder(folder: Path) -> None:
    """Make names in ``folder`` survive a power cut; Windows keeps them in a journal by itself.

    Raises OSError, also where the folder is of a kind that cannot be synced.
    """
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
