"""The country's own highways and settlements, with their dirt."""

import csv
import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest
import shapely

from fieldsurvey.model.position import Fix, FixType
from fieldsurvey.places.finder import PlaceFinder
from fieldsurvey.places.geometry import metres_per_unit, to_plane
from fieldsurvey.places.one_place_per_post import number_of_highway
from fieldsurvey.places.places_file import Places, import_files, open_places
from fieldsurvey.places.report import ImportReport
from tests.support.places_inputs import assert_nothing_dropped
from tests.support.places_lines import geodesic_m

pytestmark = [pytest.mark.realdata, pytest.mark.xdist_group("places")]  # imported once

NAMES = ("kz_highways.geojson", "kz_settlements.csv", "kz_regions.geojson", "kz_districts.geojson")


@pytest.fixture(scope="module")
def kazakhstan(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Places, ImportReport, float]:
    output = tmp_path_factory.mktemp("kz") / "kz.places"
    started = time.process_time()
    report = import_files([shared_data / "geography" / name for name in NAMES], output)
    return open_places(output), report, time.process_time() - started


def rows_of(shared_data: Path) -> list[dict[str, str]]:
    path = shared_data / "geography" / "kz_settlements.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_everything_is_read_and_accounted_for(
    kazakhstan: tuple[Places, ImportReport, float], shared_data: Path
) -> None:
    places, report, processor_s = kazakhstan
    assert_nothing_dropped(report)
    rows = rows_of(shared_data)
    assert [source.read for source in report.sources] == [119, len(rows), 20, 224]
    abroad = {f"row {i}: {row['name']}" for i, row in enumerate(rows, 2) if not row["oblast_kato"]}
    outside = {
        skipped.label.rpartition(" (")[0]
        for skipped in report.skipped
        if skipped.reason.id == "places.skip_outside"
    }
    assert outside == abroad  # the file's own attribution to regions, made by others
    assert len(places.settlements()) + len(report.skipped) == len(rows)
    assert processor_s < 20  # 2 s on a quiet machine


def test_no_two_settlements_of_one_name_are_left_within_a_kilometre(
    kazakhstan: tuple[Places, ImportReport, float],
) -> None:
    table = kazakhstan[0].settlements()
    by_name: dict[str, list[int]] = {}
    for i, name in enumerate(table.name):
        by_name.setdefault(name.casefold(), []).append(i)
    at = list(zip(table.latitude_deg.tolist(), table.longitude_deg.tolist(), strict=True))
    for namesakes in by_name.values():
        for n, i in enumerate(namesakes):
            assert all(geodesic_m(*at[i], *at[j]) >= 999.9 for j in namesakes[:n])


def test_chainage_agrees_with_the_lengths_the_source_states(
    kazakhstan: tuple[Places, ImportReport, float], shared_data: Path
) -> None:
    document = json.loads((shared_data / "geography" / NAMES[0]).read_text(encoding="utf-8"))
    stated = sorted(
        (f["properties"]["ref"], f["properties"]["length_km"]) for f in document["features"]
    )
    ours = sorted(
        (number_of_highway(line.ref), line.length_m / 1000)
        for line in kazakhstan[0].highway_lines()
    )
    assert [ref for ref, _ in ours] == [ref for ref, _ in stated]
    for (ref, km), (_, stated_km) in zip(ours, stated, strict=True):
        # They cut to 100 m and measure on a sphere.
        assert km == pytest.approx(stated_km, rel=4e-3, abs=0.1), ref
    kaz01 = max(km for ref, km in ours if ref == "KAZ01")
    assert kaz01 == pytest.approx(1_183.6, rel=1.1e-3)


def test_chainage_is_the_sum_of_geodesics(
    kazakhstan: tuple[Places, ImportReport, float],
) -> None:
    for line in kazakhstan[0].highway_lines():
        at = list(zip(line.latitude_deg.tolist(), line.longitude_deg.tolist(), strict=True))
        expected_m = sum(geodesic_m(*a, *b) for a, b in itertools.pairwise(at))
        assert line.length_m == pytest.approx(expected_m, rel=1e-5)


