"""The same kilometres, compared with themselves."""

import dataclasses
import math
import time
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.analysis.pairs import PAIR_COLUMNS, Comparison, compare, pairs_sentence
from fieldsurvey.analysis.ranks import median_ranks, ranked, sign_test
from fieldsurvey.analysis.scope import Scope
from tests.support.analysis_rows import NOW_UTC_US, S, measurements

START_US = NOW_UTC_US - 86_400 * S
A, B = Scope(operator={"A"}), Scope(operator={"B"})


def km(number: int, operator: str, mbps: float | None, **row: Any) -> dict[str, Any]:
    rate = None if mbps is None else round(mbps * 1e6)
    return {
        "chainage_m": number * 1_000.0 + 10,
        "operator": operator,
        "result": "no_service" if mbps is None else "above",
        "download_bps": rate,
        **row,
    }


def test_a_side_that_is_faster_on_most_kilometres() -> None:
    tests = [km(n, "A", 50 + n) for n in range(12)] + [km(n, "B", 100 + 2 * n) for n in range(10)]
    found = compare(measurements(tests), A, B)
    assert dict(found.pairs.schema) == PAIR_COLUMNS
    assert (len(found.pairs), found.faster, found.slower) == (10, 10, 0)
    assert found.verdict is Comparison.FASTER
    assert found.probability == pytest.approx(2 / 2**10)
    assert found.ratio == pytest.approx(2.0)
    assert (found.ratio_low, found.ratio_high) == (2.0, 2.0)
    text = pairs_sentence(found, "A", "B").text()
    assert "B is faster than A" in text
    assert "2.00 times" in text
    back = compare(measurements(tests), B, A)
    assert (back.verdict, back.ratio) == (Comparison.SLOWER, 0.5)


def test_few_or_equal_pairs_are_undecided() -> None:
    few = [km(n, side, mbps) for n in range(5) for side, mbps in (("A", 50), ("B", 90))]
    found = compare(measurements(few), A, B)
    assert (found.verdict, found.ratio) == (Comparison.UNDECIDED, None)
    equal = [km(n, side, 50) for n in range(20) for side in "AB"]
    found = compare(measurements(equal), A, B)
    assert (found.faster, found.slower, found.probability) == (0, 0, 1.0)
    assert "not enough data" in pairs_sentence(found, "A", "B").text()
    assert compare(measurements(), A, B).verdict is Comparison.UNDECIDED


def test_no_service_is_slower_than_any_rate_and_no_number() -> None:
    tests = [km(n, side, mbps) for n in range(8) for side, mbps in (("A", None), ("B", 1))]
    tests += [km(n, side, None) for n in (20, 21) for side in "AB"]
    found = compare(measurements(tests), A, B)
    assert (found.faster, found.verdict) == (8, Comparison.FASTER)
    assert (found.ratio, found.ratio_low) == (None, None)
    assert found.pairs["bps_a"].null_count() == 10
    assert found.pairs["ratio"].null_count() == 10


def test_directions_are_kept_apart_and_a_kilometre_counts_once() -> None:
    tests = [
        km(1, "A", 50, end_chainage_m=1_090.0),
        km(1, "A", 60, end_chainage_m=1_090.0),
        km(1, "A", 70, end_chainage_m=1_090.0),
        km(1, "B", 80, end_chainage_m=1_090.0),
        km(1, "B", 10, end_chainage_m=900.0),
    ]
    (row,) = compare(measurements(tests), A, B).pairs.iter_rows(named=True)
    assert (row["direction"], row["tests_a"], row["bps_a"]) == (1, 3, 60_000_000)
    assert row["bps_b"] == 80_000_000


def test_a_kilometre_in_both_directions_is_two_pairs_and_said_to_be() -> None:
    tests = [
        km(1, side, mbps, end_chainage_m=end_m)
        for side, mbps in (("A", 50), ("B", 90))
        for end_m in (1_090.0, 900.0)
    ]
    for length_m, told in ((1_000, "1 km"), (100, "0.1 km"), (10_000, "10 km")):
        found = compare(measurements(tests), A, B, length_m)
        said = pairs_sentence(found, "A", "B").text()
        assert f"the same {told} and direction: 2," in said


def driven(first_km: int, last_km: int, **row: Any) -> list[dict[str, Any]]:
    """Seconds of a drive at 25 m/s, from one kilometre to another."""
    step_m = 25.0 if last_km > first_km else -25.0
    return [
        {"chainage_m": first_km * 1_000.0 + n * step_m, "utc_us": START_US + n * S, **row}
        for n in range(abs(last_km - first_km) * 40)
    ]


def at_second(second: int, operator: str, mbps: float | None, **row: Any) -> dict[str, Any]:
    """A test that begins in that second, 25 m further for each of them."""
    began_us, there_m = START_US + second * S, 25.0 * second
    moved_m = 0.0 if mbps is None else 55.0
    return km(0, operator, mbps) | {
        "started_utc_us": began_us,
        "ended_utc_us": began_us + (3_000 if mbps is None else 2 * S),
        "chainage_m": there_m,
        "end_chainage_m": there_m + moved_m,
        "start_latitude_deg": 43.0 + there_m / 111_195,
        "start_longitude_deg": 77.0,
        **row,
    }


