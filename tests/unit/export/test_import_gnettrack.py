"""G-NetTrack's logs, as its versions and people's spreadsheets write them."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldsurvey.export import delimited
from fieldsurvey.export.importing import ImportReport, import_file
from fieldsurvey.model.drive import Sample
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.radio import AccessType, RadioTechnology
from fieldsurvey.model.throughput import Cause, Outcome, PhaseKind, ThroughputTest
from fieldsurvey.model.verdict import Confidence, RateLayer, Target, Verdict
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.foreign_logs import (
    GNETTRACK_CSV,
    GNETTRACK_EVENTS,
    GNETTRACK_LOG,
    GNETTRACK_TESTS,
    gnettrack_second,
    gnettrack_test,
    write_log,
)

TARGET = Target("national-100", "2026.1", 100_000_000, RateLayer.IP)
EIGHT_IN_ALMATY_US = round(datetime(2026, 5, 1, 3, tzinfo=UTC).timestamp()) * 1_000_000


def imported(path: Path, zone: str | None = "Asia/Almaty") -> ImportReport:
    return import_file(path, path.with_suffix(".fsurvey"), target=TARGET, zone=zone)


def samples_of(report: ImportReport) -> list[Sample]:
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        assert survey.check() == []
        return list(survey.samples())


def measured(report: ImportReport) -> list[ThroughputTest]:
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        return list(survey.tests())


def test_a_log_becomes_seconds(tmp_path: Path) -> None:
    rows = [gnettrack_second(second) for second in range(40)]
    path = write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows, row_end="\t")
    report = imported(path)
    assert (report.rows, report.samples, report.tests, report.odd) == (40, 40, 0, 0)
    first = samples_of(report)[0]
    assert first.utc_us == EIGHT_IN_ALMATY_US
    assert first.fix is not None
    assert (first.fix.latitude_deg, first.fix.longitude_deg) == (43.2, 76.9)
    assert first.radio is not None
    assert first.radio.technology is RadioTechnology.G4
    assert first.radio.cell_id == 12 * 256 + 3
    assert (first.radio.operator_code, first.radio.operator_name) == ("40177", "Алатау")
    assert (first.radio.rsrp_dbm, first.radio.rssi_dbm) == (-90, -65)


def test_nobody_claims_service_where_nobody_asked(tmp_path: Path) -> None:
    path = write_log(tmp_path / "log.txt", GNETTRACK_LOG, [gnettrack_second(1)])
    (sample,) = samples_of(imported(path))
    assert not sample.reachability.reachable
    assert sample.reachability.cause is Cause.NOT_ASKED
    with SurveyFile.open(path.with_suffix(".fsurvey"), read_only=True) as survey:
        assert survey.summary().no_service_samples == 0


def test_a_row_whose_cells_moved_is_put_aside_not_misread(tmp_path: Path) -> None:
    """Saved again without its empty cells: the rate of the download stands where the upload's is,
    and the level where the kind of network is."""
    whole, moved = gnettrack_test(0, 43_000, 3_000), gnettrack_test(60, 43_000, 3_000)
    del moved[GNETTRACK_TESTS.index("Node")]
    empty = gnettrack_test(120, 43_000, 3_000, Level="")
    del empty[GNETTRACK_TESTS.index("Node")]
    report = imported(
        write_log(
            tmp_path / "t.csv", GNETTRACK_TESTS, [whole, [*moved, ""], [*empty, ""]], delimiter=","
        )
    )
    assert (report.rows, report.samples, report.tests, report.odd) == (3, 1, 1, 2)
    assert report.odd_path is not None
    assert report.odd_path.read_text("utf-8").count("under other names than their own") == 2
    assert report.cells_missing == 2


def test_a_file_without_a_whole_row_is_told_for_what_it_is(tmp_path: Path) -> None:
    rows = [gnettrack_second(second) for second in range(30)]
    for row in rows:
        del row[GNETTRACK_LOG.index("Node")]
    path = write_log(tmp_path / "saved.txt", GNETTRACK_LOG, rows)
    with pytest.raises(KnownError) as error:
        imported(path)
    assert error.value.message.id == "import.nothing_whole"
    assert "30 rows" in error.value.message.text("en")
    assert list(tmp_path.iterdir()) == [path]


def test_an_upload_is_never_read_as_a_download_where_every_row_lost_the_same_cell(
    tmp_path: Path,
) -> None:
    """What is gone is behind the network's kind: nothing in what is left looks out of place."""
    rows = [gnettrack_test(60 * n, 43_000, 3_000 + n) for n in range(5)]
    for row in rows:
        del row[GNETTRACK_TESTS.index("SNR")]
    with pytest.raises(KnownError) as error:
        imported(write_log(tmp_path / "saved.csv", GNETTRACK_TESTS, rows, delimiter=","))
    assert error.value.message.id == "import.nothing_whole"


