"""A route as other programs read it."""

import re
import shutil
import subprocess
from pathlib import Path

import gpxpy
import pytest

from fieldsurvey.analysis.gaps import NOT_DRIVEN, UNDECIDED
from fieldsurvey.analysis.lacking import Lack
from fieldsurvey.analysis.route import Pace, plan_route
from fieldsurvey.export.route_gpx import route_gpx
from fieldsurvey.model.drive import PlannedSettlement, PlannedStretch
from tests.support.export_reading import gpx_of

LACKS = [
    Lack(PlannedStretch("KZ38-01", 40_000, 50_000, 7), UNDECIDED, (43.0, 77.0), (43.09, 77.0)),
    Lack(PlannedStretch("A<&>", 20_000, 21_300, 6), NOT_DRIVEN, (43.2, 77.0), (43.212, 77.0)),
    Lack(PlannedSettlement("s1", 1), NOT_DRIVEN, (43.3, 77.0), (43.3, 77.0), "Шелек"),
]
DOCUMENT = route_gpx(plan_route(LACKS, Pace(20.0, 300.0, measured=True)), "north", "en")


def test_route_and_waypoints() -> None:
    gpx = gpx_of(DOCUMENT)
    assert [(point.name, point.description) for point in gpx.waypoints] == [
        ("KZ38-01 km 40–50: 7 tests", "not enough data; passes: 1"),
        ("A<&> km 20–21.3: 6 tests", "not driven yet; passes: 2"),
        ("Шелек: 1 test", "not driven yet"),
    ]
    (way,) = gpx.routes
    assert way.name == gpx.name == "north"
    assert [(point.name, point.latitude) for point in way.points] == [
        ("KZ38-01 km 40", 43.0),
        ("KZ38-01 km 50", 43.09),
        ("A<&> km 20", 43.2),
        ("A<&> km 21.3", 43.212),
        ("A<&> km 20", 43.2),
        ("Шелек", 43.3),
    ]


def test_a_name_with_what_xml_forbids_leaves_a_file_that_opens() -> None:
    lack = Lack(PlannedSettlement("s1", 1), NOT_DRIVEN, (43.3, 77.0), (43.3, 77.0), "Ше\x0bлек")
    gpx = gpx_of(route_gpx(plan_route([lack], Pace(20.0, 300.0, measured=True)), "north", "en"))
    assert gpx.waypoints[0].name == "Ше\N{REPLACEMENT CHARACTER}лек: 1 test"
    assert gpx.routes[0].points[0].name == "Ше\N{REPLACEMENT CHARACTER}лек"


@pytest.mark.parametrize(("language", "name"), [("kk", "40–50 км: 7 сынақ"), ("ru", "тестов 7")])
def test_names_are_in_the_language_asked_for(language: str, name: str) -> None:
    route = plan_route(LACKS, Pace(20.0, 300.0, measured=True))
    assert name in str(gpxpy.parse(route_gpx(route, "north", language)).waypoints[0].name)


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="ogrinfo (gdal-bin) is missing")
def test_gdal_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "north.gpx"
    path.write_bytes(DOCUMENT)
    told = subprocess.run(
        ["ogrinfo", "-ro", "-al", str(path)], capture_output=True, text=True, check=True
    )
    assert "ERROR" not in told.stderr + told.stdout
    assert "name (String) = KZ38-01 km 40–50: 7 tests" in told.stdout
    assert re.search(r"LINESTRING \(77(\.0)? 43(\.0)?,77(\.0)? 43.09,", told.stdout)
