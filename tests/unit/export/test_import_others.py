"""Network Survey, iperf3 and GPX of other programs."""

import gzip
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest

from fieldsurvey.export import delimited
from fieldsurvey.export.importing import import_file
from fieldsurvey.export.iperf3_documents import runs_of
from fieldsurvey.model.drive import Sample
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.position import FixType
from fieldsurvey.model.radio import RadioTechnology
from fieldsurvey.model.throughput import Cause, Outcome, PhaseKind, ThroughputTest
from fieldsurvey.model.verdict import RateLayer, Target, Verdict
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.foreign_logs import (
    NETWORK_SURVEY_LTE,
    NETWORK_SURVEY_NR,
    NETWORK_SURVEY_NR_2026,
    write_log,
)

TARGET = Target("national-100", "2026.1", 100_000_000, RateLayer.IP)


def samples_of(path: Path) -> list[Sample]:
    with SurveyFile.open(path.with_suffix(".fsurvey"), read_only=True) as survey:
        assert survey.check() == []
        return list(survey.samples())


def measured(path: Path) -> list[ThroughputTest]:
    with SurveyFile.open(path.with_suffix(".fsurvey"), read_only=True) as survey:
        return list(survey.tests())


def network_row(header: list[str], **cells: object) -> list[object]:
    values: dict[str, object] = dict.fromkeys(header, "") | {
        "deviceTime": "2026-05-01T08:00:00.250+05:00",
        "latitude": 43.2,
        "longitude": 76.9,
        "speed": 12.5,
        "accuracy": 3.2,
        "mcc": 401,
        "mnc": 7,
        "tac": 1234,
        "servingCell": "true",
        "provider": "Tele2",
        "deviceSerialNumber": "secret",
    }
    return [(values | cells)[name] for name in header]


def test_network_survey_tells_the_serving_cell_alone(tmp_path: Path) -> None:
    header = NETWORK_SURVEY_LTE
    rows = [
        network_row(header, eci=12_345_678, rsrp=-98, rsrq=-11, snr=4),
        network_row(header, servingCell="false", rsrp=-105),
        network_row(header, eci=2_147_483_647, rsrp=2_147_483_647),
    ]
    path = tmp_path / "lte.csv"
    write_log(path, ["# CSV Version=0.3.0"], [header, *rows], delimiter=",")
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert (report.format, report.rows, report.samples) == ("network-survey", 3, 2)
    assert report.left_out == {"left_out_neighbour": 1}
    assert not report.zone_assumed
    first, unknown = samples_of(path)
    assert first.utc_us == 1_777_604_400_250_000
    assert first.radio is not None
    assert first.radio.technology is RadioTechnology.G4
    assert (first.radio.operator_code, first.radio.cell_id) == ("40107", 12_345_678)
    assert (first.radio.rsrp_dbm, first.radio.sinr_db) == (-98, 4)
    assert first.fix is not None
    assert (first.fix.speed_mps, first.fix.accuracy_m) == (12.5, 3.2)
    assert unknown.radio is not None
    assert (unknown.radio.cell_id, unknown.radio.rsrp_dbm) == (None, None)
    assert b"secret" not in path.with_suffix(".fsurvey").read_bytes()


def test_network_survey_in_5g(tmp_path: Path) -> None:
    header = NETWORK_SURVEY_NR
    path = tmp_path / "nr.csv"
    rows = [network_row(header, nci=4_294_967_297, ssRsrp=-88), network_row(header, ssRsrp=-90)]
    write_log(path, header, rows, delimiter=",", end="\n")
    import_file(path, path.with_suffix(".fsurvey"))
    technologies = [sample.radio and sample.radio.technology for sample in samples_of(path)]
    assert technologies == [RadioTechnology.G5_SA, RadioTechnology.G5_NSA]


def test_a_cell_of_5g_beside_another_one_does_not_stand_alone(tmp_path: Path) -> None:
    """Newer versions tell how a phone is connected: a second cell with a number of its own is no
    network of its own."""
    header = NETWORK_SURVEY_NR_2026
    path = tmp_path / "nr.csv"
    rows = [
        network_row(header, nci=4_294_967_297, ssRsrp=-88 - number, connectionStatus=status)
        for number, status in enumerate(("PRIMARY_SERVING", "SECONDARY_SERVING", "", "NONE"))
    ]
    write_log(path, header, rows, delimiter=",", end="\n")
    import_file(path, path.with_suffix(".fsurvey"))
    technologies = [sample.radio and sample.radio.technology for sample in samples_of(path)]
    alone, beside = RadioTechnology.G5_SA, RadioTechnology.G5_NSA
    assert technologies == [alone, beside, alone, alone]


