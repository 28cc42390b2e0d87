"""GPX that others open: every point, segment, time and waypoint, read back by gpxpy and GDAL."""

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.export.from_model import DriveRows, tables_from
from fieldsurvey.export.gpx_format import Gpx
from fieldsurvey.export.gpx_waypoints import WAYPOINT_ELEMENTS
from fieldsurvey.export.positions import track_pieces
from fieldsurvey.export.registry import write_tables
from fieldsurvey.model.drive import Sample
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.messages import LANGUAGES, catalogue, message, resources_dir
from fieldsurvey.model.place import Place
from fieldsurvey.model.position import FixType
from fieldsurvey.model.throughput import OWN_CAUSES, Cause, Outcome
from fieldsurvey.model.verdict import Verdict
from tests.support.export_reading import GPX, check_gpx, gpx_of, our_values, written
from tests.support.export_surveys import (
    S,
    drive,
    fix,
    fresh,
    no_service_test,
    one_drive,
    real_life,
    throughput_test,
    watched_test,
)

XSD = resources_dir() / "export" / "fieldsurvey-gpx-1.xsd"


def test_every_point_comes_back_with_its_time_and_segment() -> None:
    drives = [real_life(1), real_life(2)]
    gpx = gpx_of(written(Gpx(), drives))
    assert len(gpx.tracks) == 2
    expected = []
    for number, of_drive in enumerate(drives):
        tables = tables_from([of_drive])
        for piece, _rows in track_pieces(tables.sample_pieces()):
            for row in piece.iter_rows(named=True):
                if row["begins_segment"]:
                    expected.append((number, []))
                expected[-1][1].append(row)
    segments = [(n, s.points) for n, track in enumerate(gpx.tracks) for s in track.segments]
    assert len(segments) == len(expected) > 10
    for (track, points), (wanted_track, rows) in zip(segments, expected, strict=True):
        assert track == wanted_track
        assert len(points) == len(rows)
        for point, row in zip(points, rows, strict=True):
            assert abs(point.latitude - row["latitude_deg"]) <= 0.51e-8
            assert abs(point.longitude - row["longitude_deg"]) <= 0.51e-8
            fix_utc_ms = (row["utc_us"] - row["fix_age_us"]) // 1000
            assert round(point.time.timestamp() * 1000) == fix_utc_ms
            if row["altitude_m"] is None:
                assert point.elevation is None
            else:
                assert abs(point.elevation - row["altitude_m"]) <= 0.0051
            assert point.horizontal_dilution == row["hdop"]
            assert point.satellites == row["satellites"]


def test_tests_are_waypoints_where_and_when_they_began() -> None:
    gpx = gpx_of(written(Gpx(), one_drive([fresh(0)], [throughput_test(second=10)])))
    (waypoint,) = gpx.waypoints
    start = throughput_test(second=10).start_fix
    assert start is not None
    assert waypoint.latitude == pytest.approx(start.latitude_deg, abs=1e-8)
    assert waypoint.time.timestamp() == throughput_test(second=10).started_utc_us / S
    assert waypoint.name == "87 Mbps ▼"
    for words in ("87.65 Mbps", "85.65", "89.65", "below", "100.00", "national-100", "90.65"):
        assert words in waypoint.description


@pytest.mark.parametrize(
    ("rate_bps", "verdict", "name"),
    [
        (99_999_999, Verdict.BELOW, "99 Mbps ▼"),
        (100_000_001, Verdict.ABOVE, "100 Mbps ▲"),
        (96_400_000, Verdict.UNDECIDED, "96 Mbps ◆"),
        (9_990_000, Verdict.BELOW, "9.9 Mbps ▼"),
        (999_999, Verdict.BELOW, "999 kbps ▼"),
        (12, Verdict.BELOW, "0.012 kbps ▼"),
    ],
)
def test_a_rate_is_never_rounded_up_nor_to_nothing(
    rate_bps: int, verdict: Verdict, name: str
) -> None:
    test = throughput_test(rate_bps=rate_bps, verdict=verdict)
    (waypoint,) = gpx_of(written(Gpx(), one_drive(tests=[test]))).waypoints
    assert waypoint.name == name


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_service_says_its_cause_in_every_language(cause: Cause, language: str) -> None:
    drives = one_drive(tests=[no_service_test(cause=cause)])
    (waypoint,) = gpx_of(written(Gpx(), drives, language)).waypoints
    ours = cause in OWN_CAUSES
    entry = "export.failed" if ours else "export.no_service"
    first_words = catalogue()[entry][language].split(" {")[0]
    assert waypoint.name.startswith(first_words)
    assert waypoint.name.endswith(catalogue()[f"cause.{cause.value}"][language])
    assert ("✕" in waypoint.name) is not ours
    assert "Mbps" not in waypoint.name


