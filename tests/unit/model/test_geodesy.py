"""Distances against published lengths of a degree on WGS 84."""

import pytest

from fieldsurvey.model.geodesy import distance_m, metres_per_degree


@pytest.mark.parametrize(
    ("latitude_deg", "north_m", "east_m"),
    # National Geospatial-Intelligence Agency, length of a degree calculator, WGS 84.
    [(0, 110_574.3, 111_319.5), (45, 111_131.7, 78_846.8), (60, 111_412.2, 55_800.0)],
)
def test_degree_lengths(latitude_deg: float, north_m: float, east_m: float) -> None:
    north, east = metres_per_degree(latitude_deg)
    assert north == pytest.approx(north_m, rel=1e-5)
    assert east == pytest.approx(east_m, rel=1e-5)


def test_across_the_date_line() -> None:
    assert distance_m(0, 179.99, 0, -179.99) == pytest.approx(0.02 * 111_319.5, rel=1e-5)


def test_symmetric_and_zero() -> None:
    assert distance_m(43.2, 76.9, 43.2, 76.9) == 0
    assert distance_m(43.2, 76.9, 43.3, 77.0) == distance_m(43.3, 77.0, 43.2, 76.9)
