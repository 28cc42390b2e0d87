"""Where a landed batch lies under ``raw``.

``<device>/<epoch>/<batch_no>-<first 16 digits of sha256>.fsb``. A file here is never changed; the
same bytes may replace it.
"""

import re
from collections.abc import Iterator

from fieldsurvey.hq.shelf import Item, Shelf
from fieldsurvey.hq.spool import SpoolFile
from fieldsurvey.wire.batch import BatchHeader, is_device, is_epoch

SUFFIX = ".fsb"
_NAME = re.compile(r"(\d{1,19})-([0-9a-f]{16}|[0-9a-f]{64})\.fsb")


class RawFiles:
    """The shelf ``raw``; from any thread. Raises what a :class:`Shelf` does."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def keep(self, spooled: SpoolFile, header: BatchHeader) -> str:
        """Move a batch here, for good; return its path relative to ``raw``."""
        spooled.finish()
        path = self._path(header, spooled.sha256.hex())
        self._shelf.take(spooled.path, path)
        return path

    def __iter__(self) -> Iterator[Item]:
        """Every batch; names are relative to ``raw``."""
        return self.since(0)

    def since(self, utc_us: int) -> Iterator[Item]:
        """Batches that may have come since ``utc_us``."""
        for device in self._shelf.folders():
            if is_device(device):
                for item in self._shelf.items(device, utc_us):
                    if _is_batch(item.name):
                        yield item

    def _path(self, header: BatchHeader, sha256: str) -> str:
        stem = f"{header.device}/{header.epoch}/{header.batch_no}-"
        short = f"{stem}{sha256[:16]}{SUFFIX}"
        # 16 digits can be made to collide on purpose; what was receipted must not be overwritten.
        there = self._shelf.digest(short)
        if there not in (None, sha256) and self._collides(short, there):
            return f"{stem}{sha256}{SUFFIX}"
        return short

    def _collides(self, path: str, there: str) -> bool:
        """True if the file's content is what its name says: it is another whole batch."""
        match = _NAME.fullmatch(path.rpartition("/")[2])
        return match is not None and there.startswith(match[2])


def _is_batch(path: str) -> bool:
    _, epoch, name = [*path.split("/"), "", ""][:3]
    return path.count("/") == 2 and is_epoch(epoch) and _NAME.fullmatch(name) is not None
