"""What is doubtful is flagged; nothing is dropped, moved or smoothed."""

from dataclasses import replace
from typing import Any

import pytest

from fieldsurvey.model.position import Fix, FixFlag, FixType
from fieldsurvey.position.screen import SETTLED_FIXES, Screen

S = 1_000_000
METRE_DEG = 1 / 111_093  # of latitude at 43° N


def a_fix(second: float, north_m: float = 0.0, **changes: Any) -> Fix:
    us = int(second * S)
    fix = Fix(
        utc_us=us,
        mono_us=us,
        latitude_deg=43 + north_m * METRE_DEG,
        longitude_deg=77.0,
        fix_type=FixType.FIX_3D,
        gnss_utc_us=us,
        speed_mps=20.0,
        hdop=0.9,
    )
    return replace(fix, **changes)


def flags(fixes: list[Fix]) -> list[FixFlag]:
    screen = Screen()
    judged = [screen.judge(fix) for fix in fixes]
    for before, after in zip(fixes, judged, strict=True):
        assert replace(after, flags=FixFlag.NONE) == before, "a screen only flags"
    return [fix.flags for fix in judged]


def test_an_ordinary_drive_has_no_flags() -> None:
    assert set(flags([a_fix(second, 28 * second) for second in range(60)])) == {FixFlag.NONE}


def test_ten_fixes_a_second_with_scatter_do_not_jump() -> None:
    drive = [a_fix(n / 10, 2.8 * n + (n % 2) * 10) for n in range(100)]
    assert set(flags(drive)) == {FixFlag.NONE}


def test_fixes_that_arrive_together_do_not_jump() -> None:
    late = [
        a_fix(second, 28 * second, mono_us=int(9.9 * S), utc_us=second * S) for second in (8, 9)
    ]
    drive = [a_fix(second, 28 * second) for second in range(8)] + late
    assert not any(flag & FixFlag.JUMP for flag in flags(drive))


def test_a_spike_is_flagged_and_the_way_back_is_not() -> None:
    drive = [a_fix(second, 20 * second) for second in range(6)]
    drive[3] = a_fix(3, 5_000)
    assert flags(drive) == [FixFlag.NONE] * 3 + [FixFlag.JUMP] + [FixFlag.NONE] * 2


def test_a_receiver_that_corrects_itself_is_believed_after_a_while() -> None:
    drive = [a_fix(second, 20 * second) for second in range(3)]
    drive += [a_fix(second, 90_000 + 20 * second) for second in range(3, 15)]
    jumped = [bool(flag & FixFlag.JUMP) for flag in flags(drive)]
    assert jumped == [False] * 3 + [True] * SETTLED_FIXES + [False] * (12 - SETTLED_FIXES)


def test_a_jump_cannot_hide_behind_a_jumping_gnss_clock() -> None:
    week_us = 7 * 86_400 * S
    drive = [a_fix(0), a_fix(1, 9_000, gnss_utc_us=week_us)]
    assert flags(drive)[1] & FixFlag.JUMP


def test_a_tunnel_is_a_gap_and_no_jump() -> None:
    assert flags([a_fix(0), a_fix(1, 20), a_fix(61, 1_500), a_fix(62, 1_520)]) == [
        FixFlag.NONE,
        FixFlag.NONE,
        FixFlag.AFTER_GAP,
        FixFlag.NONE,
    ]


def test_first_fix_after_reported_loss_comes_after_a_gap() -> None:
    screen = Screen()
    screen.lost()  # before there ever was a fix: nothing was lost
    assert screen.judge(a_fix(0)).flags is FixFlag.NONE
    screen.lost()
    assert screen.judge(a_fix(1, 20)).flags is FixFlag.AFTER_GAP
    assert screen.judge(a_fix(2, 40)).flags is FixFlag.NONE


@pytest.mark.parametrize("stamp", [4 * S, 3 * S])
def test_repeated_or_earlier_gnss_time_is_stale(stamp: int) -> None:
    assert flags([a_fix(4), a_fix(5, 20, gnss_utc_us=stamp)])[1] & FixFlag.STALE


def test_a_clock_set_back_is_stale_once() -> None:
    drive = [a_fix(second, gnss_utc_us=(second - 30 * (second > 2)) * S) for second in range(6)]
    stale = [bool(flag & FixFlag.STALE) for flag in flags(drive)]
    assert stale == [False, False, False, True, False, False]


def test_frozen_coordinates_at_speed() -> None:
    frozen = [bool(flag & FixFlag.FROZEN) for flag in flags([a_fix(second) for second in range(4)])]
    assert frozen == [False, False, True, True]


def test_standing_still_is_not_frozen() -> None:
    standing = [a_fix(second, speed_mps=0.01) for second in range(600)]
    assert set(flags(standing)) == {FixFlag.NONE}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"hdop": 6.0}, FixFlag.NONE),
        ({"hdop": 6.1}, FixFlag.INACCURATE),
        ({"hdop": None, "accuracy_m": 30.0}, FixFlag.NONE),
        ({"hdop": 0.9, "accuracy_m": 31.0}, FixFlag.INACCURATE),
        ({"gnss_utc_us": 2 * S}, FixFlag.NONE),
        ({"gnss_utc_us": 2 * S + 1}, FixFlag.CLOCK_OFFSET),
        ({"gnss_utc_us": -2 * S - 1}, FixFlag.CLOCK_OFFSET),
        ({"gnss_utc_us": None}, FixFlag.NONE),
    ],
)
def test_limits(change: dict[str, Any], expected: FixFlag) -> None:
    assert flags([a_fix(0, **change)]) == [expected]