def test_a_number_that_overflowed_is_none_and_its_row_stays(tmp_path: Path) -> None:
    """A phone's -1 without its sign; an age without end is old all the same."""
    header = [*NETWORK_SURVEY_LTE, "locationAge"]
    row = network_row(header, eci="1.8446744073709552E19", tac="1e30", rsrp=-98, locationAge="9e18")
    path = write_log(tmp_path / "lte.csv", header, [row], delimiter=",")
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert (report.samples, report.odd) == (1, 0)
    (sample,) = samples_of(path)
    assert sample.radio is not None
    assert (sample.radio.cell_id, sample.radio.tracking_area) == (None, None)
    assert sample.radio.rsrp_dbm == -98
    assert sample.fix_age_us is not None
    assert sample.fix_age_us > 365 * 86_400_000_000


def test_an_operator_keeps_the_zeros_of_its_number(tmp_path: Path) -> None:
    header = NETWORK_SURVEY_NR_2026
    rows = [
        network_row(header, deviceTime=f"2026-05-01T08:00:0{number}+05:00", nci=1, **cells)
        for number, cells in enumerate(
            ({"mcc": 310, "mnc": 4, "plmn": "310004"}, {"mcc": 401, "mnc": 7, "plmn": "40107"},
             {"mcc": 401, "mnc": 7}, {"mcc": 401, "mnc": 7, "plmn": "401"})
        )
    ]  # fmt: skip
    path = write_log(tmp_path / "nr.csv", header, rows, delimiter=",")
    import_file(path, path.with_suffix(".fsurvey"))
    codes = [sample.radio and sample.radio.operator_code for sample in samples_of(path)]
    assert codes == ["310004", "40107", "40107", "40107"]


def test_an_old_network_survey_tells_the_serving_cell_by_its_network(tmp_path: Path) -> None:
    header = [name for name in NETWORK_SURVEY_LTE if name != "servingCell"]
    unknown = {"mcc": "", "mnc": "", "tac": "", "provider": ""}
    rows = [
        network_row(header, groupNumber=1, eci=12_345_678, rsrp=-98),
        network_row(header, groupNumber=1, rsrp=-104, **unknown),
        network_row(header, groupNumber=1, rsrp=-114, **unknown),
        network_row(header, groupNumber=2, eci=268_435_455, rsrp=-99),
    ]
    path = write_log(tmp_path / "lte.csv", header, rows, delimiter=",")
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert (report.rows, report.left_out) == (4, {"left_out_neighbour": 2})
    radio = [sample.radio for sample in samples_of(path)]
    assert [one and (one.cell_id, one.rsrp_dbm) for one in radio] == [
        (12_345_678, -98), (None, -99),
    ]  # fmt: skip


def test_a_phone_with_two_sim_cards_makes_one_drive_of_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_BLOCK_CHARACTERS", 500)
    header = NETWORK_SURVEY_LTE
    rows = []
    for second in range(10):
        time = f"2026-05-01T08:00:0{second}+05:00"
        rows += [
            network_row(header, deviceTime=time, slot=1, servingCell="false", mcc=""),
            network_row(header, deviceTime=time, slot=0, eci=1_000 + second),
            network_row(header, deviceTime=time, slot=1, eci=2_000, provider="Beeline"),
        ]
    path = write_log(tmp_path / "dual.csv", header, rows, delimiter=",")
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert report.left_out == {"left_out_neighbour": 10, "left_out_slot": 10}
    cells = [sample.radio and sample.radio.cell_id for sample in samples_of(path)]
    assert cells == [1_000 + second for second in range(10)]


def test_rscp_is_no_rssi(tmp_path: Path) -> None:
    header = ["deviceTime", "latitude", "longitude", "mcc", "mnc", "lac", "cid", "uarfcn", "psc",
              "rscp", "signalStrength", "servingCell"]  # fmt: skip
    rows = [network_row(header, cid=1, rscp=-95, signalStrength=-75) for _ in range(1)]
    rows += [network_row(header, cid=2, rscp=-95)]
    path = write_log(tmp_path / "umts.csv", header, rows, delimiter=",")
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert [one.radio and one.radio.rssi_dbm for one in samples_of(path)] == [-75, None]
    assert "rscp" in report.unused_columns


