import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.throughput.ramp import ramp_bins

WIDTH_US = 50_000
MAX_US = 1_500_000


def ramp_us(counts: list[int], round_trip_us: int = 0) -> int:
    return ramp_bins(counts, WIDTH_US, MAX_US, round_trip_us) * WIDTH_US


def test_a_link_that_is_fast_at_once_costs_one_step() -> None:
    assert ramp_us([600_000] * 40) == 100_000


def test_until_three_steps_have_brought_no_more_all_is_ramp() -> None:
    assert ramp_us([600_000] * 7) == 350_000
    assert ramp_us([600_000] * 8) == 100_000


@pytest.mark.parametrize("doubling_bins", [1, 2, 4])
def test_slow_start_is_left_out(doubling_bins: int) -> None:
    full = 600_000
    counts = [min(full, 5_000 * 2 ** (i // doubling_bins)) for i in range(80)]
    reached = counts.index(full)
    end = ramp_bins(counts, WIDTH_US, MAX_US)
    assert reached <= end <= reached + 8
    assert set(counts[end:]) == {full}


def test_silence_before_the_first_byte_belongs_to_the_ramp() -> None:
    assert ramp_us([0] * 10 + [600_000] * 40) == 600_000


def test_noise_that_never_settles_is_full_once_it_grows_no_more() -> None:
    counts = [100, 400, 900, 1500] + [900, 1600, 700, 1400, 1000, 1500] * 5
    assert ramp_us(counts) <= 700_000


def test_bursts_of_a_long_road_are_not_taken_for_a_full_pipe() -> None:
    """With a round trip of 600 ms slow start is a burst, then nothing, then twice the burst."""
    counts = []
    for burst in (60, 120, 240, 480):
        counts += [burst] + [0] * 11
    assert ramp_us(counts, round_trip_us=600_000) > 1_000_000
    assert ramp_us(counts) < ramp_us(counts, round_trip_us=600_000)


def test_a_load_that_never_settles_had_its_ramp_until_its_last_growth() -> None:
    counts = [10 * 2 ** (i // 4) for i in range(28)] + [640] * 40
    assert ramp_us(counts) == 1_300_000


@given(st.lists(st.integers(0, 10**7), max_size=100), st.integers(0, 3 * 10**6))
def test_a_ramp_is_never_longer_than_its_bound_or_the_phase(
    counts: list[int], round_trip_us: int
) -> None:
    bins = ramp_bins(counts, WIDTH_US, MAX_US, round_trip_us)
    assert 0 <= bins <= min(len(counts), MAX_US // WIDTH_US)
