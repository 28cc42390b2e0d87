"""Which part of what was measured a question is about: one filter for maps, tables and reports.

Must not judge, nor change a row. What is not known is in a scope only if it was asked for: None
among the words.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.model.errors import KnownError

BY = ("operator", "access_type", "technology", "campaign")

_OF_DRIVE = ("operator", "access_type", "campaign")
# What a drive's links may have instead of it, and the column of drives that says so.
OF_LINKS = {"operator": "operators_of_links", "access_type": "access_types_of_links"}

Words = Collection[str | None] | None


@dataclass(frozen=True, slots=True)
class Scope:
    """Each None is everything. ``first_utc_us``, ``end_utc_us``: from and (exclusive) to.

    A second has operator and access type of its drive, a test those of its link. Seconds of a drive
    whose links have them are in a scope only where neither is asked for. Words match however they
    are written, in capitals or with spaces about them.
    """

    operator: Words = None
    access_type: Words = None
    technology: Words = None
    campaign: Words = None
    first_utc_us: int | None = None
    end_utc_us: int | None = None

    def apply(self, m: Measurements) -> Measurements:
        """Return the rows in scope; drives stay whole, so that ``drive`` still holds."""
        if self == Scope():
            return m
        return replace(
            m,
            samples=_chosen(m, m.samples, self._conditions(m, "utc_us")),
            tests=_chosen(m, m.tests, self._conditions(m, "started_utc_us")),
        )

    def check(self, m: Measurements) -> None:
        """Raise KnownError ``analysis.no_such_operator`` (``…_campaign`` and so on) for a word that
        occurs nowhere in ``m``: nothing would be found, and it would look like no evidence."""
        for name in BY:
            known = sorted(_words_of(m, name))
            there = {alike(word) for word in known}
            for word in sorted(word for word in getattr(self, name) or () if word is not None):
                if alike(word) not in there:
                    raise KnownError(
                        f"analysis.no_such_{name}", word=word, known=", ".join(known) or "–"
                    )

    def _conditions(self, m: Measurements, time: str) -> dict[str, pl.Expr]:
        found = {
            name: pl.col(name).cast(pl.String).is_in(_meant(m, name, words), nulls_equal=True)
            for name in BY
            if (words := getattr(self, name)) is not None
        }
        if self.first_utc_us is not None:
            found["first"] = pl.col(time) >= self.first_utc_us
        if self.end_utc_us is not None:
            found["end"] = pl.col(time) < self.end_utc_us
        return found


def alike(word: str) -> str:
    """Return what words have in common that differ by case, or by spaces around and between."""
    return " ".join(word.split()).casefold()


def _meant(m: Measurements, name: str, words: Collection[str | None]) -> list[str | None]:
    """Return the words as they are written in ``m``."""
    asked = {alike(word) for word in words if word is not None}
    found: list[str | None] = [word for word in _words_of(m, name) if alike(word) in asked]
    return [*found, None] if None in words else found


def _words_of(m: Measurements, name: str) -> set[str]:
    """Return what occurs in a column of drives, tests or seconds."""
    tables = (table for table in (m.drives, m.tests, m.samples) if name in table.columns)
    return {word for table in tables for word in table[name].unique().cast(pl.String).drop_nulls()}


def _chosen(m: Measurements, rows: pl.DataFrame, conditions: dict[str, pl.Expr]) -> pl.DataFrame:
    lacking = [name for name in conditions if name in BY and name not in rows.columns]
    return (
        with_drive(m, of_one(m, rows, lacking), lacking)
        .filter(*conditions.values())
        .select(rows.columns)
    )


def with_drive(m: Measurements, rows: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Return ``rows`` of samples or tests with those columns of their drives that they lack."""
    lacking = [name for name in names if name not in rows.columns]
    if not lacking:
        return rows
    if unknown := set(lacking) - set(_OF_DRIVE):
        raise ValueError(f"no such columns: {sorted(unknown)}")
    return rows.with_columns(
        m.drives[name].cast(pl.Categorical).gather(rows["drive"]).alias(name) for name in lacking
    )


def of_one(m: Measurements, seconds: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Return the seconds without those that are of none of ``names`` because their drive's links
    are: of all operators together they tell something, of each by itself nothing, and "operator
    not recorded" would be a place that nobody has to drive."""
    of_links = [flag for name, flag in OF_LINKS.items() if name in names]
    drives = m.drives.with_row_index("drive").filter(pl.any_horizontal(of_links or pl.lit(False)))
    if drives.is_empty():
        return seconds
    return seconds.filter(~pl.col("drive").is_in(drives["drive"].implode()))


def training(m: Measurements) -> Measurements:
    """Return replayed drives alone, and as if they were evidence. Who shows what is made of them
    must say that it is none."""
    replayed = m.drives.with_row_index("drive").filter(pl.col("replayed"))["drive"]
    kept = m.of_drives(replayed)
    return replace(kept, drives=kept.drives.with_columns(replayed=~pl.col("replayed")))