def test_a_position_is_one_receivers_and_never_where_towers_are(tmp_path: Path) -> None:
    """GNSS first, with its own accuracy; what the network guesses is no fix."""
    header = re.split(
        ",",
        "deviceTime,latitude,longitude,altitude,accuracy,batteryLevelPercent,gnssLatitude,"
        "gnssLongitude,gnssAltitude,gnssAccuracy,networkLatitude,networkLongitude,networkAccuracy",
    )
    plain = {"latitude": 43.1, "longitude": 76.1, "altitude": 701, "accuracy": 30}
    none = {"latitude": "0.0", "longitude": "0.0", "altitude": "0.0", "accuracy": "0.0"}
    gnss = {"gnssLatitude": 43.2, "gnssLongitude": 76.2, "gnssAltitude": 702, "gnssAccuracy": 4.5}
    network = {"networkLatitude": 43.3, "networkLongitude": 76.3, "networkAccuracy": 500}
    rows = [
        network_row(header, **cells)
        for cells in (
            plain | gnss | network, none | gnss | network, plain | network, none | network,
            none | gnss | network | {"gnssLongitude": ""},
            plain | gnss | {"gnssAccuracy": ""},
        )
    ]  # fmt: skip
    for number, row in enumerate(rows):
        row[0] = f"2026-05-01T08:0{number}:00+05:00"
    path = write_log(tmp_path / "device.csv", header, rows, delimiter=",")
    import_file(path, path.with_suffix(".fsurvey"))
    fixes = [sample.fix for sample in samples_of(path)]
    assert [
        fix and (fix.latitude_deg, fix.longitude_deg, fix.altitude_m, fix.accuracy_m)
        for fix in fixes
    ] == [
        (43.2, 76.2, 702, 4.5), (43.2, 76.2, 702, 4.5), (43.1, 76.1, 701, 30), None, None,
        (43.2, 76.2, 702, None),
    ]  # fmt: skip


@pytest.mark.parametrize("zone", [None, "Asia/Almaty"])
def test_a_time_of_network_survey_without_a_zone_is_told(tmp_path: Path, zone: str | None) -> None:
    header = NETWORK_SURVEY_LTE
    rows = [network_row(header, deviceTime=time) for time in
            ("2026-05-01T08:00:00+05:00", "2026-05-01T08:00:01")]  # fmt: skip
    path = write_log(tmp_path / "lte.csv", header, rows, delimiter=",")
    report = import_file(path, path.with_suffix(".fsurvey"), zone=zone)
    assert report.zone_assumed is (zone is None)
    times = [sample.utc_us for sample in samples_of(path)]
    assert max(times) - min(times) == (1_000_000 if zone else 5 * 3_600_000_000 + 1_000_000)


def iperf3_run(seconds: int, **changes: object) -> dict[str, Any]:
    total = {"seconds": 10.0, "bytes": 150_000_000, "bits_per_second": 120_000_000.4}
    return {
        "start": {
            "timestamp": {"timesecs": seconds},
            "connecting_to": {"host": "198.51.100.7", "port": 5201},
            "tcp_mss_default": 1448,
            "test_start": {"protocol": "TCP", "num_streams": 4, "reverse": 1},
        },
        "intervals": [],
        "end": {"sum_sent": total, "sum_received": total, "sender_tcp_congestion": "bbr"},
    } | changes


def test_runs_of_iperf3_become_tests(tmp_path: Path) -> None:
    path = tmp_path / "iperf3.json"
    lost = {"error": "unable to connect to server: Connection refused", "end": {}}
    documents = [
        iperf3_run(1_777_600_000),
        iperf3_run(1_777_600_060, **lost),
        {"start": {"connected": []}, "intervals": [], "end": {}, "error": "timed out"},
    ]
    text = "\n".join(json.dumps(document, indent=1) for document in documents)
    path.write_text(text + '\n{"start": {"tim', encoding="utf-8")
    report = import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    assert (report.rows, report.tests, report.odd) == (4, 2, 2)
    good, bad = measured(path)
    assert good.measurement.protocol == "iperf3"
    assert good.measurement.server_url == "iperf3://198.51.100.7:5201"
    download = good.measurement.phase(PhaseKind.DOWNLOAD)
    assert download is not None
    assert download.estimate is not None
    assert download.estimate.rate_bps == 120_000_000
    assert download.payload_bytes == 150_000_000
    assert good.judgement is not None
    assert good.judgement.verdict is Verdict.ABOVE
    assert good.start_fix is None
    assert (bad.measurement.outcome, bad.measurement.cause) == (Outcome.FAILED, Cause.REFUSED)


