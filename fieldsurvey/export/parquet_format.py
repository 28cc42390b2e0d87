"""GeoParquet 1.1: the seconds as columns with a point each, beside it a file with the tests.

For DuckDB, GDAL, geopandas and R. Pyarrow writes it a row group at a time, since the metadata with
the rectangle around all points can be added last. Must not write a point where no fix was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export.ahead import in_order
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.geometry import Bounds, wkb_points
from fieldsurvey.export.sample_blocks import sample_blocks
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.export.typed import no_samples, typed_samples, typed_tests

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

GEOMETRY = "geometry"
GROUP_ROWS = 131_072  # eight pieces: readers skip groups, and small ones pack badly


@dataclass(frozen=True, slots=True)
class ParquetTests:
    """One row per throughput test, a point where it began."""

    name: str = "parquet-tests"
    suffix: str = ".parquet"
    media_type: str = "application/vnd.apache.parquet"
    companions: Mapping[str, Exporter] = field(default_factory=dict)

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write all tests in one go."""
        tests = typed_tests(tables)
        _write([tests], tests, stream, ("start_longitude_deg", "start_latitude_deg"), tables)
        progress(1.0)
        return Written(tests=len(tests))


@dataclass(frozen=True, slots=True)
class ParquetSamples:
    """One row per second of each drive."""

    name: str = "parquet"
    suffix: str = ".parquet"
    media_type: str = "application/vnd.apache.parquet"
    companions: Mapping[str, Exporter] = field(default_factory=lambda: {"-tests": ParquetTests()})

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write the samples a row group at a time."""
        done = 0

        def counted() -> Iterator[pl.DataFrame]:
            nonlocal done
            for piece in in_order(sample_blocks(tables), typed_samples):
                yield piece
                done += len(piece)
                progress(done / max(done, tables.sample_count))

        _write(_groups(counted()), no_samples(), stream, ("longitude_deg", "latitude_deg"), tables)
        return Written(points=done)


def _groups(pieces: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Put neighbouring pieces together until they are a row group."""
    import polars as pl

    waiting: list[pl.DataFrame] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(map(len, waiting)) >= GROUP_ROWS:
            yield pl.concat(waiting)
            waiting.clear()
    if waiting:
        yield pl.concat(waiting)


def _write(
    groups: Iterable[pl.DataFrame],
    like: pl.DataFrame,
    stream: BinaryIO,
    position: tuple[str, str],
    tables: SurveyTables,
) -> None:
    """Write frames with the columns of ``like``, and a point from the two columns ``position``."""
    import pyarrow.parquet as pq

    bounds = Bounds()
    schema = _with_points(like.clear(), position).schema
    words = [name for name, kind in like.schema.items() if kind.is_(_string())]
    # With Zstandard files would be a third smaller, and writing them take a fifth longer.
    with pq.ParquetWriter(
        _Sink(stream), schema, compression="snappy", use_dictionary=words
    ) as writer:
        for group in groups:
            bounds.add(*(group[name] for name in position))
            writer.write_table(_with_points(group, position), row_group_size=GROUP_ROWS)
        writer.add_key_value_metadata({"geo": json.dumps(_geo(bounds)), **_left_out(tables)})


def _string() -> type[pl.String]:
    import polars as pl

    return pl.String


def _with_points(rows: pl.DataFrame, position: tuple[str, str]) -> pa.Table:
    import pyarrow as pa

    points = wkb_points(*(rows[name] for name in position))
    table = rows.to_arrow(compat_level=None).append_column(pa.field(GEOMETRY, pa.binary()), points)
    narrow = [
        field.with_type(pa.string()) if pa.types.is_large_string(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(narrow))


def _geo(bounds: Bounds) -> dict[str, object]:
    """Return the metadata of GeoParquet 1.1; without ``crs`` it is OGC:CRS84, ours."""
    column: dict[str, object] = {"encoding": "WKB", "geometry_types": ["Point"]}
    if box := bounds.as_list():
        column["bbox"] = box
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def _left_out(tables: SurveyTables) -> dict[str, str]:
    counts = {
        "seconds_left_out_count": tables.left_out.samples,
        "tests_left_out_count": tables.left_out.tests,
    }
    return {name: str(count) for name, count in counts.items() if count}


class _Sink:
    """What Arrow wants of a file, before a stream that has nothing but ``write``."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._at = 0

    def write(self, data: bytes) -> int:
        self._at += len(data)
        return self._stream.write(data)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The stream is closed by whoever opened it."""
