"""The time of a row is the receiver's wherever it can be told, and never worse than it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.hq.settle import (
    DAY_US,
    EARLIEST_UTC_US,
    FRESH_US,
    Anchors,
    TimeQuality,
    settle,
)
from fieldsurvey.model.position import FixFlag

S = 1_000_000
TRUE_US = 1_760_000_000 * S  # when the drive's monotonic clock was 0
RECEIVED_US = TRUE_US + DAY_US


def anchors_at(*mono_s: float, wall_error_s: float = 0.0, flags: FixFlag = FixFlag.NONE) -> Anchors:
    mono_us = np.array([int(second * S) for second in mono_s], np.int64)
    utc_us = mono_us + TRUE_US + int(wall_error_s * S)
    return Anchors.of(
        mono_us, utc_us, mono_us + TRUE_US, np.full(len(mono_us), int(flags)), RECEIVED_US
    )


def settled(
    mono_s: float, anchors: Anchors, *, wall_error_s: float = 0.0
) -> tuple[float, TimeQuality]:
    """Return by how much the result is wrong, in seconds, and its quality."""
    mono_us = np.array([int(mono_s * S)], np.int64)
    utc_us = mono_us + TRUE_US + int(wall_error_s * S)
    ts_utc_us, quality = settle(mono_us, utc_us, anchors, RECEIVED_US)
    return (int(ts_utc_us[0]) - TRUE_US - int(mono_us[0])) / S, TimeQuality(quality[0])


NONE = anchors_at()


def test_a_fresh_fix_sets_the_time_however_wrong_the_laptop() -> None:
    for error_s in (0.0, 3_600.0, -50 * 365 * 86_400.0, 10 * 365 * 86_400.0):
        anchors = anchors_at(9.0, 10.0, wall_error_s=error_s)
        assert settled(10.9, anchors, wall_error_s=error_s) == (0.0, TimeQuality.GNSS)


def test_a_tunnel_is_measured_by_the_monotonic_clock() -> None:
    anchors = anchors_at(0.0, 1.0, 900.0, wall_error_s=7_200.0)
    assert settled(500.0, anchors, wall_error_s=7_200.0) == (0.0, TimeQuality.ANCHORED)
    assert settled(5_000.0, anchors, wall_error_s=7_200.0) == (0.0, TimeQuality.ANCHORED)


def test_before_the_first_fix_the_first_one_tells() -> None:
    anchors = anchors_at(60.0, wall_error_s=-1_000.0)
    assert settled(5.0, anchors, wall_error_s=-1_000.0) == (0.0, TimeQuality.ANCHORED)


def test_an_anchor_beyond_a_clock_jump_does_not_count() -> None:
    """The wall clock was set between row and fix: or the laptop slept, which looks the same."""
    anchors = anchors_at(0.0, wall_error_s=0.0)
    error_s, quality = settled(500.0, anchors, wall_error_s=30.0)
    assert (error_s, quality) == (30.0, TimeQuality.WALL)
    both = Anchors(
        np.array([0, 600 * S]),
        np.array([TRUE_US, TRUE_US + 630 * S]),
        np.array([TRUE_US, TRUE_US + 600 * S]),
    )
    assert settled(100.0, both, wall_error_s=30.0) == (0.0, TimeQuality.ANCHORED)


def test_another_run_of_the_laptop_has_another_monotonic_clock() -> None:
    """After a restart the clock begins anew: fixes from before it say nothing."""
    before_restart = anchors_at(50_000.0, 50_001.0)
    mono_us = np.array([3 * S])
    utc_us = np.array([TRUE_US + 50_120 * S])
    ts_utc_us, quality = settle(mono_us, utc_us, before_restart, RECEIVED_US)
    assert (ts_utc_us[0], quality[0]) == (utc_us[0], TimeQuality.WALL)


@pytest.mark.parametrize("flags", [FixFlag.STALE, FixFlag.FROZEN, FixFlag.JUMP])
def test_a_doubtful_fix_is_no_anchor(flags: FixFlag) -> None:
    assert settled(1.0, anchors_at(1.0, flags=flags), wall_error_s=5.0) == (5.0, TimeQuality.WALL)


def test_flags_about_the_place_do_not_spoil_the_time() -> None:
    flags = FixFlag.INACCURATE | FixFlag.AFTER_GAP | FixFlag.CLOCK_OFFSET
    anchors = anchors_at(1.0, flags=flags, wall_error_s=5.0)
    assert settled(1.0, anchors, wall_error_s=5.0) == (0.0, TimeQuality.GNSS)


def test_a_receiver_that_is_1024_weeks_behind_is_not_believed() -> None:
    mono_us = np.array([S], np.int64)
    behind_us = mono_us + TRUE_US - 1_024 * 7 * DAY_US
    anchors = Anchors.of(mono_us, mono_us + TRUE_US, behind_us, np.array([0]), RECEIVED_US)
    assert settled(1.0, anchors) == (0.0, TimeQuality.WALL)


@pytest.mark.parametrize("utc_us", [0, EARLIEST_UTC_US - 1, RECEIVED_US + DAY_US + 1])
def test_a_wall_clock_that_cannot_be_right_says_so(utc_us: int) -> None:
    ts_utc_us, quality = settle(np.array([S]), np.array([utc_us]), NONE, RECEIVED_US)
    assert (ts_utc_us[0], quality[0]) == (utc_us, TimeQuality.DOUBTFUL)


def test_no_rows() -> None:
    ts_utc_us, quality = settle(np.zeros(0, np.int64), np.zeros(0, np.int64), NONE, RECEIVED_US)
    assert (len(ts_utc_us), len(quality)) == (0, 0)


@given(
    fixes=st.lists(st.integers(0, 4_000), max_size=8),
    rows=st.lists(st.integers(0, 4_000), min_size=1, max_size=8),
    wall_error_s=st.integers(-5_000, 5_000),
    jump_at=st.integers(0, 4_000),
    jump_s=st.integers(-100, 100),
)
def test_it_is_right_or_it_is_the_wall_clock(
    fixes: list[int], rows: list[int], wall_error_s: int, jump_at: int, jump_s: int
) -> None:
    """With a clock that jumps once: what is said to be the receiver's time is, to 2 s."""

    def wall_us(mono_us: np.ndarray) -> np.ndarray:
        jumped = np.where(mono_us >= jump_at * S, jump_s * S, 0)
        return mono_us + TRUE_US + wall_error_s * S + jumped

    fix_us, row_us = (np.array(sorted(values), np.int64) * S for values in (fixes, rows))
    anchors = Anchors.of(
        fix_us, wall_us(fix_us), fix_us + TRUE_US, np.zeros(len(fix_us), np.int64), RECEIVED_US
    )
    ts_utc_us, quality = settle(row_us, wall_us(row_us), anchors, RECEIVED_US)
    for row, ts, how in zip(row_us, ts_utc_us, quality, strict=True):
        distances = np.abs(fix_us - row)
        if how in (TimeQuality.GNSS, TimeQuality.ANCHORED):
            assert ts == TRUE_US + row
            assert (how == TimeQuality.GNSS) == (distances.min() <= FRESH_US) or jump_s
        else:
            assert ts == wall_us(np.array([row]))[0]
            same_side = (fix_us >= jump_at * S) == (row >= jump_at * S)
            assert not np.any(same_side)


@given(st.lists(st.tuples(*[st.integers(-(2**63), 2**63 - 1)] * 3), max_size=6))
def test_absurd_clocks_do_no_harm(values: list[tuple[int, int, int]]) -> None:
    mono_us, utc_us, gnss_utc_us = (np.array([v[n] for v in values], np.int64) for n in range(3))
    anchors = Anchors.of(
        mono_us, utc_us, gnss_utc_us, np.zeros(len(mono_us), np.int64), RECEIVED_US
    )
    ts_utc_us, quality = settle(utc_us, mono_us, anchors, RECEIVED_US)
    assert len(ts_utc_us) == len(quality) == len(values)