@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_outcome_breaks_the_export(outcome: Outcome) -> None:
    measurement = no_service_test().measurement
    changed = type(measurement)("native", measurement.mode, "x", outcome, 1, 0, cause=Cause.BUDGET)
    (waypoint,) = gpx_of(
        written(Gpx(), one_drive(tests=[no_service_test(measurement=changed)]))
    ).waypoints
    assert waypoint.name
    assert "[" not in waypoint.name


def test_a_test_without_position_is_counted_and_not_placed() -> None:
    tests = [
        throughput_test(1),
        throughput_test(2, start_fix=None),
        throughput_test(3, second=10, start_fix=fix(4)),  # six seconds old
    ]
    data = written(Gpx(), one_drive(tests=tests))
    assert len(gpx_of(data).waypoints) == 1
    metadata = ET.fromstring(data).find(f"{GPX}metadata")
    assert metadata is not None
    assert our_values(metadata) == {"tests_without_position_count": "2"}


def test_our_values_are_the_measured_ones() -> None:
    place = Place("osm-1", "KAZ01", 123_456.0, 3.0, "s1", "Шелек", 0.0)
    sample = fresh(0.0)
    samples = [
        Sample(sample.utc_us, sample.mono_us, sample.reachability, sample.fix, 250_000, None, place)
    ]
    root = ET.fromstring(written(Gpx(), one_drive(samples, [throughput_test(place=place)])))
    (point,), (waypoint,) = root.iter(f"{GPX}trkpt"), root.iter(f"{GPX}wpt")
    assert our_values(point) == {
        "reachable": "true",
        "round_trip_ms": "34.567",
        "speed_kmh": "90.00",
        "heading_deg": "27.50",
        "accuracy_m": "3.50",
        "fix_type": "fix_3d",
        "fix_age_s": "0.250000",
        "highway_ref": "KAZ01",
        "chainage_km": "123.456",
        "settlement_name": "Шелек",
    }
    values = our_values(waypoint)
    assert values["download_mbps"] == "87.654321"
    assert values["verdict"] == "below"
    assert values["download_bytes"] == "21000000"
    assert values["download_latency_p50_ms"] == "100.000"
    assert values["idle_latency_p90_ms"] == "48.000"
    assert values["start_chainage_km"] == "123.456"
    assert abs(float(values["end_latitude_deg"]) - (43.2 + 12 * 2e-4)) < 1e-8
    assert "upload_mbps" not in values


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_that_we_held_back_is_no_verdict_about_the_place(language: str) -> None:
    data = written(Gpx(), one_drive(tests=[watched_test()]), language)
    (waypoint,) = gpx_of(data).waypoints
    assert waypoint.name.endswith(" –")
    limits = [message(f"self_limit.{name}").text(language) for name in ("other_traffic", "wifi")]
    said = message("export.self_limited", limits=", ".join(limits)).text(language)
    assert said in waypoint.description
    assert "Алатау" in waypoint.description
    element = ET.fromstring(data).find(f"{GPX}wpt")
    assert element is not None
    assert our_values(element)["self_limits"] == "other_traffic|wifi"


def test_without_extensions_nothing_of_ours_is_left() -> None:
    data = written(Gpx(with_extensions=False), [real_life(3)])
    gpx_of(data)
    assert b"<extensions" not in data
    assert b"<fs:" not in data


@pytest.mark.parametrize("fix_type", list(FixType))
def test_fix_types_are_words_that_gpx_knows(fix_type: FixType) -> None:
    samples = [fresh(0, fix_type=fix_type)]
    (point,) = gpx_of(written(Gpx(), one_drive(samples))).tracks[0].segments[0].points
    expected = {0: None, 1: None, 2: "2d", 3: "3d"}.get(int(fix_type), "dgps")
    assert point.type_of_gpx_fix == expected


@pytest.mark.parametrize("longitude_deg", [180.0, 179.999999999, -180.0, 179.9999999])
def test_the_antimeridian_stays_in_the_range_of_gpx(longitude_deg: float) -> None:
    drives = one_drive(
        [fresh(0, longitude_deg=longitude_deg)],
        [throughput_test(start_fix=fix(10, longitude_deg=longitude_deg))],
    )
    gpx = gpx_of(written(Gpx(), drives))
    points = [gpx.waypoints[0], gpx.tracks[0].segments[0].points[0]]
    expected = longitude_deg if longitude_deg < 179.99999999 else -180.0
    assert [point.longitude for point in points] == [expected, expected]


