"""What is said of a group of tests and seconds, whatever the groups are: the columns of a verdict.

Counts are tests, not seconds, and only those of the year before ``now``; seconds say what there was
besides. What is dated later than ``now`` is not there at all. Replayed drives never count. Must not
know what a place is: its callers make the groups.
"""

from collections.abc import Sequence

import polars as pl

from fieldsurvey.analysis.as_of import later
from fieldsurvey.analysis.independence import independent
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.rates import NO_SERVICE_BPS, ranked_bps
from fieldsurvey.analysis.scope import BY, Scope, of_one, with_drive
from fieldsurvey.analysis.sequential import WORDS, judge_counts
from fieldsurvey.analysis.targets import JudgedBy
from fieldsurvey.model.radio import RadioTechnology
from fieldsurvey.model.tally import Result

VERDICT_COLUMNS: dict[str, pl.DataType] = {
    # Tests that count add up: ``tests`` = above + below + undecided_tests + no_service.
    "tests": pl.Int64(),
    "above": pl.Int64(),
    "below": pl.Int64(),
    "undecided_tests": pl.Int64(),  # speak for neither side
    "no_service": pl.Int64(),  # judged as not above
    # Say something of the place and do not count: too close to the one before, judged by another
    # target, or more than a year old.
    "left_out": pl.Int64(),
    "verdict": pl.String(),  # above, below, undecided
    "error_percent": pl.Float64(),  # of a verdict, at most
    "share_above": pl.Float64(),  # of above, below and no_service; null without any
    "share_low": pl.Float64(),  # 95 % interval that holds at all times together
    "share_high": pl.Float64(),
    "tests_needed": pl.Int64(),  # more, if the share stays; 0 where it is decided
    "tests_at_least": pl.Int64(),
    "oldest_utc_us": pl.Int64(),  # of the tests that count
    "newest_utc_us": pl.Int64(),
    # The newest test is more than a year old. Then the counts are those of the old tests, the
    # verdict is open, and tests_needed begins anew.
    "stale": pl.Boolean(),
    "seconds": pl.Int64(),  # of the year before now, in which somebody asked for service
    "seconds_with_service": pl.Int64(),
    "seconds_4g": pl.Int64(),  # of those with service, with 4G or better
    # Of the tests that count, in the target's layer, by rank: a rate that was measured. Tests
    # without service rank lowest. Null below five tests, and where the rank has no service.
    "median_bps": pl.Int64(),
    "p10_bps": pl.Int64(),
    "target_id": pl.String(),
    "target_version": pl.String(),
    "rule": pl.String(),
}

YEAR_US = 365 * 86_400 * 1_000_000

FOUR_G = (RadioTechnology.G4, RadioTechnology.G5_NSA, RadioTechnology.G5_SA)

# What a test can say of a place.
_SAYS = {
    Result.ABOVE: "above",
    Result.BELOW: "below",
    Result.UNDECIDED: "undecided_tests",
    Result.NO_SERVICE: "no_service",
}
_SECONDS = ("seconds", "seconds_with_service", "seconds_4g")


def evidence(m: Measurements, scope: Scope) -> Measurements:
    """Return the evidence in scope."""
    return scope.apply(m.evidence())


def counted_tests(
    m: Measurements, judged_by: JudgedBy, now_utc_us: int, *, on_road: bool = False
) -> pl.DataFrame:
    """Return the tests that say something of their place, with ``counts`` (is a pass of its own,
    and judged by this target) and ``fresh`` (of the year before now). ``on_road``: the place is a
    stretch of road, as :func:`fieldsurvey.analysis.independence.independent` means it."""
    says = m.tests.filter(
        pl.col("result").cast(pl.String).is_in([r.value for r in _SAYS]),
        ~later("started_utc_us", now_utc_us),
    )
    same_target = (pl.col("target_id").cast(pl.String) == judged_by.target_id) & (
        pl.col("target_bps") == judged_by.rate_bps
    )
    says = says.with_columns(
        counts=(
            # Where there was no service there was no target either.
            (pl.col("result").cast(pl.String) == Result.NO_SERVICE.value)
            | same_target.fill_null(value=False)
        )
        & pl.col("started_utc_us").is_not_null(),
        fresh=fresh("started_utc_us", now_utc_us),
    )
    judged = says.filter("counts")
    return pl.concat(
        [
            judged.with_columns(counts=independent(judged, on_road=on_road)),
            says.filter(~pl.col("counts")),
        ]
    )


