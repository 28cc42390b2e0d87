"""A base map from an MBTiles file, read and decoded in a thread of its own.

The GUI thread asks and looks again later; it never waits for a disk or a PNG. The file is opened
read-only and immutable: nothing is ever written beside it.
"""

import contextlib
import sqlite3
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QImage, QPixmap

from fieldsurvey.model.messages import Message, message

_CACHED_TILES = 256  # of 256 KiB each when decoded: 64 MiB
TileKey = tuple[int, int, int]  # zoom, column, row from the north


@dataclass(frozen=True, slots=True)
class TileSet:
    """What the file says of itself."""

    min_zoom: int
    max_zoom: int
    attribution: str


class TileSource:
    """Tiles of one file, by zoom, column and row (counted from the north).

    Attributes:
        tile_set: None until the file is open, and for good where it is broken.
        trouble: why there is no base map, once known.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="base-map")
        self._file: sqlite3.Connection | None = None  # belongs to the worker
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

    def forget_requests(self) -> None:
        """Give up tiles asked for and not begun: the map has moved on."""
        for key, future in list(self._asked.items()):
            if future.cancel():
                del self._asked[key]

    def close(self) -> None:
        """Stop the worker and close the file."""
        self._worker.submit(self._close_file)
        for future in self._asked.values():
            future.cancel()
        self._worker.shutdown(wait=True)

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
        uri = f"{self._path.resolve().as_uri()}?mode=ro&immutable=1"
        self._file = sqlite3.connect(uri, uri=True, check_same_thread=False)
        rows = self._file.execute("SELECT name, value FROM metadata").fetchall()
        metadata = {str(name): str(value) for name, value in rows}
        lowest, highest = self._file.execute(
            "SELECT min(zoom_level), max(zoom_level) FROM tiles"
        ).fetchone()
        if lowest is None:
            raise ValueError("no tiles")
        sample = self._file.execute("SELECT tile_data FROM tiles LIMIT 1").fetchone()
        if QImage.fromData(bytes(sample[0])).isNull():
            raise ValueError(f"tiles are not images (format {metadata.get('format', '?')})")
        return TileSet(int(lowest), int(highest), metadata.get("attribution", ""))

    def _read(self, key: TileKey) -> QImage | None:
        zoom, column, row = key
        assert self._file is not None
        found = self._file.execute(
            "SELECT tile_data FROM tiles WHERE zoom_level=? AND tile_column=? AND tile_row=?",
            (zoom, column, 2**zoom - 1 - row),  # MBTiles count rows from the south
        ).fetchone()
        if found is None:
            return None
        image = QImage.fromData(bytes(found[0]))
        if image.isNull():
            return None
        return image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)

    def _close_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(sqlite3.Error):
                self._file.close()
