"""The height of the sun where geometry tells it without an almanac."""

from datetime import UTC, datetime

import pytest

from fieldsurvey.gui.sun import is_night, sun_elevation_deg


def _utc_s(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


def _highest_deg(day: tuple[int, int, int], latitude_deg: float, longitude_deg: float) -> float:
    start = _utc_s(*day)
    return max(
        sun_elevation_deg(start + minute * 60, latitude_deg, longitude_deg)
        for minute in range(24 * 60)
    )


@pytest.mark.parametrize(
    ("day", "declination_deg"),
    [((2026, 6, 21), 23.44), ((2026, 12, 21), -23.44), ((2026, 3, 20), 0.0)],
)
@pytest.mark.parametrize("latitude_deg", [43.25, 51.1])
def test_noon_of_solstice_and_equinox(
    day: tuple[int, int, int], declination_deg: float, latitude_deg: float
) -> None:
    expected = 90 - latitude_deg + declination_deg
    assert _highest_deg(day, latitude_deg, 76.9) == pytest.approx(expected, abs=0.3)


def test_solar_noon_comes_four_minutes_earlier_per_degree_eastwards() -> None:
    noon_at_greenwich = _utc_s(2026, 4, 15, 12)  # equation of time is zero in mid-April
    assert sun_elevation_deg(noon_at_greenwich, 0, 0) > sun_elevation_deg(
        noon_at_greenwich - 1800, 0, 0
    )
    here = noon_at_greenwich - 76.9 * 240
    around = [sun_elevation_deg(here + s, 43.25, 76.9) for s in (-900, 0, 900)]
    assert max(around) == around[1]


def test_midnight_sun_beyond_the_circle() -> None:
    assert sun_elevation_deg(_utc_s(2026, 6, 21, 0), 70, 0) > 0
    assert sun_elevation_deg(_utc_s(2026, 12, 21, 12), 70, 0) < 0


def test_dusk_does_not_flicker() -> None:
    assert not is_night(-3, was_night=False)
    assert is_night(-3, was_night=True)
    assert is_night(-5, was_night=False)
    assert not is_night(-1, was_night=True)
