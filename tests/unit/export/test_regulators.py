"""The FCC's and RTR's formats: their units, and what is not known is left out or empty."""

import csv
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from fieldsurvey.export.from_model import DriveRows, tables_from
from fieldsurvey.export.registry import FORMATS, write_tables
from fieldsurvey.model.drive import SurveyPlan
from fieldsurvey.model.radio import AccessType, RadioState, RadioTechnology
from fieldsurvey.model.tally import Result
from fieldsurvey.model.throughput import (
    Cause,
    Mode,
    Outcome,
    Phase,
    PhaseKind,
    SelfCheck,
    SelfLimit,
    ThroughputTest,
)
from fieldsurvey.model.verdict import Verdict
from tests.support.export_surveys import (
    drive,
    fresh,
    no_service_test,
    throughput_test,
)


def made_of(
    folder: Path,
    name: str,
    *tests: ThroughputTest,
    technology: RadioTechnology = RadioTechnology.G4,
    **of_drive: object,
) -> list[Path]:
    radio = RadioState(0, 0, technology, "40177", "Tele2", 123_456, 17, rsrp_dbm=-97.5)
    samples = [replace(fresh(second), radio=radio) for second in range(40)]
    rows = DriveRows(drive(**({"replayed": False} | of_drive)), samples, tests)
    report = write_tables(tables_from([rows]), FORMATS[name], folder / f"a.{name}")
    return list(report.paths)


def submissions(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_bytes())["submissions"]
    return found


def left_out(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["test_id"]: row["reason"] for row in csv.DictReader(stream)}


def test_fcc_units(tmp_path: Path) -> None:
    path, beside = made_of(tmp_path, "fcc", throughput_test(1))
    (one,) = submissions(path)
    download = one["tests"]["download"]
    assert download["bytes_sec"] == 87_654_321 // 8
    assert download["warmup_duration"] + download["duration"] == 2_000_000
    assert download["warmup_bytes_transferred"] + download["bytes_transferred"] == 21_000_000
    assert datetime.fromisoformat(download["timestamp"]).tzinfo is not None
    assert one["tests"]["latency"]["round_trip_time"] == 40_000
    assert one["tests"]["latency"]["packets_received"] == 3
    assert one["device_type"] == "Other"
    assert (one["net_mobile_country_code"], one["net_mobile_network_code"]) == ("401", "77")
    start, end = download["locations"]
    assert start["timestamp"] < end["timestamp"]
    (cell,) = download["cells"]
    assert (cell["network_generation"], cell["rsrp"]) == ("4G", -97.5)
    assert left_out(beside) == {}


def test_fcc_never_tells_who_it_was(tmp_path: Path) -> None:
    path, _beside = made_of(tmp_path, "fcc", throughput_test(1))
    document = json.loads(path.read_bytes())
    assert document["contact"] == {"name": None, "email": None, "phone": None}
    assert "imei" not in path.read_text(encoding="utf-8").lower()


def test_fcc_has_no_rate_of_a_failed_phase(tmp_path: Path) -> None:
    test = throughput_test(1)
    idle, download = test.measurement.phases
    phases = (idle, replace(download, outcome=Outcome.FAILED))
    failed = replace(test.measurement, phases=phases, outcome=Outcome.FAILED, cause=Cause.STALLED)
    path, _beside = made_of(tmp_path, "fcc", replace(test, measurement=failed))
    (one,) = submissions(path)
    assert one["tests"]["download"]["bytes_sec"] is None
    assert one["tests"]["download"]["success_flag"] is False


@pytest.mark.parametrize("cause", [Cause.REFUSED, Cause.DNS, Cause.NO_ROUTE])
def test_fcc_is_told_of_a_network_that_gave_no_connection(tmp_path: Path, cause: Cause) -> None:
    """As `measure` records it: nothing but a wake-up that failed."""
    test = no_service_test(1, cause=cause)
    wake_up = Phase(PhaseKind.WAKE_UP, 146, 3_001, 0, 1, outcome=Outcome.FAILED, cause=cause)
    tried = replace(test.measurement, phases=(wake_up,), duration_us=3_197)
    path, beside = made_of(tmp_path, "fcc", replace(test, measurement=tried))
    assert left_out(beside) == {}
    (one,) = submissions(path)
    download = one["tests"]["download"]
    assert download["success_flag"] is False
    assert (download["duration"], download["bytes_transferred"]) == (3_197, 0)
    assert (download["bytes_sec"], download["warmup_duration"]) == (None, None)
    assert (one["tests"]["upload"], one["tests"]["latency"]) == (None, None)


def held_back(number: int, **changes: object) -> ThroughputTest:
    test = throughput_test(number, **({"judgement": None} | changes))  # type: ignore[arg-type]
    check = SelfCheck("wwan0", limits=(SelfLimit.CPU,))
    return replace(test, measurement=replace(test.measurement, self_check=check))


