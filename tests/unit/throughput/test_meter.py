import time

from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.model.throughput import Bins
from fieldsurvey.throughput.meter import Meter, complete_counts

WIDTH_US = 50_000


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 10_000_000))),
    st.integers(0, 100_000_000),
)
def test_bins_add_up_to_the_total_and_never_beyond_the_limit(
    receives: list[tuple[int, int]], limit_bytes: int
) -> None:
    meter = Meter(limit_bytes)
    for index, count in receives:
        meter.add(index, count)
    assert sum(meter.bins(0).byte_counts) == meter.total_bytes
    assert meter.total_bytes == min(limit_bytes, sum(count for _, count in receives))


@given(st.lists(st.integers(0, 1000), max_size=50), st.integers(0, 5_000_000))
def test_a_phase_has_a_bin_for_every_50_ms_it_lasted(counts: list[int], duration_us: int) -> None:
    meter = Meter(1 << 40)
    for index, count in enumerate(counts):
        meter.add(index, count)
    bins = meter.bins(duration_us)
    assert len(bins.byte_counts) >= duration_us / WIDTH_US
    assert len(complete_counts(bins, duration_us)) == duration_us // WIDTH_US


def test_bytes_are_counted_when_they_come() -> None:
    meter = Meter(1000)
    meter.start()
    meter.count(10)
    time.sleep(0.12)
    meter.count(20)
    elapsed_us = meter.elapsed_us()
    counts = meter.bins(elapsed_us).byte_counts
    assert counts[0] == 10
    assert counts[elapsed_us // WIDTH_US] == 20
    assert meter.silent_us() < 50_000


def test_what_a_late_look_finds_is_spread_over_the_time_before_it() -> None:
    meter = Meter(1 << 40)
    meter.start()
    meter.count(1)
    looked_ns = time.perf_counter_ns()
    time.sleep(0.2)
    meter.count_since(looked_ns, 1_000_000)
    elapsed_us = meter.elapsed_us()
    counts = meter.complete_counts(elapsed_us)[1:]
    assert meter.total_bytes == 1_000_001
    per_bin = 1_000_000 * WIDTH_US / elapsed_us
    assert all(0.9 * per_bin < count < 1.1 * per_bin for count in counts), counts


@given(st.integers(0, 10_000_000), st.integers(0, 5_000_000), st.integers(0, 10_000_000))
def test_spread_bytes_are_all_counted_up_to_the_limit(
    limit_bytes: int, ago_us: int, received_bytes: int
) -> None:
    meter = Meter(limit_bytes)
    meter.start_ns -= 1_000_000_000
    meter.count_since(time.perf_counter_ns() - ago_us * 1000, received_bytes)
    assert meter.total_bytes == min(limit_bytes, received_bytes)
    assert sum(meter.bins(0).byte_counts) == meter.total_bytes


def test_a_bin_cut_by_the_end_is_not_complete() -> None:
    assert complete_counts(Bins((5, 6, 7)), 149_999) == (5, 6)
    assert complete_counts(Bins((5, 6, 7)), 150_000) == (5, 6, 7)
