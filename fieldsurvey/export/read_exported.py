"""Our own exports: CSV, GeoJSON and GeoParquet, each a pair of files that are read together.

Whoever names one of the pair gets both, where both are there: half a drive would be refused the
other half later. Ids and what was replayed stay as they were. Must not judge anew.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from fieldsurvey.export.columns import sample_columns
from fieldsurvey.export.csv_format import original_text
from fieldsurvey.export.delimited import find_layout
from fieldsurvey.export.exported_columns import (
    StrangeCellError,
    not_asked_unless_told,
    sample_rows,
    strange_cell,
    test_rows,
)
from fieldsurvey.export.reading import Piece
from fieldsurvey.export.source import Source
from fieldsurvey.export.tables import CHUNK_ROWS
from fieldsurvey.model.errors import KnownError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow.parquet as pq

_PIECE_ROWS = CHUNK_ROWS
_SAMPLE_MARKS = {"sampled_utc", "no_service_cause"}
_TEST_MARKS = {"test_id", "started_utc", "download_mbps"}
_NEEDED = ("drive_id", "sampled_utc")  # of a second: without them it might be counted twice


class _Pair:
    """Reads tests first, since there are few, then seconds piece by piece."""

    name = ""
    has_zone = True
    exported = True
    companion = ""  # behind the name of the main file
    companion_suffix: str | None = None  # that of the main file where None
    main_suffixes: tuple[str, ...] = ()  # by which a companion of another suffix finds it
    main_has_tests = False

    def frames(self, path: Path) -> Iterator[pl.DataFrame]:
        """Yield what a file holds, a column for each exported one."""
        raise NotImplementedError

    def recognises(self, source: Source) -> bool:
        raise NotImplementedError

    def holds_tests(self, path: Path) -> bool:
        """Tell by its content whether a file of the pair is the one with the tests."""
        raise NotImplementedError

    def read(self, source: Source, zone: str) -> Iterator[Piece]:
        import polars as pl

        main, companion = self._both(source.path)
        files = [main, companion] if self.main_has_tests else [companion, main]
        there = [path for path in files if path.exists()]
        for number, path in enumerate(there):
            try:
                for frame in self.frames(path):
                    if not len(frame):
                        continue
                    share = (number + 1) / len(there)
                    yield _piece(frame, path, share)
            except StrangeCellError as error:
                raise strange_cell(error, path) from error
            except (pl.exceptions.PolarsError, ValueError, KeyError) as error:
                raise KnownError("import.unreadable", path=path, reason=error) from error

    def _both(self, path: Path) -> tuple[Path, Path]:
        """Return the main file and its companion. The name alone does not say which one a file is:
        ``north-tests.csv`` may have been the name that somebody chose."""
        plain = path.with_suffix("") if path.suffix == ".gz" else path
        named_so = plain.stem.endswith(self.companion)
        if named_so and self.holds_tests(path) != self.main_has_tests:
            stem = plain.stem.removesuffix(self.companion)
            suffixes = self.main_suffixes or [plain.suffix]
            return _there([plain.with_name(stem + suffix) for suffix in suffixes]), path
        suffix = self.companion_suffix or plain.suffix
        return path, _there([plain.with_name(plain.stem + self.companion + suffix)])


def _there(paths: list[Path]) -> Path:
    """Return the first of them that is there, packed or not; else the first."""
    either = [one for path in paths for one in (path, path.with_name(f"{path.name}.gz"))]
    return next(filter(Path.exists, either), paths[0])


def _piece(frame: pl.DataFrame, path: Path, share: float) -> Piece:
    names = set(frame.columns)
    for name in (*_NEEDED, "started_utc"):
        if name in names and frame[name].has_nulls():
            raise StrangeCellError(name, "")
    if names >= _TEST_MARKS:
        return Piece(tests=test_rows(frame), rows=len(frame), share=share)
    if missing := [name for name in _NEEDED if name not in names]:
        raise KnownError("import.needed_columns", path=path, names=", ".join(missing))
    absent = {name for name in sample_columns() if name not in names}
    samples = not_asked_unless_told(sample_rows(frame))
    return Piece(samples=samples, rows=len(frame), absent_columns=absent, share=share)


def _is_choice(names: set[str]) -> bool:
    """Tell whether these are columns of our seconds and nothing else."""
    return bool(names) and names <= set(sample_columns())


class ExportedCsv(_Pair):
    """``survey.csv`` and ``survey-tests.csv``."""

    name = "fieldsurvey-csv"
    companion = "-tests"

    def recognises(self, source: Source) -> bool:
        def ours(names: set[str]) -> bool:
            plain = [{mark.replace("_", "") for mark in m} for m in (_SAMPLE_MARKS, _TEST_MARKS)]
            return any(names >= marks for marks in plain)

        first = source.head_text.partition("\n")[0].strip().replace(";", ",")
        return find_layout(source, ours) is not None or _is_choice(set(first.split(",")))

    def holds_tests(self, path: Path) -> bool:
        return "test_id" in Source(path).head_text.partition("\n")[0]

    def frames(self, path: Path) -> Iterator[pl.DataFrame]:
        import polars as pl

        with Source(path).opened_text() as (stream, _share):
            reader = csv.reader(stream, delimiter=_delimiter(stream))
            header = next(reader)
            for rows in _in_pieces(reader):
                if any(len(row) != len(header) for row in rows):
                    raise ValueError("a row has another number of cells than the header")
                columns = zip(*rows, strict=True)
                yield pl.DataFrame(
                    {name: _cells(values) for name, values in zip(header, columns, strict=True)},
                    schema=dict.fromkeys(header, pl.String),
                )


def _delimiter(stream: TextIO) -> str:
    """Return the comma, or the semicolon that a spreadsheet made of it."""
    first = stream.readline()
    stream.seek(0)
    return ";" if first.count(";") > first.count(",") else ","


def _cells(values: Iterable[str]) -> list[str | None]:
    """Take empty for missing, and the apostrophe off what it defused."""
    return [None if not value else original_text(value) for value in values]


def _in_pieces(reader: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    rows: list[list[str]] = []
    for row in reader:
        if row:
            rows.append(row)
        if len(rows) == _PIECE_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


class ExportedGeoJson(_Pair):
    """``survey.geojson`` with the tests and ``survey-samples.geojsonl``."""

    name = "fieldsurvey-geojson"
    companion = "-samples"
    companion_suffix = ".geojsonl"
    main_suffixes = (".geojson", ".json", ".GEOJSON", ".JSON")
    main_has_tests = True

    def recognises(self, source: Source) -> bool:
        head = source.head_text
        if not (head.lstrip("\ufeff \r\n\t").startswith("{") and '"Feature' in head):
            return False
        if '"test_id"' in head or '"sampled_utc"' in head:
            return True
        # Of a survey without tests the collection is empty: it is known by its companion alone.
        _main, companion = self._both(source.path)
        return companion.is_file() and '"sampled_utc"' in Source(companion).head_text

    def holds_tests(self, path: Path) -> bool:
        return '"FeatureCollection"' in Source(path).head_text[:200]

    def frames(self, path: Path) -> Iterator[pl.DataFrame]:
        import polars as pl

        with Source(path).opened_text() as (stream, _share):
            if self.holds_tests(path):
                features = json.load(stream)["features"]
                rows = [feature["properties"] for feature in features]
                if rows:
                    yield pl.DataFrame(rows, infer_schema_length=None)
                return
            while lines := [line for line in _next_lines(stream) if line.strip("\x1e\r\n ")]:
                rows = [json.loads(line.strip("\x1e\r\n "))["properties"] for line in lines]
                yield pl.DataFrame(rows, infer_schema_length=None)


def _next_lines(stream: TextIO) -> list[str]:
    return [line for line, _ in zip(stream, range(_PIECE_ROWS), strict=False)]


class ExportedParquet(_Pair):
    """``survey.parquet`` and ``survey-tests.parquet``."""

    name = "fieldsurvey-parquet"
    companion = "-tests"

    def recognises(self, source: Source) -> bool:
        if not source.head.startswith(b"PAR1"):
            return False
        names = set(_parquet_file(source.path).schema_arrow.names)
        full = names >= _SAMPLE_MARKS or names >= _TEST_MARKS
        return full or _is_choice(names - {"geometry"})

    def holds_tests(self, path: Path) -> bool:
        return "test_id" in _parquet_file(path).schema_arrow.names

    def frames(self, path: Path) -> Iterator[pl.DataFrame]:
        import polars as pl

        file = _parquet_file(path)
        names = [name for name in file.schema_arrow.names if name != "geometry"]
        for batch in file.iter_batches(_PIECE_ROWS, columns=names):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame


def _parquet_file(path: Path) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise KnownError("import.unreadable", path=path, reason=error) from error
