"""What comes with a part of a place: all of it, and nothing of its neighbours."""

from dataclasses import replace

import polars as pl
import pytest

from fieldsurvey.analysis.cells import JUDGED_RESOLUTION, judge_cells
from fieldsurvey.analysis.measurements import Measurements
from fieldsurvey.analysis.stretches import judge_stretches
from fieldsurvey.analysis.targets import judged_by
from fieldsurvey.analysis.whole_places import whole_places
from tests.support.workbench_data import HIGHWAY, US, a_highway

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


def test_a_cell_that_is_marked_in_part_is_judged_whole() -> None:
    """In the open country, and where no places file was at hand."""
    m = a_highway(2_000, 300)
    off = [
        rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in rows.schema.items()
                          if name in ("highway_ref", "chainage_m", "settlement_id"))
        for rows in (m.tests, m.samples)
    ]  # fmt: skip
    m = replace(m, tests=off[0], samples=off[1])

    def judged(rows: Measurements) -> pl.DataFrame:
        return judge_cells(rows, judged_by(), now_utc_us=NOW_UTC_US, resolution=JUDGED_RESOLUTION)

    tests = pl.int_range(len(m.tests), eager=True).is_in([100, 101])
    none = pl.repeat(False, len(m.samples), eager=True)
    found = judged(whole_places(m, tests, none, ("operator",)))
    assert 1 <= len(found) <= 2
    assert set(found["operator"]) == {"Kcell"}
    assert found["tests"].min() > 2  # type: ignore[operator]
    whole = judged(m).join(found, on=["cell", "operator"], how="semi", maintain_order="left")
    assert found.equals(whole)


def test_a_test_that_runs_on_into_the_next_stretch_chooses_its_own() -> None:
    m = a_highway(2_000, 60)
    mine = pl.col("drive") == 0
    began_us = m.samples.filter(mine, pl.col("chainage_m") < 10_000)["utc_us"][-1]
    started = pl.when(pl.int_range(pl.len()) == 7).then(began_us).otherwise("started_utc_us")
    m = replace(m, tests=m.tests.with_columns(started_utc_us=started))
    tests = pl.int_range(len(m.tests), eager=True) == 7
    lasted = m.samples.select(
        mine & pl.col("utc_us").is_between(began_us, began_us + 2 * US)
    ).to_series()
    assert m.samples.filter(lasted)["chainage_m"].max() > 10_000  # type: ignore[operator]
    found = whole_places(m, tests, lasted, ("operator",), of_tests=True)
    for rows in (found.tests, found.samples):
        assert set(rows["chainage_m"] // 10_000) == {0}
    marked = whole_places(m, tests, lasted, ("operator",))
    assert set(marked.samples["chainage_m"] // 10_000) == {0, 1}, "seconds that were marked choose"
