"""The exported columns as numbers, times and words, for formats that have types of their own.

Names, units and digits are those of :mod:`fieldsurvey.export.columns`: a decimal becomes the float
that reads like it, a time is cut to the millisecond. Must not fill in what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fieldsurvey.export import text
from fieldsurvey.export.columns import (
    drive_columns,
    sample_columns,
    test_columns,
    with_drives,
)
from fieldsurvey.export.tables import SurveyTables

if TYPE_CHECKING:
    import polars as pl


def typed_samples(block: pl.DataFrame) -> pl.DataFrame:
    """Return seconds, with their ``replayed``, with the columns of ``survey.csv``."""
    return _typed(block, sample_columns(text.rounded))


def typed_tests(tables: SurveyTables) -> pl.DataFrame:
    """Return the tests with the columns of ``survey-tests.csv``."""
    return _typed(with_drives(tables, tables.tests), test_columns(text.rounded))


def typed_drives(tables: SurveyTables) -> pl.DataFrame:
    """Return the drives with the columns that FORMATS.md names."""
    return _typed(tables.drives, drive_columns())


def no_samples() -> pl.DataFrame:
    """Return the columns of the seconds without a row."""
    import polars as pl

    from fieldsurvey.export.tables import SAMPLE_COLUMNS, schema

    nothing = pl.DataFrame(schema={**schema(SAMPLE_COLUMNS), "replayed": pl.Boolean()})
    return _typed(nothing, sample_columns(text.rounded))


def _typed(rows: pl.DataFrame, columns: Mapping[str, pl.Expr]) -> pl.DataFrame:
    import polars as pl
    import polars.selectors as cs

    rows, _words = text.with_words(rows, text.clean)
    return rows.select(**columns).with_columns(cs.datetime().cast(pl.Datetime("ms", "UTC")))
