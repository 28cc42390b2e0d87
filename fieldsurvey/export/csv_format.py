"""CSV (RFC 4180, UTF-8): one file with a row per second, beside it one with a row per test.

Empty is missing. Text that a spreadsheet would run as a formula gets an apostrophe in front;
:func:`original_text` takes it off again. Must not write a number nobody measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from fieldsurvey.export import text
from fieldsurvey.export.ahead import in_order
from fieldsurvey.export.columns import (
    asked_columns,
    decimal_places,
    read_by,
    test_columns,
    with_drives,
)
from fieldsurvey.export.exporter import Exporter, Progress, Written
from fieldsurvey.export.sample_blocks import sample_blocks
from fieldsurvey.export.tables import SurveyTables

if TYPE_CHECKING:
    import polars as pl

_TO_BE_QUOTED = r'[",\r\n]'
_FORMULA = re.compile(text.python_pattern(text.FORMULA))


@dataclass(frozen=True, slots=True)
class CsvTests:
    """One row per throughput test, whatever came of it."""

    name: str = "csv-tests"
    suffix: str = ".csv"
    media_type: str = "text/csv; charset=utf-8; header=present"
    companions: Mapping[str, Exporter] = field(default_factory=dict)

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write all tests in one go."""
        tests = with_drives(tables, tables.tests)
        columns = test_columns()
        _write_header(columns, stream)
        stream.write(_rows(tests, columns))
        progress(1.0)
        return Written(tests=len(tests))


@dataclass(frozen=True, slots=True)
class CsvSamples:
    """One row per second of each drive, with or without position or network."""

    name: str = "csv"
    suffix: str = ".csv"
    media_type: str = "text/csv; charset=utf-8; header=present"
    companions: Mapping[str, Exporter] = field(default_factory=lambda: {"-tests": CsvTests()})

    def write(self, tables: SurveyTables, stream: BinaryIO, progress: Progress) -> Written:
        """Write the samples piece by piece."""
        spelt, counted = asked_columns(tables), asked_columns(tables, text.last_places)
        read, places, done = read_by(spelt), decimal_places(), 0

        def formatted(block: pl.DataFrame) -> tuple[memoryview, int]:
            return _padded(block, counted, places) or _rows(block, spelt), len(block)

        _write_header(spelt, stream)
        for lines, count in in_order(sample_blocks(tables, read), formatted):
            stream.write(lines)
            done += count
            progress(done / max(done, tables.sample_count))
        return Written(points=done)


def original_text(cell: str) -> str:
    """Return what a text cell said before it was defused."""
    return cell[1:] if cell.startswith("'") and _FORMULA.search(cell) else cell


def _words(said: pl.Expr) -> pl.Expr:
    return text.defused(text.clean(said))


def _padded(
    block: pl.DataFrame, columns: Mapping[str, pl.Expr], places: Mapping[str, int]
) -> memoryview | None:
    import polars as pl

    from fieldsurvey.export.padded_lines import padded_lines

    try:
        counted = block.select(**columns)
    except pl.exceptions.InvalidOperationError:
        return None  # a number of more digits than an integer has
    return padded_lines(counted, places, _cell, end=b"\r\n")


@lru_cache(10_000)
def _cell(said: str) -> str:
    """Return a text as it stands in the file."""
    words = text.cleaned(said)
    if _FORMULA.search(words):
        words = "'" + words
    return '"' + words.replace('"', '""') + '"' if re.search(_TO_BE_QUOTED, words) else words


def _write_header(columns: Mapping[str, pl.Expr], stream: BinaryIO) -> None:
    stream.write((",".join(columns) + "\r\n").encode())


def _rows(rows: pl.DataFrame, columns: Mapping[str, pl.Expr]) -> memoryview:
    rows, words = text.with_words(rows, _words)
    quoted = bool(words.str.contains(_TO_BE_QUOTED).any())  # looking in every cell takes long
    return text.lines(rows.select(**columns), end="\r\n", quoted=quoted)