def test_a_log_that_ends_within_a_row_lost_no_cells(tmp_path: Path) -> None:
    rows = [gnettrack_second(second) for second in range(30)]
    report = imported(write_log(tmp_path / "log.txt", GNETTRACK_LOG, [*rows, rows[0][:5]]))
    assert (report.odd, report.cells_missing) == (1, 0)


def test_a_level_that_means_nothing_was_heard_is_no_level(tmp_path: Path) -> None:
    rows = [
        gnettrack_second(second, NetworkTech=technology, Level=level)
        for second, (technology, level) in enumerate([("2G", -113), ("3G", -113), ("2G", -112)])
    ]
    samples = samples_of(imported(write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows)))
    assert [one.radio and one.radio.rssi_dbm for one in samples] == [None, None, -112]


def test_the_level_of_an_older_log_is_one_too(tmp_path: Path) -> None:
    header = ["RxLev" if name == "Level" else name for name in GNETTRACK_LOG]
    rows = [gnettrack_second(0), gnettrack_second(1, NetworkTech="3G", Level=-75)]
    report = imported(write_log(tmp_path / "log.txt", header, rows, row_end="\t"))
    levels = [s.radio and (s.radio.rsrp_dbm, s.radio.rssi_dbm) for s in samples_of(report)]
    assert levels == [(-90, -65), (None, -75)]
    assert "rxlev" not in report.unused_columns


def test_a_drive_of_another_instrument_says_so(tmp_path: Path) -> None:
    path = write_log(tmp_path / "log.txt", GNETTRACK_LOG, [gnettrack_second(s) for s in range(9)])
    imported(path)
    with SurveyFile.open(path.with_suffix(".fsurvey"), read_only=True) as survey:
        (drive,) = survey.drives()
        assert survey.summary().distance_m == pytest.approx(8 * 13.8, rel=0.01)
    assert drive.position_uri == "import:gnettrack:log.txt"
    assert not drive.replayed
    assert drive.ended_utc_us == EIGHT_IN_ALMATY_US + 8_000_000


def test_data_tests_become_tests_judged_by_their_mean(tmp_path: Path) -> None:
    rows = [
        gnettrack_test(0, 135_925, 8_825),
        gnettrack_test(60, 43_066, 3_655),
        gnettrack_test(120, 0, 61),
        gnettrack_test(180, 0, 0, PINGLOSS=100, PINGAVG="-"),
        gnettrack_test(240, 500, 0),
    ]
    report = imported(write_log(tmp_path / "t.txt", GNETTRACK_TESTS, rows))
    assert (report.samples, report.tests, report.means) == (5, 5, 3)
    fast, slow, no_download, nothing, no_upload = measured(report)
    assert fast.measurement.protocol == "gnettrack"
    assert fast.judgement is not None
    assert fast.judgement.verdict is Verdict.ABOVE
    assert fast.judgement.confidence is Confidence.LOW
    assert fast.judgement.rule == "mean-against-target/2"
    assert fast.access_type is AccessType.MOBILE
    assert fast.tags["pingavg"] == "45"
    assert slow.judgement is not None
    assert slow.judgement.verdict is Verdict.BELOW
    for failed in (no_download, nothing):
        assert failed.measurement.outcome is Outcome.FAILED
        assert failed.measurement.cause is Cause.STALLED
        assert failed.no_service
        assert failed.judgement is None
    upload = no_download.measurement.phase(PhaseKind.UPLOAD)
    assert upload is not None
    assert upload.estimate is not None
    assert upload.estimate.rate_bps == 61_000
    assert no_upload.measurement.outcome is Outcome.COMPLETED
    lost = no_upload.measurement.phase(PhaseKind.UPLOAD)
    assert lost is not None
    assert (lost.outcome, lost.estimate) == (Outcome.FAILED, None)
    answered = [sample.reachability for sample in samples_of(report)]
    assert answered[0].reachable
    assert answered[0].round_trip_us == 45_000
    assert answered[3].cause is Cause.TIMED_OUT