def test_an_upload_by_iperf3_is_no_download(tmp_path: Path) -> None:
    path = tmp_path / "up.json"
    run = iperf3_run(1_777_600_000)
    run["start"]["test_start"] = {"protocol": "UDP", "num_streams": 1}
    run["end"] = {"sum": {"bits_per_second": 5e7, "bytes": 1, "seconds": 1, "lost_percent": 20}}
    path.write_text(json.dumps(run), encoding="utf-8")
    import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    (test,) = measured(path)
    assert test.measurement.protocol == "iperf3-udp"
    assert test.judgement is None
    assert [phase.kind for phase in test.measurement.phases] == [PhaseKind.UPLOAD]
    estimate = test.measurement.phases[0].estimate
    assert estimate is not None
    assert estimate.rate_bps == 40_000_000


def test_a_stream_of_iperf3_is_one_run(tmp_path: Path) -> None:
    path = tmp_path / "stream.json"
    runs = [iperf3_run(1_777_600_000), iperf3_run(1_777_600_060)]
    path.write_text("".join(map(streamed, runs)), encoding="utf-8")
    assert import_file(path, path.with_suffix(".fsurvey")).tests == 2


@pytest.mark.parametrize(
    ("where", "name", "value", "reason"),
    [
        ("sum_received", "bits_per_second", math.nan, "not as iperf3"),
        ("sum_received", "bits_per_second", math.inf, "not as iperf3"),
        ("sum_received", "bits_per_second", -1, "not as iperf3"),
        ("sum_received", "bits_per_second", "120", "not as iperf3"),
        ("sum_received", "bits_per_second", True, "not as iperf3"),
        ("sum_received", "bits_per_second", 10**400, "not as iperf3"),
        ("sum_received", "bits_per_second", 1e30, "no link on a road"),
        ("sum_received", "bits_per_second", 2.1e10, "no link on a road"),
        ("sum_received", "bytes", "5", "not as iperf3"),
        ("sum_received", "bytes", 18_446_744_073_709_547_520, "not as iperf3"),
        ("sum_received", "seconds", math.nan, "not as iperf3"),
        ("sum_received", "seconds", 1e12, "ahead of this computer's clock"),
        ("sum_received", "seconds", 1e300, "ahead of this computer's clock"),
        ("timestamp", "timesecs", math.nan, "not as iperf3"),
        ("timestamp", "timesecs", "now", "not as iperf3"),
        ("timestamp", "timesecs", 5, "before 2000"),
        ("timestamp", "timesecs", 1_777_600_000_123, "before 2000"),
        ("test_start", "num_streams", [], "not as iperf3"),
        ("test_start", "num_streams", 1e300, "not as iperf3"),
        ("run", "start", "x", "not as iperf3"),
        ("run", "end", [], "not as iperf3"),
        ("start", "test_start", [], "not as iperf3"),
        ("start", "connecting_to", "x", "not as iperf3"),
        ("end", "sum_received", "x", "not as iperf3"),
    ],
)
def test_a_run_that_is_not_as_iperf3_writes_it_is_odd_and_others_are_kept(
    tmp_path: Path, where: str, name: str, value: object, reason: str
) -> None:
    path = tmp_path / "iperf3.json"
    good, bad = iperf3_run(1_777_600_000), iperf3_run(1_777_600_060)
    bad = json.loads(json.dumps(bad))
    parts = {"run": bad, **bad, **bad["start"], **bad["end"]}
    parts[where][name] = value
    path.write_text(json.dumps(bad) + json.dumps(good), encoding="utf-8")
    report = import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    assert (report.rows, report.tests, report.odd) == (2, 1, 1)
    assert report.odd_path is not None
    assert reason in report.odd_path.read_text("utf-8")


def at_server(run: dict[str, Any], **setting: object) -> dict[str, Any]:
    """The server's own record of a run: of what it sent it counts nothing that arrived."""
    run = json.loads(json.dumps(run))
    del run["start"]["connecting_to"]
    run["start"]["accepted_connection"] = {"host": "203.0.113.9", "port": 53_028}
    run["start"]["test_start"] |= setting
    nothing = {"seconds": 10.0, "bytes": 0, "bits_per_second": 0}
    backwards = run["start"]["test_start"]["reverse"]
    run["end"]["sum_received"] = nothing if backwards else run["end"]["sum_received"]
    run["end"] |= {"sum_received_bidir_reverse": nothing} if setting.get("bidir") else {}
    return run


