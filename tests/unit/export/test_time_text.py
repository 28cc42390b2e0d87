"""Times say what ``strftime`` says, of any time and any unit."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.export.time_text import TIME_FORMAT, times_told

YEAR_0_US, YEAR_10000_US = -62_167_219_200_000_000, 253_402_300_800_000_000


@settings(max_examples=60, deadline=None)
@given(
    start=st.integers(YEAR_0_US, YEAR_10000_US),
    behind=st.lists(st.none() | st.integers(0, 10**13), max_size=20),
    unit=st.sampled_from(["us", "ms"]),
)
def test_as_strftime(start: int, behind: list[int | None], unit: str) -> None:
    times_us = [None if after is None else start + after for after in behind]
    times = pl.Series("t", times_us, dtype=pl.Int64).cast(pl.Datetime("us"))
    times = times.dt.cast_time_unit(unit)  # type: ignore[arg-type] # one of its words
    assert times_told(times).equals(times.dt.strftime(TIME_FORMAT), check_names=True)


@pytest.mark.parametrize("year", ["0001-01-01", "0000-12-31", "1969-12-31", "9999-12-31"])
def test_years_at_the_ends(year: str) -> None:
    time = pl.Series([f"{year}T23:59:59.999999Z"]).str.to_datetime(time_unit="us")
    assert times_told(time).to_list() == [f"{year}T23:59:59.999Z"]


def test_no_times() -> None:
    assert times_told(pl.Series([], dtype=pl.Datetime("us"))).to_list() == []
    assert times_told(pl.Series([None], dtype=pl.Datetime("us"))).to_list() == [None]