@pytest.mark.parametrize("down", ["FAILED", "Infinity", "-1", "35.9.2", "20000001", "1e10"])
def test_a_rate_nobody_can_read_is_not_no_service(tmp_path: Path, down: str) -> None:
    rows = [gnettrack_test(0, down, 8_825), gnettrack_test(60, 43_000, down),
            gnettrack_test(120, 43_000, 3_000), gnettrack_test(180, "-", 3_000)]  # fmt: skip
    report = imported(write_log(tmp_path / "t.txt", GNETTRACK_TESTS, rows))
    assert (report.samples, report.tests, report.odd) == (2, 2, 2)
    assert {test.measurement.outcome for test in measured(report)} == {Outcome.COMPLETED}
    assert report.odd_path is not None
    assert report.odd_path.read_text("utf-8").count("a rate that cannot be read") == 2


def test_rates_may_have_another_decimal_mark_than_the_position(tmp_path: Path) -> None:
    """ "43,066" alone is 43 thousand; beside "35925,5" it may be 43 and nobody knows."""
    sure = [gnettrack_test(0, "35925,5", "8825,75", SNR="12,5"), gnettrack_test(60, "43066", "1,5")]
    doubtful = gnettrack_test(120, "43,066", 1)
    report = imported(write_log(tmp_path / "a.txt", GNETTRACK_TESTS, [*sure, doubtful]))
    assert (report.tests, report.odd) == (2, 1)
    rates = [
        [phase.estimate and phase.estimate.rate_bps for phase in test.measurement.phases]
        for test in measured(report)
    ]
    assert rates == [[35_925_500, 8_825_750], [43_066_000, 1_500]]
    assert [one.radio and one.radio.sinr_db for one in samples_of(report)] == [12.5, 12]
    (test,) = measured(imported(write_log(tmp_path / "b.txt", GNETTRACK_TESTS, [doubtful])))
    assert test.measurement.phases[0].estimate is not None
    assert test.measurement.phases[0].estimate.rate_bps == 43_066_000


def test_a_ping_of_nothing_is_no_answer(tmp_path: Path) -> None:
    zeros = dict.fromkeys(("PINGAVG", "PINGMIN", "PINGMAX", "PINGSTDEV", "PINGLOSS"), 0)
    rows = [gnettrack_test(0, 43_000, 3_000, **zeros),
            gnettrack_test(60, 43_000, 3_000, **zeros | {"PINGLOSS": 100})]  # fmt: skip
    report = imported(write_log(tmp_path / "t.txt", GNETTRACK_TESTS, rows))
    found = [sample.reachability for sample in samples_of(report)]
    assert [(one.reachable, one.round_trip_us, one.cause) for one in found] == [
        (False, None, Cause.NOT_ASKED), (False, None, Cause.TIMED_OUT),
    ]  # fmt: skip


def test_a_round_trip_without_end_is_no_answer(tmp_path: Path) -> None:
    rows = [gnettrack_test(1, 35_925, 8_825, PINGAVG="1e300"), gnettrack_test(2, 35_925, 8_826)]
    report = imported(write_log(tmp_path / "tests.txt", GNETTRACK_TESTS, rows))
    assert (report.samples, report.tests, report.odd) == (2, 2, 0)
    reached = [sample.reachability.reachable for sample in samples_of(report)]
    assert reached == [False, True]


def test_a_column_of_nothing_but_zeros_was_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_BLOCK_CHARACTERS", 1_000)
    said = ["0.0", "-", "0"] * 50
    for name, more, found in (("a", [], {None}), ("b", ["-3.0"] + ["0.0"] * 50, {None, -3, 0})):
        rows = [gnettrack_second(n, SNR=snr) for n, snr in enumerate([*said, *more])]
        report = imported(write_log(tmp_path / f"{name}.txt", GNETTRACK_LOG, rows))
        told = [sample.radio and sample.radio.sinr_db for sample in samples_of(report)]
        assert set(told) == found
        assert told[-1] == (0 if more else None)