def test_what_a_server_sent_is_neither_a_download_nor_no_service(tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    documents = [
        at_server(iperf3_run(1_777_600_000)),
        at_server(iperf3_run(1_777_600_060), reverse=0, bidir=1),
        at_server(iperf3_run(1_777_600_120), reverse=0),
    ]
    path.write_text("\n".join(map(json.dumps, documents)), encoding="utf-8")
    report = import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    assert (report.rows, report.tests, report.odd) == (3, 2, 1)
    assert report.left_out == {"left_out_sent_only": 1}
    assert report.odd_path is not None
    assert "what was sent, not what arrived" in report.odd_path.read_text("utf-8")
    for test in measured(path):
        assert test.measurement.outcome is Outcome.COMPLETED
        assert [phase.kind for phase in test.measurement.phases] == [PhaseKind.UPLOAD]
        assert test.measurement.phases[0].payload_bytes == 150_000_000


def test_a_run_that_was_stopped_keeps_what_was_counted_and_blames_nobody(tmp_path: Path) -> None:
    """A stream whose writer was killed has no end; one that was interrupted says so."""
    sums = [{"seconds": 1.0, "bytes": 2_500_000, "bits_per_second": 2e7}] * 3
    intervals = [{"sum": one} for one in sums]
    killed = iperf3_run(1_777_600_000, intervals=intervals)
    del killed["end"]
    told = {"seconds": 3.0, "bytes": 7_500_000, "bits_per_second": 2e7}
    interrupted = iperf3_run(
        1_777_600_060, end={"sum_received": told}, error="interrupt - the client has terminated"
    )
    lost = iperf3_run(1_777_600_120, intervals=intervals, error="Connection reset by peer", end={})
    path = tmp_path / "stopped.json"
    path.write_text("\n".join(map(json.dumps, (killed, interrupted, lost))), encoding="utf-8")
    import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    tests = measured(path)
    outcomes = [(test.measurement.outcome, test.measurement.cause) for test in tests]
    assert outcomes == [
        (Outcome.CANCELLED, None), (Outcome.CANCELLED, None), (Outcome.FAILED, Cause.CUT_OFF),
    ]  # fmt: skip
    for test in tests:
        (phase,) = test.measurement.phases
        assert (phase.payload_bytes, phase.duration_us) == (7_500_000, 3_000_000)
        assert phase.estimate is None
        assert test.judgement is None
    assert [test.no_service for test in tests] == [False, False, True]


def test_a_run_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    """``--json-stream-full-output`` tells the events and then the whole; so may two ends."""
    run, other, killed = (iperf3_run(1_777_600_000 + 60 * n) for n in range(3))
    for document, cookie in ((run, "a" * 37), (other, "b" * 37), (killed, "c" * 37)):
        document["start"]["cookie"] = cookie
    both = {"reverse": 0, "bidir": 1}
    other["start"]["test_start"] |= both
    other["end"]["sum_received_bidir_reverse"] = other["end"]["sum_received"]
    end = killed.pop("end")
    path = tmp_path / "full.json"
    documents = [run, at_server(other, **both), other, killed, killed | {"end": end}]
    text = streamed(run) + "\n".join(json.dumps(document, indent=1) for document in documents)
    path.write_text(text, encoding="utf-8")
    report = import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    assert (report.rows, report.tests, report.repeated) == (6, 3, 3)
    assert [test.measurement.outcome for test in measured(path)] == [Outcome.COMPLETED] * 3
    assert [len(test.measurement.phases) for test in measured(path)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("received", "setting", "pace", "verdict"),
    [
        (50e6, {}, 0, Verdict.BELOW),
        (50e6, {"target_bitrate": 0}, 0, Verdict.BELOW),
        (49e6, {"target_bitrate": 12_500_000}, 50_000_000, Verdict.UNDECIDED),  # of each of four
        (41e6, {"target_bitrate": 12_500_000}, 50_000_000, Verdict.UNDECIDED),  # with its start
        (20e6, {"target_bitrate": 12_500_000}, 50_000_000, Verdict.BELOW),
        (49e6, {"fqrate": 12_500_000}, 50_000_000, Verdict.UNDECIDED),
        (120e6, {"target_bitrate": 30_000_000}, 120_000_000, Verdict.ABOVE),
        (97e6, {}, 0, Verdict.ABOVE),  # 100.5 with headers
        (1e6, {"protocol": "UDP", "num_streams": 1, "target_bitrate": 1_048_576}, 1_048_576,
         Verdict.UNDECIDED),
        (1e6, {"protocol": "UDP"}, 1_000_000, Verdict.UNDECIDED),  # an old version
        (97e6, {"protocol": "UDP", "target_bitrate": 10**9}, 4 * 10**9, Verdict.UNDECIDED),
        (101e6, {"protocol": "UDP", "target_bitrate": 10**9}, 4 * 10**9, Verdict.ABOVE),
        (90e6, {"protocol": "UDP", "target_bitrate": 10**9}, 4 * 10**9, Verdict.BELOW),
    ],
)  # fmt: skip
def test_a_road_is_not_blamed_for_the_limit_of_the_sender(
    tmp_path: Path, received: float, setting: dict[str, object], pace: int, verdict: Verdict
) -> None:
    run = iperf3_run(1_777_600_000)
    run["start"]["test_start"] |= setting
    run["end"]["sum_received"] = run["end"]["sum_sent"] | {"bits_per_second": received}
    run["end"]["sum_sent"] = run["end"]["sum_received"]
    path = tmp_path / "paced.json"
    path.write_text(json.dumps(run), encoding="utf-8")
    import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    (test,) = measured(path)
    assert test.measurement.pace_bps == pace
    assert test.judgement is not None
    assert test.judgement.verdict is verdict
    is_udp = test.measurement.protocol == "iperf3-udp"
    assert test.judgement.compared_bps == round(received * (1 if is_udp else 1500 / 1448))


def streamed(run: dict[str, Any]) -> str:
    events = [("start", run["start"]), ("interval", {}), ("end", run["end"])]
    return "".join(json.dumps({"event": kind, "data": data}) + "\n" for kind, data in events)


@pytest.mark.parametrize(("lasted_s", "found"), [(0.33, Outcome.CANCELLED), (10, Outcome.FAILED)])
def test_a_run_over_before_anything_arrived_is_no_dead_zone(
    tmp_path: Path, lasted_s: float, found: Outcome
) -> None:
    """``-n 10K``: it is sent at once, and the server is asked before it has counted any."""
    run = iperf3_run(1_777_600_000)
    run["start"]["test_start"] |= {"reverse": 0, "bytes": 10_240}
    run["end"]["sum_received"] = {"seconds": lasted_s, "bytes": 0, "bits_per_second": 0}
    path = tmp_path / "short.json"
    path.write_text(json.dumps(run), encoding="utf-8")
    import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    (test,) = measured(path)
    assert test.measurement.outcome is found


def test_a_run_that_never_connected_is_told_for_what_it_is(tmp_path: Path) -> None:
    lost = {"start": {"connected": [], "version": "iperf 3.16"}, "intervals": [], "end": {},
            "error": "unable to connect to server: Connection refused"}  # fmt: skip
    path = tmp_path / "lost.json"
    path.write_text(json.dumps(lost), encoding="utf-8")
    with pytest.raises(KnownError, match="a run that never connected: iperf3 writes no time"):
        import_file(path, path.with_suffix(".fsurvey"))


@pytest.mark.parametrize("indent", [None, 1])
def test_runs_in_one_line_are_as_many_tests(tmp_path: Path, indent: int | None) -> None:
    runs = [iperf3_run(1_777_600_000 + 60 * number) for number in range(5)]
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(runs, indent=indent), encoding="utf-8")
    report = import_file(path, path.with_suffix(".fsurvey"), target=TARGET)
    assert (report.rows, report.tests, report.odd) == (5, 5, 0)
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        assert survey.check() == []
        assert len(list(survey.tests())) == 5


