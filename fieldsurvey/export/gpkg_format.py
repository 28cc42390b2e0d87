"""GeoPackage: seconds, tests and drives as three layers of one file, each with its index.

GDAL writes it (through pyogrio): our own rows through sqlite3 with an R-tree took five times as
long. GDAL wants a file of its own, so that is made beside the export and copied into it. Must not
keep rows: pieces pass through as Arrow batches.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export import text
from fieldsurvey.export.ahead import in_order
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.geometry import wkb_points
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.export.typed import no_samples, typed_drives, typed_samples, typed_tests

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

GEOMETRY = "geom"
_COPY_BYTES = 4_000_000
_VERSION = "1.3"  # GDAL of a stable Debian warns of newer ones


@dataclass(frozen=True, slots=True)
class GeoPackage:
    """Layers ``samples``, ``tests`` and ``drives``; the last has no geometry."""

    name: str = "gpkg"
    suffix: str = ".gpkg"
    media_type: str = "application/geopackage+sqlite3"
    companions: Mapping[str, Exporter] = field(default_factory=dict)

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Make the file beside the export, then copy it. Needs its size twice on the disk."""
        beside = getattr(stream, "folder", None)
        with tempfile.TemporaryDirectory(prefix=".fieldsurvey-", dir=beside) as folder:
            path = Path(folder) / "survey.gpkg"
            written = _make(tables, path, stream, progress)
            with path.open("rb") as made:
                shutil.copyfileobj(made, stream, _COPY_BYTES)
        return written


def _make(tables: SurveyTables, path: Path, stream: BinaryIO, progress: Progress) -> Written:
    layers = _Layers(path)
    done = 0

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal done
        for piece in in_order(tables.sample_pieces(), partial(typed_samples, tables)):
            stream.write(b"")  # the stream stops whoever goes on after a cancel
            yield piece
            done += len(piece)
            progress(0.95 * done / max(done, tables.sample_count))

    tests = typed_tests(tables)
    with _dated(tables):
        layers.add("samples", counted(), no_samples(), ("longitude_deg", "latitude_deg"))
        layers.add("tests", [tests], tests, ("start_longitude_deg", "start_latitude_deg"))
        drives = typed_drives(tables)
        layers.add("drives", [drives], drives, None)
    return Written(points=done, tests=len(tests))


class _Layers:
    """A GeoPackage that is being made."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(
        self,
        name: str,
        pieces: Iterable[pl.DataFrame],
        like: pl.DataFrame,
        position: tuple[str, str] | None,
    ) -> None:
        """Add a layer with the columns of ``like``. What ``pieces`` raises comes out as it is."""
        import pyarrow as pa
        import pyogrio

        failure: list[BaseException] = []

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                for piece in pieces:
                    yield from _table(piece, position).to_batches()
            except BaseException as error:
                failure.append(error)  # Arrow would make a text of it
                raise

        reader = pa.RecordBatchReader.from_batches(_table(like.clear(), position).schema, batches())
        try:
            pyogrio.write_arrow(
                reader,
                self._path,
                layer=name,
                driver="GPKG",
                geometry_name=GEOMETRY if position else None,
                geometry_type="Point" if position else None,
                crs="EPSG:4326" if position else None,
                append=self._path.exists(),
                dataset_options={"VERSION": _VERSION},
                layer_options={"SPATIAL_INDEX": "YES"} if position else {},
            )
        except RuntimeError as error:  # all of pyogrio's are
            if failure:
                raise failure[0] from None
            raise OSError(_full_disk(self._path), str(error)) from error


def _full_disk(path: Path) -> int:
    """Return the error number that fits: GDAL only says that it could not write."""
    import errno

    free = shutil.disk_usage(path.parent).free
    return errno.ENOSPC if free < _COPY_BYTES else errno.EIO


def _table(rows: pl.DataFrame, position: tuple[str, str] | None) -> pa.Table:
    import pyarrow as pa

    table = rows.to_arrow()
    if position is None:
        return table
    points = wkb_points(*(rows[name] for name in position))
    return table.append_column(pa.field(GEOMETRY, pa.binary()), points)


@contextlib.contextmanager
def _dated(tables: SurveyTables) -> Iterator[None]:
    """Let GDAL date its layers by the survey: the same survey gives the same bytes."""
    import pyogrio

    newest_us = tables.drives["started_utc_us"].max()
    date = text.utc_iso(newest_us if isinstance(newest_us, int) else 0)
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": date})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