@pytest.mark.parametrize(
    ("technology", "node", "cell", "identity"),
    [
        ("4G", 21, 11, 21 * 256 + 11),
        ("5G", 21, 11, 21 * 256 + 11),  # the anchor's, as in 4G
        ("5G NSA", 21, 11, 21 * 256 + 11),
        ("5G NSA", "-", 1_234_567, 1_234_567),
        ("5G NSA", "-", 11, None),
        ("5G SA", 21, 11, None),  # nobody knows how long the gNB's number is
        ("5G SA", "-", 6_447_955_971, 6_447_955_971),
        ("4G", "-", 11, None),
        ("4G", "-", 5_387, 5_387),
        ("3G", 8, 14_952, 8 * 65_536 + 14_952),
        ("2G", "-", 14_952, 14_952),
        ("4G", "-", 268_435_455, None),
        ("4G", 1_048_575, 255, None),
        ("5G SA", "-", 68_719_476_735, None),
    ],
)
def test_a_cell_has_one_identity_or_none(
    tmp_path: Path, technology: str, node: object, cell: int, identity: int | None
) -> None:
    row = gnettrack_second(0, NetworkTech=technology, Node=node, CellID=cell)
    (sample,) = samples_of(imported(write_log(tmp_path / "log.txt", GNETTRACK_LOG, [row])))
    assert sample.radio is not None
    assert sample.radio.cell_id == identity


def test_events_are_kept_in_their_own_words(tmp_path: Path) -> None:
    of_log = dict(zip(GNETTRACK_LOG, gnettrack_second(5), strict=True))
    event = {"EventType": "HANDOVER_DATA_4G4G", "EventDetails": "1-2:3-4", "State": "D"}
    row = [(of_log | event).get(name, "-") for name in GNETTRACK_EVENTS]
    report = imported(write_log(tmp_path / "e.txt", GNETTRACK_EVENTS, [row]))
    assert (report.samples, report.events) == (0, 1)
    with SurveyFile.open(report.survey_path, read_only=True) as survey:
        (found,) = survey.events()
    assert found.message.text() == "HANDOVER_DATA_4G4G · 1-2:3-4 · D"


def csv_row(second: int, **cells: object) -> list[object]:
    values: dict[str, object] = dict.fromkeys(GNETTRACK_CSV, "-") | {
        "Timestamp": f"2026.05.01_08.00.{second:02}",
        "Longitude": "-8.4",
        "Latitude": "51.9",
        "Speed": 36,
        "Operatorname": "A",
        "CellID": 11,
        "NetworkMode": "LTE",
        "RSRP": -95,
        "RSRQ": -13,
        "SNR": "1.0",
        "DL_bitrate": 45_000,
        "State": "D",
        "RAWCELLID": 2_852_363,
    }
    return [(values | cells)[name] for name in GNETTRACK_CSV]


def test_the_csv_of_newer_versions(tmp_path: Path) -> None:
    rows = [
        csv_row(0),
        csv_row(1, NetworkMode="5G", RSRP=-110),
        csv_row(2, NetworkMode="HSPA+", RSRP=-24),
        csv_row(3, PINGAVG=80, PINGLOSS=0),
    ]
    report = imported(write_log(tmp_path / "c.csv", GNETTRACK_CSV, rows, delimiter=",", end="\n"))
    assert report.tests == 0  # what somebody happened to load is no test
    assert "dlbitrate" in report.unused_columns
    lte, nr, hspa, asked = samples_of(report)
    assert lte.fix is not None
    assert lte.fix.speed_mps == 10
    assert lte.radio is not None
    assert lte.radio.cell_id == 2_852_363
    assert nr.radio is not None
    assert (nr.radio.technology, nr.radio.rsrp_dbm) == (RadioTechnology.G5_NSA, -110)
    assert hspa.radio is not None
    assert (hspa.radio.technology, hspa.radio.rssi_dbm) == (RadioTechnology.G3, None)
    assert asked.reachability.reachable


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251"])
def test_any_encoding(tmp_path: Path, encoding: str) -> None:
    rows = [gnettrack_second(second) for second in range(30)]
    path = write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows, encoding=encoding)
    report = imported(path)
    assert (report.samples, report.odd) == (30, 0)
    radio = samples_of(report)[0].radio
    assert radio is not None
    assert radio.operator_name == "Алатау"


