"""Projection, trail and the reduction of long lines."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF

from fieldsurvey.gui.map_view import MapView, project, project_one
from fieldsurvey.gui.polyline import screen_path
from fieldsurvey.gui.trail import Trail, no_service_bands
from tests.support.gui_fake_drive import whole_drive
from tests.support.gui_features import few_features


def test_projection_agrees_with_tile_numbers() -> None:
    # The definition of slippy map tiles, in trigonometry instead of hyperbolic functions.
    latitude, longitude, zoom = 43.25654, 76.92848, 12
    angle = math.radians(latitude)
    row = (1 - math.log(math.tan(angle) + 1 / math.cos(angle)) / math.pi) / 2 * 2**zoom
    x, y = project_one(latitude, longitude)
    assert x * 2**zoom == pytest.approx((longitude + 180) / 360 * 2**zoom)
    assert y * 2**zoom == pytest.approx(row)


def test_a_position_unknown_stays_unknown() -> None:
    x, y = project(np.array([np.nan, 43.0]), np.array([np.nan, 77.0]))
    assert np.isnan(x[0])
    assert np.isnan(y[0])
    assert np.isfinite(y[1])


@given(st.floats(4, 15), st.floats(-2, 2), st.floats(0, 400), st.floats(0, 300))
def test_zooming_keeps_the_point_under_the_pointer(
    zoom: float, steps: float, at_x: float, at_y: float
) -> None:
    view = MapView(zoom=zoom)
    x = view.x + (at_x - view.width / 2) / view.scale
    y = view.y + (at_y - view.height / 2) / view.scale
    after = view.zoomed(steps, (at_x, at_y)).one_to_screen(x, y)
    assert after == pytest.approx((at_x, at_y), abs=1e-3)


def test_scale_of_the_map_matches_the_ground() -> None:
    x, y = project_one(43.0, 77.0)
    view = MapView(x=x, y=y, zoom=12)
    north = project_one(43.01, 77.0)
    pixels = abs(view.one_to_screen(*north)[1] - view.height / 2)
    assert pixels * view.metres_per_px == pytest.approx(1_113, rel=0.01)  # 0.01° of latitude


def test_a_long_trail_is_reduced_but_looks_the_same() -> None:
    drive = whole_drive(20_000, 0)
    trail = Trail()
    trail.append(drive.trail)
    x, y = project_one(43.5, 77.0)
    view = MapView(x=x, y=y, zoom=11, width=1000, height=600)
    path = screen_path(trail.x, trail.y, trail.joined, view)
    assert 2 < path.elementCount() < 2_000
    px, py = view.to_screen(trail.x, trail.y)
    seen = (px > 0) & (px < 1000) & (py > 0) & (py < 600)
    drawn = np.array([(e.x, e.y) for e in map(path.elementAt, range(path.elementCount()))])
    for point in np.column_stack((px[seen], py[seen]))[::37]:
        assert np.min(np.hypot(*(drawn - point).T)) < 4


def test_a_gap_in_the_trail_is_not_bridged() -> None:
    x = np.array([0.5, 0.5001, 0.5002, 0.5003])
    view = MapView(x=0.50015, y=0.5, zoom=12)
    joined = np.array([True, False, True, False])
    path = screen_path(x, np.full(4, 0.5), joined, view)
    moves = [i for i in range(path.elementCount()) if path.elementAt(i).isMoveTo()]
    assert len(moves) == 2
    assert path.elementCount() == 4


def test_a_line_across_the_view_is_seen_although_both_ends_are_outside() -> None:
    view = MapView(x=0.5, y=0.5, zoom=10, width=100, height=100)
    path = screen_path(np.array([0.4, 0.6]), np.array([0.5, 0.5]), np.array([True, False]), view)
    assert path.elementCount() == 2
    assert path.boundingRect().contains(QPointF(50, 50)) or path.boundingRect().height() == 0


def test_trail_grows_without_losing_a_second() -> None:
    drive = whole_drive(5_000, 0)
    trail = Trail()
    for start in range(0, 5_000, 7):
        trail.append(drive.trail[start : start + 7])
    assert trail.count == 5_000
    assert trail.utc_s.tolist() == [p.utc_us / 1e6 for p in drive.trail]
    assert trail.reachable.tolist() == [p.reachable for p in drive.trail]
    gaps = [i for i, p in enumerate(drive.trail) if p.gap_before]
    assert np.flatnonzero(~trail.joined).tolist() == [*(i - 1 for i in gaps), 4_999]


def test_bands_without_service_are_runs_of_seconds() -> None:
    utc_s = np.arange(10.0)
    reachable = np.array([1, 0, 0, 1, 1, 0, 1, 1, 1, 0], dtype=bool)
    assert no_service_bands(utc_s, reachable, 0.0) == [(1, 3), (5, 6), (9, 10)]
    assert no_service_bands(utc_s, reachable, 2.0) == [(2, 3), (5, 6), (9, 10)]
    assert no_service_bands(np.zeros(0), np.zeros(0, dtype=bool), 0.0) == []


def test_features_join_the_lines_of_one_highway_under_one_number() -> None:
    features = few_features()
    assert features.refs == ("KAZ01", "KAZ24")
    assert features.highway_of.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert features.joined.tolist() == [True, True, False, True, False, True, False]
    assert features.names["kk"][1] == "Қапшағай"
    assert features.names["en"][2] == "Nameless"
    assert np.isnan(features.population[2])
