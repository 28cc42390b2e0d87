"""Only what was seen counts as driven."""

import pytest

from fieldsurvey.model.odometer import Odometer
from fieldsurvey.model.position import FixFlag
from tests.support.drive_values import a_fix


def test_adds_up_the_way() -> None:
    odometer = Odometer()
    for second in range(11):
        odometer.add(a_fix(second, 20.0 * second))
    assert odometer.distance_m == pytest.approx(200.0, rel=1e-4)


def test_a_gap_is_not_bridged() -> None:
    odometer = Odometer()
    for second, north_m in [(0, 0), (1, 20), (60, 1200), (61, 1220)]:
        odometer.add(a_fix(second, north_m))
    assert odometer.distance_m == pytest.approx(40.0, rel=1e-3)


def test_a_jump_neither_counts_nor_becomes_the_start_of_the_next_step() -> None:
    odometer = Odometer()
    odometer.add(a_fix(0, 0))
    odometer.add(a_fix(1, 5000, flags=FixFlag.JUMP))
    odometer.add(a_fix(2, 40))
    assert odometer.distance_m == pytest.approx(40.0, rel=1e-3)


def test_scatter_while_standing_is_not_driving() -> None:
    odometer = Odometer(start_m=1000.0)
    for second in range(100):
        odometer.add(a_fix(second, 2.0 * (second % 2), speed_mps=0.1))
    assert odometer.distance_m == 1000.0