def test_decimal_commas_semicolons_and_another_order(tmp_path: Path) -> None:
    header = list(reversed(GNETTRACK_TESTS))
    rows = []
    for second, rate in enumerate(("135,925", "135 925", "135.925", "135\u00a0925")):
        row = dict(zip(GNETTRACK_TESTS, gnettrack_test(second, rate, 1), strict=True))
        row["Longitude"] = str(row["Longitude"]).replace(".", ",")
        row["Latitude"] = str(row["Latitude"]).replace(".", ",")
        rows.append([row[name] for name in header])
    report = imported(write_log(tmp_path / "t.csv", header, rows, delimiter=";"))
    rates = [test.measurement.phases[0].estimate for test in measured(report)]
    # Where degrees have a comma, "135,925" is 136, and "135.925" is 135 thousand.
    assert [e and e.rate_bps for e in rates] == [135_925, 135_925_000, 135_925_000, 135_925_000]
    first = samples_of(report)[0]
    assert first.fix is not None
    assert first.fix.longitude_deg == 76.9


def test_odd_rows_are_kept_aside_with_their_lines(tmp_path: Path) -> None:
    rows: list[list[object]] = [gnettrack_second(second) for second in range(20)]
    rows[3] = rows[3][:7]
    rows[5] = [*rows[5], "what", "is", "this"]
    rows[8] = gnettrack_second(8, Timestamp="yesterday")
    rows[11] = gnettrack_second(11, Latitude="143.2")
    rows[13] = list(GNETTRACK_LOG)
    rows[15] = []
    rows[17] = gnettrack_second(17, Operatorname="\0\0\0")
    report = imported(write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows))
    assert (report.rows, report.samples, report.odd) == (18, 13, 5)
    assert report.odd_path is not None
    kept = report.odd_path.read_text(encoding="utf-8").splitlines()
    assert len(kept) == 6
    assert [line.split(",")[1] for line in kept[1:]] == ["5", "7", "19", "10", "13"]
    assert "what\tis\tthis" in kept[2]


@pytest.mark.parametrize(
    ("quoted", "odd", "read"),
    [
        ({3: '"B'}, 1, 599),
        ({3: '"B', 300: '"B'}, 2, 598),
        ({3: '"B', 4: 'B"'}, 1, 599),
        ({3: 'B"4G"', 300: '"B"'}, 0, 600),
        ({3: '"B, Ltd"'}, 0, 600),
        ({3: '"B\nLtd"'}, 0, 600),
        ({3: '"B\nLtd", "'}, 2, 599),  # what follows is torn off
        ({599: '"B'}, 1, 599),
    ],
)
def test_a_quotation_mark_swallows_no_row(
    tmp_path: Path, quoted: dict[int, str], odd: int, read: int
) -> None:
    rows = [
        csv_row(0, Timestamp=f"2026.05.01_08.{s // 60:02}.{s % 60:02}", RAWCELLID=s + 1_000,
                Operatorname=quoted.get(s, "A"))
        for s in range(600)
    ]  # fmt: skip
    path = write_log(tmp_path / "q.csv", GNETTRACK_CSV, rows, delimiter=",", end="\n")
    report = imported(path)
    assert (report.samples, report.odd) == (read, odd)
    for sample in samples_of(report):  # nothing stands at another row's time
        assert sample.radio is not None
        second = (sample.utc_us - EIGHT_IN_ALMATY_US) // 1_000_000
        assert sample.radio.cell_id == second + 1_000


def test_a_rate_stays_with_its_time_behind_a_quotation_mark(tmp_path: Path) -> None:
    lines = [f'2026.05.01_08.00.0{n},76.9,43.2,"Kcell,{n},LTE,-9{n},{n}0000,{n}000' for n in
             range(1, 7)]  # fmt: skip
    header = (
        "Timestamp,Longitude,Latitude,Operatorname,CellID,NetworkMode,RSRP,TESTDOWNLINK,TESTUPLINK"
    )
    path = tmp_path / "q.csv"
    path.write_text("\n".join([header, lines[0], lines[1].replace('"', ""), *lines[2:], ""]))
    report = imported(path)
    assert (report.tests, report.odd) == (1, 5)
    (test,) = measured(report)
    assert test.started_utc_us == EIGHT_IN_ALMATY_US + 2_000_000
    download = test.measurement.phase(PhaseKind.DOWNLOAD)
    assert download is not None
    assert download.estimate is not None
    assert download.estimate.rate_bps == 20_000_000


