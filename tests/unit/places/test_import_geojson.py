"""GeoJSON into a places file: highways joined, settlements told, everything accounted for."""

import json
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.places.places_file import import_files
from tests.support.places_inputs import geojson, imported, reasons, square


def test_a_highway_keeps_its_number_direction_and_length(tmp_path: Path) -> None:
    points = [[70.0, 50.0], [70.01, 50.0], [70.02, 50.0]]
    source = geojson(tmp_path / "a.geojson", ({"ref": "KAZ01"}, "LineString", points))
    places, report = imported(tmp_path, source)
    (line,) = places.highway_lines()
    assert (line.ref, line.source, line.tolerance_m) == ("KAZ01", "a.geojson", 150.0)
    assert line.longitude_deg.tolist() == [70.0, 70.01, 70.02]
    assert line.length_m == pytest.approx(2 * 717.0, abs=2.0)
    assert (report.highways, report.highway_lines, report.coarse_lines) == (1, 1, 0)


def test_pieces_that_meet_end_to_end_become_one_line(tmp_path: Path) -> None:
    source = geojson(
        tmp_path / "a.geojson",
        ({"ref": "A1"}, "LineString", [[70.02, 50.0], [70.03, 50.0]]),
        ({"ref": "A1"}, "LineString", [[70.0, 50.0], [70.01, 50.0]]),
        ({"ref": "A1"}, "LineString", [[70.01, 50.0], [70.02, 50.0]]),
        ({"ref": "A2"}, "LineString", [[70.03, 50.0], [70.04, 50.0]]),
    )
    places, report = imported(tmp_path, source)
    assert [line.ref for line in places.highway_lines()] == ["A1", "A2"]
    assert places.highway_lines()[0].longitude_deg.tolist() == [70.0, 70.01, 70.02, 70.03]
    assert report.sources[0].used["highway"] == 4  # type: ignore[index]  # a StrEnum key


def test_branches_and_gaps_are_lines_with_a_chainage_of_their_own(tmp_path: Path) -> None:
    source = geojson(
        tmp_path / "a.geojson",
        ({"ref": "A1"}, "LineString", [[70.0, 50.0], [70.01, 50.0]]),
        ({"ref": "A1"}, "LineString", [[70.01, 50.0], [70.03, 50.0]]),
        ({"ref": "A1"}, "LineString", [[70.01, 50.0], [70.01, 50.03]]),
        ({"ref": "A1"}, "LineString", [[71.0, 50.0], [71.001, 50.0]]),
    )
    places, report = imported(tmp_path, source)
    lines = places.highway_lines()
    assert len(lines) == 4
    assert [line.chainage_m[0] for line in lines] == [0.0] * 4
    assert sorted((line.length_m for line in lines), reverse=True) == [x.length_m for x in lines]
    assert (report.highways, report.highway_lines) == (1, 4)


def test_one_way_for_two_highways_is_part_of_both(tmp_path: Path) -> None:
    source = geojson(
        tmp_path / "a.geojson",
        ({"ref": "A1;A10; A2"}, "MultiLineString", [[[70.0, 50.0], [70.01, 50.0]]]),
    )
    places, _ = imported(tmp_path, source)
    assert [line.ref for line in places.highway_lines()] == ["A1", "A2", "A10"]


def test_a_coarse_line_gets_a_wider_tolerance_and_says_so(tmp_path: Path) -> None:
    bent = [[70.0, 50.0], [70.1, 50.0], [70.15, 50.05], [70.25, 50.05], [70.3, 50.0]]
    straight = [[72.0, 50.0], [72.1, 50.0], [72.2, 50.0]]
    source = geojson(
        tmp_path / "a.geojson",
        ({"ref": "BENT"}, "LineString", bent),
        ({"ref": "STATED", "tolerance_m": 40}, "LineString", bent),
        ({"ref": "STRAIGHT"}, "LineString", straight),
    )
    places, report = imported(tmp_path, source)
    tolerances = {line.ref: line.tolerance_m for line in places.highway_lines()}
    assert 200.0 <= tolerances["BENT"] <= 2_000.0
    assert tolerances["STATED"] == 40.0
    assert tolerances["STRAIGHT"] == 150.0
    assert (report.coarse_lines, report.tolerance_max_m) == (1, tolerances["BENT"])
    assert "places.warn_coarse" in {warning.id for warning in report.warnings}


def test_whatever_cannot_be_used_is_named_with_a_reason(tmp_path: Path) -> None:
    line = [[70.0, 50.0], [70.01, 50.0]]
    source = geojson(
        tmp_path / "dirt.geojson",
        ({"ref": "A1"}, "LineString", line),
        ({"ref": "A1", "note": "again"}, "LineString", line[::-1]),
        ({"name": "street"}, "LineString", line),
        ({"ref": "A2"}, "LineString", [[70.0, 50.0], [70.0, 50.0]]),
        ({"ref": "A3"}, "LineString", [[7_000_000.0, 50.0], [7_000_100.0, 50.0]]),
        ({"name": "Null Island"}, "Point", [0.0, 0.0]),
        ({"name": "Beyond"}, "Point", [70.0, 95.0]),
        ({"population": 5}, "Point", [70.0, 50.0]),
        ({"ref": "A4"}, "LineString", [[70.0, 50.0], [float("nan"), 50.0], [70.2, 50.0]]),
        ({"name": "Broken"}, "Point", ["a", "b"]),
        ({"name": "Nothing"}, "Point", []),
        ({"name": "Dots"}, "MultiPoint", [[70.0, 50.0]]),
        ({"name": "Steppe"}, "Polygon", square(70.0, 50.0, 2.0)),
        ({}, "Polygon", square(70.0, 50.0, 0.1)),
    )
    _, report = imported(tmp_path, source)
    assert sorted(reasons(report)) == sorted(
        [
            ("feature 2: A1", "skip_same_line"),
            ("feature 3: street", "skip_no_ref"),
            ("feature 4", "skip_no_length"),
            ("feature 5: A3", "skip_bad_coordinates"),
            ("feature 6: Null Island", "skip_bad_coordinates"),
            ("feature 7: Beyond", "skip_bad_coordinates"),
            ("feature 8", "skip_no_name"),
            ("feature 9: A4", "skip_bad_coordinates"),
            ("feature 10: Broken", "skip_no_geometry"),
            ("feature 11: Nothing", "skip_no_geometry"),
            ("feature 12: Dots", "skip_geometry_type"),
            ("feature 13: Steppe", "skip_too_large"),
            ("feature 14", "skip_no_name"),
        ]
    )
    assert report.sources[0].read == 14
    assert report.skipped_by_reason()["places.skip_bad_coordinates"] == 4