def test_a_test_that_fails_at_once_goes_the_way_of_its_drive() -> None:
    """Before and after, with 25 of 30 kilometres dead: they were in no pair."""
    seconds = [*driven(0, 30), *driven(0, 30, drive=1)]
    tests = [at_second(20 + n * 40, "A", 200) for n in range(30)]
    tests += [at_second(20 + n * 40, "B", None if n < 25 else 190, drive=1) for n in range(30)]
    for samples in (seconds, []):  # without seconds, by the tests around
        found = compare(measurements(tests, samples, [{}, {}]), A, B)
        assert (len(found.pairs), found.slower, found.faster) == (30, 30, 0)
        assert found.verdict is Comparison.SLOWER
        assert found.pairs["direction"].unique().to_list() == [1]
        assert found.pairs["bps_b"].null_count() == 25


def test_dead_tests_count_in_the_middle_of_their_kilometre() -> None:
    tests = [at_second(2, "A", 100), at_second(2, "B", 300, link="b")]
    tests += [at_second(n, "B", None, link="b") for n in (15, 30)]
    (row,) = compare(measurements(tests, driven(0, 2)), A, B).pairs.iter_rows(named=True)
    assert (row["direction"], row["tests_b"], row["bps_b"]) == (1, 3, None)


def test_the_way_back_is_told_from_the_way_there() -> None:
    there, back = driven(0, 2), driven(2, 0, drive=1)
    dead = {"drive": 1, "chainage_m": 2_000.0 - 500.0, "end_chainage_m": 2_000.0 - 500.0}
    tests = [at_second(60, "A", 100), at_second(20, "B", None, **dead)]
    assert compare(measurements(tests, [*there, *back], [{}, {}]), A, B).pairs.is_empty()


def test_where_nothing_tells_the_kilometre_is_compared_as_a_whole() -> None:
    """Who stands beside the road is in one pair, not in none and not in two."""
    parked = {"chainage_m": 1_500.0, "end_chainage_m": 1_500.0, "drive": 1}
    seconds = [{"chainage_m": 1_500.0, "drive": 1, "utc_us": START_US + n * S} for n in range(99)]
    there = km(1, "A", 50, end_chainage_m=1_065.0)
    back = km(1, "A", 70, end_chainage_m=955.0)
    tests = [there, back, at_second(50, "B", None, **parked)]
    (row,) = compare(measurements(tests, seconds, [{}, {}]), A, B).pairs.iter_rows(named=True)
    assert (row["direction"], row["tests_a"], row["tests_b"]) == (0, 2, 1)
    assert (row["bps_a"], row["bps_b"]) == (50_000_000, None)
    others = [km(3, side, 60, end_chainage_m=3_065.0) for side in "AB"]
    found = compare(measurements([*tests, *others], seconds, [{}, {}]), A, B)
    assert found.pairs["direction"].to_list() == [0, 1], "other kilometres keep their directions"


def test_who_waits_sees_one_spot_of_a_kilometre() -> None:
    """As a stretch is judged: a car that stands in a hole and tries again is one pass."""
    spot = {"start_latitude_deg": 43.0, "start_longitude_deg": 77.0}
    tests = [km(1, "A", 50)]
    tests += [km(1, "B", None, **spot) for _ in range(9)]
    tests += [km(1, "B", 80, **spot | {"start_latitude_deg": 43.0 + n * 0.002}) for n in (1, 2)]
    (row,) = compare(measurements(tests), A, B).pairs.iter_rows(named=True)
    assert (row["tests_b"], row["bps_b"]) == (3, 80_000_000)


def test_a_million_seconds_are_compared_within_a_second() -> None:
    seconds, every = 1_000_000, 50
    one = measurements([at_second(0, "A", None), at_second(0, "B", 50, drive=1)], driven(0, 1))
    number = np.arange(seconds)
    samples = one.samples[number % 40].with_columns(
        utc_us=pl.Series(START_US + number * S), chainage_m=pl.Series(number * 25.0)
    )
    at = np.repeat(number[::every], 2)
    tests = one.tests[np.arange(len(at)) % 2].with_columns(
        test_id=pl.Series(np.arange(len(at))).cast(pl.String),
        drive=pl.lit(0, pl.UInt32),
        started_utc_us=pl.Series(START_US + at * S),
        ended_utc_us=pl.Series(START_US + at * S + 3_000),
        chainage_m=pl.Series(at * 25.0),
        end_chainage_m=pl.Series(at * 25.0),
        start_latitude_deg=pl.Series(43.0 + at % 10_000 * 1e-4),
    )
    m = dataclasses.replace(one, samples=samples, tests=tests)
    began = time.process_time()
    found = compare(m, A, B)
    took_s = time.process_time() - began
    assert len(found.pairs) == found.faster == 20_000
    assert took_s < 4, f"{took_s:.2f} s"  # 0.4 s on two cores


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_the_exact_one(more: int, less: int) -> None:
    n = more + less
    tail = sum(math.comb(n, k) for k in range(min(more, less) + 1)) / 2**n
    assert sign_test(more, less) == pytest.approx(min(1.0, 2 * tail))


@pytest.mark.parametrize("n", [6, 9, 20, 101])
def test_the_interval_of_a_median_is_exact(n: int) -> None:
    bounds = median_ranks(n)
    assert bounds is not None
    low, high = bounds
    assert high == n - 1 - low
    outside = 2 * sum(math.comb(n, k) for k in range(low + 1)) / 2**n
    assert outside <= 0.05
    assert outside + 2 * math.comb(n, low + 1) / 2**n > 0.05, "no narrower one would do"


def test_ranks() -> None:
    assert median_ranks(5) is None
    assert ranked(np.arange(1, 11), 10) == 1
    assert ranked(np.arange(1, 11), 11) == 2
    assert ranked(np.array([7]), 99) == 7
    assert sign_test(20_000, 20_400) == pytest.approx(0.0467, abs=0.001)
