"""Clocks: scaled time runs at its speed, and never back."""

import asyncio
import time

import pytest

from fieldsurvey.model.clock import ScaledClock, SystemClock


def test_scaled_clock_runs_ten_times_as_fast() -> None:
    clock = ScaledClock(10, anchor_utc_us=1_000_000)
    real_start_s, mono_start_us, utc_start_us = time.monotonic(), clock.mono_us(), clock.utc_us()
    time.sleep(0.05)
    real_s = time.monotonic() - real_start_s
    passed_us = clock.mono_us() - mono_start_us
    assert passed_us == pytest.approx(real_s * 10e6, rel=0.1)
    assert clock.utc_us() - utc_start_us == pytest.approx(passed_us, rel=0.1)
    assert utc_start_us >= 1_000_000


def test_scaled_sleep_is_shorter() -> None:
    clock = ScaledClock(50)
    start_s = time.monotonic()
    asyncio.run(clock.sleep(2.0))
    assert 0.035 < time.monotonic() - start_s < 0.5


def test_system_clock_is_the_computers() -> None:
    clock = SystemClock()
    assert abs(clock.utc_us() - time.time() * 1e6) < 1e6
    assert clock.mono_us() <= clock.mono_us()


def test_speed_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        ScaledClock(0)
