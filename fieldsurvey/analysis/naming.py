"""Who an operator is however he was written, and whose a drive's seconds are where its links have
the operators.

Settled once, when measurements are opened, so that maps, tables, plans and reports know the same
operators. Must see all tests of a drive: what a filter leaves of them may name one of two.
"""

from collections import Counter
from dataclasses import replace

import polars as pl

from fieldsurvey.analysis.measurements import TEST_COLUMNS, Measurements
from fieldsurvey.analysis.scope import OF_LINKS, alike


def named(m: Measurements) -> Measurements:
    """Return ``m`` with one spelling of each operator. Drives without one have that of their tests,
    where all name the same; of others it is told that their links have them. Access types likewise.
    """
    m = _one_spelling(m)
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


def _one_spelling(m: Measurements) -> Measurements:
    """Return ``m`` in which operators whose names differ by case or spaces alone are one, as most
    tests spell it. What was recorded stays in its file."""
    of_tests = m.tests.group_by(pl.col("operator").cast(pl.String)).len().drop_nulls()
    counts: Counter[str] = Counter(dict(of_tests.iter_rows()))
    written = sorted({*counts, *m.drives["operator"].drop_nulls()})
    spelled: Counter[str] = Counter()
    for name in written:
        spelled[_plain(name)] += counts[name]
    usual: dict[str, str] = {}
    for name in sorted(spelled):
        other = usual.setdefault(alike(name), name)
        if spelled[name] > spelled[other]:
            usual[alike(name)] = name
    meant = {name: usual[alike(name)] or None for name in written}
    if all(name == spelling for name, spelling in meant.items()):
        return m
    operator = pl.col("operator").cast(pl.String)
    one = operator.replace_strict(meant, default=None, return_dtype=pl.String)
    return replace(
        m,
        drives=m.drives.with_columns(one),
        tests=m.tests.with_columns(one.cast(TEST_COLUMNS["operator"])),
    )


def _plain(name: str) -> str:
    return " ".join(name.split())
