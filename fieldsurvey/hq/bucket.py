"""A shelf that is a bucket of S3-compatible storage, or a prefix of one.

An object is there whole or not at all, and for good once the storage has said so; it is read back
before we believe that. What HQ works with are copies in a cache on this computer, compared with
their digests: one way of reading for all engines, no byte counts unseen, and a batch that waits for
its drive is not paid for every two seconds. Credentials are those of the environment (``AWS_...``),
never HQ's settings.
"""

import contextlib
import errno
import hashlib
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fieldsurvey.hq.shelf import FETCHED_FOR_S, Item
from fieldsurvey.model.errors import KnownError
from fieldsurvey.wire.whole_file import write_whole

_NOT_THERE = ("", "NoSuchKey")  # of an object; that of a bucket is trouble
_CONNECT_S, _READ_S = 5, 20
_ATTEMPTS = 2  # of each request; who asks us tries again as well
_ROOM_EVERY_S = 600.0  # looking through the cache takes a while


class Bucket:
    """The objects below ``url``, ``s3://BUCKET/PREFIX``.

    ``endpoint_url``: the storage's address, "" for AWS. ``local``: for drafts and the cache, of
    ``cache_bytes`` at most besides what is in use. Where the storage cannot be used, everything
    raises KnownError ``hq.no_storage``. Raises KnownError ``hq.no_s3`` if it cannot be spoken to.
    """

    def __init__(self, url: str, endpoint_url: str, local: Path, cache_bytes: int) -> None:
        self.place = url
        self.local = local
        self._prefix = url.removeprefix("s3://") + "/"
        self._cache_bytes = cache_bytes
        self._made_room_s = -math.inf
        self._files = _file_system(url, endpoint_url)

    def take(self, file: Path, name: str) -> None:
        """A file is held in memory meanwhile: batches and files of the archive are small enough.
        Afterwards it is in the cache."""
        content = file.read_bytes()
        with self._asking():
            self._files.pipe_file(self._prefix + name, content)
        if self.read(name) != content:
            raise KnownError("hq.no_storage", place=self.place, reason=f"{name} reads otherwise")
        copy = self.local / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        file.replace(copy)
        self._make_room()

    def read(self, name: str) -> bytes:
        with self._asking():
            content: bytes = self._files.cat_file(self._prefix + name)
        return content

    def fetch(self, name: str, sha256: str) -> Path:
        """Raises OSError if the object is not there, or not what it should be."""
        path = self.local / name
        with contextlib.suppress(FileNotFoundError):
            os.utime(path)  # it is in use
            return path
        content = self.read(name)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise OSError(errno.EIO, "not what was put there", f"{self.place}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
        self._make_room()
        return path

    def digest(self, name: str) -> str | None:
        try:
            return hashlib.sha256(self.read(name)).hexdigest()
        except FileNotFoundError:
            return None

    def folders(self) -> list[str]:
        try:
            with self._asking():
                found = self._files.ls(self._prefix, detail=True)
        except FileNotFoundError:
            return []
        return sorted(self._name(one) for one in found if one["type"] == "directory")

    def items(self, folder: str, since_utc_us: int = 0) -> Iterator[Item]:
        with self._asking():
            found = self._files.find(self._prefix + folder, detail=True)
        for one in found.values():
            put_utc_us = round(one["LastModified"].timestamp() * 1e6)  # the storage's clock
            if put_utc_us >= since_utc_us:
                yield Item(self._name(one), put_utc_us)

    def touch(self, name: str) -> None:
        """The storage copies the object onto itself; that alone gives it a new time."""
        with self._asking():
            self._files.setxattr(self._prefix + name, touched="1")

    def remove(self, name: str) -> None:
        with self._asking():
            self._files.rm_file(self._prefix + name)
        (self.local / name).unlink(missing_ok=True)

    def _name(self, info: dict[str, Any]) -> str:
        return str(info["name"]).removeprefix(self._prefix)

    def _make_room(self) -> None:
        """Remove the copies that were not used for longest; leftovers of a crash are among them."""
        if time.monotonic() < self._made_room_s + _ROOM_EVERY_S:
            return
        self._made_room_s = time.monotonic()
        used_since_s = time.time() - FETCHED_FOR_S
        copies = sorted(self._copies())
        held_bytes = sum(size_bytes for _, size_bytes, _ in copies)
        for used_s, size_bytes, path in copies:
            if held_bytes <= self._cache_bytes or used_s > used_since_s:
                return
            path.unlink(missing_ok=True)
            held_bytes -= size_bytes

    def _copies(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each copy was last used, its size, and where it is."""
        for path in self.local.glob("*/*/*"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Let FileNotFoundError mean one object that is not there, nothing worse."""
        import aiohttp
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (OSError, BotoCoreError, ClientError, aiohttp.ClientError) as error:
            if isinstance(error, FileNotFoundError) and _code(error) in _NOT_THERE:
                raise
            reason = str(error) or type(error).__name__
            raise KnownError("hq.no_storage", place=self.place, reason=reason) from error


def _file_system(url: str, endpoint_url: str) -> Any:
    try:
        import fsspec

        files = fsspec.filesystem(
            "s3",
            endpoint_url=endpoint_url or None,
            use_listings_cache=False,  # others write there, too
            max_concurrency=1,  # more would ask for the size of each object first
            config_kwargs={
                "connect_timeout": _CONNECT_S,
                "read_timeout": _READ_S,
                "retries": {"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            },
        )
    except ImportError as error:
        raise KnownError("hq.no_s3", place=url) from error
    files.retries = _ATTEMPTS
    return files


def _code(error: OSError) -> str:
    """Return the storage's own word for an error, "" if it was not the storage that gave it."""
    answer: dict[str, Any] = getattr(error.__cause__, "response", {})
    return str(answer.get("Error", {}).get("Code", ""))
