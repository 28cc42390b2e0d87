"""The estimator on bins that are drawn by hand; against links of known truth, see test_verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.model.throughput import Estimate
from fieldsurvey.throughput.estimator import BatchMeanEstimator, fill_holes, met_pace, plateau

WIDTH_US = 50_000
RAMP_MAX_US = 1_500_000
FULL = 625_000  # bytes per bin at 100 Mbps
PACE_BPS = 200_000_000


def estimate(counts: list[int], pace_bps: int = 0) -> Estimate | None:
    return BatchMeanEstimator(pace_bps).estimate(counts, WIDTH_US, RAMP_MAX_US, 40_000)


def found(counts: list[int], pace_bps: int = 0) -> Estimate:
    one = estimate(counts, pace_bps)
    assert one is not None
    return one


def test_a_steady_link_is_never_known_better_than_its_edges() -> None:
    one = found([FULL] * 80)
    assert one.rate_bps == 100_000_000
    assert one.batches == 15
    assert one.high_bps - one.low_bps >= 0.02 * one.rate_bps


def test_slow_start_does_not_lower_the_rate() -> None:
    one = found([min(FULL, 10_000 * 2 ** (i // 2)) for i in range(80)])
    assert one.rate_bps == 100_000_000
    assert one.ramp_bytes > 0


def test_the_longer_the_seen_part_the_narrower_the_interval() -> None:
    ramp = [10_000, 20_000, 40_000, 80_000, 160_000, 320_000]
    widths = []
    for bins in (20, 40, 80):
        one = found(ramp + [FULL, round(FULL * 0.8)] * (bins // 2))
        widths.append(one.high_bps - one.low_bps)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 2 * widths[2]


def test_what_arrived_in_all_is_the_least_the_link_could() -> None:
    """The link was fast while the load sped up, and slow afterwards."""
    counts = [FULL * 2] * 10 + [FULL // 2] * 20
    assert found(counts).low_bps >= round(sum(counts) * 8e6 / (len(counts) * WIDTH_US))


def test_a_hole_at_the_end_is_not_yet_a_slow_link() -> None:
    open_end, going_on = found([FULL] * 30 + [0] * 8), found([FULL] * 38)
    assert open_end.rate_bps == going_on.rate_bps
    assert open_end.low_bps < going_on.low_bps
    assert open_end.high_bps > going_on.high_bps


def test_a_hole_and_its_burst_do_not_move_the_rate_or_the_interval_much() -> None:
    plain = found([FULL] * 60)
    held_back = found([FULL] * 20 + [0] * 4 + [FULL * 5] + [FULL] * 35)
    assert held_back.rate_bps == plain.rate_bps
    assert held_back.high_bps == pytest.approx(plain.high_bps, rel=0.01)


def test_a_burst_out_of_the_ramp_does_not_flatter() -> None:
    """Half a second was held back while the load sped up, and counted after the ramp."""
    counts = [10_000, FULL, FULL, FULL, 0, 0, 0, FULL * 4] + [FULL] * 32
    assert found(counts).rate_bps == pytest.approx(100_000_000, rel=0.02)


def test_a_link_at_the_senders_pace_is_open_above() -> None:
    counts = [FULL // 4] * 20 + [FULL * 2] * 3 + [FULL // 4] * 20
    assert found(counts).high_bps < PACE_BPS
    assert found(counts, PACE_BPS).high_bps >= PACE_BPS


def test_a_link_that_is_becoming_faster_may_be_as_fast_as_it_became() -> None:
    counts = [FULL // 4] * 40 + [FULL // 2] * 5
    assert found(counts).high_bps >= 50_000_000


def test_less_than_a_batch_is_bounded_by_what_was_seen() -> None:
    counts = [1_000, 10_000, 100_000, 600_000, 620_000, 640_000, 600_000, 610_000, 600_000]
    one = found(counts)
    assert one.batches == 0
    assert one.low_bps == round(sum(counts) * 8e6 / (len(counts) * WIDTH_US))
    assert one.high_bps == 640_000 * 160


def test_nothing_counted_is_no_rate_of_zero() -> None:
    assert estimate([0] * 40) is None
    assert estimate([]) is None


def test_the_bytes_of_a_burst_passed_during_the_hole() -> None:
    assert fill_holes([10, 10, 0, 0, 30, 10]) == ([10.0] * 6, 0.0)
    level, lost = fill_holes([10, 10, 0, 0, 10, 10, 10, 10, 10, 10])
    assert level[2:4] == [0.0, 0.0]
    assert lost == pytest.approx(2.0)


def test_the_level_of_a_steady_link_and_the_mean_of_another() -> None:
    steady = [100, 101, 99, 100] * 4
    assert plateau([*steady, 20, 30, 95, 110]) == pytest.approx(100, abs=0.5)
    assert plateau([*steady, *[0] * 12]) == pytest.approx(1600 / 28)  # too much for artefacts
    assert plateau([100] * 8 + [120] * 8) == 110  # two levels: the road's, not TCP's
    assert plateau([100, 60, 140, 90, 110, 130] * 3) == 105


def test_a_pace_is_two_even_bins_not_a_burst() -> None:
    pace = FULL * 2
    assert met_pace([0, pace, round(pace * 0.95)], WIDTH_US, PACE_BPS)
    assert not met_pace([pace, 0, pace, round(pace * 0.5), pace], WIDTH_US, PACE_BPS)
    assert not met_pace([0, 0, pace * 3, pace], WIDTH_US, PACE_BPS)
    assert not met_pace([pace] * 9, WIDTH_US, 0)
    assert not met_pace([0] * 9, WIDTH_US, 0)


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