def test_what_a_script_writes_between_runs_is_one_odd_row_each_time(tmp_path: Path) -> None:
    runs = [json.dumps(iperf3_run(1_777_600_000 + 60 * number), indent="\t") for number in range(3)]
    between = ["2026-05-01 07:46:40 +0500\r\nround 1", "iperf3: a warning", "[2026, 5] round 3"]
    path = tmp_path / "loop.log"
    said = (f"{words}\r\n{run}\r\n" for words, run in zip(between, runs, strict=True))
    path.write_text("".join(said), encoding="utf-8", newline="")
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert (report.format, report.rows, report.tests, report.odd) == ("iperf3", 6, 3, 3)
    assert report.odd_path is not None
    assert "2026-05-01 07:46:40 +0500" in report.odd_path.read_text("utf-8")


def test_a_day_of_a_stream_is_read_in_seconds_and_each_run_knows_its_line() -> None:
    """What lies before a document is looked at once, not again for each."""
    lines_of_a_run = 1_000
    start = json.dumps({"event": "start", "data": {}}) + "\n"
    interval = json.dumps({"event": "interval", "data": {"told": "x" * 400}}) + "\n"
    content = (start + interval * (lines_of_a_run - 1)) * 25
    began_s = time.process_time()
    lines = [line for line, _run in runs_of(content)]
    assert time.process_time() - began_s < 4  # it takes 0.2 s, and took 50
    assert lines == [1 + number * lines_of_a_run for number in range(25)]


