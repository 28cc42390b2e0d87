"""Carriageways share their kilometres, branches do not."""

import math
from pathlib import Path

import numpy as np
import pytest

from fieldsurvey.places.one_place_per_post import number_of_highway, one_place_per_post
from tests.support.places_inputs import geojson, imported
from tests.support.places_lines import line, offset

CENTRE = (48.0, 68.0)
Point = tuple[float, float]


def drawn(*points: Point) -> list[list[float]]:
    """A line through (metres north, metres east) as GeoJSON has it, with close vertices."""
    north, east = np.array(points, float).T
    corner = np.arange(len(points))
    steps = np.linspace(0, corner[-1], 50 * corner[-1] + 1)
    at = zip(np.interp(steps, corner, north), np.interp(steps, corner, east), strict=True)
    return [[place[1], place[0]] for place in (offset(*CENTRE, *map(float, one)) for one in at)]


def test_both_carriageways_have_the_same_posts_whichever_way_they_are_drawn(
    tmp_path: Path,
) -> None:
    there = drawn((0, 0), (0, 10_000), (4_000, 20_000))
    back = drawn((3_640, 19_000), (40, 9_990), (40, 3_000))
    source = geojson(tmp_path / "a.geojson", ({"ref": "A1"}, "MultiLineString", [there, back]))
    places, report = imported(tmp_path, source)
    assert [one.ref for one in places.highway_lines()] == ["A1", "A1"]
    assert report.warnings == ()
    east_m = np.arange(3_200.0, 9_000.0, 170.0)
    at = [offset(*CENTRE, north_m, east) for north_m in (0.0, 40.0) for east in east_m.tolist()]
    latitude, longitude = np.array(at).T
    found = places.nearest_road(latitude, longitude)
    assert found.line.tolist() == [0] * len(east_m) + [1] * len(east_m)
    assert found.chainage_m == pytest.approx(np.tile(east_m, 2), abs=15.0)
    _, other = places.highway_lines()
    assert (np.diff(other.chainage_m) >= 0.0).all()
    assert other.chainage_m[0] == pytest.approx(3_000, abs=2.0)
    assert other.length_m == pytest.approx(7_000 + 9_000 * math.hypot(1, 0.4), abs=20)


def test_a_branch_and_what_lies_beyond_a_gap_have_numbers_of_their_own(tmp_path: Path) -> None:
    source = geojson(
        tmp_path / "a.geojson",
        ({"ref": "A1"}, "LineString", drawn((0, 0), (0, 30_000))),
        ({"ref": "A1"}, "LineString", drawn((0, 50_000), (0, 70_000))),
        ({"ref": "A1"}, "LineString", drawn((0, 15_000), (9_000, 15_000))),
        ({"ref": "A10"}, "LineString", drawn((500, 0), (500, 30_000))),
    )
    places, report = imported(tmp_path, source)
    lines = places.highway_lines()
    assert [one.ref for one in lines] == ["A1", "A1 (2)", "A1 (3)", "A10"]
    assert [round(one.length_m / 1000) for one in lines] == [30, 20, 9, 30]
    assert [one.chainage_m[0] for one in lines] == [0.0] * 4
    (warning,) = report.warnings
    assert (warning.id, warning.args["refs"]) == ("places.warn_lines_apart", "A1 (2), A1 (3)")
    assert (report.highways, report.highway_lines) == (2, 4)
    assert {number_of_highway(one.ref) for one in lines} == {"A1", "A10"}


def test_a_second_drawing_of_a_branch_has_the_branchs_posts() -> None:
    def along(*points: Point) -> list[Point]:
        return [offset(*CENTRE, *point) for point in points]

    main = line("A1", along((0, 0), (0, 30_000)))
    branch = line("A1", along((0, 15_000), (9_000, 15_000)))
    again = line("A1", along((8_000, 15_050), (2_000, 15_050)))
    settled = one_place_per_post([main, branch, again])
    assert [one.ref for one in settled] == ["A1", "A1 (2)", "A1 (2)"]
    assert settled[2].chainage_m == pytest.approx([2_000, 8_000], abs=5.0)


def test_a_line_that_winds_beside_another_never_counts_back() -> None:
    main = line("A1", [offset(*CENTRE, 0, 0), offset(*CENTRE, 0, 5_000)])
    bends = [(100, 0), (100, 2_000), (0, 2_000), (0, 1_500), (-100, 1_500), (-100, 4_900)]
    winding = line("A1", [offset(*CENTRE, *point) for point in bends])
    _, beside = one_place_per_post([main, winding])
    assert beside.ref == "A1"
    assert (np.diff(beside.chainage_m) >= 0.0).all()
    assert beside.chainage_m[[0, -1]] == pytest.approx([0, 4_900], abs=5.0)
