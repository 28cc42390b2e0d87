"""Rates of tests for comparisons: what counts, and where "no service" ranks.

A test without service has no rate, and yet it is worse than any: it ranks below all, and a
percentile that falls on it is null. Nothing missing becomes 0.
"""

import polars as pl

from fieldsurvey.model.tally import Result

FEWEST_RANKED = 5
NO_SERVICE_BPS = -1  # for ranking only, never shown


def rated_tests(tests: pl.DataFrame) -> pl.DataFrame:
    """Return the tests that have a download rate or met no service, with ``rate`` to rank by.

    A result that was tried again on a second server is there once; what our own side held back is
    not there.
    """
    result = pl.col("result").cast(pl.String)
    silent = result == Result.NO_SERVICE.value
    judged = result.is_in([Result.ABOVE.value, Result.BELOW.value, Result.UNDECIDED.value])
    return tests.filter(
        pl.col("started_utc_us").is_not_null(),
        silent | (judged & pl.col("download_bps").is_not_null()),
    ).with_columns(rate=pl.when(silent).then(NO_SERVICE_BPS).otherwise(pl.col("download_bps")))


def ranked_bps(percent: int, fewest: int = FEWEST_RANKED) -> pl.Expr:
    """Return, of rows sorted by ``rate``, the smallest rate that at least ``percent`` in a hundred
    do not exceed; null of fewer than ``fewest``, and where that rank had no service."""
    rank = (pl.len().cast(pl.Int64) * percent + 99) // 100
    found = pl.col("rate").get(rank - 1)
    return pl.when((pl.len() >= fewest) & (found != NO_SERVICE_BPS)).then(found)
