"""GeoPackage: seconds, tests and drives as three layers of one file, each point in an index.

SQLite makes the file, the small tables and the frame of the large ones; their rows are written as
pages (:mod:`sqlite_pages`) and the index is packed at once (:mod:`gpkg_rtree`): faster than GDAL,
which would be a further 100 MB to install. Must not keep rows; of each point the index holds
24 bytes.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from fieldsurvey.export import text
from fieldsurvey.export.ahead import in_order
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.geometry import Bounds, wkb_points
from fieldsurvey.export.gpkg_rtree import PackedIndex
from fieldsurvey.export.gpkg_schema import (
    GEOMETRY,
    SRS_ID,
    finish_layer,
    index_roots,
    make_layer,
    make_tables,
    root_of,
)
from fieldsurvey.export.sample_blocks import sample_blocks
from fieldsurvey.export.sqlite_cells import PAGE_BYTES, Cells, cells_of
from fieldsurvey.export.sqlite_pages import PageWriter, TableWriter
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.export.typed import (
    SAMPLE_POSITION,
    TEST_POSITION,
    TypedSamples,
    typed_drives,
    typed_tests,
)

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_COPY_BYTES = 4_000_000
_ROWS_AT_ONCE = 8_192  # as bytes they are three megabytes: more take memory and no less time
# "GP", version 0, little endian without an envelope, the reference system (clause 2.1.3).
_POINT_HEAD = b"GP\0\1" + SRS_ID.to_bytes(4, "little")

_Position = tuple[str, str]


@dataclass(frozen=True, slots=True)
class GeoPackage:
    """Layers ``samples``, ``tests`` and ``drives``; the last has no geometry."""

    name: str = "gpkg"
    suffix: str = ".gpkg"
    media_type: str = "application/geopackage+sqlite3"
    companions: Mapping[str, Exporter] = field(default_factory=dict)

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Make the file where it is to be; where ``stream`` has no file, elsewhere, and copy it."""
        own: Path | None = getattr(stream, "path", None)
        if own is not None:
            return _make(tables, own, stream, progress)
        with tempfile.TemporaryDirectory(prefix="fieldsurvey-") as folder:
            path = Path(folder) / "survey.gpkg"
            written = _make(tables, path, stream, progress)
            with path.open("rb") as made:
                shutil.copyfileobj(made, stream, _COPY_BYTES)
        return written


def _make(tables: SurveyTables, path: Path, stream: BinaryIO, progress: Progress) -> Written:
    typed = TypedSamples(tables)
    like = typed.none().select(typed.names)
    tests, drives = typed_tests(tables), typed_drives(tables)
    newest_us = tables.drives["started_utc_us"].max()
    last_change = text.utc_iso(newest_us if isinstance(newest_us, int) else 0)
    with _connected(path) as connection:
        make_tables(connection)
        make_layer(connection, "samples", like, last_change, points=True)
        make_layer(connection, "tests", tests, last_change, points=True)
        make_layer(connection, "drives", drives, last_change, points=False)
        roots = {name: root_of(connection, name) for name in ("samples", "tests", "drives")}
        indexes = {name: index_roots(connection, name) for name in ("samples", "tests")}
    with path.open("r+b") as file:
        pages = PageWriter(cast(BinaryIO, file))
        samples = _Layer(pages, roots["samples"], SAMPLE_POSITION)
        for rows in in_order(_numbered(tables, typed.read), lambda block: _rows(typed, *block)):
            stream.write(b"")  # the stream stops whoever goes on after a cancel
            samples.add(*rows)
            progress(0.95 * samples.rows / max(samples.rows, tables.sample_count))
        layers = {"samples": samples, "tests": _Layer(pages, roots["tests"], TEST_POSITION)}
        layers["tests"].add(tests, 1, _cells(tests, tests.columns, 1, TEST_POSITION))
        layers["drives"] = _Layer(pages, roots["drives"], None)
        layers["drives"].add(drives, 1, _cells(drives, drives.columns, 1, None))
        for name, layer in layers.items():
            layer.finish(indexes.get(name, ()))
        pages.finish()
    with _connected(path) as connection:
        for name, layer in layers.items():
            finish_layer(connection, name, layer.rows, layer.bounds.as_list())
    return Written(points=samples.rows, tests=len(tests))


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Let SQLite work on the file, in pages of ours and without a log beside it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            yield connection
            connection.commit()
        except sqlite3.OperationalError as error:
            full = shutil.disk_usage(path.parent).free < _COPY_BYTES
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from error


def _numbered(tables: SurveyTables, names: Sequence[str]) -> Iterator[tuple[pl.DataFrame, int]]:
    """Yield each block with the number of its first row."""
    first = 1
    for block in sample_blocks(tables, names):
        yield block, first
        first += len(block)


def _rows(
    typed: TypedSamples, block: pl.DataFrame, first: int
) -> tuple[pl.DataFrame, int, list[Cells]]:
    rows = typed(block)
    return rows.select(SAMPLE_POSITION), first, _cells(rows, typed.names, first, SAMPLE_POSITION)


def _cells(
    rows: pl.DataFrame, names: list[str], first: int, position: _Position | None
) -> list[Cells]:
    import numpy as np

    found = []
    for part in rows.iter_slices(_ROWS_AT_ONCE):
        table = text.with_times_told(part.select(names)).to_arrow()
        if position is not None:
            table = table.add_column(0, GEOMETRY, _points(*(part[name] for name in position)))
        found.append(cells_of(table, np.arange(first, first + len(part))))
        first += len(part)
    return found


def _points(longitudes_deg: pl.Series, latitudes_deg: pl.Series) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    points = wkb_points(longitudes_deg, latitudes_deg).cast(pa.large_binary())
    head, nothing = (pa.scalar(text, pa.large_binary()) for text in (_POINT_HEAD, b""))
    return pc.binary_join_element_wise(head, points, nothing)


class _Layer:
    """A layer whose rows are being written."""

    def __init__(self, pages: PageWriter, root: int, position: _Position | None) -> None:
        self._pages = pages
        self._table = TableWriter(pages, root)
        self._position = position
        self.index = PackedIndex()
        self.bounds = Bounds()
        self.rows = 0

    def add(self, rows: pl.DataFrame, first: int, cells: Iterable[Cells]) -> None:
        for some in cells:
            self._table.add(some)
        self.rows += len(rows)
        if self._position is not None:
            longitudes_deg, latitudes_deg = (rows[name] for name in self._position)
            self.bounds.add(longitudes_deg, latitudes_deg)
            self.index.add(first, longitudes_deg, latitudes_deg)

    def finish(self, index_roots: Sequence[int]) -> None:
        """Close the table, and write the index's own."""
        self._table.finish()
        if index_roots:
            for root, rows in zip(index_roots, self.index.pack(), strict=True):
                of_index = TableWriter(self._pages, root)
                for cells in rows:
                    of_index.add(cells)
                of_index.finish()
