"""Which way along its highway a test went: what keeps the two sides of a road apart.

A test that fails at once has no way of its own: a name that is not found takes 3 ms, in which no
car moves. Its drive moved, though, and the places around it say which way. Only of a car that stood
or turned it is not known. Must not judge, nor leave a test out.
"""

import polars as pl

from fieldsurvey.analysis.measurements import Measurements

# Shorter ways are no ways: positions of a receiver at rest wander by some metres.
MOVED_M = 20.0
_APART_US = 10_000_000  # in which a car in a jam covers that
_AROUND_US = 300_000_000  # where seconds lack, the tests around are minutes away


def directions(m: Measurements, tests: pl.DataFrame) -> pl.Series:
    """Return ``direction`` of each of ``tests``, which are of ``m``: 1 with the kilometre posts, -1
    against them, 0 where nothing tells."""
    own = _sign(pl.col("end_chainage_m") - pl.col("chainage_m"))
    asked = tests.select(
        "drive", "highway_ref", "chainage_m", "end_chainage_m", "started_utc_us", "ended_utc_us"
    ).with_columns(direction=own)
    still = asked.with_row_index("row").filter(direction=0)
    if still.is_empty():
        return asked["direction"]
    known = _known_places(m, still["drive"])
    around = still.with_columns(
        before_m=_places_beside(still, known, "started_utc_us", -_APART_US),
        after_m=_places_beside(still, known, "ended_utc_us", _APART_US),
    )
    # Where a drive begins or ends there is but one side.
    came_m = (pl.col("chainage_m") - pl.col("before_m")).fill_null(0.0)
    went_m = pl.coalesce("after_m", "end_chainage_m", "chainage_m") - pl.col("chainage_m")
    # Who came from where he went to turned round here.
    turned = (_sign(came_m) * _sign(went_m)) < 0
    told = around.select("row", direction=pl.when(~turned).then(_sign(came_m + went_m)))
    return asked["direction"].scatter(told["row"], told["direction"].fill_null(0))


def _sign(moved_m: pl.Expr) -> pl.Expr:
    known = pl.when(moved_m.abs() >= MOVED_M).then(moved_m.sign())
    return known.fill_null(0).cast(pl.Int8)


def _known_places(m: Measurements, drives: pl.Series) -> pl.DataFrame:
    """Return where on which highway those drives were when, in order of time."""
    of_drives = pl.col("drive").is_in(drives.unique().implode())
    of_seconds = m.samples.lazy().select("drive", "highway_ref", "utc_us", "chainage_m")
    of_tests = m.tests.lazy().select(
        "drive", "highway_ref", pl.col("started_utc_us").alias("utc_us"), "chainage_m"
    )
    known = pl.concat([of_seconds, of_tests]).filter(of_drives).drop_nulls()
    return known.sort("utc_us").collect()


def _places_beside(tests: pl.DataFrame, known: pl.DataFrame, time: str, apart_us: int) -> pl.Series:
    """Return the known chainage next to ``apart_us`` from ``time``, away from the test; null where
    none is near."""
    found = (
        tests.select("row", "drive", "highway_ref", (pl.col(time) + apart_us).alias("utc_us"))
        .drop_nulls()
        .sort("utc_us")
        .join_asof(
            known,
            on="utc_us",
            by=["drive", "highway_ref"],
            strategy="backward" if apart_us < 0 else "forward",
            tolerance=_AROUND_US,
            check_sortedness=False,
        )
        .select("row", pl.col("chainage_m").alias("beside_m"))
    )
    return tests.select("row").join(found, on="row", how="left", maintain_order="left")["beside_m"]