GPX = """<?xml version="1.0"?><gpx version="1.0" xmlns="http://www.topografix.com/GPX/1/0">
<wpt lat="43" lon="76"><name>Үй</name></wpt><trk><trkseg>
<trkpt lat="43.2" lon="76.9"><ele>700.5</ele><time>2026-05-01T03:00:00Z</time><fix>3d</fix>
<sat>9</sat><hdop>0.8</hdop><speed>12.5</speed></trkpt>
<trkpt lat="43.3" lon="76.9"></trkpt></trkseg></trk></gpx>"""


def test_a_track_becomes_seconds(tmp_path: Path) -> None:
    path = tmp_path / "track.gpx.gz"
    path.write_bytes(gzip.compress(GPX.encode()))
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert (report.rows, report.samples, report.odd) == (3, 1, 1)
    assert report.left_out == {"left_out_waypoint": 1}
    (sample,) = samples_of(path)
    assert sample.reachability.cause is Cause.NOT_ASKED
    assert sample.fix is not None
    assert (sample.fix.fix_type, sample.fix.satellites) == (FixType.FIX_3D, 9)
    assert (sample.fix.speed_mps, sample.fix.altitude_m) == (12.5, 700.5)


def imported_points(tmp_path: Path, *points: str, zone: str | None = None) -> list[Sample]:
    path = tmp_path / "points.gpx"
    body = "".join(points)
    path.write_text(
        '<x:gpx xmlns:x="http://www.topografix.com/GPX/1/1" xmlns:o="urn:other" version="1.1">'
        f"<x:trk><x:trkseg>{body}</x:trkseg></x:trk></x:gpx>"
    )
    import_file(path, path.with_suffix(".fsurvey"), zone=zone)
    return samples_of(path)


def test_an_extension_never_overrules_the_point_itself(tmp_path: Path) -> None:
    (sample, _) = imported_points(
        tmp_path,
        '<x:trkpt lat="43.2" lon="76.9"><x:extensions><o:time>2020-01-01T00:00:00Z</o:time>'
        "<o:ele>5</o:ele><o:speed>88</o:speed></x:extensions><x:ele>700</x:ele>"
        "<x:time>2026-05-01T08:00:00Z</x:time></x:trkpt>",
        '<x:trkpt lat="43.2" lon="76.9"><x:extensions><o:time>2020-01-01T00:00:00Z</o:time>'
        "</x:extensions></x:trkpt>",
        '<x:trkpt lat="43.3" lon="76.9"><x:time>2026-05-01T08:00:01Z</x:time></x:trkpt>',
    )
    assert sample.utc_us == 1_777_622_400_000_000
    assert sample.fix is not None
    assert (sample.fix.altitude_m, sample.fix.speed_mps) == (700.0, 88.0)


def test_a_time_of_no_zone_is_of_the_one_asked_for(tmp_path: Path) -> None:
    point = '<x:trkpt lat="43.2" lon="76.9"><x:time>2026-05-01T08:00:00{}</x:time></x:trkpt>'
    points = [point.format(""), point.format("Z")]
    of_almaty = [s.utc_us for s in imported_points(tmp_path, *points, zone="Asia/Almaty")]
    assert of_almaty == [1_777_604_400_000_000, 1_777_622_400_000_000]


@pytest.mark.parametrize(
    ("written", "told"), [("2026-05-01T08:00:00", True), ("2026-05-01T08:00:00Z", False)]
)
def test_a_track_without_zones_is_told(tmp_path: Path, written: str, told: bool) -> None:
    """The standard wants UTC and a Z; who leaves out the Z may not keep to UTC."""
    path = tmp_path / "track.gpx"
    path.write_text(GPX.replace("2026-05-01T03:00:00Z", written), encoding="utf-8")
    assert import_file(path, tmp_path / "utc.fsurvey").zone_assumed is told
    assert not import_file(path, tmp_path / "there.fsurvey", zone="Asia/Almaty").zone_assumed


