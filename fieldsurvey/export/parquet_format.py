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
from fieldsurvey.export.typed import (
    SAMPLE_POSITION,
    TEST_POSITION,
    TypedSamples,
    typed_tests,
)

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

GEOMETRY = "geometry"
GROUP_ROWS = 131_072  # four blocks: readers skip groups, and small ones pack badly


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
        bounds = Bounds()
        bounds.add(*(tests[name] for name in TEST_POSITION))
        table = _table(tests, tests.columns, TEST_POSITION)
        _write([table], table.schema, stream, bounds, tables)
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
        typed, bounds, done = TypedSamples(tables), Bounds(), 0

        def made(block: pl.DataFrame) -> tuple[pl.DataFrame, pa.Table]:
            rows = typed(block)
            return rows, _table(rows, typed.names, SAMPLE_POSITION)

        def counted() -> Iterator[pa.Table]:
            nonlocal done
            for rows, table in in_order(sample_blocks(tables, typed.read), made):
                bounds.add(*(rows[name] for name in SAMPLE_POSITION))
                yield table
                done += len(rows)
                progress(done / max(done, tables.sample_count))

        schema = _table(typed.none(), typed.names, SAMPLE_POSITION).schema
        _write(_groups(counted()), schema, stream, bounds, tables)
        return Written(points=done)


def _groups(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Put neighbouring parts together until they are a row group."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= GROUP_ROWS:
            yield pa.concat_tables(waiting)
            waiting.clear()
    if waiting:
        yield pa.concat_tables(waiting)


def _write(
    groups: Iterable[pa.Table],
    schema: pa.Schema,
    stream: BinaryIO,
    bounds: Bounds,
    tables: SurveyTables,
) -> None:
    """Write each of ``groups`` as a row group; ``bounds`` are looked at when all are through."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    words = [field.name for field in schema if pa.types.is_large_string(field.type)]
    compared = [name for name in schema.names if name != GEOMETRY]
    with pq.ParquetWriter(
        _Sink(stream),
        schema,
        # With Zstandard files would be a third smaller, and writing them take a fifth longer.
        compression="snappy",
        use_dictionary=words,
        write_statistics=compared,
        store_schema=False,  # that words are "large" is nobody else's business
    ) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=GROUP_ROWS)
        writer.add_key_value_metadata({"geo": json.dumps(_geo(bounds)), **_left_out(tables)})


def _table(rows: pl.DataFrame, names: list[str], position: tuple[str, str]) -> pa.Table:
    """Return the columns ``names`` of ``rows``, and a point from the two columns ``position``."""
    import pyarrow as pa

    points = wkb_points(*(rows[name] for name in position))
    table = rows.select(names).to_arrow(compat_level=None)
    return table.append_column(pa.field(GEOMETRY, pa.binary()), points)


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