def verdicts(
    m: Measurements,
    tests: pl.DataFrame,
    samples: pl.DataFrame,
    place: Sequence[str],
    by: Sequence[str],
    judged_by: JudgedBy,
    now_utc_us: int,
) -> pl.DataFrame:
    """Return ``place``, ``by`` and ``VERDICT_COLUMNS``, a row per group, sorted by it.

    ``tests``: of :func:`counted_tests`, with the columns of ``place``; ``samples`` likewise. Rows
    whose place is null are of none; seconds of several operators are of none of them.
    """
    if unknown := set(by) - set(BY):
        raise ValueError(f"cannot group by {sorted(unknown)}")
    keys = [*place, *by]
    there = pl.all_horizontal(pl.col(name).is_not_null() for name in place)
    of_tests = _of_tests(with_drive(m, tests.filter(there), by), keys)
    seconds = of_one(m, samples.filter(there), by)
    of_seconds = _of_seconds(with_drive(m, seconds, by), keys, now_utc_us)
    groups = of_tests.join(of_seconds, on=keys, how="full", coalesce=True, nulls_equal=True)
    judged = _judged(groups, keys, judged_by)
    words = [name for name in place if judged.schema[name] == pl.Categorical()]
    judged = judged.with_columns(pl.col(words).cast(pl.String))
    order = [pl.col(name).cast(pl.String) if name in by else pl.col(name) for name in keys]
    return judged.sort(order, nulls_last=True)


def fresh(time: str, now_utc_us: int) -> pl.Expr:
    """Return whether that column's time is in the year before now."""
    return pl.col(time).is_between(now_utc_us - YEAR_US, now_utc_us).fill_null(value=False)


def _of_tests(tests: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Count by group. Where a group has fresh tests, only these count."""
    rate = pl.when(pl.col("result").cast(pl.String) == Result.NO_SERVICE.value).then(NO_SERVICE_BPS)
    tests = tests.with_columns(
        any_fresh=(pl.col("fresh") & pl.col("counts")).any().over(keys),
        rate=rate.otherwise(pl.col("compared_bps")),
    ).with_columns(takes_part=pl.col("counts") & (pl.col("fresh") | ~pl.col("any_fresh")))
    taken = tests.filter("takes_part").sort("rate")
    result = pl.col("result").cast(pl.String)
    counts = taken.group_by(keys).agg(
        pl.len().cast(pl.Int64).alias("tests"),
        *((result == word.value).sum().cast(pl.Int64).alias(name) for word, name in _SAYS.items()),
        pl.col("started_utc_us").min().alias("oldest_utc_us"),
        pl.col("started_utc_us").max().alias("newest_utc_us"),
        ~pl.col("any_fresh").first().alias("stale"),
        ranked_bps(50).alias("median_bps"),
        ranked_bps(10).alias("p10_bps"),
    )
    rest = (
        tests.filter(~pl.col("takes_part"))
        .group_by(keys)
        .agg(pl.len().cast(pl.Int64).alias("left_out"))
    )
    return counts.join(rest, on=keys, how="full", coalesce=True, nulls_equal=True)


def _of_seconds(samples: pl.DataFrame, keys: list[str], now_utc_us: int) -> pl.DataFrame:
    # Asked of the words before they are grouped: a group makes texts of them.
    four_g = pl.col("technology").is_in([word.value for word in FOUR_G])
    reachable = pl.col("reachable")
    return (
        samples.lazy()
        .filter(fresh("utc_us", now_utc_us))
        .select(*keys, "reachable", four_g=reachable & four_g)
        .group_by(keys)
        .agg(
            reachable.count().cast(pl.Int64).alias("seconds"),
            reachable.sum().cast(pl.Int64).alias("seconds_with_service"),
            pl.col("four_g").sum().cast(pl.Int64).alias("seconds_4g"),
        )
        .collect()
    )


def _judged(groups: pl.DataFrame, keys: list[str], judged_by: JudgedBy) -> pl.DataFrame:
    """Add what follows from the counts."""
    counted = ("tests", *_SAYS.values(), "left_out", *_SECONDS)
    groups = groups.with_columns(
        pl.col(counted).fill_null(0), pl.col("stale").fill_null(value=False)
    )
    above = groups["above"].to_numpy()
    not_above = (groups["below"] + groups["no_service"]).to_numpy()
    shown = judge_counts(above, not_above, judged_by)
    # Of a stale group the counts are shown, and as if there were none it is judged.
    fresh = ~groups["stale"].to_numpy()
    judged = judge_counts(above * fresh, not_above * fresh, judged_by)
    verdict = pl.Series([WORDS[word] for word in judged.verdict.tolist()], dtype=pl.String)
    return groups.with_columns(
        verdict=verdict,
        error_percent=pl.lit(judged_by.error_percent),
        share_above=pl.Series(shown.share, nan_to_null=True),
        share_low=pl.Series(shown.share_low, nan_to_null=True),
        share_high=pl.Series(shown.share_high, nan_to_null=True),
        tests_needed=pl.Series(judged.tests_needed),
        tests_at_least=pl.Series(judged.tests_at_least),
        target_id=pl.lit(judged_by.target_id),
        target_version=pl.lit(judged_by.target_version),
        rule=pl.lit(judged_by.rule),
    ).select(*keys, *(pl.col(name).cast(kind) for name, kind in VERDICT_COLUMNS.items()))
