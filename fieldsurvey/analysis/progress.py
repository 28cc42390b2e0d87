"""What each crew got done each day: kilometres, tests, and stretches that came to a verdict.

A crew is a laptop in HQ's archive, and a file where that is all there is. Days are Kazakhstan's: a
report must not change with the computer it is made on. Must not weigh one crew against another.
"""

import polars as pl

from fieldsurvey.analysis.judging import counted_tests, evidence
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.sequential import judge_counts
from fieldsurvey.analysis.stretches import JUDGED_LENGTH_M
from fieldsurvey.analysis.targets import JudgedBy
from fieldsurvey.model.tally import Result

ZONE = "Asia/Almaty"  # of the whole country since 1 March 2024

PROGRESS_COLUMNS: dict[str, pl.DataType] = {
    "day": pl.Date(),
    "crew": pl.String(),
    "km": pl.Int64(),  # different kilometres of highways; the same one twice a day counts once
    "tests": pl.Int64(),  # that say something of their place
    # Stretches of 10 km (of one operator) that had no verdict the evening before and have one now.
    # Of several crews on a stretch that day, each gets it.
    "decided": pl.Int64(),
}

_STRETCH = ("highway_ref", "from_m", "operator")


def progress(
    m: Measurements,
    rule: JudgedBy,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    *,
    now_utc_us: int,
) -> pl.DataFrame:
    """Return ``PROGRESS_COLUMNS``, a row per day and crew, sorted. Replayed drives never count.

    Verdicts are those of each evening by all evidence until then; that tests grow stale after a
    year is not followed back.
    """
    chosen = evidence(m, scope)
    tests = _with_crew(
        chosen, counted_tests(chosen, rule, now_utc_us).filter("counts"), "started_utc_us"
    )
    samples = _with_crew(chosen, chosen.samples, "utc_us")
    keys = ["day", "crew"]
    km = samples.group_by(keys).agg(
        pl.struct("highway_ref", (pl.col("chainage_m") // 1000).cast(pl.Int64))
        .filter(pl.col("highway_ref").is_not_null() & pl.col("chainage_m").is_not_null())
        .n_unique()
        .alias("km")
    )
    made = tests.group_by(keys).agg(pl.len().alias("tests"))
    found = km.join(made, on=keys, how="full", coalesce=True)
    found = found.join(_decided(tests, rule), on=keys, how="left")
    return (
        found.with_columns(pl.col("km", "tests", "decided").fill_null(0))
        .select(pl.col(name).cast(kind) for name, kind in PROGRESS_COLUMNS.items())
        .sort("day", "crew")
    )


def _with_crew(m: Measurements, rows: pl.DataFrame, time: str) -> pl.DataFrame:
    crew = m.drives.select(pl.coalesce("device", "source").alias("crew"))["crew"]
    local = pl.from_epoch(time, time_unit="us").dt.replace_time_zone("UTC")
    return rows.with_columns(
        crew=crew.gather(rows["drive"]), day=local.dt.convert_time_zone(ZONE).dt.date()
    ).filter(pl.col("day").is_not_null())


def _decided(tests: pl.DataFrame, rule: JudgedBy) -> pl.DataFrame:
    """Count by day and crew the stretches that came to a verdict."""
    result = pl.col("result").cast(pl.String)
    on_road = tests.filter(
        pl.col("highway_ref").is_not_null() & pl.col("chainage_m").is_not_null()
    ).with_columns(
        pl.col("highway_ref", "operator").cast(pl.String),
        from_m=(pl.col("chainage_m") // JUDGED_LENGTH_M).cast(pl.Int64),
        above=(result == Result.ABOVE.value).cast(pl.Int64),
        not_above=result.is_in([Result.BELOW.value, Result.NO_SERVICE.value]).cast(pl.Int64),
    )
    evenings = (
        on_road.group_by(*_STRETCH, "day")
        .agg(pl.col("above", "not_above").sum())
        .sort("day")
        .with_columns(pl.col("above", "not_above").cum_sum().over(_STRETCH))
    )
    verdict = judge_counts(
        evenings["above"].to_numpy(), evenings["not_above"].to_numpy(), rule
    ).verdict
    new = (
        evenings.with_columns(open=pl.Series(verdict == 0, dtype=pl.Boolean()))
        .with_columns(was_open=pl.col("open").shift(1).over(_STRETCH).fill_null(value=True))
        .filter(pl.col("was_open") & ~pl.col("open"))
    )
    return (
        on_road.select(*_STRETCH, "day", "crew")
        .unique()
        .join(new.select(*_STRETCH, "day"), on=[*_STRETCH, "day"], nulls_equal=True)
        .group_by("day", "crew")
        .agg(pl.len().alias("decided"))
    )


def distinct_km(m: Measurements, scope: Scope = Scope()) -> int:  # noqa: B008 - frozen
    """Return how many different kilometres of highways were driven in all."""
    samples = evidence(m, scope).samples.drop_nulls(["highway_ref", "chainage_m"])
    kilometre = (pl.col("chainage_m") // 1000).cast(pl.Int64)
    return int(samples.select(pl.struct("highway_ref", kilometre).n_unique()).item())
