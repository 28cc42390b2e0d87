"""How many points per second are matched to 20,000 lines, beside shapely in the same run."""

import os
import time
from collections.abc import Callable

import numpy as np
import pytest

from fieldsurvey.places.roads import RoadIndex
from tests.support.places_lines import (
    ShapelyRoads,
    assert_same_as_shapely,
    points_near,
    random_roads,
)

LINES = 20_000
POINTS = 1_000_000
ROUNDS = 5
NEEDED_POINTS_PER_S = 400_000

# West, south, east, north: a city region, and the whole country.
BOXES = {"dense": (66.0, 47.0, 68.7, 47.9), "country": (48.0, 41.0, 86.0, 55.0)}


@pytest.mark.bench
@pytest.mark.timeout(900)
@pytest.mark.parametrize("box", BOXES)
def test_matching_speed(box: str) -> None:
    lines = random_roads(11, LINES, *BOXES[box])
    latitude, longitude = points_near(lines, 12, POINTS, spread_m=60.0)
    built = _seconds(lambda: RoadIndex(lines))
    index = RoadIndex(lines)
    heading = np.random.default_rng(13).uniform(0, 360, POINTS)
    ours = [_seconds(lambda: index.nearest(latitude, longitude)) for _ in range(ROUNDS)]
    headed = [_seconds(lambda: index.nearest(latitude, longitude, heading)) for _ in range(3)]
    theirs = ShapelyRoads.of(lines)
    shapely_s = [_seconds(lambda: theirs.nearest(latitude, longitude)) for _ in range(2)]
    found = index.nearest(latitude, longitude)
    ties = assert_same_as_shapely(found, theirs, latitude, longitude, chainages=20_000)
    segments = sum(len(line.latitude_deg) - 1 for line in lines)
    table = [
        f"\n{box}: {POINTS:,} points, {LINES:,} lines, {segments:,} segments, tolerance 150 m; "
        f"no road {float((found.line < 0).mean()):.1%}; load {os.getloadavg()[0]:.1f}",
        f"{'method':36}{'best s':>9}{'worst s':>9}{'best kpts/s':>13}",
    ]
    for name, times in (
        ("numpy grid", ours),
        ("numpy grid with heading", headed),
        ("shapely query_nearest + locate", shapely_s),
    ):
        row = f"{min(times):9.2f}{max(times):9.2f}{POINTS / min(times) / 1000:13,.0f}"
        table.append(f"{name:36}{row}")
    table.append(f"index built in {built:.2f} s; equal to shapely, {ties} ties")
    print("\n".join(table))  # noqa: T201 - the table is what the bench is for
    assert POINTS / min(ours) >= NEEDED_POINTS_PER_S


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
