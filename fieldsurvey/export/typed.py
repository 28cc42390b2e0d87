"""The exported columns as numbers, times and words, for formats that have types of their own.

Names, units and digits are those of :mod:`fieldsurvey.export.columns`: a decimal becomes the float
that reads like it, a time is cut to the millisecond. Must not fill in what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fieldsurvey.export import text
from fieldsurvey.export.columns import (
    asked_columns,
    drive_columns,
    read_by,
    sample_columns,
    test_columns,
    with_drives,
)
from fieldsurvey.export.tables import SurveyTables

if TYPE_CHECKING:
    import polars as pl

SAMPLE_POSITION = ("longitude_deg", "latitude_deg")
TEST_POSITION = ("start_longitude_deg", "start_latitude_deg")


class TypedSamples:
    """Makes the columns that were asked for; planned once, since that takes milliseconds."""

    def __init__(self, tables: SurveyTables) -> None:
        asked = asked_columns(tables, text.rounded)
        every = sample_columns(text.rounded)
        self.names = list(asked)
        self._columns = asked | {name: every[name] for name in SAMPLE_POSITION}
        self.read = read_by(self._columns)

    def __call__(self, block: pl.DataFrame) -> pl.DataFrame:
        """Return columns ``read`` of the seconds as ``names`` and the position they are at."""
        return _typed(block, self._columns)

    def none(self) -> pl.DataFrame:
        """Return the columns without a row."""
        import polars as pl

        from fieldsurvey.export.tables import SAMPLE_COLUMNS, schema

        nothing = pl.DataFrame(schema={**schema(SAMPLE_COLUMNS), "replayed": pl.Boolean()})
        return self(nothing.select(self.read))


def typed_tests(tables: SurveyTables) -> pl.DataFrame:
    """Return the tests with the columns of ``survey-tests.csv``."""
    return _typed(with_drives(tables, tables.tests), test_columns(text.rounded))


def typed_drives(tables: SurveyTables) -> pl.DataFrame:
    """Return the drives with the columns that FORMATS.md names."""
    return _typed(tables.drives, drive_columns())


def _typed(rows: pl.DataFrame, columns: Mapping[str, pl.Expr]) -> pl.DataFrame:
    import polars as pl
    import polars.selectors as cs

    rows, _words = text.with_words(rows, text.clean)
    return rows.select(**columns).with_columns(cs.datetime().cast(pl.Datetime("ms", "UTC")))
