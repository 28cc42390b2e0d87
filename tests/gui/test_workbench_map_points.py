"""The pyramid of points: whatever is aggregated, the worst shows, and nothing is lost or moved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.gui.map_view import MapView, project
from fieldsurvey.gui.shapes import Shape
from fieldsurvey.gui.workbench_map.brushing import Brush, points_inside
from fieldsurvey.gui.workbench_map.map_data import ClassPalette, MapPoints
from fieldsurvey.gui.workbench_map.point_layer import (
    MOST_SINGLE_POINTS,
    Cloud,
    _ranks_in,
    cell_level,
    nearest_point,
    single_points,
)
from fieldsurvey.gui.workbench_map.point_pyramid import (
    SELECTED,
    PointPyramid,
    build_pyramid,
    positions,
    rank_points,
)
from tests.support.gui_map import PALETTE, drives, points_at

VIEW = MapView(width=900, height=700)


def _pyramid(points: MapPoints) -> PointPyramid:
    return build_pyramid(points.latitude_deg, points.longitude_deg)


def _cloud(points: MapPoints, selected: np.ndarray | None = None) -> Cloud:
    pyramid = _pyramid(points)
    ranks = rank_points(pyramid, points.classes, selected)
    return Cloud(pyramid, ranks, points.is_test, PALETTE, selected is not None)


def test_positions_come_back_to_a_centimetre_and_each_knows_its_point() -> None:
    points = drives(5_000)
    pyramid = _pyramid(points)
    x, y = positions(pyramid.points.codes)
    wanted_x, wanted_y = project(points.latitude_deg, points.longitude_deg)
    assert np.abs(x - wanted_x[pyramid.order]).max() < 2.0**-31
    assert np.abs(y - wanted_y[pyramid.order]).max() < 2.0**-31
    assert sorted(pyramid.order) == list(range(5_000))


def test_a_point_without_a_position_is_counted_and_not_drawn_anywhere() -> None:
    latitude = np.array([43.0, np.nan, 44.0, 45.0])
    longitude = np.array([77.0, 77.0, np.nan, 78.0])
    pyramid = build_pyramid(latitude, longitude)
    assert (pyramid.given, pyramid.placed) == (4, 2)
    assert sorted(pyramid.order) == [0, 3]


def test_no_points_at_all_are_no_trouble() -> None:
    empty = MapPoints(np.zeros(0), np.zeros(0), np.zeros(0, np.uint8), np.zeros(0, bool))
    cloud = _cloud(empty)
    assert cloud.pyramid.extent() is None
    singles = single_points(cloud, VIEW)
    assert singles is not None
    assert nearest_point(singles, 10, 10, 50) is None
    brush = Brush(((0, 0), (500, 500)), False)
    assert points_inside(cloud.pyramid, brush, VIEW).shape == (0,)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    zoom=st.floats(3, 17),
    share=st.sampled_from([None, 0.0, 0.02, 0.7]),
)
def test_every_cell_shows_the_worst_point_in_it(
    seed: int, zoom: float, share: float | None
) -> None:
    """Against a loop over all points, at any zoom, with and without a selection."""
    points = drives(800, seed=seed)
    random = np.random.default_rng(seed)
    selected = None if share is None else random.random(800) < share
    cloud = _cloud(points, selected)
    x, y = project(points.latitude_deg, points.longitude_deg)
    view = MapView(x=float(x[0]), y=float(y[0]), zoom=zoom, width=300, height=200)
    level = cell_level(view)
    at = cloud.pyramid.index_for(level)
    grid, column, row = _ranks_in(
        cloud.pyramid.cells[at], cloud.ranks_of_cells(at), view.bounds(), level
    )
    wanted: dict[tuple[int, int], int] = {}
    left, top, right, bottom = view.bounds()
    for number in range(800):
        rank = int(points.classes[number]) + 1
        rank += SELECTED if selected is None or selected[number] else 0
        cell = (int(y[number] * 2**level), int(x[number] * 2**level))
        wanted[cell] = max(rank, wanted.get(cell, 0))
    shown = {(row + int(r), column + int(c)): int(grid[r, c]) for r, c in np.argwhere(grid > 0)}
    assert {cell: rank for cell, rank in wanted.items() if cell in shown} == shown
    missing = set(wanted) - set(shown)
    for r, c in missing:
        inside = left * 2**level < c < right * 2**level and top * 2**level < r < bottom * 2**level
        assert not inside


def test_single_points_are_those_in_view_with_the_worst_last() -> None:
    points = drives(2_000)
    cloud = _cloud(points)
    x, y = project(points.latitude_deg, points.longitude_deg)
    view = MapView(x=float(x[100]), y=float(y[100]), zoom=12.3, width=500, height=400)
    singles = single_points(cloud, view)
    assert singles is not None
    px, py = view.to_screen(x, y)
    inside = (px >= -8) & (px <= 508) & (py >= -8) & (py <= 408)
    assert 10 < inside.sum() < 2_000
    assert set(cloud.pyramid.order[singles.along]) == set(np.flatnonzero(inside))
    assert (np.diff(cloud.ranks[singles.along].astype(int)) >= 0).all()
    nearest = nearest_point(singles, float(px[100]), float(py[100]), 8)
    assert nearest is not None
    found = cloud.pyramid.order[nearest]
    assert np.hypot(px[found] - px[100], py[found] - py[100]) < 1e-3
    assert nearest_point(singles, -300, -300, 8) is None


def test_many_points_in_view_are_not_single() -> None:
    points = drives(MOST_SINGLE_POINTS + 500)
    assert single_points(_cloud(points), MapView(zoom=4, width=900, height=700)) is None


@pytest.mark.parametrize(
    "brush",
    [
        Brush(((700.0, 80.0), (200.0, 500.0)), is_lasso=False),
        Brush(((450.0, 50.0), (850.0, 600.0), (60.0, 620.0), (300.0, 300.0)), is_lasso=True),
        Brush(((-5_000.0, -4_000.0), (9_000.0, 8_000.0)), is_lasso=False),
    ],
)
@pytest.mark.parametrize("zoom", [3.0, 6.4, 13.0])
def test_a_brush_holds_what_is_seen_inside_it(brush: Brush, zoom: float) -> None:
    """Against shapely, but for points within a pixel of the outline."""
    import shapely

    points = drives(8_000)
    x, y = project(points.latitude_deg, points.longitude_deg)
    view = MapView(x=float(x[5]), y=float(y[5]), zoom=zoom, width=900, height=700)
    inside = points_inside(_pyramid(points), brush, view)
    outline = shapely.Polygon([(p.x(), p.y()) for p in brush.outline.toList()])
    outline &= shapely.box(0, 0, view.width, view.height)  # nothing is selected unseen
    seen = shapely.points(*view.to_screen(x, y))
    wanted = shapely.contains(outline, seen)
    clear = shapely.distance(outline.boundary, seen) > 1.5
    assert (inside == wanted)[clear].all()
    assert inside.sum() > 0


def test_the_extent_holds_all_points() -> None:
    points = drives(3_000)
    x, y = project(points.latitude_deg, points.longitude_deg)
    extent = _pyramid(points).extent()
    assert extent is not None
    left, top, right, bottom = extent
    assert left <= x.min() <= left + 1e-4
    assert top <= y.min() <= top + 1e-4
    assert right - 1e-4 <= x.max() <= right
    assert bottom - 1e-4 <= y.max() <= bottom


def test_the_extent_of_one_spot_is_that_spot() -> None:
    points = points_at((43.238, 76.924), (43.23803, 76.92403), classes=[0, 1])
    x, y = project(points.latitude_deg, points.longitude_deg)
    assert _pyramid(points).extent() == pytest.approx(
        (x.min(), y.min(), x.max(), y.max()), abs=1e-8
    )


def test_points_and_palettes_must_be_whole() -> None:
    with pytest.raises(ValueError, match="lengths"):
        MapPoints(np.zeros(2), np.zeros(2), np.zeros(3, np.uint8), np.zeros(2, bool))
    with pytest.raises(ValueError, match="palette"):
        ClassPalette(("a", "b"), ("#000000",), (Shape.UP,))
