"""The estimator against links whose truth is known: how often its interval holds it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.model.throughput import Estimate
from fieldsurvey.throughput.estimator import BatchMeanEstimator
from fieldsurvey.throughput.stop_rule import Decided

WIDTH_US = 50_000
RAMP_MAX_US = 1_500_000
TARGET_BPS = 100_000_000
RUNS = 300


def estimate(counts: list[int]) -> Estimate | None:
    return BatchMeanEstimator().estimate(counts, WIDTH_US, RAMP_MAX_US, 40_000)


def link_bins(
    rng: np.random.Generator, mean_mbps: float, variation: float, memory: float, bins: int = 80
) -> list[int]:
    """Return 4 s of a link: lognormal rate, AR(1) per 50 ms, after a ramp of 0.7 s."""
    sigma = math.sqrt(math.log(1 + variation**2))
    noise = rng.normal(size=bins)
    for i in range(1, bins):
        noise[i] = memory * noise[i - 1] + math.sqrt(1 - memory**2) * noise[i]
    mbps = mean_mbps * np.exp(sigma * noise - sigma**2 / 2)
    mbps[:14] *= np.linspace(0.02, 1, 14) ** 2
    return [int(count) for count in mbps * 1e6 / 8 * WIDTH_US / 1e6]


def decide(counts: list[int]) -> str | None:
    """Look after every batch, as a test does; None at the cap of 4 s."""
    rule = Decided(TARGET_BPS, mss_bytes=1_000_000)  # no headers: payload is what is simulated
    for seen in range(20, len(counts) + 1, 5):
        found = estimate(counts[:seen])
        reason = rule.reason(found) if found else None
        if reason is not None:
            return reason
    return None


@pytest.mark.parametrize(
    ("memory", "variation", "fewest"),
    [(0.0, 0.10, 0.98), (0.5, 0.25, 0.96), (0.8, 0.25, 0.92)],
)
def test_the_interval_holds_the_truth(memory: float, variation: float, fewest: float) -> None:
    """Seen in 1,500 runs: 1.000, 0.976, 0.941; at a memory of 0.9 it is 0.885.

    The guarantee is asymptotic; strong memory costs some of it.
    """
    rng = np.random.default_rng(20271)
    held = 0
    for _ in range(RUNS):
        found = estimate(link_bins(rng, 100, variation, memory))
        assert found is not None
        held += found.low_bps <= 100e6 <= found.high_bps
    assert held / RUNS >= fewest


@pytest.mark.parametrize(
    ("mean_mbps", "truth", "most_wrong"),
    [(10, "below", 0), (60, "below", 0), (85, "below", 0.01), (115, "above", 0.03),
     (150, "above", 0.01), (400, "above", 0)],
)  # fmt: skip
def test_decisions_at_a_variation_of_a_quarter(
    mean_mbps: float, truth: str, most_wrong: float
) -> None:
    """Seen in 1,500 runs at a memory of 0.5 per bin: wrong 0 % at 85 and 0.07 % at 115 Mbps, open
    26 % and 53 %. At a memory of 0.8: wrong 0.4 % and 3.2 %, open 38 % and 62 %.
    """
    rng = np.random.default_rng(20272)
    decisions = [decide(link_bins(rng, mean_mbps, 0.25, 0.5)) for _ in range(RUNS)]
    wrong = sum(decision not in (truth, None) for decision in decisions) / RUNS
    assert wrong <= most_wrong
    if mean_mbps in (10, 60, 400):
        assert decisions.count(truth) / RUNS > 0.97


def test_at_the_target_itself_most_tests_stay_open() -> None:
    rng = np.random.default_rng(20273)
    decisions = [decide(link_bins(rng, 100, 0.10, 0.5)) for _ in range(RUNS)]
    assert decisions.count(None) / RUNS > 0.8


def test_a_steady_link_is_never_known_better_than_its_floor() -> None:
    found = estimate([625_000] * 80)
    assert found is not None
    assert found.rate_bps == 100_000_000
    assert found.batches == 14
    assert found.high_bps - found.low_bps >= 0.03 * found.rate_bps


def test_slow_start_does_not_lower_the_rate() -> None:
    found = estimate([min(625_000, 10_000 * 2 ** (i // 2)) for i in range(80)])
    assert found is not None
    assert found.rate_bps == 100_000_000
    assert found.ramp_bytes > 0


def test_few_batches_are_bounded_by_what_was_seen() -> None:
    counts = [1_000, 10_000, 100_000, 600_000, 620_000, 640_000, 600_000, 610_000, 600_000]
    found = estimate(counts)
    assert found is not None
    assert found.batches < 4
    assert found.low_bps == round(sum(counts) * 8e6 / (len(counts) * WIDTH_US))
    assert found.high_bps == 640_000 * 160


def test_nothing_counted_is_no_rate_of_zero() -> None:
    assert estimate([0] * 40) is None
    assert estimate([]) is None


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=120))
def test_an_estimate_never_contradicts_itself(counts: list[int]) -> None:
    found = estimate(counts)
    if found is None:
        assert sum(counts) == 0
        return
    assert 0 <= found.low_bps <= found.rate_bps <= found.high_bps
    assert found.ramp_bytes == sum(counts[: found.ramp_us // WIDTH_US])
    assert found.batches * 5 <= len(counts) - found.ramp_us // WIDTH_US
    assert found.rate_bps <= max(counts) * 160 + 1
