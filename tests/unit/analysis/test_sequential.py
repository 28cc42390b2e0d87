"""The verdict of a place keeps its errors, costs fewer tests, and depends on counts alone."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.analysis.sequential import judge_counts, share_interval
from tests.support.analysis_rows import RULE
from tests.support.verdict_roads import (
    CONDITIONS,
    drive_roads,
    fixed_sample_size,
    usual_sample_size,
)

ROADS = 1_000


def one(above: int, not_above: int):
    return judge_counts(np.array([above]), np.array([not_above]), RULE)


@pytest.mark.parametrize(
    ("above", "not_above", "verdict"),
    [(0, 0, 0), (7, 0, 0), (8, 0, 1), (0, 2, 0), (0, 3, -1), (10, 1, 0), (11, 1, 1), (8, 3, 0)],
)
def test_the_bounds_of_the_rule(above: int, not_above: int, verdict: int) -> None:
    assert one(above, not_above).verdict[0] == verdict


def test_what_we_are_compared_with_is_the_plan_of_the_books() -> None:
    assert usual_sample_size(RULE) == 19
    assert fixed_sample_size(RULE) == 24


def test_what_an_open_place_needs_at_least_decides_it() -> None:
    for above in range(0, 12, 2):
        for not_above in range(4):
            judged = one(above, not_above)
            more = int(judged.tests_at_least[0])
            if judged.verdict[0]:
                assert more == judged.tests_needed[0] == 0
                continue
            assert judged.tests_needed[0] >= more > 0
            assert (
                one(above + more, not_above).verdict[0] or one(above, not_above + more).verdict[0]
            )
            fewer = more - 1
            assert not one(above + fewer, not_above).verdict[0]
            assert not one(above, not_above + fewer).verdict[0]


@pytest.mark.parametrize("above", [0, 2, 5, 8])
def test_the_forecast_is_about_the_mean_of_many_roads(above: int) -> None:
    not_above = 1
    judged = one(above, not_above)
    share = (above + 0.5) / (above + not_above + 1)
    lasted = [
        _more_tests(above, not_above, share, np.random.default_rng([above, n])) for n in range(500)
    ]
    # The step over the bound is left out, at most one test of the many.
    assert judged.tests_needed[0] == pytest.approx(np.mean(lasted), rel=0.25, abs=1.5)


def _more_tests(above: int, not_above: int, share: float, chance: np.random.Generator) -> int:
    up, down = math.log(1.5), math.log(0.25)
    ratio = above * up + not_above * down
    for more in range(1, 10_000):
        ratio += up if chance.random() < share else down
        if not math.log(0.05) < ratio < -math.log(0.05):
            return more
    raise AssertionError("never decided")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_the_interval_holds_the_share_and_satisfies_its_equation(above: int, below: int) -> None:
    (low,), (high,) = share_interval(np.array([above]), np.array([below]))
    if above + below == 0:
        assert math.isnan(low)
        assert math.isnan(high)
        return
    assert 0 <= low <= above / (above + below) <= high <= 1
    evidence = (
        math.lgamma(above + 1) + math.lgamma(below + 1) - math.lgamma(above + below + 2)
    ) + math.log(20)
    for end in (low, high):
        if 0 < end < 1:
            against = evidence - above * math.log(end) - below * math.log1p(-end)
            assert against == pytest.approx(2 * math.log(20), abs=1e-5)


def test_the_interval_is_right_at_all_times_together() -> None:
    chance = np.random.default_rng(3)
    above = np.cumsum(chance.random((1_000, 100)) < 0.8, axis=1)
    number = np.arange(1, 101)
    low, high = share_interval(above.ravel(), (number - above).ravel())
    wrong = ((low > 0.8) | (high < 0.8)).reshape(above.shape).any(axis=1)
    assert 0 < wrong.mean() <= 0.05


@pytest.mark.parametrize("share", CONDITIONS)
def test_simulated_roads(share: float) -> None:
    """The quick variant of ``tests/benchmarks/test_verdict_simulation_bench.py``."""
    driven = drive_roads(share, ROADS, RULE)
    driven.check(RULE)


def test_forty_thousand_places_at_once() -> None:
    chance = np.random.default_rng(1)
    above, below = chance.integers(0, 60, 40_000), chance.integers(0, 30, 40_000)
    judged = judge_counts(above, below, RULE)
    some = chance.integers(0, 40_000, 50)
    for at in some:
        alone = one(int(above[at]), int(below[at]))
        assert alone.verdict[0] == judged.verdict[at]
        assert alone.share_low[0] == judged.share_low[at]
        assert alone.tests_needed[0] == judged.tests_needed[at]
