"""The same kilometres, compared with themselves."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.analysis.pairs import PAIR_COLUMNS, Comparison, compare, pairs_sentence
from fieldsurvey.analysis.ranks import median_ranks, ranked, sign_test
from fieldsurvey.analysis.scope import Scope
from tests.support.analysis_rows import measurements

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
