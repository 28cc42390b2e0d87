"""Columns say the same as the objects they are read around."""

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldsurvey.export import tables
from fieldsurvey.model.drive import EventKind
from fieldsurvey.model.throughput import Cause, Outcome, PhaseKind
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store import bulk, columns
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.store_values import (
    PLACE,
    a_drive,
    a_sample,
    a_spoiled_test,
    a_test,
    an_event,
)


@pytest.fixture
def survey(tmp_path: Path):
    with SurveyFile.create(tmp_path / "a.fsurvey") as opened:
        for drive_id in ("d1", "d2"):
            opened.begin_drive(a_drive(drive_id))
        opened.append("d1", samples=[a_sample(n) for n in range(5)])
        bare = dataclasses.replace(
            a_sample(7, Cause.NO_ROUTE), fix=None, fix_age_us=None, radio=None, place=None
        )
        opened.append("d2", samples=[a_sample(6), bare])
        opened.append("d2", events=[an_event(8, EventKind.DRIVE_RESUMED)], samples=[a_sample(9)])
        yield opened


def seconds(survey: SurveyFile) -> pl.DataFrame:
    return bulk.sample_frame(survey.path, list(columns.SAMPLE_COLUMNS), 10**12)


def results(survey: SurveyFile) -> pl.DataFrame:
    return bulk.test_frame(survey, list(columns.TEST_COLUMNS))


def test_samples(survey: SurveyFile) -> None:
    found = seconds(survey)
    assert len(found) == 8
    for row, sample in zip(found.iter_rows(named=True), survey.samples(), strict=True):
        assert row["utc_us"] == sample.utc_us
        assert row["mono_us"] == sample.mono_us
        assert row["reachable"] == sample.reachability.reachable
        assert row["cause"] == sample.reachability.cause
        assert row["round_trip_us"] == sample.reachability.round_trip_us
        assert row["fix_age_us"] == sample.fix_age_us
        fix, radio, place = sample.fix, sample.radio, sample.place
        assert row["fix_type"] == (fix and fix.fix_type)
        assert row["fix_flags"] == (None if fix is None else fix.flags)
        for name in (
            "latitude_deg",
            "longitude_deg",
            "altitude_m",
            "speed_mps",
            "heading_deg",
            "accuracy_m",
            "hdop",
            "satellites",
            "gnss_utc_us",
        ):
            assert row[name] == (fix and getattr(fix, name)), name
        for name in ("technology", "cell_id", "band", "rsrp_dbm", "rssi_dbm", "operator_name"):
            assert row[name] == (radio and getattr(radio, name)), name
        for field in dataclasses.fields(PLACE):
            assert row[field.name] == (place and getattr(place, field.name)), field.name


def test_types_and_indices(survey: SurveyFile) -> None:
    found = seconds(survey)
    assert found["seq"].to_list() == [3, 4, 5, 6, 7, 8, 9, 11]
    assert found["drive_index"].to_list() == [0] * 5 + [1] * 3
    assert found["run"].to_list() == [0] * 7 + [1]
    assert found["utc_us"].dtype == pl.Int64
    assert found["reachable"].dtype == pl.Boolean
    assert found["satellites"].dtype == found["latitude_deg"].dtype == pl.Float64


def test_some_columns(survey: SurveyFile) -> None:
    found = bulk.sample_frame(survey.path, ["seq", "cause"], 0)
    assert found.columns == ["seq", "cause"]
    assert found["cause"].to_list()[-3:] == [None, "no_route", None]


def test_tests(survey: SurveyFile) -> None:
    failed_download = a_test(40)
    idle, download = failed_download.measurement.phases
    measurement = dataclasses.replace(
        failed_download.measurement,
        outcome=Outcome.FAILED,
        cause=Cause.CUT_OFF,
        phases=(
            idle,
            dataclasses.replace(download, outcome=Outcome.FAILED, cause=Cause.CUT_OFF),
        ),
    )
    survey.append(
        "d1",
        tests=[
            a_test(10),
            a_test(20, Verdict.BELOW, start_place=None),
            a_spoiled_test(30, Outcome.FAILED, Cause.ENGINE),
            dataclasses.replace(failed_download, measurement=measurement, judgement=None),
        ],
    )
    found = results(survey)
    for row, test in zip(found.iter_rows(named=True), survey.tests(), strict=True):
        assert row["test_id"] == test.test_id
        assert row["trigger"] == test.trigger
        assert row["no_service"] == test.no_service
        assert row["wire_bytes"] == test.measurement.wire_bytes
        assert row["verdict"] == (test.judgement and test.judgement.verdict)
        assert row["target_bps"] == (test.judgement and test.judgement.target.rate_bps)
        assert row["start_highway_ref"] == (test.start_place and test.start_place.highway_ref)
        assert row["end_latitude_deg"] == (test.end_fix and test.end_fix.latitude_deg)
        phase = test.measurement.phase(PhaseKind.DOWNLOAD)
        assert row["download_bytes"] == (phase and phase.payload_bytes)
        assert row["download_outcome"] == (phase and phase.outcome)
        round_trips = row["idle_latency_us"]
        idle_phase = test.measurement.phase(PhaseKind.IDLE_LATENCY)
        assert (round_trips is None) == (idle_phase is None)
        if idle_phase is not None:
            assert tuple(np.frombuffer(round_trips, "<u4")) == idle_phase.round_trips_us
    # What a failed phase reached is no rate.
    assert found["download_bps"].to_list() == [118_000_000.0] * 2 + [None] * 2
    assert found["start_fix_age_us"].to_list()[0] == 0
    assert found["upload_bytes"].null_count() == len(found)


def test_names_are_those_of_the_export_tables() -> None:
    """Only ids, latencies and drive ids, which exports work out, are not taken as they are."""
    missing = set(tables.SAMPLE_COLUMNS) - set(columns.SAMPLE_COLUMNS)
    assert missing == {"drive_id"}
    missing = set(tables.TEST_COLUMNS) - set(columns.TEST_COLUMNS)
    assert {name for name in missing if "latency" not in name} == {"drive_id"}


def test_an_empty_survey(tmp_path: Path) -> None:
    with SurveyFile.create(tmp_path / "e.fsurvey") as empty:
        assert seconds(empty).shape == (0, len(columns.SAMPLE_COLUMNS))
        assert results(empty).shape == (0, len(columns.TEST_COLUMNS))
