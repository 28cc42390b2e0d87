"""What comes with a part of a place: all of it, and nothing of its neighbours."""

import polars as pl
import pytest

from fieldsurvey.analysis.stretches import judge_stretches
from fieldsurvey.analysis.targets import judged_by
from fieldsurvey.analysis.whole_places import whole_places
from tests.support.workbench_data import HIGHWAY, a_highway

NOW_UTC_US = 1_800_000_000_000_000


@pytest.mark.parametrize("by", [(), ("operator",)])
def test_a_village_on_two_stretches_brings_no_part_of_the_other(by: tuple[str, ...]) -> None:
    m = a_highway(2_000, 60)
    border_m = 20_000
    in_village = (pl.col("chainage_m") - border_m).abs() < 1_500
    village = pl.when(in_village).then(pl.lit("village")).cast(pl.Categorical())
    m = m.__class__(
        m.drives,
        m.samples.with_columns(settlement_id=village),
        m.tests.with_columns(settlement_id=village),
    )
    marked = (
        pl.col("operator").cast(pl.String).eq("Kcell")
        & pl.col("chainage_m").is_between(15_000, border_m - 1)
    )  # fmt: skip
    tests = m.tests.select(marked).to_series()
    samples = pl.repeat(False, len(m.samples), eager=True)
    found = whole_places(m, tests, samples, by)
    operators = {"Kcell"} if by else {"Kcell", "Beeline"}
    assert set(found.tests["operator"].cast(pl.String)) == operators

    def judged(rows: object) -> pl.DataFrame:
        table = judge_stretches(rows, judged_by(), now_utc_us=NOW_UTC_US)  # type: ignore[arg-type]  # Measurements
        return table.filter(pl.col("operator").is_in(list(operators)))

    whole = judged(m).filter(from_m=10_000)
    assert judged(found).equals(whole), "the next stretch is not there, nor judged by a part"
    of_village = m.tests.filter(pl.col("settlement_id").is_not_null())
    kept = found.tests.filter(pl.col("settlement_id").is_not_null())
    mine = of_village.filter(pl.col("operator").cast(pl.String).is_in(list(operators)))
    assert set(kept["test_id"]) == set(mine["test_id"])
    assert set(found.tests["highway_ref"].drop_nulls().cast(pl.String)) == {HIGHWAY}
