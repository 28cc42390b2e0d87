"""Laptops at fixed points over time, and an event's hours against those of a usual day."""

import random
from typing import Any

import pytest

from fieldsurvey.analysis.event import (
    HOUR_COLUMNS,
    HOUR_US,
    SERIES_COLUMNS,
    compare_days,
    event_series,
    fixed,
)
from fieldsurvey.analysis.scope import Scope
from tests.support.analysis_rows import DAY_US, NOW_UTC_US, S, measurements

MIDNIGHT_UTC_US = NOW_UTC_US // DAY_US * DAY_US - 10 * DAY_US
EVENT = Scope(first_utc_us=MIDNIGHT_UTC_US, end_utc_us=MIDNIGHT_UTC_US + DAY_US)
USUAL = Scope(first_utc_us=MIDNIGHT_UTC_US + DAY_US, end_utc_us=MIDNIGHT_UTC_US + 2 * DAY_US)


def at(second: float, mbps: int | None, drive: int = 0, north_m: float = 0.0) -> dict[str, Any]:
    return {
        "drive": drive,
        "started_utc_us": MIDNIGHT_UTC_US + round(second * S),
        "download_bps": None if mbps is None else mbps * 1_000_000,
        "result": "no_service" if mbps is None else "above",
        "start_latitude_deg": 43.0 + north_m / 111_195,
        "start_longitude_deg": 77.0,
    }


def test_percentiles_over_all_laptops_in_bins_of_five_minutes() -> None:
    tests = [at(n, 10 * (n + 1), drive=n % 2) for n in range(10)] + [at(301, 5), at(302, None)]
    found = event_series(measurements(tests, drives=[{}, {}]), EVENT)
    assert dict(found.schema) == SERIES_COLUMNS
    assert found.rows() == [
        (MIDNIGHT_UTC_US, 2, 10, 0, 10_000_000, 50_000_000, 90_000_000),
        (MIDNIGHT_UTC_US + 300 * S, 1, 2, 1, None, None, None),
    ]


def test_who_drives_is_at_no_fixed_point() -> None:
    still = [at(n, 50, 0, north_m=n % 5 * 20) for n in range(50)]
    moving = [at(n, 50, 1, north_m=n * 30) for n in range(50)]
    m = fixed(measurements([*still, *moving], drives=[{}, {}, {}]))
    assert m.tests["drive"].unique().to_list() == [0]
    samples = [
        {"drive": 2, "latitude_deg": 43.0 + n / 100, "longitude_deg": 77.0} for n in range(9)
    ]
    m = measurements([at(n, 50, 2) for n in range(9)], samples, [{}, {}, {}])
    assert fixed(m).tests.is_empty(), "its seconds say that it drove"


def test_the_busy_hour_is_worse_and_the_others_are_not_called_so() -> None:
    chance = random.Random(4)
    tests = []
    for day, busy_mbps in ((0, 20), (1, 100)):
        for hour in range(12, 22):
            usual = busy_mbps if hour == 19 else 100
            for n in range(30):
                # 19 o'clock in Kazakhstan is 14 in UTC.
                second = day * 86_400 + (hour - 5) * 3600 + n * 100
                tests.append(at(second, round(usual * chance.uniform(0.7, 1.3)), n % 3))
    found = compare_days(measurements(tests, drives=[{}, {}, {}]), EVENT, USUAL)
    assert dict(found.schema) == HOUR_COLUMNS
    assert found["hour"].to_list() == list(range(12, 22))
    busy = found.filter("busy").row(0, named=True)
    assert (busy["hour"], busy["verdict"]) == (19, "worse")
    assert busy["event_p50_bps"] == pytest.approx(20e6, rel=0.15)
    assert busy["baseline_p50_bps"] == pytest.approx(100e6, rel=0.1)
    others = found.filter(~found["busy"])
    assert set(others["verdict"]) == {"undecided"}


def test_hours_that_only_one_day_has_are_open() -> None:
    tests = [at(n * 100, None if n % 2 else 9) for n in range(20)]
    (row,) = compare_days(measurements(tests), EVENT, USUAL, utc_offset_h=0).iter_rows(named=True)
    assert (row["hour"], row["verdict"], row["event_tests"], row["baseline_tests"]) == (
        *(0, "undecided", 20, 0),
    )
    assert row["event_no_service"] == 10
    assert row["event_p10_bps"] is None
    assert row["event_p90_bps"] == 9_000_000
    assert row["baseline_p50_bps"] is None


def test_replayed_laptops_do_not_count() -> None:
    tests = [at(n, 50) for n in range(9)]
    assert event_series(measurements(tests, drives=[{"replayed": True}]), EVENT).is_empty()
    assert HOUR_US == 3_600_000_000
