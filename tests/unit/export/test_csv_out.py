"""CSV that spreadsheets open: every value, nothing run, nothing missing turned into a number."""

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.export.csv_format import CsvSamples, CsvTests, original_text
from fieldsurvey.export.from_model import DriveRows, tables_from
from fieldsurvey.export.gpx_format import Gpx
from fieldsurvey.export.registry import write_tables
from fieldsurvey.export.text import REPLACEMENT
from fieldsurvey.model.place import Place
from fieldsurvey.model.radio import AccessType, RadioState, RadioTechnology
from tests.support.export_reading import GPX, csv_rows, our_values, written
from tests.support.export_surveys import (
    drive,
    fix,
    fresh,
    no_service_test,
    one_drive,
    real_life,
    sample,
    throughput_test,
    watched_test,
)

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def settled(name: str) -> Place:
    return Place("osm", None, None, None, "1", name, 0.0)


def written_name(name: str) -> str:
    """The cell that ``name`` of a settlement becomes, in rows of tests and of seconds alike."""
    (row,) = csv_rows(written(CsvTests(), one_drive(tests=[throughput_test(place=settled(name))])))
    second = sample(0.5, fix(0), place=settled(name))
    for others in ((), (sample(1.5, fix(1), place=settled("x" * 300)),)):  # spelt cell by cell
        of_second = csv_rows(written(CsvSamples(), one_drive([second, *others])))[0]
        assert of_second["settlement_name"] == row["start_settlement_name"]
    return row["start_settlement_name"]


def test_a_row_for_every_second_with_or_without_anything() -> None:
    drives = [real_life(1), real_life(2)]
    rows = csv_rows(written(CsvSamples(), drives))
    samples = [s for of_drive in drives for s in of_drive.samples]
    assert len(rows) == len(samples)
    for row, second in zip(rows, samples, strict=True):
        assert row["reachable"] == ("true" if second.reachability.reachable else "false")
        assert row["no_service_cause"] == (second.reachability.cause or "")
        fresh_fix = (
            second.fix if second.fix_age_us is not None and second.fix_age_us <= 2e6 else None
        )
        assert (row["latitude_deg"] == "") is (fresh_fix is None)
        if fresh_fix is not None:
            assert abs(float(row["latitude_deg"]) - fresh_fix.latitude_deg) <= 0.51e-8
            assert (row["altitude_m"] == "") is (fresh_fix.altitude_m is None)
        if second.radio is None:
            assert row["technology"] == row["operator_name"] == row["cell_id"] == ""
        else:
            assert row["operator_name"] == second.radio.operator_name
            assert row["cell_id"] == str(second.radio.cell_id)


def test_values_of_a_test() -> None:
    tests = [throughput_test(1), no_service_test(2), throughput_test(3, start_fix=None)]
    done, failed, homeless = csv_rows(written(CsvTests(), one_drive(tests=tests)))
    assert done["download_mbps"] == "87.654321"
    assert done["download_low_mbps"] == "85.654321"
    assert done["verdict"] == "below"
    assert done["started_utc"] == "2026-05-28T20:26:50.123Z"
    assert done["idle_latency_p50_ms"] == "40.000"
    assert done["download_latency_lost_count"] == "1"
    assert failed["no_service"] == "true"
    assert failed["cause"] == "timed_out"
    assert homeless["start_latitude_deg"] == ""
    assert homeless["download_mbps"] == "87.654321"
    empty = ["download_mbps", "download_bytes", "verdict", "idle_latency_p50_ms", "upload_mbps"]
    assert [failed[name] for name in empty] == [""] * len(empty)


def test_how_a_test_was_made_and_what_held_it_back() -> None:
    (row,) = csv_rows(written(CsvTests(), one_drive(tests=[watched_test()])))
    assert (row["link"], row["operator"], row["access_type"]) == ("left", "Алатау", "satellite")
    assert row["confirms_test_id"] == throughput_test(1).test_id
    assert (row["ip_version"], row["tls"], row["pace_mbps"]) == ("6", "true", "200.000000")
    assert row["self_limits"] == "other_traffic|wifi"
    assert (row["interface"], row["interface_kind"]) == ("wlan0", "wifi")
    assert (row["cpu_share_percent"], row["machine_cpu_share_percent"]) == ("31.2", "45.5")
    assert (row["event_loop_lag_ms"], row["retry_after_s"]) == ("18.250", "7")
    assert (row["other_rx_bytes"], row["other_tx_bytes"]) == ("1200000", "90000")
    assert row["download_retransmission_percent"] == "0.500"
    assert row["download_min_round_trip_ms"] == "38.800"  # the server's, which sent
    assert row["upload_retransmission_percent"] == "0.000"
    assert row["upload_min_round_trip_ms"] == "41.000"  # the receiver's: ours was not told
    assert row["verdict"] == ""