@pytest.mark.parametrize("name", ["fcc", "rtr"])
def test_what_our_own_side_did_is_no_regulators_business(tmp_path: Path, name: str) -> None:
    """By the tally's word. A second try that was held back says as little as a first one."""
    busy = no_service_test(1, cause=Cause.SERVER_BUSY)
    ours = no_service_test(2, cause=Cause.ENGINE)
    limited, again = held_back(3), held_back(4, confirms=throughput_test(6).test_id)
    # Held back and above all the same: what was delivered was delivered.
    above = held_back(5, judgement=throughput_test(5, verdict=Verdict.ABOVE).judgement)
    whole = throughput_test(6)
    tests = (busy, ours, limited, again, above, whole)
    path, beside = made_of(tmp_path, name, *tests)
    reasons = left_out(beside)
    assert reasons == {
        busy.test_id: Result.FAILED,
        ours.test_id: Result.FAILED,
        limited.test_id: Result.SELF_LIMITED,
        again.test_id: Result.SELF_LIMITED,
    }
    written = path.read_text(encoding="utf-8")
    assert [test.test_id in written for test in tests] == [False] * 4 + [True] * 2


def test_fcc_lists_what_it_has_no_room_for(tmp_path: Path) -> None:
    ping = replace(no_service_test(2).measurement, mode=Mode.PING)
    dish = throughput_test(3, access_type=AccessType.SATELLITE)
    tests = [
        throughput_test(1, start_fix=None),
        no_service_test(2, measurement=ping),
        dish,
        throughput_test(4),
    ]
    path, beside = made_of(tmp_path, "fcc", *tests)
    reasons = left_out(beside)
    assert list(reasons.values()) == ["no_position", "no_transfer", "not_mobile"]
    assert len(submissions(path)) == 1
    fibre = SurveyPlan(operator="X", access_type=AccessType.FIBRE)
    _path, beside = made_of(tmp_path, "fcc", throughput_test(1), plan=fibre)
    assert list(left_out(beside).values()) == ["not_mobile"]
    nobody = SurveyPlan(access_type=AccessType.MOBILE)
    _path, beside = made_of(tmp_path, "fcc", throughput_test(1), plan=nobody)
    assert list(left_out(beside).values()) == ["no_operator"]
    _path, beside = made_of(tmp_path, "fcc", throughput_test(1), replayed=True)
    assert list(left_out(beside).values()) == ["replayed"]


def test_rtr_rows(tmp_path: Path) -> None:
    path, beside = made_of(tmp_path, "rtr", throughput_test(1), no_service_test(2))
    with path.open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["download_kbit"] == "87654"
    assert row["upload_kbit"] == ""
    assert row["time"] == "2026-05-28 20:26:50"
    assert (row["cat_technology"], row["lte_rsrp"]) == ("4G", "-97.5")
    # Under whose name it was tested, as in every other format; the code is the modem's.
    assert (row["network_mcc_mnc"], row["network_name"]) == ("401-77", "Test")
    assert row["ping_ms"] == "40.000"
    assert row["lat"].startswith("43.2")
    assert row["zip_code"] == ""
    assert list(left_out(beside).values()) == ["no_rate"]


def over(link: str, access_type: AccessType, number: int) -> ThroughputTest:
    return throughput_test(
        number, second=10.0 + number, link=link, operator=link.title(), access_type=access_type
    )


def network_told(folder: Path, *tests: ThroughputTest) -> list[tuple[str, str, str, str]]:
    """Write both formats; return operator, MCC-MNC, technology and RSRP by RTR's."""
    path, _beside = made_of(folder, "fcc", *tests)
    cells = [one["tests"]["download"]["cells"] for one in submissions(path)]
    codes = [one["net_mobile_network_code"] for one in submissions(path)]
    path, _beside = made_of(folder, "rtr", *tests)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = ("network_name", "network_mcc_mnc", "cat_technology", "lte_rsrp")
    told = [tuple(row[name] for name in names) for row in rows]
    mobile = [row for row, test in zip(told, tests, strict=True) if mobile_one(test)]
    assert [(row[1][4:] or None, bool(row[2])) for row in mobile] == [
        (code, bool(cell)) for code, cell in zip(codes, cells, strict=True)
    ]
    return told  # type: ignore[return-value]


def mobile_one(test: ThroughputTest) -> bool:
    return test.access_type in (AccessType.MOBILE, AccessType.UNKNOWN)


def test_one_of_two_modems_gives_no_test_the_other_ones_network(tmp_path: Path) -> None:
    """Seconds tell of one modem; nobody knows of which."""
    left, right = over("left", AccessType.MOBILE, 1), over("right", AccessType.MOBILE, 2)
    assert network_told(tmp_path, left, right) == [("Left", "", "", ""), ("Right", "", "", "")]


def test_a_satellite_beside_the_modem_is_no_4g(tmp_path: Path) -> None:
    modem, dish = over("modem", AccessType.MOBILE, 1), over("dish", AccessType.SATELLITE, 2)
    assert network_told(tmp_path, modem, dish) == [
        ("Modem", "401-77", "4G", "-97.5"),
        ("Dish", "", "", ""),
    ]
    _path, beside = made_of(tmp_path, "fcc", modem, dish)
    assert left_out(beside) == {dish.test_id: "not_mobile"}


@pytest.mark.parametrize(
    ("technology", "told"),
    [
        (RadioTechnology.UNKNOWN, ("", "")),
        (RadioTechnology.NONE, ("", "")),
        (RadioTechnology.G5_NSA, ("5G", "5G-NSA")),
    ],
)
def test_rtr_has_no_word_for_what_is_not_known(
    tmp_path: Path, technology: RadioTechnology, told: tuple[str, str]
) -> None:
    path, _beside = made_of(tmp_path, "rtr", throughput_test(1), technology=technology)
    with path.open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["cat_technology"], row["network_type"]) == told