def test_what_is_no_number_is_left_out() -> None:
    odd = {"altitude_m": float("nan"), "hdop": float("inf"), "speed_mps": float("nan")}
    drives = one_drive([fresh(0, **odd)], [throughput_test(start_fix=fix(10, **odd))])
    data = written(Gpx(), drives)
    gpx = gpx_of(data)
    for point in (gpx.waypoints[0], gpx.tracks[0].segments[0].points[0]):
        assert point.elevation is None
        assert point.horizontal_dilution is None
    assert not re.search(rb">-?(nan|inf)<", data, re.IGNORECASE)


def test_nothing_with_a_position_is_an_error_that_says_so() -> None:
    with pytest.raises(KnownError) as caught:
        written(Gpx(), one_drive([], [throughput_test(start_fix=None)]))
    assert caught.value.message.id == "export.no_points"


def test_the_same_survey_gives_the_same_bytes() -> None:
    assert written(Gpx(), [real_life(4)]) == written(Gpx(), [real_life(4)])


NAMES = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(max_examples=30, deadline=None)
@given(name=NAMES, settlement=NAMES, tag=NAMES)
def test_no_name_breaks_the_file_or_is_changed(name: str, settlement: str, tag: str) -> None:
    place = Place("osm", None, None, None, "1", settlement, 0.0)
    base = fresh(0.0)
    samples = [Sample(base.utc_us, base.mono_us, base.reachability, base.fix, 250_000, None, place)]
    plan = type(drive().plan)(name=name or "x", operator=name)
    tests = [throughput_test(place=place, tags={"note": tag})]
    root = ET.fromstring(written(Gpx(), [DriveRows(drive(plan=plan), samples, tests)]))
    check_gpx(root)
    (point,), (waypoint,) = root.iter(f"{GPX}trkpt"), root.iter(f"{GPX}wpt")
    for values, key in ((point, "settlement_name"), (waypoint, "start_settlement_name")):
        assert our_values(values).get(key, "") == _as_xml_can(settlement)
    assert our_values(waypoint).get("operator", "") == _as_xml_can(name)


def _as_xml_can(words: str) -> str:
    def allowed(letter: str) -> bool:
        return letter in "\t\n\r" or (letter >= " " and letter not in "\ufffe\uffff")

    return "".join(letter if allowed(letter) else "\ufffd" for letter in words)


def test_elements_are_those_of_our_schema_and_of_its_types() -> None:
    schema = {
        element.get("name"): (element.get("type") or "")
        for element in ET.parse(XSD).getroot()
        if element.get("type")
    }
    checks = {
        "xs:boolean": lambda value: value in ("true", "false"),
        "xs:decimal": lambda value: value.lstrip("-").replace(".", "", 1).isdigit(),
        "xs:nonNegativeInteger": str.isdigit,
        "xs:dateTime": lambda value: value.endswith("Z") and value[10] == "T",
        "xs:string": bool,
        "fs:verdict": lambda value: value in list(Verdict),
    }
    drives = [real_life(5), *one_drive([fresh(0)], [throughput_test(start_fix=None)])]
    root = ET.fromstring(written(Gpx(), drives))
    seen = set()
    for element in root.iter():
        for name, value in our_values(element).items():
            assert checks[schema[name]](value), (name, value)
            seen.add(name)
    assert len(seen) > 60


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's ogrinfo is not installed")
def test_gdal_reads_all_layers(tmp_path: Path) -> None:
    pyogrio = pytest.importorskip("pyogrio")
    path = tmp_path / "drive.gpx"
    report = write_tables(tables_from([real_life(6)]), Gpx(), path)
    # With every element that there is, in case one survey has them all: see WAYPOINT_ELEMENTS.
    every = "".join(f"<fs:{name}>1.5</fs:{name}>" for name in WAYPOINT_ELEMENTS)
    whole = re.sub(
        "<wpt(.*?)<extensions>.*?</extensions>",
        rf"<wpt\1<extensions>{every}</extensions>",
        path.read_text(encoding="utf-8"),
    )
    path.write_text(whole, encoding="utf-8")
    counts = {
        layer: pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"]
        for layer in ("waypoints", "tracks", "track_points")
    }
    assert counts == {"waypoints": report.tests, "tracks": 1, "track_points": report.points}
    told = subprocess.run(
        ["ogrinfo", "-ro", "-al", "-so", path],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "fs_download_mbps: Real" in told.stdout
    assert "fs_reachable: String" in told.stdout
    assert not told.stderr
