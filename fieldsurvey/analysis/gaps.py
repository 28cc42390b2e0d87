"""What to drive next, and how far the crews are.

A place is a gap while it was not driven, has no verdict, or has one that is more than a year old:
for each operator by itself, so that one operator's verdict fills no other's gap. Must not plan
routes: it says where, and how many tests.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import polars as pl

from fieldsurvey.analysis.as_of import until
from fieldsurvey.analysis.event import HOUR_US, KAZAKHSTAN_UTC_OFFSET_H
from fieldsurvey.analysis.judging import counted_tests
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.register import Register, ended, stretches_of
from fieldsurvey.analysis.scope import BY, with_drive
from fieldsurvey.analysis.sequential import judge_counts
from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M
from fieldsurvey.analysis.targets import JudgedBy
from fieldsurvey.analysis.whole_places import ON_HIGHWAY
from fieldsurvey.model.clock import US_PER_S
from fieldsurvey.model.verdict import Verdict

KM_M = 1_000
DAY_US = 24 * HOUR_US

NOT_DRIVEN, STALE, UNDECIDED = "not_driven", "stale", "undecided"

_LACKING: dict[str, pl.DataType] = {
    "reason": pl.String(),  # not_driven, stale, undecided
    "tests": pl.Int64(),
    "tests_needed": pl.Int64(),
    "newest_utc_us": pl.Int64(),
}

# Besides the columns that places were judged by.
GAP_COLUMNS: dict[str, pl.DataType] = {
    "highway_ref": pl.String(),
    "from_m": pl.Int64(),
    "to_m": pl.Int64(),
    **_LACKING,
}
SETTLEMENT_GAP_COLUMNS: dict[str, pl.DataType] = {"settlement_id": pl.String(), **_LACKING}

PROGRESS_COLUMNS: dict[str, pl.DataType] = {
    "crew": pl.String(),  # the device, else the file it came from
    "day_utc_us": pl.Int64(),  # when the day of the clock begins
    "km_driven": pl.Int64(),  # different kilometres of highway
    "tests": pl.Int64(),  # that say something of a place, each pass once
    # That have a verdict now to which its tests of that day belong: of the same operator, and not
    # so old that they count no more.
    "decided_stretches": pl.Int64(),
}


def find_gaps(
    judged: pl.DataFrame,
    judged_by: JudgedBy,
    places: Register | None,
    length_m: int = JUDGED_LENGTH_M,
    operators: Sequence[str | None] = (),
) -> pl.DataFrame:
    """Return ``GAP_COLUMNS`` of the stretches that need tests, along their highways.

    ``judged``: of :func:`fieldsurvey.analysis.stretches.judge_stretches`, of ``length_m``. With
    ``places``, stretches without any evidence are among them, for each of the operators (or what
    else they were judged by) that has any on a highway; judged by operator, also for each of
    ``operators``: who has tests elsewhere.
    """
    by = [name for name in BY if name in judged.columns]
    if places is not None:
        there = stretches_of(places, length_m)
        groups = judged.select(pl.col(by).cast(pl.String))
        if by == ["operator"]:
            groups = pl.concat([groups, _operators(operators)])
        judged = judged.with_columns(pl.col(by).cast(pl.String))
        judged = _with_others(judged, there.drop("to_m"), groups.unique())
        judged = ended(judged, places, length_m)
    return _gaps(judged, by, judged_by, GAP_COLUMNS)


def find_settlement_gaps(
    judged: pl.DataFrame,
    judged_by: JudgedBy,
    settlement_ids: Sequence[str],
    operators: Sequence[str | None],
) -> pl.DataFrame:
    """Return ``SETTLEMENT_GAP_COLUMNS`` and ``operator`` of the settlements that need tests.

    ``judged``: of :func:`fieldsurvey.analysis.settlements.judge_settlements`, by operator.
    ``settlement_ids``: all there are; ``operators``: who has tests anywhere, and so lacks them in
    each of these where it has none.
    """
    judged = judged.with_columns(pl.col("operator").cast(pl.String))
    there = pl.DataFrame({"settlement_id": settlement_ids}, schema={"settlement_id": pl.String()})
    judged = _with_others(judged, there, _operators(operators))
    return _gaps(judged, ["operator"], judged_by, SETTLEMENT_GAP_COLUMNS)


def progress(
    m: Measurements,
    judged: pl.DataFrame,
    judged_by: JudgedBy,
    now_utc_us: int,
    length_m: int = JUDGED_LENGTH_M,
    utc_offset_h: float = KAZAKHSTAN_UTC_OFFSET_H,
) -> pl.DataFrame:
    """Return ``PROGRESS_COLUMNS`` of the evidence, a row per crew and day."""
    evidence = until(m.evidence(), now_utc_us)
    offset_us = int(utc_offset_h * HOUR_US)
    driven = _of_crews(evidence, evidence.samples, "utc_us", offset_us)
    km = (pl.col("chainage_m") / KM_M).floor()
    tests = _passes(evidence, judged_by, now_utc_us)
    tested = _of_crews(evidence, tests, "started_utc_us", offset_us)
    keys = ["crew", "day_utc_us"]
    of_km = (
        driven.filter(pl.col("highway_ref").is_not_null())
        .group_by(keys)
        .agg(pl.struct("highway_ref", km).n_unique().alias("km_driven"))
    )
    of_tests = tested.group_by(keys).agg(pl.len().alias("tests"))
    decided = _decided(with_drive(m, tested.filter("fresh"), BY), judged, length_m)
    of_decided = decided.group_by(keys).agg(pl.len().alias("decided_stretches"))
    found = driven.select(keys).unique()
    for counts in (of_km, of_tests, of_decided):
        found = found.join(counts, on=keys, how="full", coalesce=True)
    return (
        found.with_columns(pl.exclude(keys).fill_null(0))
        .select(pl.col(name).cast(kind) for name, kind in PROGRESS_COLUMNS.items())
        .sort(keys)
    )


def day_name(day_utc_us: int, utc_offset_h: float = KAZAKHSTAN_UTC_OFFSET_H) -> str:
    """Return the date of a day of :func:`progress`, as "2026-05-18"."""
    here = timezone(timedelta(hours=utc_offset_h))
    return datetime.fromtimestamp(day_utc_us // US_PER_S, here).date().isoformat()


def _passes(m: Measurements, judged_by: JudgedBy, now_utc_us: int) -> pl.DataFrame:
    """Return the tests that count in any place: on a highway a car that waits is one look; in a
    village on it they may be many."""
    m = replace(m, tests=m.tests.with_row_index("row"))
    on_road = counted_tests(m, judged_by, now_utc_us, on_road=True).filter("counts", ON_HIGHWAY)
    elsewhere = ~ON_HIGHWAY | pl.col("settlement_id").is_not_null()
    return (
        counted_tests(m, judged_by, now_utc_us)
        .filter((pl.col("counts") & elsewhere) | pl.col("row").is_in(on_road["row"].implode()))
        .drop("row")
    )


def _operators(names: Sequence[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"operator": names}, schema={"operator": pl.String()})


def _with_others(judged: pl.DataFrame, there: pl.DataFrame, groups: pl.DataFrame) -> pl.DataFrame:
    """Add the places of ``there`` that have no evidence of one of ``groups``; where nobody is known
    at all they are nobody's."""
    by = groups.columns
    if by and groups.is_empty():
        groups = pl.DataFrame({name: [None] for name in by}, schema=groups.schema)
    return (there.join(groups, how="cross") if by else there).join(
        judged, on=[*there.columns, *by], how="full", coalesce=True, nulls_equal=True
    )


