"""Budget days, clock jumps, resuming: the small pure decisions of a drive."""

import datetime
import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fieldsurvey.drive import budget
from fieldsurvey.drive.clock_watch import ClockWatch
from fieldsurvey.drive.resume import LastWritten, Resume, decide
from tests.support.drive_values import START_UTC_US, S

HOUR_US = 3600 * S


class HeldClock:
    """A clock that a test sets by hand."""

    speed = 1.0

    def __init__(self) -> None:
        self.utc, self.mono = START_UTC_US, 0

    def utc_us(self) -> int:
        return self.utc

    def mono_us(self) -> int:
        return self.mono

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


def test_clock_set_back_an_hour_is_seen_once() -> None:
    clock = HeldClock()
    watch = ClockWatch(clock)
    clock.utc, clock.mono = clock.utc + 5 * S, 5 * S
    assert watch.jump_us() is None
    clock.utc -= HOUR_US
    assert watch.jump_us() == -HOUR_US
    assert watch.jump_us() is None


def test_slow_drift_is_not_a_jump() -> None:
    clock = HeldClock()
    watch = ClockWatch(clock)
    for _ in range(10):
        clock.utc, clock.mono = clock.utc + S + 1000, clock.mono + S
        assert watch.jump_us() is None


def test_budget_day_is_the_local_one() -> None:
    almaty = ZoneInfo("Asia/Almaty")
    evening = datetime.datetime(2026, 11, 24, 23, 59, tzinfo=almaty)
    start_us, end_us = budget.local_day_us(int(evening.timestamp() * S), almaty)
    assert start_us == int(datetime.datetime(2026, 11, 24, tzinfo=almaty).timestamp()) * S
    assert end_us - start_us == 24 * HOUR_US


def test_budget_must_hold_the_whole_next_test() -> None:
    assert budget.fits(60, 40, 100)
    assert not budget.fits(61, 40, 100)


@pytest.mark.parametrize(
    ("gap_s", "expected"),
    [(0, Resume.BY_ITSELF), (599, Resume.BY_ITSELF), (601, Resume.ASK), (-3600, Resume.BY_ITSELF)],
)
def test_resume_within_ten_minutes(gap_s: float, expected: Resume) -> None:
    assert decide(LastWritten(1_000_000.0), 1_000_000.0 + gap_s) is expected


def test_last_written_is_the_newer_of_file_and_log(tmp_path: Path) -> None:
    survey = tmp_path / "a.fsurvey"
    assert LastWritten.of(survey) is None
    survey.touch()
    log = tmp_path / "a.fsurvey-wal"
    log.touch()
    os.utime(survey, (1000, 1000))
    os.utime(log, (2000, 2000))
    assert LastWritten.of(survey) == LastWritten(2000)