def test_settlements_outside_the_country_are_reported_with_their_distance(tmp_path: Path) -> None:
    source = geojson(
        tmp_path / "a.geojson",
        ({"ADM1_EN": "Akmola"}, "Polygon", square(70.0, 50.0, 1.0)),
        ({"ADM1_EN": "Karagandy"}, "Polygon", square(72.0, 50.0, 1.0)),
        ({"name": "Ours"}, "Point", [71.5, 50.0]),
        ({"name": "Theirs"}, "Point", [70.0, 51.1]),
    )
    places, report = imported(tmp_path, source)
    assert places.settlements().name == ("Ours",)
    (theirs,) = report.skipped
    assert theirs.reason.id == "places.skip_outside"
    assert theirs.label == "feature 4: Theirs (11.1 km)"
    assert report.warnings == ()


def test_without_a_country_the_report_says_so(tmp_path: Path) -> None:
    source = geojson(tmp_path / "a.geojson", ({"name": "Anywhere"}, "Point", [10.0, 10.0]))
    places, report = imported(tmp_path, source)
    assert len(places.settlements()) == 1
    assert [warning.id for warning in report.warnings] == ["places.warn_no_area"]


def test_the_same_settlement_twice_is_merged_and_nothing_known_is_lost(tmp_path: Path) -> None:
    source = geojson(
        tmp_path / "a.geojson",
        ({"name": "Akdala", "name:kk": "Ақдала", "id": 1}, "Point", [70.0, 50.0]),
        ({"name": "AKDALA", "population": 950, "id": 2}, "Point", [70.005, 50.0]),
        ({"name": "Akdala", "id": 3}, "Point", [70.5, 50.0]),
        ({"name": "Bereke", "id": 4, "population": 300}, "Point", [70.015, 50.0]),
        ({"name": "Bereke", "place": "village"}, "Polygon", square(70.0, 50.0, 0.02)),
    )
    places, report = imported(tmp_path, source)
    table = places.settlements()
    assert len(table) == 3
    akdala = table.id.index("2")
    assert (table.name_kk[akdala], table.population[akdala]) == ("Ақдала", 950)
    assert table.population[table.name.index("Bereke")] == 300
    assert report.settlements_with_border == 1
    assert sorted(reasons(report)) == [
        ("feature 1: Akdala (= feature 2)", "skip_same_settlement"),
        ("feature 4: Bereke (= feature 5)", "skip_same_settlement"),
    ]


def test_files_of_one_name_in_two_folders_are_both_read(tmp_path: Path) -> None:
    inputs = []
    for folder, east in (("west", 70.0), ("east", 71.0)):
        (tmp_path / folder).mkdir()
        line = [[east, 50.0], [east + 0.01, 50.0]]
        path = tmp_path / folder / "roads.geojson"
        inputs.append(geojson(path, ({"ref": "A1"}, "LineString", line)))
    places, report = imported(tmp_path, *inputs)
    assert len(places.highway_lines()) == 2
    assert [source.read for source in report.sources] == [1, 1]
    doubt, _ = report.warnings  # one number, drawn by two files
    assert (doubt.id, doubt.args) == ("places.warn_two_sources", {"refs": "A1"})


def test_sources_that_number_alike_keep_distinct_settlements(tmp_path: Path) -> None:
    one = geojson(tmp_path / "1.geojson", ({"id": 7, "name": "A"}, "Point", [70.0, 50.0]))
    two = geojson(tmp_path / "2.geojson", ({"id": 7, "name": "B"}, "Point", [71.0, 50.0]))
    places, _ = imported(tmp_path, one, two)
    assert len(set(places.settlements().id)) == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("not json", "places.unreadable"),
        ("[]", "places.unreadable"),
        ('{"type": "Topology"}', "places.unreadable"),
        ('{"type": "FeatureCollection", "features": [1]}', "places.unreadable"),
        ('{"type": "FeatureCollection", "features": []}', "places.nothing_found"),
        (
            json.dumps(
                {
                    "type": "FeatureCollection",
                    "features": [],
                    "crs": {"type": "name", "properties": {"name": "EPSG:3857"}},
                }
            ),
            "places.projected",
        ),
    ],
)
def test_files_that_cannot_be_used_at_all(tmp_path: Path, text: str, error: str) -> None:
    source = tmp_path / "bad.geojson"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(KnownError) as caught:
        import_files([source], tmp_path / "out.places")
    assert caught.value.message.id == error
    assert "{" not in str(caught.value)
    assert not list(tmp_path.glob("*.places*"))
