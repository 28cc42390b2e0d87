"""Do networks hold at a large event? Several laptops at fixed points, against a usual day.

Percentiles over time, and each clock hour of the event against the same hour of the baseline. A
laptop that drives is not at a fixed point and is left out.
"""

import polars as pl

from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.ranks import median_ranks
from fieldsurvey.analysis.rates import FEWEST_RANKED, NO_SERVICE_BPS, ranked_bps, rated_tests
from fieldsurvey.analysis.scope import Scope

BIN_US = 5 * 60 * 1_000_000
HOUR_US = 3_600 * 1_000_000
FIXED_M = 200.0  # a receiver at rest wanders some tens of metres
KAZAKHSTAN_UTC_OFFSET_H = 5
ERROR = 0.05

_METRES_PER_DEGREE = 111_195.0

SERIES_COLUMNS: dict[str, pl.DataType] = {
    "bin_utc_us": pl.Int64(),  # its beginning
    "laptops": pl.Int64(),
    "tests": pl.Int64(),
    "no_service": pl.Int64(),
    # By rank over all laptops, tests without service lowest; null of fewer than five tests, and
    # where the rank had no service.
    "p10_bps": pl.Int64(),
    "p50_bps": pl.Int64(),
    "p90_bps": pl.Int64(),
}
_OF_DAY: dict[str, pl.DataType] = {
    "tests": pl.Int64(),
    "no_service": pl.Int64(),
    "p10_bps": pl.Int64(),
    "p50_bps": pl.Int64(),
    "p90_bps": pl.Int64(),
    "low_bps": pl.Int64(),  # of the median, with all hours' intervals right together at 95 %
    "high_bps": pl.Int64(),
}
HOUR_COLUMNS: dict[str, pl.DataType] = {
    "hour": pl.Int64(),  # of the clock, 0 to 23
    **{f"event_{name}": kind for name, kind in _OF_DAY.items()},
    **{f"baseline_{name}": kind for name, kind in _OF_DAY.items()},
    "verdict": pl.String(),  # the event was worse, better, undecided
    "busy": pl.Boolean(),  # the event's hour with the lowest median; several that are equal
}


def fixed(m: Measurements) -> Measurements:
    """Return what was measured by drives that hardly moved: no position further than 200 m from
    their middle. Drives without any position are none of them."""
    places = pl.concat(
        [
            m.samples.select("drive", "latitude_deg", "longitude_deg"),
            m.tests.select(
                "drive",
                pl.col("start_latitude_deg").alias("latitude_deg"),
                pl.col("start_longitude_deg").alias("longitude_deg"),
            ),
        ]
    ).drop_nulls()
    middle = places.with_columns(
        north=(pl.col("latitude_deg") - pl.col("latitude_deg").median().over("drive")),
        east=(pl.col("longitude_deg") - pl.col("longitude_deg").median().over("drive"))
        * pl.col("latitude_deg").radians().cos(),
    )
    off_m = (pl.col("north") ** 2 + pl.col("east") ** 2).sqrt() * _METRES_PER_DEGREE
    # One in a hundred may be a receiver's mistake.
    drives = middle.group_by("drive").agg(still=off_m.quantile(0.99, "lower") <= FIXED_M)
    return m.of_drives(drives.filter("still")["drive"])


def event_series(m: Measurements, scope: Scope, bin_us: int = BIN_US) -> pl.DataFrame:
    """Return ``SERIES_COLUMNS`` of the fixed laptops' evidence in scope, a row per bin."""
    tests = rated_tests(scope.apply(fixed(m.evidence())).tests)
    start = pl.col("started_utc_us")
    found = (
        tests.sort("rate")
        .group_by((start - start % bin_us).alias("bin_utc_us"))
        .agg(pl.col("drive").n_unique().alias("laptops"), *_percentiles())
    )
    return found.select(pl.col(name).cast(kind) for name, kind in SERIES_COLUMNS.items()).sort(
        "bin_utc_us"
    )


def compare_days(
    m: Measurements,
    event: Scope,
    baseline: Scope,
    utc_offset_h: float = KAZAKHSTAN_UTC_OFFSET_H,
) -> pl.DataFrame:
    """Return ``HOUR_COLUMNS``, a row per clock hour in which either day has tests.

    An hour is "worse" where the interval of the event's median lies below that of the baseline's,
    "better" where above. The error of all hours together is 5 % at most (Bonferroni), so that the
    busiest may be picked out.
    """
    still = fixed(m.evidence())
    days = [rated_tests(scope.apply(still).tests) for scope in (event, baseline)]
    clock = pl.col("started_utc_us") + int(utc_offset_h * HOUR_US)
    hours = [tests.with_columns(hour=clock // HOUR_US % 24) for tests in days]
    both = len(set(hours[0]["hour"]) & set(hours[1]["hour"]))
    error = ERROR / max(2 * both, 1)
    of_event, of_baseline = (
        _of_hours(tests, prefix, error)
        for tests, prefix in zip(hours, ("event_", "baseline_"), strict=True)
    )
    found = of_event.join(of_baseline, on="hour", how="full", coalesce=True)
    counts = [name for name in found.columns if name.endswith(("_tests", "_no_service"))]
    lowest = pl.col("event_rate").min()
    return (
        found.with_columns(
            pl.col(counts).fill_null(0),
            verdict=pl.when(pl.col("event_high") < pl.col("baseline_low"))
            .then(pl.lit("worse"))
            .when(pl.col("event_low") > pl.col("baseline_high"))
            .then(pl.lit("better"))
            .otherwise(pl.lit("undecided")),
            busy=(pl.col("event_rate") == lowest).fill_null(value=False),
        )
        .with_columns(
            pl.when(pl.col(f"{day}_{end}") != NO_SERVICE_BPS)
            .then(pl.col(f"{day}_{end}"))
            .alias(f"{day}_{end}_bps")
            for day in ("event", "baseline")
            for end in ("low", "high")
        )
        .select(pl.col(name).cast(kind) for name, kind in HOUR_COLUMNS.items())
        .sort("hour")
    )


def _percentiles() -> list[pl.Expr]:
    return [
        pl.len().alias("tests"),
        (pl.col("rate") == NO_SERVICE_BPS).sum().alias("no_service"),
        *(ranked_bps(percent).alias(f"p{percent}_bps") for percent in (10, 50, 90)),
    ]


def _of_hours(tests: pl.DataFrame, prefix: str, error: float) -> pl.DataFrame:
    """Return percentiles of each hour, and ``rate``, ``low``, ``high`` to rank by: the median and
    the ends of its interval."""
    found = (
        tests.sort("rate")
        .group_by("hour")
        .agg(*_percentiles(), pl.col("rate").alias("rates"))
        .sort("hour")
    )
    rows = [_interval(rates, error) for rates in found["rates"].to_list()]
    types = {"rate": pl.Int64(), "low": pl.Int64(), "high": pl.Int64()}
    return (
        found.drop("rates")
        .hstack(pl.DataFrame(rows, schema=types, orient="row"))
        .rename(lambda name: name if name == "hour" else prefix + name)
    )


def _interval(rates: list[int], error: float) -> tuple[int | None, int | None, int | None]:
    bounds = median_ranks(len(rates), error)
    middle = rates[(len(rates) - 1) // 2] if len(rates) >= FEWEST_RANKED else None
    if bounds is None:
        return middle, None, None
    return middle, rates[bounds[0]], rates[bounds[1]]