@pytest.mark.parametrize("delimiter", ["\t", ","])
@pytest.mark.parametrize("name", ["Алатау", '"Алатау"'])
def test_logs_appended_to_each_other_are_read_by_their_own_headers(
    tmp_path: Path, delimiter: str, name: str
) -> None:
    of_log = dict(zip(GNETTRACK_LOG, gnettrack_second(5), strict=True))
    event = of_log | {"EventType": "CALL_START", "Operatorname": name}
    mark = [event.get(column, "-") for column in GNETTRACK_EVENTS]
    rows = [
        mark,
        GNETTRACK_TESTS,
        gnettrack_test(60, 43_000, 3_000),
        gnettrack_test(120, 50, 5),
        GNETTRACK_LOG,
        gnettrack_second(200),
        gnettrack_second(201),
        GNETTRACK_EVENTS,
        mark,
    ]
    path = write_log(tmp_path / "all.txt", GNETTRACK_EVENTS, rows, delimiter=delimiter)  # fmt: skip
    report = imported(path)
    assert (report.rows, report.odd, report.repeated) == (6, 0, 1)
    assert (report.samples, report.tests, report.events) == (4, 2, 1)
    rates = [test.measurement.phases[0].estimate for test in measured(report)]
    assert [rate and rate.rate_bps for rate in rates] == [43_000_000, 50_000]
    assert samples_of(report)[-1].radio is not None


@pytest.mark.parametrize("name", ["Алатау", '"Алатау"'])
def test_rows_behind_a_header_that_is_not_known_are_put_aside(tmp_path: Path, name: str) -> None:
    strange = ["Timestamp", "What", "Longitude", "Latitude", "Operatorname", "More"]
    rows = [gnettrack_second(0, Operatorname=name), strange,
            *([f"2026.05.01_08.01.0{n}", 3, 76.9, 43.2, "A", 5] for n in range(5))]  # fmt: skip
    path = write_log(tmp_path / "log.csv", GNETTRACK_LOG, rows, delimiter=",")
    report = imported(path)
    assert (report.rows, report.samples, report.odd, report.cells_missing) == (7, 1, 6, 0)
    assert report.odd_path is not None
    assert report.odd_path.read_text("utf-8").count("another header") == 6


@pytest.mark.parametrize("name", ["Алатау", '"Алатау"'])
def test_the_number_that_a_file_breaks_off_in_is_not_believed(tmp_path: Path, name: str) -> None:
    """The last line may as well be whole: then it lies beside the survey, and is told."""
    rows = [gnettrack_test(60 * n, 135_925, 8_825, Operatorname=name) for n in range(3)]
    path = write_log(tmp_path / "t.csv", GNETTRACK_TESTS, rows, delimiter=",")
    path.write_bytes(path.read_bytes()[:-2])
    report = imported(path)
    assert (report.rows, report.tests, report.odd, report.cells_missing) == (3, 2, 1, 0)
    assert report.odd_path is not None
    assert "may lack digits" in report.odd_path.read_text("utf-8")


def test_an_odd_row_is_kept_as_it_stands_in_the_file(tmp_path: Path) -> None:
    """With the cells that are beyond the header, and with its quotation marks."""
    rows = [[*gnettrack_second(second), "a", "b"] for second in range(20)]
    rows[5] = [*gnettrack_second(5, Latitude="143.2"), '"x, y"', "z"]
    for delimiter in ("\t", ","):
        path = write_log(
            tmp_path / f"{ord(delimiter)}.txt", GNETTRACK_LOG, rows, delimiter=delimiter
        )
        report = imported(path)
        assert (report.samples, report.odd) == (19, 1)
        assert report.odd_path is not None
        with report.odd_path.open(encoding="utf-8", newline="") as stream:
            (_header, (_name, line, _reason, content)) = csv.reader(stream)
        assert line == "7"
        assert content == delimiter.join(map(str, rows[5]))


def test_a_position_that_is_not_known_is_none(tmp_path: Path) -> None:
    rows = [gnettrack_second(0, Longitude="-", Latitude="-"),
            gnettrack_second(1, Longitude="0.0", Latitude="0.0")]  # fmt: skip
    report = imported(write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows))
    assert [sample.fix for sample in samples_of(report)] == [None, None]
    assert report.odd == 0


def test_the_same_second_twice_counts_once(tmp_path: Path) -> None:
    rows = [gnettrack_second(1), gnettrack_second(1), gnettrack_second(1, Level=-99)]
    report = imported(write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows))
    assert (report.samples, report.repeated) == (2, 1)
    assert len(samples_of(report)) == 2


