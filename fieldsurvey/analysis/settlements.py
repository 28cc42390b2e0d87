"""Settlements, one verdict each: whatever was measured inside a border or a radius.

Must not decide what lies in a settlement: places do.
"""

from collections.abc import Sequence

import polars as pl

from fieldsurvey.analysis.judging import counted_tests, evidence, verdicts
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.scope import Scope
from fieldsurvey.analysis.targets import JudgedBy

SETTLEMENT_COLUMNS: dict[str, pl.DataType] = {
    "settlement_id": pl.String(),
    "settlement_name": pl.String(),  # as it was recorded with a test; null without one
}


def judge_settlements(
    m: Measurements,
    targets: JudgedBy,
    scope: Scope = Scope(),  # noqa: B008 - frozen
    *,
    now_utc_us: int,
    by: Sequence[str] = ("operator",),
) -> pl.DataFrame:
    """Return ``SETTLEMENT_COLUMNS``, ``by`` and ``VERDICT_COLUMNS`` of every settlement with
    evidence."""
    chosen = evidence(m, scope)
    found = verdicts(
        chosen,
        counted_tests(chosen, targets, now_utc_us),
        chosen.samples,
        ["settlement_id"],
        by,
        targets,
        now_utc_us,
    )
    names = (
        chosen.tests.drop_nulls("settlement_id")
        .group_by(pl.col("settlement_id").cast(pl.String))
        .agg(pl.col("settlement_name").drop_nulls().min())
    )
    return found.join(names, on="settlement_id", how="left", maintain_order="left").select(
        "settlement_id", "settlement_name", pl.exclude("settlement_id", "settlement_name")
    )
