"""Lengths and the plane against the geodesic, computed by Vincenty's formula in the test."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldsurvey.places.geometry import (
    chainages_m,
    locate,
    metres_per_unit,
    segment_lengths_m,
    to_plane,
)
from tests.support.places_lines import geodesic_m, latitude_of, line, places_of

latitudes = st.floats(40.0, 56.0)
longitudes = st.floats(46.0, 87.0)


def test_the_oracle_gives_the_published_length_of_a_surveyed_line() -> None:
    # Flinders Peak to Buninyon on GRS 80, Geocentric Datum of Australia Technical Manual.
    flinders = (-(37 + 57 / 60 + 3.72030 / 3600), 144 + 25 / 60 + 29.52440 / 3600)
    buninyon = (-(37 + 39 / 60 + 10.15610 / 3600), 143 + 55 / 60 + 35.38390 / 3600)
    assert geodesic_m(*flinders, *buninyon) == pytest.approx(54_972.271, abs=0.001)


@given(latitudes, longitudes, st.floats(-0.4, 0.4), st.floats(-0.6, 0.6))
def test_segments_have_the_length_of_the_geodesic(
    latitude: float, longitude: float, north_deg: float, east_deg: float
) -> None:
    ends = np.array([latitude, latitude + north_deg]), np.array([longitude, longitude + east_deg])
    expected_m = geodesic_m(ends[0][0], ends[1][0], ends[0][1], ends[1][1])
    assert segment_lengths_m(*ends)[0] == pytest.approx(expected_m, rel=2e-5, abs=1e-3)


@given(latitudes, longitudes, st.floats(0.0, 360.0), st.floats(1.0, 2_000.0))
def test_the_scale_turns_plane_distances_into_ground_distances(
    latitude: float, longitude: float, bearing: float, metres: float
) -> None:
    x, y = to_plane(np.array([latitude]), np.array([longitude]))
    scale = float(metres_per_unit(np.array([latitude]))[0])
    to_x = float(x[0]) + metres / scale * np.sin(np.radians(bearing))
    to_y = float(y[0]) + metres / scale * np.cos(np.radians(bearing))
    ground_m = geodesic_m(latitude, longitude, latitude_of(to_y), np.degrees(to_x / 6_378_137.0))
    assert ground_m == pytest.approx(metres, rel=3e-4)


def test_chainage_across_the_whole_country_is_the_sum_of_geodesics() -> None:
    latitude = np.linspace(41.0, 55.0, 401)
    longitude = np.linspace(47.0, 86.0, 401) + 0.02 * np.sin(np.arange(401))
    expected_m = sum(
        geodesic_m(latitude[i], longitude[i], latitude[i + 1], longitude[i + 1]) for i in range(400)
    )
    assert chainages_m(latitude, longitude)[-1] == pytest.approx(expected_m, rel=1e-6)
    assert expected_m > 3_000_000


@given(latitudes, longitudes, st.floats(-0.45, 0.45), st.floats(-0.6, 0.6), st.floats(0.02, 0.98))
def test_chainage_inside_a_long_segment_is_the_ground_distance_to_the_foot(
    latitude: float, longitude: float, north_deg: float, east_deg: float, fraction: float
) -> None:
    if abs(north_deg) + abs(east_deg) < 0.01:
        east_deg = 0.3
    ends = [(latitude, longitude), (latitude + north_deg, longitude + east_deg)]
    x, y = to_plane(*(np.array(column) for column in zip(*ends, strict=True)))
    foot_latitude = latitude_of(float(y[0] + fraction * (y[1] - y[0])))
    foot_longitude = float(np.degrees((x[0] + fraction * (x[1] - x[0])) / 6_378_137.0))
    found = places_of([line("A1", ends)]).nearest_road(
        np.array([foot_latitude]), np.array([foot_longitude])
    )
    expected_m = geodesic_m(latitude, longitude, foot_latitude, foot_longitude)
    assert found.line[0] == 0
    assert found.distance_m[0] == pytest.approx(0.0, abs=1e-3)
    assert found.chainage_m[0] == pytest.approx(expected_m, rel=1e-4, abs=0.01)


def test_points_without_usable_coordinates_are_off_the_map() -> None:
    bad = np.array([np.nan, np.inf, 50.0, 50.0, 91.0])
    worse = np.array([70.0, 70.0, np.nan, -np.inf, 70.0])
    x, y, scale = locate(bad, worse)
    assert np.isfinite([x, y, scale]).all()
    assert (x > 1e10).all()
