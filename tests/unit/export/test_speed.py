"""A quick look at speed and memory; the full measurement is ``make bench``.

The floor is lower than the promise, for machines that do other things at the same time.
"""

from pathlib import Path

import pytest

from tests.support.export_csv_peer import assert_same_file
from tests.support.export_jobs import best, run

POINTS = 100_000
# At this size starting polars weighs most. GDAL gets rows that were worked out before.
FLOORS = {"gpx_out": 10, "gpx_in": 10, "csv_out": 5, "gpkg_out": 0.8}
MOST_MB = {"gpx_out": 300, "gpx_in": 300, "csv_out": 300, "gpkg_out": 340}  # with Arrow


@pytest.mark.parametrize(
    ("ours", "peer"),
    [
        ("gpx_out", "gpxpy_out"),
        ("gpx_in", "gpxpy_in"),
        ("csv_out", "csv_module_out"),
        ("gpkg_out", "pyogrio_out"),
    ],
)
def test_many_times_as_fast_as_the_usual_way(tmp_path: Path, ours: str, peer: str) -> None:
    if ours == "gpx_in":
        run("gpx_out", POINTS, tmp_path)
    slow = run(peer, POINTS, tmp_path)
    fast = best(ours, POINTS, tmp_path, times=2)
    assert fast.points == slow.points == POINTS
    assert slow.seconds / fast.seconds >= FLOORS[ours]
    assert fast.peak_mb < MOST_MB[ours]
    if ours == "csv_out":
        assert_same_file(tmp_path / "ours.csv", tmp_path / "peer.csv")