def test_what_nobody_watched_is_empty_and_the_plan_speaks_for_its_only_link() -> None:
    (row,) = csv_rows(written(CsvTests(), one_drive(tests=[throughput_test()])))
    assert (row["link"], row["operator"], row["access_type"]) == ("", "Test", "mobile")
    at = list(row).index("link")
    empty = {name for name in list(row)[at:] if row[name] == ""}
    assert empty == set(list(row)[at:]) - {"tls"}


def test_a_link_without_an_operator_is_not_given_the_plans() -> None:
    test = watched_test(operator="", access_type=AccessType.UNKNOWN)
    (row,) = csv_rows(written(CsvTests(), one_drive(tests=[test])))
    assert (row["link"], row["operator"], row["access_type"]) == ("left", "", "unknown")


def test_nothing_in_a_file_is_nan_or_an_exponent() -> None:
    odd = fix(
        0, altitude_m=float("nan"), speed_mps=float("inf"), heading_deg=1e-9, accuracy_m=123456.789
    )
    radio = RadioState(0, 0, RadioTechnology.G4, rsrp_dbm=float("nan"), sinr_db=-0.04)
    (row,) = csv_rows(written(CsvSamples(), one_drive([sample(0.5, odd, radio=radio)])))
    assert [row[n] for n in ("altitude_m", "speed_kmh", "rsrp_dbm")] == ["", "", ""]
    assert row["heading_deg"] == "0.00"
    assert row["accuracy_m"] == "123456.79"
    assert row["sinr_db"] in ("0.0", "-0.0")


def test_lines_end_as_rfc_4180_says() -> None:
    data = written(CsvSamples(), [real_life(1, seconds=20)])
    assert data.count(b"\r\n") == data.count(b"\n") == 21
    assert data.endswith(b"\r\n")
    assert not data.startswith(b"\xef\xbb\xbf")


def test_an_empty_survey_has_a_header() -> None:
    for exporter in (CsvSamples(), CsvTests()):
        assert written(exporter, []).count(b"\r\n") == 1


def test_every_quantity_has_its_unit_in_its_name() -> None:
    units = r"_(deg|m|km|s|ms|kmh|mbps|bytes|count|dbm|db)$|hdop$|_id$|_code$|_version$"
    drives = one_drive([s for s in real_life(1).samples if s.radio], [throughput_test()])
    for exporter in (CsvSamples(), CsvTests()):
        for row in csv_rows(written(exporter, drives)):
            for name, value in row.items():
                if NUMBER.fullmatch(value):
                    assert re.search(units, name), f"{name} is a number without a unit: {value}"


@pytest.mark.realdata
def test_the_acid_tests_come_back(shared_data: Path) -> None:
    values: list[str] = []
    for path in sorted((shared_data / "nasty" / "csv_spectrum_bsd2" / "json").glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        for row in content if isinstance(content, list) else [content]:
            values += [*row, *row.values()]
    assert len(values) > 50
    tests = [throughput_test(n, place=settled(value)) for n, value in enumerate(values)]
    rows = csv_rows(written(CsvTests(), one_drive(tests=tests)))
    assert [row["start_settlement_name"] for row in rows] == values
    named = our_names(written(Gpx(), one_drive(tests=tests)))
    assert named == values


def our_names(data: bytes) -> list[str]:
    """The settlement of each waypoint."""
    return [
        our_values(waypoint).get("start_settlement_name", "")
        for waypoint in ET.fromstring(data).iter(f"{GPX}wpt")
    ]


@pytest.mark.parametrize(
    "formula",
    ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1+1", "=cmd|' /C calc'!A0",
     "＝1+1", "'=1", "''=1", "\ufeff=1", "\u00a0=1", '=HYPERLINK("http://x","y")', "-", "- Алматы"],
)  # fmt: skip
def test_a_formula_is_defused_and_can_be_had_back(formula: str) -> None:
    cell = written_name(formula)
    assert cell == f"'{formula}"
    assert original_text(cell) == formula


