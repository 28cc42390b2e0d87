"""Highways, stretch by stretch: kilometre posts decide where one ends.

Ten kilometres are judged; one kilometre and a hundred metres are shown, by the same function, and
will mostly say "not enough data". A test belongs to the stretch it began in.
"""

from collections.abc import Sequence

import polars as pl

from fieldsurvey.analysis.judging import counted_tests, evidence, verdicts
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.targets import JudgedBy

JUDGED_LENGTH_M = 10_000

STRETCH_COLUMNS: dict[str, pl.DataType] = {
    "highway_ref": pl.String(),
    "from_m": pl.Int64(),  # chainage
    "to_m": pl.Int64(),  # exclusive
}


def judge_stretches(
    m: Measurements,
    targets: JudgedBy,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    length_m: int = JUDGED_LENGTH_M,
    *,
    now_utc_us: int,
    by: Sequence[str] = ("operator",),
) -> pl.DataFrame:
    """Return ``STRETCH_COLUMNS``, ``by`` and ``VERDICT_COLUMNS`` of every stretch with evidence.

    ``by`` keeps apart what must not be mixed, of :data:`fieldsurvey.analysis.scope.BY`.
    """
    chosen = evidence(m, scope)
    found = verdicts(
        chosen,
        _on_stretches(counted_tests(chosen, targets, now_utc_us, on_road=True), length_m),
        _on_stretches(chosen.samples, length_m),
        ["highway_ref", "from_m"],
        by,
        targets,
        now_utc_us,
    )
    return found.select(
        "highway_ref",
        "from_m",
        (pl.col("from_m") + length_m).alias("to_m"),
        pl.exclude("highway_ref", "from_m"),
    )


def _on_stretches(rows: pl.DataFrame, length_m: int) -> pl.DataFrame:
    number = (pl.col("chainage_m") / length_m).floor().cast(pl.Int64)
    return rows.with_columns(from_m=number * length_m)
