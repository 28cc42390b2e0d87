"""Whose keys open encrypted survey files, and with which one a new file is made.

The store knows no profile and no keyring: whoever runs a command says with :func:`asking` whom to
ask. Without that there are no keys, and every new file is plain.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

KEY_BYTES = 32
SALT_BYTES = 16
# SQLCipher keeps its salt in front of the file, in clear. Ours begins with a word, so that an
# encrypted survey can be told from any other bytes. It is not part of the key: that is random.
MARK = b"FSenc1\0\0"


class FileKeys(Protocol):
    """Both raise KnownError where a key ought to be there and cannot be had."""

    def for_new_file(self) -> bytes | None:
        """Return the key that a new file is encrypted with; None: it is to be plain."""
        ...

    def known(self) -> Sequence[bytes]:
        """Return all keys that may open a file, the likeliest first."""
        ...


class _NoKeys:
    def for_new_file(self) -> None:
        return None

    def known(self) -> tuple[bytes, ...]:
        return ()


_asked: FileKeys = _NoKeys()


def for_new_file() -> bytes | None:
    """Ask for the key of a new file."""
    return _asked.for_new_file()


def known() -> Sequence[bytes]:
    """Ask for all keys there are."""
    return _asked.known()


@contextmanager
def asking(keys: FileKeys) -> Iterator[None]:
    """Ask ``keys``, in all threads, while the block lasts."""
    global _asked
    before, _asked = _asked, keys
    try:
        yield
    finally:
        _asked = before


def new_salt() -> bytes:
    """Return the beginning of a new encrypted file."""
    return MARK + os.urandom(SALT_BYTES - len(MARK))


def is_marked(path: Path) -> bool:
    """True if ``path`` begins as our encrypted files do.

    Only for a file that no key of this process opens: closing a file drops the locks that SQLite
    holds on it.
    """
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK
