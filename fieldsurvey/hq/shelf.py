"""Where whole files lie under their names for good: batches as they came, and the archive.

Must not know what is in them. Names have the form ``folder/folder/file``.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fieldsurvey.wire.whole_file import sync_folder

FETCHED_FOR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Item:
    """A file on a shelf, and when it was put there or touched."""

    name: str
    put_utc_us: int


class Shelf(Protocol):
    """What HQ needs of a place to keep files; from any thread.

    Methods raise OSError for trouble on this computer, KnownError for trouble elsewhere. ``place``:
    what to call it to people; ``local``: a folder on this computer for drafts and locks.
    """

    place: str
    local: Path

    def take(self, file: Path, name: str) -> None:
        """Keep a file whose content is on the disk already, for good; it is gone from where it was.

        What had the name before is replaced: all at once, or not at all.
        """

    def read(self, name: str) -> bytes:
        """Return a file's content. Raises FileNotFoundError."""

    def fetch(self, name: str, sha256: str) -> Path:
        """Return where on this computer a file of that digest can be read for ``FETCHED_FOR_S``."""

    def digest(self, name: str) -> str | None:
        """Return the SHA-256 of what lies there now, or None if nothing does."""

    def folders(self) -> list[str]:
        """Return what names begin with, sorted."""

    def items(self, folder: str, since_utc_us: int = 0) -> Iterator[Item]:
        """Yield the files below one of :meth:`folders` that may have come since then."""

    def touch(self, name: str) -> None:
        """Make a file look as if it had been put just now."""

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""


class Folder:
    """A shelf that is a folder on this computer: the :class:`Shelf` of old."""

    def __init__(self, root: Path) -> None:
        self.place = str(root)
        self.local = root
        self._durable: set[Path] = set()

    def take(self, file: Path, name: str) -> None:
        target = self.local / name
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
        self._sync_names(target)

    def read(self, name: str) -> bytes:
        return (self.local / name).read_bytes()

    def fetch(self, name: str, sha256: str) -> Path:
        return self.local / name

    def digest(self, name: str) -> str | None:
        return digest_of(self.local / name)

    def folders(self) -> list[str]:
        return sorted(path.name for path in self.local.iterdir() if path.is_dir())

    def items(self, folder: str, since_utc_us: int = 0) -> Iterator[Item]:
        for parent, folders, names in os.walk(self.local / folder, onerror=_unless_missing):
            folders.sort()
            if names and _changed_utc_us(Path(parent)) >= since_utc_us:
                for path in sorted(Path(parent, name) for name in names):
                    with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                        name = path.relative_to(self.local).as_posix()
                        yield Item(name, _changed_utc_us(path))

    def touch(self, name: str) -> None:
        os.utime(self.local / name)

    def remove(self, name: str) -> None:
        (self.local / name).unlink(missing_ok=True)

    def _sync_names(self, target: Path) -> None:
        """Make the name of a file survive, and those of folders that may be new."""
        folder = target.parent
        sync_folder(folder)
        if folder not in self._durable:
            for parent in folder.relative_to(self.local).parents:
                sync_folder(self.local / parent)
            self._durable.add(folder)


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None if there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _changed_utc_us(path: Path) -> int:
    return path.stat().st_mtime_ns // 1000


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