@pytest.mark.parametrize("word", ["Көкпек", "'tis", "a=b", "5-NSA", "a\nb", "x,y", 'say "hi"'])
def test_harmless_text_stays_as_it_is(word: str) -> None:
    assert written_name(word) == word
    assert original_text(word) == word


def test_every_text_column_is_defused() -> None:
    evil = "=1+1"
    place = Place(evil, evil, 1.0, 1.0, evil, evil, 1.0)
    radio = RadioState(0, 0, RadioTechnology.G4, evil, evil, 1, 1, evil)
    plan = type(drive().plan)(name=evil, operator=evil)
    rows = one_drive(
        [sample(0.5, fix(0), radio=radio, place=place)],
        [no_service_test(place=place, test_id=evil, tags={evil: evil})],
    )
    drives = [DriveRows(drive(plan=plan, drive_id=evil), rows[0].samples, rows[0].tests)]
    for exporter in (CsvSamples(), CsvTests()):
        cells = [cell for row in csv_rows(written(exporter, drives)) for cell in row.values()]
        assert not [cell for cell in cells if cell.startswith("=")]
        assert cells.count(f"'{evil}") >= 7


def test_negative_numbers_are_numbers() -> None:
    radio = RadioState(0, 0, RadioTechnology.G4, rsrp_dbm=-97.5)
    south = fix(0, latitude_deg=-33.5, longitude_deg=-70.25, altitude_m=-28.0)
    (row,) = csv_rows(written(CsvSamples(), one_drive([sample(0.5, south, radio=radio)])))
    assert row["rsrp_dbm"] == "-97.5"
    assert row["latitude_deg"] == "-33.50000000"
    assert row["altitude_m"] == "-28.00"
    huge = fix(0, altitude_m=1e30, accuracy_m=0.005)
    (row,) = csv_rows(written(CsvSamples(), one_drive([sample(0.5, huge)])))
    assert float(row["altitude_m"]) == pytest.approx(1e30)
    assert row["accuracy_m"] == "0.00", "halves go to the even digit"


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


@settings(max_examples=30, deadline=None)
@given(name=NAMES, tags=st.dictionaries(NAMES, NAMES, max_size=3))
def test_any_text_comes_back(name: str, tags: dict[str, str]) -> None:
    test = throughput_test(place=settled(name), tags=tags)
    (row,) = csv_rows(written(CsvTests(), one_drive(tests=[test])))
    expected = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", REPLACEMENT, name)
    assert original_text(row["start_settlement_name"]) == expected
    assert written_name(name) == row["start_settlement_name"]
    if tags:
        shown = {
            re.sub("[\ufffe\uffff]", REPLACEMENT, key): re.sub("[\ufffe\uffff]", REPLACEMENT, value)
            for key, value in tags.items()
        }
        assert json.loads(row["tags"]) == shown


@pytest.mark.skipif(shutil.which("ssconvert") is None, reason="gnumeric's ssconvert is missing")
def test_a_spreadsheet_reads_the_same(tmp_path: Path) -> None:
    names = ["=1+1", " =1+1", "x,y", 'say "hi"', "two\nlines", "Қапшағай", "@a", "-1"]
    tests = [throughput_test(n, place=settled(name)) for n, name in enumerate(names)]
    source = tmp_path / "s.csv"
    write_tables(tables_from(one_drive([fresh(0)], tests)), CsvSamples(), source)
    back = tmp_path / "back.csv"
    subprocess.run(
        ["ssconvert", "--import-type=Gnumeric_stf:stf_csvtab", "--recalc",
         tmp_path / "s-tests.csv", back],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    sent = csv_rows((tmp_path / "s-tests.csv").read_bytes())
    seen = list(csv.DictReader(io.StringIO(back.read_text(encoding="utf-8"), newline="")))
    assert len(seen) == len(sent) == len(names)
    for row, read, name in zip(sent, seen, names, strict=True):
        assert read.keys() == row.keys()
        # It may show the apostrophe or take it for the mark of a text; it must not calculate.
        assert read["start_settlement_name"].lstrip("'") == name.lstrip("'")
        assert float(read["download_mbps"]) == float(row["download_mbps"])
        assert float(read["start_latitude_deg"]) == pytest.approx(float(row["start_latitude_deg"]))
        assert read["upload_mbps"] == ""
