"""Each new format opened by another program, which must find what ``survey.csv`` says."""

import json
import re
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import polars as pl
import pyarrow.parquet as pq
import pytest

from fieldsurvey.export import columns
from fieldsurvey.export.from_model import tables_from
from fieldsurvey.export.homes import HomeArea, without_homes
from fieldsurvey.export.registry import FORMATS, write_tables
from fieldsurvey.export.tables import SurveyTables
from fieldsurvey.model.throughput import SelfCheck
from tests.support.export_surveys import (
    drive,
    fix,
    fresh,
    no_service_test,
    one_drive,
    real_life,
    throughput_test,
)

KML = "{http://www.opengis.net/kml/2.2}"
needs_gdal = pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's ogrinfo is missing")


def tables() -> SurveyTables:
    return tables_from([real_life(1, 200), real_life(2, 200)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("formats")
    for name in ("csv", "geojson", "gpkg", "kml", "parquet"):
        write_tables(tables(), FORMATS[name], path / f"a.{name}")
    return path


def csv_frame(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def numbers(frame: pl.DataFrame, column: str) -> list[float | None]:
    return frame[column].cast(pl.Float64).to_list()


def layers_of(path: Path) -> list[str]:
    done = subprocess.run(
        ["ogrinfo", "-q", path], check=True, capture_output=True, text=True, timeout=120
    )
    return re.findall(r"^\d+: (.*?)(?: \([^()]*\))?$", done.stdout, flags=re.MULTILINE)


def features_of(path: Path, layer: str) -> list[dict[str, Any]]:
    """A layer's features as GDAL reads them."""
    done = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", "/vsistdout/", path, layer, "-lco", "COORDINATE_PRECISION=15"],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)["features"]
    return found


def checked(features: list[dict[str, Any]], rows: pl.DataFrame, known: str) -> None:
    """A layer of GDAL's says what the CSV says; what has no position has no geometry."""
    assert list(features[0]["properties"]) == rows.columns
    assert len(features) == len(rows)
    for feature, row in zip(features, rows.iter_rows(named=True), strict=True):
        assert (feature["geometry"] is None) == (row[f"{known}latitude_deg"] is None)
        for name, value in feature["properties"].items():
            assert (value is None) == (row[name] is None), name
            if isinstance(value, float) and row[name] is not None:
                assert value == pytest.approx(float(row[name]), abs=1e-9), name


@needs_gdal
def test_gdal_reads_the_geopackage(folder: Path) -> None:
    path = folder / "a.gpkg"
    assert layers_of(path) == ["samples", "tests", "drives"]
    checked(features_of(path, "samples"), csv_frame(folder / "a.csv"), "")
    checked(features_of(path, "tests"), csv_frame(folder / "a-tests.csv"), "start_")
    drives = features_of(path, "drives")
    assert [list(drive["properties"]) for drive in drives] == [list(columns.drive_columns())] * 2


def test_the_geopackage_is_one(folder: Path) -> None:
    """What the standard demands of the file itself, and that its index finds what lies in a box."""
    with sqlite3.connect(folder / "a.gpkg") as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        assert connection.execute("PRAGMA user_version").fetchone() == (10300,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        systems = {row[0] for row in connection.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")}
        assert systems >= {-1, 0, 4326}
        extensions = connection.execute("SELECT extension_name FROM gpkg_extensions").fetchall()
        assert ("gpkg_rtree_index",) in extensions
        (found,) = connection.execute(
            "SELECT count(*) FROM rtree_samples_geom WHERE maxy >= 43.21 AND miny <= 43.22"
        ).fetchone()
    connection.close()
    latitudes = numbers(csv_frame(folder / "a.csv"), "latitude_deg")
    expected = sum(1 for degrees in latitudes if degrees is not None and 43.21 <= degrees <= 43.22)
    assert found == expected > 50


@needs_gdal
@pytest.mark.parametrize("name", ["a.geojson", "a-samples.geojsonl"])
def test_gdal_reads_the_geojson(folder: Path, name: str) -> None:
    of_tests = name == "a.geojson"
    rows = csv_frame(folder / ("a-tests.csv" if of_tests else "a.csv"))
    (layer,) = layers_of(folder / name)
    checked(features_of(folder / name, layer), rows, "start_" if of_tests else "")


def test_the_geojson_is_as_its_standard_says(folder: Path) -> None:
    document = json.loads((folder / "a.geojson").read_bytes())
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    west, south, east, north = document["bbox"]
    points = [f["geometry"]["coordinates"] for f in document["features"] if f["geometry"]]
    assert min(x for x, _ in points) == west > 76
    assert max(x for x, _ in points) == east
    assert min(y for _, y in points) == south < 44
    assert max(y for _, y in points) == north
    assert all(len(str(degrees).partition(".")[2]) <= 7 for point in points for degrees in point)
    for line in (folder / "a-samples.geojsonl").read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["type"] == "Feature"


def test_a_collection_without_a_position_has_no_box(tmp_path: Path) -> None:
    lost = tables_from(one_drive(tests=[throughput_test(start_fix=None)]))
    write_tables(lost, FORMATS["geojson"], tmp_path / "a.geojson")
    document = json.loads((tmp_path / "a.geojson").read_bytes())
    assert "bbox" not in document
    assert document["features"][0]["geometry"] is None


def test_duckdb_reads_the_parquet(folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    expected = (("a", columns.sample_columns()), ("a-tests", columns.test_columns()))
    for name, names in expected:
        rows = csv_frame(folder / f"{name}.csv")
        with duckdb.connect() as connection:
            found = connection.execute(f"SELECT * FROM '{folder / name}.parquet'")
            named = [column[0] for column in found.description]
            read = pl.DataFrame(
                found.fetchall(), schema=named, orient="row", infer_schema_length=None
            )
        assert read.columns == [*names, "geometry"]
        assert len(read) == len(rows)
        for column in names:
            assert read[column].is_null().to_list() == rows[column].is_null().to_list(), column
            if read[column].dtype == pl.Float64:
                assert read[column].to_list() == numbers(rows, column), column
            elif read[column].dtype == pl.String:
                assert read[column].to_list() == rows[column].to_list(), column


def test_the_parquet_says_where_it_is(folder: Path) -> None:
    pyogrio = pytest.importorskip("pyogrio")
    file = pq.ParquetFile(folder / "a.parquet")
    geo = json.loads(file.metadata.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Point"])
    longitudes = [x for x in numbers(csv_frame(folder / "a.csv"), "longitude_deg") if x is not None]
    assert column["bbox"][0] == min(longitudes)
    assert column["bbox"][2] == max(longitudes)
    if "Parquet" in pyogrio.list_drivers():
        assert pyogrio.read_info(folder / "a.parquet")["crs"] in ("OGC:CRS84", "EPSG:4326")


@needs_gdal
def test_gdal_reads_the_kml(folder: Path) -> None:
    first, *others = layers_of(folder / "a.kml")
    assert first == "Throughput tests"
    assert len(features_of(folder / "a.kml", first)) == 10
    lines = [feature for name in others for feature in features_of(folder / "a.kml", name)]
    assert {line["geometry"]["type"] for line in lines} == {"LineString"}
    assert len(others) == 2


@pytest.mark.skipif(shutil.which("xmllint") is None, reason="libxml2's xmllint is missing")
def test_xmllint_takes_the_kml(folder: Path) -> None:
    subprocess.run(["xmllint", "--noout", folder / "a.kml"], check=True, timeout=60)


def test_the_kml_says_a_verdict_by_colour_and_by_mark(tmp_path: Path) -> None:
    tests = [throughput_test(1), no_service_test(2), throughput_test(3, start_fix=None)]
    driven = one_drive([fresh(second) for second in range(5)], tests)
    write_tables(tables_from(driven), FORMATS["kml"], tmp_path / "a.kml")
    root = ET.parse(tmp_path / "a.kml").getroot()
    styles = {style.get("id") for style in root.iter(f"{KML}Style")}
    folders = list(root.iter(f"{KML}Folder"))
    below, dead, lost = list(folders[0].iter(f"{KML}Placemark"))
    assert below.findtext(f"{KML}name") == "87 Mbps ▼"
    assert below.findtext(f"{KML}styleUrl") == "#below"
    assert dead.findtext(f"{KML}styleUrl") == "#no_service"
    assert "✕" in (dead.findtext(f"{KML}name") or "")
    used = {place.text.lstrip("#") for place in root.iter(f"{KML}styleUrl") if place.text}
    assert used <= styles
    assert lost.find(f"{KML}Point") is None
    when = below.findtext(f"{KML}TimeStamp/{KML}when")
    data = {item.get("name"): item.findtext(f"{KML}value") for item in below.iter(f"{KML}Data")}
    assert data["started_utc"] == when
    assert data["download_mbps"] == "87.654321"
    assert data.keys() <= columns.test_columns().keys()
    (line,) = folders[1].iter(f"{KML}LineString")
    assert len((line.findtext(f"{KML}coordinates") or "").split()) == 5
    assert "http" not in (tmp_path / "a.kml").read_text(encoding="utf-8").replace(KML[1:-1], "")


def test_a_line_is_broken_where_nobody_drove(tmp_path: Path) -> None:
    samples = [fresh(second) for second in (*range(5), *range(100, 105))]
    write_tables(tables_from(one_drive(samples)), FORMATS["kml"], tmp_path / "a.kml")
    root = ET.parse(tmp_path / "a.kml").getroot()
    assert len(list(root.iter(f"{KML}LineString"))) == 2


def coordinates(root: ET.Element, kind: str) -> list[list[str]]:
    found = root.iter(f"{KML}{kind}")
    return [(one.findtext(f"{KML}coordinates") or "").split() for one in found]


@pytest.mark.parametrize("piece_rows", [1, 2, 3, 1_000])
def test_a_fix_between_two_gaps_is_a_point_of_the_kml(tmp_path: Path, piece_rows: int) -> None:
    """KML wants two positions in a line; pieces may begin anywhere in it."""
    seconds = [0, *range(50, 53), 100, 150, *range(200, 202), 250]
    samples = [fresh(second) for second in seconds]
    other = replace(one_drive([fresh(7)])[0], drive=drive(2))
    whole = tables_from([*one_drive(samples), other])
    frames = [part for p in whole.sample_pieces() for part in p.iter_slices(piece_rows)]
    report = write_tables(
        replace(whole, sample_pieces=lambda: iter(frames)), FORMATS["kml"], tmp_path / "a.kml"
    )
    assert report.points == len(seconds) + 1
    root = ET.parse(tmp_path / "a.kml").getroot()
    lines, points = coordinates(root, "LineString"), coordinates(root, "Point")
    assert [len(line) for line in lines] == [3, 2]
    assert [len(point) for point in points] == [1] * 5
    expected = {
        f"{one.fix.longitude_deg:.8f},{one.fix.latitude_deg:.8f}" for one in samples if one.fix
    }
    told = {one for part in (*lines, *points[:4]) for one in part}
    assert told == expected
    assert [len(list(one.iter(f"{KML}Placemark"))) for one in root.iter(f"{KML}Folder")] == [
        0,
        6,
        1,
    ]


def test_the_kml_says_nothing_of_what_is_empty(tmp_path: Path) -> None:
    test = throughput_test(1)
    watched = replace(test.measurement, self_check=SelfCheck("wwan0"))  # held back by nothing
    tests = [replace(test, measurement=watched)]
    write_tables(tables_from(one_drive(tests=tests)), FORMATS["kml"], tmp_path / "a.kml")
    data = list(ET.parse(tmp_path / "a.kml").getroot().iter(f"{KML}Data"))
    assert data
    assert all(item.findtext(f"{KML}value") for item in data)


def test_what_was_left_out_is_told(tmp_path: Path) -> None:
    driven = one_drive([fresh(second) for second in range(200)], [throughput_test(1)])
    start = fix(0)
    home = HomeArea(start.latitude_deg, start.longitude_deg, 1_000.0)
    kept = without_homes(tables_from(driven), [home])
    assert kept.left_out.samples
    for name in ("geojson", "kml", "parquet"):
        write_tables(kept, FORMATS[name], tmp_path / f"a.{name}")
    seconds = kept.left_out.samples
    assert json.loads((tmp_path / "a.geojson").read_bytes())["seconds_left_out_count"] == seconds
    assert f'"seconds_left_out_count"><value>{seconds}<' in (tmp_path / "a.kml").read_text("utf-8")
    metadata = pq.ParquetFile(tmp_path / "a.parquet").metadata.metadata
    assert metadata[b"seconds_left_out_count"] == str(seconds).encode()


def test_evil_text_stays_text(tmp_path: Path) -> None:
    """A name cannot end an element, a line or a string."""
    name = '</name>"\n\\<![CDATA[ ]]>&амп;'
    test = throughput_test(1, tags={"note": name})
    drive = one_drive([fresh(1)], [test])
    for format_name in ("geojson", "kml", "parquet", "gpkg"):
        write_tables(tables_from(drive), FORMATS[format_name], tmp_path / f"a.{format_name}")
    ET.parse(tmp_path / "a.kml")
    (feature,) = json.loads((tmp_path / "a.geojson").read_bytes())["features"]
    assert json.loads(feature["properties"]["tags"])["note"] == name
