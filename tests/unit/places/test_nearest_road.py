"""The nearest road is the exact nearest within its tolerance: against brute force and shapely."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.places.geometry import metres_per_unit, to_plane
from fieldsurvey.places.roads import RoadIndex
from tests.support.places_lines import (
    ShapelyRoads,
    line,
    offset,
    places_of,
    points_near,
    random_roads,
)

CENTRE = (48.0, 68.0)


@st.composite
def road_sets(draw: st.DrawFn) -> list[tuple[float, list[tuple[float, float]]]]:
    """Up to eight lines of (tolerance, offsets in metres), many of them touching or overlapping."""
    # Millimetres: finer than any source, coarser than the numbers shapely itself trips over.
    metre = st.one_of(
        st.integers(-40, 40).map(lambda k: k * 250.0),
        st.floats(-10_000, 10_000).map(lambda value: round(value, 3)),
    )
    vertex = st.tuples(metre, metre)
    road = st.tuples(st.floats(5.0, 15_000.0), st.lists(vertex, min_size=2, max_size=6))
    return draw(st.lists(road, min_size=1, max_size=8))


@settings(deadline=None)
@given(
    road_sets(),
    st.lists(st.tuples(st.floats(-30_000, 30_000), st.floats(-30_000, 30_000)), min_size=1),
    st.floats(-55.0, 60.0),
)
def test_nearest_road_equals_brute_force(
    roads: list[tuple[float, list[tuple[float, float]]]],
    points: list[tuple[float, float]],
    latitude: float,
) -> None:
    lines = [
        line(f"R{i}", [offset(latitude, 68.0, *vertex) for vertex in vertices], tolerance_m)
        for i, (tolerance_m, vertices) in enumerate(roads)
    ]
    lat, lon = np.array([offset(latitude, 68.0, *point) for point in points]).T
    found = RoadIndex(lines).nearest(lat, lon)

    metres = np.empty((len(points), len(lines)))
    spots = shapely.points(*to_plane(lat, lon))
    for i, road in enumerate(lines):
        shape = shapely.LineString(np.column_stack(to_plane(road.latitude_deg, road.longitude_deg)))
        metres[:, i] = shapely.distance(shape, spots) * metres_per_unit(lat)
    tolerances = np.array([road.tolerance_m for road in lines])
    on_edge = (np.abs(metres - tolerances) < 1e-6).any(axis=1)
    metres[metres > tolerances] = np.inf
    best = metres.min(axis=1)

    np.testing.assert_array_equal((found.line < 0)[~on_edge], np.isinf(best)[~on_edge])
    hit = (found.line >= 0) & ~on_edge
    np.testing.assert_allclose(found.distance_m[hit], best[hit], rtol=0, atol=1e-6)
    chosen = metres[np.flatnonzero(hit), found.line[hit]]
    np.testing.assert_allclose(chosen, best[hit], rtol=0, atol=1e-6)
    assert np.isnan(found.chainage_m[found.line < 0]).all()
    assert np.isnan(found.distance_m[found.line < 0]).all()


def test_awkward_points_equal_shapely() -> None:
    lines = random_roads(3, 300, 67.0, 47.5, 68.0, 48.0)
    index = RoadIndex(lines)
    roads = ShapelyRoads.of(lines)
    vertices = np.concatenate([np.c_[r.latitude_deg, r.longitude_deg] for r in lines])
    rows = [vertices, vertices + 1e-9, vertices - np.array([1e-4, 0.0]), vertices + 5.0]
    # Exactly on cell borders of the grid, found by rounding the plane to its cells.
    cell = index._grid._cell
    x, _ = to_plane(*vertices.T)
    back = np.degrees(np.round(x / cell) * cell / 6_378_137.0)
    rows.append(np.c_[vertices[:, 0], back])
    latitude, longitude = np.concatenate(rows).T
    found = index.nearest(latitude, longitude)
    on_vertex = slice(0, len(vertices))
    np.testing.assert_allclose(found.distance_m[on_vertex], 0.0, atol=1e-8)
    expected, distance_m, _ = roads.nearest(latitude, longitude)
    np.testing.assert_array_equal(found.line >= 0, expected >= 0)
    np.testing.assert_allclose(found.distance_m, distance_m, rtol=0, atol=1e-6)
    assert (found.line[len(vertices) * 3 : len(vertices) * 4] == -1).all()


def test_a_road_beyond_its_tolerance_is_no_road() -> None:
    road = line("A1", [CENTRE, offset(*CENTRE, 0.0, 20_000.0)], tolerance_m=150.0)
    index = RoadIndex([road])
    points = [offset(*CENTRE, north, 10_000.0) for north in (0.0, 149.0, 151.0, 50_000.0)]
    found = index.nearest(*np.array(points).T)
    assert found.line.tolist() == [0, 0, -1, -1]
    assert found.distance_m[:2].tolist() == pytest.approx([0.0, 149.0], abs=0.5)
    assert np.isnan(found.chainage_m[2:]).all()


def test_the_nearest_road_within_its_own_tolerance_wins_over_a_nearer_fine_one() -> None:
    fine = line("FINE", [CENTRE, offset(*CENTRE, 0.0, 20_000.0)], tolerance_m=150.0)
    coarse_start = offset(*CENTRE, 1_500.0, 0.0)
    coarse = line("COARSE", [coarse_start, offset(*coarse_start, 0.0, 20_000.0)], 2_000.0)
    points = [offset(*CENTRE, north, 10_000.0) for north in (100.0, 400.0)]
    found = RoadIndex([fine, coarse]).nearest(*np.array(points).T)
    assert found.line.tolist() == [0, 1]


def test_a_tie_goes_to_the_first_line() -> None:
    points = [CENTRE, offset(*CENTRE, 5_000.0, 5_000.0)]
    index = RoadIndex([line("A2", points), line("A1", points)])
    assert index.nearest(*np.array([CENTRE]).T).line.tolist() == [0]


def test_heading_prefers_the_road_we_drive_along_but_never_lies_about_distance() -> None:
    east = line("EAST", [offset(*CENTRE, 0, -5_000), offset(*CENTRE, 0, 5_000)])
    north = line("NORTH", [offset(*CENTRE, -5_000, 0), offset(*CENTRE, 5_000, 0)])
    index = RoadIndex([east, north])
    latitude, longitude = np.array([offset(*CENTRE, 20.0, 12.0)] * 4).T
    headings = np.array([np.nan, 90.0, 271.0, 0.0])
    found = index.nearest(latitude, longitude, headings)
    assert found.line.tolist() == [1, 0, 0, 1]
    assert found.distance_m.tolist() == pytest.approx([12.0, 20.0, 20.0, 12.0], abs=0.1)
    plain = index.nearest(latitude, longitude)
    assert plain.line.tolist() == [1, 1, 1, 1]


def test_heading_does_not_bring_back_a_road_out_of_tolerance() -> None:
    north = line("NORTH", [offset(*CENTRE, -5_000, 0), offset(*CENTRE, 5_000, 0)])
    latitude, longitude = np.array([offset(*CENTRE, 0.0, 200.0)]).T
    found = RoadIndex([north]).nearest(latitude, longitude, np.array([0.0]))
    assert found.line.tolist() == [-1]


def test_without_lines_and_without_coordinates_there_is_no_road() -> None:
    nowhere = np.array([0.0, np.nan, 48.0]), np.array([0.0, 70.0, np.inf])
    assert RoadIndex([]).nearest(*nowhere).line.tolist() == [-1, -1, -1]
    road = line("A1", [(0.0, 0.0), (0.0, 1.0)])
    assert RoadIndex([road]).nearest(*nowhere).line.tolist() == [0, -1, -1]
    assert RoadIndex([road]).nearest(np.zeros(0), np.zeros(0)).line.tolist() == []


def test_around_one_point_agrees_with_the_arrays() -> None:
    lines = random_roads(5, 400, 67.5, 47.8, 67.7, 47.9)
    places = places_of(lines)
    latitude, longitude = points_near(lines, 6, 300, spread_m=120.0)
    found = places.nearest_road(latitude, longitude)
    for i in range(len(latitude)):
        around = places.roads_around(float(latitude[i]), float(longitude[i]))
        best = min(around, key=lambda road: road.distance_m, default=None)
        if best is None:
            assert found.line[i] == -1
        else:
            assert (best.line, best.chainage_m) == (found.line[i], found.chainage_m[i])
            assert len({road.line for road in around}) == len(around)
