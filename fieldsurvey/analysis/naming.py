"""Whose a drive's seconds are where its links have the operators.

Settled once, when measurements are opened, so that maps, tables, plans and reports know the same
operators. Must see all tests of a drive: what a filter leaves of them may name one of two.
"""

from dataclasses import replace

import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import OF_LINKS


def named(m: Measurements) -> Measurements:
    """Return ``m`` whose drives without an operator have that of their tests, where all name the
    same; of others it is told that their links have them. Access types likewise."""
    drives = m.drives
    for name, of_links in OF_LINKS.items():
        drives = _of_tests(drives, m.tests, name, of_links)
    return replace(m, drives=drives)


def _of_tests(drives: pl.DataFrame, tests: pl.DataFrame, name: str, of_links: str) -> pl.DataFrame:
    words = pl.col(name).cast(pl.String)
    told = tests.group_by("drive").agg(
        words.drop_nulls().min().alias("word"), words.n_unique().alias("words")
    )
    lacks = pl.col(name).is_null()
    planned = pl.col(of_links).fill_null(value=False)
    same = pl.when(lacks & ~planned & (pl.col("words") == 1)).then("word")
    return (
        drives.with_row_index("drive")
        .join(told, on="drive", how="left", maintain_order="left")
        .with_columns(pl.coalesce(name, same).alias(name))
        .with_columns((lacks & (planned | pl.col("word").is_not_null())).alias(of_links))
        .select(drives.columns)
    )