def test_coarse_lines_have_a_tolerance_that_admits_it(
    kazakhstan: tuple[Places, ImportReport, float],
) -> None:
    places, report, _ = kazakhstan
    tolerances = [line.tolerance_m for line in places.highway_lines()]
    assert all(150.0 <= tolerance <= 2_000.0 for tolerance in tolerances)
    assert np.median(tolerances) > 500.0
    assert report.coarse_lines == sum(tolerance > 150.0 for tolerance in tolerances)
    assert "places.warn_coarse" in {warning.id for warning in report.warnings}


def test_settlements_are_matched_to_highways_exactly_as_by_brute_force(
    kazakhstan: tuple[Places, ImportReport, float],
) -> None:
    places, _, _ = kazakhstan
    table, lines = places.settlements(), places.highway_lines()
    found = places.nearest_road(table.latitude_deg, table.longitude_deg)
    spots = shapely.points(*to_plane(table.latitude_deg, table.longitude_deg))
    scale = metres_per_unit(table.latitude_deg)
    best = np.full(len(table), np.inf)
    for line in lines:
        shape = shapely.LineString(np.column_stack(to_plane(line.latitude_deg, line.longitude_deg)))
        metres = shapely.distance(shape, spots) * scale
        best = np.minimum(best, np.where(metres <= line.tolerance_m, metres, np.inf))
    np.testing.assert_array_equal(found.line >= 0, np.isfinite(best))
    hit = found.line >= 0
    np.testing.assert_allclose(found.distance_m[hit], best[hit], rtol=0, atol=1e-6)
    assert hit.sum() > 500


def test_nearest_highways_agree_with_the_column_somebody_else_computed(
    kazakhstan: tuple[Places, ImportReport, float], shared_data: Path
) -> None:
    places, _, _ = kazakhstan
    rows = [row for row in rows_of(shared_data) if row["km_to_ref"] and float(row["km_to_ref"]) < 2]
    latitude = np.array([float(row["lat"]) for row in rows])
    longitude = np.array([float(row["lon"]) for row in rows])
    found = places.nearest_road(latitude, longitude)
    refs = [places.highway_lines()[i].ref if i >= 0 else "" for i in found.line]
    matched = [(ref, row) for ref, row in zip(refs, rows, strict=True) if ref]
    same = sum(ref == row["nearest_ref"] for ref, row in matched)
    assert len(matched) > 500
    assert same / len(matched) > 0.9  # shared stretches have two numbers


def test_fifty_kilometres_off_there_is_no_road(
    kazakhstan: tuple[Places, ImportReport, float], shared_data: Path
) -> None:
    rows = [row for row in rows_of(shared_data) if float(row["km_to_ref"] or 0) > 50]
    latitude = np.array([float(row["lat"]) for row in rows])
    longitude = np.array([float(row["lon"]) for row in rows])
    assert len(rows) > 100
    assert (kazakhstan[0].nearest_road(latitude, longitude).line == -1).all()


def test_driving_a_highway_counts_its_kilometres_without_leaving_it(
    kazakhstan: tuple[Places, ImportReport, float],
) -> None:
    places, _, _ = kazakhstan
    lines = places.highway_lines()
    longest = max((line for line in lines if line.ref == "KAZ01"), key=lambda line: line.length_m)
    at_m = np.arange(300_000.0, 600_000.0, 500.0)
    latitude = np.interp(at_m, longest.chainage_m, longest.latitude_deg)
    longitude = np.interp(at_m, longest.chainage_m, longest.longitude_deg)
    north, east = np.gradient(latitude), np.gradient(longitude) * np.cos(np.radians(latitude))
    heading = np.degrees(np.arctan2(east, north)) % 360
    finder = PlaceFinder(places)
    for i in range(len(at_m)):
        place = finder.place_of(
            Fix(
                0,
                0,
                float(latitude[i]),
                float(longitude[i]),
                FixType.FIX_3D,
                speed_mps=25.0,
                heading_deg=float(heading[i]),
            )
        )
        assert place.highway_ref == "KAZ01"
        assert place.chainage_m == pytest.approx(at_m[i], abs=150.0)