def test_where_a_phone_guesses_that_it_is_is_no_fix(tmp_path: Path) -> None:
    path = tmp_path / "phone.gpx"
    point = '<trkpt lat="43.2{0}" lon="76.9"><time>2026-05-01T08:00:0{0}Z</time>{1}</trkpt>'
    points = [
        point.format(number, more)
        for number, more in enumerate(
            ("<src>gps</src>", "<src>network</src>", "", "<src> Network </src>",
             "<extensions><src>network</src></extensions>")
        )
    ]  # fmt: skip
    path.write_text(f"<gpx><trk><trkseg>{''.join(points)}</trkseg></trk></gpx>", encoding="utf-8")
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert (report.rows, report.odd, report.left_out) == (5, 0, {"left_out_guessed": 2})
    latitudes = [sample.fix and sample.fix.latitude_deg for sample in samples_of(path)]
    assert latitudes == [43.20, 43.22, 43.24]


@pytest.mark.parametrize("packed", [False, True])
def test_a_prefix_that_nothing_declares_loses_no_track(tmp_path: Path, packed: bool) -> None:
    """Nor does one that stands in the root, or only in what an element declares for itself."""
    extension = "<extensions><t:speed>{}</t:speed><l:a xmlns:l='urn:l'>1</l:a></extensions></trkpt>"
    points = [
        f'<trkpt lat="43.{number:05}" lon="76.9">'
        f"<time>2026-05-01T08:{number // 60:02}:{number % 60:02}Z</time>{extension.format(number)}"
        for number in range(1_000)
    ]
    track = f"<gpx xsi:schemaLocation='a b'><trk><trkseg>{''.join(points)}</trkseg></trk></gpx>"
    path = tmp_path / "track.gpx"
    path.write_bytes(gzip.compress(track.encode()) if packed else track.encode())
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert (report.rows, report.samples, report.odd) == (1_000, 1_000, 0)
    speeds = [sample.fix and sample.fix.speed_mps for sample in samples_of(path)]
    assert speeds == [float(number) for number in range(1_000)]


def test_a_file_of_waypoints_alone_says_that_these_are_no_track(tmp_path: Path) -> None:
    path = tmp_path / "places.gpx"
    path.write_text('<gpx><wpt lat="43" lon="76"/><wpt lat="44" lon="76"/></gpx>')
    with pytest.raises(KnownError, match="measurement: 2 waypoints and points of routes"):
        import_file(path, path.with_suffix(".fsurvey"))


def test_nowhere_is_no_position(tmp_path: Path) -> None:
    time = "<x:time>2026-05-01T08:00:0{}Z</x:time>"
    points = [
        f'<x:trkpt lat="{lat}" lon="{lon}">{time.format(second)}</x:trkpt>'
        for second, (lat, lon) in enumerate([(0, 0), (43.2, 76.9), ("0.0", "-0.0")])
    ]
    (sample,) = imported_points(tmp_path, *points)
    assert sample.fix is not None
    assert sample.fix.latitude_deg == 43.2


@pytest.mark.realdata
def test_a_real_track_is_as_long_as_it_was(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "drives" / "highway_318km.gpx.gz"
    report = import_file(source, tmp_path / "s.fsurvey")
    assert (report.samples, report.odd) == (12_027, 0)
    assert SurveyFile.summary_of(tmp_path / "s.fsurvey").distance_m == pytest.approx(
        318e3, rel=0.01
    )


def test_a_point_of_1970_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "old.gpx"
    old = '<trkpt lat="43.2" lon="76.9"><time>1970-01-01T00:00:05Z</time></trkpt></trkseg>'
    path.write_text(GPX.replace("</trkseg>", old), encoding="utf-8")
    report = import_file(path, path.with_suffix(".fsurvey"))
    assert (report.samples, report.odd) == (1, 2)


NO_TIMED_POINT = (
    "gpx1.1_with_extensions_without_namespaces",
    "track_with_dilution_errors",
    "unicode_with_bom",
)


@pytest.mark.realdata
def test_nasty_tracks_lose_nothing_in_silence(shared_data: Path, tmp_path: Path) -> None:
    for path in sorted((shared_data / "nasty").glob("*.gpx")):
        survey_path = tmp_path / f"{path.stem}.fsurvey"
        if path.stem in NO_TIMED_POINT:
            with pytest.raises(KnownError, match="holds no measurement"):
                import_file(path, survey_path)
            assert not survey_path.exists()
            continue
        report = import_file(path, survey_path)
        left_out = sum(report.left_out.values())
        assert report.rows == report.samples + report.repeated + report.odd + left_out
