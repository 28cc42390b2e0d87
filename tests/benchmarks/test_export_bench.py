"""A million points out and in, beside gpxpy and the csv module in the same run.

Each row is a process of its own. ``s`` is the time of reading or writing alone (what the peers
build in memory first is not counted), ``MB`` the peak of the whole process, ratios are of ``s``.
Ours is the best of three runs, a peer one run.
"""

from pathlib import Path

import duckdb
import pyogrio
import pytest

from tests.support.export_csv_peer import assert_same_file
from tests.support.export_jobs import Measured, best, run

MILLION = 1_000_000
SOME = 100_000  # gpxpy would need more than 10 GB for a million points with extensions
LIMIT_MB = 300

pytestmark = pytest.mark.bench


def show(title: str, measured: Measured) -> None:
    print(  # noqa: T201 - the table is what this file is for
        f"{title:<44}{measured.points:>10,} points {measured.seconds:8.2f} s"
        f" {measured.cpu_s:8.2f} s of CPU {measured.peak_mb:8.0f} MB"
        f" {measured.points / measured.seconds:12,.0f} rows/s"
    )


def compare(title: str, ours: Measured, peer_name: str, peer: Measured) -> float:
    """Print two rows and return how many times as fast ours is."""
    ratio = peer.seconds / ours.seconds
    print()  # noqa: T201
    show(title, ours)
    show(peer_name, peer)
    print(f"{'':<44}{ratio:>10.1f} times as fast")  # noqa: T201
    return ratio


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


def test_gpx(folder: Path) -> None:
    out = best("gpx_out", MILLION, folder, 3)
    ratio = compare("GPX out, same fields", out, "gpxpy", run("gpxpy_out", MILLION, folder))
    assert ratio >= 15
    assert out.peak_mb < LIMIT_MB
    into = best("gpx_in", MILLION, folder, 3)
    ratio = compare("GPX in", into, "gpxpy", run("gpxpy_in", MILLION, folder))
    assert into.points == MILLION
    assert ratio >= 10


def test_gpx_with_our_values(folder: Path) -> None:
    """The peer gets fewer points here, and so does ours when they are compared."""
    big = best("gpx_with_ours_out", MILLION, folder, 2)
    show("\nGPX out with our values", big)
    assert big.peak_mb < LIMIT_MB
    out = best("gpx_with_ours_out", SOME, folder, 3)
    peer = run("gpxpy_with_ours_out", SOME, folder)
    assert compare("GPX out with our values", out, "gpxpy", peer) >= 8
    into = best("gpx_with_ours_in", SOME, folder, 3)
    peer = run("gpxpy_with_ours_in", SOME, folder)
    assert compare("GPX in with our values", into, "gpxpy", peer) >= 10


def test_csv(folder: Path) -> None:
    out = best("csv_out", MILLION, folder, 3)
    peer = run("csv_module_out", MILLION, folder)
    assert_same_file(folder / "ours.csv", folder / "peer.csv")
    assert compare("CSV out, 35 columns", out, "csv module, the same file", peer) >= 10
    assert out.peak_mb < LIMIT_MB
    bare = run("csv_module_bare_out", MILLION, folder)
    show("csv module, stored values as they are", bare)


def test_formats_of_maps(folder: Path) -> None:
    """Rows a second of the writer itself, all 35 columns of the CSV."""
    gpkg = best("gpkg_out", MILLION, folder, 3)
    peer = run("pyogrio_out", MILLION, folder)
    assert compare("GeoPackage out, with its index", gpkg, "GDAL, worked out before", peer) >= 1.5
    for job in ("parquet_out", "geojson_out", "kml_out"):
        measured = best(job, MILLION, folder, 2)
        show(job.replace("_", " "), measured)
        assert measured.peak_mb < 2 * LIMIT_MB


def test_seven_columns(folder: Path) -> None:
    """What the targets of these formats were set by: rows a second with seven columns."""
    for name, rows_per_s in (("csv", 3_000_000), ("gpkg", 300_000), ("parquet", 1_000_000)):
        measured = best(f"{name}_seven_out", MILLION, folder, 5)
        show(f"{name}, seven columns (target {rows_per_s:,})", measured)
        assert measured.peak_mb < 2 * LIMIT_MB
    wrote = folder / "seven"
    with duckdb.connect() as connection:
        for file, column in ((f"{wrote}.csv", "cell_id"), (f"{wrote}.parquet", "geometry")):
            counted = connection.execute(f"SELECT count({column}) FROM '{file}'").fetchone()
            assert counted == (MILLION,)
    assert pyogrio.read_info(f"{wrote}.gpkg", layer="samples")["features"] == MILLION


def test_a_survey_file(folder: Path) -> None:
    """From the survey on disk to the file on disk: what a person waits for."""
    show("\nmaking a survey file", run("make_survey", MILLION, folder))
    for job in ("survey_to_gpx", "survey_to_csv", "survey_to_gpkg", "survey_to_parquet"):
        whole = run(job, MILLION, folder)
        show(job.replace("_", " "), whole)
        assert whole.points == MILLION
        # Its 20,000 tests are held in memory, and what is on its way between four threads.
        assert whole.peak_mb < (450 if job in ("survey_to_gpx", "survey_to_csv") else 600)
