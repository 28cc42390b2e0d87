"""FORMATS.md lists exactly what is written, in the order in which it is written."""

import re
from pathlib import Path

import fieldsurvey.export
from fieldsurvey.export import columns
from fieldsurvey.export.csv_format import CsvSamples, CsvTests
from fieldsurvey.export.gpx_format import Gpx
from fieldsurvey.export.gpx_points import POINT_ELEMENTS
from fieldsurvey.export.gpx_waypoints import WAYPOINT_ELEMENTS
from fieldsurvey.export.registry import FORMATS
from fieldsurvey.model.messages import resources_dir
from tests.support.export_reading import written
from tests.support.export_surveys import real_life

DOC = (Path(fieldsurvey.export.__file__).parent / "FORMATS.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^#+ ", DOC.split(f"\n### {title}\n")[1], flags=re.MULTILINE)[0]


def listed(title: str) -> list[str]:
    return re.findall(r"^(?:\| |- )`(?:fs:)?(\w+)`", section(title), flags=re.MULTILINE)


def header(data: bytes) -> list[str]:
    return data.split(b"\r\n")[0].decode().split(",")


def test_csv_columns() -> None:
    assert (
        listed("survey.csv") == header(written(CsvSamples(), [])) == list(columns.sample_columns())
    )
    assert (
        listed("survey-tests.csv")
        == header(written(CsvTests(), []))
        == list(columns.test_columns())
    )


def test_every_column_has_a_meaning() -> None:
    rows = re.findall(r"^\| `\w+` \| (.*) \|$", DOC, flags=re.MULTILINE)
    assert len(rows) == len(columns.sample_columns()) + len(columns.test_columns())
    assert all(len(row) > 2 for row in rows)


def test_columns_of_drives() -> None:
    assert listed_under("## GeoPackage") == list(columns.drive_columns())


def listed_under(heading: str) -> list[str]:
    part = DOC.split(f"\n{heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^- `(\w+)`", part, flags=re.MULTILINE)


def test_every_format_is_described() -> None:
    headings = {"fcc": "FCC", "rtr": "RTR", "gpkg": "GeoPackage", "parquet": "GeoParquet",
                "geojson": "GeoJSON"}  # fmt: skip
    for name in FORMATS:
        assert f"\n## {headings.get(name, name.upper())}\n" in DOC, name


def test_every_reason_to_leave_a_test_out_is_described() -> None:
    for module in ("fcc_format", "rtr_format"):
        source = (Path(fieldsurvey.export.__file__).parent / f"{module}.py").read_text("utf-8")
        for reason in re.findall(r'"((?:no|not)_[a-z]+|replayed)"', source):
            assert f"`{reason}`" in DOC, reason


def test_gpx_elements() -> None:
    data = written(Gpx(), [real_life(1), real_life(2)]).decode()
    assert listed("Elements of a point") == list(POINT_ELEMENTS)
    assert listed("Elements of a waypoint") == list(WAYPOINT_ELEMENTS)
    assert set(WAYPOINT_ELEMENTS) < set(columns.test_columns())
    allowed = {
        "trkpt": set(POINT_ELEMENTS),
        "wpt": set(WAYPOINT_ELEMENTS),
        "trk": set(listed("Elements of a track")),
    }
    for element, names in allowed.items():
        found: set[str] = set()
        for inner in re.findall(rf"<{element}[ >].*?</extensions>", data):
            found |= set(re.findall(r"<fs:(\w+)>", inner))
        assert found <= names, element
        assert len(found) > len(names) / 3
    assert set(re.findall(r"<fs:(\w+)>", re.findall("<trk>.*", data)[0])) == allowed["trk"]


def test_the_schema_has_every_element_and_no_other() -> None:
    schema = (resources_dir() / "export" / "fieldsurvey-gpx-1.xsd").read_text(encoding="utf-8")
    named = re.findall(r'<xs:element name="(\w+)"', schema)
    of_tracks = listed("Elements of a track")
    counts = {"tests_without_position_count", "seconds_left_out_count", "tests_left_out_count"}
    assert all(f"`fs:{name}`" in DOC for name in counts)
    expected = {*POINT_ELEMENTS, *WAYPOINT_ELEMENTS, *of_tracks, *counts}
    assert sorted(named) == sorted(expected)
