"""What a test's row says beyond its own record: what it counts as, its operator, its radio.

The same for every source, so that a test cannot count otherwise in the archive than in its survey.
"""

import polars as pl

from fieldsurvey.analysis.measurements import TEST_COLUMNS
from fieldsurvey.export.positions import test_position_known
from fieldsurvey.export.radio_of_tests import radio_is_of_test
from fieldsurvey.model.tally import Result, result_of
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.model.verdict import Verdict

_SECOND_US = 1_000_000
# Of a test's own second or the one before; seconds are up to one and a half apart.
_RADIO_AGE_US = 2 * _SECOND_US
_RADIO = ("technology", "rsrp_dbm", "sinr_db")
_NO_LIMITS = ("", "[]")


def finished_tests(
    tests: pl.DataFrame, drives: pl.DataFrame, samples: pl.DataFrame
) -> pl.DataFrame:
    """Return ``TEST_COLUMNS`` of tests that lack ``result`` and what the radio said, and have
    besides: ``limits`` (a JSON array), ``start_fix_age_us``, ``end_fix_age_us``,
    ``end_highway_ref``."""
    drive = pl.col("drive").cast(pl.UInt32)
    tests = tests.with_columns(drive)
    of_drive = {name: drives[name].gather(tests["drive"]) for name in ("operator", "access_type")}
    tests = tests.with_columns(
        *(pl.coalesce(pl.col(name).cast(pl.String), of_drive[name]) for name in of_drive),
        *_positions(tests),
        # A test that ended on another highway has no second kilometre on this one.
        end_chainage_m=pl.when(
            pl.col("end_highway_ref").cast(pl.String) == pl.col("highway_ref").cast(pl.String)
        ).then("end_chainage_m"),
        result=_results(tests),
    )
    tests = _with_radio(_contradicted(tests), samples)
    return tests.select(pl.col(name).cast(kind) for name, kind in TEST_COLUMNS.items())


def _positions(tests: pl.DataFrame) -> list[pl.Expr]:
    return [
        pl.when(test_position_known(end)).then(pl.col(f"{end}_{name}")).alias(f"{end}_{name}")
        for end in ("start", "end")
        for name in ("latitude_deg", "longitude_deg")
    ]


def _results(tests: pl.DataFrame) -> pl.Series:
    """Ask for each combination that occurs once, however many tests there are."""
    told = tests.select(
        pl.col("outcome", "cause", "verdict").cast(pl.String),
        limited=~pl.col("limits").fill_null("").is_in(_NO_LIMITS),
        repeats=pl.col("confirms").is_not_null(),
    )
    kinds = told.unique()
    words = [
        result_of(
            Outcome(row["outcome"]),
            None if row["cause"] is None else Cause(row["cause"]),
            None if row["verdict"] is None else Verdict(row["verdict"]),
            limited=row["limited"],
            repeats=row["repeats"],
        ).value
        for row in kinds.iter_rows(named=True)
    ]
    known = kinds.with_columns(result=pl.Series(words, dtype=pl.String))
    keys = kinds.columns
    return told.join(known, on=keys, how="left", nulls_equal=True, maintain_order="left")["result"]


def _contradicted(tests: pl.DataFrame) -> pl.DataFrame:
    """Let a result below target that a second server did not bear out be undecided, as the tally
    does: same link, same target."""
    same = ["link", "target_id", "target_version"]
    above = tests.filter(
        (pl.col("result") == Result.REPEATED.value)
        & (pl.col("verdict").cast(pl.String) == Verdict.ABOVE.value)
    ).select(pl.col("confirms").alias("test_id"), *same, contradicted=pl.lit(value=True))
    keys = ["test_id", *same]
    return (
        tests.join(above.unique(), on=keys, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(
            result=pl.when((pl.col("result") == Result.BELOW.value) & pl.col("contradicted"))
            .then(pl.lit(Result.UNDECIDED.value))
            .otherwise("result")
        )
        .drop("contradicted")
    )


def _with_radio(tests: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Add what the modem said in the second in which a test began, or the one before, where it
    was the modem of the test."""
    said = (
        samples.lazy()
        .filter(pl.col("technology").is_not_null() & pl.col("utc_us").is_not_null())
        .select("drive", "utc_us", *_RADIO)
        .collect()
    )
    if not said["utc_us"].is_sorted():  # to look takes a twentieth of sorting
        said = said.sort("utc_us")
    asked = tests.with_row_index("row").filter(
        pl.col("started_utc_us").is_not_null(), radio_is_of_test("drive", pl.col("access_type"))
    )
    found = (
        asked.select("row", "drive", "started_utc_us")
        .sort("started_utc_us")
        .join_asof(
            said,
            left_on="started_utc_us",
            right_on="utc_us",
            by="drive",
            strategy="backward",
            tolerance=_RADIO_AGE_US,
            check_sortedness=False,
        )
        .select("row", *_RADIO)
    )
    return tests.with_row_index("row").join(found, on="row", how="left", maintain_order="left")