def _gaps(
    judged: pl.DataFrame, by: Sequence[str], judged_by: JudgedBy, columns: dict[str, pl.DataType]
) -> pl.DataFrame:
    """Keep what lacks tests, in order of its place; what has no evidence lacks as many as decide
    from nothing."""
    (needed,) = judge_counts(np.zeros(1, np.int64), np.zeros(1, np.int64), judged_by).tests_needed
    reason = (
        pl.when(pl.col("verdict").is_null())
        .then(pl.lit(NOT_DRIVEN))
        .when("stale")
        .then(pl.lit(STALE))
        .when(pl.col("verdict") == Verdict.UNDECIDED)
        .then(pl.lit(UNDECIDED))
    )
    place = [name for name in columns if name not in _LACKING]
    return (
        judged.with_columns(
            reason=reason,
            tests=pl.col("tests").fill_null(0),
            tests_needed=pl.col("tests_needed").fill_null(int(needed)),
        )
        .filter(pl.col("reason").is_not_null())
        .select(*by, *(pl.col(name).cast(kind) for name, kind in columns.items()))
        .sort(*place, *(pl.col(name).cast(pl.String) for name in by))
    )


def _of_crews(m: Measurements, rows: pl.DataFrame, time: str, offset_us: int) -> pl.DataFrame:
    crew = m.drives.select(pl.coalesce("device", "source")).to_series()
    day = (pl.col(time) + offset_us) // DAY_US * DAY_US - offset_us
    return rows.with_columns(
        crew.gather(rows["drive"]).alias("crew"), day.alias("day_utc_us")
    ).filter(pl.col("day_utc_us").is_not_null())


def _decided(tested: pl.DataFrame, judged: pl.DataFrame, length_m: int) -> pl.DataFrame:
    """Return crew, day and stretch where a stretch has a verdict that tests of that day are of."""
    by = [name for name in BY if name in judged.columns]
    place = ["highway_ref", "from_m"]
    decided = judged.filter(pl.col("verdict") != Verdict.UNDECIDED)
    number = (pl.col("chainage_m") / length_m).floor().cast(pl.Int64)
    # Whose tests they are: another operator's verdict is no work of theirs.
    there = tested.select(
        "crew",
        "day_utc_us",
        pl.col("highway_ref", *by).cast(pl.String),
        from_m=number * length_m,
    )
    whose = decided.select(pl.col("highway_ref", *by).cast(pl.String), "from_m")
    found = there.join(whose.unique(), on=[*place, *by], how="semi", nulls_equal=True)
    return found.select("crew", "day_utc_us", *place).drop_nulls(place).unique()