@pytest.mark.parametrize("block", [4_000_000, 1_000])
def test_a_log_appended_to_itself_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """Seconds, tests and events, however far apart the two stand."""
    monkeypatch.setattr(delimited, "_BLOCK_CHARACTERS", block)
    seconds = [gnettrack_second(second) for second in range(200)]
    tests = [gnettrack_test(60 * n, 43_000, 3_000) for n in range(20)]
    of_log = dict(zip(GNETTRACK_LOG, gnettrack_second(5), strict=True))
    marks = [of_log | {"EventType": f"HANDOVER {n}"} for n in range(20)]
    events = [[mark.get(name, "-") for name in GNETTRACK_EVENTS] for mark in marks]
    for name, header, rows, counts in (
        ("s", GNETTRACK_LOG, seconds, (200, 0, 0)),
        ("t", GNETTRACK_TESTS, tests, (20, 20, 0)),
        ("e", GNETTRACK_EVENTS, events, (0, 0, 20)),
    ):
        twice = [*rows, header, *rows]
        report = imported(write_log(tmp_path / f"{name}.txt", header, twice))
        assert (report.samples, report.tests, report.events) == counts
        assert (report.rows, report.repeated, report.odd) == (2 * len(rows), len(rows), 0)


def test_a_zone_nobody_named_is_utc_and_is_told(tmp_path: Path) -> None:
    path = write_log(tmp_path / "log.txt", GNETTRACK_LOG, [gnettrack_second(0)])
    report = imported(path, zone=None)
    assert report.zone_assumed
    assert samples_of(report)[0].utc_us == EIGHT_IN_ALMATY_US + 5 * 3_600_000_000


@pytest.mark.parametrize(
    "time",
    ["0001.01.01_00.00.00", "1969.12.31_23.59.59", "1970.01.01_00.00.00", "1999.12.31_12.00.00",
     "9999.12.31_23.59.59", "9999999999999", "0", "tomorrow"],
)  # fmt: skip
def test_a_time_that_cannot_be_true_is_put_aside(tmp_path: Path, time: str) -> None:
    if time == "tomorrow":
        time = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y.%m.%d_%H.%M.%S")
    rows = [gnettrack_test(0, 43_000, 3_000, Timestamp=time), gnettrack_test(60, 43_000, 3_000)]
    report = imported(write_log(tmp_path / "t.txt", GNETTRACK_TESTS, rows))
    assert (report.samples, report.tests, report.odd) == (1, 1, 1)
    assert report.odd_path is not None
    assert "before 2000" in report.odd_path.read_text("utf-8")


def test_an_hour_that_came_twice_is_put_aside(tmp_path: Path) -> None:
    """Almaty set its clocks back at midnight of 1 March 2024."""
    times = ["2024.02.29_22.59.59", "2024.02.29_23.30.00", "2024.03.01_00.00.00"]
    rows = [gnettrack_second(0, Timestamp=time) for time in times]
    report = imported(write_log(tmp_path / "log.txt", GNETTRACK_LOG, rows))
    first, last = samples_of(report)
    assert last.utc_us - first.utc_us == 7_201_000_000
    assert report.odd == 1


@pytest.mark.realdata
def test_a_real_survey(shared_data: Path, tmp_path: Path) -> None:
    """Sizes are those of the files; nothing of it is missing and nothing twice."""
    survey_path = tmp_path / "orange.fsurvey"
    reports = [
        import_file(shared_data / "logs" / f"Orange_log{part}.txt", survey_path, target=TARGET,
                    zone="Africa/Dakar")
        for part in ("", "_datatest", "_events")
    ]  # fmt: skip
    assert [report.rows for report in reports] == [2625, 40, 554]
    for report in reports:
        assert report.odd == 0
    log, tests, events = reports
    assert log.samples + log.repeated == 2625
    assert (tests.tests, events.events) == (40, 554)
    with SurveyFile.open(survey_path, read_only=True) as survey:
        assert survey.check() == []
        found = list(survey.tests())
        summary = survey.summary()
    assert summary.refused_rows == 0
    failed = [test for test in found if test.measurement.outcome is Outcome.FAILED]
    assert len(failed) == summary.tally.no_service == 23
    assert all(test.measurement.cause is Cause.STALLED for test in failed)
    assert {test.judgement.verdict for test in found if test.judgement} == {Verdict.BELOW}
    assert max(t.judgement.compared_bps for t in found if t.judgement) < 50_000_000
