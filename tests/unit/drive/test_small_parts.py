"""Clock jumps, resuming: the small pure decisions of a drive."""

import os
from pathlib import Path

import pytest

from fieldsurvey.drive.clock_watch import ClockWatch
from fieldsurvey.drive.resume import LastWritten, Resume, decide
from tests.support.drive_testing import HeldClock
from tests.support.drive_values import S

HOUR_US = 3600 * S


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
