"""A base map from a file of tiles, read and decoded in a thread of its own.

The GUI thread asks and looks again later; it never waits for a disk or a PNG, except to print.
"""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from PySide6.QtGui import QImage, QPixmap

from fieldsurvey.gui.tile_files import TileFile, TileKey, TileSet, open_tile_file
from fieldsurvey.model.messages import Message, message

_CACHED_TILES = 256  # of 256 KiB each when decoded: 64 MiB


class TileSource:
    """Tiles of one file, by zoom, column and row (counted from the north).

    Attributes:
        tile_set: None until the file is open, and for good where it is broken.
        trouble: why there is no base map, once known.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="base-map")
        self._file: TileFile | None = None  # the worker's, while there is one
        self.tile_set: TileSet | None = None
        self.trouble: Message | None = None
        self._opening: Future[TileSet] | None = self._worker.submit(self._open)
        self._asked: dict[TileKey, Future[QImage | None]] = {}
        self._tiles: OrderedDict[TileKey, QPixmap | None] = OrderedDict()

    def tile(self, key: TileKey) -> QPixmap | None:
        """Return the tile if it is here; else ask for it and return None."""
        if key in self._tiles:
            self._tiles.move_to_end(key)
            return self._tiles[key]
        if self.tile_set is not None and key not in self._asked:
            self._asked[key] = self._worker.submit(self._read, key)
        return None

    def collect(self) -> bool:
        """Take over what the worker has finished; return whether there is anything new to draw."""
        if self._opening is not None:
            return self._collect_opening()
        done = [key for key, future in self._asked.items() if future.done()]
        for key in done:
            future = self._asked.pop(key)
            image = None if future.cancelled() or future.exception() else future.result()
            self._tiles[key] = None if image is None else QPixmap.fromImage(image)
        while len(self._tiles) > _CACHED_TILES:
            self._tiles.popitem(last=False)
        return bool(done)

    def is_busy(self) -> bool:
        """Return whether ``collect`` is going to have something soon."""
        return self._opening is not None or bool(self._asked)

    def wait(self, timeout_s: float) -> None:
        """Wait until what was asked for is here. For printing, where a hole would stay."""
        futures: list[Future[Any]] = [*self._asked.values()]
        wait(futures if self._opening is None else [self._opening], timeout_s)
        self.collect()

    def forget_requests(self) -> None:
        """Give up tiles asked for and not begun: the map has moved on."""
        for key, future in list(self._asked.items()):
            if future.cancel():
                del self._asked[key]

    def close(self) -> None:
        """Stop the worker and close the file."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        if self._file is not None:
            self._file.close()

    def _collect_opening(self) -> bool:
        if self._opening is None or not self._opening.done():
            return False
        failure = self._opening.exception()
        if failure is None:
            self.tile_set = self._opening.result()
        else:
            reason = str(failure)
            self.trouble = message("gui.basemap_broken", file=self._path.name, reason=reason)
        self._opening = None
        return True

    # Below: in the worker only.

    def _open(self) -> TileSet:
        self._file = open_tile_file(self._path)
        if QImage.fromData(self._file.sample()).isNull():
            raise ValueError(f"tiles are not images (format {self._file.kind})")
        return self._file.tile_set

    def _read(self, key: TileKey) -> QImage | None:
        assert self._file is not None
        found = self._file.read(key)
        image = QImage() if found is None else QImage.fromData(found)
        if image.isNull():
            return None
        return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
